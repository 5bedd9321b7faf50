# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's own livepatch selftests, from the source package of the kernel under test: which cases they have, what has to be
replaced in them when the framework is what they test, and what comes out when a machine runs them.

Nothing of them is kept in this repository: script/kernel-source puts them in the cache.
"""
import difflib
import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SELFTESTS = "tools/testing/selftests/livepatch"
FUNCTIONS = "functions.sh"
START = re.compile(r'^start_test "(.+)"$', re.MULTILINE)
VERDICT = re.compile(r"^TEST: (.+?) \.\.\. (.*)$")

PATH, DEBUG, MARK = "sysfs path", "dynamic-debug query", "is_livepatch_mod check"
# A kernel that checks itself is so slow that a transition can take the 15 s after which tasks are signalled. That says how fast
# the machine is, not what the framework did, so this line of the log is dropped there like those of the taint.
SIGNALS = "signalled tasks"


@dataclass(frozen=True)
class Substitution:
    """One kind of difference between what upstream runs and what we run: in every line where old stands, new."""
    kind: str
    old: str
    new: str

    def apply(self, line):
        return line.replace(self.old, self.new)


# The words that a script writes to the log ('% echo 0 > /sys/kernel/livepatch/...') stay, so that what a script expects
# stays too: each of these is a piece of a command.
SUBSTITUTIONS = (
    Substitution(PATH, 'KLP_SYSFS_DIR="/sys/kernel/livepatch"', 'KLP_SYSFS_DIR="/sys/kernel/suture"'),
    Substitution(PATH, '-e "/sys/kernel/livepatch/$mod"', '-e "/sys/kernel/suture/$mod"'),
    Substitution(PATH, "' /sys/kernel/livepatch/$", "' /sys/kernel/suture/$"),
    Substitution(PATH, 'echo 0 > /sys/kernel/livepatch/"$mod"/', 'echo 0 > /sys/kernel/suture/"$mod"/'),
    Substitution(PATH, "mods=(/sys/kernel/livepatch/*)", "mods=(/sys/kernel/suture/*)"),
    Substitution(DEBUG, "grep '^kernel/livepatch' ", r"grep '\[suture\]' "),
    Substitution(DEBUG, "file kernel/livepatch/* +p", "module suture +p"),
    Substitution(DEBUG, "func klp_try_switch_task -p", "func suture_report_task -p"),
    Substitution(SIGNALS, r"grep -v '\(tainting\|taints\) kernel'",
                 r"grep -v '\(tainting\|taints\) kernel\|livepatch: signaling remaining tasks'"),
    Substitution(MARK, "awk '/^livepatch:/{", "awk '/^suture_livepatch:/{"),
)


@dataclass(frozen=True)
class Case:
    script: str
    title: str

    def __str__(self):
        return f"{self.script.removesuffix('.sh')}: {self.title}"


@functools.lru_cache
def source(series):
    """The folder of what script/kernel-source keeps of the source of the kernel under test."""
    done = subprocess.run([ROOT / "script" / "kernel-source", "--series", series], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"script/kernel-source --series {series} failed")
    return Path(done.stdout.strip())


@functools.lru_cache
def originals(series):
    """The scripts as upstream ships them: name to text, in the order of its Makefile, functions.sh last."""
    folder = source(series) / SELFTESTS
    programs = re.search(r"^TEST_PROGS :=((?:.*\\\n)*.*)", (folder / "Makefile").read_text(), re.MULTILINE)
    names = [*programs[1].replace("\\", " ").split(), FUNCTIONS]
    return {name: (folder / name).read_text() for name in names}


def cases(series):
    return [Case(name, title) for name, text in originals(series).items() for title in START.findall(text)]


def substituted(series, kinds):
    """The scripts with the substitutions of these kinds."""
    chosen = [substitution for substitution in SUBSTITUTIONS if substitution.kind in kinds]

    def line(text):
        return functools.reduce(lambda done, substitution: substitution.apply(done), chosen, text)

    return {name: "".join(map(line, text.splitlines(keepends=True))) for name, text in originals(series).items()}


def differences(series, scripts):
    """What differs from upstream: (script, line before, line after), without white space around the lines."""
    found = []
    for name, text in originals(series).items():
        before, after = text.splitlines(), scripts[name].splitlines()
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        for tag, *at in matcher.get_opcodes():
            if tag != "equal":
                old, new = before[at[0]:at[1]], after[at[2]:at[3]]
                found += [(name, *pair) for pair in zip(map(str.strip, old), map(str.strip, new), strict=True)]
    return found


def verdicts(script, output):
    """What a script said of its cases: Case to its words ("ok", or "not ok" with the difference, or why it stopped)."""
    found, last = {}, None
    for line in output.splitlines():
        match = VERDICT.match(line)
        if match:
            last = Case(script, match[1])
            found[last] = match[2]
        elif last:
            found[last] += "\n" + line
    return {case: words.strip() for case, words in found.items()}
