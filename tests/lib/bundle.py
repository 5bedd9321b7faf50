# SPDX-License-Identifier: LGPL-2.1-or-later
"""An independent maker of bundles, good and evil, out of rpmbuild, rpmsign, openssl and the kernel's sign-file.

    recipe = Recipe(modules=[signed_module], functions=[[...]])
    make(keys, recipe, "out.rpm")
"""
import copy
import dataclasses
import functools
import hashlib
import json
import pathlib
import shutil
import struct
import tempfile

import modules as kernel_modules
from testkeys import run

STORE = "/usr/lib/suture"


@dataclasses.dataclass
class Recipe:
    """What a bundle is made of. Every default makes it good; `replace()` makes it evil in one place."""
    modules: list  # paths of signed modules
    functions: list  # of each module, as Module.functions
    builds: list = None  # of each module, what modules[].patches says; None: manifest of format 1
    name: str = "meminfo"
    version: str = "1"
    release: str = "1"
    kernel: dict = None  # release, arch, build_id, vermagic
    manifest: dict = dataclasses.field(default_factory=dict)  # members that replace the computed ones
    manifest_edit: object = None  # bytes -> bytes, after it was signed
    signer: str = "signer"
    key: str = "vendor"  # None: unsigned
    when: str = None  # gpg's faked time
    digest: str = "sha256"
    package: dict = dataclasses.field(default_factory=dict)  # name, version, release, arch, provides
    install: str = ""  # more of %install; $FOLDER is the bundle's folder in the build root
    listed: str = ""  # more of %files
    preamble: str = ""  # more tags of the spec
    sections: str = ""  # more sections of the spec, such as %post
    defines: dict = dataclasses.field(default_factory=dict)
    edit: object = None  # Package -> None, before signing
    sign_here: object = None  # (Package, keys) -> None, in the place of rpmsign

    def replace(self, **changes):
        return dataclasses.replace(copy.deepcopy(self), **changes)


@functools.lru_cache
def _build_id():
    return kernel_modules.build_id(kernel_modules.kernel()["VMLINUX"])


def default_kernel():
    """The identity of the test kernel."""
    return {"release": kernel_modules.kernel()["RELEASE"], "arch": "x86_64", "build_id": _build_id(), "vermagic": None}


def manifest_of(recipe):
    """manifest.json as a dict."""
    kernel = dict(recipe.kernel or default_kernel())
    entries = []
    for path, functions in zip(recipe.modules, recipe.functions):
        facts = kernel_modules.info(path)
        data = pathlib.Path(path).read_bytes()
        kernel["vermagic"] = kernel["vermagic"] or facts["vermagic"]
        entries.append({"file": pathlib.Path(path).name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
                        "build_id": facts["build_id"], "srcversion": facts.get("srcversion", ""),
                        "functions": functions})
    for entry, builds in zip(entries, recipe.builds or ()):
        entry["patches"] = builds
    manifest = {
        "format": 2 if recipe.builds else 1, "name": recipe.name, "version": recipe.version, "release": recipe.release,
        "summary": "Shows a line more in /proc/meminfo", "severity": "important", "advisory": "TEST-2026:1",
        "issued": "2026-01-02T03:04:05Z", "vulnerabilities": [{"id": "CVE-2026-0001", "status": "fixed"}],
        "kernel": kernel, "provider": "kernel", "consistency": "per-task",
        "stack": {"requires": [], "supersedes": [], "conflicts": [], "cumulative": False},
        "modules": entries, "toolchain": "gcc (Debian) 12", "sources": []}
    for key, value in recipe.manifest.items():
        manifest[key] = {**manifest[key], **value} if isinstance(value, dict) else value
    return manifest


def sign_manifest(keys, signer, manifest, signature):
    """A detached CMS signature in DER, by openssl."""
    run("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-signer", keys.certificate(signer),
        "-inkey", keys.private(signer), "-in", manifest, "-out", signature)


def sanitise(release):
    return "".join(c if c.isascii() and (c.isalnum() or c in "._+-") else "_" for c in release)


def provides_of(manifest):
    kernel = manifest["kernel"]
    fixed = [each["id"] for each in manifest["vulnerabilities"] if each["status"] == "fixed"]
    return [f"livepatch({kernel['release']})", f"livepatch(build-id:{kernel['build_id']})",
            *(f"livepatch(cve:{each})" for each in fixed)]


def _spec(recipe, manifest, staged, folder):
    package = {"name": f"livepatch-{sanitise(manifest['kernel']['release'])}-{recipe.name}",
               "version": recipe.version, "release": recipe.release, "arch": "x86_64",
               "provides": provides_of(manifest), **recipe.package}
    provides = "".join(f"Provides: {each}\n" for each in package["provides"])
    return f"""
Name: {package['name']}
Version: {package['version']}
Release: {package['release']}
Summary: test bundle
License: GPL-2.0-only
AutoReqProv: no
{provides}{recipe.preamble}
%description
test bundle
%install
FOLDER=%{{buildroot}}{folder}
mkdir -p $FOLDER
cp -p {staged}/* $FOLDER/
chmod 644 $FOLDER/*
{recipe.install}
%files
%defattr(-,root,root,-)
%dir {folder}
{folder}/*
{recipe.listed}
{recipe.sections}
"""


def _rpmbuild(recipe, manifest, staged, work, folder):
    spec = work / "bundle.spec"
    spec.write_text(_spec(recipe, manifest, staged, folder))
    defines = {"_topdir": work / "top", "_rpmdir": work / "out", "__os_install_post": "%{nil}",
               "_build_id_links": "none", "debug_package": "%{nil}", "__spec_install_pre": "%{___build_pre}",
               **recipe.defines}
    arguments = [part for key, value in defines.items() for part in ("--define", f"{key} {value}")]
    run("rpmbuild", "-bb", "--target", recipe.package.get("arch", "x86_64"), *arguments, spec)
    return next((work / "out").rglob("*.rpm"))


