# SPDX-License-Identifier: LGPL-2.1-or-later
"""apply, revert, list and status with the framework, on kernels with and without the kernel's own livepatch: run with
/usr/bin/python3 -m pytest."""
import json

import pytest

from framework_host import (ALL, AT_ONCE, BOTH, DEBIAN, HELD_STOPS, HELD_WAITS, LITTLE, LOWER, ONE, STOPS, TWO, UPPER, WAITS,
                            FrameworkHost, built, machine, patches, signed, testkeys, with_modinfo)

UNTRUSTED, MISMATCH, POLICY, KERNEL, CONFIRM = 4, 5, 6, 8, 10
PARKED = "insmod /m/stall.ko; cat /proc/stall & sleep 0.3"


@pytest.fixture(params=[DEBIAN, LITTLE])
def host(request, tmp_path):
    return FrameworkHost(tmp_path, request.param)


@pytest.fixture
def both(tmp_path):
    """A host whose kernel has a livepatch of its own."""
    return FrameworkHost(tmp_path, DEBIAN)


def events(folder):
    lines = (folder / "ledger.jsonl").read_text().splitlines()
    return [(each["event"], each["bundle"], each["reason"]) for each in map(json.loads, lines)]


def rows(outcome):
    return [(each["id"], each["state"], each["provider"], each["consistency"]) for each in outcome.json["patches"]]


def test_framework_is_loaded_for_a_stack_of_its_patches(host, tmp_path):
    host.install("one", ONE)
    host.install("two", TWO, stack={"requires": ["one"]}, vulnerabilities=[{"id": "CVE-2026-0002", "status": "fixed"}])
    result, done = host.run("""
        [ -e $S ] && exit 1
        try suture status --json
        try suture apply --dry-run
        [ -e $S ] && exit 2
        try suture apply
        state; has version || has uptime && exit 3
        try suture list --json
        try suture status --json
        try suture revert one --yes
        try suture revert --all --yes --json
        state; loaded zz_one; loaded suture
        has version && has uptime || exit 4
        try suture status --json
        try suture apply
        state
        """, persist=tmp_path / "kept")
    before, dry, applied, listed, status, below, reverted, after, again = done
    native = ["kernel"] if host.flavour == DEBIAN else []
    assert before.status == 0 and before.json["providers"] == native
    assert dry.status == 0 and dry.text.splitlines() == ["would apply one-1-1", "would apply two-1-1"]
    assert applied.status == 0 and applied.after.split() == ["patch", "aa_two", "patch", "zz_one"], applied
    assert rows(listed) == [("two-1-1", "live", "framework", "per-task"), ("one-1-1", "live", "framework", "per-task")]
    assert status.json["providers"] == native + ["framework"] and status.json["fixed"] == ["CVE-2026-0001", "CVE-2026-0002"]
    assert (below.status, below.reason) == (POLICY, "stack-not-top")
    assert [(each["id"], each["pinned"]) for each in reverted.json["reverted"]] == [("two-1-1", False), ("one-1-1", False)]
    assert reverted.after.split() == ["0", "1"], reverted
    assert after.json["pinned"] == []
    assert again.status == 0 and again.after.split() == ["patch", "aa_two", "patch", "zz_one"]
    assert [each for each in events(tmp_path / "kept") if each[0] == "apply"][:2] == [("apply", "one-1-1", "ok"), ("apply", "two-1-1", "ok")]
    assert "livepatch: enabling patch 'zz_one'" in result.script_log


def test_framework_that_is_not_installed(host, tmp_path):
    suture_ko, host.installed = host.installed, None
    host.install("one", ONE)
    _, done = host.run("""
        try suture apply --dry-run
        try suture apply
        state; loaded suture
        insmod /m/suture.ko
        try suture apply
        state
        """, copies=[(str(suture_ko), "/m/")], persist=tmp_path / "kept")
    dry, missing, applied = done
    assert (dry.status, dry.reason) == (MISMATCH, "framework-missing")
    assert (missing.status, missing.reason) == (MISMATCH, "framework-missing") and missing.after == "0"
    assert "kmod-suture" in missing.text and "one-1-1" in missing.text
    assert applied.status == 0 and applied.after == "patch zz_one", applied
    assert ("refuse", "one-1-1", "framework-missing") in events(tmp_path / "kept")


