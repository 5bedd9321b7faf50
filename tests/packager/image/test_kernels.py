# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real kernels: what we read from their files is what nm, modpost and the kernels themselves say."""
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

SOURCE = Path(os.environ["SUTURE_SOURCE"])
TOOL = Path(os.environ["SUTURE_BUILD_DIR"]) / "tests/image-tool"
MODULES = ("net/netfilter/nf_tables", "fs/fat/vfat", "fs/overlayfs/overlay", "drivers/net/virtio_net", "fs/squashfs/squashfs")

sys.path.insert(0, str(SOURCE / "tests/vm"))
import machine  # noqa: E402
import vm_kernel  # noqa: E402

on_debian = pytest.mark.parametrize("series", ["6.1", "6.12"])


def tool(*arguments, stdin=""):
    done = subprocess.run([TOOL, *map(str, arguments)], check=False, capture_output=True, text=True, input=stdin)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def kallsyms(target):
    return [tuple(line) for line in tool("kallsyms", target.vmlinux)]


@on_debian
def test_running_kernel_says_the_same(series, tmp_path):
    result = machine.run("cat /proc/kallsyms >/out/kallsyms", out=tmp_path, extra_kernel="nokaslr", series=series, timeout=300)
    assert result.status == 0, result.console
    lines = [line.split() for line in (tmp_path / "kallsyms").read_text().splitlines()]
    # The lines of the kernel itself come first; those of modules, programs and so on have a fourth field.
    theirs = [tuple(line) for line in lines if len(line) == 3]
    ours = kallsyms(vm_kernel.find(series))
    assert len(ours) > 50000
    assert ours == theirs[:len(ours)]
    assert len(theirs) - len(ours) < 100, theirs[len(ours):][:5]


def test_nm_says_the_same():
    """A kernel that was not stripped. nm has more: what scripts/kallsyms leaves out."""
    target = vm_kernel.find("6.1", "nolivepatch")
    nm = subprocess.run(["nm", target.vmlinux], check=True, capture_output=True, text=True).stdout
    theirs = Counter((address.rjust(16, "0"), name) for address, _, name in map(str.split, nm.splitlines()))
    ours = kallsyms(target)
    assert len(ours) > 30000
    assert not Counter((address, name) for address, _, name in ours) - theirs
    assert [address for address, _, _ in ours] == sorted(address for address, _, _ in ours)


@on_debian
def test_exports_are_symbols(series):
    target = vm_kernel.find(series)
    assert target.headers, "the kernel's headers are not installed: run script/setup"
    names = {name for _, _, name in kallsyms(target)}
    exports = tool("symvers", target.headers / "Module.symvers")
    lines = (target.headers / "Module.symvers").read_text().splitlines()
    assert len(exports) == len(lines) > 5000
    for (crc, name, owner, licence, space), line in zip(exports, lines):
        fields = line.split("\t")
        assert (crc, name, owner) == (fields[0], fields[1], fields[2].rpartition("/")[2].replace("-", "_"))
        assert (licence == "gpl", space.strip("-")) == (fields[3] == "EXPORT_SYMBOL_GPL", fields[4])
        assert owner != "vmlinux" or name in names, name


@on_debian
def test_traceable_functions_of_the_kernel(series, tmp_path):
    """As many names as the running kernel can trace, but for what boot changes (init text, notrace decisions of its own)."""
    result = machine.run("cat /sys/kernel/tracing/available_filter_functions >/out/functions",
                         out=tmp_path, series=series, timeout=300)
    assert result.status == 0, result.console
    theirs = {line.split()[0] for line in (tmp_path / "functions").read_text().splitlines() if "[" not in line}
    symbols = [name for _, kind, name in kallsyms(vm_kernel.find(series)) if kind in "tT"]
    theirs &= set(symbols)
    lines = tool("vmlinux", vm_kernel.find(series).vmlinux, stdin="\n".join(sorted(set(symbols))) + "\n")
    ours = {line[0] for line in lines if line[3] == "1"}
    assert len(theirs) > 20000
    assert not theirs - ours, sorted(theirs - ours)[:10]
    assert ("tcp_v4_rcv" in ours) and ("__x86_return_thunk" not in ours)


def test_sealed_functions():
    """6.12 is built with IBT, 6.1 is not."""
    old = tool("vmlinux", vm_kernel.find("6.1").vmlinux, stdin="tcp_v4_rcv\nschedule\n")
    assert [line[4] for line in old] == ["0", "0"]
    new = vm_kernel.find("6.12")
    names = sorted({name for _, kind, name in kallsyms(new) if kind in "tT"})
    lines = tool("vmlinux", new.vmlinux, stdin="\n".join(names) + "\n")
    sealed = {line[0] for line in lines if line[4] == "1"}
    assert len(sealed) > 5000
    # one that operations point at, so that it must keep its endbr64
    assert "tcp_v4_rcv" not in sealed


@on_debian
@pytest.mark.parametrize("module", MODULES)
def test_symbols_of_modules(series, module, tmp_path):
    folder = vm_kernel.find(series).modules / "kernel"
    [path] = (folder / module).parent.glob(Path(module).name + ".ko*")
    plain = tmp_path / "plain.ko"
    if path.suffix == ".xz":
        plain.write_bytes(subprocess.run(["xz", "-dc", path], check=True, capture_output=True).stdout)
    else:
        plain.write_bytes(path.read_bytes())
    table = subprocess.run(["readelf", "-sW", plain], check=True, capture_output=True, text=True).stdout
    theirs = defaultdict(int)
    for fields in map(str.split, table.splitlines()):
        if len(fields) == 8 and fields[0][0].isdigit() and fields[6] != "UND" and fields[3] != "SECTION":
            theirs[fields[7]] += 1
    lines = tool("module", path, Path(module).name.replace("-", "_"), stdin="\n".join(theirs) + "\n")
    assert Counter(line[0] for line in lines) == Counter(theirs)
    assert all(line[2] == ("0" if theirs[line[0]] == 1 else str(int(line[1]) + 1)) for line in lines)
    assert any(line[3] == "1" for line in lines)


def test_a_file_of_another_kind_is_refused():
    target = vm_kernel.find("6.1")
    for arguments in (("kallsyms", target.image), ("vmlinux", target.image), ("symvers", target.vmlinux),
                      ("module", target.vmlinux, "vmlinux")):
        done = subprocess.run([TOOL, *map(str, arguments)], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and "give the" in done.stderr, done
