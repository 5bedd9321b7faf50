# SPDX-License-Identifier: LGPL-2.1-or-later
"""apply, revert, list and status against a real kernel: /usr/bin/python3 -m pytest tests/applier/test_apply_vm.py"""
import json
import lzma
import shutil
import time

import pytest

from host import (CUMULATIVE, HOLD, IMPOSSIBLE, LOWER, STAYS, THIRD, UPPER, Host, built, machine, modules, needing, recipe, revoke, stall,
                  with_modinfo)

UNTRUSTED, MISMATCH, POLICY, KERNEL, BUSY, CONFIRM = 4, 5, 6, 8, 9, 10


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.fixture
def stacked(host):
    """Two patches whose order is not that of their names."""
    host.install("lower", LOWER)
    host.install("upper", UPPER, stack={"requires": ["lower"]}, vulnerabilities=[{"id": "CVE-2026-0002", "status": "fixed"}])
    return host


def ledger(tmp_path):
    return [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]


def events(tmp_path):
    return [(each["event"], each["bundle"], each["reason"]) for each in ledger(tmp_path)]


def test_stack_is_applied_bottom_up_and_reverted_top_down(stacked, tmp_path):
    kept = tmp_path / "kept"
    _, done = stacked.run("""
        has version && has uptime || exit 1
        try suture apply --json
        has version || has uptime && exit 2
        try suture list --json
        find /var/lib/suture -printf '%p %s %T@\\n' | sort >/tmp/before
        try suture apply --json
        find /var/lib/suture -printf '%p %s %T@\\n' | sort >/tmp/after
        try cmp /tmp/before /tmp/after
        try suture revert lower --yes
        try suture revert upper
        has uptime && exit 3
        try suture revert upper --yes --json
        has version || ! has uptime && exit 4
        try suture status --json
        try suture revert --all --yes
        state; modules_of_ours
        ls /var/lib/suture/live/*/
        has version || exit 5
        try suture revert --all
        """, persist=kept, copies=[("/usr/bin/find", "/usr/bin/"), ("/usr/bin/cmp", "/usr/bin/")])
    applied, listed, again, unchanged, below, unasked, upper, status, everything, nothing = done
    assert applied.status == 0, applied
    assert applied.json["order"] == ["lower-1-1", "upper-1-1"]
    assert [each["id"] for each in applied.json["applied"]] == ["lower-1-1", "upper-1-1"]
    assert [(each["order"], each["id"], each["state"], each["origin"]) for each in listed.json["patches"]] == [
        (2, "upper-1-1", "live", "rpm"), (1, "lower-1-1", "live", "rpm")]
    assert again.status == 0 and again.json["applied"] == []
    assert unchanged.status == 0, unchanged
    assert (below.status, below.reason) == (POLICY, "stack-not-top") and "upper-1-1" in below.text
    assert (unasked.status, unasked.reason) == (CONFIRM, "needs-confirmation") and "CVE-2026-0002" in unasked.text
    assert upper.status == 0 and upper.json["reopened"] == ["CVE-2026-0002"]
    assert status.status == 0 and status.json["fixed"] == ["CVE-2026-0001"]
    assert [each["state"] for each in status.json["patches"]] == ["live", "installed"]
    assert everything.status == 0 and everything.after == "0", everything
    assert nothing.status == 0
    assert [each for each in events(kept) if each[0] in ("apply", "revert")] == [
        ("apply", "lower-1-1", "ok"), ("apply", "upper-1-1", "ok"), ("revert", "upper-1-1", "ok"),
        ("revert", "lower-1-1", "ok")]
    assert ("accept", "lower-1-1", "ok") in events(kept)


def test_dry_run_changes_nothing(stacked, tmp_path):
    kept = tmp_path / "kept"
    _, (dry,) = stacked.run("try suture apply --dry-run; state", persist=kept)
    assert dry.status == 0 and dry.after == ""
    assert dry.text.splitlines() == ["would apply lower-1-1", "would apply upper-1-1"]
    assert not (kept / "receipts").exists() and not (kept / "live").exists()
    assert not (kept / "ledger.jsonl").exists() or events(kept) == []


