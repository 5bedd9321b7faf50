# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our framework beside the kernel's own livepatch, on one emulated CPU that counts instructions (-icount shift=0): one is a nanosecond."""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))
import machine  # noqa: E402

MODULES = HERE / "modules"
MANY = 200
SLEEPERS = (50, 500, 2000)
COUNTED = ["-icount", "shift=0"]
# Both ways by the same steps: only the folder of modules and the one in sysfs differ.
PRELUDE = """
insmod /suture.ko
insmod /native/bench_target.ko
say() { echo "$*" >&1; }
load() { bench_guest enable /$1/$2.ko $3/$2 >/tmp/time || exit 1; }
off() {
	echo 0 >$2/$1/enabled
	while [ -d $2/$1 ]; do sleep 0.01; done
}
drop() {
	off $1 $2
	rmmod $1
}
sleepers() {
	bench_guest sleep $1 >/tmp/ready &
	sleeping=$!
	while ! grep -qs ready /tmp/ready; do sleep 0.01; done
}
awake() { kill -9 $sleeping; wait $sleeping 2>/dev/null; : >/tmp/ready; }
ways="native:/sys/kernel/livepatch ours:/sys/kernel/suture"
"""
CALLS = """
# in_transition NAME: with bench_patch3 held on top of what there is.
in_transition() {
	cat /proc/bench_hold &
	sleep 0.1
	insmod /$kind/bench_patch3.ko
	sleep 2
	say $1 $kind $(cat /proc/bench) $(cat $top/bench_patch3/transition)
	echo >/proc/bench_hold
	while [ "$(cat $top/bench_patch3/transition)" = 1 ]; do sleep 0.05; done
	drop bench_patch3 $top
}
say unpatched - $(cat /proc/bench)
for way in $ways; do
	kind=${way%%:*} top=${way#*:}
	load $kind bench_patch1 $top
	say idle1 $kind $(cat /proc/bench)
	load $kind bench_patch2 $top
	load $kind bench_patch3 $top
	say idle3 $kind $(cat /proc/bench)
	drop bench_patch3 $top
	sleepers 2000
	in_transition transition3
	drop bench_patch2 $top
	drop bench_patch1 $top
	in_transition transition1
	awake
done
"""
TIMES = """
load native bench_patch3 /sys/kernel/livepatch
drop bench_patch3 /sys/kernel/livepatch
counts="%s"
for count in $counts; do
	sleepers $count
	for turn in 1 2 3; do
		for way in $ways; do
			kind=${way%%%%:*} top=${way#*:}
			load $kind bench_patch3 $top
			say per-task $kind $count $(cat /tmp/time)
			drop bench_patch3 $top
		done
		load ours bench_patch_stop /sys/kernel/suture
		say stop-machine ours $count $(cat /tmp/time)
		drop bench_patch_stop /sys/kernel/suture
	done
	say stopped ours $count $(cat /sys/module/suture/parameters/longest_stop)
	awake
done
# These stay loaded, each.
number=0
for count in $counts; do
	number=$((number + 1))
	sleepers $count
	load ours bench_patch_now$number /sys/kernel/suture
	say immediate ours $count $(cat /tmp/time)
	off bench_patch_now$number /sys/kernel/suture
	awake
done
""" % " ".join(map(str, SLEEPERS))
MEMORY = """
insmod /native/bench_many_target.ko
# Bytes in slab objects and in vmalloc pages.
used() {
	sleep 0.5
	echo $(($(awk 'NR > 2 { sum += $2 * $4 } END { printf "%d", sum }' /proc/slabinfo) +
		$(sed -n 's/.* pages=\\([0-9]*\\).*/\\1/p' /proc/vmallocinfo | awk '{ sum += $1 } END { printf "%d", sum * 4096 }')))
}
for turn in warm 1 2 3; do
	for way in $ways; do
		kind=${way%%:*} top=${way#*:}
		before=$(used)
		insmod /$kind/bench_many.ko
		while [ "$(cat $top/bench_many/transition)" = 1 ]; do sleep 0.05; done
		say memory-$turn $kind $(($(used) - before))
		drop bench_many $top
	done
done
"""


