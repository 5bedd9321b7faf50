# SPDX-License-Identifier: LGPL-2.1-or-later
"""A repository of several kernels by an independent writer, rpm-md and all, and mirrors of it."""
import gzip
import hashlib
import os
import pathlib
import re
import subprocess
import sys
from xml.sax.saxutils import quoteattr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import testkeys  # noqa: E402
from lib.result import Result  # noqa: E402
from lib.tufrepo import Repo  # noqa: E402

BIN = pathlib.Path(os.environ["SUTURE_BIN"])
KERNELS = ("6.1.0-1-amd64", "6.6.0-2-amd64")
KEYRING = "trust/rpm-keyring.asc"


def suture(*words, wrapper=(), **options):
    """Runs suture; @wrapper: words before the command."""
    env = dict(os.environ, LC_ALL="C.UTF-8")
    if wrapper:  # strace, faketime
        env["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0"
    done = subprocess.run([str(word) for word in [*wrapper, BIN / "suture", *words]], capture_output=True, text=True,
                          timeout=120, env=env, check=False, **options)
    return Result(done.returncode, done.stdout, done.stderr)


class Upstream(Repo):
    """A role for each kernel; packages are any bytes, which rpm-md describes."""

    def __init__(self, folder, kernels=KERNELS, packages=2, size=1000):
        super().__init__(folder)
        self.keys = testkeys.shared()
        self.add_target(KEYRING, (self.keys.trust / "rpm-keyring.asc").read_bytes())
        for kernel in kernels:
            self.add_kernel(kernel)
            for number in range(packages):
                self.add_package(kernel, f"patch-{number}.rpm", size)
        self.publish()

    def add_kernel(self, kernel):
        self.delegate("targets", kernel, [f"{kernel}/*"], terminating=True)

    def add_package(self, kernel, name, size=1000, salt=b""):
        """Bytes that no compression makes smaller, the same each time."""
        seed = hashlib.sha256(f"{kernel} {name}".encode() + salt).digest()
        data = b"".join(hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(size // 32 + 1))[:size]
        self.add_target(f"{kernel}/{name}", data, role=kernel)

    def remove_package(self, kernel, name):
        del self.signed[kernel]["targets"][f"{kernel}/{name}"]

    def publish(self, *roles):
        """A new version of @roles, all of them by default, with the rpm-md of each kernel among them."""
        roles = roles or ("targets", *self.delegated())
        for role in roles:
            if role != "targets":
                self.write_rpm_md(role)
        self.bump(*roles)

    def packages_of(self, kernel):
        """Path below targets/ to entry, as stored."""
        return {os.path.relpath(self.target_file(name, kernel), self.targets): entry
                for name, entry in self.signed[kernel]["targets"].items()}

    def write_rpm_md(self, kernel, packages=None, sign_by="vendor", **changes):
        """repodata of @kernel; @changes: what repomd.xml says instead, by type."""
        folder = pathlib.Path(self.targets) / kernel / "repodata"
        folder.mkdir(parents=True, exist_ok=True)
        packages = self.packages_of(kernel) if packages is None else packages
        body = "".join(f'<package type="rpm"><name>patch-{index}</name><arch>x86_64</arch><version epoch="0" ver="1" rel="1"/>'
                       f'<checksum type="sha256" pkgid="YES">'
                       f'{entry["hashes"]["sha256"]}</checksum><time file="1" build="1"/><size package="{entry["length"]}"/>'
                       f"<location href={quoteattr(os.path.relpath(path, kernel))}/></package>"
                       for index, (path, entry) in enumerate(sorted(packages.items())))
        documents = {
            "primary": f'<metadata xmlns="http://linux.duke.edu/metadata/common" packages="{len(packages)}">{body}</metadata>',
            "filelists": '<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="0"/>',
        }
        listed = ""
        for kind, text in documents.items():
            data = gzip.compress(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode(), mtime=0)
            digest = hashlib.sha256(data).hexdigest()
            (folder / f"{digest}-{kind}.xml.gz").write_bytes(data)
            href = f"repodata/{digest}-{kind}.xml.gz"
            listed += changes.get(kind) or (
                f'<data type="{kind}"><checksum type="sha256">{digest}</checksum><location href="{href}"/>'
                f"<size>{len(data)}</size></data>")
        (folder / "repomd.xml").write_text('<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/'
                                           f'metadata/repo"><revision>1</revision>{listed}</repomd>\n')
        self.keys.gpg("--local-user", self.keys.fingerprint(sign_by), "--armor", "--detach-sign", "--yes", "--output",
                      folder / "repomd.xml.asc", folder / "repomd.xml")

    def served(self):
        """Every path that a mirror of all of it serves -> bytes. Its folder holds old versions as well."""
        names = {f"metadata/{version}.root.json" for version in range(1, self.signed["root"]["version"] + 1)}
        names |= {f"metadata/{self.file_name(role)}" for role in self.signed}
        for role in ("targets", *self.delegated()):
            names |= {os.path.relpath(self.target_file(name, role), self.folder) for name in self.signed[role]["targets"]}
        for kernel in self.delegated():
            repodata = pathlib.Path(self.targets) / kernel / "repodata"
            if (repodata / "repomd.xml").exists():
                hrefs = re.findall(r'location href="([^"]+)"', (repodata / "repomd.xml").read_text())
                names |= {f"targets/{kernel}/{href}" for href in [*hrefs, "repodata/repomd.xml", "repodata/repomd.xml.asc"]}
        served = {name: (pathlib.Path(self.folder) / name).read_bytes() for name in names}
        return served | {"RPM-GPG-KEY-suture": (self.keys.trust / "rpm-keyring.asc").read_bytes()}


class Mirror:
    """A mirror in a folder, driven by the command."""

    def __init__(self, folder, root=None):
        self.folder = pathlib.Path(folder)
        self.root = root

    def run(self, command, *words, **options):
        return suture("mirror", command, *words, **options)

    def sync(self, url, *words, **options):
        trust = ["--trusted-root", self.root] if self.root else []
        return self.run("sync", url, self.folder, *trust, *words, "--json", **options)

    def served(self):
        """Every path that a web server over the mirror serves -> bytes."""
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(self.folder.rglob("*"))
                if path.is_file() and ".state" not in path.parts}


def serve(folder, port_server=None):
    """A file URL; most tests need no web server."""
    return f"file://{folder}"


def initial_root(upstream, folder):
    """The publisher's first root.json, as an administrator would have it."""
    path = pathlib.Path(folder) / "root.json"
    path.write_bytes((pathlib.Path(upstream.metadata) / "1.root.json").read_bytes())
    return path
