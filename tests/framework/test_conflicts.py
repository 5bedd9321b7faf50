# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others who redirect functions or trace them: the kernel's own livepatch, kprobes, ftrace's tracers."""
import pytest

import rig
from rig import disabling, enabling, livepatch_log, machine, reports, section

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)
WITH_LIVEPATCH = [kernel for kernel in rig.ALL if kernel.livepatch]
NATIVE = rig.HERE.parent / "vm/modules/cmdline"
SHOWN = """
shown() {
	for file in version cmdline; do
		case $(cat /proc/$file) in
		con_patch) echo "$file: ours" ;;
		'live patched') echo "$file: native" ;;
		*) echo "$file: original" ;;
		esac
	done
}
native() {
	while [ "$(cat /sys/kernel/livepatch/cmdline_patch/transition)" != 0 ]; do usleep 5000; done
}
native_gone() {
	echo 0 >/sys/kernel/livepatch/cmdline_patch/enabled
	while [ -d /sys/kernel/livepatch/cmdline_patch ]; do usleep 5000; done
	guest unload cmdline_patch
}
T=/sys/kernel/tracing
"""
ORIGINAL = ["version: original", "cmdline: original"]
OURS = ["version: ours", "cmdline: ours"]
CLAIMED = ["livepatch: enabling patch 'con_patch'",
           "livepatch: failed to register ftrace handler for function 'cmdline_proc_show' (-16)",
           "livepatch: failed to patch object 'vmlinux'", "livepatch: failed to enable patch 'con_patch'",
           "livepatch: 'con_patch': unpatching complete"]
# Where the instruction after the call of ftrace is: functions of the newer kernel begin with ENDBR.
OFFSET = {rig.NEWER: 9}


@pytest.mark.parametrize("kernel", WITH_LIVEPATCH, ids=str)
def test_native_livepatch_and_the_framework_refuse_each_others_functions(kernel):
    """The first one keeps the function; the other's patch is not there, not even where it could be."""
    script = SHOWN + """
    title native first
    guest load cmdline_patch.ko && native
    guest load con_patch.ko
    ls -1 $S
    shown
    cat /sys/module/suture/refcnt
    native_gone
    title ours first
    enable con_patch.ko
    guest load cmdline_patch.ko
    ls -1 /sys/kernel/livepatch
    shown
    disable con_patch
    title side by side
    guest load cmdline_patch.ko && native
    guest load sym_target.ko
    enable sym_sympos.ko object=sym_target name=sym_which sympos=1
    shown
    P sym_target which
    ls -1 $S /sys/kernel/livepatch
    native_gone
    P sym_target which
    disable sym_sympos
    rmmod sym_target
    shown
    clean
    """
    native = machine.build_modules(NATIVE, kernel.series) / "cmdline_patch.ko"
    result = rig.run(script, ["conflicts", "symbols"], kernel, copies=[(native, "/m/")])
    assert section(result.output, "native first") == ["0", "EBUSY", "version: original", "cmdline: native", "0", "0"]
    assert livepatch_log(result, "native first") == [*enabling("cmdline_patch"), *CLAIMED, *disabling("cmdline_patch")]
    assert section(result.output, "ours first") == ["0", "EBUSY", *OURS, "0"]
    assert ("livepatch: failed to register ftrace handler for function 'cmdline_proc_show' (-16)"
            in livepatch_log(result, "ours first"))
    assert section(result.output, "side by side") == [
        "0", "0", "0", "version: original", "cmdline: native", "0 2", "/sys/kernel/livepatch:", "cmdline_patch", "",
        "/sys/kernel/suture:", "sym_sympos", "0", "0 2", "0", *ORIGINAL, "0"]
    assert reports(result) == []


