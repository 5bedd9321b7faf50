# SPDX-License-Identifier: LGPL-2.1-or-later
"""The upstream selftests in a machine: their modules built, their scripts run one after the other, their words brought back."""
import functools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import upstream
from rig import REPORT
from stage import machine

# Modules, and a program for one test, are in the folder of the scripts in newer kernels.
IN_KERNEL = "lib/livepatch"
BESIDE_SCRIPTS = "test_modules"
HELPER = "test_klp-call_getpid"
# What was seen of the kernel log on the console when a machine died.
LAST_WORDS = 6000

# What tells in /out/native that looking for patches of the kernel's own began, and that it went on to the end.
WATCHED = {"(begin)", "(end)"}
# The scripts call stat by its path. What looks for patches of the kernel's own waits in a builtin of bash, so that looking starts no
# process.
SESSION = """
mkdir /bins
cp -a /bin/. /bins
ln -sf /usr/bin/stat /bins/stat
mount --bind /bins /bin
[ ! -e /framework/suture.ko ] || insmod /framework/suture.ko || exit
bash -c 'shopt -s nullglob; exec 3<> <(:); echo "(begin)" >>/out/native
while :; do set -- /sys/kernel/livepatch/*; [ $# = 0 ] || echo "${@##*/}" >>/out/native; read -t 0.03 -u 3; done' &
watcher=$!
cd /selftests
export KDIR=/
for script in {scripts}; do
	echo "== $script"
	bash "./$script" 2>"/out/$script.errors"
	status=$?
	echo "== status $status"
	[ $status = 0 ] || break
done
cp -r /selftests /out/ran
kill $watcher && echo "(end)" >>/out/native
[ ! -e /framework/suture.ko ] || rmmod suture
lsmod >/out/modules
cat /proc/lockdep_stats >/out/lockdep 2>/dev/null
if [ -e /sys/kernel/debug/kmemleak ]; then
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >/out/leaks
fi
"""
CASE_MARK = re.compile(r"===== TEST: .+ =====$")


@dataclass
class Outcome:
    """words: what upstream's scripts said of each case ("ok"). log: of each case, what the kernel said, without times.
    errors: what a script wrote to its standard error. scripts: as they ran, read back from the machine.
    native: patches that were seen in /sys/kernel/livepatch meanwhile, and WATCHED. left: modules, of the tests and the framework,
    that were there at the end. leaks: what kmemleak found. lockdep: its state at the end, "" without it. failure: why not all
    scripts were run."""
    words: dict = field(default_factory=dict)
    log: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    scripts: dict = field(default_factory=dict)
    native: set = field(default_factory=set)
    left: set = field(default_factory=set)
    leaks: str = ""
    lockdep: str = ""
    failure: str = ""

    def reports(self, case):
        """Lines of the kernel log that are no ordinary ones, of the case or, without one, of what was before the first."""
        return [line for line in self.log.get(case, []) if REPORT.search(line)]


@dataclass(frozen=True)
class Subject:
    """What the selftests are run against: a kernel, and the framework or (native) the kernel's own livepatch."""
    series: str
    flavour: str = "debian"
    native: bool = False

    @property
    def livepatch(self):
        return self.flavour == "debian"

    @property
    def timeout(self):
        """In seconds: not what it takes, but what it may on a machine with much else to do."""
        return 1800 if self.flavour == "debug" else 600

    @property
    def kinds(self):
        """The substitutions that this subject needs. Without the kernel's own livepatch, its folder is a link to ours."""
        if self.native:
            return ()
        slow = (upstream.SIGNALS,) if self.flavour == "debug" else ()
        return (upstream.DEBUG, upstream.PATH if self.livepatch else upstream.MARK, *slow)

    def __str__(self):
        return f"{self.series}-{self.flavour}-{'native' if self.native else 'framework'}"


def modules(subject):
    """The folder of the selftests' modules, built for the subject."""
    source = upstream.source(subject.series)
    folder = source / IN_KERNEL
    if not folder.is_dir():
        folder = source / upstream.SELFTESTS / BESIDE_SCRIPTS
    variables = ["CONFIG_TEST_LIVEPATCH=m"]
    if subject.native:
        return machine.build_modules(folder, series=subject.series, variables=variables)
    return machine.build_patches(folder, series=subject.series, flavour=subject.flavour, variables=variables)


