# SPDX-License-Identifier: LGPL-2.1-or-later
"""Symbols that are not exported, from `suture build` into real kernels: given to the module loader where the kernel has livepatch,
left to the framework where it has none, refused where that would be too late."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from vendor import SAMPLES, SOURCE, refused, run

sys.path.insert(0, str(SOURCE / "tests/vm"))
import machine  # noqa: E402
import vm_kernel  # noqa: E402

INPUT = 3
CODE = (SAMPLES / "version/version.c").read_text()
CONF = (SAMPLES / "version/patch.conf").read_text() + "provider=framework\n"
IMPORTS = """#include <suture/reloc.h>
KLP_IMPORT_DATA(vmlinux, saved_command_line, 0, char **imported_command_line);
KLP_IMPORT_FUNC(vmlinux, nr_processes, 0, int imported_count(void));
"""
# The address comes with the replacement of an alternative, which the kernel puts in place of the xor while it loads the module.
ALTERNATIVE = """#include <asm/alternative.h>
static char **imported_command_line_of_the_alternative(void)
{
	char **address;

	asm volatile(ALTERNATIVE("xorl %%eax, %%eax", ".byte 0x48, 0xb8\\n" "alternative_place: .quad 0", X86_FEATURE_ALWAYS)
		     : "=a" (address));
	return address;
}
#define imported_command_line imported_command_line_of_the_alternative()
#define imported_count() 1
asm(".pushsection .suture.relocs, \\"a\\"\\n"
    ".balign 8\\n"
    "__suture_reloc_alternative: .quad alternative_place, 1, 0, 0, alternative_symbol, 0\\n"
    ".popsection\\n"
    ".pushsection .rodata\\n"
    "alternative_symbol: .asciz \\"saved_command_line\\"\\n"
    ".popsection\\n");
"""
on_every_kernel = pytest.mark.parametrize("series, flavour", [("6.1", "debian"), ("6.1", "nolivepatch"), ("6.12", "debian")])


def source(folder, imports):
    code = CODE.replace("static int patched", imports + "static int patched", 1)
    code = code.replace('seq_printf(m, "%s version', 'seq_printf(m, "<%s> %d %s version')
    folder.mkdir()
    (folder / "version.c").write_text(code.replace("name->sysname", "*imported_command_line, imported_count(), name->sysname"))
    (folder / "patch.conf").write_text(CONF)
    return folder


def build(folder, output, series, flavour):
    target, provider = vm_kernel.find(series, flavour), folder.parent / "framework"
    provider.mkdir()
    # What imports are made of is beside include/ in the framework's source.
    (provider / "include").symlink_to(SOURCE / "framework/include")
    for name in ("Module.symvers", "suture.ko"):
        (provider / name).symlink_to(machine.framework(series, flavour) / name)
    return run(folder, "-o", output, "-k", target.headers, "-i", target.image, "--framework", provider)


def relocations(output):
    """{section that is relocated: what readelf shows}."""
    text = subprocess.run(["readelf", "-rW", *output.glob("*/*.ko")], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"Relocation section '\.(?:klp\.rela|rela)(\S+)' at (.*?)(?:\n\n|\Z)", text, re.S))


def show(output, series, flavour):
    """/proc/version with the patch, and without it again."""
    result = machine.run("""
        insmod /m/suture.ko && insmod /m/proc_version_1_1.ko || exit 1
        P=/sys/kernel/suture/proc_version_1_1
        until [ "$(cat $P/transition)" = 0 ]; do usleep 20000; done
        cat /proc/version /proc/cmdline
        ls /proc | grep -c '^[0-9]'
        echo 0 >$P/enabled
        while [ -d $P ]; do usleep 20000; done
        until rmmod proc_version_1_1; do usleep 20000; done
        """, copies=[(str(machine.framework(series, flavour) / "suture.ko"), "/m/"), (str(next(output.glob("*/*.ko"))), "/m/")],
        series=series, flavour=flavour)
    assert result.status == 0, result.output + result.script_log
    assert "invalid relocation" not in result.script_log
    return result.output.splitlines()


@on_every_kernel
def test_imports_of_vmlinux(tmp_path, series, flavour):
    done = build(source(tmp_path / "s", IMPORTS), tmp_path / "out", series, flavour)
    assert done.returncode == 0, done.stderr
    given = {name for name in relocations(tmp_path / "out") if name.startswith(".vmlinux.")}
    assert given == (set() if flavour == "nolivepatch" else {".vmlinux..rodata", ".vmlinux..text"})
    version, command_line, _ = show(tmp_path / "out", series, flavour)
    found = re.fullmatch(r"<(.*)> (\d+) Linux version .*", version)
    assert found[1] == command_line and int(found[2]) > 1


@on_every_kernel
def test_import_in_an_alternative(tmp_path, series, flavour):
    """Only the loader comes before alternatives are applied."""
    done = build(source(tmp_path / "s", ALTERNATIVE), tmp_path / "out", series, flavour)
    if flavour == "nolivepatch":
        line = refused(done, "relocation-place", INPUT)
        assert "symbol saved_command_line of vmlinux at .altinstr_replacement+0x2" in line
        return
    assert done.returncode == 0, done.stderr
    assert ".vmlinux..altinstr_replacement" in relocations(tmp_path / "out")
    version, command_line, _ = show(tmp_path / "out", series, flavour)
    assert version.startswith(f"<{command_line}> 1 Linux version ")


def test_ready_module_is_not_settled_but_judged(tmp_path):
    """It is taken byte for byte, its table and all."""
    target = vm_kernel.find("6.1", "nolivepatch")
    assert build(source(tmp_path / "s", IMPORTS), tmp_path / "out", "6.1", "nolivepatch").returncode == 0
    module = next((tmp_path / "out").glob("*/*.ko"))
    done = run(module, "-o", tmp_path / "again", "-i", target.image, "-d", tmp_path / "s/patch.conf", "--json")
    assert done.returncode == 0, done.stderr
    assert (Path(json.loads(done.stdout)["folder"]) / module.name).read_bytes() == module.read_bytes()
