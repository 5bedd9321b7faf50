# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each consistency model promises, with tasks inside the old and the new function: run with /usr/bin/python3 -m pytest."""
import pytest

from stage import (BUSY, DISABLED, DISABLING, ENABLED, ENABLING, PATCHED, TAINTED, UNPATCHED, lines, log_of, on_debian, on_every_kernel,
                   play, words)

BUSY_INSMOD = f"insmod: ERROR: could not insert module {{}}.ko: {BUSY} [1]"
BUSY_WRITE = f"echo: write error: {BUSY} [1]"
PINNED = "rmmod: can't unload module '{}': Resource temporarily unavailable [1]"


@on_every_kernel
def test_immediate_runs_both_versions_side_by_side(kernel):
    result = play("""
    insmod park.ko
    gate b open
    look a >/tmp/first & parked 1
    insmod fix_immediate.ko
    say transition value fix_immediate transition
    say meanwhile look b
    gate a open; wait
    say parked cat /tmp/first
    gate a closed
    look a >/tmp/second & parked 1
    put fix_immediate enabled 0
    gone fix_immediate
    say disabled look b
    gate a open; wait
    say left-behind cat /tmp/second
    say references references fix_immediate
    say rmmod rmmod fix_immediate
    say again insmod fix_immediate.ko
    say folders ls $S
    """, kernel)
    assert words(result) == {
        "transition": "0 [0]",
        "meanwhile": "fix_immediate fix_immediate [0]",
        "parked": "old fix_immediate [0]",
        "disabled": "old old [0]",
        "left-behind": "fix_immediate fix_immediate [0]",
        "references": "1 [0]",
        "rmmod": PINNED.format("fix_immediate"),
        "again": "insmod: ERROR: could not insert module fix_immediate.ko: File exists [1]",
        "folders": "[0]",
    }
    assert log_of(result) == lines("fix_immediate", TAINTED, ENABLED, DISABLED)


def test_immediate_runs_nothing_of_a_patch_that_fails_half_way():
    result = play("""
    insmod park.ko
    gate b open
    insmod half.ko 2>/tmp/half & insmod=$!
    usleep 250000
    say first cat $S/half/park/patched
    look a >/tmp/meanwhile & reader=$!
    parked 1
    wait $insmod
    say insmod cat /tmp/half
    gate a open; wait $reader
    say meanwhile cat /tmp/meanwhile
    say afterwards look b
    say modules grep -c half /proc/modules
    """)
    assert words(result) == {
        "first": "1 [0]",
        "insmod": "insmod: ERROR: could not insert module half.ko: No such device [0]",
        "meanwhile": "old old [0]",
        "afterwards": "old old [0]",
        "modules": "0 [1]",
    }
    assert log_of(result) == lines("half", TAINTED, ["enabling patch '{}'", "pre-patch callback failed for object 'vmlinux'",
                                                     "failed to enable patch '{}'"], UNPATCHED)


@on_every_kernel
def test_stop_machine_is_refused_while_a_task_is_inside(kernel):
    result = play("""
    insmod park.ko
    gate b open
    cat /proc/park/a >/tmp/first & parked 1
    say enabling insmod fix_stop_machine.ko
    say stopped cat /sys/module/suture/parameters/longest_stop
    say folders ls $S
    say meanwhile look b
    gate a open; wait
    say parked cat /tmp/first
    say enabling-empty insmod fix_stop_machine.ko
    say enabled look b
    gate a closed
    cat /proc/park/a >/tmp/second & parked 1
    say disabling put fix_stop_machine enabled 0
    say still value fix_stop_machine enabled
    say transition value fix_stop_machine transition
    say still-new look b
    gate a open; wait
    say parked-again cat /tmp/second
    say off off fix_stop_machine
    say disabled look b
    say rest rmmod park suture
    """, kernel)
    fix = "fix_stop_machine"
    assert words(result) == {
        "enabling": BUSY_INSMOD.format(fix),
        # Who sleeps in the way is seen without stopping anybody.
        "stopped": "0 [0]",
        "folders": "[0]",
        "meanwhile": "old old [0]",
        "parked": "old old [0]",
        "enabling-empty": "[0]",
        "enabled": f"{fix} {fix} [0]",
        "disabling": BUSY_WRITE,
        "still": "1 [0]",
        "transition": "0 [0]",
        "still-new": f"{fix} {fix} [0]",
        "parked-again": f"{fix} {fix} [0]",
        "off": "[0]",
        "disabled": "old old [0]",
        "rest": "[0]",
    }
    assert log_of(result) == lines(
        fix, TAINTED, ENABLING, ["'{}': cat:N is in park_visit [park]", "failed to enable patch '{}'"], UNPATCHED,
        ENABLED, DISABLING, ["'{0}': cat:N is in fixed_visit [{0}]"], PATCHED, DISABLED)


