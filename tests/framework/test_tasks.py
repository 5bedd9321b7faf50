# SPDX-License-Identifier: LGPL-2.1-or-later
"""How tasks of all kinds switch one by one: run with /usr/bin/python3 -m pytest."""
import re
import subprocess

import stage
from stage import DEBUG, DISABLED, ENABLED, ENABLING, NEXT, PATCHED, TAINTED, lines, log_of, on_debian, on_every_kernel, play, words

# Where programs cannot be executed any more, the shell still can sleep and read.
WITHOUT_PROGRAMS = """
mkfifo /tmp/ask /tmp/answer
sleeper </tmp/ask >/tmp/answer &
exec 8>/tmp/ask 9</tmp/answer
nap() { echo $1 >&8; read -r _ <&9; }
text() { while read -r line; do echo "$line"; done <$1; }
# comes FILE WORD: wait until FILE says WORD.
comes() {
	tries=0
	until [ "$(text $1)" = "$2" ]; do
		nap 20
		tries=$((tries + 1))
		if [ $tries -gt 500 ]; then
			echo "timeout: $1 is not $2"
			exit 9
		fi
	done
}
"""


@on_every_kernel
def test_a_waiter_in_io_uring_stays_when_its_work_runs_there(kernel):
    """The first byte makes it run all of its task work, deep in the old function; it still waits for the second."""
    result = play("""
    mkfifo /tmp/one /tmp/two
    uring wait /tmp/one /tmp/two >/tmp/said & pid=$!
    eventually grep -q io_uring_enter /proc/$pid/stack
    insmod uring.ko
    usleep 200000
    say transition-before value uring transition
    exec 7<>/tmp/one; echo 1 >&7
    # Several rounds, the last ones a second apart.
    sleep 3
    say transition value uring transition
    say blockers value uring blockers
    say pid echo $pid
    exec 7<>/tmp/two; echo 2 >&7
    wait $pid
    settled uring
    say waiter cat /tmp/said
    say off off uring
    """, kernel, programs=["uring"])
    said = words(result)
    pid = said.pop("pid").split()[0]
    blockers = said.pop("blockers").split()
    assert (blockers[:2], blockers[3:]) == ([pid, pid], ["uring", "[0]"])
    assert blockers[2] in ("__x64_sys_io_uring_enter", "__do_sys_io_uring_enter")
    assert said == {
        "transition-before": "1 [0]",
        "transition": "1 [0]",
        "waiter": "entered: 2, read 1 again: ECANCELED [0]",
        "off": "[0]",
    }
    assert log_of(result) == lines("uring", TAINTED, ENABLED, DISABLED)


@on_every_kernel
def test_a_task_stopped_at_exec_stays_when_its_work_runs_there(kernel):
    result = play("""
    insmod park.ko
    mkfifo /tmp/go
    execstop /proc/park/a </tmp/go >/tmp/said & tracer=$!
    exec 7>/tmp/go
    parked 1
    eventually test -s /tmp/said
    read -r pid </tmp/said
    echo >&7
    eventually grep -q bprm_execve /proc/$pid/stack
    """ + WITHOUT_PROGRAMS + """
    insmod exec.ko
    nap 200
    say transition-before text $S/exec/transition
    say blockers-before text $S/exec/blockers
    echo open >/proc/park/a
    comes /tmp/said "$pid
stopped"
    # Several rounds, the last ones a second apart.
    nap 3000
    say transition text $S/exec/transition
    say blockers text $S/exec/blockers
    echo >&7
    wait $tracer
    comes $S/exec/transition 0
    say pid echo $pid
    say tracer text /tmp/said
    echo 0 >$S/exec/enabled
    while [ -e $S/exec ]; do nap 20; done
    say off eventually unloads exec
    """, kernel, programs=["execstop", "sleeper"])
    said = words(result)
    pid = said.pop("pid").split()[0]
    # It changes its name on the way.
    assert re.fullmatch(rf"{pid} {pid} bprm_execve \S+ \[0\]", said.pop("blockers-before"))
    assert re.fullmatch(rf"{pid} {pid} bprm_execve \S+ \[0\]", said.pop("blockers"))
    assert said == {
        "transition-before": "1 [0]",
        "transition": "1 [0]",
        "tracer": f"{pid} stopped executed ECANCELED [0]",
        "off": "[0]",
    }
    assert log_of(result) == lines("exec", TAINTED, ENABLED, DISABLED)