def test_named_patch_brings_what_it_requires_and_no_more(stacked):
    stacked.install("third", THIRD)
    _, done = stacked.run("try suture apply upper; state; try suture apply nothing-such")
    assert done[0].status == 0 and done[0].after.split() == ["patch", "aa_upper", "patch", "zz_lower"]
    assert done[1].reason == "not-installed"


def test_folder_that_is_no_bundle_stops_no_other(stacked, tmp_path):
    broken = stacked.install("third", THIRD) / "manifest.json"
    broken.write_text("{")
    kept = tmp_path / "kept"
    _, (tried,) = stacked.run("try suture apply; state", persist=kept)
    assert (tried.status, tried.reason) == (3, "json-syntax"), tried
    assert tried.after.split() == ["patch", "aa_upper", "patch", "zz_lower"]
    folder = f"/{broken.parent.relative_to(stacked.root)}"
    assert [each for each in events(kept) if each[0] == "refuse"] == [("refuse", folder, "json-syntax")]


def test_stalled_transition_is_reversed_and_those_below_stay(host, tmp_path):
    provider, stall_patch = stall()
    host.install("lower", LOWER)
    host.install("stalls", stall_patch, stack={"requires": ["lower"]})
    kept = tmp_path / "kept"
    _, done = host.run("""
        insmod /m/stall.ko
        cat /proc/stall & sleep 0.2
        try suture apply --timeout 2
        state; grep -c stall_patch /proc/modules; ls /var/lib/suture/live/*/
        on zz_lower || exit 1
        echo 1 >/proc/stall; wait
        try suture apply --timeout 5
        on zz_lower && on stall_patch || exit 2
        """, copies=[(str(provider), "/m/")], persist=kept)
    stalled, again = done
    assert (stalled.status, stalled.reason) == (KERNEL, "transition-stalled")
    assert "cat[" in stalled.text and "stall_wait+" in stalled.text and "stalls-1-1" in stalled.text
    assert stalled.after.split() == ["patch", "zz_lower", "0", "lower-1-1"], stalled
    assert "applied lower-1-1" in stalled.text
    assert again.status == 0
    assert ("reverse", "stalls-1-1", "transition-stalled") in events(kept)


def test_status_names_what_stalls(host):
    provider, stall_patch = stall()
    host.install("stalls", stall_patch)
    _, done = host.run("""
        printf '[apply]\\ntransition-timeout=30\\n' >/etc/suture/suture.conf
        insmod /m/stall.ko
        cat /proc/stall & sleep 0.2
        suture apply & in_transition stall_patch
        try suture status --json
        try suture apply
        echo 1 >/proc/stall
        until on stall_patch; do usleep 50000; done
        """, copies=[(str(provider), "/m/")])
    status, second = done
    assert status.status == 0, status
    assert status.json["patches"][0]["state"] == "applying"
    assert [each["comm"] for each in status.json["blockers"]] == ["cat"]
    assert "stall_wait" in status.json["blockers"][0]["stack"]
    assert (second.status, second.reason) == (BUSY, "busy")


def test_stalled_revert_leaves_the_patch_live(host):
    provider, _ = stall()
    host.install("holds", HOLD)
    _, done = host.run("""
        insmod /m/stall.ko
        try suture apply
        cat /proc/stall & sleep 0.2
        try suture revert --all --yes --timeout 2
        on hold_patch || exit 1
        try suture list --json
        echo Y >/sys/module/hold_patch/parameters/go; wait
        try suture revert --all --yes
        state; modules_of_ours
        """, copies=[(str(provider), "/m/")])
    _, stalled, listed, reverted = done
    assert (stalled.status, stalled.reason) == (KERNEL, "transition-stalled") and "held+" in stalled.text
    assert [each["state"] for each in listed.json["patches"]] == ["live"]
    assert reverted.status == 0 and reverted.after == "0"


