# SPDX-License-Identifier: LGPL-2.1-or-later
"""One patch in one machine: loaded, shown as patched, its part of the kernel used, reverted, and nothing left or complained of."""
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))
import machine  # noqa: E402
import vm_kernel  # noqa: E402
import vm_store  # noqa: E402

GUEST = HERE / "guest"
PROGRAMS = ("ip", "tc", "bridge", "dmsetup", "mke2fs")
TIMEOUT = 400
MACHINE_ERRORS = (machine.MachineError, machine.ImageError, machine.KernelError)
# What a kernel says when something is wrong with it.
COMPLAINT = re.compile(r"BUG:|WARNING:|Oops|kernel BUG|general protection|Call Trace|RIP: |refcount_t:|UBSAN|KASAN|stall|hung task|"
                       r"list_(?:add|del) corruption|use-after-free|invalid opcode|scheduling while atomic|unhandled|"
                       r"livepatch: (?!enabling|'.*': (?:starting|completing|.*complete)|tainting|signaling)|"
                       r"invalid relocation|Unknown symbol|disagrees about version|Invalid module format|page allocation failure")
# Taints of what is meant to be here: a module from outside of the tree, unsigned, a live patch.
TAINTS_MEANT = 1 << 12 | 1 << 13 | 1 << 15

# Objects are made before the patch and used and let go while it is live; others are made while it is live, and used and let go when it
# has been reverted and its module is gone: the general ones of `exercise hold`, and those of the fix's part of the kernel.
SCRIPT = """
say() { echo "suture: $*"; }
stop() { say "failed $*"; exit 1; }
T=/sys/kernel/tracing
L=/sys/kernel/livepatch/@patch@
# What is asleep in a function that is to be changed leaves it when it is stopped and goes on.
rouse() {
	for p in $(ps | awk '/exercise [h]old/ { print $1 }'); do kill -STOP $p; kill -CONT $p; done 2>/dev/null
}
settled() {
	for i in $(seq 900); do
		[ "$(cat $L/transition 2>/dev/null || echo 0)" = 0 ] && return
		[ $((i % 40)) != 20 ] || rouse
		usleep 50000
	done
	return 1
}
part() {
	[ -s /m/$1.sh ] || return 0
	(cd / && exec sh -e /m/$1.sh) >/tmp/exercise.log 2>&1 || { tail -5 /tmp/exercise.log; stop "$2"; }
}
held() {
	: >/tmp/held.log
	exercise $* >>/tmp/held.log 2>&1 || { cat /tmp/held.log; stop "$*"; }
	sed -n 's/^held/suture: held/p; s/^no /suture: not held /p' /tmp/held.log
}
for m in $(cat /m/order); do
	insmod /m/$m.ko 2>/tmp/error || { case $(cat /tmp/error) in *exists*) ;; *) say "module $m: $(cat /tmp/error)" ;; esac; }
done
for o in $(cut -d: -f1 /m/functions | sort -u); do
	[ $o = vmlinux ] || [ -d /sys/module/$o ] || stop "module $o is not there"
done
held hold old
part make "making objects before the patch"
if [ -n "@patch@" ]; then
	insmod /m/@patch@.ko || stop "load"
	settled || stop "transition"
	[ "$(cat $L/enabled)" = 1 ] || stop "enabled"
	while IFS=: read -r object function position; do
		[ -d "$L/$object/$function,$position" ] || stop "not patched: $object:$function,$position"
		[ "$(cat $L/$object/patched 2>/dev/null || echo 1)" = 1 ] || stop "object $object is not patched"
	done </m/functions
	n=$(ls -d $L/*/*,* | wc -l)
	[ $n = $(wc -l </m/functions) ] || stop "$n functions are patched, not $(wc -l </m/functions)"
	say "patched $n"
	cut -d: -f2 /m/functions | grep -wFf - /proc/kallsyms >/tmp/symbols
	awk -F'[: \t]' 'NR == FNR { wanted[$1 ":" $2 ":" $3] = FNR; next }
		{ object = $4 == "" ? "vmlinux" : substr($4, 2, length($4) - 2); key = object ":" $3 ":" ++seen[object ":" $3] }
		key in wanted { print "p:suture/f" wanted[key] " 0x" $1 }' /m/functions /tmp/symbols >/tmp/probes
	while read -r probe; do echo "$probe" >>$T/kprobe_events 2>/dev/null || say "unprobed $probe"; done </tmp/probes
	[ ! -d $T/events/suture ] || echo 1 >$T/events/suture/enable
fi
held held old use
held held old drop
part use "using what was made before the patch"
part drop "letting go of what was made before the patch"
part script "exercise"
held hold new
part make "making objects while it is live"
part use "using objects while it is live"
say "exercised"
if [ -n "@patch@" ]; then
	if [ -d $T/events/suture ]; then
		echo 0 >$T/events/suture/enable
		say "ran $(awk '$1 ~ /^f[0-9]+$/ && $2 > 0' $T/kprobe_profile | wc -l)"
		for e in $T/events/suture/f[0-9]*; do echo "-:suture/${e##*/}" >>$T/kprobe_events; done
	fi
	echo 0 >$L/enabled || stop "revert"
	settled || stop "transition of the revert"
	for i in $(seq 100); do [ -d $L ] || break; usleep 50000; done
	[ ! -d $L ] || stop "it is listed after the revert"
	for i in $(seq 100); do rmmod @patch@ 2>/tmp/error && break; usleep 50000; done
	[ ! -d /sys/module/@patch@ ] || stop "unload: $(cat /tmp/error)"
	grep -q '\\[@patch@\\]' /proc/kallsyms && stop "symbols left behind"
	say "reverted"
fi
held held new use
held held new drop
part use "using objects after the revert"
part drop "letting go of objects after the revert"
exercise processes || stop "exercise after the revert"
[ -z "$(ls -A /sys/kernel/livepatch)" ] || stop "left behind: $(ls /sys/kernel/livepatch)"
# What is freed later is freed now.
echo 3 >/proc/sys/vm/drop_caches
sleep 0.5
say "taint $(cat /proc/sys/kernel/tainted)"
say "done"
"""
# Modules of what `exercise hold` holds.
HELD_MODULES = ("nf_tables", "nf_conntrack", "nft_ct", "nft_chain_nat", "vsock_loopback", "algif_hash", "sctp")
PARTS = ("script", "make", "use", "drop")


