# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with the framework, folders of modules/ built for it, and programs/guest.c."""
import collections
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from stage import FULL, machine, program

HERE = Path(__file__).resolve().parent
REPORT = re.compile(r"BUG:|WARNING:|INFO:|KASAN|Oops|general protection|inconsistent lock|lock held|deadlock|Call Trace|kmemleak")

# /m is where modules are.
PRELUDE = """
cd /m
S=/sys/kernel/suture
P() {
	cat "/sys/module/$1/parameters/$2"
}
# eventually COMMAND: wait until it succeeds.
eventually() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		if [ $tries = 2000 ]; then
			echo "in vain: $*"
			exit 98
		fi
		usleep 5000
	done
}
is_settled() {
	[ "$(cat "$S/$1/transition" 2>/dev/null)" = 0 ]
}
is_gone() {
	[ ! -d "$S/$1" ]
}
is_unloaded() {
	[ "$(guest unload "$1")" = 0 ]
}
settled() {
	eventually is_settled "$1"
}
gone() {
	eventually is_gone "$1"
}
# A patch; its outcome, and no return before its transition is over.
enable() {
	guest load "$@"
	if [ -d "$S/${1%.ko}" ]; then settled "${1%.ko}"; fi
}
# A patch, and its module, which is let go a moment after the folder.
disable() {
	echo 0 >"$S/$1/enabled"
	gone "$1"
	eventually is_unloaded "$1"
	echo 0
}
# The output, and the kernel's log, go on with a new section.
title() {
	echo "== $*"
	echo "== $*" >/dev/kmsg
}
# Nothing is left: the framework itself can go.
clean() {
	ls -1 "$S"
	guest unload suture
}
# What kmemleak has found, which tells of nothing that is younger than 5 seconds; nothing where it is not.
leaks() {
	K=/sys/kernel/debug/kmemleak
	[ -e $K ] || return 0
	echo scan >$K
	sleep 6
	echo scan >$K
	cat $K
}
# Objects of each cache of kmalloc(), and kilobytes of what is larger.
memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	sed -n 's/^\\(kmalloc[^ ]*\\) *\\([0-9]*\\) .*/\\1 \\2/p' /proc/slabinfo
	sed -n 's/^\\(VmallocUsed\\|Percpu\\): *\\([0-9]*\\) kB/\\1 \\2/p' /proc/meminfo
}
"""


@dataclass(frozen=True)
class Kernel:
    series: str
    flavour: str = "debian"

    @property
    def livepatch(self):
        """Whether it has a livepatch of its own."""
        return self.flavour == "debian"

    def __str__(self):
        return f"{self.series}-{self.flavour}"


DEBIAN = Kernel("6.1")
NEWER = Kernel("6.12")
OWN = Kernel("6.1", "nolivepatch")
DEBUG = Kernel("6.1", "debug")
ALL = [DEBIAN, NEWER, OWN] + ([DEBUG] if FULL else [])


@functools.lru_cache
def modules(name, kernel=DEBIAN):
    """The folder with the built modules of modules/<name>: without debug information, which takes most of the time."""
    variables = ["KCFLAGS=-g0", "CONFIG_DEBUG_INFO_BTF_MODULES="]
    return machine.build_patches(HERE / "modules" / name, series=kernel.series, flavour=kernel.flavour, variables=variables)


def framework(kernel=DEBIAN):
    return machine.framework(kernel.series, kernel.flavour) / "suture.ko"


def run(script, folders, kernel=DEBIAN, load=True, copies=(), timeout=240, **options):
    """Run script after PRELUDE in a machine with the modules of these folders in /m; the framework is loaded first. timeout is
    that of machine.run(), and longer for the kernel that checks itself."""
    timeout *= 5 if kernel == DEBUG else 1
    copies = [*copies, (program("guest"), "/usr/bin/"), (framework(kernel), "/m/"), *((modules(name, kernel), "/m") for name in folders)]
    begin = "insmod suture.ko || exit 99\n" if load else ""
    result = machine.run(PRELUDE + begin + script, copies=copies, series=kernel.series, flavour=kernel.flavour,
                         timeout=timeout, **options)
    assert result.status not in (98, 99), result.output + result.script_log
    return result


def livepatch_log(result, title=None):
    """What the framework, or the kernel's own livepatch, said of patches: in all, or after title."""
    lines = section(result.script_log, title) if title else result.script_log.splitlines()
    return [line for line in lines if line.startswith("livepatch: ") and not line.endswith(" tainting kernel with TAINT_LIVEPATCH")]


def reports(result):
    """Lines that no test may cause without meaning to."""
    return [line for line in result.script_log.splitlines() if REPORT.search(line)]


def section(text, title):
    """The lines after "== title" and before the next such line."""
    return text.partition(f"== {title}\n")[2].partition("== ")[0].splitlines()


def memory(lines):
    """What memory() said, of all caches with objects of one size together."""
    use = collections.Counter()
    for name, count in map(str.split, lines):
        use[name.rpartition("-")[2]] += int(count)
    return use


def enabling(name):
    return [f"livepatch: enabling patch '{name}'", f"livepatch: '{name}': starting patching transition",
            f"livepatch: '{name}': patching complete"]


def disabling(name):
    return [f"livepatch: '{name}': starting unpatching transition", f"livepatch: '{name}': unpatching complete"]