@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_signal_during_transition_reverses(host, signal):
    provider, stall_patch = stall()
    host.install("lower", LOWER)
    host.install("stalls", stall_patch, stack={"requires": ["lower"]})
    _, done = host.run(f"""
        insmod /m/stall.ko
        cat /proc/stall & sleep 0.2
        (in_transition stall_patch; kill -{signal} $(pidof suture)) &
        try suture apply
        state; modules_of_ours
        echo 1 >/proc/stall
        """, copies=[(str(provider), "/m/")])
    assert done[0].reason == "cancelled", done
    assert done[0].after.split() == ["patch", "zz_lower", "1"]


def test_module_swapped_in_the_store_is_refused(stacked):
    _, done = stacked.run("""
        store=$(echo /usr/lib/suture/*/lower-1-1)
        cp $store/zz_lower.ko /tmp/good.ko
        printf x | dd of=$store/zz_lower.ko bs=1 seek=2000 conv=notrunc 2>/dev/null
        try suture apply
        state; [ -e /var/lib/suture/live ] || [ -e /var/lib/suture/receipts ] && exit 1
        cp /tmp/good.ko $store/zz_lower.ko; cp /tmp/good.ko $store/extra.ko
        try suture apply
        state
        """)
    swapped, extra = done
    assert (swapped.status, swapped.reason) == (UNTRUSTED, "file-digest") and swapped.after == ""
    assert (extra.status, extra.reason) == (UNTRUSTED, "payload-extra") and extra.after == ""


def test_module_swapped_between_check_and_load_changes_nothing(host):
    """While the patch below waits for its transition, the file of the one above, which was verified, is overwritten."""
    provider, stall_patch = stall()
    host.install("stalls", stall_patch)
    host.install("upper", UPPER, stack={"requires": ["stalls"]})
    _, done = host.run("""
        insmod /m/stall.ko
        cat /proc/stall & sleep 0.2
        (in_transition stall_patch
         for f in /usr/lib/suture/*/upper-1-1/*.ko; do cat /m/other.ko >$f; done
         echo 1 >/proc/stall) &
        try suture apply --timeout 30
        state; grep -c . /proc/uptime
        try suture list --json
        try suture revert --all --yes
        try suture apply upper
        """, copies=[(str(provider), "/m/"), (str(built()["foreign"]), "/m/other.ko")])
    applied, _, _, again = done
    assert applied.status == 0
    assert applied.after.split() == ["patch", "aa_upper", "patch", "stall_patch", "0"]
    assert (again.status, again.reason) == (UNTRUSTED, "file-digest")


def test_package_removed_while_live(stacked):
    _, done = stacked.run("""
        suture apply || exit 1
        rm -r /usr/lib/suture/*/upper-1-1
        try suture status --json
        try suture apply
        try suture revert upper
        try suture revert upper --yes
        try suture list --json
        """)
    status, apply, asked, reverted, listed = done
    assert [(each["id"], each["state"]) for each in status.json["patches"]] == [
        ("upper-1-1", "live, package removed"), ("lower-1-1", "live")]
    assert status.json["fixed"] == ["CVE-2026-0001", "CVE-2026-0002"]
    assert apply.status == 0 and "nothing to do" in apply.text
    assert asked.status == CONFIRM and "CVE-2026-0002" in asked.text
    assert reverted.status == 0
    assert [each["id"] for each in listed.json["patches"]] == ["lower-1-1"]


def test_signers_certificate_that_ended_after_acceptance(host, tmp_path):
    """The signer's certificate is good for ten years, its CA's for twenty."""
    host.install("lower", LOWER)
    kept = tmp_path / "kept"
    late = f"date -s @{int(time.time()) + 11 * 365 * 86400} >/dev/null\n"
    _, (never,) = host.run(late + "try suture apply; state")
    assert (never.status, never.reason) == (UNTRUSTED, "cms-expired") and never.after == ""
    _, (first,) = host.run("try suture apply; state", persist=kept)
    assert first.status == 0, first
    assert len(list((kept / "receipts").iterdir())) == 1
    _, (later,) = host.run(late + "try suture apply; state", persist=kept)
    assert later.status == 0 and later.after == "patch zz_lower", later


