# SPDX-License-Identifier: LGPL-2.1-or-later
"""The catalogue of bundles that hosts must refuse, each wrong in one place, and of odd ones that they must take.

CASES names for each the reason code and exit code of its refusal; GOOD are accepted. All are for the kernel of the virtual
machine and are made by other people's tools the first time that a test asks for one.
"""
import concurrent.futures
import dataclasses
import fcntl
import functools
import hashlib
import json
import os
import shutil
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import bundle  # noqa: E402
import modules  # noqa: E402
import testkeys  # noqa: E402

UNTRUSTED, MISMATCH = 4, 5
FUTURE = "20360101T000000"
TAG_RSA_HEADER, TAG_SHA256_HEADER = 268, 273
OTHER_RELEASE = "6.1.0-11-cloud-amd64"
OTHER_BUILD_ID = "0123456789abcdef0123456789abcdef01234567"


@dataclasses.dataclass(frozen=True)
class Case:
    """reason, status: of the refusal by `suture verify`. changes: of the good recipe, or a function that returns them.
    bend: changes the finished file's bytes. alone: whether the host meets it as a file only, since `suture fetch` would not
    choose it."""
    reason: str = None
    status: int = UNTRUSTED
    changes: object = dataclasses.field(default_factory=dict)
    bend: object = None
    alone: bool = False


