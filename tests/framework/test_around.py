# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes on around a patch: processors and modules that come and go, sleep, another kernel, a crash dump. Run with
/usr/bin/python3 -m pytest.
"""
import re
import stat
import subprocess

import pytest

import stage
from stage import (DEBIAN, DISABLED, ENABLED, LITTLE, NEXT, TAINTED, kernel_of, lines, log_of, machine, on_debian, play, program,
                   words)

BLOCKED = re.compile(r"(\d+) \1 park_visit cat \[0\]")


@on_debian
def test_processors_come_and_go(kernel):
    """The second one leaves and returns while a transition is open, in both directions, and while a patch is on."""
    result = play("""
    cpu1() { echo $1 >/sys/devices/system/cpu/cpu1/online; }
    entered() { sleep 1; cut -d, -f1,2 /sys/module/idles/parameters/entered; }
    insmod park.ko
    cat /proc/park/a >/dev/null & parked 1
    insmod idles.ko
    sleep 1
    say leaves cpu1 0
    say open value idles transition
    say without entered
    say without-later entered
    say returns cpu1 1
    say with entered
    say with-later entered
    say still-open value idles transition
    gate a open; wait
    settled idles

    say leaves-patched cpu1 0
    say patched entered
    gate a closed
    cat /proc/park/a >/dev/null & parked 1
    put idles enabled 0
    sleep 1
    say back-open value idles transition
    say returns-halfway cpu1 1
    sleep 1
    say back-still-open value idles transition
    say leaves-halfway cpu1 0
    gate a open; wait
    gone idles
    say unload eventually unloads idles

    insmod idles.ko
    settled idles
    say returns-to-patched cpu1 1
    say new entered
    say off off idles
    say leaves-at-last cpu1 0
    say returns-at-last cpu1 1
    say rest rmmod park suture
    """, kernel, smp=2)
    said = words(result)
    counts = {name: list(map(int, said.pop(name).split()[0].split(",")))
              for name in ("without", "without-later", "with", "with-later", "patched", "new")}
    assert counts["without-later"][0] > counts["without"][0]
    assert counts["without-later"][1] == counts["without"][1]
    assert counts["with-later"][1] > counts["with"][1] > counts["without"][1]
    assert counts["patched"][0] > counts["with-later"][0]
    assert counts["new"][1] > 0
    assert said == {name: "1 [0]" for name in ("open", "still-open", "back-open", "back-still-open")} | {
        name: "[0]" for name in ("leaves", "returns", "leaves-patched", "returns-halfway", "leaves-halfway", "unload",
                                 "returns-to-patched", "off", "leaves-at-last", "returns-at-last", "rest")}


SLEEP = """
insmod park.ko
gate b open
cat /proc/park/a >/tmp/first & parked 1
insmod fix_per_task.ko
usleep 300000
say asleep-open asleep open
say open value fix_per_task transition
say blockers value fix_per_task blockers
say meanwhile look b
gate a open; wait
settled fix_per_task
say parked cat /tmp/first
say asleep-patched asleep patched
say patched look b
gate a closed
cat /proc/park/a >/tmp/second & parked 1
put fix_per_task enabled 0
usleep 300000
say asleep-back asleep back
say back value fix_per_task transition
gate a open; wait
gone fix_per_task
say parked-again cat /tmp/second
say disabled look b
eventually unloads fix_per_task
insmod fix_stop_machine.ko
say asleep-stop-machine asleep stop-machine
say stop-machine look b
say off off fix_stop_machine
say rest rmmod park suture
"""
SLEPT = {
    "open": "1 [0]",
    "meanwhile": "fix_per_task fix_per_task [0]",
    "parked": "old old [0]",
    "patched": "fix_per_task fix_per_task [0]",
    "back": "1 [0]",
    "parked-again": "fix_per_task fix_per_task [0]",
    "disabled": "old old [0]",
    "stop-machine": "fix_stop_machine fix_stop_machine [0]",
    "off": "[0]",
    "rest": "[0]",
}


def slept(result):
    said = words(result)
    assert BLOCKED.fullmatch(said.pop("blockers"))
    times = [said.pop(name) for name in list(said) if name.startswith("asleep")]
    assert said == SLEPT
    assert times == ["[0]"] * 4


def test_hibernation_keeps_transitions_and_patches():
    """The image is written to the disk of results, and read back by the same kernel, which then is what it was when it was made."""
    result = play("""
    mkswap /dev/vdb >/dev/null && swapon /dev/vdb
    cat /sys/block/vdb/dev >/sys/power/resume
    echo test_resume >/sys/power/disk
    # It takes seconds each time: not where a stop of all CPUs or the way back is all that is new.
    asleep() { case $1 in open | patched) busybox echo disk >/sys/power/state ;; esac; }
    """ + SLEEP + "swapoff /dev/vdb", NEXT, smp=2, timeout=300)
    slept(result)
    log = result.script_log
    assert log.count("PM: hibernation: Creating image") == 2
    assert log.count("PM: hibernation: hibernation exit") == 2
    # Who wrote the image goes on to say so; who came out of it does not know.
    assert "Image saving" not in log


def test_suspension_keeps_transitions_and_patches():
    """All devices are suspended, all CPUs but one go, the rest of the system is suspended; and it is resumed at once."""
    result = play("""
    echo 0 >/sys/module/suspend/parameters/pm_test_delay
    echo core >/sys/power/pm_test
    asleep() { busybox echo mem >/sys/power/state; }
    """ + SLEEP, LITTLE, smp=2, timeout=300)
    slept(result)
    log = result.script_log
    assert log.count("smpboot: CPU 1 is now offline") == log.count("CPU1 is up") == log.count("PM: suspend exit") == 4


def test_another_kernel_starts_from_a_patched_one(tmp_path):
    """With one patch on and another on its way."""
    initrd = tmp_path / "initrd"
    initrd.write_bytes(stage.image.cpio([("init", stat.S_IFREG | 0o755, program("boot").read_bytes())]))
    copies = [(kernel_of(DEBIAN).image, "/m/vmlinuz"), (initrd, "/m/initrd")]
    with pytest.raises(machine.Died, match="the machine ended before the script") as error:
        play("""
        insmod park.ko
        insmod pair.ko
        insmod pair_stop_machine.ko
        cat /proc/park/a >/tmp/first & parked 1
        insmod fix_per_task.ko
        usleep 300000
        say transition value fix_per_task transition
        boot vmlinuz initrd "console=ttyS0 panic=-1 reboot=t cryptomgr.notests mitigations=off"
        """, programs=["boot"], copies=copies, smp=2, timeout=300)
    assert "transition: 1 [0]" in error.value.console
    before, _, after = error.value.console.partition("Linux version")
    assert "livepatch: 'fix_per_task': starting patching transition" in before
    assert not stage.FAULT.search(error.value.console)
    assert re.search(r"boot: arrived in 6\.1\.", after)


def test_modules_come_and_go_while_their_patches_do():
    result = play("""
    reload /m/late.ko >/tmp/reload & reload=$!
    say rounds rounds 60 /m/late_per_task.ko /m/late_stop_machine.ko
    kill $reload; wait $reload
    say reload cat /tmp/reload
    insmod late.ko
    say late cat /sys/module/late/parameters/version
    say references cat /sys/module/late/refcnt /sys/module/suture/refcnt
    say folders ls $S
    say rest rmmod late suture
    """, programs=["rounds", "reload"], smp=2, timeout=300)
    said = words(result)
    assert re.fullmatch(r"60 rounds, refused \d+ times \[0\]", said.pop("rounds"))
    old, new, other = map(int, re.fullmatch(r"old (\d+) new (\d+) other (\d+) \[0\]", said.pop("reload")).groups())
    assert old > 3 and new > 3 and other == 0
    assert said == {"late": "old [0]", "references": "0 0 [0]", "folders": "[0]", "rest": "[0]"}
    assert "applying patch 'late_per_task' to loading module 'late'" in log_of(result)
    assert "reverting patch 'late_per_task' on unloading module 'late'" in log_of(result)
    assert "late: new" in result.script_log and "late: old" in result.script_log


def gdb(dump, symbols, *commands):
    """The words of gdb on a dump of the machine; symbols: (module, address of its text, of its data)."""
    arguments = ["gdb", "-batch", "-nx", "-ex", f"file {kernel_of(LITTLE).vmlinux}", "-ex", f"core-file {dump}"]
    for path, text, data in symbols:
        arguments += ["-ex", f"add-symbol-file {path} {text} -s .data {data}"]
    for command in commands:
        arguments += ["-ex", command]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    print(done.stdout)
    return done.stdout


def test_a_dump_tells_where_a_patched_function_goes(tmp_path):
    dump = tmp_path / "dump"
    result = play("""
    insmod park.ko
    insmod fix_per_task.ko
    settled fix_per_task
    for module in park fix_per_task suture; do
        say $module cat /sys/module/$module/sections/.text /sys/module/$module/sections/.data
    done
    """, LITTLE, dump=dump)
    symbols = [(stage.modules(LITTLE) / f"{name}.ko", *said.split()[:2]) for name, said in words(result).items()]
    # struct klp_func: old_name, new_func, old_sympos, owner, old_func.
    text = gdb(dump, symbols, "x/s *(char **)&fix_functions", "info symbol ((unsigned long *)&fix_functions)[1]",
               "info symbol ((unsigned long *)&fix_functions)[4]", "x/2i park_visit", "info symbol linux_banner",
               "x/s (char *)&linux_banner")
    assert '"park_visit"' in text
    assert re.search(r"^fixed_visit in section \.text of .*fix_per_task\.ko", text, re.MULTILINE)
    assert re.search(r"^park_visit in section \.text of .*park\.ko", text, re.MULTILINE)
    assert "Linux version 6.1" in text
    # Its first instruction calls a trampoline of ftrace, which no symbol covers.
    trampoline = re.search(r"<park_visit>:\s+call\s+(0x[0-9a-f]+)", text)[1]
    code = gdb(dump, symbols, f"x/60i {trampoline}")
    assert "suture_handler" in code