def test_revoked_signer_is_refused_in_spite_of_its_receipt(host, tmp_path):
    host.install("lower", LOWER)
    kept = tmp_path / "kept"
    _, (first,) = host.run("try suture apply; state", persist=kept)
    assert first.status == 0
    revoke(host.keys, "signer", tmp_path, host.root / "etc/suture/trust/cms-crl.pem")
    _, (later,) = host.run("try suture apply; state", persist=kept)
    assert (later.status, later.reason) == (UNTRUSTED, "cms-revoked") and later.after == ""


def test_enforcing_kernel_and_unenrolled_key(host):
    host.install("lower", LOWER)
    result, (refused,) = host.run("try suture apply; state", enforce=True)
    assert (refused.status, refused.reason) == (UNTRUSTED, "module-key-unenrolled") and refused.after == ""
    assert "mokutil --import" in refused.text
    assert "zz_lower" not in result.script_log


def test_enforcing_kernel_and_enrolled_key(host):
    key, certificate = machine.enforcing_key()
    host.trust_module_key(certificate)
    host.install("lower", LOWER, key=(key, certificate))
    _, done = host.run("try suture apply; state; try suture status --json", enforce=True)
    assert done[0].status == 0 and done[0].after == "patch zz_lower", done
    assert done[1].json["enforcement"]["sig_enforce"] == "yes"


def test_same_release_and_other_build_is_refused(host):
    host.install("lower", LOWER, kernel={"build_id": "ab" * 20})
    _, done = host.run("try suture apply lower; state; try suture apply; state")
    assert (done[0].status, done[0].reason) == (MISMATCH, "kernel-build-id") and done[0].after == ""
    assert done[1].status == 0 and done[1].after == ""


def test_new_boot_applies_again(stacked, tmp_path):
    kept = tmp_path / "kept"
    _, (first,) = stacked.run("try suture apply; state", persist=kept)
    boots = {each.name for each in (kept / "live").iterdir()}
    assert first.status == 0 and len(boots) == 1
    _, done = stacked.run("try suture list --json; try suture apply; state", persist=kept, cold=True)
    assert [each["state"] for each in done[0].json["patches"]] == ["installed", "installed"]
    assert done[1].status == 0 and done[1].after.split() == ["patch", "aa_upper", "patch", "zz_lower"]
    after = {each.name for each in (kept / "live").iterdir()}
    assert len(after) == 1 and after != boots


def test_failure_in_the_middle_keeps_what_is_below(stacked, tmp_path):
    stacked.install("breaks", IMPOSSIBLE, stack={"requires": ["upper"]})
    stacked.install("last", THIRD, stack={"requires": ["breaks"]})
    kept = tmp_path / "kept"
    _, done = stacked.run("""
        suture apply lower || exit 1
        try suture apply
        state; ls /var/lib/suture/live/*/; modules_of_ours
        """, persist=kept)
    assert done[0].status == KERNEL and done[0].reason.startswith("module-rejected-"), done
    assert "breaks-1-1" in done[0].text
    assert done[0].after.split() == ["patch", "aa_upper", "patch", "zz_lower", "lower-1-1", "upper-1-1", "2"]
    assert ("refuse", "breaks-1-1", done[0].reason) in events(kept)


