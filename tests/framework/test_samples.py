# SPDX-License-Identifier: LGPL-2.1-or-later
"""framework/samples: each does in a machine what its head says, against the framework and against the kernel's own livepatch."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ["SUTURE_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/vm"))

import machine  # noqa: E402
import vm_kernel  # noqa: E402
import vm_store  # noqa: E402

BUILT = shutil.ignore_patterns("*.o", "*.ko", "*.mod*", "Module.symvers")
FRAMEWORK, NATIVE = "suture", "livepatch"
PROVIDERS = [("6.1", FRAMEWORK), ("6.12", FRAMEWORK), ("6.1", NATIVE)]
# The kernel's own has neither other models nor imports.
framework_only = pytest.mark.parametrize("built", PROVIDERS[:2], ids=["-".join(each) for each in PROVIDERS[:2]], indirect=True)
FAULT = re.compile(r"WARNING:|BUG:|Oops|general protection|unable to handle|stall|lockup|refcount_t")
SHELL = """
cd /m
say() { echo "$1: $(shift; "$@" 2>&1 | tr '\\n' ';')"; }
until_is() { i=0; while [ "$(cat $1)" != "$2" ]; do i=$((i+1)); [ $i -gt 2000 ] && exit 9; usleep 10000; done; }
settled() { until_is $S/$1/transition 0; }
off() { echo 0 >$S/$1/enabled; i=0; while [ -d $S/$1 ] || ! rmmod $1 2>/dev/null; do i=$((i+1)); [ $i -gt 2000 ] && exit 9; usleep 10000; done; }
"""


@pytest.fixture(scope="session", params=PROVIDERS, ids=["-".join(each) for each in PROVIDERS])
def built(request):
    """(series, provider, folder of the modules): by the Makefiles that authors use, once for the same sources"""
    series, provider = request.param
    kernel = vm_kernel.find(series)

    def build(modules):
        with vm_store.temporary() as top:
            tree = shutil.copytree(SOURCE / "framework", top / "framework", ignore=BUILT)
            for goal in [["-C", tree / "samples", "native"]] if provider == NATIVE else [["-C", tree], ["-C", tree / "samples"]]:
                done = subprocess.run(["make", "-s", *map(str, goal), f"KDIR={kernel.headers}"], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                assert done.returncode == 0, done.stdout
                assert "warning" not in done.stdout
            for path in tree.rglob("*.ko"):
                shutil.copy(path, modules)

    compiler = subprocess.run(["gcc", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    parts = [compiler, provider, kernel.name, *vm_kernel.content(SOURCE / "framework")]
    return series, provider, vm_store.entry("samples", parts, build)


def act(built, script):
    """What the script said, by what it called it."""
    series, provider, modules = built
    start = f"S=/sys/kernel/{provider}\n" + SHELL + ("insmod suture.ko || exit 8\n" if provider == FRAMEWORK else "")
    result = machine.run(start + "insmod sample-target.ko || exit 7\n" + script, copies=[(str(modules), "/m")], series=series)
    assert result.status == 0, result.output + result.script_log
    assert not FAULT.search(result.script_log), result.script_log
    said = dict(line.split(": ", 1) for line in result.output.splitlines() if ": " in line)
    return {name: re.sub(r"visitor: \d+", "visitor: N", words) for name, words in said.items()}, result.script_log


OLD, NEW = "visitor: N;begin: old;end: old;", "visitor: N;begin: new;end: new;"
# Somebody sleeps between the steps; what he and others see of the fix that is applied meanwhile.
ASLEEP = """
echo 0 >/proc/sample_target
cat /proc/sample_target >/tmp/read &
i=0; until grep -q sample_show /proc/$!/stack; do i=$((i+1)); [ $i -gt 500 ] && exit 6; usleep 10000; done
"""
AWAKE = "echo 1 >/proc/sample_target; wait; say sleeper cat /tmp/read\n"


def test_modules(built):
    _, provider, modules = built
    names = {path.name for path in modules.glob("*.ko")}
    wanted = {"sample-target.ko", "sample-minimal.ko", "sample-callbacks.ko", "sample-shadow.ko", "sample-per-task.ko",
              "sample-stop-machine.ko", "sample-immediate.ko"}
    assert names == wanted | ({"suture.ko", "sample-import.ko"} if provider == FRAMEWORK else set())


def test_minimal(built):
    said, _ = act(built, """
        insmod sample-minimal.ko; settled sample_minimal; say on cat /proc/cmdline
        off sample_minimal; say off cat /proc/cmdline
    """)
    assert said["on"] == "withheld;" and "console=" in said["off"]


def test_per_task(built):
    said, _ = act(built, ASLEEP + "insmod sample-per-task.ko; say others cat /proc/sample_target; say moving cat $S/sample_per_task/transition\n"
                  "[ -e $S/sample_per_task/blockers ] && say blockers cat $S/sample_per_task/blockers\n" + AWAKE +
                  "settled sample_per_task; off sample_per_task; say off cat /proc/sample_target")
    assert (said["others"], said["moving"], said["sleeper"], said["off"]) == (NEW, "1;", OLD, OLD)
    if built[1] == FRAMEWORK:
        assert re.fullmatch(r"\d+ \d+ sample_show cat;", said["blockers"])


@framework_only
def test_stop_machine(built):
    said, log = act(built, ASLEEP + "say refused insmod sample-stop-machine.ko; say others ls $S\n" + AWAKE +
                    "insmod sample-stop-machine.ko; say on cat /proc/sample_target; off sample_stop_machine; say off cat /proc/sample_target")
    assert "Device or resource busy" in said["refused"] and said["others"] == ""
    assert re.search(r"'sample_stop_machine': cat:\d+ is in sample_show", log)
    assert (said["sleeper"], said["on"], said["off"]) == (OLD, NEW, OLD)


@framework_only
def test_immediate(built):
    said, _ = act(built, ASLEEP + "insmod sample-immediate.ko; settled sample_immediate; say others cat /proc/sample_target\n" + AWAKE +
                  "echo 0 >$S/sample_immediate/enabled; usleep 1500000; say off cat /proc/sample_target; say stays rmmod sample_immediate")
    assert said["others"] == NEW
    assert said["sleeper"] == "visitor: N;begin: old;end: new;"
    assert said["off"] == OLD and "sample_immediate" in said["stays"]


def test_shadow(built):
    said, _ = act(built, """
        exec 3</proc/sample_target
        insmod sample-shadow.ko; settled sample_shadow
        exec 4</proc/sample_target
        usleep 1200000
        exec 5</proc/sample_target
        say before cat <&3; say later cat <&4
        off sample_shadow; say old cat <&5
        insmod sample-shadow.ko; settled sample_shadow; say again cat /proc/sample_target
        off sample_shadow
    """)
    assert said["before"].startswith("visitor: N, before the patch;")
    assert 1000 <= int(re.match(r"visitor: N, (\d+) ms ago;", said["later"])[1]) < 30000
    assert said["old"] == OLD
    assert re.match(r"visitor: N, \d+ ms ago;", said["again"])


def test_callbacks(built):
    said, log = act(built, """
        rmmod sample_target
        insmod sample-callbacks.ko; settled sample_callbacks
        cat /proc/version /proc/version >/dev/null
        insmod sample-target.ko; say on cat /proc/sample_target
        off sample_callbacks; say off cat /proc/sample_target
    """)
    assert (said["on"], said["off"]) == ("visitor: N;begin: old;end: new;", OLD)
    lines = [line.removeprefix("sample_callbacks: ") for line in log.splitlines() if line.startswith("sample_callbacks: ")]
    lines = [line for line in lines if "taint" not in line and "module verification" not in line]
    assert lines == ["vmlinux: counter made", "vmlinux: counting", "sample_target: about to be patched", "sample_target: patched",
                     "vmlinux: counts until the transition is over", "sample_target: about to be as before",
                     "vmlinux: readers: 2", "sample_target: as before"]


@framework_only
def test_import(built):
    said, _ = act(built, """
        rmmod sample_target
        insmod sample-import.ko; settled sample_import
        say root cat /proc/cmdline; say nobody su -s /bin/sh nobody -c 'cat /proc/cmdline'
        insmod sample-target.ko; say on cat /proc/sample_target
        off sample_import; say off cat /proc/sample_target
    """)
    assert "console=" in said["root"] and said["nobody"] == "withheld;"
    assert (said["on"], said["off"]) == ("visitor: N;begin: old;end: new;visitor: N;", OLD)
