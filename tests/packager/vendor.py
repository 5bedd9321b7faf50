# SPDX-License-Identifier: LGPL-2.1-or-later
"""A vendor's machine for tests of `suture build`: a real kernel's headers and image, and signatures by other people's tools."""
import functools
import hashlib
import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(os.environ["SUTURE_SOURCE"])
VENDOR = os.path.join(os.environ["SUTURE_BIN"], "suture-vendor")
SAMPLES = SOURCE / "samples"
DATE = "1700000000"


@dataclass(frozen=True)
class Kernel:
    release: str
    image: Path
    vmlinux: Path
    headers: Path


@functools.lru_cache
def kernel():
    text = subprocess.run([SOURCE / "script/kernel"], check=True, capture_output=True, text=True).stdout
    values = dict(word.split("=", 1) for word in shlex.split(text))
    assert values["SUTURE_KERNEL_HEADERS"], "the kernel's headers are not installed: run script/setup"
    return Kernel(values["SUTURE_KERNEL_RELEASE"], *(Path(values["SUTURE_KERNEL_" + name])
                                                     for name in ("IMAGE", "VMLINUX", "HEADERS")))


def run(*arguments, scratch=None, **options):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": DATE, **options.pop("env", {})}
    if scratch:
        environment["TMPDIR"] = str(scratch)
    return subprocess.run([VENDOR, "build", *map(str, arguments)], capture_output=True, text=True, check=False,
                          env={key: value for key, value in environment.items() if value is not None}, **options)


def build(source, output, *arguments, image=None, headers=None, **options):
    return run(source, "-o", output, "-k", headers or kernel().headers, "-i", image or kernel().image, *arguments, **options)


def refused(done, reason, status):
    """One line on standard error (after the compiler's words, if any) with the reason code, and nothing on standard output."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == status, done.stderr
    assert lines and lines[-1].endswith(f"[{reason}]"), done.stderr
    assert not done.stdout
    return lines[-1]


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@functools.lru_cache
def _certificate(folder, purpose):
    extensions = {"module": [], "manifest": ["-addext", "extendedKeyUsage=critical,codeSigning"]}[purpose]
    key, certificate = Path(folder) / f"{purpose}.key", Path(folder) / f"{purpose}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", f"/CN=test {purpose}", "-days", "30", "-addext", "keyUsage=critical,digitalSignature",
                    "-addext", "basicConstraints=critical,CA:FALSE", *extensions], check=True, capture_output=True)
    key.chmod(0o600)
    return key, certificate


def certificate(folder, purpose):
    """(key, certificate) of "module" or "manifest"."""
    return _certificate(str(folder), purpose)


def sign(bundle, keys):
    """Signs a bundle folder with the kernel's sign-file and openssl: what `suture sign` does, by other hands."""
    bundle = Path(bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    key, cert = certificate(keys, "module")
    for module in manifest["modules"]:
        path = bundle / module["file"]
        subprocess.run([kernel().headers / "scripts/sign-file", "sha256", key, cert, path], check=True)
        module["size"], module["sha256"] = path.stat().st_size, digest(path)
    (bundle / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    sign_manifest(bundle, keys)


def sign_manifest(bundle, keys):
    key, cert = certificate(keys, "manifest")
    subprocess.run(["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", cert, "-inkey", key,
                    "-in", bundle / "manifest.json", "-out", bundle / "manifest.json.p7s"], check=True, capture_output=True)


def copy(bundle, place):
    """The bundle folder again, elsewhere."""
    return Path(shutil.copytree(bundle, Path(place) / Path(bundle).name))
