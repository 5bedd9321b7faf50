# SPDX-License-Identifier: LGPL-2.1-or-later
"""A repository of many bundles without their packages: records and pieces of rpm-md as `suture repo add` writes them, each made from a real one."""
import gzip
import hashlib
import json
import os
import random
import re
import shutil
from pathlib import Path

from lib import pipeline

PIECES = ("bundle.json", "primary.xml", "filelists.xml", "other.xml")
SAMPLE = "proc-version-1-1"
WORDS = ("netfilter", "vsock", "io_uring", "ext4", "udp", "bpf", "futex", "tty", "af_packet", "xfrm", "cgroup", "nfsd", "ksmbd", "tls", "fq", "ipv6",
         "pipe", "keys", "perf", "kvm")
FAULTS = ("use after free", "out-of-bounds write", "double free", "reference count leak", "race", "missing check", "integer overflow")
PLACES = ("when a socket is closed", "in the transmit path", "on a failed allocation", "of a length from user space", "when a namespace goes away",
          "between release and lookup", "in error handling")
SEVERITIES = ("low", "moderate", "important", "critical")


def releases(count):
    """The test kernel's release first, then made-up ones."""
    real = pipeline.kernel().release
    forms = ("5.10.0-{}-amd64", "6.1.0-{}-amd64", "6.1.0-{}-cloud-amd64", "6.1.0-{}-rt-amd64", "6.12.{}+deb13-amd64")
    made = [form.format(number) for number in range(1, count // len(forms) + 2) for form in forms]
    return [real, *(release for release in made if release != real)][:count]


def _hex(*words, digits=64):
    return hashlib.sha256(" ".join(map(str, words)).encode()).hexdigest()[:digits]


def build_id(kernel):
    """Of a made-up kernel."""
    return _hex("build", kernel, digits=40)


class Fix:
    """What every kernel's bundle of one fix has in common."""

    def __init__(self, number):
        chance = random.Random(number)
        word = chance.choice(WORDS)
        self.name = f"{word.replace('_', '-')}-{number}"
        self.cve = f"CVE-2026-{10000 + number}"
        self.advisory = f"EXAMPLE-2026-{number:04}"
        self.severity = chance.choice(SEVERITIES)
        self.summary = f"{word}: {chance.choice(FAULTS)} {chance.choice(PLACES)}"


class Template:
    """The pieces of a published bundle of the test vendor."""

    def __init__(self, vendor):
        folder = vendor.folder / "repo/state/bundles" / pipeline.kernel().release / SAMPLE
        self.package = folder / "package.rpm"
        self.pieces = {name: (folder / name).read_text() for name in PIECES}
        record = json.loads(self.pieces["bundle.json"])
        patch = record["custom"]["suture"]
        self.old = {
            "kernel": record["kernel"], "build_id": patch["kernel"]["build_id"], "name": patch["name"], "module": patch["name"].replace("-", "_"),
            "advisory": patch["advisory"], "severity": patch["severity"], "summary": record["summary"], "cve": patch["vulnerabilities"][0]["id"],
            "sha256": record["sha256"], "manifest": patch["manifest_sha256"],
        }
        assert all(text in "".join(self.pieces.values()) for text in self.old.values())
        self.pattern = re.compile("|".join(sorted(map(re.escape, self.old.values()), key=len, reverse=True)))

    def fill(self, kernel, fix):
        """Piece to text."""
        new = {"kernel": kernel, "build_id": build_id(kernel), "name": fix.name, "module": fix.name.replace("-", "_"),
               "advisory": fix.advisory, "severity": fix.severity, "summary": fix.summary, "cve": fix.cve,
               "sha256": _hex("package", kernel, fix.name), "manifest": _hex("manifest", kernel, fix.name)}
        if kernel == self.old["kernel"]:
            new["build_id"] = self.old["build_id"]
        change = {text: new[what] for what, text in self.old.items()}
        return {name: self.pattern.sub(lambda found: change[found[0]], text) for name, text in self.pieces.items()}


def _bundles(template, count, kernels):
    """(kernel, fix, pieces) of each bundle; each kernel has as many."""
    names = releases(kernels)
    for number in range(count // kernels):
        fix = Fix(number)
        for kernel in names:
            yield kernel, fix, template.fill(kernel, fix)


def fill_shelf(template, shelf, count, kernels):
    """Puts so many bundles on the shelf (state/bundles) of a repository; all have one package file."""
    package = Path(shelf) / "../package"
    shutil.copy(template.package, package)
    for kernel, fix, pieces in _bundles(template, count, kernels):
        folder = f"{shelf}/{kernel}/{fix.name}-1-1"
        os.makedirs(folder)
        os.link(package, f"{folder}/package.rpm")
        for name, text in pieces.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
    package.unlink()


class FlatIndex:
    """One folder with the packages of all kernels, and one rpm-md index of them: the same pieces, elsewhere.

    Every package is a link to one file, of the size and the time that the index says: what `createrepo_c --update` looks at.
    """

    def __init__(self, template, folder, count, kernels):
        self.folder = Path(folder)
        self.repodata = self.folder / "repodata"
        self.repodata.mkdir(parents=True)
        package = self.folder / "package"
        shutil.copy(template.package, package)
        time = int(re.search(r'<time file="(\d+)"', template.pieces["primary.xml"])[1])
        os.utime(package, (time, time))
        bodies = {"primary": [], "filelists": [], "other": []}
        for kernel, fix, pieces in _bundles(template, count, kernels):
            file = f"livepatch-{kernel}-{fix.name}-1-1.x86_64.rpm"
            os.makedirs(self.folder / kernel, exist_ok=True)
            os.link(package, self.folder / kernel / file)
            for kind, body in bodies.items():
                body.append(re.sub(r'<location href="[^"]*"', f'<location href="{kernel}/{file}"', pieces[f"{kind}.xml"]))
        package.unlink()
        self._write(bodies, count, time)

    def _write(self, bodies, count, time):
        roots = {"primary": ("metadata", "common"), "filelists": ("filelists", "filelists"), "other": ("otherdata", "other")}
        listed = ""
        for kind, (element, space) in roots.items():
            more = ' xmlns:rpm="http://linux.duke.edu/metadata/rpm"' if kind == "primary" else ""
            text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} xmlns="http://linux.duke.edu/metadata/{space}"{more} packages="{count}">\n'
                    f'{"".join(bodies[kind])}</{element}>\n').encode()
            data = gzip.compress(text, mtime=0)
            digest = hashlib.sha256(data).hexdigest()
            (self.repodata / f"{digest}-{kind}.xml.gz").write_bytes(data)
            listed += (f'<data type="{kind}"><checksum type="sha256">{digest}</checksum><open-checksum type="sha256">{hashlib.sha256(text).hexdigest()}'
                       f'</open-checksum><location href="repodata/{digest}-{kind}.xml.gz"/><timestamp>{time}</timestamp><size>{len(data)}</size>'
                       f"<open-size>{len(text)}</open-size></data>\n")
        (self.repodata / "repomd.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo" '
                                                  f'xmlns:rpm="http://linux.duke.edu/metadata/rpm"><revision>{time}</revision>\n{listed}</repomd>\n')

    def add(self, package):
        """One more package, a real one."""
        shutil.copy(package, self.folder / pipeline.kernel().release)

    def write_list(self, path):
        """For --pkglist, sorted: createrepo_c 0.17 sorts by insertion, which takes minutes for so many in any other order."""
        found = [(name, kernel) for kernel in os.listdir(self.folder) if kernel != "repodata" for name in os.listdir(self.folder / kernel)]
        Path(path).write_text("".join(f"{kernel}/{name}\n" for name, kernel in sorted(found)), encoding="utf-8")

    def size(self):
        return sum(path.stat().st_size for path in self.repodata.iterdir())
