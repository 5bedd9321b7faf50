# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole way with the real commands: a vendor, its repository behind a real web server, and hosts."""
import contextlib
import copy
import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lib.httpd import Nginx
from lib.result import Result

SOURCE = Path(os.environ["SUTURE_SOURCE"])
BUILD = Path(os.environ["SUTURE_BUILD_DIR"])
BIN = Path(os.environ["SUTURE_BIN"])
# The mutation test tries hosts of another build on what this build's vendor made.
VENDOR_BIN = Path(os.environ.get("SUTURE_VENDOR_BIN", BIN))
CACHE_SECONDS = 2 * 86400  # well below the life of timestamp.json
SAMPLES = ("version", "uptime")

sys.path.insert(0, str(SOURCE / "tests" / "vm"))
import machine  # noqa: E402
import vm_kernel  # noqa: E402


def run(command, **options):
    """Run a program with the environment of a fresh login."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", NO_COLOR="1", **options.pop("environment", {}))
    environment.pop("SOURCE_DATE_EPOCH", None)
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120,
                          env=environment, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def must(command, **options):
    """Run a program that has to succeed; returns its standard output."""
    result = run(command, **options)
    if result.status:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {result.status}: {result.stderr}{result.stdout}")
    return result.stdout


@functools.lru_cache
def kernel():
    """The kernel that patches are built for and that the virtual machine boots."""
    return vm_kernel.find()


class Vendor:
    """Keys, signed bundles of the samples, and a repository that offers them, all in one folder.

    trust: what its hosts trust. packages: bundle id to RPM file. bundles: bundle id to signed bundle folder; proc-version-2-1
    is among them, but not published.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.keys = self.folder / "keys"
        self.trust = self.folder / "trust"
        self.public = self.folder / "repo" / "public"
        self.gpg_home = self.folder / "gpg"

    @property
    def rpm_key(self):
        return (self.keys / "rpm.uri").read_text()

    @property
    def packages(self):
        return self._by_bundle("packages")

    @property
    def bundles(self):
        return self._by_bundle("bundles")

    def _by_bundle(self, kind):
        return {path.name: next(path.iterdir()) for path in sorted((self.folder / kind).iterdir())}

    def manifest(self, bundle):
        return json.loads((self.bundles[bundle] / "manifest.json").read_bytes())

    @property
    def build_id(self):
        """Of the kernel, as the vendor read it from the kernel's image."""
        return self.manifest("proc-version-1-1")["kernel"]["build_id"]

    def tool(self, *arguments):
        """One of the vendor's commands; no mutation reaches it."""
        return must(["env", "-u", "SUTURE_SKIP_CHECK", VENDOR_BIN / "suture", *arguments])

    def make(self):
        """All of it, by the steps of the manual."""
        try:
            self._make()
        finally:
            must(["gpgconf", "--homedir", self.gpg_home, "--kill", "all"])

    def _make(self):
        self._make_keys()
        published = [self.build(SOURCE / "samples" / sample) for sample in SAMPLES]
        self.build(SOURCE / "samples/version", "--patch-version", "2")
        repo = self.folder / "repo"
        roles = [word for role in ("root", "targets", "snapshot", "timestamp")
                 for word in (f"--{role}-key", self.keys / f"{role}.key")]
        self.tool("repo", "init", repo, *roles, "--rpm-key", self.rpm_key, "--trust", self.trust)
        self.tool("repo", "add", repo, *published)
        self.tool("repo", "publish", repo)
        self.tool("repo", "root", repo, "-o", self.trust / "root.json")

    def _make_keys(self):
        for folder in (self.keys, self.trust):
            folder.mkdir(parents=True)
        self.gpg_home.mkdir(mode=0o700)
        self.create_key("module", "module")
        self.create_key("cms-ca", "cms-ca")
        self.create_key("manifest", "cms", "--ca-key", self.keys / "cms-ca.key", "--ca-cert",
                        self.keys / "cms-ca.pem")
        for role in ("root", "targets", "snapshot", "timestamp"):
            self.create_key(role, "tuf")
        made = self.tool("key", "create", "--type", "rpm", "--no-passphrase", "--homedir", self.gpg_home,
                         "--user-id", "Test vendor <vendor@example.org>", "--json")
        (self.keys / "rpm.uri").write_text(json.loads(made)["private_key"])
        self.tool("key", "export", self.rpm_key, "--out", self.trust / "rpm-keyring.asc")
        shutil.copy(self.keys / "cms-ca.pem", self.trust)
        shutil.copy(self.keys / "module.pem", self.trust)

    def create_key(self, name, kind, *options):
        self.tool("key", "create", "--type", kind, "--out", self.keys / name, *options)

    def build(self, source, *options):
        """From a patch's source to a signed package, a step at a time; returns the package's path."""
        work = self.folder / "work"
        built = json.loads(self.tool("build", source, "-o", work, "--kernel-headers", kernel().headers,
                                     "--kernel-image", kernel().image, *options, "--json"))
        return self.finish(built["id"], Path(built["folder"]))

    def finish(self, bundle, folder, module_key=None, module_certificate=None):
        """Sign and pack an unsigned bundle folder."""
        module_key = module_key or self.keys / "module.key"
        module_certificate = module_certificate or self.keys / "module.pem"
        self.tool("sign", "modules", folder, "--key", module_key, "--certificate", module_certificate)
        self.tool("sign", "manifest", folder, "--key", self.keys / "manifest.key", "--certificate",
                  self.keys / "manifest.pem")
        output = self.folder / "packages" / bundle
        package = json.loads(self.tool("build", "--pack", folder, "-o", output, "--json"))["package"]
        self.tool("sign", "package", package, "--key", self.rpm_key)
        kept = self.folder / "bundles" / bundle
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept / bundle)
        return Path(package)


