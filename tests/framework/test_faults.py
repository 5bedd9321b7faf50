# SPDX-License-Identifier: LGPL-2.1-or-later
"""Allocations that fail, one after the other, in all that the framework does for somebody who waits for it."""
import functools
import re
import subprocess

import pytest

import rig
from rig import section
from stage import FAULT, FULL

KERNELS = [rig.OWN] + ([rig.DEBUG] if FULL else [])
on_all = pytest.mark.parametrize("kernel", KERNELS, ids=str)
# What allocates, where the framework calls it.
ALLOCATORS = re.compile(r"_*k\w*alloc\w*|kstrdup\w*|kobject_add|kobject_create_and_add|sysfs_create_link|alloc_workqueue\w*|"
                        r"tracepoint_probe_register|register_ftrace_function|ftrace_set_filter_ip")
# What may fail for want of memory too, and does not here: a kprobe on the first instruction of a function that ftrace knows needs
# none, and the kernel's fault injection does not reach the memory of processors, which a work on each of them needs.
OUT_OF_REACH = re.compile(r"register_kprobe|(kernel_)?schedule_on_each_cpu")
# These say that they cannot be helped, so the log says nothing: what follows from their failures is looked at.
SILENT = {"suture_tasks_reserve", "suture_task_forked"}
DUMP = re.compile(r"^FAULT_INJECTION: forcing a failure\.$.*?^ </TASK>$", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r"^ (\w[\w.]*)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[suture\]$", re.MULTILINE)

# guest faults -f $W: within notifiers and init of modules; without it: within the system call.
SCRIPT = """
cat >/prelude <<'END'
{prelude}
END
undo() {{
	{{ echo '. /prelude'; cat; }} >"/undo-$1"
}}
undo enable <<'END'
	settled obj_second
	disable obj_second
	eventually is_unloaded obj_first
	enable obj_first.ko
END
undo disable <<'END'
	gone obj_second
	eventually is_unloaded obj_second
	enable obj_second.ko
END
undo stop <<'END'
	gone obj_first
	eventually is_unloaded obj_first
	enable obj_first.ko model=1
END
dmesg -n 1
echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
echo 2 >/sys/kernel/debug/failslab/verbose
guest load obj_window.ko
W=/sys/module/obj_window/parameters/left
M=/sys/module
L=/sys/kernel/livepatch
C="-s /proc/version -s /proc/cmdline -s $M/suture/refcnt"
again() {{
	sh "/undo-$1" >/dev/null
}}
faults() {{
	undo=$1; shift
	guest faults -u "$undo >/dev/null" "$@"
}}

title framework
faults 'guest unload suture' -f $W -s $S -s $L -s $M/suture load suture.ko
enable obj_first.ko

title replace before the module comes
faults 'sh /undo-enable' -f $W -e 4 $C -s $S -s $M/obj_second load obj_second.ko replace=1
again enable
guest load obj_target.ko

title replace
faults 'sh /undo-enable' -f $W -e 4 $C -s $S -s $M/obj_second -s $M/obj_target load obj_second.ko replace=1
again enable
guest unload obj_target
enable obj_second.ko

title come
faults 'guest unload obj_target' -f $W $C -s $S -s $M/obj_target load obj_target.ko

title disable
faults 'sh /undo-disable' -e 4 $C -s $S -s $M/obj_target write $S/obj_second/enabled 0
gone obj_second
eventually is_unloaded obj_second
enable obj_second.ko

title go
faults 'guest load obj_target.ko' $C -s $S -s $M/obj_target unload obj_target
disable obj_second
disable obj_first

title stop the machine, enable
guest load obj_target.ko
faults '. /prelude; disable obj_first' -f $W $C -s $S -s $M/obj_first -s $M/obj_target load obj_first.ko model=1

title stop the machine, disable
faults 'sh /undo-stop' $C -s $S -s $M/obj_target write $S/obj_first/enabled 0
gone obj_first
eventually is_unloaded obj_first
guest unload obj_target

guest load stall.ko
echo 0 >/proc/stall
cat /proc/stall &
usleep 100000
guest load obj_parked.ko

title come during a transition
faults 'guest unload obj_target' -f $W $C -s $S -s $M/obj_target load obj_target.ko

title fork during a transition
faults true -s $S fork $M/obj_target/parameters/value
cat $S/obj_parked/transition

title end
echo 1 >/proc/stall
wait
settled obj_parked
P obj_target value
disable obj_parked
guest unload obj_target
guest unload stall
guest unload obj_window
clean
title leaks
leaks
""".format(prelude=rig.PRELUDE)


