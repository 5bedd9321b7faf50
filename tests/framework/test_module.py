# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture.ko itself: loading, unloading, what it shows of itself, and the taint of its patches."""
import re
import subprocess

import pytest

import rig
import stage
from rig import livepatch_log, reports, section

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)
TAINT_LIVEPATCH = 1 << 15
# Each function with an indirect call, and what it calls. None of it was looked up by name: that would fault where the processor
# enforces IBT. What is called there has to be a function of ours or of a patch, whose address was taken in C.
INDIRECT = {
    "suture_pre_patch_callback", "suture_post_patch_callback",  # callbacks of patches
    "suture_pre_unpatch_callback", "suture_post_unpatch_callback",
    "shadow_get_or_add",  # constructor of a shadow variable
    "shadow_remove",  # its destructor
    "part_step", "suture_symbol_each_prefixed",  # our visitors of symbols
    "suture_remains_each",  # our visitors of functions that a replace patch leaves
    "suture_per_task_each_blocker",  # our visitors of tasks
    "suture_stop_timed",  # what we do with the machine stopped
}


def test_modules_information_has_the_chosen_model():
    """Also where the source names it by a macro."""
    said = {model: subprocess.check_output(["modinfo", "-F", "suture_consistency", stage.modules(stage.DEBIAN) / f"fix_{model}.ko"], text=True)
            for model in ("per_task", "stop_machine", "immediate")}
    assert said == {model: f"KLP_{model.upper()}\n" for model in said}


@on_all
def test_framework_loads_once_and_stays_while_a_patch_is_there(kernel):
    script = """
    tainted() {
        echo $(($(cat /proc/sys/kernel/tainted) & 1 << 15))
    }
    title load
    guest load suture.ko
    guest load suture.ko
    readlink /sys/kernel/livepatch
    [ -d /sys/kernel/livepatch ] && ls -1 /sys/kernel/livepatch/
    stat -c %a $S
    grep -o K /sys/module/suture/taint
    tainted
    title patch
    enable con_patch.ko
    grep -o K /sys/module/con_patch/taint
    grep -o '(.*K.*)' /proc/modules | wc -l
    tainted
    ls -1 /sys/kernel/livepatch
    guest unload suture
    guest unload con_patch
    disable con_patch
    title unload
    clean
    ls -d $S /sys/kernel/livepatch 2>/dev/null
    title load again
    guest load suture.ko
    enable con_patch.ko
    disable con_patch
    clean
    """
    result = rig.run(script, ["conflicts"], kernel, load=False)
    link = [] if kernel.livepatch else ["suture"]
    assert section(result.output, "load") == ["0", "EEXIST", *link, "755", "0"]
    assert livepatch_log(result, "load") == livepatch_log(result, "unload") == []
    shown = [] if kernel.livepatch else ["con_patch"]
    assert section(result.output, "patch") == ["0", "K", "1", str(TAINT_LIVEPATCH), *shown, "EAGAIN", "EAGAIN", "0"]
    assert section(result.output, "unload") == ["0", *(["/sys/kernel/livepatch"] if kernel.livepatch else [])]
    assert section(result.output, "load again") == ["0", "0", "0", "0"]
    said = [line for line in section(result.script_log, "patch") if "TAINT_LIVEPATCH" in line]
    # Where the kernel has a livepatch of its own it is the loader who says it.
    assert said == [f"{'' if kernel.livepatch else 'livepatch: '}con_patch: tainting kernel with TAINT_LIVEPATCH"]
    assert reports(result) == []


@on_all
def test_framework_imports_exported_functions_of_the_kernel_only(kernel):
    """Not the other livepatch's, and nothing that only modules of the kernel's own tree may have."""
    module = rig.framework(kernel)
    undefined = subprocess.check_output(["nm", "-u", module], text=True).split()
    assert not [name for name in undefined if name.startswith("klp_")]
    info = dict(line.split(":", 1) for line in subprocess.check_output(["/sbin/modinfo", module], text=True).splitlines() if ":" in line)
    assert info["license"].strip() == "GPL"
    assert info["depends"].strip() == ""
    assert not {"livepatch", "suture_livepatch", "import_ns"} & info.keys()
    exported = {line.split()[-1] for line in subprocess.check_output(["nm", module], text=True).splitlines() if "__ksymtab_" in line}
    assert exported and all(name.startswith("__ksymtab_suture_klp_") for name in exported)


@on_all
def test_indirect_calls_are_of_our_own_functions_and_of_patches(kernel):
    """The parts and copies that the compiler makes of a function count as it. Thunks are how retpolines call."""
    code = subprocess.check_output(["objdump", "-dr", "--no-show-raw-insn", rig.framework(kernel)], text=True)
    calls = re.compile(r"\t(?:call|jmp)q? +\*|__x86_indirect_(?:thunk|call|jump)_")
    found, function = set(), None
    for line in code.splitlines():
        head = re.match(r"^[0-9a-f]+ <(\w+)[\w.]*>:$", line)
        function = head[1] if head else function
        if calls.search(line):
            found.add(function)
    assert found == INDIRECT
