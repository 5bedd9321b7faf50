# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folder in a kernel tree, built in."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stage import FULL, machine, store, vm_kernel

SOURCE = Path(os.environ["SUTURE_SOURCE"])
FRAMEWORK = SOURCE / "framework"
BUILD = SOURCE / "tests/kernels/build"

LINES = {"kernel/Makefile": "obj-$(CONFIG_SUTURE_LIVEPATCH) += suture/", "arch/x86/Kconfig": 'source "kernel/suture/Kconfig"'}


def drop_in(tree):
    """As suture-framework(7) says."""
    manual = (SOURCE / "man/suture-framework.7.scd").read_text()
    shutil.copytree(FRAMEWORK, tree / "kernel/suture")
    for path, line in LINES.items():
        assert path in manual and line in manual
        with open(tree / path, "a", encoding="ascii") as file:
            file.write(f"\n{line}\n")


def build(done):
    with store.temporary() as work:
        subprocess.run([SOURCE / "script/kernel-source", "--series", "6.1", "--tree", work / "linux"], check=True, stdout=subprocess.DEVNULL)
        drop_in(work / "linux")
        subprocess.run([BUILD, work / "linux", "6.1", "builtin", work / "kernel"], check=True)
        shutil.copy(work / "kernel/vmlinux", done)
        for module in (work / "kernel/lib/modules").rglob("sample-*.ko"):
            shutil.copy(module, done)


@pytest.fixture(scope="session")
def built():
    """The folder of vmlinux and of the sample patches that were built with it"""
    content = [part for path in sorted(FRAMEWORK.rglob("*")) if path.is_file() for part in (str(path.relative_to(FRAMEWORK)), path)]
    return store.entry("builtin", [vm_kernel.find("6.1").name, BUILD, *sorted(BUILD.parent.glob("*.config")), *content], build, keep=2)


def run(built, script, monkeypatch):
    target = vm_kernel.Kernel(built.name, "builtin", "builtin", built / "vmlinux", built / "vmlinux", None, built)
    monkeypatch.setattr(vm_kernel, "find", lambda series="6.1", flavour="debian": target)
    return machine.run(script, copies=[(str(built), "/m")], flavour="builtin")


@pytest.mark.skipif(not FULL, reason="a kernel of its own, of ten CPU-minutes: script/test --full")
def test_built_in_framework_patches(built, monkeypatch):
    result = run(built, """
        set -e
        cd /m
        S=/sys/kernel/suture
        [ "$(readlink -f /sys/kernel/livepatch)" = $S ]
        grep suture /proc/modules && exit 3
        settled() { while [ "$(cat $S/$1/transition)" = 1 ]; do usleep 10000; done; }
        off() { echo 0 >$S/$1/enabled; while [ -d $S/$1 ] || ! rmmod $1 2>/dev/null; do usleep 10000; done; }
        insmod sample-target.ko
        insmod sample-import.ko; settled sample_import; cat /proc/cmdline /proc/sample_target; off sample_import
        insmod sample-stop-machine.ko; cat /proc/sample_target; off sample_stop_machine
        insmod sample-shadow.ko; settled sample_shadow; cat /proc/sample_target; off sample_shadow
        insmod sample-immediate.ko; settled sample_immediate; cat /proc/sample_target
        ls $S
    """, monkeypatch)
    assert result.status == 0, result.output + result.script_log
    assert re.fullmatch(r".*console=.*\nvisitor: \d+\nbegin: old\nend: new\nvisitor: \d+\n"
                        r"visitor: \d+\nbegin: new\nend: new\n"
                        r"visitor: \d+, \d+ ms ago\nbegin: old\nend: old\n"
                        r"visitor: \d+\nbegin: new\nend: new\nsample_immediate\n", result.output), result.output
    assert not re.search(r"WARNING:|BUG:|Oops|general protection", result.script_log), result.script_log