def _build(work):
    """The same sources, built for the kernel's own livepatch and for ours: (native, ours, program)."""
    source = work / "modules"
    shutil.copytree(MODULES, source)
    (source / "bench_many.inc").write_text("".join(f"BENCH_FUNCTION({n})\n" for n in range(MANY)))
    program = work / "bench_guest"
    subprocess.run(["cc", "-O2", "-static", "-o", program, HERE / "bench_guest.c"], check=True)
    return machine.build_modules(source), machine.build_patches(source, "6.1", "debian"), program


def _run(script, built, **options):
    native, ours, program = built
    copies = [(native, "/native"), (ours, "/ours"), (machine.framework("6.1", "debian") / "suture.ko", "/suture.ko"),
              (program, "/bin/bench_guest")]
    result = machine.run(PRELUDE + script, copies=copies, memory=1024, timeout=900, **options)
    if result.status:
        sys.exit(f"bench: framework: {result.output}\n{result.script_log[-2000:]}")
    return [line.split() for line in result.output.splitlines()]


def _judged(ratio, bound):
    return f"{ratio:.2f} ({'within' if ratio <= bound else 'MISSES'} the bound of {bound})"


def _calls(built):
    """Instructions that a call costs more than one of a function that is not traced."""
    said = {(line[0], line[1]): line for line in _run(CALLS, built, qemu=COUNTED)}
    cost = {key: (int(line[3]) - int(line[2])) / 1000 for key, line in said.items()}
    for kind in ("native", "ours"):
        assert {said[key, kind][4] for key in ("transition1", "transition3")} == {"1"}, "the transition ended too early"
    yield "a call of an unpatched function", f"{cost['unpatched', '-']:.0f} instructions above a call alone"
    for key, what in (("idle1", "1 patch"), ("idle3", "3 patches stacked"),
                      ("transition1", "1 patch in transition, 2,000 tasks"),
                      ("transition3", "3 patches stacked, the last in transition, 2,000 tasks")):
        native, ours = cost[key, "native"], cost[key, "ours"]
        yield f"{what}: native", f"{native:.0f} instructions"
        yield f"{what}: ours", f"{ours:.0f} instructions"
        yield f"ratio: {what}, ours over native", _judged(ours / native, 1)


def _times(built):
    times, stops = {}, {}
    for what, kind, count, value in _run(TIMES, built, qemu=COUNTED):
        if what == "stopped":
            stops[int(count)] = int(value)
        else:
            times.setdefault((what, kind, int(count)), []).append(int(value))
    best = {key: min(values) / 1e6 for key, values in times.items()}
    for count in SLEEPERS:
        native, ours = best["per-task", "native", count], best["per-task", "ours", count]
        yield f"enable with {count} sleeping tasks: native", f"{native:.1f} ms"
        yield "the same: ours, per-task", f"{ours:.1f} ms"
        yield "the same: ours, stop-machine", f"{best['stop-machine', 'ours', count]:.1f} ms"
        yield "the same: ours, immediate", f"{best['immediate', 'ours', count]:.1f} ms"
        yield f"ratio: per-task with {count} tasks, ours over native", _judged(ours / native, 1.2)
        yield f"longest time with all CPUs stopped, up to {count} tasks", f"{stops[count] / 1e6:.2f} ms"


def _memory(built):
    taken = {"native": [], "ours": []}
    for what, kind, value in _run(MEMORY, built):
        if what != "memory-warm":
            taken[kind].append(int(value) / MANY)
    for kind, values in taken.items():
        yield f"memory for a patched function, of {MANY} in a patch, its share of the module included: {kind}", f"{sorted(values)[1]:.0f} bytes"
    yield "ratio: memory, ours over native", f"{sorted(taken['ours'])[1] / sorted(taken['native'])[1]:.2f}"


def run():
    with tempfile.TemporaryDirectory() as folder:
        built = _build(Path(folder))
        return [*_calls(built), *_times(built), *_memory(built)]
