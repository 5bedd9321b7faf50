# SPDX-License-Identifier: LGPL-2.1-or-later
"""The livepatch selftests of the kernel under test, with their modules built against the framework, and against nothing of ours as
the control: each of their cases is a test here."""
import collections
import re
import subprocess

import pytest

import upstream
from stage import FULL, machine
from upstream_run import WATCHED, Subject, modules, outcome

CONTROL = Subject("6.1", native=True)
SUBJECTS = [Subject("6.1"), Subject("6.1", "nolivepatch"), Subject("6.12"), CONTROL]
if FULL:
    SUBJECTS += [Subject("6.1", "debug"), Subject("6.12", native=True)]
FRAMEWORK = [subject for subject in SUBJECTS if not subject.native]
WITH_LIVEPATCH = [subject for subject in FRAMEWORK if subject.livepatch]
CASES = {"6.1": 22, "6.12": 25}
# All that may differ, by kind: what a line of upstream's becomes.
PERMITTED = {
    upstream.PATH: lambda line: line.replace("/sys/kernel/livepatch", "/sys/kernel/suture"),
    upstream.DEBUG: lambda line: {
        "file kernel/livepatch/* +p": "module suture +p",
        "func klp_try_switch_task -p": "func suture_report_task -p",
    }.get(line) or line.replace("grep '^kernel/livepatch' /sys/kernel/debug/", r"grep '\[suture\]' /sys/kernel/debug/"),
    upstream.MARK: lambda line: line.replace("/^livepatch:/", "/^suture_livepatch:/"),
    upstream.SIGNALS: lambda line: line.replace("taints\\) kernel'", "taints\\) kernel\\|livepatch: signaling remaining tasks'"),
}
# In how many lines: the path in commands alone, not in the words that are compared with the log.
LINES = {"6.1": {upstream.PATH: 6, upstream.DEBUG: 3, upstream.MARK: 1, upstream.SIGNALS: 1},
         "6.12": {upstream.PATH: 8, upstream.DEBUG: 3, upstream.MARK: 1, upstream.SIGNALS: 1}}


def on(subjects):
    return pytest.mark.parametrize("subject", subjects, ids=str)


@pytest.mark.parametrize("subject, case", [(subject, case) for subject in SUBJECTS for case in upstream.cases(subject.series)],
                         ids=str)
def test_case(subject, case):
    ran = outcome(subject)
    words = ran.words.get(case, ran.failure or "was not reached")
    if words != "ok":
        pytest.fail(words, pytrace=False)
    assert ran.reports(case) == []


@pytest.mark.parametrize("series", CASES)
def test_every_case_of_the_originals_is_a_test_here(series):
    folder = upstream.source(series) / upstream.SELFTESTS
    lines = [line for path in folder.glob("test-*.sh") for line in path.read_text().splitlines()]
    assert sum(line.lstrip().startswith("start_test") for line in lines) == len(upstream.cases(series)) == CASES[series]


@on(SUBJECTS)
def test_nothing_else_ran_nothing_was_skipped_and_nothing_is_left(subject):
    ran = outcome(subject)
    assert ran.failure == ""
    assert list(ran.words) == upstream.cases(subject.series)
    assert set(ran.errors.values()) == {""}
    assert ran.reports(None) == []
    assert ran.left == set()


@on([subject for subject in SUBJECTS if subject.flavour == "debug"])
def test_the_debug_kernel_watched_to_the_end_and_found_no_leak(subject):
    ran = outcome(subject)
    assert re.search(r"^ debug_locks: +1$", ran.lockdep, re.MULTILINE)
    assert ran.leaks == ""


@on(SUBJECTS)
def test_only_permitted_lines_differ_in_what_ran(subject):
    permitted = () if subject.native else {upstream.DEBUG, upstream.PATH if subject.livepatch else upstream.MARK}
    if subject.flavour == "debug":
        permitted |= {upstream.SIGNALS}
    count = collections.Counter()
    ran = outcome(subject).scripts
    assert ran.keys() == upstream.originals(subject.series).keys()
    for script, before, after in upstream.differences(subject.series, ran):
        kinds = [kind for kind, change in PERMITTED.items() if change(before) == after]
        assert len(kinds) == 1, f"{script}: {before} became {after}"
        count[kinds[0]] += 1
    assert count == {kind: LINES[subject.series][kind] for kind in permitted}


@on(WITH_LIVEPATCH)
def test_the_kernels_own_livepatch_saw_none_of_them(subject):
    assert outcome(subject).native == WATCHED


@on(SUBJECTS)
def test_patches_of_the_kernels_own_were_looked_for_to_the_end(subject):
    assert WATCHED <= outcome(subject).native


def test_the_control_sees_patches_in_the_kernels_own_folder():
    assert {"test_klp_livepatch", "test_klp_state3", "test_klp_callbacks_demo2"} <= outcome(CONTROL).native


@on(FRAMEWORK)
def test_neither_framework_nor_patches_import_the_kernels_own_functions(subject):
    built = [machine.framework(subject.series, subject.flavour) / "suture.ko", *sorted(modules(subject).glob("*.ko"))]
    undefined = {path.name: subprocess.check_output(["nm", "-u", path], text=True).split() for path in built}
    assert {name for name, words in undefined.items() if any(word.startswith("klp_") for word in words)} == set()
    assert "suture_klp_enable_patch" in undefined["test_klp_livepatch.ko"]
