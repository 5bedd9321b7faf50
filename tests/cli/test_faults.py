# SPDX-License-Identifier: LGPL-2.1-or-later
"""What folders in a store that are no bundles, and policy that cannot be read, do to the commands of a host."""
import json
import os
import shutil
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import testkeys  # noqa: E402
from lib.pipeline import BIN, run  # noqa: E402

RELEASE = os.uname().release


class Host:
    def __init__(self, root):
        self.root = root
        notes = root / "sys/kernel/notes"
        notes.parent.mkdir(parents=True)
        notes.write_bytes(struct.pack("<III4s20s", 4, 20, 3, b"GNU", bytes(20)))
        shutil.copytree(testkeys.shared().trust, root / "etc/suture/trust")

    def damage(self, identifier):
        """A folder in the store whose manifest is none; returns it."""
        folder = self.root / "usr/lib/suture" / RELEASE / identifier
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
        (folder / "manifest.json.p7s").write_bytes(b"not looked at")
        return folder

    def suture(self, *arguments):
        return run([BIN / "suture", "--root", self.root, *arguments])

    def refusals(self):
        path = self.root / "var/lib/suture/ledger.jsonl"
        records = map(json.loads, path.read_text().splitlines()) if path.exists() else []
        return [(each["bundle"], each["reason"]) for each in records if each["event"] == "refuse"]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host")


def test_apply_records_and_reports_what_is_no_bundle(host):
    one, two = host.damage("one-1-1"), host.damage("two-1-1")
    result = host.suture("apply")
    assert (result.status, result.reason) == (3, "json-missing-key"), result
    assert result.stderr.count(str(one)) == 1 and result.stdout.startswith("nothing to do")
    assert host.refusals() == [(str(one), result.reason), (str(two), result.reason)]


def test_dry_run_reports_and_records_nothing(host):
    host.damage("one-1-1")
    assert host.suture("apply", "--dry-run").status == 3
    assert host.refusals() == []


@pytest.mark.parametrize("name, recorded", [("one", ["one-1-1"]), ("one-1-1", ["one-1-1"]), ("on", [])])
def test_only_folders_of_the_names_given_count(host, name, recorded):
    host.damage("one-1-1")
    host.damage("two-1-1")
    assert host.suture("apply", name).reason == "not-installed"
    assert [Path(path).name for path, _ in host.refusals()] == recorded


def test_status_names_a_fault_once(host):
    folder = host.damage("one-1-1")
    result = host.suture("status")
    assert result.reason == "json-missing-key"
    line, = [line for line in result.stdout.splitlines() if line.startswith("fault ")]
    assert line.count(str(folder)) == 1 and result.stderr.count(str(folder)) == 1
    fault, = host.suture("status", "--json").json["faults"]
    assert fault["path"] == str(folder) and str(folder) not in fault["message"]


def test_status_shows_a_fault_whose_name_is_no_text(host):
    os.mkdir(os.fsencode(host.damage("one-1-1").parent) + b"/two\xff-1-1")
    paths = [Path(fault["path"]).name for fault in host.suture("status", "--json").json["faults"]]
    assert paths == ["one-1-1", "two\N{REPLACEMENT CHARACTER}-1-1"]


@pytest.fixture(params=["suture.conf", "policy.d/10-site.conf"])
def typo(host, request):
    """A policy file with a typo."""
    path = host.root / "etc/suture" / request.param
    path.parent.mkdir(exist_ok=True)
    path.write_text("[policy]\nsevrity-floor=low\n")
    return path


@pytest.mark.parametrize("command", [["apply"], ["apply", "--dry-run"], ["list"], ["policy", "explain"]], ids=" ".join)
def test_what_goes_by_policy_stops_at_a_typo_in_it(host, typo, command):
    result = host.suture(*command)
    assert (result.status, result.reason, result.stdout) == (3, "policy-syntax", ""), result
    assert str(typo) in result.stderr


def test_status_shows_a_typo_in_policy_and_the_rest(host, typo):
    result = host.suture("status", "--json")
    assert (result.status, result.reason) == (3, "policy-syntax"), result
    fault, = result.json["faults"]
    assert (fault["path"], fault["reason"]) == (str(host.root / "etc/suture"), "policy-syntax")
    assert str(typo) in fault["message"] and result.json["kernel"]["release"] == RELEASE
    assert host.suture("status").stdout.startswith("kernel ")


def test_revert_needs_no_policy(host, typo):
    """It gets as far as the kernel below this root, which cannot live-patch."""
    assert host.suture("revert", "--all", "--yes").reason == "provider-missing"