def test_stop_machine_tries_again_until_the_task_has_left():
    result = play("""
    insmod park.ko
    gate b open
    cat /proc/park/a >/tmp/first & parked 1
    (usleep 300000; gate a open) &
    say enabling insmod fix_stop_machine.ko
    wait
    say stopped cat /sys/module/suture/parameters/longest_stop
    say parked cat /tmp/first
    say enabled look b
    gate a closed
    cat /proc/park/a >/tmp/second & parked 1
    (usleep 300000; gate a open) &
    say disabling put fix_stop_machine enabled 0
    wait
    say parked-again cat /tmp/second
    gone fix_stop_machine
    say disabled look b
    """)
    fix, said = "fix_stop_machine", words(result)
    assert int(said.pop("stopped").split()[0]) > 0
    assert said == {
        "enabling": "[0]",
        "parked": "old old [0]",
        "enabled": f"{fix} {fix} [0]",
        "disabling": "[0]",
        "parked-again": f"{fix} {fix} [0]",
        "disabled": "old old [0]",
    }
    assert log_of(result) == lines(fix, TAINTED, ENABLED, DISABLED)


SWITCH_UNDER_LOAD = """
insmod pair.ko
# hammer VERSION COMMAND: observe from four tasks while COMMAND brings the kernel to VERSION.
hammer() {
	to=$1; shift
	echo r >/proc/pair
	for i in 1 2 3 4; do yes $to >/proc/pair & pids="$pids $!"; done
	usleep 200000
	"$@"
	usleep 200000
	kill $pids; wait $pids 2>/dev/null; pids=
}
enable() { insmod $1.ko && settled $1; }
for round in 1 2 3; do
	hammer 1 enable MODULE
	say enabling-$round cat /proc/pair
	hammer 0 off MODULE
	say disabling-$round cat /proc/pair
done
"""


def observations(module):
    """Counts of observations, a dictionary for each change of versions, while module was switched on and off."""
    said = words(play(SWITCH_UNDER_LOAD.replace("MODULE", module), smp=2))
    found = []
    for text in said.values():
        fields = text.split()[:-1]
        found.append(dict(zip(fields[::2], map(int, fields[1::2]), strict=True)))
    assert len(found) == 6
    return found


def test_stop_machine_leaves_no_window_with_both_versions():
    for counts in observations("pair_stop_machine"):
        assert counts["before"] > 500 and counts["after"] > 500
        assert counts["backward"] == 0
        assert counts["late"] == 0


def test_per_task_has_the_window_that_stop_machine_has_not():
    """That the observers above would have seen one."""
    assert any(counts["late"] for counts in observations("pair_per_task"))


