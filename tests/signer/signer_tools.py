# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vendor's program, its judges, and scratch folders that leave nothing behind."""
import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

VENDOR = os.path.join(os.environ["SUTURE_BIN"], "suture-vendor")


def run(*argv, check=True, **options):
    done = subprocess.run([str(each) for each in argv], capture_output=True, check=False, **options)
    if check and done.returncode:
        raise AssertionError(f"{argv}: {done.stderr.decode(errors='replace')}{done.stdout.decode(errors='replace')}")
    return done


def suture(*argv, **options):
    """Run suture-vendor, which must succeed; its standard output."""
    return run(VENDOR, *argv, **options).stdout.decode()


def suture_json(*argv):
    return json.loads(suture("--json", *argv))


def refused(reason, status, *argv, **options):
    """suture-vendor must refuse: this exit status, and one line with this reason code. Returns the line."""
    done = run(VENDOR, *argv, check=False, **options)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == status, (done.returncode, lines)
    assert len(lines) == 1 and lines[0].endswith(f"[{reason}]"), lines
    assert not done.stdout
    return lines[0]


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="suture-") as folder:
        yield pathlib.Path(folder)


@contextlib.contextmanager
def gnupg_home():
    """A short path: gpg's agent listens on a socket in it."""
    with scratch() as folder:
        home = folder / "g"
        try:
            yield home
        finally:
            run("gpgconf", "--homedir", home, "--kill", "all", check=False)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def mode(path):
    return pathlib.Path(path).stat().st_mode & 0o7777


def make_cms(folder, *options, name="cms"):
    """A CA and a signer of manifests: folder/ca.* and folder/NAME.*"""
    if not (folder / "ca.key").exists():
        suture("key", "create", "--type", "cms-ca", "--out", folder / "ca", "--subject", "O=Test,CN=CA")
    suture("key", "create", "--type", "cms", "--out", folder / name, "--ca-key", folder / "ca.key", "--ca-cert",
           folder / "ca.pem", *options)