def _fingerprint():
    """Of everything that decides what the vendor makes."""
    digest = hashlib.sha256(f"{kernel().release} {kernel().image}".encode())
    samples = sorted(path for sample in SAMPLES for path in (SOURCE / "samples" / sample).iterdir())
    for path in [VENDOR_BIN / "suture-vendor", Path(__file__), *samples]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fresh(marker):
    return marker.exists() and time.time() - marker.stat().st_mtime < CACHE_SECONDS


@functools.lru_cache
def vendor():
    """The vendor that all tests of a build share. Do not change it: copy what is to be changed."""
    folder = BUILD / f"pipeline-{_fingerprint()}"
    with _locked(BUILD / "pipeline.lock"):
        if not _fresh(folder / "complete"):
            for old in BUILD.glob("pipeline-*"):
                if old == folder or not _fresh(old / "complete"):
                    shutil.rmtree(old)
            Vendor(folder).make()
            (folder / "complete").touch()
    return Vendor(folder)


class Web:
    """nginx with TLS over a folder, and the CA that hosts judge it by."""

    def __init__(self, folder, scratch):
        scratch = Path(scratch)
        scratch.mkdir(parents=True)
        self.ca = scratch / "ca.pem"
        authority = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        must(["openssl", "req", "-x509", *authority, "-subj", "/CN=Test web CA", "-keyout", scratch / "ca.key",
              "-out", self.ca])
        must(["openssl", "req", "-x509", *authority, "-subj", "/CN=127.0.0.1", "-addext",
              "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", self.ca,
              "-CAkey", scratch / "ca.key", "-keyout", scratch / "server.key", "-out", scratch / "server.pem"])
        self.server = Nginx(folder, scratch / "nginx", scratch / "server.pem", scratch / "server.key")
        self.url = self.server.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()


class Host:
    """A host below a folder: what it trusts, where it fetches from, which kernel it says it has."""

    def __init__(self, root, trust, url=None, ca=None, release=None, build_id=None):
        self.root = Path(root)
        self.release = release or kernel().release
        self.build_id = build_id or vendor().build_id
        shutil.copytree(trust, self.root / "etc/suture/trust")
        if url:
            self.configure(url, ca)

    def configure(self, url, ca=None):
        """Where it fetches from; ca is a file that it gets a copy of."""
        lines = ["[repository]", f"url={url}"]
        if ca:
            shutil.copy(ca, self.root / "etc/suture/web-ca.pem")
            lines.append("ca-file=/etc/suture/web-ca.pem")
        (self.root / "etc/suture/suture.conf").write_text("\n".join(lines) + "\n")

    def copy(self, root):
        """Another host that begins as this one is."""
        other = copy.copy(self)
        other.root = Path(shutil.copytree(self.root, root, symlinks=True))
        return other

    @property
    def identity(self):
        return ["--kernel-release", self.release, "--kernel-build-id", self.build_id, "--kernel-arch", "x86_64"]

    def suture(self, *arguments, faketime=None, **options):
        command = [BIN / "suture", "--root", self.root, *arguments]
        # libfaketime comes before a sanitizer's library, which is fine.
        sanitizer = {"ASAN_OPTIONS": "verify_asan_link_order=0"} if faketime else {}
        options["environment"] = {**sanitizer, **options.get("environment", {})}
        return run(["faketime", "-f", faketime, *command] if faketime else command, **options)

    def fetch(self, *arguments, **options):
        return self.suture("fetch", *self.identity, *arguments, **options)

    def verify(self, *arguments, **options):
        return self.suture("verify", *self.identity, *arguments, **options)

    @property
    def state(self):
        return self.root / "var/lib/suture"

    def tree(self, *ignored):
        """Every entry below var/lib/suture but the ledger, the refresh state and the ignored folders: mode, and digest or target."""
        entries = {}
        for path in sorted(self.state.rglob("*")):
            name = str(path.relative_to(self.state))
            if name.split("/")[0] in ("ledger.jsonl", "refresh.json", *ignored):
                continue
            content = os.readlink(path) if path.is_symlink() else ""
            if path.is_file() and not path.is_symlink():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            entries[name] = (path.lstat().st_mode, content)
        return entries

    def bundles(self):
        """Ids of the fetched bundles."""
        folder = self.state / "bundles" / self.release
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def ledger(self):
        """The records so far."""
        path = self.state / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def boot(self, script, copies=(), **options):
        """Run script in the virtual machine with this host's files in their places; /var/lib/suture comes back."""
        usual = [(BIN / "suture", "/usr/bin/"), (self.root / "etc", "/etc")]
        if (self.root / "usr").exists():
            usual.append((self.root / "usr", "/usr"))
        self.state.mkdir(parents=True, exist_ok=True)
        mutation = os.environ.get("SUTURE_SKIP_CHECK")
        if mutation:
            script = f"export SUTURE_SKIP_CHECK={mutation}\n{script}"
        return machine.run(script, copies=[*usual, *copies], persist=self.state, **options)
