# SPDX-License-Identifier: LGPL-2.1-or-later
"""What judge.py finds with objects that outlive a patch: a fault that shows only then, and nothing where there is none."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vm")]
import exercises  # noqa: E402
import judge  # noqa: E402
import machine  # noqa: E402
import vm_kernel  # noqa: E402

NOTHING = exercises.Exercise(())
# Few kinds are lacking in any kernel of Debian's.
KINDS = 30


def judged(folder, function, position=1):
    patch = next(machine.build_modules(folder).glob("*.ko"))
    result = judge.run(vm_kernel.find().release, patch, [("vmlinux", function, position)], NOTHING)
    return result, judge.trouble(result)


def test_a_function_that_an_open_file_keeps_is_found():
    result, trouble = judged(HERE / "kernel-modules/outlived", "proc_single_open", 2)
    assert judge.said(result, "patched") == 1 and "suture: reverted" in result.output
    assert trouble.startswith("held new ") and "BUG: unable to handle page fault" in trouble
    assert "[last unloaded: outlived" in result.script_log or "outlived" not in result.script_log.partition("Oops")[2]


def test_objects_that_outlive_a_patch_do_no_harm():
    result, trouble = judged(HERE.parent / "vm/modules/cmdline", "cmdline_proc_show")
    assert trouble == ""
    assert judge.said(result, "held") >= KINDS


@pytest.mark.parametrize("part, words", [("make", "making objects before the patch"), ("use", "using what was made before the patch"),
                                         ("drop", "letting go of what was made before"), ("script", "exercise")])
def test_each_line_of_an_exercise_counts(part, words):
    exercise = exercises.Exercise((), **{part: "true\nfalse\ntrue"})
    trouble = judge.trouble(judge.run(vm_kernel.find().release, None, (), exercise))
    assert trouble.startswith(words)
