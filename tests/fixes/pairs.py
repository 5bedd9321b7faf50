# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two versions of Debian's source of a kernel, and what is had of them: the changes of each file, and a profile of the kernel that
was built from the older one. What is fetched and made stays in the cache."""
import contextlib
import filecmp
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
KEPT = (".c", ".h")
LEFT_OUT = ("Documentation", "samples", "tools")


class PairError(Exception):
    """A pair cannot be had; the text is one line."""


@dataclass(frozen=True)
class Pair:
    """The kernel was built from the source of version old; new is a later version of that source. each: no more fixes of a part of the
    kernel than so many; 0: as many as it gives."""
    release: str
    old: str
    new: str
    series: str = "6.1"
    each: int = 0

    @property
    def package(self):
        return f"linux-source-{self.series}"

    @property
    def name(self):
        return f"{self.old}_{self.new}"


WANTED = (Pair("6.1.0-47-cloud-amd64", "6.1.170-3", "6.1.176-1"), Pair("6.1.0-50-cloud-amd64", "6.1.176-1", "6.1.187-1"),
          Pair("6.12.115+deb12-cloud-amd64", "6.12.115-2~deb12u1", "6.12.117-1~deb12u1", "6.12", each=1))


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suture"


def run(arguments, what, **options):
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          **options)
    if done.returncode:
        raise PairError(f"{what}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout


def choose(versions, kernels, wanted=WANTED):
    """The pairs to use: those wanted, while the archive has them (or the cache has what is made of them), else the oldest ones.

    versions: of the source, oldest first. kernels: {version: release} of the kernels that were built from them. wanted: of one series.
    """
    found = [pair for pair in wanted if {pair.old, pair.new} <= set(versions) and kernels.get(pair.old) == pair.release]
    following = [replace(wanted[0], release=kernels[old], old=old, new=new) for old, new in zip(versions, versions[1:]) if old in kernels]
    return [*found, *(pair for pair in following if pair not in found)][:len(wanted)]


def in_archive(series):
    """(versions, kernels) as choose() takes them, from apt."""
    def versions_of(package):
        lines = run(["apt-cache", "madison", package], package).splitlines()
        return [line.split("|")[1].strip() for line in reversed(lines)]

    names = run(["apt-cache", "search", "--names-only", rf"^linux-image-{re.escape(series)}\.[0-9]+[-+][0-9a-z]+-cloud-amd64-unsigned$"], "apt-cache")
    kernels = {}
    for package in [line.split()[0] for line in names.splitlines()]:
        for version in versions_of(package):
            kernels[version] = package.removeprefix("linux-image-").removesuffix("-unsigned")
    return list(dict.fromkeys(versions_of(f"linux-source-{series}"))), kernels


def ready():
    """Those whose changes are in the cache."""
    return [pair for pair in WANTED if (folder(pair) / "done").exists()]


def pairs():
    found = []
    if len(ready()) == len(WANTED):
        return ready()
    for series in dict.fromkeys(pair.series for pair in WANTED):
        found += choose(*in_archive(series), [pair for pair in WANTED if pair.series == series])
    return found


def folder(pair):
    return cache() / "fixes" / pair.name


def download(package, version, where):
    """The .deb, which apt checks against the signed index."""
    have = sorted(where.glob(f"{package}_{version}_*.deb"))
    if not have:
        options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
        where.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "-qq", *options, "download", f"{package}={version}"], f"{package} {version}", cwd=where)
        have = sorted(where.glob(f"{package}_{version}_*.deb"))
    return have[0]


def unpack(deb, package, where):
    """The source's .c and .h files."""
    command = f'''dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/src/{package}.tar.xz | xz -dc |
        tar -x -C "$2" --strip-components=1 --no-same-owner --wildcards {" ".join(f"'*{end}'" for end in KEPT)}'''
    run(["bash", "-o", "pipefail", "-c", command, "unpack", deb, where], f"unpacking {deb.name}")


def diff(old, new, path):
    """The unified diff of one file."""
    done = subprocess.run(["diff", "-u", "-p", "--label", f"a/{path}", "--label", f"b/{path}", old / path, new / path],
                          capture_output=True)
    return done.stdout


def make_changes(old, new, target):
    """A diff in target, by its path and .diff, for each file that both have and that differs."""
    for path in sorted(p.relative_to(old) for p in old.rglob("*") if p.suffix in KEPT and p.is_file()):
        if path.parts[0] in LEFT_OUT or not (new / path).is_file() or filecmp.cmp(old / path, new / path, shallow=False):
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / f"{path}.diff").write_bytes(diff(old, new, path))


def changes(pair):
    """The folder of the changes, made when it is not there."""
    done = folder(pair) / "done"
    if done.exists():
        return folder(pair) / "changes"
    debs = cache() / "fixes/debs"
    packages = [download(pair.package, version, debs) for version in (pair.old, pair.new)]
    with tempfile.TemporaryDirectory(dir=cache() / "fixes") as work:
        trees = [Path(work) / name for name in ("old", "new")]
        for deb, tree in zip(packages, trees):
            tree.mkdir()
            unpack(deb, pair.package, tree)
        target = folder(pair) / "changes"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        make_changes(*trees, target)
    done.touch()
    return folder(pair) / "changes"


def outdated(store, release, known):
    """Ids of profiles of the release that are there and that the program does not take: another version of it made them."""
    for path in sorted(store.glob("*/profile.json")):
        with contextlib.suppress(OSError, json.JSONDecodeError):
            if json.loads(path.read_text())["release"] == release and path.parent.name not in known:
                yield path.parent.name


def profile(vendor, pair):
    """Import the kernel's profile where there is none that this program takes; returns the store."""
    store = cache() / "profiles"
    store.mkdir(parents=True, exist_ok=True)
    known = json.loads(run([vendor, "kernel", "list", "--profiles", store, "--json"], "kernel list"))["profiles"]
    if not any(entry["release"] == pair.release for entry in known):
        print(f"importing {pair.release}", flush=True)
        for name in outdated(store, pair.release, [entry["id"] for entry in known]):
            run([vendor, "kernel", "remove", "--profiles", store, name], "kernel remove")
        debs = cache() / "fixes/debs"
        common = pair.release.removesuffix("-cloud-amd64") + "-common"
        packages = [download(name, pair.old, debs) for name in
                    (pair.package, f"linux-headers-{common}", f"linux-headers-{pair.release}", f"linux-image-{pair.release}-unsigned")]
        run([vendor, "kernel", "import", "--profiles", store, *packages], "kernel import")
    return store
