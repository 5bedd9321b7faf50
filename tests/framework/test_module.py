# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture.ko itself: loading, unloading, what it shows of itself, and the taint of its patches."""
import subprocess

import pytest

import rig
from rig import livepatch_log, reports, section

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)
TAINT_LIVEPATCH = 1 << 15


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
