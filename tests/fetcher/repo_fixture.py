# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bundles made by other people's tools, and a repository over them made by the vendor's command."""
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import bundle as bundles  # noqa: E402
import modules  # noqa: E402
import testkeys  # noqa: E402
from lib.result import Result  # noqa: E402

BIN = pathlib.Path(os.environ["SUTURE_BIN"])
BUILD = pathlib.Path(os.environ["SUTURE_BUILD_DIR"])
VENDOR = BIN / "suture-vendor"
TUF_CLIENT = BIN / "suture-tuf-client"
ROLES = ("root", "targets", "snapshot", "timestamp")


def run(*command, at=None, environment=None, wrapper=(), **options):
    """Run a program; @at: a moment for faketime ("+4 days"), @wrapper: words before the command."""
    env = dict(os.environ, LC_ALL="C.UTF-8", **(environment or {}))
    if not environment or "SOURCE_DATE_EPOCH" not in environment:
        env.pop("SOURCE_DATE_EPOCH", None)
    if at:  # faketime's library comes before a sanitizer's
        env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
    if wrapper:  # strace: leaks cannot be looked for under another tracer
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    words = [*wrapper, *(["faketime", at] if at else []), *command]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, env=env, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def must(*command, **options):
    """run() of what has to succeed; its standard output."""
    result = run(*command, **options)
    assert result.status == 0, f"{command}: {result.stderr}{result.stdout}"
    return result.stdout


def release():
    """The test kernel's release."""
    return modules.kernel()["RELEASE"]


def plus_release():
    """Another release of the same length, with a '+', which URLs must escape."""
    return release().replace("-", "+", 1)


def _module(keys, folder, kernel):
    """A signed module for @kernel, which differs from the test kernel's release in one byte at most."""
    built = modules.build([modules.Module("meminfo")])[0]
    folder.mkdir(exist_ok=True)
    path = folder / "meminfo.ko"
    path.write_bytes(built.read_bytes().replace(f"vermagic={release()} ".encode(), f"vermagic={kernel} ".encode()))
    modules.sign(path, keys.private("module"), keys.certificate("module"))
    return path


def _make(folder):
    keys = testkeys.shared()
    plain = _module(keys, folder / "plain", release())
    plus = _module(keys, folder / "plus", plus_release())
    functions = [modules.Module("meminfo").functions]
    good = bundles.Recipe(modules=[plain], functions=functions)
    bundles.make(keys, good, folder / "meminfo-1-1.rpm")
    bundles.make(keys, good.replace(manifest={"summary": "Another file of the same name"}),
                 folder / "meminfo-1-1-other.rpm")
    bundles.make(keys, good.replace(version="2", manifest={
        "advisory": "TEST-2026:2", "severity": "critical",
        "vulnerabilities": [{"id": "CVE-2026-0002", "status": "fixed"},
                            {"id": "CVE-2026-0003", "status": "under_investigation"}]}), folder / "meminfo-2-1.rpm")
    bundles.make(keys, good.replace(key=None), folder / "unsigned.rpm")
    bundles.make(keys, good.replace(modules=[plus], kernel=dict(bundles.default_kernel(), release=plus_release())),
                 folder / "plus-1-1.rpm")


@functools.lru_cache
def packages():
    """Name to path of RPM files, made once for all tests of a build folder."""
    text = b"".join(pathlib.Path(each.__file__).read_bytes() for each in (bundles, modules, testkeys))
    text += pathlib.Path(__file__).read_bytes()
    folder = BUILD / f"test-repo-{hashlib.sha256(text).hexdigest()[:12]}"
    with open(BUILD / "test-repo.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for old in BUILD.glob("test-repo-*"):
                shutil.rmtree(old)
            folder.mkdir()
            _make(folder)
            (folder / "complete").touch()
    return {path.stem: path for path in folder.glob("*.rpm")}


class Repository:
    """A repository folder with its keys, driven by the vendor's command."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "repo"
        self.keys = pathlib.Path(folder) / "keys"
        self.public = self.folder / "public"
        self.metadata = self.public / "metadata"
        self.vendor = testkeys.shared()
        self.rpm_key = f"gpg:{self.vendor.fingerprint('vendor')}?homedir={self.vendor.gpg_home}"

    def key(self, name):
        """The path of a TUF key, made when first asked for."""
        path = self.keys / f"{name}.key"
        if not path.exists():
            self.keys.mkdir(parents=True, exist_ok=True)
            must(VENDOR, "key", "create", "--type", "tuf", "--out", self.keys / name)
        return path

    def run(self, command, *arguments, **options):
        """One subcommand of repo."""
        return run(VENDOR, "repo", command, self.folder, *arguments, **options)

    def must(self, command, *arguments, **options):
        result = self.run(command, *arguments, **options)
        assert result.status == 0, f"{command}: {result.stderr}"
        return result.stdout

    def key_options(self, **names):
        """--<role>-key for each role: its own key, or those named."""
        return [word for role in ROLES for name in names.get(role, [role])
                for word in (f"--{role}-key", self.key(name))]

    def init(self, *options, **names):
        return self.run("init", *self.key_options(**names), "--rpm-key", self.rpm_key, "--trust", self.vendor.trust,
                        *options)

    def json(self, command, *arguments):
        return json.loads(self.must(command, *arguments, "--json"))

    def document(self, name):
        """The "signed" object of a public metadata file."""
        return json.loads((self.metadata / name).read_bytes())["signed"]

    def roles(self):
        """Role of the newest snapshot to its "signed" object, walked from the public timestamp by hand."""
        entry = self.document("timestamp.json")["meta"]["snapshot.json"]
        file = f"{entry['version']}.snapshot.json"
        data = (self.metadata / file).read_bytes()
        assert entry["length"] == len(data) and entry["hashes"] == {"sha256": hashlib.sha256(data).hexdigest()}
        meta = self.document(file)["meta"]
        documents = {name.removesuffix(".json"): self.document(f"{entry['version']}.{name}")
                     for name, entry in meta.items()}
        for name, entry in meta.items():
            assert entry == {"version": documents[name.removesuffix(".json")]["version"]}
        delegated = {role["name"]: role for role in documents["targets"]["delegations"]["roles"]}
        assert set(documents) == {"targets", *delegated}
        for name, role in delegated.items():
            assert role["paths"] == [f"{name}/*"] and role["terminating"] is True
            assert all(path.startswith(f"{name}/") for path in documents[name]["targets"])
        return documents

    def targets(self):
        """Target path to entry, of all bundles."""
        return {path: entry for name, role in self.roles().items() if name != "targets"
                for path, entry in role["targets"].items()}

    def anchors(self):
        """Target path to entry, of the trust anchors."""
        return self.roles()["targets"]["targets"]

    def on_disk(self, path, entry):
        """Where a target stands below public/targets."""
        folder, name = path.split("/")
        return self.public / "targets" / folder / f"{entry['hashes']['sha256']}.{name}"

    def check_whole(self):
        """Every target that readers are led to is there, as long and with the digest that was signed."""
        targets = self.targets()
        for path, entry in {**targets, **self.anchors()}.items():
            data = self.on_disk(path, entry).read_bytes()
            assert len(data) == entry["length"]
            assert hashlib.sha256(data).hexdigest() == entry["hashes"]["sha256"]
        return sorted(targets)