def test_bundle_of_two_modules_is_on_whole_or_not_at_all(host):
    host.install("below", THIRD)
    host.install("pair", LOWER, IMPOSSIBLE, stack={"requires": ["below"]})
    _, (broken,) = host.run("try suture apply; state; modules_of_ours")
    assert broken.status == KERNEL
    assert broken.after.split() == ["patch", "mm_third", "1"]
    shutil.rmtree(host.root / "usr/lib/suture")
    host.install("two", LOWER, UPPER)
    _, done = host.run("try suture apply; state; try suture list --json; try suture revert two --yes; state; modules_of_ours")
    assert done[0].after.split() == ["patch", "aa_upper", "patch", "zz_lower"]
    assert [(each["id"], each["state"]) for each in done[1].json["patches"]] == [("two-1-1", "live")]
    assert done[2].after == "0"


def test_module_left_loaded_after_a_reversal_is_no_obstacle(host):
    host.install("lower", LOWER)
    _, done = host.run("""
        suture apply || exit 1
        echo 0 >/sys/kernel/livepatch/zz_lower/enabled
        while [ -d /sys/kernel/livepatch/zz_lower ]; do usleep 20000; done
        grep -q zz_lower /proc/modules || exit 2
        try suture list --json
        try suture apply
        state
        """)
    assert [each["state"] for each in done[0].json["patches"]] == ["installed"]
    assert done[1].status == 0 and done[1].after == "patch zz_lower"


def test_cumulative_patch_replaces_and_revert_does_not_bring_back(stacked, tmp_path):
    stacked.install("all", CUMULATIVE, stack={"cumulative": True, "supersedes": ["lower", "upper"]},
                    vulnerabilities=[{"id": f"CVE-2026-000{i}", "status": "fixed"} for i in (1, 2, 3)])
    _, done = stacked.run("""
        mv /usr/lib/suture/*/all-1-1 /tmp
        suture apply || exit 1
        mv /tmp/all-1-1 /usr/lib/suture/*/
        try suture apply --json
        state; modules_of_ours
        try suture list --json
        try suture revert --all
        try suture revert --all --yes --json
        state; modules_of_ours
        has version && has uptime && has loadavg || exit 2
        """, persist=tmp_path / "kept")
    applied, listed, asked, reverted = done
    assert [each for each in events(tmp_path / "kept") if each[0] in ("apply", "revert")] == [
        ("apply", "lower-1-1", "ok"), ("apply", "upper-1-1", "ok"), ("apply", "all-1-1", "ok"),
        ("revert", "lower-1-1", "replaced"), ("revert", "upper-1-1", "replaced"), ("revert", "all-1-1", "ok")]
    assert applied.status == 0 and applied.after.split() == ["patch", "cc_all", "1"], applied
    assert [each["id"] for each in listed.json["patches"] if each["order"]] == ["all-1-1"]
    assert asked.status == CONFIRM and "lower-1-1, upper-1-1" in asked.text
    assert reverted.json["not_restored"] == ["lower-1-1", "upper-1-1"]
    assert reverted.json["reopened"] == [f"CVE-2026-000{i}" for i in (1, 2, 3)]
    assert reverted.after == "0"


def test_foreign_livepatch_is_told_apart_and_not_replaced(host):
    host.install("all", CUMULATIVE, stack={"cumulative": True})
    host.install("lower", THIRD)
    _, done = host.run("""
        insmod /m/foreign.ko
        until on foreign; do usleep 20000; done
        try suture apply all
        try suture apply lower
        try suture list --json
        try suture revert --all --yes
        state
        """, copies=[(str(built()["foreign"]), "/m/")])
    refused, applied, listed, reverted = done
    assert (refused.status, refused.reason) == (POLICY, "stack-foreign") and "foreign" in refused.text
    assert applied.status == 0
    assert [(each["order"], each["id"], each["state"]) for each in listed.json["patches"]][:2] == [
        (2, "lower-1-1", "live"), (1, "foreign", "foreign")]
    assert reverted.status == 0 and reverted.after == "patch foreign"