class Workshop:
    """Keys of its own, modules, and every case's package, in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.trust = self.folder / "trust"
        self.keys = testkeys.Keys(self.folder / "keys")

    def make(self):
        testkeys.copy(testkeys.shared().folder, self.keys.folder)
        shutil.copytree(self.keys.trust, self.trust)
        self._make_signers()
        self._make_modules()
        try:
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(self._make_package, {**CASES, **GOOD}))
        finally:
            self.keys.stop_agent()

    def _make_signers(self):
        self._certificate("plain", "ca")
        self._certificate("revoked", "ca", "codeSigning")
        testkeys.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "7300", "-subj", "/O=Test/CN=Test CA", "-keyout", self.keys.private("stranger-ca"),
                     "-out", self.keys.certificate("stranger-ca"), "-addext", "keyUsage=critical,keyCertSign")
        self._certificate("stranger", "stranger-ca", "codeSigning")
        self._revoke("revoked")

    def _make_modules(self):
        for name, key in (("good", "module"), ("swapped", "module"), ("unsigned", None), ("foreign", "other-module"),
                          ("sha1", "module"), ("other-release", "module")):
            self._make_module(name, key)
        changed = self.module("changed")
        changed.parent.mkdir()
        changed.write_bytes(self.module("good").read_bytes().replace(b"license=GPL\0", b"license=gpl\0"))

    def _certificate(self, name, authority, extended=None):
        extensions = self.folder / f"{name}.ext"
        lines = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                 "authorityKeyIdentifier=keyid"] + ([f"extendedKeyUsage={extended}"] if extended else [])
        extensions.write_text("\n".join(lines) + "\n")
        request = self.folder / f"{name}.csr"
        testkeys.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/O=Test/CN={name}", "-keyout", self.keys.private(name), "-out", request)
        testkeys.run("openssl", "x509", "-req", "-in", request, "-CA", self.keys.certificate(authority), "-CAkey",
                     self.keys.private(authority), "-CAcreateserial", "-days", "3650", "-sha256", "-extfile", extensions,
                     "-out", self.keys.certificate(name))

    def _revoke(self, name):
        """Make the CA's CRL, which all hosts of these tests have."""
        config = self.folder / "ca.conf"
        (self.folder / "index.txt").write_text("")
        (self.folder / "crlnumber").write_text("01\n")
        config.write_text(f"[ca]\ndefault_ca=it\n[it]\ndatabase={self.folder}/index.txt\ndefault_md=sha256\n"
                          f"crlnumber={self.folder}/crlnumber\ndefault_crl_days=3650\n")
        command = ["openssl", "ca", "-config", config, "-cert", self.keys.certificate("ca"), "-keyfile",
                   self.keys.private("ca")]
        testkeys.run(*command, "-revoke", self.keys.certificate(name))
        testkeys.run(*command, "-gencrl", "-out", self.trust / "cms-crl.pem")

    def _make_module(self, name, key):
        function = "version_proc_show" if name == "swapped" else "meminfo_proc_show"
        module = modules.Module("meminfo", (("vmlinux", ((function, 0),)),))
        target = self.module(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(modules.build([module])[0], target)
        if name == "other-release":
            release = bundle.default_kernel()["release"].encode()
            target.write_bytes(target.read_bytes().replace(b"vermagic=" + release, b"vermagic=" + OTHER_RELEASE.encode()))
        if key:
            modules.sign(target, self.keys.private(key), self.keys.certificate(key), "sha1" if name == "sha1" else "sha256")

    def module(self, name):
        """Variants of one module: good, swapped, unsigned, foreign, sha1, other-release, changed (after signing)."""
        return self.folder / "modules" / name / "meminfo.ko"

    def recipe(self, changes=()):
        good = bundle.Recipe(modules=[self.module("good")], functions=[modules.Module("meminfo").functions], version="2")
        return good.replace(**(changes(self) if callable(changes) else dict(changes)))

    def _make_package(self, name):
        case, path = {**CASES, **GOOD}[name], self.package(name)
        bundle.make(self.keys, self.recipe(case.changes), path)
        if case.bend:
            path.write_bytes(bytes(case.bend(bytearray(path.read_bytes()))))

    def package(self, name):
        """The RPM file of a case (also of GOOD)."""
        return self.folder / f"{name}.rpm"

    def target(self, name):
        """The custom data of the case's TUF target."""
        case = {**CASES, **GOOD}[name]
        manifest = bundle.manifest_of(self.recipe(case.changes))
        text = (json.dumps(manifest, indent=2) + "\n").encode()
        data = {"format": 1, "manifest_sha256": hashlib.sha256(text).hexdigest()}
        for member in ("name", "version", "release", "severity", "advisory", "issued", "vulnerabilities", "kernel",
                       "provider", "consistency", "stack"):
            data[member] = manifest[member]
        data["kernel"] = {key: value for key, value in manifest["kernel"].items() if key != "vermagic"}
        return {"suture": data}


@functools.lru_cache
def workshop():
    """The workshop that all tests of a build folder share: a copy of the one in the cache."""
    sources = [Path(module.__file__) for module in (bundle, modules, testkeys)] + [Path(__file__)]
    parts = [*sources, *testkeys.shared().public(), *modules.kernel().values(), *testkeys.tools()]
    build = Path(os.environ["SUTURE_BUILD_DIR"])
    with open(build / "evil.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = testkeys.store.entry("evil", parts, lambda folder: Workshop(folder).make())
        folder = build / made.name
        if not (folder / "complete").exists():
            for old in build.glob("evil-*"):
                shutil.rmtree(old)
            shutil.copytree(made, folder)
            (folder / "complete").touch()
    return Workshop(folder)


# Bending bytes of a finished package


def _entry(data, tag):
    """Offset of the value of a tag in the signature header."""
    count = struct.unpack(">I", data[104:108])[0]
    for position in range(112, 112 + 16 * count, 16):
        found, _, offset, _ = struct.unpack(">IIII", data[position:position + 16])
        if found == tag:
            return 112 + 16 * count + offset
    raise KeyError(tag)


def _flip(where):
    """A function that flips one bit at where(data, package)."""
    def bend(data):
        data[where(data, bundle.Package(bytes(data)))] ^= 1
        return data
    return bend


LEAD = _flip(lambda data, package: 20)
SIGNATURE = _flip(lambda data, package: _entry(data, TAG_RSA_HEADER) + 300)
SIGNATURE_PADDING = _flip(lambda data, package: package.header_offset - 1)
HEADER_DIGEST = _flip(lambda data, package: _entry(data, TAG_SHA256_HEADER))
HEADER = _flip(lambda data, package: package.payload_offset - 40)
PAYLOAD = _flip(lambda data, package: len(data) - 100)


def _dot_dot(package):
    """The payload's folder beside the store, in the same number of bytes."""
    folder = f"/{bundle.default_kernel()['release']}/meminfo-2-1".encode()
    package.replace_in_payload(folder, b"/../".ljust(len(folder), b"x"))


PLAIN_PAYLOAD = {"_binary_payload": "w.ufdio"}
OTHER_FUNCTIONS = [[{"object": "vmlinux", "name": "version_proc_show", "sympos": 0}]]


def _sign_as(signers):
    """Header signatures by tag and key, where rpmsign would add others."""
    return lambda package, keys: package.set_signatures({tag: package.signature(keys, key) for tag, key in signers.items()})


def _kernel(**changes):
    return {"kernel": {**bundle.default_kernel(), "vermagic": None, **changes}}


def _with_module(name):
    return lambda shop: {"modules": [shop.module(name)]}


CASES = {
    # the RPM's signature
    "unsigned": Case("rpm-unsigned", changes={"key": None}),
    "strange-key": Case("rpm-key-unknown", changes={"key": "stranger"}),
    "key-expired": Case("rpm-key-expired", changes={"key": "expired", "when": testkeys.LATE}),
    "made-in-future": Case("rpm-signature-future", changes={"when": FUTURE}),
    "key-compromised": Case("rpm-key-revoked", changes={"key": "compromised", "when": testkeys.EARLY}),
    "key-revoked-without-reason": Case("rpm-key-revoked", changes={"key": "unspecified", "when": testkeys.EARLY}),
    "key-retired-before": Case("rpm-key-revoked", changes={"key": "retired", "when": testkeys.LATE}),
    "sha1": Case("rpm-weak", changes={"digest": "sha1"}),
    "small-key": Case("rpm-weak", changes={"key": "weak"}),
    "no-payload-digest": Case("rpm-no-payload-digest", changes={
        "edit": lambda package: package.rename_tags({5092: 5992, 5097: 5997}), "sign_here": _sign_as({268: "vendor"})}),
    "two-signatures": Case("rpm-signatures", changes={"sign_here": _sign_as({267: "edwards", 268: "vendor"})}),
    "scriptlet": Case("rpm-scriptlet", changes={"sections": "%post\ntrue\n"}),
    # its bytes
    "lead-flipped": Case("rpm-lead", bend=LEAD),
    "signature-flipped": Case("rpm-signature", bend=SIGNATURE),
    "reserved-flipped": Case("rpm-reserved", bend=SIGNATURE_PADDING),
    "header-digest-flipped": Case("rpm-digest", bend=HEADER_DIGEST),
    "header-flipped": Case("rpm-signature", bend=HEADER),
    "payload-flipped": Case("rpm-digest", bend=PAYLOAD),
    "trailing-byte": Case("rpm-trailing", bend=lambda data: data + b"\n"),
    "cut-short": Case("rpm-malformed", bend=lambda data: data[:-1]),
    # the manifest
    "manifest-changed": Case("cms-signature", changes={
        "manifest_edit": lambda text: text.replace(b'"important"', b'"critical" ')}),
    "signer-without-purpose": Case("cms-purpose", changes={"signer": "plain"}),
    "signer-of-entitlements": Case("cms-purpose", changes={"signer": "entitlement"}),
    "signer-of-other-ca": Case("cms-chain", changes={"signer": "stranger"}),
    "signer-ended": Case("cms-expired", changes={"signer": "ended"}),
    "signer-revoked": Case("cms-revoked", changes={"signer": "revoked"}),
    # modules
    "module-swapped": Case("file-digest", changes=lambda shop: {
        "install": f"cp {shop.module('swapped')} $FOLDER/"}),
    "module-unsigned": Case("module-unsigned", changes=_with_module("unsigned")),
    "module-of-other-key": Case("module-key-unknown", changes=_with_module("foreign")),
    "module-weakly-signed": Case("module-signature-weak", changes=_with_module("sha1")),
    "module-changed": Case("module-signature", changes=_with_module("changed")),
    "module-of-other-kernel": Case("module-vermagic", MISMATCH, changes=_with_module("other-release")),
    # the payload
    "extra-file": Case("payload-extra", changes={"install": "echo hello >$FOLDER/readme"}),
    "extra-module": Case("payload-extra", changes={"install": "cp $FOLDER/meminfo.ko $FOLDER/other.ko"}),
    "symlink": Case("payload-type", changes={"install": "ln -s /etc/passwd $FOLDER/other.ko"}),
    "device": Case("payload-type", changes={"listed": "%dev(c,1,3) /usr/lib/suture/null"}),
    "dot-dot": Case("payload-path", changes={"defines": PLAIN_PAYLOAD, "edit": _dot_dot}),
    "file-elsewhere": Case("payload-path", changes={
        "install": "mkdir -p %{buildroot}/etc; echo hello >%{buildroot}/etc/evil", "listed": "/etc/evil"}),
    # the kernel
    "other-release": Case("kernel-release", MISMATCH, alone=True, changes=lambda shop: {
        **_kernel(release=OTHER_RELEASE), "modules": [shop.module("other-release")]}),
    "other-build-id": Case("kernel-build-id", MISMATCH, changes=_kernel(build_id=OTHER_BUILD_ID), alone=True),
    # what does not agree
    "header-name-differs": Case("disagree", changes={"package": {"name": "livepatch-other"}}),
    "header-provides-differ": Case("disagree", changes={"package": {"provides": ["livepatch(cve:CVE-2026-9999)"]}}),
    "module-differs-from-manifest": Case("disagree", changes={"functions": OTHER_FUNCTIONS}),
}

GOOD = {
    "good": Case(changes={"version": "1"}),
    "edwards-key": Case(changes={"key": "edwards"}),
    "signed-before-key-expired": Case(changes={"key": "expired", "when": testkeys.EARLY}),
    "signed-before-key-retired": Case(changes={"key": "retired", "when": testkeys.EARLY}),
    "signed-before-key-superseded": Case(changes={"key": "superseded", "when": testkeys.EARLY}),
}
