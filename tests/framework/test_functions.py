# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replacements that contain what the kernel rewrites at run time, or finds through tables when something happens."""
import re

import pytest

import rig
from rig import reports, section

WARNING = re.compile(r"^WARNING: CPU: \d+ PID: \d+ at .*/fun_patch\.c:(\d+) new_step\+0x[0-9a-f]+/0x[0-9a-f]+ \[fun_patch\]$", re.MULTILINE)
# Each is asked of the original, of its replacement, and of the original again; what the replacement answers.
STEPS = {
    "locked 41": 42,
    "feature 0": 10,
    "alternative 0": 23,
    "own_key 0": 1,
    "own_key 1": 10,
    "called 16": -14,
    "inline 16": -14,
    "key 0": 0,
    "unknown 0": -22,
}
ORIGINAL = -71
# It has no tracepoints of a module that its loader marked as a live patch; those of the kernel are another thing.
WITHOUT_OWN_EVENTS = (rig.DEBIAN,)
SCRIPT = """
T=/sys/kernel/tracing
C=/sys/module/fun_target/parameters/call
guest load fun_target.ko
call() {
	echo "$1 $2" >$C
	cat $C
}
steps() {
	echo "== $1"
	STEPS
}
steps before
enable fun_patch.ko
steps patched
echo == word
call called 0 && call inline 0
echo == key
K=/sys/module/fun_target/parameters/key
echo 1 >$K && call key 0 && echo 0 >$K && call key 0
echo == trace
call trace 1
if [ -d $T/events/fun_patch ]; then
	echo 1 >$T/events/fun_patch/fun_step/enable
fi
echo 'state == 2' >$T/events/power/cpu_idle/filter
echo 1 >$T/events/power/cpu_idle/enable
call trace 2
echo 0 >$T/events/power/cpu_idle/enable
[ ! -d $T/events/fun_patch ] || echo 0 >$T/events/fun_patch/fun_step/enable
call trace 3
grep -v ^# $T/trace
title warn
call warn 7 && call warn 0
echo "== warned" >/dev/kmsg
disable fun_patch
steps after
rmmod fun_target
clean
""".replace("STEPS", "\n\t".join(f"call {step}" for step in STEPS))


@pytest.mark.parametrize("kernel", rig.ALL, ids=str)
def test_replacement_works_like_any_function_of_the_kernel(kernel):
    result = rig.run(SCRIPT, ["functions"], kernel)
    said = {title: section(result.output, title) for title in ("before", "patched", "word", "key", "trace", "warn", "after")}
    assert said["before"] == [*[str(ORIGINAL)] * len(STEPS), "0"]
    assert dict(zip(STEPS, map(int, said["patched"]))) == STEPS
    # The first word of the arguments of the process, the shell: "/bin/sh".
    first = int.from_bytes(b"/bin/sh\0", "little")
    assert said["word"] == [str(first)] * 2
    assert said["key"] == ["1", "0"]
    own = [] if kernel in WITHOUT_OWN_EVENTS else ["fun_step: number=2"]
    assert [line for line in said["trace"] if line.isdigit()] == ["0", "11" if own else "1", "0"]
    assert [line.split(": ", 1)[1] for line in said["trace"] if not line.isdigit()] == [*own, "cpu_idle: state=2 cpu_id=0"]
    assert said["warn"] == ["1", "0", "0"]
    assert said["after"] == [*[str(ORIGINAL)] * len(STEPS), "0"]

    warned = "\n".join(section(result.script_log, "warn"))
    source = (rig.HERE / "modules/functions/fun_patch.c").read_text().splitlines()
    assert "WARN(number" in source[int(WARNING.search(warned)[1]) - 1]
    assert warned.startswith("------------[ cut here ]------------\nfun_patch warns of 7\nWARNING")
    # The way back leads over the caller, which is in another module.
    assert re.search(r"^ call_set\+0x[0-9a-f]+/0x[0-9a-f]+ \[fun_target\]$", warned, re.MULTILINE)
    assert len(WARNING.findall(result.script_log)) == 1
    assert [line for line in reports(result) if line not in warned] == []