def test_framework_that_the_kernel_refuses(both, tmp_path):
    """Enforcement: suture.ko is judged as every module is."""
    key, certificate = machine.enforcing_key()
    both.trust_module_key(certificate)
    both.install("one", ONE, key=(key, certificate))
    _, (refused,) = both.run("try suture apply; loaded suture", enforce=True, persist=tmp_path / "kept")
    assert (refused.status, refused.reason) == (KERNEL, "module-rejected-key") and refused.after == "0"
    assert "suture.ko" in refused.text
    assert ("refuse", "one-1-1", "module-rejected-key") in events(tmp_path / "kept")
    both.installed = signed(both.installed, tmp_path, key, certificate)
    _, (applied,) = both.run("try suture apply; state", enforce=True)
    assert applied.status == 0 and applied.after == "patch zz_one", applied


def test_framework_of_another_version(host, tmp_path):
    """The symbol versions of its interface are in the patch; the kernel's words say what does not fit."""
    versions, copy = tmp_path / "versions", tmp_path / "zz_one.ko"
    copy.write_bytes(patches(host.flavour)["zz_one"].read_bytes())
    testkeys.run("objcopy", "-O", "binary", "--only-section=__versions", copy, versions)
    entry = versions.read_bytes().index(b"suture_klp_enable_patch\0") - 8
    versions.write_bytes(versions.read_bytes()[:entry] + b"\xff" * 4 + versions.read_bytes()[entry + 4:])
    testkeys.run("objcopy", "--update-section", f"__versions={versions}", copy)
    host.install("one", (copy, ONE.functions), provider="framework")
    _, (refused,) = host.run("try suture apply; state; loaded zz_one")
    assert (refused.status, refused.reason) == (KERNEL, "module-rejected-patch") and refused.after == "0"
    assert "disagrees about version of symbol suture_klp_enable_patch" in refused.text


def test_per_task_transition_that_stalls_names_task_and_function(host, tmp_path):
    host.install("one", ONE)
    host.install("waits", WAITS, stack={"requires": ["one"]})
    _, done = host.run(PARKED + """
        (in_transition waits; suture status --json >/tmp/status 2>&1) &
        try suture apply --timeout 3
        state; loaded waits
        try cat /tmp/status
        echo 1 >/proc/stall; wait
        try suture apply --timeout 30
        on zz_one && on waits || exit 1
        """, persist=tmp_path / "kept", timeout=180)
    stalled, status, again = done
    assert (stalled.status, stalled.reason) == (KERNEL, "transition-stalled"), stalled
    assert "cat[" in stalled.text and "in stall_wait" in stalled.text and "waits-1-1" in stalled.text
    assert stalled.after.split() == ["patch", "zz_one", "0"]
    (blocker,) = status.json["blockers"]
    assert (blocker["comm"], blocker["function"]) == ("cat", "stall_wait") and blocker["pid"] == blocker["tid"]
    assert [(each["id"], each["state"]) for each in status.json["patches"]] == [("waits-1-1", "applying"), ("one-1-1", "live")]
    assert again.status == 0
    assert ("reverse", "waits-1-1", "transition-stalled") in events(tmp_path / "kept")


def test_revert_that_stalls_leaves_the_patch_live(host):
    host.install("holds", HELD_WAITS)
    _, done = host.run("""
        insmod /m/stall.ko
        try suture apply
        cat /proc/stall & sleep 0.3
        try suture revert --all --yes --timeout 3
        on held_waits || exit 1
        echo Y >/sys/module/held_waits/parameters/go; wait
        try suture revert --all --yes
        state; loaded held_waits
        """, timeout=180)
    _, stalled, reverted = done
    assert (stalled.status, stalled.reason) == (KERNEL, "transition-stalled")
    assert "cat[" in stalled.text and "in replacement" in stalled.text
    assert reverted.status == 0 and reverted.after == "0", reverted


