# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture audit` on ledgers that real commands wrote."""
import hashlib
import json
import os
import subprocess

SUTURE = os.path.join(os.environ["SUTURE_BIN"], "suture")


def run(root, *args):
    return subprocess.run([SUTURE, "--root", str(root), *args], capture_output=True, text=True, check=False)


def ledger(root):
    return root / "var/lib/suture/ledger.jsonl"


def record_some(root, count):
    """Records made by the ledger's own rules, so that this test needs no kernel."""
    previous = "0" * 64
    ledger(root).parent.mkdir(parents=True, exist_ok=True)
    with open(ledger(root), "wb") as file:
        for sequence in range(1, count + 1):
            line = json.dumps({
                "format": 1, "sequence": sequence, "time": f"2026-01-01T00:00:{sequence:02}.000000Z",
                "boot_id": "00000000-0000-4000-8000-000000000000", "host": "host.example",
                "kernel_release": "6.1.0-test", "kernel_build_id": "ab" * 20, "actor": "uid=0 user=root command=apply",
                "event": "apply" if sequence % 2 else "revert", "bundle": "meminfo-1-1", "manifest_sha256": "cd" * 32,
                "package_sha256": "", "reason": "ok", "detail": "", "previous": previous}) + "\n"
            file.write(line.encode())
            previous = hashlib.sha256(line.encode()).hexdigest()
    return f"{count}:{previous}"


def test_verify_says_unanchored_and_anchored(tmp_path):
    head = record_some(tmp_path, 4)
    plain = run(tmp_path, "audit", "verify")
    assert plain.returncode == 0, plain.stderr
    assert "unanchored" in plain.stdout and head in plain.stdout
    anchored = json.loads(run(tmp_path, "audit", "verify", "--head", head, "--json").stdout)
    assert anchored == {"result": "anchored", "records": 4, "head": head, "anchored": True, "torn_bytes": 0}
    assert run(tmp_path, "audit", "head").stdout.strip() == head
    assert json.loads(run(tmp_path, "audit", "head", "--json").stdout) == {"head": head, "records": 4}


def test_a_changed_line_is_an_error_of_its_own(tmp_path):
    record_some(tmp_path, 4)
    text = ledger(tmp_path).read_text().replace('"sequence": 2', '"sequence": 2 ')
    ledger(tmp_path).write_text(text)
    result = run(tmp_path, "audit", "verify")
    assert result.returncode == 11
    assert "[ledger-changed]" in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_cut_tail_is_found_with_the_anchor(tmp_path):
    head = record_some(tmp_path, 4)
    lines = ledger(tmp_path).read_text().splitlines(keepends=True)
    ledger(tmp_path).write_text("".join(lines[:3]))
    assert run(tmp_path, "audit", "verify").returncode == 0
    result = run(tmp_path, "audit", "verify", "--head", head)
    assert result.returncode == 11 and "[ledger-cut]" in result.stderr


def test_log_filters(tmp_path):
    record_some(tmp_path, 6)
    assert len(run(tmp_path, "audit", "log").stdout.splitlines()) == 6
    reverts = run(tmp_path, "audit", "log", "--event", "revert", "--last", "2", "--json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in reverts] == [4, 6]
    late = run(tmp_path, "audit", "log", "--since", "2026-01-01T00:00:05", "--json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in late] == [5, 6]