def sign_package(keys, path, key, digest="sha256", when=None):
    """rpmsign --addsign."""
    moment = f"--faked-system-time {when}!" if when else ""
    extra = f"--batch --no-tty --pinentry-mode loopback --passphrase '' {moment} --allow-weak-digest-algos"
    run("rpmsign", "--define", "__gpg /usr/bin/gpg", "--define", f"_gpg_path {keys.gpg_home}", "--define",
        f"_gpg_name {keys.fingerprint(key)}", "--define", f"_gpg_digest_algo {digest}", "--define",
        f"_gpg_sign_cmd_extra_args {extra}", "--addsign", path)


def make(keys, recipe, out):
    """Write the bundle; returns its path."""
    manifest = manifest_of(recipe)
    kernel = manifest["kernel"]["release"]
    folder = recipe.package.get("folder", f"{STORE}/{kernel}/{recipe.name}-{recipe.version}-{recipe.release}")
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        work = pathlib.Path(name)
        staged = work / "staged"
        staged.mkdir()
        for path in recipe.modules:
            shutil.copy(path, staged)
        document = staged / "manifest.json"
        document.write_text(json.dumps(manifest, indent=2) + "\n")
        sign_manifest(keys, recipe.signer, document, staged / "manifest.json.p7s")
        if recipe.manifest_edit:
            document.write_bytes(recipe.manifest_edit(document.read_bytes()))
        built = _rpmbuild(recipe, manifest, staged, work, folder)
        package = Package(built.read_bytes())
        if recipe.edit:
            recipe.edit(package)
            built.write_bytes(package.bytes())
        if recipe.sign_here:
            recipe.sign_here(package, keys)
            built.write_bytes(package.bytes())
        elif recipe.key:
            sign_package(keys, built, recipe.key, recipe.digest, recipe.when)
        shutil.copy(built, out)
    return pathlib.Path(out)


class Package:
    """The bytes of an RPM file, to be changed in ways that rpmbuild does not offer. Digests follow on bytes()."""

    def __init__(self, data):
        self.lead = data[:96]
        self.signatures = self._structure(data, 96)
        start = 96 + len(self.signatures)
        start += -start % 8
        self.header = bytearray(self._structure(data, start))
        self.payload_offset = start + len(self.header)
        self.header_offset = start
        self.payload = data[self.payload_offset:]
        self.digests = self._digests()

    def _digests(self):
        """What the signature header holds of header and payload."""
        header = bytes(self.header)
        return [hashlib.sha256(header).hexdigest().encode(), hashlib.sha1(header).hexdigest().encode(),
                hashlib.md5(header + self.payload).digest()]

    @staticmethod
    def _structure(data, offset):
        entries, size = struct.unpack(">II", data[offset + 8:offset + 16])
        return data[offset:offset + 16 + 16 * entries + size]

    def rename_tags(self, renamed):
        """Give header entries other tag numbers."""
        entries = struct.unpack(">I", self.header[8:12])[0]
        for position in range(16, 16 + 16 * entries, 16):
            tag = struct.unpack(">I", self.header[position:position + 4])[0]
            self.header[position:position + 4] = struct.pack(">I", renamed.get(tag, tag))

    def replace_in_payload(self, old, new):
        """Same-length change of an uncompressed payload; the digest in the header follows."""
        assert len(old) == len(new) and old in self.payload
        before = hashlib.sha256(self.payload).hexdigest().encode()
        self.payload = self.payload.replace(old, new)
        after = hashlib.sha256(self.payload).hexdigest().encode()
        assert before in self.header
        self.header = bytearray(bytes(self.header).replace(before, after))

    def signature(self, keys, key, payload=False):
        """An OpenPGP signature over the header, or header and payload."""
        data = bytes(self.header) + (self.payload if payload else b"")
        with tempfile.TemporaryDirectory(prefix="sign-") as work:
            pathlib.Path(work, "data").write_bytes(data)
            keys.gpg("--digest-algo", "sha256", "--local-user", keys.fingerprint(key), "--output", f"{work}/signature",
                     "--detach-sign", f"{work}/data")
            return pathlib.Path(work, "signature").read_bytes()

    def set_signatures(self, signatures):
        """A signature header with the right digests and @signatures (tag -> bytes, all of type BIN)."""
        digests = self._digests()
        entries = {tag: (7, len(data), data) for tag, data in signatures.items()}
        entries[269] = (6, 1, digests[1] + b"\0")
        entries[273] = (6, 1, digests[0] + b"\0")
        entries[1000] = (4, 1, struct.pack(">I", len(self.header) + len(self.payload)))
        entries[1004] = (7, 16, digests[2])
        index, data = b"", b""
        for tag, (kind, count, value) in sorted(entries.items()):
            data += b"\0" * (-len(data) % 4 if kind == 4 else 0)
            index += struct.pack(">IIII", tag, kind, len(data), count)
            data += value
        count = len(entries) + 1
        region = struct.pack(">IIII", 62, 7, len(data), 16)
        data += struct.pack(">IIiI", 62, 7, -16 * count, 16)
        self.signatures = (b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", count, len(data)) + region + index + data)
        self.digests = digests

    def bytes(self):
        signatures = self.signatures
        for before, after in zip(self.digests, self._digests()):
            assert before in signatures
            signatures = signatures.replace(before, after)
        return self.lead + signatures + b"\0" * (-(96 + len(signatures)) % 8) + bytes(self.header) + self.payload
