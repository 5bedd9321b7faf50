# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole way: two patches that stack go from source to a live kernel, over TLS, with every signature checked."""
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path

import pytest
from lib import pipeline

VERSION, UPTIME = "proc-version-1-1", "proc-uptime-1-1"
CVES = {VERSION: ["CVE-0000-0001"], UPTIME: ["CVE-0000-0002"]}
CONFIRM, POLICY, UNTRUSTED = 10, 6, 4

GUEST = """
say() {
	name=$1; shift
	"$@" >/out/$name.out 2>/out/$name.err </dev/null; echo $? >/out/$name.status
}
show() {
	cat /proc/version /proc/uptime >/out/$1.proc
}
# All that applying could change.
everything() {
	grep -r . /sys/kernel/livepatch | sort >/out/$1.sysfs
	find /var/lib/suture -exec ls -ld --full-time {} + >/out/$1.store
	find /var/lib/suture -type f -exec sha256sum {} + >>/out/$1.store
	dmesg >/out/$1.dmesg
}
cat /sys/kernel/notes >/out/notes
show before
say dry-run suture apply --dry-run --json
say apply suture apply --json
show live
say list suture list
say status suture status --json
everything first
say again suture apply
everything second
say not-top suture revert proc-version --yes
say unasked suture revert --all
show still
say revert suture revert --all --yes --json
show after
say status-after suture status --json
ls /sys/kernel/livepatch >/out/left
cat /proc/modules >>/out/left
say audit suture audit verify --json
say log suture audit log --json
"""

KERNEL_LOG = """\
proc_version_1_1: loading out-of-tree module taints kernel.
proc_version_1_1: tainting kernel with TAINT_LIVEPATCH
proc_version_1_1: module verification failed: signature and/or required key missing - tainting kernel
livepatch: enabling patch 'proc_version_1_1'
livepatch: 'proc_version_1_1': starting patching transition
livepatch: 'proc_version_1_1': patching complete
livepatch: enabling patch 'proc_uptime_1_1'
livepatch: 'proc_uptime_1_1': starting patching transition
livepatch: 'proc_uptime_1_1': patching complete
livepatch: 'proc_uptime_1_1': starting unpatching transition
livepatch: 'proc_uptime_1_1': unpatching complete
livepatch: 'proc_version_1_1': starting unpatching transition
livepatch: 'proc_version_1_1': unpatching complete
"""


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """A host of the test kernel after `suture fetch` from nginx, and what the command said."""
    folder = tmp_path_factory.mktemp("fetched")
    with pipeline.Web(pipeline.vendor().public, folder / "web") as web:
        host = pipeline.Host(folder / "host", pipeline.vendor().trust, web.url, web.ca)
        results = [host.fetch("--json"), host.fetch("--json")]
        requests = web.server.requests()
    return host, results, requests


@pytest.fixture(scope="module")
def guest(tmp_path_factory, fetched):
    """What the virtual machine did with that host's files; its kernel log."""
    out = tmp_path_factory.mktemp("guest")
    result = fetched[0].copy(out / "host").boot(GUEST, out=out)
    assert result.status == 0, result.console
    return Guest(out, result.script_log)


class Guest:
    """The answers of commands that ran in the virtual machine."""

    def __init__(self, out, kernel_log):
        self.out, self.kernel_log = out, kernel_log

    def text(self, name):
        return (self.out / name).read_text()

    def said(self, name):
        """What `say name` recorded."""
        return pipeline.Result(int(self.text(f"{name}.status")), self.text(f"{name}.out"), self.text(f"{name}.err"))


