# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels of our own and what is built for them: run with /usr/bin/python3 -m pytest tests/vm/test_kernels.py"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import machine
import vm_kernel

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "kernels" / "build"
STANDIN = HERE / "modules" / "standin"
OWN = [("6.1", "nolivepatch")]
if os.environ.get("SUTURE_TEST_FULL"):
    OWN += [("6.1", "debug")]
KERNELS = [("6.1", "debian"), ("6.12", "debian"), *OWN]
VIRTIO_RNG = "0x1005"


@pytest.mark.parametrize("series, flavour", KERNELS)
def test_kernel_boots_and_takes_modules_built_for_it(series, flavour):
    plain = machine.build_modules(HERE / "modules" / "plain", series, flavour=flavour) / "plain.ko"
    script = "uname -r; insmod /m/plain.ko word=hello && rmmod plain; test ! -d /sys/kernel/livepatch"
    result = machine.run(script, copies=[(plain, "/m/")], series=series, flavour=flavour)
    assert result.output.strip() == vm_kernel.find(series, flavour).release
    assert result.script_log.endswith("plain: loaded, to say hello\nplain: unloaded\n")
    assert result.status == (flavour == "debian")


@pytest.mark.parametrize("series, flavour", OWN)
def test_own_kernel_has_what_tests_stand_on(series, flavour):
    script = """
    zcat /proc/config.gz >/out/config
    cd /sys/kernel/debug/tracing
    cat available_tracers
    cat /proc/self/stack
    grep -c " cmdline_proc_show$" /proc/kallsyms
    cat /sys/power/state
    ls -d /proc/self/fail-nth /sys/kernel/debug/failslab /sys/kernel/debug/dynamic_debug/control
    echo 0 >/sys/devices/system/cpu/cpu1/online && cat /sys/devices/system/cpu/online
    """
    result = machine.run(script, series=series, flavour=flavour, smp=2)
    assert result.status == 0
    for words in ("function", "proc_pid_stack", "1\n", "disk", "/proc/self/fail-nth", "\n0\n"):
        assert words in result.output
    assert "Call Trace" not in result.kernel_log


@pytest.mark.parametrize("series, flavour", OWN)
def test_headers_have_versions_of_the_whole_kernel(series, flavour):
    lines = (vm_kernel.find(series, flavour).headers / "Module.symvers").read_text().splitlines()
    sums = [line.split("\t")[0] for line in lines if line.split("\t")[2] == "vmlinux"]
    assert len(sums) > 3000
    assert sum(value == "0x00000000" for value in sums) < 20


def test_own_kernel_has_symbols_that_gdb_reads():
    target = vm_kernel.find("6.1", "nolivepatch")
    said = subprocess.run(["gdb", "-batch", "-ex", "x/s (char *)&linux_banner", target.vmlinux], capture_output=True, text=True)
    assert f"Linux version {target.release} " in said.stdout


def test_own_kernel_does_not_pretend_to_check_signatures():
    with pytest.raises(machine.KernelError, match="does not check signatures"):
        machine.run("true", flavour="nolivepatch", enforce=True)


def test_unknown_flavour_is_refused():
    with pytest.raises(machine.KernelError, match="unknown flavour absent"):
        machine.run("true", flavour="absent")


@pytest.fixture
def source(tmp_path):
    """Something that Kconfig is asked in, which takes everything but one option."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Makefile").write_text("allnoconfig:\n\tgrep -v KALLSYMS_ALL $(KCONFIG_ALLCONFIG) >.config\nolddefconfig:\n")
    return folder


def test_option_that_the_kernel_does_not_take_is_named(source, tmp_path):
    done = subprocess.run([BUILD, source, "6.1", "nolivepatch", tmp_path / "result"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "CONFIG_KALLSYMS_ALL=y"


def test_failed_build_says_why(source, tmp_path):
    (source / "Makefile").write_text("allnoconfig:\n\techo it is the reason; false\n")
    done = subprocess.run([BUILD, source, "6.1", "nolivepatch", tmp_path / "result"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "it is the reason" in done.stderr


KERNEL_SOURCE = """#!/bin/sh
while [ "$1" != --tree ]; do shift; done
mkdir "$2"
"""
KERNEL_BUILD = """#!/bin/sh
set -e
echo "$3" >>"${0%/*}/built"
mkdir -p "$4/lib/modules/x" "$4/headers/include/config"
for name in vmlinux vmlinuz headers/.config headers/Module.symvers headers/include/config/kernel.release; do
	echo "x$3" >"$4/$name"
