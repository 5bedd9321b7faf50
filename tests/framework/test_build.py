# SPDX-License-Identifier: LGPL-2.1-or-later
"""make -C framework: what cannot work is refused, and the refusal says why."""
import os
import pathlib
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["SUTURE_SOURCE"])
HEADERS = os.environ["SUTURE_KERNEL_HEADERS"]
OLD_COMPILER = """#!/bin/sh
for argument; do
	if [ "$argument" = -mfentry ]; then
		echo "unrecognized option -mfentry" >&2
		exit 1
	fi
done
exec gcc "$@"
"""


@pytest.fixture
def framework(tmp_path):
    return shutil.copytree(SOURCE / "framework", tmp_path / "framework")


def refusal(folder, *variables):
    """What make says on one line, for comparison, after it failed without having compiled anything."""
    done = subprocess.run(["make", "-s", "-C", folder, *variables], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert not list(folder.rglob("*.o"))
    return next(line.partition("*** ")[2] for line in done.stderr.splitlines() if "*** " in line)


def test_compiler_without_fentry_is_refused(framework, tmp_path):
    compiler = tmp_path / "old-cc"
    compiler.write_text(OLD_COMPILER)
    compiler.chmod(0o755)
    assert refusal(framework, f"KDIR={HEADERS}", f"CC={compiler}") == (
        f"suture: the compiler {compiler} has no -mfentry, without which calls cannot be redirected before a function has "
        "touched the stack: use gcc or clang for x86-64.  Stop.")


@pytest.mark.parametrize("missing", ["KPROBES", "KALLSYMS_ALL", "HAVE_RELIABLE_STACKTRACE", "TRACEPOINTS", "HAVE_STATIC_CALL"])
def test_kernel_without_an_option_is_refused(framework, missing):
    assert refusal(framework, f"KDIR={HEADERS}", f"CONFIG_{missing}=") == (
        f"suture: this kernel is built without CONFIG_{missing}, which the framework needs.  Stop.")


def test_kernel_without_any_way_to_save_registers_is_refused(framework):
    without = ["CONFIG_DYNAMIC_FTRACE_WITH_REGS=", "CONFIG_DYNAMIC_FTRACE_WITH_ARGS="]
    assert refusal(framework, f"KDIR={HEADERS}", *without) == (
        "suture: this kernel is built without CONFIG_DYNAMIC_FTRACE_WITH_REGS, which the framework needs.  Stop.")


def test_other_architecture_is_refused(framework):
    assert refusal(framework, f"KDIR={HEADERS}", "SRCARCH=riscv") == (
        "suture: there is no arch/riscv yet, so this kernel's functions cannot be redirected.  Stop.")


def test_folder_without_headers_is_refused(framework):
    assert refusal(framework, "KDIR=/nonexistent") == (
        "There are no kernel headers in /nonexistent: install them, or name others by KDIR=.  Stop.")