def test_name_of_another_module_is_refused(host):
    provider, _ = stall()
    host.install("clash", (built()["zz_lower"], LOWER.functions))
    _, done = host.run("""
        insmod /m/zz_lower.ko
        until on zz_lower; do usleep 20000; done
        try suture apply
        state
        """, copies=[(str(built()["zz_lower"]), "/m/"), (str(provider), "/m/")])
    assert (done[0].status, done[0].reason) == (KERNEL, "module-exists") and done[0].after == "patch zz_lower"


RPM_FILES = [("/usr/lib/rpm/rpmrc", "/usr/lib/rpm/rpmrc"), ("/usr/lib/rpm/macros", "/usr/lib/rpm/macros"),
             ("/usr/bin/gpg", "/usr/bin/")]


def test_file_is_verified_stored_and_applied(host, tmp_path):
    package = host.package("lower", LOWER)
    broken = tmp_path / "broken.rpm"
    data = bytearray(package.read_bytes())
    data[-100] ^= 1
    broken.write_bytes(data)
    kept = tmp_path / "kept"
    _, done = host.run("try suture apply /m/broken.rpm; state; try suture apply /m/good.rpm; state; try suture list --json",
                       copies=[(str(package), "/m/good.rpm"), (str(broken), "/m/"), *RPM_FILES], persist=kept)
    refused, applied, listed = done
    assert refused.status == UNTRUSTED and refused.after == "", refused
    assert applied.status == 0 and applied.after == "patch zz_lower", applied
    assert listed.json["patches"][0]["origin"] == "file"
    assert ("refuse", "broken.rpm", refused.reason) in events(kept)


def test_require_tuf_refuses_files_and_packages(host, tmp_path):
    host.policy("require-tuf=true\n")
    host.install("lower", LOWER)
    package = host.package("upper", UPPER)
    kept = tmp_path / "kept"
    _, done = host.run("try suture apply lower; state; try suture apply /m/upper-1-1.rpm; state; try suture list --json",
                       copies=[(str(package), "/m/"), *RPM_FILES], persist=kept)
    installed, file, listed = done
    assert (installed.status, installed.reason) == (POLICY, "policy-refused") and installed.after == ""
    assert (file.status, file.reason) == (POLICY, "policy-refused") and file.after == ""
    assert [(each["state"], each["rule"]) for each in listed.json["patches"]] == [("held", "require-tuf")]
    assert not (kept / "bundles").exists() or not any((kept / "bundles").rglob("*.ko"))


def test_fetched_bundle_without_receipt_is_refused(host):
    host.install("lower", LOWER)
    _, (refused,) = host.run("mkdir -p /var/lib/suture; mv /usr/lib/suture /var/lib/suture/bundles; try suture apply; state")
    assert (refused.status, refused.reason) == (UNTRUSTED, "receipt-missing") and refused.after == ""


def test_apply_that_was_killed_is_recorded_late(host, tmp_path):
    provider, stall_patch = stall()
    host.install("stalls", stall_patch)
    kept = tmp_path / "kept"
    _, (again, unchanged) = host.run("""
        insmod /m/stall.ko
        cat /proc/stall & sleep 0.2
        (in_transition stall_patch; kill -KILL $(pidof suture)) &
        suture apply && exit 1
        echo 1 >/proc/stall
        until on stall_patch; do usleep 50000; done
        grep -q '"event":"apply"' /var/lib/suture/ledger.jsonl && exit 2
        try suture apply
        try suture apply
        """, copies=[(str(provider), "/m/")], persist=kept)
    assert again.status == 0 and unchanged.status == 0
    late = [each for each in ledger(kept) if each["event"] == "apply"]
    assert [each["bundle"] for each in late] == ["stalls-1-1"] and late[0]["detail"].startswith("recorded late")