@on_debian
def test_a_helper_that_was_jumped_to_keeps_the_module(kernel):
    module = stage.modules(kernel) / "tail.ko"
    code = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", module], stdout=subprocess.PIPE, text=True, check=True).stdout
    visit = re.search(r"<tail_visit>:\n(.*?)\n\n", code, re.DOTALL)[1]
    assert re.search(r"\bjmp .*tail_helper|\bjmp .*\n.*R_X86_64_PLT32\ttail_helper", visit), visit
    assert len(re.findall(r"\bcall\b", visit)) == 1 == visit.count("__fentry__")
    result = play("""
    insmod park.ko
    insmod tail.ko
    settled tail
    cat /proc/park/a >/tmp/first & pid=$!
    parked 1
    put tail enabled 0
    usleep 500000
    say transition value tail transition
    say blockers value tail blockers
    say rmmod rmmod tail
    say pid echo $pid
    gate a open; wait
    gone tail
    say parked cat /tmp/first
    say unload eventually unloads tail
    say target rmmod park
    """, kernel)
    said = words(result)
    pid = said.pop("pid").split()[0]
    assert said == {
        "transition": "1 [0]",
        "blockers": f"{pid} {pid} tail_helper cat [0]",
        "rmmod": "rmmod: can't unload module 'tail': Resource temporarily unavailable [1]",
        "parked": "tail helper [0]",
        "unload": "[0]",
        "target": "[0]",
    }


def test_busy_tasks_switch_in_both_directions():
    result = play("""
    insmod park.ko
    gate b open
    busy user & user=$!
    busy calls & calls=$!
    usleep 200000
    insmod fix_per_task.ko
    settled fix_per_task
    say enabled look b
    say off off fix_per_task
    say running kill $user $calls
    """, programs=["busy"])
    assert words(result) == {"enabled": "fix_per_task fix_per_task [0]", "off": "[0]", "running": "[0]"}
    log = stamped(result, "livepatch: ")
    assert log["'fix_per_task': patching complete"] - log["'fix_per_task': starting patching transition"] < 3
    assert log["'fix_per_task': unpatching complete"] - log["'fix_per_task': starting unpatching transition"] < 3


def stamped(result, prefix):
    """When each line of the kernel log with a prefix came first, in seconds."""
    found = {}
    for time, text in re.findall(r"^\[ *([0-9.]+)\] " + prefix + "(.*)", result.kernel_log, re.MULTILINE):
        found.setdefault(text, float(time))
    return found


# Of a task: the kernel's include/linux/sched.h.
PF_IO_WORKER, PF_USER_WORKER = 0x10, 0x4000


