# SPDX-License-Identifier: LGPL-2.1-or-later
"""Patches made of diffs in real kernels: what they do, and that it is as before once they are gone."""
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from diffs import SOURCE, build, edit, module

sys.path.insert(0, str(SOURCE / "tests/vm"))
import machine  # noqa: E402
import vm_kernel  # noqa: E402

FULL = bool(os.environ.get("SUTURE_TEST_FULL"))
SERIES = ["6.1"] + (["6.12"] if FULL else [])
WAIT = """
L=/sys/kernel/livepatch
settled() { until [ "$(cat $L/$1/transition)" = 0 ]; do usleep 20000; done; }
off() { echo 0 >$L/$1/enabled; while [ -d $L/$1 ]; do usleep 20000; done; until rmmod $1; do usleep 20000; done; }
"""
# One function, what it refers to that is not exported, a new function with a static variable, a WARN_ON_ONCE, a print.
CMDLINE = [
    ("static int cmdline_proc_show(", """static noinline int count_of_reads(void)
{
	static int reads;

	WARN_ON_ONCE(reads < 0);
	return ++reads;
}

static int cmdline_proc_show("""),
    ("	seq_puts(m, saved_command_line);", """	pr_info_once("read by %s\\n", current->comm);
	seq_printf(m, "<%d, %ld> ", count_of_reads(), nr_processes() > 0 ? 1L : 0L);
	seq_puts(m, saved_command_line);"""),
    ("#include <linux/seq_file.h>", "#include <linux/seq_file.h>\n#include <linux/sched.h>\n#include <linux/sched/stat.h>"),
]


# What <suture/fix.h> is for: callbacks, a shadow variable, a state that a callback writes to.
AUTHOR = [
    ("#include <linux/seq_file.h>", "#include <linux/seq_file.h>\n#include <linux/slab.h>\n#include <suture/fix.h>"),
    ("static int cmdline_proc_show(", """#define READS 5

KLP_STATE(READS, 3);

static int say_before(struct klp_object *object)
{
	struct klp_state *state = klp_get_state(suture_fix_patch(object), READS);

	state->data = (void *)7;
	pr_info("fix: before patching %s\\n", object->name ?: "the kernel");
	return 0;
}
KLP_PRE_PATCH_CALLBACK(say_before);

static void say_after(struct klp_object *object)
{
	struct klp_state *state = klp_get_state(suture_fix_patch(object), READS);

	pr_info("fix: patched, version %u, data %lu\\n", state->version, (unsigned long)state->data);
}
KLP_POST_PATCH_CALLBACK(say_after);

static void say_end(struct klp_object *object)
{
	pr_info("fix: before the end\\n");
}
KLP_PRE_UNPATCH_CALLBACK(say_end);

static void forget(struct klp_object *object)
{
	klp_shadow_free_all(READS, NULL);
	pr_info("fix: forgot\\n");
}
KLP_POST_UNPATCH_CALLBACK(forget);

static int cmdline_proc_show("""),
    ("	seq_puts(m, saved_command_line);", """	int *reads = klp_shadow_get_or_alloc(saved_command_line, READS, sizeof(*reads), GFP_KERNEL, NULL, NULL);

	if (reads)
		seq_printf(m, "<%d> ", ++*reads);
	seq_puts(m, saved_command_line);"""),
]
SYSCALLS = [
    ("#include <linux/syscalls.h>", "#include <linux/syscalls.h>\n#include <suture/fix.h>"),
    ("SYSCALL_DEFINE1(umask, int, mask)\n{\n", "KLP_SYSCALL_DEFINE1(umask, int, mask)\n{\n	mask |= 0111;\n"),
    ("SYSCALL_DEFINE0(getppid)\n{\n	int pid;\n", "KLP_SYSCALL_DEFINE0(getppid)\n{\n	int pid;\n\n	if (current->fs)\n		return 4242;\n"),
]


def framework(series, folder):
    """As its packages have it: headers and what was built."""
    folder.mkdir()
    (folder / "include").symlink_to(SOURCE / "framework/include")
    for name in ("Module.symvers", "suture.ko"):
        (folder / name).symlink_to(machine.framework(series, "debian") / name)
    return folder


def made(folder, fix, series="6.1", more=()):
    done = build(fix, series=series, more=["-o", folder / "out", *more])
    assert done.returncode == 0, done.stderr
    return module(folder / "out")


def made_for(provider, folder, fix, series):
    """The module, and suture.ko where it needs that."""
    if provider == "kernel":
        return [made(folder, fix, series, ["--provider", provider])]
    built = framework(series, folder / "framework")
    return [made(folder, fix, series, ["--provider", provider, "--framework", built]), built / "suture.ko"]