@on_every_kernel
def test_per_task_waits_for_the_task_inside_and_turns_round(kernel):
    result = play("""
    insmod park.ko
    gate b open
    cat /proc/park/a >/tmp/first & pid=$!
    parked 1
    insmod fix_per_task.ko
    usleep 300000
    say transition value fix_per_task transition
    say enabled value fix_per_task enabled
    say blockers value fix_per_task blockers
    say meanwhile look b
    say second-transition insmod fix_stop_machine.ko
    say rmmod rmmod fix_per_task
    put fix_per_task enabled 0
    gone fix_per_task
    say reversed look b
    say unloaded eventually unloads fix_per_task
    # The task has not moved: what was to prompt it is out of its way, and does not keep the framework.
    say inside look inside
    say pins cat /sys/module/suture/refcnt
    insmod fix_per_task.ko
    gate a open; wait
    settled fix_per_task
    say pid echo $pid
    say parked cat /tmp/first

    gate a closed
    cat /proc/park/a >/tmp/second & pid=$!
    parked 1
    put fix_per_task enabled 0
    usleep 300000
    say back-transition value fix_per_task transition
    say back-enabled value fix_per_task enabled
    say back-blockers value fix_per_task blockers
    say back-meanwhile look b
    put fix_per_task enabled 1
    settled fix_per_task
    say back-reversed look b
    put fix_per_task enabled 0
    gate a open; wait
    gone fix_per_task
    say back-pid echo $pid
    say back-parked cat /tmp/second
    say disabled look b
    say rest eventually unloads fix_per_task
    say all rmmod park suture
    """, kernel)
    fix, said = "fix_per_task", words(result)
    pid, back_pid = said.pop("pid").split()[0], said.pop("back-pid").split()[0]
    assert said == {
        "transition": "1 [0]",
        "enabled": "1 [0]",
        "blockers": f"{pid} {pid} park_visit cat [0]",
        "meanwhile": f"{fix} {fix} [0]",
        "second-transition": BUSY_INSMOD.format("fix_stop_machine"),
        "rmmod": PINNED.format(fix),
        "reversed": "old old [0]",
        "unloaded": "[0]",
        "inside": "1 [0]",
        "pins": "0 [0]",
        "parked": "old old [0]",
        "back-transition": "1 [0]",
        "back-enabled": "0 [0]",
        "back-blockers": f"{back_pid} {back_pid} fixed_visit cat [0]",
        "back-meanwhile": "old old [0]",
        "back-reversed": f"{fix} {fix} [0]",
        "back-parked": f"{fix} {fix} [0]",
        "disabled": "old old [0]",
        "rest": "[0]",
        "all": "[0]",
    }
    assert log_of(result) == lines(
        fix, TAINTED, ENABLING, ["patch 'fix_stop_machine' cannot be enabled while patch '{}' is in transition"], DISABLED,
        ENABLED, DISABLING, ["'{}': starting patching transition"], PATCHED, DISABLED)


def test_what_prompted_a_task_before_a_reversal_does_not_switch_it():
    """Two tasks are inside, in the old and in the new function. The first is prompted; after the reversal it has nothing to leave,
    so nobody renews its prompt, and when it moves on it runs the one that it was given before.
    """
    result = play("""
    insmod park.ko
    gate b open
    peek /proc/park/c /proc/park/b /proc/park/k /proc/park/b >/tmp/old & old=$!
    parked 1
    insmod fix_per_task.ko
    usleep 300000
    cat /proc/park/a >/tmp/new & new=$!
    parked 2
    say forth value fix_per_task blockers
    put fix_per_task enabled 0
    usleep 300000
    say back value fix_per_task blockers
    gate c open
    eventually holds /proc/park/inside 2
    eventually test $(wc -l </tmp/old) = 2
    say still value fix_per_task blockers
    say moved cat /tmp/old
    # And once more round: it is prompted anew, by what then waits in the same place.
    put fix_per_task enabled 1
    usleep 300000
    say again value fix_per_task blockers
    gate k open
    wait $old
    settled fix_per_task
    say old cat /tmp/old
    gate a open
    wait $new
    say new cat /tmp/new
    say pids echo $old $new
    say off off fix_per_task
    say pins cat /sys/module/suture/refcnt
    """, programs=["peek"])
    fix, said = "fix_per_task", words(result)
    old, new = said.pop("pids").split()[:2]
    assert said == {
        "forth": f"{old} {old} park_visit peek [0]",
        "back": f"{new} {new} fixed_visit cat [0]",
        "still": f"{new} {new} fixed_visit cat [0]",
        "moved": "old old old old [0]",
        "again": f"{old} {old} park_visit peek [0]",
        "old": f"old old old old old old {fix} {fix} [0]",
        "new": f"{fix} {fix} [0]",
        "off": "[0]",
        "pins": "0 [0]",
    }
    assert log_of(result) == lines(fix, TAINTED, ENABLING, DISABLING, ["'{}': starting patching transition"], PATCHED, DISABLED)