def build_id_of(notes):
    """The GNU build-id among ELF notes (gABI)."""
    while notes:
        name_size, size, kind = struct.unpack("<III", notes[:12])
        name_end = 12 + (name_size + 3) // 4 * 4
        if notes[12:12 + name_size] == b"GNU\0" and kind == 3:
            return notes[name_end:name_end + size].hex()
        notes = notes[name_end + (size + 3) // 4 * 4:]
    return None


# Before the host


def test_packages_satisfy_rpm(tmp_path):
    vendor = pipeline.vendor()
    packages = vendor.packages.values()
    pipeline.must(["rpmkeys", "--dbpath", tmp_path, "--import", vendor.trust / "rpm-keyring.asc"])
    said = pipeline.must(["rpmkeys", "--dbpath", tmp_path, "-Kv", *packages])
    assert said.count("Header V4 RSA/SHA256 Signature") == len(packages) and "NOT" not in said and "BAD" not in said
    assert pipeline.must(["rpm", "-qp", "--scripts", "--triggers", *packages]) == ""


# Fetching


def test_fetch_over_tls_gets_both(fetched):
    host, (first, again), _ = fetched
    assert (first.status, first.stderr) == (0, "")
    assert {bundle["id"]: bundle["outcome"] for bundle in first.json["bundles"]} == {VERSION: "fetched", UPTIME: "fetched"}
    assert host.bundles() == [UPTIME, VERSION]
    assert {bundle["outcome"] for bundle in again.json["bundles"]} == {"present"}
    assert again.json["requests"] == 2


def test_store_is_what_the_vendor_signed(fetched):
    host, vendor = fetched[0], pipeline.vendor()
    for bundle in (VERSION, UPTIME):
        stored, signed = host.state / "bundles" / host.release / bundle, vendor.bundles[bundle]
        assert {path.name: path.read_bytes() for path in stored.iterdir()} == {
            path.name: path.read_bytes() for path in signed.iterdir()}


def test_receipts_say_how_they_came(fetched):
    receipts = [json.loads(path.read_text()) for path in (fetched[0].state / "receipts").iterdir()]
    assert len(receipts) == 2
    assert {receipt["origin"] for receipt in receipts} == {"tuf"}


def test_web_server_of_another_ca_is_refused(tmp_path, fetched):
    with pipeline.Web(pipeline.vendor().public, tmp_path / "web") as web:
        host = pipeline.Host(tmp_path / "host", pipeline.vendor().trust, web.url, fetched[0].root / "etc/suture/web-ca.pem")
        result = host.fetch()
    assert (result.status, result.reason) == (7, "fetch-tls"), result
    assert host.bundles() == []


def test_verify_works_for_everybody():
    vendor = pipeline.vendor()
    with tempfile.TemporaryDirectory(prefix="suture-verify-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(vendor.trust, folder / "trust")
        shutil.copy(vendor.packages[VERSION], folder / "bundle.rpm")
        shutil.copy(pipeline.BIN / "suture", folder)
        for path in folder.rglob("*"):
            path.chmod(path.stat().st_mode | 0o444)
        other = {"user": "nobody"} if os.geteuid() == 0 else {}
        result = pipeline.run([folder / "suture", "verify", "--trust", folder / "trust", "--kernel-release",
                               pipeline.kernel().release, "--kernel-build-id", vendor.build_id, folder / "bundle.rpm"],
                              cwd="/", environment={"HOME": "/nonexistent"}, **other)
    assert result.status == 0, result.stderr
    assert "trusted" in result.stdout and "REFUSED" not in result.stdout


# In the kernel


def test_build_id_is_the_running_kernels(guest):
    assert build_id_of((guest.out / "notes").read_bytes()) == pipeline.vendor().build_id


def test_dry_run_says_what_apply_does(guest):
    assert guest.said("dry-run").json["planned"] == [VERSION, UPTIME]
    assert guest.said("dry-run").json["applied"] == []


def test_apply_makes_both_live_in_stacking_order(guest):
    applied = guest.said("apply")
    assert (applied.status, applied.stderr) == (0, "")
    assert [patch["id"] for patch in applied.json["applied"]] == [VERSION, UPTIME]
    assert applied.json["order"] == [VERSION, UPTIME]


def test_kernel_runs_the_patched_functions(guest):
    release = pipeline.kernel().release
    before, live, after = (guest.text(f"{when}.proc").splitlines() for when in ("before", "live", "after"))
    assert "gcc" in before[0] and before[1].split()[1] != "0.00"
    assert live[0].startswith(f"Linux version {release} #1 SMP") and "gcc" not in live[0]
    assert live[1].split()[1] == "0.00"
    assert after[0] == before[0] and after[1].split()[1] != "0.00"
    assert guest.text("still.proc").splitlines()[0] == live[0]


def test_kernel_log_is_as_expected(guest):
    assert guest.kernel_log == KERNEL_LOG


def test_status_shows_the_stack_and_what_is_fixed(guest):
    status = guest.said("status")
    assert (status.status, status.stderr) == (0, "")
    rows = [(row["id"], row["order"], row["state"], row["origin"]) for row in status.json["patches"]]
    assert rows == [(UPTIME, 2, "live", "tuf"), (VERSION, 1, "live", "tuf")]
    assert status.json["fixed"] == CVES[VERSION] + CVES[UPTIME]
    assert status.json["kernel"]["build_id"] == pipeline.vendor().build_id
    listed = [line.split()[:3] for line in guest.said("list").stdout.splitlines()[1:]]
    assert listed == [["2", UPTIME, "live"], ["1", VERSION, "live"]]


def test_apply_again_changes_nothing(guest):
    assert guest.said("again").status == 0
    assert "nothing to do" in guest.said("again").stdout
    for what in ("sysfs", "store", "dmesg"):
        assert guest.text(f"first.{what}") == guest.text(f"second.{what}")


def test_revert_below_another_is_refused(guest):
    assert (guest.said("not-top").status, guest.said("not-top").reason) == (POLICY, "stack-not-top")
    assert UPTIME in guest.said("not-top").stderr


def test_revert_asks_before_it_reopens(guest):
    asked = guest.said("unasked")
    assert (asked.status, asked.reason) == (CONFIRM, "needs-confirmation")
    assert all(cve in asked.stderr for cves in CVES.values() for cve in cves)
    assert asked.stderr.count("\n") == 1


def test_revert_takes_the_stack_down(guest):
    reverted = guest.said("revert")
    assert (reverted.status, reverted.stderr) == (0, "")
    assert [patch["id"] for patch in reverted.json["reverted"]] == [UPTIME, VERSION]
    assert sorted(reverted.json["reopened"]) == CVES[VERSION] + CVES[UPTIME]
    assert "proc_" not in guest.text("left")
    assert {row["state"] for row in guest.said("status-after").json["patches"]} == {"installed"}
    assert guest.said("status-after").json["fixed"] == []


def test_ledger_tells_it_all_and_verifies(guest):
    assert guest.said("audit").json["result"] == "unanchored"
    events = [(record["event"], record["bundle"], record["reason"])
              for record in map(json.loads, guest.said("log").stdout.splitlines())]
    assert ("accept", "", "ok") in events  # the repository's trust anchors
    for event in ("accept", "apply", "revert"):
        assert [bundle for what, bundle, _ in events if what == event and bundle] in ([VERSION, UPTIME], [UPTIME, VERSION])
    assert [event for event in events if event[0] in ("refuse", "reverse")] == [("refuse", "", "stack-not-top")]
    head = guest.said("audit").json["head"]
    state = guest.out / "host"
    anchored = pipeline.run([pipeline.BIN / "suture", "--root", state, "audit", "verify", "--head", head])
    assert (anchored.status, "anchored" in anchored.stdout) == (0, True)


# A kernel that takes signed modules only

ENFORCED = """
suture apply >/out/apply.out 2>/out/apply.err; echo $? >/out/apply.status
cat /sys/module/module/parameters/sig_enforce >/out/enforce
ls /sys/kernel/livepatch >/out/live
"""


def test_enforcing_kernel_refuses_an_unenrolled_key_before_loading(tmp_path, fetched):
    host = fetched[0].copy(tmp_path / "host")
    result = host.boot(ENFORCED, out=tmp_path / "out", enforce=True)
    guest = Guest(tmp_path / "out", result.script_log)
    assert guest.text("enforce") == "Y\n"
    assert (guest.said("apply").status, guest.said("apply").reason) == (UNTRUSTED, "module-key-unenrolled")
    assert "mokutil --import" in guest.said("apply").stderr
    assert guest.text("live") == ""
    assert guest.kernel_log == ""


def test_enforcing_kernel_takes_an_enrolled_key(tmp_path, fetched):
    vendor = pipeline.vendor()
    host = pipeline.Host(tmp_path / "host", vendor.trust)
    key, certificate = pipeline.machine.enforcing_key()
    with open(host.root / "etc/suture/trust/module.pem", "a") as trusted:
        trusted.write(Path(certificate).read_text())
    installed = host.root / "usr/lib/suture" / host.release / VERSION
    shutil.copytree(vendor.bundles[VERSION], installed)
    vendor.tool("sign", "modules", "--replace", installed, "--key", key, "--certificate", certificate)
    vendor.tool("sign", "manifest", "--replace", installed, "--key", vendor.keys / "manifest.key", "--certificate",
                vendor.keys / "manifest.pem")
    result = host.boot(ENFORCED, out=tmp_path / "out", enforce=True)
    guest = Guest(tmp_path / "out", result.script_log)
    assert guest.text("enforce") == "Y\n"
    assert guest.said("apply").status == 0, guest.said("apply").stderr
    assert guest.text("live") == "proc_version_1_1\n"
    assert "module verification failed" not in guest.kernel_log