def test_revert_that_was_killed_is_recorded_late(host, tmp_path):
    provider, _ = stall()
    host.install("holds", HOLD)
    kept = tmp_path / "kept"
    _, (again,) = host.run("""
        insmod /m/stall.ko
        suture apply || exit 1
        cat /proc/stall & sleep 0.2
        (in_transition hold_patch; kill -KILL $(pidof suture)) &
        suture revert --all --yes && exit 2
        echo Y >/sys/module/hold_patch/parameters/go
        while [ -d /sys/kernel/livepatch/hold_patch ]; do usleep 50000; done
        grep -q '"event":"revert"' /var/lib/suture/ledger.jsonl && exit 3
        try suture apply
        """, copies=[(str(provider), "/m/")], persist=kept)
    assert again.status == 0
    assert [each for each in events(kept) if each[0] in ("apply", "revert")] == [
        ("apply", "holds-1-1", "ok"), ("revert", "holds-1-1", "ok"), ("apply", "holds-1-1", "ok")]


def test_host_that_forbids_modules(host, tmp_path):
    host.install("lower", LOWER)
    kept = tmp_path / "kept"
    _, (refused,) = host.run("echo 1 >/proc/sys/kernel/modules_disabled; try suture apply; state", persist=kept)
    assert (refused.status, refused.reason) == (KERNEL, "module-load-forbidden") and refused.after == ""
    assert ("refuse", "lower-1-1", "module-load-forbidden") in events(kept)


def test_module_that_cannot_be_unloaded(host, tmp_path):
    host.install("stays", STAYS)
    kept = tmp_path / "kept"
    _, done = host.run("try suture apply; try suture revert --all --yes; state; modules_of_ours", persist=kept)
    assert done[0].status == 0, done
    assert (done[1].status, done[1].reason) == (KERNEL, "module-in-use") and done[1].after == "1"
    assert ("revert", "stays-1-1", "ok") in events(kept)


def test_module_that_needs_another(host, tmp_path):
    host.install("needy", needing(LOWER, "there_is_no_such_module", tmp_path))
    kept = tmp_path / "kept"
    _, (refused,) = host.run("try suture apply; state", persist=kept)
    assert (refused.status, refused.reason) == (KERNEL, "module-dependency") and refused.after == ""
    assert "there_is_no_such_module" in refused.text
    assert ("refuse", "needy-1-1", "module-dependency") in events(kept)


def test_refused_reverts_are_recorded(stacked, tmp_path):
    kept = tmp_path / "kept"
    _, done = stacked.run("""
        suture apply || exit 1
        try suture revert lower --yes
        try suture revert nothing-such --yes
        try suture revert upper
        """, persist=kept)
    assert [each.reason for each in done] == ["stack-not-top", "not-live", "needs-confirmation"]
    assert [each for each in events(kept) if each[0] == "refuse"] == [
        ("refuse", "", "stack-not-top"), ("refuse", "", "not-live")]


SRCVERSION = "5A3C1E0F7B9D2846ACE1357"


@pytest.fixture
def target(tmp_path):
    """The module stall with a srcversion, and the same in another build: with a build-id that differs in one bit."""
    folders = tmp_path / "one", tmp_path / "another"
    for folder in folders:
        folder.mkdir()
    one = with_modinfo(stall()[0], folders[0], "description=A function that a task stays in on demand", f"srcversion={SRCVERSION}")
    build_id = bytes.fromhex(modules.info(one)["build_id"])
    assert one.read_bytes().count(build_id) == 1
    another = folders[1] / one.name
    another.write_bytes(one.read_bytes().replace(build_id, bytes([build_id[0] ^ 1]) + build_id[1:]))
    return one, another


def install_for(host, name, **build):
    """A patch of stall that is for one build of it."""
    named = {"object": "stall", "build_id": "", "srcversion": "", **build}
    host.put(recipe(host.work / "modules" / name, [stall()[1]], name, builds=[[named]]), "signer")


