# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of models and tasks run in a machine: the framework, the modules that are patched (modules/park), their patches, and
programs for the guest, under /m and /usr/bin; and shell functions to act with them.
"""
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import machine  # noqa: E402
import vm_image as image  # noqa: E402, F401
import vm_kernel  # noqa: E402
import vm_store as store  # noqa: E402

# Also what takes hours, and the kernel with KASAN and lockdep: script/test --full.
FULL = bool(os.environ.get("SUTURE_TEST_FULL"))
DEBIAN, LITTLE, NEXT, DEBUG = ("6.1", "debian"), ("6.1", "nolivepatch"), ("6.12", "debian"), ("6.1", "debug")
EVERY = {"6.1": DEBIAN, "6.1-nolivepatch": LITTLE, "6.12": NEXT, **({"6.1-debug": DEBUG} if FULL else {})}
on_every_kernel = pytest.mark.parametrize("kernel", EVERY.values(), ids=EVERY.keys())
on_debian = pytest.mark.parametrize("kernel", [DEBIAN, NEXT], ids=["6.1", "6.12"])

# What must never be in a log after any of these tests.
FAULT = re.compile(r"WARNING:|BUG:|Oops|general protection|unable to handle|stack-protector|rcu.*stall|soft lockup|hung_task|"
                   r"blocked for more than|possible recursive|Bad page|refcount_t|KASAN")

SHELL = """
cd /m
S=/sys/kernel/suture
# say NAME COMMAND: what COMMAND prints and its status, as "NAME: ... [status]" in one line.
say() {
	name=$1; shift
	words=$("$@" 2>&1)
	echo "$name:" $words "[$?]"
}
# The seconds that the machine has been up.
now() { read -r up _ </proc/uptime; echo ${up%.*}; }
# eventually COMMAND: wait until it succeeds.
eventually() {
	limit=$(($(now) + 30))
	until "$@"; do
		if [ $(now) -gt $limit ]; then
			echo "timeout: $*"
			exit 9
		fi
		usleep 10000
	done
}
value() { cat $S/$1/$2; }
put() { busybox echo $3 >$S/$1/$2; }
holds() { [ "$(cat $1 2>/dev/null)" = "$2" ]; }
# settled PATCH: wait until its transition is over, with the patch enabled.
settled() { eventually holds $S/$1/transition 0; }
is_gone() { ! [ -e $S/$1 ]; }
gone() { eventually is_gone $1; }
unloads() { rmmod $1 2>/dev/null; }
# off PATCH: disable and unload it. Its folder goes a moment before its module is let go.
off() { put $1 enabled 0 && gone $1 && eventually unloads $1; }
references() { sed -n "s/^$1 [0-9]* \\([-0-9]*\\) .*/\\1/p" /proc/modules; }
gate() { echo $2 >/proc/park/$1; }
# parked N: wait until N tasks wait at gates.
parked() { eventually holds /proc/park/inside $1; }
look() { cat /proc/park/$1; }
insmod suture.ko || exit 8
"""


@functools.lru_cache
def program(name):
    """A program of programs/, for the guest."""
    source = HERE / "programs" / f"{name}.c"

    def build(folder):
        command = ["cc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", folder / name, source]
        subprocess.run(command, check=True)

    return store.entry("program", [source], build, keep=32) / name


def kernel_of(kernel):
    return vm_kernel.find(*kernel)


@functools.lru_cache
def modules(kernel):
    """A folder with suture.ko and all of modules/park."""
    series, flavour = kernel
    framework = machine.framework(series, flavour)
    patches = machine.build_patches(HERE / "modules" / "park", series, flavour)

    def build(folder):
        shutil.copy(framework / "suture.ko", folder)
        for module in patches.glob("*.ko"):
            shutil.copy(module, folder)

    return store.entry("stage", [framework.name, patches.name], build, keep=16)


def play(script, kernel=DEBIAN, programs=(), copies=(), faults=False, **options):
    """Run a script with the functions above; returns the machine's Result. No fault may be in its log."""
    series, flavour = kernel
    # Busybox's own insmod tries everything twice.
    copies = [(modules(kernel), "/m"), *machine.programs("insmod"), *((program(name), "/usr/bin/") for name in programs), *copies]
    try:
        result = machine.run(SHELL + script, copies=copies, series=series, flavour=flavour, **options)
    except machine.MachineError as error:
        print(error.console)
        raise
    print(result.output, result.script_log, sep="\n---\n")
    if not faults:
        assert not FAULT.search(result.kernel_log), FAULT.search(result.kernel_log)
    assert result.status == 0
    return result


def words(result):
    """What say() said: name to words; the status stands behind them."""
    found = {}
    for line in result.output.splitlines():
        name, separator, text = line.partition(": ")
        if separator:
            assert name not in found, f"{name} was said twice"
            found[name] = text
    return found


def log_of(result):
    """The framework's lines in the kernel log, with N for process ids."""
    found = re.findall(r"^livepatch: (.*)|^(.* TAINT_LIVEPATCH)", result.script_log, re.MULTILINE)
    found = [line or taint for line, taint in found]
    return [re.sub(r"(:)\d+( is )", r"\1N\2", line) for line in found]


def lines(patch, *groups):
    """What the log says of a patch: groups of lines with {} for its name."""
    return [line.format(patch) for group in groups for line in group]


TAINTED = ["{}: tainting kernel with TAINT_LIVEPATCH"]
ENABLING = ["enabling patch '{0}'", "'{0}': starting patching transition"]
PATCHED = ["'{0}': patching complete"]
ENABLED = [*ENABLING, *PATCHED]
DISABLING = ["'{}': starting unpatching transition"]
UNPATCHED = ["'{}': unpatching complete"]
DISABLED = [*DISABLING, *UNPATCHED]
BUSY = "Device or resource busy"
