# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture verify`: results for people and programs, exit codes, and what it leaves in the ledger."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["SUTURE_BUILD_DIR"])
MATERIAL = BUILD / "test-material"
TRUST = BUILD / "test-keys" / "trust"


@pytest.fixture(scope="module", autouse=True)
def material():
    subprocess.run([sys.executable, "-B", HERE / "material.py", MATERIAL], check=True)


@pytest.fixture
def suture(tmp_path):
    """Run `suture verify` below a root of its own for the kernel of the material."""
    release, build_id = (MATERIAL / "kernel.txt").read_text().splitlines()[:2]

    def run(*arguments, release=release, build_id=build_id, trust=TRUST, before=()):
        command = [pathlib.Path(os.environ["SUTURE_BIN"]) / "suture", "--root", tmp_path, *before, "verify", "--trust",
                   trust, "--kernel-release", release, "--kernel-build-id", build_id, "--kernel-arch", "x86_64"]
        return subprocess.run([*map(str, command), *map(str, arguments)], capture_output=True, text=True, check=False)

    run.root = tmp_path
    return run


def one_line(done, reason):
    """The error is one line that ends with its reason code."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].endswith(f"[{reason}]"), done.stderr


def test_trusted(suture):
    done = suture(MATERIAL / "good.rpm")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("good.rpm: trusted")
    assert [line.split()[:2] for line in lines[1:]] == [
        [name, "ok"] for name in ("rpm", "manifest", "files", "modules", "agreement", "kernel")]
    assert not done.stderr


def test_json(suture):
    done = suture(MATERIAL / "good.rpm", MATERIAL / "entitlement.rpm", before=["--json"])
    assert done.returncode == 4
    good, bad = json.loads(done.stdout)["files"]
    assert good["trusted"] and good["reason"] == "ok" and good["id"] == "meminfo-1-1"
    assert not bad["trusted"] and bad["reason"] == "cms-purpose"
    assert [each["passed"] for each in bad["checks"]] == [True, False]
    assert bad["checks"][-1]["check"] == "manifest"
    one_line(done, "cms-purpose")


@pytest.mark.parametrize("name,reason,status", [
    ("unsigned", "rpm-unsigned", 4), ("sha1", "rpm-weak", 4), ("compromised-early", "rpm-key-revoked", 4),
    ("module-swapped", "file-digest", 4), ("symlink", "payload-type", 4), ("other-name", "disagree", 4)])
def test_refused(suture, name, reason, status):
    done = suture(MATERIAL / f"{name}.rpm")
    assert done.returncode == status
    assert "REFUSED" in done.stdout
    one_line(done, reason)


def test_all_files_are_judged(suture):
    done = suture(MATERIAL / "unsigned.rpm", MATERIAL / "good.rpm")
    assert done.returncode == 4
    assert "unsigned.rpm: REFUSED" in done.stdout and "good.rpm: trusted" in done.stdout
    one_line(done, "rpm-unsigned")


@pytest.mark.parametrize("changes,reason", [
    ({"release": "6.1.0-1-cloud-amd64"}, "kernel-release"), ({"build_id": "00" * 20}, "kernel-build-id")])
def test_other_kernel(suture, changes, reason):
    done = suture(MATERIAL / "good.rpm", **changes)
    assert done.returncode == 5
    one_line(done, reason)


def test_release_needs_build_id(suture):
    command = [os.path.join(os.environ["SUTURE_BIN"], "suture"), "--root", str(suture.root), "verify",
               "--kernel-release", "6.1", str(MATERIAL / "good.rpm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    one_line(done, "usage")


def test_no_file(suture):
    assert suture().returncode == 2
    done = suture("/nonexistent.rpm")
    assert done.returncode == 1
    one_line(done, "io")


def test_no_trust(suture, tmp_path):
    done = suture(MATERIAL / "good.rpm", trust=tmp_path)
    assert done.returncode == 3
    one_line(done, "config")


def test_ledger(suture):
    suture(MATERIAL / "good.rpm", MATERIAL / "sha1.rpm")
    lines = [json.loads(line) for line in (suture.root / "var/lib/suture/ledger.jsonl").read_text().splitlines()]
    assert [(line["event"], line["bundle"], line["reason"]) for line in lines] == [
        ("verify", "good.rpm", "ok"), ("refuse", "sha1.rpm", "rpm-weak")]
    assert len(lines[0]["manifest_sha256"]) == 64 and len(lines[0]["package_sha256"]) == 64


def test_nothing_is_stored(suture):
    suture(MATERIAL / "good.rpm")
    files = {str(path.relative_to(suture.root)) for path in suture.root.rglob("*") if path.is_file()}
    assert {path for path in files if "ledger" not in path} == set()