def test_stop_machine_is_refused_with_the_names(host, tmp_path):
    host.install("stops", STOPS)
    _, done = host.run(PARKED + """
        try suture apply
        state; loaded stops; ls /var/lib/suture/live/*/
        echo 1 >/proc/stall; wait
        try suture apply
        on stops || exit 1
        try suture list --json
        try suture revert --all --yes
        state; loaded stops
        """, persist=tmp_path / "kept")
    blocked, applied, listed, reverted = done
    assert (blocked.status, blocked.reason) == (KERNEL, "transition-blocked") and blocked.after == "0", blocked
    assert "stops-1-1" in blocked.text and "cat:" in blocked.text and "is in stall_wait" in blocked.text
    assert applied.status == 0
    assert rows(listed) == [("stops-1-1", "live", "framework", "stop-machine")]
    assert reverted.status == 0 and reverted.after == "0"
    assert ("refuse", "stops-1-1", "transition-blocked") in events(tmp_path / "kept")


def test_stop_machine_that_cannot_be_reverted_stays_live(host, tmp_path):
    host.install("holds", HELD_STOPS)
    _, done = host.run("""
        insmod /m/stall.ko
        suture apply || exit 1
        cat /proc/stall & sleep 0.3
        try suture revert --all --yes
        on held_stops || exit 2
        try suture list --json
        echo Y >/sys/module/held_stops/parameters/go; wait
        try suture revert --all --yes
        state; loaded held_stops
        """, persist=tmp_path / "kept")
    blocked, listed, reverted = done
    assert (blocked.status, blocked.reason) == (KERNEL, "transition-blocked"), blocked
    assert "cat:" in blocked.text and "is in replacement" in blocked.text
    assert rows(listed) == [("holds-1-1", "live", "framework", "stop-machine")]
    assert reverted.status == 0 and reverted.after == "0"
    assert [each for each in events(tmp_path / "kept") if each[0] in ("refuse", "revert")] == [
        ("refuse", "holds-1-1", "transition-blocked"), ("revert", "holds-1-1", "ok")]


def test_immediate_patch_leaves_its_module_until_reboot(host, tmp_path):
    host.install("both", BOTH)
    host.install("at-once", AT_ONCE)
    _, done = host.run(PARKED + """
        try suture apply
        on both_run && on at_once || exit 1
        has version && exit 2
        cat /proc/stall
        begin=$(date +%s)
        try suture revert --all --yes --json
        [ $(($(date +%s) - begin)) -lt 4 ] || exit 3
        state; loaded at_once
        has version || exit 4
        try suture status --json
        try suture status
        try suture apply at-once
        echo 1 >/proc/stall; wait
        """, persist=tmp_path / "kept")
    applied, reverted, status, text, again = done
    assert applied.status == 0, applied
    assert all(each["pinned"] for each in reverted.json["reverted"]) and len(reverted.json["reverted"]) == 2
    assert reverted.status == 0 and reverted.after == "1", reverted
    assert status.status == 0 and status.json["pinned"] == ["at_once", "both_run"]
    assert [each["state"] for each in status.json["patches"]] == ["installed", "installed"]
    assert "at_once: module pinned until reboot" in text.text
    assert (again.status, again.reason) == (KERNEL, "module-pinned") and "at-once-1-1" in again.text
    assert [each for each in events(tmp_path / "kept") if each[0] == "revert"] == [
        ("revert", each["id"], "ok") for each in reverted.json["reverted"]]


def test_forced_patch_leaves_its_module_until_reboot(host):
    host.install("waits", WAITS)
    _, done = host.run(PARKED + """
        (in_transition waits; echo 1 >$S/waits/force) &
        try suture apply
        on waits || exit 1
        try suture revert --all --yes
        state; loaded waits
        try suture status --json
        echo 1 >/proc/stall; wait
        """)
    applied, reverted, status = done
    assert applied.status == 0, applied
    assert reverted.status == 0 and reverted.after == "1" and "pinned until reboot" in reverted.text, reverted
    assert status.json["pinned"] == ["waits"]