def test_nothing_else_is_disabled_while_a_transition_is_open():
    result = play("""
    insmod park.ko
    insmod pair.ko
    insmod pair_stop_machine.ko
    cat /proc/park/a >/tmp/first & parked 1
    insmod fix_per_task.ko
    say transition value fix_per_task transition
    say disabling put pair_stop_machine enabled 0
    say still cat $S/pair_stop_machine/enabled $S/pair_stop_machine/transition
    gate a open; wait
    settled fix_per_task
    say off-2 off fix_per_task
    say off-1 off pair_stop_machine
    """)
    assert words(result) == {
        "transition": "1 [0]",
        "disabling": BUSY_WRITE,
        "still": "1 0 [0]",
        "off-2": "[0]",
        "off-1": "[0]",
    }
    assert log_of(result) == [
        *lines("pair_stop_machine", TAINTED, ENABLED), *lines("fix_per_task", ENABLING),
        "patch 'pair_stop_machine' cannot be disabled while patch 'fix_per_task' is in transition",
        *lines("fix_per_task", PATCHED, DISABLED), *lines("pair_stop_machine", DISABLED)]


@on_debian
@pytest.mark.parametrize("gate, part", [("cold", "park_visit.cold"), ("part", "park_visit.part.0")])
def test_parts_of_the_function_count_as_the_function(kernel, gate, part):
    """Nothing else of the function is on the stack of who waits there: it is what blockers name."""
    result = play(f"gate={gate}" + """
    insmod park.ko
    gate b open
    cat /proc/park/$gate >/tmp/first & pid=$!
    parked 1
    say stop-machine insmod fix_stop_machine.ko
    insmod fix_per_task.ko
    usleep 200000
    say transition value fix_per_task transition
    say blockers value fix_per_task blockers
    say pid echo $pid
    say meanwhile look b
    gate $gate open; wait
    settled fix_per_task
    say parked cat /tmp/first
    say now look $gate
    """, kernel)
    fix, said = "fix_per_task", words(result)
    pid = said.pop("pid").split()[0]
    assert said == {
        "stop-machine": BUSY_INSMOD.format("fix_stop_machine"),
        "transition": "1 [0]",
        "blockers": f"{pid} {pid} {part} cat [0]",
        "meanwhile": f"{fix} {fix} [0]",
        "parked": "old old [0]",
        "now": f"{fix} {fix} [0]",
    }
    assert f"'fix_stop_machine': cat:N is in {part} [park]" in log_of(result)


@on_debian
@pytest.mark.parametrize("direction", ["patched", "unpatched"])
def test_force_ends_the_transition_and_keeps_the_module(kernel, direction):
    result = play(f"""
    direction={direction}
    """ + """
    insmod park.ko
    gate b open
    if [ $direction = unpatched ]; then insmod fix_per_task.ko; settled fix_per_task; fi
    look a >/tmp/first & parked 1
    if [ $direction = unpatched ]; then put fix_per_task enabled 0; else insmod fix_per_task.ko; fi
    usleep 100000
    say transition value fix_per_task transition
    say force-0 put fix_per_task force 0
    say still value fix_per_task transition
    say force put fix_per_task force 1
    if [ $direction = patched ]; then
        settled fix_per_task
        say force-again put fix_per_task force 1
        say enabled look b
        put fix_per_task enabled 0
    fi
    gone fix_per_task
    say disabled look b
    gate a open; wait
    say parked cat /tmp/first
    usleep 300000
    say references references fix_per_task
    say rmmod rmmod fix_per_task
    """, kernel)
    fix = "fix_per_task"
    expected = {
        "transition": "1 [0]",
        "force-0": "[0]",
        "still": "1 [0]",
        "force": "[0]",
        "disabled": "old old [0]",
        "parked": "old old [0]",
        "references": "1 [0]",
        "rmmod": PINNED.format(fix),
    }
    forced = [f"forcing remaining tasks to the {direction} state"]
    if direction == "patched":
        expected |= {"force-again": "echo: write error: Invalid argument [1]", "enabled": f"{fix} {fix} [0]"}
        log = lines(fix, TAINTED, ENABLING, forced, PATCHED, DISABLED)
    else:
        expected["parked"] = f"{fix} {fix} [0]"
        log = lines(fix, TAINTED, ENABLED, DISABLING, forced, UNPATCHED)
    assert words(result) == expected
    assert log_of(result) == log


