# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules to patch that come and go, in any state of the patches for them."""
import pytest

import rig
from rig import disabling, enabling, reports, section

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)
APPLY = "livepatch: applying patch '{}' to loading module 'obj_target'"
REVERT = "livepatch: reverting patch '{}' on unloading module 'obj_target'"


def told(result, title):
    """What the log says of a part of the script, without the taint and without the loader's own lines."""
    return [line for line in section(result.script_log, title)
            if line.startswith(("livepatch: ", "obj_")) and "tainting kernel" not in line]


def come(*names):
    return [line for name in names for line in (APPLY.format(name), f"{name}: pre_patch", f"{name}: post_patch")]


def go(*names):
    return [line for name in names for line in (f"{name}: pre_unpatch", REVERT.format(name), f"{name}: post_unpatch")]


@on_all
def test_module_that_was_loading_before_the_framework_is_patched_when_it_is_live(kernel):
    script = """
    guest load obj_target.ko hold=1 &
    eventually grep -q coming /sys/module/obj_target/initstate
    title coming
    guest load suture.ko
    enable obj_first.ko
    cat $S/obj_first/obj_target/patched
    P obj_target value
    title live
    echo 0 >/sys/module/obj_target/parameters/hold
    wait
    cat $S/obj_first/obj_target/patched
    P obj_target value
    title end
    guest unload obj_target
    disable obj_first
    clean
    """
    result = rig.run(script, ["objects"], kernel, load=False)
    assert section(result.output, "coming") == ["0", "0", "0", "5"]
    assert told(result, "coming") == enabling("obj_first")
    assert section(result.output, "live") == ["0", "1", "110"]
    assert told(result, "live") == come("obj_first")
    assert section(result.output, "end") == ["0", "0", "0"]
    assert reports(result) == []


@on_all
def test_patches_are_on_a_module_before_its_code_runs_and_off_after(kernel):
    """In the order of the stack, the newest function wins, from the parameters on until exit."""
    script = """
    enable obj_first.ko
    enable obj_second.ko
    title come
    guest load obj_target.ko early=1
    P obj_target value
    title go
    guest unload obj_target
    title fail
    guest load obj_target.ko fail=-5
    title disable
    guest load obj_target.ko
    disable obj_second
    P obj_target value
    disable obj_first
    P obj_target value
    guest unload obj_target
    clean
    """
    result = rig.run(script, ["objects"], kernel)
    assert section(result.output, "come") == ["0", "210"]
    assert told(result, "come") == [*come("obj_first", "obj_second"), "obj_target: parameter: 210", "obj_target: init: 210"]
    assert section(result.output, "go") == ["0"]
    assert told(result, "go") == ["obj_target: exit: 210", *go("obj_second", "obj_first")]
    assert section(result.output, "fail") == ["EIO"]
    assert told(result, "fail") == [*come("obj_first", "obj_second"), "obj_target: init: 210", *go("obj_second", "obj_first")]
    assert section(result.output, "disable") == ["0", "0", "110", "0", "5", "0", "0"]
    assert reports(result) == []


@on_all
def test_patch_that_refuses_a_module_refuses_its_load(kernel):
    """The patches below it, which were applied, are reverted; other modules are not affected."""
    script = """
    enable obj_first.ko
    enable obj_second.ko
    title refuse
    echo 1 >/sys/module/obj_second/parameters/refuse
    guest load obj_target.ko
    cat $S/obj_first/obj_target/patched $S/obj_second/obj_target/patched
    guest load stall.ko
    title accept
    echo 0 >/sys/module/obj_second/parameters/refuse
    guest load obj_target.ko
    cat $S/obj_first/obj_target/patched $S/obj_second/obj_target/patched
    P obj_target value
    disable obj_second
    disable obj_first
    guest unload obj_target
    guest unload stall
    title enable
    guest load obj_target.ko
    guest load obj_first.ko refuse=1
    ls $S
    cat /proc/version | grep -c Linux
    P obj_target value
    guest unload obj_target
    clean
    """
    result = rig.run(script, ["objects"], kernel)
    assert section(result.output, "refuse") == ["ENODEV", "0", "0", "0"]
    assert told(result, "refuse") == [
        *come("obj_first"), APPLY.format("obj_second"), "obj_second: pre_patch",
        "livepatch: pre-patch callback failed for object 'obj_target'",
        *go("obj_first"), "livepatch: patch 'obj_second' failed for module 'obj_target', refusing to load module 'obj_target'"]
    assert section(result.output, "accept") == ["0", "1", "1", "210", "0", "0", "0", "0"]
    assert section(result.output, "enable") == ["0", "ENODEV", "1", "5", "0", "0"]
    assert told(result, "enable")[1:] == [
        "livepatch: enabling patch 'obj_first'", "obj_first: pre_patch",
        "livepatch: pre-patch callback failed for object 'obj_target'", "livepatch: failed to enable patch 'obj_first'",
        "livepatch: 'obj_first': unpatching complete", "obj_target: exit: 5"]
    assert reports(result) == []


@on_all
def test_module_comes_and_goes_during_a_transition(kernel):
    """Held open by a task in the old stall_wait(), in both directions; each time the transition ends as it should."""
    script = """
    park() {
        echo 0 >/proc/stall
        cat /proc/stall & usleep 100000
    }
    guest load stall.ko
    title come
    park
    guest load obj_parked.ko
    guest load obj_target.ko
    cat $S/obj_parked/transition $S/obj_parked/obj_target/patched
    echo 1 >/proc/stall
    settled obj_parked
    wait
    P obj_target value
    title go
    guest unload obj_target
    disable obj_parked
    park
    guest load obj_target.ko
    guest load obj_parked.ko
    cat $S/obj_parked/transition $S/obj_parked/obj_target/patched
    guest unload obj_target
    cat $S/obj_parked/transition $S/obj_parked/obj_target/patched
    echo 1 >/proc/stall
    settled obj_parked
    wait
    title reverse
    disable obj_parked
    park
    guest load obj_parked.ko
    guest load obj_target.ko
    echo 0 >$S/obj_parked/enabled
    gone obj_parked
    P obj_target value
    guest unload obj_parked
    echo 1 >/proc/stall
    wait
    guest unload obj_target
    guest unload stall
    clean
    """
    result = rig.run(script, ["objects"], kernel)
    apply, revert = APPLY.format("obj_parked"), REVERT.format("obj_parked")
    start = enabling("obj_parked")[:2]
    # What a task in user space gets at once: the module's init runs in a task that has been in the new world.
    assert section(result.output, "come") == ["0", "0", "1", "1", "300"]
    assert told(result, "come") == [*start, apply, "obj_target: init: 300", enabling("obj_parked")[2]]
    assert section(result.output, "go") == ["0", "0", "0", "0", "1", "1", "0", "1", "0"]
    assert told(result, "go") == ["obj_target: exit: 300", revert, *disabling("obj_parked"), "obj_target: init: 5", *start,
                                  "obj_target: exit: 300", revert, enabling("obj_parked")[2]]
    assert section(result.output, "reverse") == ["0", "0", "0", "5", "0", "0", "0", "0"]
    assert told(result, "reverse") == [
        *disabling("obj_parked"), *start, apply, "obj_target: init: 300", *disabling("obj_parked"), "obj_target: exit: 5"]
    assert reports(result) == []