@dataclass(frozen=True)
class Verdict:
    """why: empty when all went well. functions: that were shown as patched. ran: how many of them the exercise reached, None when
    that cannot be said. held: the kinds of objects that outlived the patch."""
    why: str
    functions: int
    ran: int | None
    held: int
    seconds: float

    @property
    def live(self):
        return not self.why


@functools.lru_cache
def exercise_program():
    """The guest's program, built once for its sources."""
    sources = sorted(GUEST.glob("*.[ch]"))

    def build(folder):
        vm_kernel.command(["cc", "-static", "-O1", "-D_GNU_SOURCE", "-o", folder / "exercise", *(s for s in sources if s.suffix == ".c")],
                          "exercise.c")

    return vm_store.entry("exercise", sources, build) / "exercise"


class Modules:
    """The kernel's modules and what each needs."""

    def __init__(self, kernel):
        self.top = kernel.modules
        done = subprocess.run(["depmod", "-n", "-b", kernel.modules.parents[2], kernel.release], capture_output=True, text=True,
                              check=True, env=dict(os.environ, PATH=vm_kernel.SYSTEM_PATH)).stdout
        self.needs = {}
        for line in re.findall(r"^(kernel/\S+\.ko\S*): ?(.*)$", done, re.M):
            self.needs[self.name(line[0])] = (line[0], [self.name(path) for path in line[1].split()])

    @staticmethod
    def name(path):
        return Path(path).name.partition(".")[0].replace("-", "_")

    def order(self, names):
        """(name, path) of these and what they need, in the order of loading; names of what is built in are left out."""
        ordered = {}
        for name in names:
            for needed in [*reversed(self.needs.get(name, ("", []))[1]), name]:
                if needed in self.needs:
                    ordered[needed] = self.top / self.needs[needed][0]
        return list(ordered.items())


def exercise_lines(script):
    """Each line fails the whole, but for those with a minus before them."""
    lines = [line.strip() for line in script.strip().splitlines()]
    return "\n".join(f"{{ {line[1:]}; }} || :" if line.startswith("-") else line for line in lines)