def test_models_stack_and_leave_from_the_top_only():
    result = play("""
    insmod park.ko
    gate b open
    for fix in fix_immediate fix_stop_machine fix_per_task; do
        insmod $fix.ko && settled $fix
        say on-$fix look b
    done
    say order cat $S/fix_immediate/stack_order $S/fix_stop_machine/stack_order $S/fix_per_task/stack_order
    say off-middle put fix_stop_machine enabled 0
    say off-bottom put fix_immediate enabled 0
    say unchanged look b
    say off-1 off fix_per_task
    say left-2 look b
    say off-2 off fix_stop_machine
    say left-1 look b
    say off-3 put fix_immediate enabled 0
    gone fix_immediate
    say left-0 look b
    """)
    assert words(result) == {
        "on-fix_immediate": "fix_immediate fix_immediate [0]",
        "on-fix_stop_machine": "fix_stop_machine fix_stop_machine [0]",
        "on-fix_per_task": "fix_per_task fix_per_task [0]",
        "order": "1 2 3 [0]",
        "off-middle": BUSY_WRITE,
        "off-bottom": BUSY_WRITE,
        "unchanged": "fix_per_task fix_per_task [0]",
        "off-1": "[0]",
        "left-2": "fix_stop_machine fix_stop_machine [0]",
        "off-2": "[0]",
        "left-1": "fix_immediate fix_immediate [0]",
        "off-3": "[0]",
        "left-0": "old old [0]",
    }
    above = "patch '{}' cannot be disabled: patch '{}' is above it"
    assert log_of(result) == [
        *lines("fix_immediate", TAINTED, ENABLED), *lines("fix_stop_machine", ENABLED), *lines("fix_per_task", ENABLED),
        above.format("fix_stop_machine", "fix_per_task"), above.format("fix_immediate", "fix_stop_machine"),
        *lines("fix_per_task", DISABLED), *lines("fix_stop_machine", DISABLED), *lines("fix_immediate", DISABLED)]


def test_a_task_that_an_immediate_patch_left_behind_counts_later():
    """The immediate patch did not wait for the task in the original; those above it have to."""
    result = play("""
    insmod park.ko
    gate b open
    cat /proc/park/a >/tmp/first & pid=$!
    parked 1
    insmod fix_immediate.ko
    say stop-machine insmod fix_stop_machine.ko
    insmod fix_per_task.ko
    usleep 200000
    say per-task value fix_per_task transition
    say blockers value fix_per_task blockers
    say pid echo $pid
    gate a open; wait
    settled fix_per_task
    say parked cat /tmp/first
    say now look b
    """)
    said = words(result)
    pid = said.pop("pid").split()[0]
    assert said == {
        "stop-machine": BUSY_INSMOD.format("fix_stop_machine"),
        "per-task": "1 [0]",
        "blockers": f"{pid} {pid} park_visit cat [0]",
        "parked": "old fix_immediate [0]",
        "now": "fix_per_task fix_per_task [0]",
    }


@pytest.mark.parametrize("gate, function", [("a", "fixed_visit"), ("cold", "fixed_visit.cold")])
def test_a_task_in_what_a_gone_immediate_patch_left_counts_later(gate, function):
    result = play(f"gate={gate}" + """
    insmod park.ko
    gate b open
    insmod fix_immediate.ko
    look $gate >/tmp/first & pid=$!
    parked 1
    put fix_immediate enabled 0
    gone fix_immediate
    say stop-machine insmod fix_stop_machine.ko
    insmod fix_per_task.ko
    usleep 200000
    say blockers cut -d" " -f3,4 $S/fix_per_task/blockers
    put fix_per_task enabled 0
    gone fix_per_task
    gate $gate open; wait
    say parked cat /tmp/first
    say again insmod fix_stop_machine.ko
    say now look b
    """)
    assert words(result) == {
        "stop-machine": BUSY_INSMOD.format("fix_stop_machine"),
        "blockers": f"{function} cat [0]",
        "parked": "fix_immediate fix_immediate [0]",
        "again": "[0]",
        "now": "fix_stop_machine fix_stop_machine [0]",
    }
    assert f"'fix_stop_machine': cat:N is in {function} [fix_immediate]" in log_of(result)