def _lay_out(subject, selftests):
    """Put into selftests what runs; returns what is to be /lib/modules."""
    built = modules(subject)
    for name, text in upstream.substituted(subject.series, subject.kinds).items():
        (selftests / name).write_text(text)
    helper = upstream.source(subject.series) / upstream.SELFTESTS / f"{HELPER}.c"
    if helper.is_file():
        shutil.copytree(built, selftests / BESIDE_SCRIPTS)
        subprocess.run(["cc", "-O2", "-o", selftests / HELPER, helper], check=True)
    return machine.modules_tree(built.glob("*.ko"), subject.series, subject.flavour)


def _run_machine(subject, scripts, out):
    with tempfile.TemporaryDirectory() as selftests:
        tree = _lay_out(subject, Path(selftests))
        copies = [*machine.programs(), (selftests, "/selftests"), (tree, "/lib/modules")]
        if not subject.native:
            copies.append((machine.framework(subject.series, subject.flavour) / "suture.ko", "/framework/"))
        return machine.run(SESSION.replace("{scripts}", " ".join(scripts)), copies=copies, out=out, series=subject.series,
                           flavour=subject.flavour, timeout=subject.timeout)


def _split_log(log):
    """The kernel log by what start_test writes: what was before the first case, then each case's lines."""
    parts = [[]]
    for line in log.splitlines():
        if CASE_MARK.search(line):
            parts.append([])
        parts[-1].append(line)
    return parts


def _read_output(result, output):
    """Take what the scripts said, each between its name and its status; returns the names. A script that failed, or with which the
    machine ended, fails with the case that it was at."""
    ran = []
    for text in output.split("== test-")[1:]:
        name, _, said = text.partition("\n")
        ran.append(f"test-{name.strip()}")
        said, _, rest = said.partition("== status ")
        status = rest.partition("\n")[0] or "unknown"
        found = upstream.verdicts(ran[-1], said)
        if status != "0" and found:
            found[list(found)[-1]] += f" [exit status {status}]"
        result.words.update(found)
    return ran


def _read_files(result, ran, out):
    """Take what a machine, in which these scripts ran, left in out."""
    for name in ran:
        result.errors[name] = (out / f"{name}.errors").read_text()
    result.scripts = {path.name: path.read_text() for path in (out / "ran").glob("*.sh")}
    if (out / "native").exists():
        result.native.update((out / "native").read_text().split())
    if (out / "leaks").exists():
        result.leaks += (out / "leaks").read_text()
    result.lockdep = (out / "lockdep").read_text()
    result.left.update(re.findall(r"^(test_klp\w*|suture)\b", (out / "modules").read_text(), re.MULTILINE))


def _run_some(subject, scripts, result):
    """Run these scripts in one machine, to the first that fails; returns those that were begun."""
    before = len(result.words)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        try:
            run = _run_machine(subject, scripts, out)
        except machine.Died as error:
            ran = _read_output(result, error.output)
            if len(result.words) > before:
                result.words[list(result.words)[-1]] += f"\n{error}\n{error.console[-LAST_WORDS:]}"
                return ran
            raise
        ran = _read_output(result, run.output)
        if not ran:
            raise machine.MachineError(f"no selftest was begun: {run.output}{run.script_log}")
        _read_files(result, ran, out)
    for case, lines in zip([None, *list(result.words)[before:]], _split_log(run.script_log)):
        result.log.setdefault(case, []).extend(lines)
    return ran


def _run_all(subject, result):
    """Run all scripts; after one that failed, the others in a fresh machine, where nothing of it is left."""
    waiting = [name for name in upstream.originals(subject.series) if name != upstream.FUNCTIONS]
    while waiting:
        waiting = waiting[len(_run_some(subject, waiting, result)):]


@functools.lru_cache
def outcome(subject):
    """Run the selftests, once; a failure to do so is part of the outcome, so that it is not tried again for each case."""
    result = Outcome()
    try:
        _run_all(subject, result)
    except machine.MachineError as error:
        result.failure = f"{error}\n{error.console[-LAST_WORDS:]}"
    except (machine.KernelError, machine.ImageError) as error:
        result.failure = str(error)
    return result