@on_all
def test_kprobe_that_may_redirect_is_another_user(kernel):
    """One with a post_handler at the function's entry; all other probes, before and after, go along."""
    script = SHOWN + """
    title probe first
    guest load con_probe.ko post=1
    guest load con_patch.ko
    ls -1 $S
    shown
    P con_probe hits
    guest unload con_probe
    title patch first
    enable con_patch.ko
    guest load con_probe.ko post=1
    shown
    for probe in 'symbol=cmdline_proc_show' 'symbol=cmdline_proc_show offset=OFFSET post=1' 'symbol=new_cmdline' \\
                 'symbol=new_cmdline post=1'; do
        guest load con_probe.ko $probe
        shown
        P con_probe hits
        guest unload con_probe
    done
    disable con_patch
    title around
    guest load con_probe.ko
    enable con_patch.ko
    shown
    P con_probe hits
    disable con_patch
    shown
    P con_probe hits
    guest unload con_probe
    clean
    """
    result = rig.run(script.replace("OFFSET", str(OFFSET.get(kernel, 5))), ["conflicts"], kernel)
    assert section(result.output, "probe first") == ["0", "EBUSY", *ORIGINAL, "1 1", "0"]
    assert livepatch_log(result, "probe first") == CLAIMED
    # The old function's entry is passed on the way to the new one, its other instructions are not.
    assert section(result.output, "patch first") == [
        "0", "EBUSY", *OURS,
        "0", *OURS, "1 0", "0",
        "0", *OURS, "0 0", "0",
        "0", *OURS, "1 0", "0",
        "0", *OURS, "1 1", "0", "0"]
    assert section(result.output, "around") == ["0", "0", *OURS, "1 0", "0", *ORIGINAL, "2 0", "0", "0"]
    assert reports(result) == []


@on_all
@pytest.mark.parametrize("model", ["per-task", "stop-machine"])
def test_kretprobes_on_the_way_to_the_framework(kernel, model):
    """The task that enables or disables has one on its stack, which the kernel looks up for that task itself alone."""
    script = SHOWN + f"""
    for symbol in do_init_module ksys_write; do
        title $symbol
        guest load con_probe.ko symbol=$symbol at_return=1
        enable con_patch.ko model={["per-task", "stop-machine"].index(model)}
        shown
        disable con_patch
        shown
        [ "$(P con_probe hits)" != "0 0" ] && echo hit
        guest unload con_probe
    done
    clean
    """
    result = rig.run(script, ["conflicts"], kernel)
    for symbol in ("do_init_module", "ksys_write"):
        assert section(result.output, symbol)[:8] == ["0", "0", *OURS, "0", *ORIGINAL, "hit"]
        assert livepatch_log(result, symbol) == [*enabling("con_patch"), *disabling("con_patch")]
    assert reports(result) == []


@on_all
def test_tracers_go_along(kernel):
    """Tracers of functions see the entry of the old function and then the new one; function_graph hooks the returns too."""
    script = SHOWN + """
    title function first
    echo cmdline_proc_show >$T/set_ftrace_filter
    echo function >$T/current_tracer
    enable con_patch.ko
    echo new_cmdline >>$T/set_ftrace_filter
    echo >$T/trace
    shown
    sed -n 's/^.*: \\([a-z_]*\\) .*<-.*/\\1/p' $T/trace
    title graph while patched
    echo function_graph >$T/current_tracer
    shown
    grep -o '[a-z_]*\\( .con_patch.\\)*()' $T/trace
    disable con_patch
    title graph first
    echo cmdline_proc_show >$T/set_ftrace_filter
    enable con_patch.ko
    echo new_cmdline >>$T/set_ftrace_filter
    echo >$T/trace
    shown
    grep -o '[a-z_]*\\( .con_patch.\\)*()' $T/trace
    grep -c 'cmdline_proc_show.* I ' $T/enabled_functions
    echo nop >$T/current_tracer
    shown
    disable con_patch
    shown
    grep -c cmdline $T/enabled_functions
    clean
    """
    result = rig.run(script, ["conflicts"], kernel)
    graph = ["cmdline_proc_show()", "new_cmdline [con_patch]()"]
    assert section(result.output, "function first") == ["0", *OURS, "cmdline_proc_show", "new_cmdline"]
    assert section(result.output, "graph while patched") == [*OURS, *graph, "0"]
    assert section(result.output, "graph first") == ["0", *OURS, *graph, "1", *OURS, "0", *ORIGINAL, "0", "0"]
    assert reports(result) == []


@on_all
def test_ftrace_cannot_be_switched_off_under_a_patch(kernel):
    script = SHOWN + """
    title on
    enable con_patch.ko
    guest write /proc/sys/kernel/ftrace_enabled 0
    cat /proc/sys/kernel/ftrace_enabled
    shown
    disable con_patch
    title off
    guest write /proc/sys/kernel/ftrace_enabled 0
    guest load con_patch.ko
    shown
    ls -1 $S
    guest write /proc/sys/kernel/ftrace_enabled 1
    enable con_patch.ko
    shown
    disable con_patch
    clean
    """
    result = rig.run(script, ["conflicts"], kernel)
    assert section(result.output, "on") == ["0", "EBUSY", "1", *OURS, "0"]
    assert section(result.output, "off") == ["0", "EBUSY", *ORIGINAL, "0", "0", *OURS, "0", "0"]
    assert reports(result) == []