MIXED_STACK = """
insmod park.ko
gate b open
for fix in fix_immediate fix_stop_machine fix_per_task; do insmod $fix.ko && settled $fix; done
cat /proc/park/a >/tmp/first & parked 1
"""


def test_replace_per_task_takes_over_a_mixed_stack():
    result = play(MIXED_STACK + """
    insmod all_per_task.ko
    usleep 200000
    say transition value all_per_task transition
    say blockers value all_per_task blockers
    say meanwhile look b
    gate a open; wait
    settled all_per_task
    say parked cat /tmp/first
    say now look b
    eventually holds $S/all_per_task/stack_order 1
    for fix in fix_immediate fix_stop_machine fix_per_task; do gone $fix; done
    say folders ls $S
    say per-task eventually unloads fix_per_task
    say stop-machine eventually unloads fix_stop_machine
    usleep 200000
    say immediate rmmod fix_immediate
    say off off all_per_task
    say original look b
    """)
    said = words(result)
    assert said.pop("blockers").split()[2:] == ["fixed_visit", "cat", "[0]"]
    assert said == {
        "transition": "1 [0]",
        "meanwhile": "all_per_task all_per_task [0]",
        "parked": "fix_per_task fix_per_task [0]",
        "now": "all_per_task all_per_task [0]",
        "folders": "all_per_task [0]",
        "per-task": "[0]",
        "stop-machine": "[0]",
        "immediate": PINNED.format("fix_immediate"),
        "off": "[0]",
        "original": "old old [0]",
    }


def test_replace_stop_machine_takes_over_a_mixed_stack_or_nothing():
    result = play(MIXED_STACK + """
    say busy insmod all_stop_machine.ko
    say unchanged look b
    say folders ls $S
    gate a open; wait
    insmod all_stop_machine.ko
    say now look b
    for fix in fix_immediate fix_stop_machine fix_per_task; do gone $fix; done
    say per-task eventually unloads fix_per_task
    say stop-machine eventually unloads fix_stop_machine
    usleep 200000
    say immediate rmmod fix_immediate
    say off off all_stop_machine
    say original look b
    """)
    assert words(result) == {
        "busy": BUSY_INSMOD.format("all_stop_machine"),
        "unchanged": "fix_per_task fix_per_task [0]",
        "folders": "fix_immediate fix_per_task fix_stop_machine [0]",
        "now": "all_stop_machine all_stop_machine [0]",
        "per-task": "[0]",
        "stop-machine": "[0]",
        "immediate": PINNED.format("fix_immediate"),
        "off": "[0]",
        "original": "old old [0]",
    }
    assert "'all_stop_machine': cat:N is in fixed_visit [fix_per_task]" in log_of(result)


def test_replace_immediate_keeps_all_that_it_replaced():
    result = play(MIXED_STACK + """
    insmod all_immediate.ko
    say now look b
    for fix in fix_immediate fix_stop_machine fix_per_task; do gone $fix; done
    usleep 200000
    say per-task rmmod fix_per_task
    say stop-machine rmmod fix_stop_machine
    say immediate rmmod fix_immediate
    gate a open; wait
    say parked cat /tmp/first
    say folders ls $S
    """)
    assert words(result) == {
        "now": "all_immediate all_immediate [0]",
        "per-task": PINNED.format("fix_per_task"),
        "stop-machine": PINNED.format("fix_stop_machine"),
        "immediate": PINNED.format("fix_immediate"),
        "parked": "fix_per_task fix_per_task [0]",
        "folders": "all_immediate [0]",
    }
