# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness keeps its promises: run with /usr/bin/python3 -m pytest tests/vm/test_harness.py"""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import machine

HERE = Path(__file__).resolve().parent
EKEYREJECTED = 129
HELPERS = """
transition() {
	cat "/sys/kernel/livepatch/$1/transition"
}
settled() {
	while [ "$(transition "$1")" = 1 ]; do usleep 10000; done
}
remove() {
	echo 0 >"/sys/kernel/livepatch/$1/enabled"
	while [ -d "/sys/kernel/livepatch/$1" ]; do usleep 10000; done
	rmmod "$1"
}
"""


@pytest.fixture(scope="session")
def cmdline_patch():
    return machine.build_modules(HERE / "modules" / "cmdline") / "cmdline_patch.ko"


@pytest.fixture(scope="session")
def stall_modules():
    return machine.build_modules(HERE / "modules" / "stall")


@pytest.mark.parametrize("status", [0, 3])
def test_exit_status_is_passed(status):
    assert machine.run(f"exit {status}").status == status


def test_files_logs_and_output_come_back(tmp_path):
    out = tmp_path / "out"
    script = "mkdir /out/d; echo content >/out/d/file; echo 'test: a line' >/dev/kmsg; printf 'no newline'"
    result = machine.run(script, out=out)
    assert (out / "d" / "file").read_text() == "content\n"
    assert result.output == "no newline"
    assert result.script_log == "test: a line\n"
    assert "Linux version 6.1" in (out / "kernel.log").read_text()
    assert "test: a line" in (out / "console.log").read_text()


def test_program_finds_its_libraries():
    copies = [("/usr/bin/rpm", "/usr/bin/"), ("/usr/bin/openssl", "/usr/bin/")]
    result = machine.run("rpm --version; openssl version", copies=copies)
    assert "RPM version" in result.output
    assert "OpenSSL 3" in result.output


def test_folder_is_copied_with_links(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("content")
    (tmp_path / "link").symlink_to("sub/file")
    result = machine.run("cat /etc/suture/link; readlink /etc/suture/link", copies=[(tmp_path, "/etc/suture")])
    assert result.output == "contentsub/file\n"


def test_machine_is_fresh_each_time():
    script = "cat /proc/sys/kernel/random/boot_id; date +%s; test ! -e /root/seen; touch /root/seen"
    first, second = machine.run(script), machine.run(script)
    assert (first.status, second.status) == (0, 0)
    (boot_a, _), (boot_b, clock) = first.output.split(), second.output.split()
    assert boot_a != boot_b
    assert abs(int(clock) - time.time()) < 30


def test_persistent_folder_outlives_the_machine(tmp_path):
    script = "cd /var/lib/suture; rm -f gone; ls; date +%s >>boots"
    (tmp_path / "gone").touch()
    assert machine.run(script, persist=tmp_path).output == ""
    assert machine.run(script, persist=tmp_path).output == "boots\n"
    assert len((tmp_path / "boots").read_text().split()) == 2
    assert not (tmp_path / "gone").exists()


def test_panic_is_reported_at_once():
    begin = time.monotonic()
    with pytest.raises(machine.Died, match="Kernel panic.*sysrq") as error:
        machine.run("echo before; echo c >/proc/sysrq-trigger; sleep 60")
    assert time.monotonic() - begin < 15
    assert "before" in error.value.console


def test_timeout_ends_the_run():
    begin = time.monotonic()
    with pytest.raises(machine.TimedOut) as error:
        machine.run("echo before; sleep 60", timeout=8)
    assert time.monotonic() - begin < 14
    assert "before" in error.value.output


def test_missing_file_is_named(tmp_path):
    with pytest.raises(machine.ImageError, match="absent: no such file"):
        machine.run("true", copies=[(tmp_path / "absent", "/x")])


def test_livepatch_loads_and_unloads(cmdline_patch):
    script = HELPERS + """
    insmod /m/cmdline_patch.ko
    settled cmdline_patch
    cat /proc/cmdline
    remove cmdline_patch && cat /proc/cmdline
    """
    result = machine.run(script, copies=[(cmdline_patch, "/m/")])
    patched, original = result.output.splitlines()
    assert (result.status, patched) == (0, "live patched")
    assert original.startswith("console=")
    assert "livepatch: 'cmdline_patch': patching complete" in result.script_log


def test_enforcement_refuses_unsigned_and_takes_signed(cmdline_patch, tmp_path):
    machine.sign_modules(cmdline_patch.parent, tmp_path)
    script = HELPERS + "insmod /m/cmdline_patch.ko; echo $?; insmod /signed/cmdline_patch.ko && settled cmdline_patch"
    result = machine.run(script, copies=[(cmdline_patch, "/m/"), (tmp_path, "/signed")], enforce=True)
    assert result.status == 0
    assert result.output.splitlines()[-1] == str(EKEYREJECTED)


def test_stall_keeps_the_transition_open(stall_modules):
    script = HELPERS + """
    insmod /m/stall.ko
    cat /proc/stall & usleep 300000
    insmod /m/stall_patch.ko
    sleep 3
    transition stall_patch
    echo 1 >/proc/stall
    settled stall_patch
    transition stall_patch
    remove stall_patch && rmmod stall
    """
    result = machine.run(script, copies=[(stall_modules, "/m")])
    assert (result.status, result.output) == (0, "1\n0\n")


def test_two_processors():
    assert machine.run("nproc", smp=2).output == "2\n"


def test_cold_boot():
    assert machine.run("exit 5", cold=True).status == 5


def test_command_passes_output_and_status(tmp_path):
    (tmp_path / "script").write_text("echo hello; exit 7")
    done = subprocess.run([HERE / "run", tmp_path / "script"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "")


def test_terminated_command_takes_its_machine_along(tmp_path):
    (tmp_path / "script").write_text("echo begun; sleep 60")
    with subprocess.Popen([HERE / "run", tmp_path / "script"], stdout=subprocess.PIPE) as command:
        assert command.stdout.readline() == b"begun\n"
        children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
        command.send_signal(signal.SIGTERM)
        assert command.wait(5) == 128 + signal.SIGTERM
    assert children
    assert not any(os.path.exists(f"/proc/{child}/exe") for child in children)