def functions_of(manifest):
    """{(object, function, position)}: as the kernel shows them, the position is never 0 there."""
    found = json.loads(Path(manifest).read_text())["modules"]
    return sorted({(f["object"], f["name"], f["sympos"] or 1) for module in found for f in module["functions"]})


def version(release, exercise):
    """All that decides how a module is judged, but for the machine itself."""
    return [release, exercise, SCRIPT, COMPLAINT.pattern, TAINTS_MEANT, HELD_MODULES,
            *(path.read_bytes() for path in sorted(GUEST.iterdir()))]


def trouble(result, watched=True):
    """What the machine says is wrong, or nothing."""
    failed = re.search(r"suture: failed (.*)", result.output)
    words = result.output.strip().splitlines()
    complaints = [line for line in result.script_log.splitlines() if COMPLAINT.search(line)]
    if failed:
        said = " / ".join(line for line in words[-7:] if "suture: failed" not in line and not line.startswith("suture: module"))
        return f"{failed[1]}: {'; '.join(complaints[:3])} {said}".strip(": ")
    if complaints:
        return "the kernel says: " + "; ".join(complaints[:3])
    kinds = re.findall(r"suture: held (\d+)", result.output)
    if len(kinds) != 2 or kinds[0] != kinds[1]:
        return f"kinds of objects that could be made before the patch, and while it was live: {', '.join(kinds)}"
    taint = re.search(r"suture: taint (\d+)", result.output)
    if not taint or int(taint[1]) & ~TAINTS_MEANT:
        return f"taint {taint[1] if taint else 'unknown'}"
    if result.status or words[-1] != "suture: done":
        return f"ended with {result.status}: {words[-1:]}"
    return ""


def run(release, patch, functions, exercise, out=None):
    """The machine's result for a patch (.ko, or None: the same without it)."""
    kernel = vm_kernel.find(release)
    modules = modules_of(release)
    wanted = modules.order([*(o for o in sorted({f[0] for f in functions}) if o != "vmlinux"), *exercise.modules, *HELD_MODULES])
    with vm_store.temporary() as work:
        (work / "m").mkdir()
        (work / "m/order").write_text("\n".join(name for name, _ in wanted) + "\n")
        (work / "m/functions").write_text("".join(f"{o}:{name},{position}\n".replace(",", ":") for o, name, position in functions))
        for name, path in wanted:
            if path.suffix == ".ko":
                shutil.copy(path, work / "m" / f"{name}.ko")
            else:
                (work / "m" / f"{name}.ko").write_bytes(subprocess.run(["xz", "-dc", path], capture_output=True, check=True).stdout)
        for part in PARTS:
            (work / f"m/{part}.sh").write_text(exercise_lines(getattr(exercise, part)))
        if patch:
            shutil.copy(patch, work / "m")
        return machine.run(SCRIPT.replace("@patch@", patch.stem if patch else ""), series=release, out=out, timeout=TIMEOUT,
                           trust=machine.enforcing_key(kernel.release.rpartition(".")[0]),
                           copies=[(work / "m", "/m"), (exercise_program(), "/usr/bin/exercise"), *machine.programs(*PROGRAMS)])


def said(result, word):
    """The last number that the machine says of it."""
    found = re.findall(rf"suture: {word} (\d+)", result.output)
    return int(found[-1]) if found else None


@functools.lru_cache
def modules_of(release):
    return Modules(vm_kernel.find(release))


def judge(release, bundle, exercise, out=None):
    """The verdict on a bundle's folder as suture build leaves it."""
    patch = next(Path(bundle).glob("*.ko"))
    functions = functions_of(Path(bundle) / "manifest.json")
    try:
        result = run(release, patch, functions, exercise, out)
    except (machine.Died, machine.TimedOut) as error:
        last = [line for line in str(getattr(error, "console", "") or error).splitlines() if COMPLAINT.search(line)]
        return Verdict(f"{type(error).__name__}: {'; '.join(last[:3]) or str(error).splitlines()[0]}", 0, None, 0, 0)
    ran, patched = said(result, "ran"), said(result, "patched")
    return Verdict(trouble(result), patched or 0, ran, (said(result, "held") or 0) + bool(exercise.make), round(result.seconds, 1))


def as_json(verdict):
    return asdict(verdict)