@on_debian
def test_sleepers_are_signalled_late_and_workers_never(kernel):
    """Four tasks in the old function: one cannot be interrupted, one can, a kernel thread and a worker of io_uring, at a gate where
    a signal would interrupt it.
    """
    result = play("""
    insmod park.ko kthreads=1
    gate b open
    gate c interruptible
    cat /proc/park/a >/tmp/a & a=$!
    peek /proc/park/c >/tmp/c & c=$!
    uring worker /proc/park/c >/tmp/worker & worker=$!
    parked 4
    say flags awk '$2 ~ /iou-wrk/ { print $9 }' /proc/$worker/task/*/stat
    insmod fix_per_task.ko
    usleep 500000
    say before value fix_per_task blockers
    say pids echo $a $c $worker
    for second in $(seq 30); do
        dmesg | grep -q "livepatch: signaling" && break
        sleep 1
    done
    sleep 2
    say interrupted cat /tmp/c
    say after value fix_per_task blockers
    say transition value fix_per_task transition
    gate a open
    gate c open
    wait $a $c $worker
    settled fix_per_task
    say a cat /tmp/a
    say worker cat /tmp/worker
    gate k open
    sleep 4
    say off off fix_per_task
    say rest rmmod park suture
    """, kernel, programs=["uring", "peek"])
    said = words(result)
    flags = int(said.pop("flags").split()[0])
    assert flags & PF_IO_WORKER
    assert bool(flags & PF_USER_WORKER) == (kernel == NEXT)
    a, c, worker = said.pop("pids").split()[:3]
    before, after = said.pop("before").split()[:-1], said.pop("after").split()[:-1]
    before = sorted(tuple(before[i:i + 4]) for i in range(0, len(before), 4))
    after = sorted(tuple(after[i:i + 4]) for i in range(0, len(after), 4))
    names = {comm: (tgid, pid) for tgid, pid, _, comm in before}
    assert [function for _, _, function, _ in before] == ["park_visit"] * 4
    assert sorted(names) == ["cat", f"iou-wrk-{worker}", "park_inside", "peek"]
    assert (names["cat"], names["peek"], names[f"iou-wrk-{worker}"][0]) == ((a, a), (c, c), worker)
    assert sorted(comm for *_, comm in after) == ["cat", f"iou-wrk-{worker}"]
    assert a in [pid for _, pid, *_ in after]
    assert said == {
        "interrupted": "EINTR [0]",
        "transition": "1 [0]",
        "a": "old old [0]",
        "worker": "entered: 1, read old old again: success [0]",
        "off": "[0]",
        "rest": "[0]",
    }
    log = result.script_log
    assert log.count("park: c: interrupted") == 1
    order = [log.index(text) for text in ("starting patching", "signaling remaining tasks", "park: c: interrupted",
                                          "patching complete")]
    assert order == sorted(order)
    assert log.index("signaling remaining tasks") < log.index("park: thread saw old old") < log.index(
        "park: thread saw fix_per_task fix_per_task")
    times = stamped(result, "livepatch: ")
    waited = times["signaling remaining tasks"] - times["'fix_per_task': starting patching transition"]
    assert 14 < waited < 25
    assert log_of(result) == lines("fix_per_task", TAINTED, ENABLING, ["signaling remaining tasks"], PATCHED, DISABLED)


@on_debian
def test_children_see_what_their_parents_see(kernel):
    """Parents that are held in the old clone3(), and others that have switched, have children while the transition is open."""
    result = play("""
    insmod park.ko
    gate b open
    mkfifo /tmp/go
    heirs /proc/park/b 5 </tmp/go >/tmp/heirs & heirs=$!
    exec 7>/tmp/go
    eventually grep -q ready /tmp/heirs
    insmod forks.ko
    usleep 500000
    say transition value forks transition
    say blockers value forks blockers
    kin /proc/park/b 40
    kin /proc/park/b 300 >/dev/null
    states() { sed -n 's/^kmalloc-96 *\\([0-9]*\\) .*/\\1/p' /proc/slabinfo; }
    say states-before states
    kin /proc/park/b 700 >/dev/null
    say states-after states
    say still value forks transition
    echo >&7
    wait $heirs
    settled forks
    tail -n +2 /tmp/heirs
    say off off forks
    """, kernel, programs=["heirs", "kin"])
    heirs = [line for line in result.output.splitlines() if "," in line and ":" not in line]
    said = words(type(result)(**{**vars(result), "output": "\n".join(
        line for line in result.output.splitlines() if line not in heirs)}))
    blockers = said.pop("blockers").split()[:-1]
    assert set(blockers[3::4]) == {"heirs"} and len(blockers) == 4 * 5
    assert set(blockers[2::4]) <= {"__x64_sys_clone3", "__do_sys_clone3"}
    # 2,100 tasks came and went; their states went with them.
    assert int(said.pop("states-after").split()[0]) - int(said.pop("states-before").split()[0]) < 500
    assert said == {
        "transition": "1 [0]",
        "self": "new new: 1",
        "fork": "new new: 40",
        "vfork": "new new: 40",
        "thread": "new new: 40",
        "still": "1 [0]",
        "off": "[0]",
    }
    # A round may come between the birth of one and its first look.
    assert len(heirs) == 5
    assert heirs.count("old old, new new") >= 4
    assert set(heirs) <= {"old old, new new", "new new, new new"}