def run(script, *copies, series="6.1"):
    result = machine.run(WAIT + script, copies=[(str(path), "/m/") for path in copies], series=series)
    assert result.status == 0, result.output + result.script_log
    for word in ("BUG:", "Oops", "WARNING:", "Call Trace"):
        assert word not in result.script_log, result.script_log
    return result


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("provider", ["kernel", "framework"])
def test_a_function_of_the_kernel(tmp_path, series, provider):
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c", *CMDLINE, series=series)
    patch, *first = made_for(provider, tmp_path, fix, series)
    folder = "/sys/kernel/suture" if provider == "framework" else "/sys/kernel/livepatch"
    result = run(f"""
        L={folder}
        [ ! -e /m/suture.ko ] || insmod /m/suture.ko || exit 1
        cat /proc/cmdline
        insmod /m/{patch.name} && settled fix_1_1 || exit 1
        ls $L/fix_1_1/vmlinux
        cat /proc/cmdline; cat /proc/cmdline
        off fix_1_1
        cat /proc/cmdline
        """, patch, *first, series=series)
    before, *rest = result.output.splitlines()
    names, (one, two, after) = rest[:-3], rest[-3:]
    assert names[0].split()[0] == "cmdline_proc_show,1"
    assert one == f"<1, 1> {before}" and two == f"<2, 1> {before}" and after == before
    assert result.script_log.count("read by cat") == 1


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("provider", ["kernel", "framework"])
def test_what_the_author_says(tmp_path, series, provider):
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c", *AUTHOR, series=series)
    patch, *first = made_for(provider, tmp_path, fix, series)
    result = run(f"""
        [ ! -e /m/suture.ko ] || {{ L=/sys/kernel/suture; insmod /m/suture.ko || exit 1; }}
        cat /proc/cmdline
        insmod /m/{patch.name} && settled fix_1_1 || exit 1
        cat /proc/cmdline; cat /proc/cmdline
        off fix_1_1
        insmod /m/{patch.name} && settled fix_1_1 || exit 1
        cat /proc/cmdline
        off fix_1_1
        cat /proc/cmdline
        """, patch, *first, series=series)
    before, *rest = result.output.splitlines()
    assert rest == [f"<1> {before}", f"<2> {before}", f"<1> {before}", before]
    said = [line.split("fix: ")[1].strip() for line in result.script_log.splitlines() if "fix: " in line]
    assert said == ["before patching the kernel", "patched, version 3, data 7", "before the end", "forgot"] * 2


@pytest.mark.parametrize("series", SERIES)
def test_system_calls(tmp_path, series):
    patch = made(tmp_path, edit(tmp_path / "fix.patch", "kernel/sys.c", *SYSCALLS, series=series), series)
    result = run(f"""
        ask() {{ sh -c 'umask 022; umask; echo $PPID'; }}
        ask
        insmod /m/{patch.name} && settled fix_1_1 || exit 1
        ask
        off fix_1_1
        ask
        """, patch, series=series)
    before, patched, after = [result.output.split()[i:i + 2] for i in (0, 2, 4)]
    assert before[0] == "0022" and before[1] != "4242" and after == before and patched == ["0133", "4242"]


FAT = ("	buf->f_type = dentry->d_sb->s_magic;", "	buf->f_type = dentry->d_sb->s_magic + fat_fixed(dentry->d_sb);")
FAT_HELPER = ("static int fat_statfs(struct dentry *dentry,", """static noinline int fat_fixed(struct super_block *sb)
{
	/* Calls of a static function of the module, and of one in another of its object files. */
	if (!sb->s_root) {
		fat_put_super(sb);
		return fat_sync_inode(d_inode(sb->s_root));
	}
	return 0x1000;
}

static int fat_statfs(struct dentry *dentry,""")


def fat_image(path):
    """An empty FAT12 of 64 KiB: boot sector, one FAT, root directory."""
    boot = struct.pack("<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"suture", 512, 1, 1, 1, 16, 128, 0xf8, 1, 1, 1, 0, 0)
    path.write_bytes((boot.ljust(510, b"\0") + b"\x55\xaa" + b"\xf8\xff\xff").ljust(128 * 512, b"\0"))
    return path


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("order", ["module-first", "patch-first"])
def test_a_function_of_a_module(tmp_path, series, order):
    fix = edit(tmp_path / "fix.patch", "fs/fat/inode.c", FAT, FAT_HELPER, series=series)
    patch = made(tmp_path, fix, series)
    tree = vm_kernel.find(series).modules
    modules = [path for name in ("loop", "nls_cp437", "nls_ascii", "nls_iso8859-1", "fat", "vfat") for path in Path(tree).rglob(f"{name}.ko*")]
    load = " ".join(f"insmod /m/{path.name};" for path in modules)
    patched = f"insmod /m/{patch.name} && settled fix_1_1 || exit 1"
    result = run(f"""
        {load if order == "module-first" else patched}
        {patched if order == "module-first" else load}
        mount -t vfat -o loop /m/disk /mnt || exit 1
        cat /sys/kernel/livepatch/fix_1_1/fat/patched
        stat -f -c %t /mnt
        off fix_1_1
        stat -f -c %t /mnt
        umount /mnt
        """, patch, fat_image(tmp_path / "disk"), *modules, series=series)
    assert result.output.split() == ["1", "5d44", "4d44"]


def test_modules_without_debug_information_or_paths(tmp_path):
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c", *CMDLINE)
    sections = subprocess.run(["readelf", "-SW", made(tmp_path, fix)], capture_output=True, text=True, check=True).stdout
    assert ".debug_" not in sections and ".discard" not in sections and ".orc_unwind" in sections