def test_another_build_of_a_module_that_is_loaded(host, target, tmp_path):
    one, another = (modules.info(path)["build_id"] for path in target)
    install_for(host, "by-id", build_id=another, srcversion=SRCVERSION)
    install_for(host, "by-source", srcversion="B" * 23)
    install_for(host, "right", build_id=one, srcversion="B" * 23)
    kept = tmp_path / "kept"
    _, done = host.run("""
        insmod /m/stall.ko
        try suture apply by-id; state; modules_of_ours
        try suture apply by-source; state
        try suture apply --dry-run by-source; state
        [ -e /var/lib/suture/live ] && exit 1
        try suture apply right; state
        try suture status
        """, copies=[(str(target[0]), "/m/")], persist=kept)
    by_id, by_source, dry, right, status = done
    assert (by_id.status, by_id.reason, by_id.after) == (MISMATCH, "module-build", "0"), by_id
    assert f"stall with build-id {another}" in by_id.text and f"the one that is loaded has {one}:" in by_id.text
    assert len(by_id.text.strip().splitlines()) == 1
    assert (by_source.status, by_source.reason, by_source.after) == (MISMATCH, "module-build", "")
    assert f"srcversion {'B' * 23}" in by_source.text and f"the one that is loaded has {SRCVERSION}:" in by_source.text
    assert (dry.status, dry.reason) == (MISMATCH, "module-build")
    assert (right.status, right.after) == (0, "patch stall_patch"), right
    assert status.status == 0, status
    assert [each for each in events(kept) if each[0] == "refuse"] == [
        ("refuse", "by-id-1-1", "module-build"), ("refuse", "by-source-1-1", "module-build")]


def test_srcversion_decides_where_one_side_has_no_build_id(host, target):
    install_for(host, "right", srcversion=SRCVERSION)
    _, (applied,) = host.run("insmod /m/stall.ko; try suture apply; state", copies=[(str(target[1]), "/m/")])
    assert (applied.status, applied.after) == (0, "patch stall_patch"), applied


def test_another_build_of_a_module_that_is_installed(host, target):
    """None is loaded: what modprobe would load decides, and where there is none, there is nothing to patch."""
    packed = target[0].with_suffix(".ko.xz")
    packed.write_bytes(lzma.compress(target[0].read_bytes()))
    trees = [machine.modules_tree([path]) for path in (target[1], packed)]
    install_for(host, "right", build_id=modules.info(target[0])["build_id"])
    _, done = host.run("""
        mkdir -p /lib/modules
        cp -r /another/* /lib/modules/
        try suture apply; state
        rm -r /lib/modules/*; cp -r /one/* /lib/modules/
        try suture apply --dry-run
        rm /lib/modules/*/updates/stall.ko.xz
        try suture apply --dry-run
        echo x >/lib/modules/$(uname -r)/updates/stall.ko.xz
        try suture apply; state
        rm -r /lib/modules
        try suture apply; state
        """, copies=[(str(trees[0]), "/another"), (str(trees[1]), "/one")])
    other, same, listed, broken, absent = done
    assert (other.status, other.reason, other.after) == (MISMATCH, "module-build", ""), other
    assert f"/lib/modules/{host.release}/updates/stall.ko has " in other.text
    assert (same.status, listed.status) == (0, 0), (same, listed)
    assert (broken.reason, broken.after) == ("module-not-elf", ""), broken
    assert (absent.status, absent.after) == (0, "patch stall_patch"), absent


def test_status_tells_of_another_build_that_was_loaded_later(host, target):
    install_for(host, "right", build_id=modules.info(target[0])["build_id"])
    _, done = host.run("""
        try suture apply; state
        insmod /m/stall.ko
        try suture status --json
        try suture status
        rmmod stall
        try suture status
        """, copies=[(str(target[1]), "/m/")])
    applied, told, text, gone = done
    assert (applied.status, applied.after) == (0, "patch stall_patch")
    assert told.status == MISMATCH, told
    report = json.JSONDecoder().raw_decode(told.text)[0]
    assert [(each["path"], each["reason"]) for each in report["faults"]] == [("/sys/module/stall", "module-build")]
    assert [each["state"] for each in report["patches"]] == ["live"]
    assert (text.status, text.reason) == (MISMATCH, "module-build") and "right-1-1" in text.text
    assert gone.status == 0, gone