@functools.lru_cache
def outcome(kernel):
    return rig.run(SCRIPT, ["objects"], kernel, load=False, timeout=600, memory=1024)


# How often it was refused: at least so often. What the action that succeeded despite a failure left to be tried later is endured.
REFUSED = {
    "framework": 20,
    "replace before the module comes": 30,
    "replace": 30,
    "come": 9,
    "disable": 3,
    "stop the machine, enable": 30,
    "stop the machine, disable": 3,
    "come during a transition": 9,
    "fork during a transition": 20,
}


@on_all
@pytest.mark.parametrize("what", [*REFUSED, "go"])
def test_nothing_is_left_of_what_failed_and_it_works_afterwards(kernel, what):
    """guest.c compares files of sysfs and the patched functions' effects after each failure; it says so when they differ."""
    said = section(outcome(kernel).output, what)
    summary = [line for line in said if " refused, " in line]
    assert len(summary) == 1 and summary[0].endswith("then 0"), said
    assert int(summary[0].split()[0]) >= REFUSED.get(what, 0)
    if what == "go":
        assert summary[0].startswith("0 refused")
    assert not [line for line in said if line.startswith("allocation ")], said


@on_all
def test_child_without_a_state_begins_in_the_old_world(kernel):
    """Its parent is in the new one, like the children for which there was memory."""
    said = section(outcome(kernel).output, "fork during a transition")
    assert [line for line in said if line.endswith(" read 5")]  # how many, the kernel's allocations decide
    assert [line for line in said if line.endswith(" read 300")]
    assert said[-1] == "1"


@on_all
def test_transition_ends_and_the_framework_unloads(kernel):
    assert section(outcome(kernel).output, "end") == ["300", "0", "0", "0", "0", "0"]


@on_all
def test_nothing_leaks(kernel):
    """Where kmemleak is; test_api.py counts memory elsewhere."""
    assert section(outcome(kernel).output, "leaks") == []


@on_all
def test_only_the_failures_themselves_are_reported(kernel):
    result = outcome(kernel)
    rest = DUMP.sub("", result.script_log)
    assert [line for line in rest.splitlines() if FAULT.search(line)] == []


def calls(kernel):
    """Every direct call in the framework: (caller, callee, return address from the caller's beginning, None for a jump)."""
    text = subprocess.check_output(["objdump", "-dr", "--no-show-raw-insn", rig.framework(kernel)], text=True)
    found, function, start, waiting = [], None, 0, None
    for line in text.splitlines():
        head = re.match(r"^([0-9a-f]+) <([\w.]+)>:$", line)
        code = re.match(r"^\s*([0-9a-f]+):\t(\w+) *(?:[0-9a-f]+ <([\w.]+)>)?", line)
        target = re.search(r"R_X86_64_PLT32\s+([\w.]+)-0x4$", line)
        if head or code:
            if waiting:
                jump, callee = waiting
                found.append((function, callee, None if jump else int((head or code)[1], 16) - start))
            waiting = None
        if head:
            function, start = head[2], int(head[1], 16)
        elif code and code[2] in ("call", "jmp"):
            waiting = (code[2] == "jmp", code[3])
        elif target and waiting:
            waiting = (waiting[0], target[1])
    return found


def sites(kernel, callees=ALLOCATORS):
    """Where the framework allocates, as the stack shows it: (function, return address). Of one that jumps to the allocator it
    shows the caller."""
    known = calls(kernel)
    jumping = {caller for caller, callee, back in known if back is None and callees.fullmatch(callee or "")}
    return {(caller, back) for caller, callee, back in known
            if back is not None and (callee in jumping or callees.fullmatch(callee or ""))}


@pytest.mark.parametrize("kernel", [rig.OWN], ids=str)
def test_each_site_failed(kernel):
    """Those are all that objdump finds; the log of each failure tells from where it was called. (With KASAN the stacks are longer
    than the kernel's log.)"""
    log = outcome(kernel).script_log
    failed = {(function, int(offset, 16)) for dump in DUMP.findall(log) for function, offset in FRAME.findall(dump)}
    expected = sites(kernel)
    assert len(expected) > 15
    assert {site for site in expected if site[0] not in SILENT} - failed == set()
    assert {function for function, _ in expected} & SILENT == SILENT
    assert {"suture_kernel_init", "suture_wait_for_handlers"} <= {function for function, _ in sites(kernel, OUT_OF_REACH)}


@pytest.mark.parametrize("kernel", [rig.DEBIAN, rig.NEWER], ids=str)
def test_sites_are_the_same_elsewhere(kernel):
    """By whatever names that kernel allocates."""
    assert {function for function, _ in sites(kernel)} == {function for function, _ in sites(rig.OWN)}
