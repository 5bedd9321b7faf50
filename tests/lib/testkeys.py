# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys for tests, made by gpg and openssl once on this machine, and the trust folder that goes with them.

Independent of the signer: what the tests accept or refuse was made by other people's tools.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))
import vm_store as store  # noqa: E402

# Frozen moments for what must happen before or after an expiry or a revocation.
CREATED = "20240101T000000"
NEXT_DAY = "20240102T000000"
EARLY = "20240601T000000"
ENDED = "20250101T000000"
LATE = "20250601T000000"


def run(*argv, **options):
    """Run a program; raise with what it said when it fails."""
    done = subprocess.run([str(each) for each in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode:
        raise RuntimeError(f"{argv}: {done.stderr.decode(errors='replace')}{done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


class Keys:
    """Paths and names in a folder made by ensure()."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.gpg_home = self.folder / "gpg"
        self.trust = self.folder / "trust"
        self.ca = self.folder / "ca"

    def fingerprint(self, name):
        """Of the OpenPGP key called @name."""
        return (self.folder / f"{name}.fpr").read_text().strip()

    def certificate(self, name):
        """Of a CMS signer or the module key."""
        return self.ca / f"{name}.pem"

    def private(self, name):
        return self.ca / f"{name}.key"

    def gpg(self, *arguments, when=None, home=None, **options):
        moment = ["--faked-system-time", f"{when}!"] if when else []
        return run("gpg", "--homedir", home or self.gpg_home, "--batch", "--no-tty", "--quiet", "--pinentry-mode",
                   "loopback", "--passphrase", "", *moment, *arguments, **options)

    def public(self):
        """The files that tell these keys from others."""
        return sorted([*self.trust.iterdir(), *self.folder.glob("*.fpr"), *self.ca.glob("*.pem")])

    def stop_agent(self):
        subprocess.run(["gpgconf", "--homedir", str(self.gpg_home), "--kill", "gpg-agent"], check=False)


def _openpgp_key(keys, name, kind, when=CREATED):
    keys.gpg("--quick-gen-key", f"{name} <{name}@example.org>", kind, "sign", "never", when=when)
    listing = keys.gpg("--with-colons", "--list-keys", f"{name}@example.org")
    fingerprint = [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")][0]
    (keys.folder / f"{name}.fpr").write_text(fingerprint + "\n")


def _public(keys, name, expire=None, revoke=None):
    """The armoured key; with an expiry or a revocation (reason digit) that the signing home does not know of."""
    armored = keys.gpg("--armor", "--export", keys.fingerprint(name))
    if expire:
        keys.gpg("--quick-set-expire", keys.fingerprint(name), "20250101T000000", when=NEXT_DAY)
        armored = keys.gpg("--armor", "--export", keys.fingerprint(name))
        keys.gpg("--quick-set-expire", keys.fingerprint(name), "never", when=EARLY)
    if revoke is not None:
        certificate = run("gpg", "--homedir", keys.gpg_home, "--no-tty", "--quiet", "--pinentry-mode", "loopback",
                          "--passphrase", "", "--faked-system-time", f"{ENDED}!", "--command-fd", "0", "--gen-revoke",
                          keys.fingerprint(name), input=f"y\n{revoke}\n\ny\n".encode())
        with tempfile.TemporaryDirectory(prefix="sgpg-") as home:
            for part in (armored, certificate):
                keys.gpg("--import", home=home, input=part.encode())
            armored = keys.gpg("--armor", "--export", home=home)
    return armored


def _openpgp(keys):
    for name in ("vendor", "stranger", "expired", "compromised", "unspecified", "retired", "superseded"):
        _openpgp_key(keys, name, "rsa3072")
    _openpgp_key(keys, "weak", "rsa2048")
    _openpgp_key(keys, "edwards", "ed25519")
    ring = [_public(keys, "vendor"), _public(keys, "weak"), _public(keys, "edwards"),
            _public(keys, "expired", expire=True), _public(keys, "unspecified", revoke=0),
            _public(keys, "compromised", revoke=1), _public(keys, "superseded", revoke=2),
            _public(keys, "retired", revoke=3)]
    (keys.trust / "rpm-keyring.asc").write_text("".join(ring))
    (keys.folder / "stranger.asc").write_text(_public(keys, "stranger"))


def _certificate(keys, name, usage, extended=None, days="3650", start=None):
    """A certificate for @name by the CA."""
    key, request, pem = keys.private(name), keys.ca / f"{name}.csr", keys.certificate(name)
    extensions = keys.ca / f"{name}.ext"
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    run("openssl", "req", "-new", "-key", key, "-subj", f"/O=Test/CN={name}", "-out", request)
    lines = ["basicConstraints=critical,CA:FALSE", f"keyUsage=critical,{usage}", "subjectKeyIdentifier=hash",
             "authorityKeyIdentifier=keyid"]
    extensions.write_text("\n".join(lines + ([f"extendedKeyUsage={extended}"] if extended else [])) + "\n")
    command = ["openssl", "x509", "-req", "-in", request, "-CA", keys.certificate("ca"), "-CAkey", keys.private("ca"),
               "-CAcreateserial", "-days", days, "-sha256", "-extfile", extensions, "-out", pem]
    run(*(["faketime", start] if start else []), *command)


def _x509(keys):
    keys.ca.mkdir(mode=0o700)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7300",
        "-subj", "/O=Test/CN=Test CA", "-keyout", keys.private("ca"), "-out", keys.certificate("ca"),
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _certificate(keys, "signer", "digitalSignature", "codeSigning")
    _certificate(keys, "entitlement", "digitalSignature,keyEncipherment", "clientAuth")
    _certificate(keys, "ended", "digitalSignature", "codeSigning", days="30", start="2024-01-01 00:00:00")
    for name in ("module", "other-module"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7300", "-sha256",
            "-subj", f"/O=Test/CN=Test {name} key", "-keyout", keys.private(name), "-out", keys.certificate(name),
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature",
            "-addext", "subjectKeyIdentifier=hash")
    (keys.trust / "cms-ca.pem").write_bytes(keys.certificate("ca").read_bytes())
    (keys.trust / "module.pem").write_bytes(keys.certificate("module").read_bytes())


def tools():
    """The versions of what makes keys and bundles: others make others."""
    commands = (("openssl", "version"), *((name, "--version") for name in ("gpg", "rpmbuild", "rpmsign")))
    return [run(*command).splitlines()[0] for command in commands]


def _make(folder):
    keys = Keys(folder)
    keys.trust.mkdir()
    keys.gpg_home.mkdir(mode=0o700)
    try:
        _openpgp(keys)
    finally:
        keys.stop_agent()
    _x509(keys)


def copy(source, target):
    """A folder with keys again, without what a running agent has in it."""
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("S.*", "*.lock", ".lock", ".#*"))


def ensure(folder):
    """The keys in @folder, made if they are not there; several processes may ask at once."""
    keys = Keys(folder)
    keys.folder.mkdir(parents=True, exist_ok=True)
    with open(keys.folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (keys.folder / ".complete").exists():
            for leftover in (keys.gpg_home, keys.ca, keys.trust):
                shutil.rmtree(leftover, ignore_errors=True)
            copy(store.entry("test-keys", [pathlib.Path(__file__), *tools()], _make), keys.folder)
            (keys.folder / ".complete").touch()
    return keys


def shared():
    """The keys of this build folder's tests."""
    return ensure(pathlib.Path(os.environ["SUTURE_BUILD_DIR"]) / "test-keys")