@on_debian
def test_idle_tasks_switch_while_others_hold_the_transition(kernel):
    result = play("""
    insmod park.ko
    look a >/dev/null & parked 1
    insmod idles.ko
    entered() { cat /sys/module/idles/parameters/entered; }
    sleep 2
    say first entered
    sleep 1
    say second entered
    say transition value idles transition
    gate a open; wait
    settled idles
    gate a closed
    look a >/dev/null & parked 1
    put idles enabled 0
    sleep 2
    say third entered
    sleep 1
    say fourth entered
    say back value idles transition
    gate a open; wait
    gone idles
    say unload eventually unloads idles
    sleep 1
    say rest rmmod park suture
    """, kernel, smp=2)
    said = words(result)
    counts = [list(map(int, said.pop(name).split()[0].split(",")))[:2] for name in ("first", "second", "third", "fourth")]
    assert all(later > earlier for earlier, later in zip(counts[0], counts[1], strict=True))
    assert counts[2] == counts[3]
    assert said == {"transition": "1 [0]", "back": "1 [0]", "unload": "[0]", "rest": "[0]"}


CROWD = """
insmod park.ko
gate a open
used() {
	sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1
	sed -n 's/^\\(Slab\\|VmallocUsed\\|Percpu\\): *\\([0-9]*\\) kB/\\2/p' /proc/meminfo
}
# crowded ROUNDS ROUNDS: rounds while a crowd goes through the patched functions; the second ones on top of another patch, where
# ftrace has nothing to change, so that the models' own part is much of the time.
crowded() {
	crowd /proc/park/a 200 >/tmp/crowd & crowd=$!
	usleep 500000
	rounds $1 /m/fix_per_task.ko /m/fix_stop_machine.ko
	insmod all_per_task.ko
	rounds $2 /m/fix_per_task.ko /m/fix_stop_machine.ko
	off all_per_task
	kill $crowd; wait $crowd
	cat /tmp/crowd
}
"""


@on_every_kernel
def test_200_tasks_live_through_100_rounds(kernel):
    """KASAN makes a round ten times as long, and has fewer of them."""
    more, least = (10, 10) if kernel == DEBUG else (90, 100)
    result = play(CROWD + f"""
    say warm crowded 2 10
    say used-before used
    say rounds crowded 10 {more}
    say used-after used
    say references cat /sys/module/park/refcnt /sys/module/suture/refcnt
    say folders ls $S
    say rest rmmod park suture
    """, kernel, programs=["crowd", "rounds"], smp=2, timeout=1800 if kernel == DEBUG else 600)
    said = words(result)
    before, after = ([int(word) for word in said.pop(name).split()[:-1]] for name in ("used-before", "used-after"))
    assert len(before) == 3
    # One table that is not freed at each end of a transition would be 200 times 30 KB.
    assert sum(after) - sum(before) < 2000
    rounds = said.pop("rounds")
    match = re.search(rf"10 rounds, refused \d+ times {more} rounds, refused \d+ times old (\d+) fixed (\d+) mixed (\d+) forks (\d+) exits (\d+)", rounds)
    old, fixed, mixed, forks, exits = map(int, match.groups())
    assert min(old, fixed, forks, exits) > least
    assert mixed == 0
    said.pop("warm")
    assert said == {"references": "0 0 [0]", "folders": "[0]", "rest": "[0]"}