def test_cumulative_patch_replaces_those_of_the_framework(host, tmp_path):
    host.install("at-once", AT_ONCE)
    host.install("two", TWO)
    host.install("both", ALL, stack={"supersedes": ["at-once", "two"]})
    _, done = host.run("""
        mv /usr/lib/suture/*/both-1-1 /tmp
        try suture apply
        mv /tmp/both-1-1 /usr/lib/suture/*/
        try suture apply
        state; has uptime || exit 1
        try suture status --json
        try suture revert --all --yes
        state; has version || exit 2
        """, persist=tmp_path / "kept")
    _, replaced, status, reverted = done
    assert replaced.status == 0 and replaced.after == "patch cc_both", replaced
    assert status.json["pinned"] == ["at_once"]
    assert reverted.status == 0 and reverted.after == ""
    assert [each for each in events(tmp_path / "kept") if each[0] == "revert"] == [
        ("revert", "at-once-1-1", "replaced"), ("revert", "two-1-1", "replaced"), ("revert", "both-1-1", "ok")]


def test_both_providers_in_one_order(both):
    """Native below, framework above and native again; a cumulative patch of the framework leaves the others alone."""
    both.install("lower", (built()["zz_lower"], LOWER.functions))
    both.install("two", TWO, stack={"requires": ["lower"]})
    _, done = both.run("""
        try suture apply
        on aa_two && [ -d /sys/kernel/livepatch/zz_lower ] || exit 1
        insmod /m/foreign.ko
        until [ "$(cat /sys/kernel/livepatch/foreign/transition)" = 0 ]; do usleep 20000; done
        try suture list --json
        try suture revert lower --yes
        try suture revert two --yes
        state; ls /sys/kernel/livepatch
        try suture revert --all --yes
        echo 0 >/sys/kernel/livepatch/foreign/enabled
        until rmmod foreign; do usleep 50000; done
        try suture revert --all --yes
        state; ls /sys/kernel/livepatch
        has uptime && has version || exit 2
        """, copies=[(str(built()["foreign"]), "/m/")])
    applied, listed, below, reverted, refused, last = done
    assert applied.status == 0, applied
    assert rows(listed) == [("foreign", "foreign", "kernel", None), ("two-1-1", "live", "framework", "per-task"),
                            ("lower-1-1", "live", "kernel", "per-task")]
    assert (below.status, below.reason) == (POLICY, "stack-not-top") and "two-1-1" in below.text
    assert (reverted.status, reverted.after.split()) == (0, ["foreign", "zz_lower"]), reverted
    assert (refused.status, refused.reason) == (POLICY, "stack-not-top") and "foreign" in refused.text
    assert (last.status, last.after) == (0, ""), last


def test_function_of_the_other_provider(both, tmp_path):
    both.install("lower", (built()["zz_lower"], LOWER.functions))
    both.install("one", ONE)
    _, done = both.run("""
        try suture apply
        state; ls /sys/kernel/livepatch
        suture apply lower >/dev/null || exit 1
        try suture apply one
        state; ls /sys/kernel/livepatch
        suture revert lower --yes >/dev/null || exit 2
        try suture apply one
        state
        try suture apply lower
        """, persist=tmp_path / "kept")
    together, above, alone, native = done
    for each in together, above, native:
        assert (each.status, each.reason) == (POLICY, "function-claimed") and "vmlinux/version_proc_show,1" in each.text
    assert together.after == "" and above.after == "zz_lower"
    assert alone.status == 0 and alone.after == "patch zz_one"
    assert ("refuse", "one-1-1", "function-claimed") in events(tmp_path / "kept")


def test_cumulative_patch_of_the_framework_leaves_the_kernels_own(both):
    both.install("lower", (built()["aa_upper"], UPPER.functions))
    both.install("both", ALL)
    _, done = both.run("""
        try suture apply
        on cc_both && [ -d /sys/kernel/livepatch/aa_upper ] || exit 1
        has version || has uptime && exit 2
        try suture list --json
        """)
    applied, listed = done
    assert applied.status == 0, applied
    assert sorted(each[:3] for each in rows(listed)) == [("both-1-1", "live", "framework"), ("lower-1-1", "live", "kernel")]


def test_patch_for_the_kernels_own_where_there_is_none(tmp_path):
    host = FrameworkHost(tmp_path, LITTLE)
    native = with_modinfo(patches(LITTLE)["zz_one"], tmp_path, "suture_livepatch=Y", "livepatch=Y")
    host.install("one", (native, ONE.functions))
    _, done = host.run("try suture apply; state; loaded suture; try suture revert --all --yes")
    assert [(each.status, each.reason) for each in done] == [(MISMATCH, "provider-missing")] * 2
    assert done[0].after == "0"