done
sleep 0.2
[ ! -e "${0%/*}/broken" ]
"""


class Checkout:
    """script/kernel beside a build that takes no time, with a cache of its own."""

    def __init__(self, folder):
        for name in ("script", "tests"):
            (folder / name).mkdir()
        self.recipe, self.cache = folder / "tests/kernels", folder / "cache/suture/kernels"
        self.command = [folder / "script/kernel", "--flavour", "nolivepatch"]
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
        shutil.copytree(HERE.parent / "kernels", self.recipe)
        shutil.copy(HERE.parents[1] / "script/kernel", folder / "script")
        self.write(folder / "script/kernel-source", KERNEL_SOURCE)
        self.write(self.recipe / "build", KERNEL_BUILD)

    @staticmethod
    def write(path, text):
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *arguments):
        return subprocess.Popen([*self.command, *arguments], env=self.environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def kernel(self, *arguments):
        with self.start(*arguments) as process:
            output, errors = process.communicate()
        return process.returncode, dict(line.split("=", 1) for line in output.splitlines()), errors

    def built(self):
        return (self.recipe / "built").read_text().splitlines()

    def entries(self):
        return sorted(path.name for path in self.cache.iterdir() if path.is_dir())


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_own_kernel_is_built_once_for_all_who_ask(checkout):
    waiting = [checkout.start() for _ in range(3)]
    said = {process.communicate()[0] for process in waiting}
    assert [process.returncode for process in waiting] == [0, 0, 0]
    assert len(said) == 1
    assert checkout.built() == ["nolivepatch"]
    _, found, _ = checkout.kernel()
    assert found["SUTURE_KERNEL_RELEASE"] == "xnolivepatch"
    assert checkout.entries() == [Path(found["SUTURE_KERNEL_VMLINUX"]).parent.name]
    assert checkout.built() == ["nolivepatch"]


def test_failed_build_leaves_nothing_in_the_cache(checkout):
    (checkout.recipe / "broken").touch()
    status, found, _ = checkout.kernel()
    assert (status, found, checkout.entries()) == (1, {}, [])
    (checkout.recipe / "broken").unlink()
    assert checkout.kernel()[0] == 0


def test_changed_file_in_the_cache_is_noticed(checkout):
    _, found, _ = checkout.kernel()
    (Path(found["SUTURE_KERNEL_HEADERS"]) / "Module.symvers").write_text("other")
    _, again, errors = checkout.kernel()
    assert again == found
    assert "does not match its checksums" in errors
    assert checkout.built() == ["nolivepatch"] * 2


@pytest.mark.parametrize("name", ["build", "nolivepatch.config", "6.1.config"])
def test_change_of_what_decides_the_kernel_makes_another(checkout, name):
    _, before, _ = checkout.kernel()
    with open(checkout.recipe / name, "a") as file:
        file.write("# changed\n")
    _, after, _ = checkout.kernel()
    assert before != after
    assert len(checkout.entries()) == 2


@pytest.fixture
def standin(tmp_path):
    shutil.copytree(STANDIN / "framework", tmp_path / "framework")
    return tmp_path / "framework"


@pytest.mark.parametrize("series, flavour", KERNELS)
def test_framework_and_its_patches_are_built_and_load(series, flavour):
    framework = machine.framework(series, flavour, source=STANDIN / "framework")
    patches = machine.build_patches(STANDIN / "patch", series, flavour, source=STANDIN / "framework")
    tree = machine.modules_tree([framework / "suture.ko", *patches.glob("*.ko")], series, flavour)
    script = "#!/bin/bash\nmodprobe standin_patch && lsmod | awk '/^suture / { print $4 }'; modinfo -F description suture\n"
    copies = [*machine.programs(), (tree, "/lib/modules")]
    result = machine.run(f"cat >/s <<'END'\n{script}END\nchmod +x /s; /s", copies=copies, series=series, flavour=flavour)
    assert result.output == "standin_patch\nStand-in for the framework\n"
    assert "standin_patch: answer 42\n" in result.script_log


def test_patches_are_built_again_when_the_interface_changes_only(standin):
    first = machine.build_patches(STANDIN / "patch", source=standin)
    code = standin / "suture.c"
    code.write_text(re.sub("ANSWER 42", "ANSWER 43", code.read_text()))
    assert machine.build_patches(STANDIN / "patch", source=standin) == first
    for path in (code, standin / "include/compat/linux/livepatch.h"):
        path.write_text(path.read_text().replace("int standin_answer(void)", "long standin_answer(void)"))
    assert machine.build_patches(STANDIN / "patch", source=standin) != first


def test_programs_are_the_hosts_own():
    script = """
    modprobe --version; awk -W version 2>&1; sed --version; stat -c %F /proc; comm --version; diff --version
    sysctl --values kernel.ostype; dmesg --version; bash -c 'echo "${BASH_VERSION}"'; mktemp --tmpdir -t x-XXXXXX
    """
    result = machine.run(script, copies=machine.programs())
    for words in ("kmod version", "GNU sed", "GNU coreutils", "GNU diffutils", "\nLinux\n", "util-linux", "\ndirectory\n", "\n/tmp/x-"):
        assert words in result.output
    assert "BusyBox" not in result.output


def test_more_kernel_arguments_and_hardware():
    script = f"cat /proc/cmdline; grep -l {VIRTIO_RNG} /sys/bus/pci/devices/*/device"
    result = machine.run(script, extra_kernel="suture.test=1", qemu=["-icount", "shift=0", "-device", "virtio-rng-pci"])
    assert result.status == 0
    assert "suture.test=1" in result.output
    with pytest.raises(machine.Died, match="absent"):
        machine.run("true", qemu=["-device", "absent"])


@pytest.mark.parametrize("cold", [False, True])
def test_memory_is_dumped_for_gdb(tmp_path, cold):
    target = vm_kernel.find("6.1", "nolivepatch")
    result = machine.run("hostname suture-dumped", flavour="nolivepatch", memory=128, dump=tmp_path / "core", cold=cold)
    said = subprocess.run(["gdb", "-batch", "-ex", "x/s (char *)&init_uts_ns + 65", target.vmlinux, tmp_path / "core"],
                          capture_output=True, text=True)
    assert result.status == 0
    assert "suture-dumped" in said.stdout, said
