# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture build --kernel`: unified diffs of a real kernel's source to patch modules, up to what is refused."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from diffs import SOURCE, build, command, edit, explain, functions, module, profile
from vendor import refused

sys.path[:0] = [str(SOURCE / "tests/vm"), str(SOURCE / "tests/lib")]
import machine  # noqa: E402
import modules  # noqa: E402

FAILURE, INPUT, MISMATCH, NOTHING = 1, 3, 5, 12
CMDLINE = ("	seq_puts(m, saved_command_line);", '	seq_puts(m, "fixed ");\n	seq_puts(m, saved_command_line);')


@pytest.fixture(name="cmdline", scope="module")
def fixture_cmdline(tmp_path_factory):
    return edit(tmp_path_factory.mktemp("fix") / "cmdline.patch", "fs/proc/cmdline.c", CMDLINE)


def test_a_fix_becomes_a_bundle_folder(cmdline, tmp_path):
    done = build(cmdline, more=["-o", tmp_path])
    assert done.returncode == 0, done.stderr
    manifest = json.loads(next(tmp_path.glob("*/manifest.json")).read_text())
    assert manifest["modules"][0]["functions"] == [{"object": "vmlinux", "name": "cmdline_proc_show", "sympos": 0}]
    assert manifest["sources"][0]["name"] == "cmdline.patch" and manifest["toolchain"].startswith("gcc")
    assert manifest["kernel"]["release"] == profile()[1]
    assert manifest["format"] == 1 and "note:" not in done.stderr


def test_the_same_inputs_give_the_same_module(cmdline, tmp_path):
    made = []
    for folder in ("one", "another-folder"):
        (tmp_path / folder).mkdir()
        copy = shutil.copy(cmdline, tmp_path / folder)
        done = build(copy, more=["-o", tmp_path / folder / "out"], env={"TMPDIR": str(tmp_path / folder)})
        assert done.returncode == 0, done.stderr
        made.append(module(tmp_path / folder / "out").read_bytes())
    assert made[0] == made[1]
    assert b"/tmp" not in made[0] and bytes(tmp_path) not in made[0]


def test_progress_on_a_terminal(cmdline, tmp_path):
    screen, terminal = pty.openpty()
    done = subprocess.run(command(cmdline, more=["-o", tmp_path]), stderr=terminal, stdout=subprocess.DEVNULL, check=False)
    os.close(terminal)
    seen = os.read(screen, 65536).decode()
    os.close(screen)
    assert done.returncode == 0, seen
    assert "selecting objects (0 s)" in seen and "applying the diff (0 s)" in seen and re.search(r"compiling 100% \(\d+ s\)", seen) and seen.endswith("\r\033[K")


def test_several_diffs_make_one_module(cmdline, tmp_path):
    other = edit(tmp_path / "uptime.patch", "fs/proc/uptime.c", ("	seq_printf(m, ", '	seq_puts(m, "");\n	seq_puts(m, "up ");\n	seq_printf(m, '))
    found = functions(explain(cmdline, other))
    assert {name: function["kind"] for name, function in found.items()} == {"cmdline_proc_show": "changed", "uptime_proc_show": "changed"}


def test_explanation(cmdline, tmp_path):
    report = explain(cmdline)
    function = functions(report)["cmdline_proc_show"]
    assert function["size_after"] > function["size_before"] > 0 and function["reasons"]
    assert {"object": "vmlinux", "symbol": "saved_command_line", "sympos": 0} in report["units"][0]["references"]
    assert all(section["sentence"] for section in report["units"][0]["sections"])
    text = build(cmdline, more=["--explain", "-o", tmp_path]).stdout
    assert "changed cmdline_proc_show: replaces cmdline_proc_show" in text and "vmlinux:saved_command_line" in text
    assert str(tmp_path / "fix-1-1") in text.splitlines()


HEADER = ("#include <linux/seq_file.h>", "#include <linux/seq_file.h>\n#include <suture/fix.h>")
CALLBACK = """static int before(struct klp_object *object)
{
	return 0;
}
KLP_PRE_PATCH_CALLBACK(before);
KLP_STATE(9, %d);

static int """


def author(target, name, version, *changes):
    """A fix of fs/proc/<name>.c that has a callback and a state."""
    function = f"static int {name}_proc_show("
    return edit(target, f"fs/proc/{name}.c", HEADER, (function, CALLBACK % version + function.removeprefix("static int ")), *changes)


def test_what_the_author_says(tmp_path):
    fix = author(tmp_path / "fix.patch", "cmdline", 4, CMDLINE)
    [unit] = explain(fix)["units"]
    assert unit["callbacks"] == [{"moment": "pre_patch", "function": "before"}] and unit["states"] == [{"id": 9, "version": 4}]
    text = build(fix, more=["--explain"]).stdout
    assert "calls before at pre_patch" in text and "state 9, version 4" in text


def test_an_author_who_contradicts_himself(tmp_path):
    uptime = ("	seq_printf(m, ", '	seq_puts(m, "up ");\n	seq_printf(m, ')
    fix = author(tmp_path / "one.patch", "cmdline", 4, CMDLINE)
    line = refused(build(author(tmp_path / "two.patch", "uptime", 4, uptime), fix, more=["-o", tmp_path / "out"]), "diff-callback", INPUT)
    assert "pre_patch" in line
    other = tmp_path / "three.patch"
    edit(other, "fs/proc/uptime.c", HEADER, uptime, ("static int uptime_proc_show(", "KLP_STATE(9, 5);\n\nstatic int uptime_proc_show("))
    refused(build(other, fix, more=["-o", tmp_path / "out"]), "diff-state", INPUT)
    refused(build(author(tmp_path / "alone.patch", "cmdline", 4), more=["-o", tmp_path / "out"]), "fix-nothing", NOTHING)
    assert not (tmp_path / "out").exists()


def test_a_callback_of_the_wrong_kind(tmp_path):
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c", HEADER, CMDLINE,
               ("fs_initcall(proc_cmdline_init);", "fs_initcall(proc_cmdline_init);\nKLP_POST_PATCH_CALLBACK(proc_cmdline_init);"))
    assert "incompatible pointer type" in refused(build(fix, more=["-o", tmp_path / "out"]), "fix-compile", INPUT)


SHOW = "static int version_proc_show(struct seq_file *m, void *v)\n{\n"
SEQ = "#include <linux/seq_file.h>"


def test_a_new_function_is_shared_by_the_sources_of_a_fix(tmp_path):
    fix = edit(tmp_path / "fix.patch", "fs/proc/version.c", (SHOW, """void say_more(struct seq_file *m);
void say_more(struct seq_file *m)
{
	seq_puts(m, "more");
}

""" + SHOW))
    edit(fix, "fs/proc/cmdline.c", ("static int cmdline_proc_show(", "void say_more(struct seq_file *m);\n\nstatic int cmdline_proc_show("),
         ("	seq_puts(m, saved_command_line);", "	say_more(m);\n	seq_puts(m, saved_command_line);"))
    done = build(fix, more=["-o", tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    symbols = subprocess.run(["readelf", "-sW", module(tmp_path / "out")], capture_output=True, text=True, check=True).stdout
    assert re.search(r"FUNC +\w+ +DEFAULT +\d+ say_more$", symbols, re.MULTILINE) and not re.search(r"UND say_more", symbols)


@pytest.mark.parametrize("name, changes, reason, word", [
    # The kernel goes on with the variable that it has.
    ("moved", {"fs/drop_caches.c": [("int sysctl_drop_caches;", "extern int sysctl_drop_caches;")],
               "fs/proc/version.c": [(SEQ, SEQ + "\n\nint sysctl_drop_caches;"), (SHOW, SHOW + "	if (sysctl_drop_caches == 77)\n		return 0;\n")]},
     "diff-moved", "sysctl_drop_caches"),
    ("init", {"fs/proc/version.c": [(SEQ, SEQ + "\nextern void proc_root_init(void);"), (SHOW, SHOW + "	proc_root_init();\n")]},
     "diff-unresolved", "proc_root_init: it is __init of vmlinux"),
    # Pipes that are open when the patch goes point at it.
    ("operations", {"fs/pipe.c": [("static const struct pipe_buf_operations anon_pipe_buf_ops = {\n	.release	= anon_pipe_buf_release,",
                                   "static const struct pipe_buf_operations anon_pipe_buf_ops = {\n	.release	= generic_pipe_buf_release,")]},
     "diff-changed-data", "anon_pipe_buf_ops"),
    ("module", {"fs/fuse/control.c": [('#include "fuse_i.h"', '#include "fuse_i.h"\nextern void nf_ct_destroy(void *);'),
                                      ("	struct fuse_conn *fc = fuse_ctl_file_conn_get(file);\n	if (fc) {",
                                       "	struct fuse_conn *fc = fuse_ctl_file_conn_get(file);\n	nf_ct_destroy(fc);\n	if (fc) {")]},
     "diff-unresolved", "module nf_conntrack, which need not be there when fuse is"),
])
def test_what_would_break_a_running_kernel(tmp_path, name, changes, reason, word):
    fix = tmp_path / f"{name}.patch"
    for path, edits in changes.items():
        edit(fix, path, *edits)
    assert word in refused(build(fix, more=["-o", tmp_path / "out"]), reason, INPUT)


def test_what_a_module_needs_is_there(tmp_path):
    """nf_nat is never loaded without nf_conntrack."""
    fix = edit(tmp_path / "fix.patch", "net/netfilter/nf_nat_core.c",
               ("	/* Can't setup nat info for confirmed ct. */\n", "	if (!net)\n		nf_ct_destroy(&ct->ct_general);\n"))
    report = explain(fix, more=["-o", tmp_path / "out"])
    [unit] = report["units"]
    assert {"object": "nf_conntrack", "symbol": "nf_ct_destroy", "sympos": 0} in unit["references"]
    # The builds of both are named: what it refers to is as much part of a build as what it replaces.
    manifest = json.loads(next(tmp_path.glob("out/*/manifest.json")).read_text())
    files = {name: next(profile()[2].glob(f"modules/**/{name}.ko")) for name in ("nf_conntrack", "nf_nat")}
    facts = {name: modules.info(path) for name, path in files.items()}
    assert manifest["format"] == 2 and report["patches"] == manifest["modules"][0]["patches"] == [
        {"object": name, "build_id": facts[name]["build_id"], "srcversion": facts[name].get("srcversion", "")} for name in sorted(files)]
    assert facts["nf_nat"]["build_id"] and "for the module nf_nat with build-id " in build(fix, more=["--explain"]).stdout


def test_lines_that_move_are_no_change(tmp_path):
    """ext4 passes __LINE__ to its journal in most functions."""
    fix = edit(tmp_path / "fix.patch", "fs/ext4/ialloc.c", (
        "void ext4_mark_bitmap_end(int start_bit, int end_bit, char *bitmap)\n{\n	int i;\n",
        "void ext4_mark_bitmap_end(int start_bit, int end_bit, char *bitmap)\n{\n	int i;\n\n"
        "	if (end_bit < 0)\n		return;\n"))
    assert set(functions(explain(fix))) == {"ext4_mark_bitmap_end"}


def test_a_changed_header(tmp_path):
    fix = edit(tmp_path / "fix.patch", "fs/proc/internal.h", ("	return PROC_I(inode)->pid;", "	return inode ? PROC_I(inode)->pid : NULL;"))
    report = explain(fix)
    assert len(report["units"]) > 3 and all(unit["object"] == "vmlinux" for unit in report["units"])
    assert all("proc_pid" in function["inlined"] for function in functions(report).values() if function["inlined"])
    line = refused(build(fix, more=["-o", tmp_path / "out", "--max-units", "2"]), "fix-too-many-units", INPUT)
    assert "the limit is 2" in line


def test_a_static_function_that_becomes_global(tmp_path):
    """Another file of the fix calls it: the one that runs, which is still static in its kernel."""
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c",
               ("static int cmdline_proc_show(", "int cmdline_proc_show(struct seq_file *m, void *v);\nint cmdline_proc_show("))
    edit(fix, "fs/proc/uptime.c", ('#include "internal.h"\n', '#include "internal.h"\nint cmdline_proc_show(struct seq_file *m, void *v);\n'),
         ("	idle_nsec = 0;", "	idle_nsec = 0;\n	if (!m->count)\n		cmdline_proc_show(m, v);"))
    done = build(fix, more=["-o", tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    report = explain(fix)
    assert list(functions(report)) == ["uptime_proc_show"]
    assert "cmdline_proc_show" in [reference["symbol"] for unit in report["units"] for reference in unit["references"]]


def test_modules_that_cannot_come_back_are_told(tmp_path):
    """The kernel's livepatch before 6.3 does not undo what it filled in for a module that goes."""
    fix = edit(tmp_path / "fix.patch", "fs/fat/misc.c", ("	if (last) {", "	if (last && last != 7777) {"))
    notes = explain(fix)["notes"]
    assert [note["subject"] for note in notes] == ["fat"] and "before 6.3" in notes[0]["text"]


def test_a_module_uses_what_the_fix_exports(tmp_path):
    fix = edit(tmp_path / "fix.patch", "kernel/fork.c",
               ("int nr_processes(void)\n{", "int nr_processes(void);\nint nr_processes(void)\n{"),
               ("	return total;\n}", "	return total;\n}\nEXPORT_SYMBOL_GPL(nr_processes);"))
    edit(fix, "fs/fat/misc.c", ('#include "fat.h"\n', '#include "fat.h"\nextern int nr_processes(void);\n'),
         ("	vaf.fmt = fmt;\n	vaf.va = &args;\n	_printk(FAT_PRINTK_PREFIX", "	vaf.fmt = nr_processes() ? fmt : \"\";\n	vaf.va = &args;\n	_printk(FAT_PRINTK_PREFIX"))
    done = build(fix, more=["-o", tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    report = explain(fix)
    assert {reference["object"] for unit in report["units"] for reference in unit["references"] if reference["symbol"] == "nr_processes"} == {"vmlinux"}


def test_what_no_kernel_is_made_of_is_told(cmdline, tmp_path):
    """New and removed files aside, and files that this kernel is built without."""
    fix = shutil.copy(cmdline, tmp_path / "fix.patch")
    with open(fix, "a", encoding="utf-8") as file:
        file.write("diff --git a/tools/testing/selftests/proc/new.c b/tools/testing/selftests/proc/new.c\nnew file mode 100644\n"
                   "--- /dev/null\n+++ b/tools/testing/selftests/proc/new.c\n@@ -0,0 +1 @@\n+int main(void) { return 0; }\n"
                   "diff --git a/Documentation/gone.rst b/Documentation/gone.rst\n--- a/Documentation/gone.rst\n+++ b/Documentation/gone.rst\n"
                   "@@ -1 +1 @@\n-one\n+two\n")
    edit(fix, "drivers/scsi/aha1542.c", ("#include <linux/init.h>", "#include <linux/init.h>\nint unused;"))
    edit(fix, "drivers/scsi/aha1542.h", ("#ifndef _AHA1542_H_", "#ifndef _AHA1542_H_\n"))
    done = build(fix, more=["-o", tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    notes = {note["subject"]: note["text"] for note in explain(fix)["notes"]}
    aside, unused = "is no part of the kernel", "changed, and nothing of this kernel is made of it"
    assert notes == {"tools/testing/selftests/proc/new.c": aside, "Documentation/gone.rst": aside, "drivers/scsi/aha1542.c": unused,
                     "drivers/scsi/aha1542.h": unused}
    generator = edit(tmp_path / "bounds.patch", "kernel/bounds.c", ("int main(void)", "int  main(void)"))
    refused(build(generator, more=["-o", tmp_path / "none"]), "fix-file-kind", INPUT)


@pytest.mark.parametrize("path, change", [
    ("fs/proc/cmdline.c", ("#include <linux/init.h>", "/* a comment */\n#include <linux/init.h>")),
    ("fs/ext4/ialloc.c", ("#include <linux/time.h>", "\n\n#include <linux/time.h>\n")),
    ("drivers/scsi/aha1542.c", ("#include <linux/init.h>", "#include <linux/init.h>\nint unused;")),
], ids=["comment", "lines", "not-built"])
def test_a_fix_of_nothing(tmp_path, path, change):
    fix = edit(tmp_path / "fix.patch", path, change)
    refused(build(fix, more=["-o", tmp_path / "out"]), "fix-nothing", NOTHING)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("reason, path, changes", [
    ("diff-changed-data", "mm/oom_kill.c", [("static int sysctl_oom_dump_tasks = 1;", "static int sysctl_oom_dump_tasks = 2;")]),
    ("diff-init", "fs/proc/cmdline.c", [('	proc_create_single("cmdline", 0,', '	proc_create_single("cmdline2", 0,')]),
    ("diff-untraceable", "kernel/irq_work.c", [("	lockdep_assert_irqs_enabled();", "	lockdep_assert_irqs_enabled();\n	cpu_relax();")]),
    ("diff-inlined", "kernel/irq_work.c", [("	oflags = atomic_fetch_or(IRQ_WORK_CLAIMED | ", "	oflags = atomic_fetch_or(IRQ_WORK_BUSY | ")]),
    ("diff-layout", "fs/proc/internal.h", [("struct proc_inode {", "struct proc_inode {\n	long more;")]),
    ("diff-frozen-key", "mm/usercopy.c", [("	/* Skip all tests if size is zero. */\n	if (!n)", "	if (!n || n == 77777)")]),
])
def test_what_no_live_patch_can_do(tmp_path, reason, path, changes):
    fix = edit(tmp_path / "fix.patch", path, *changes)
    line = refused(build(fix, more=["-o", tmp_path / "out"]), reason, INPUT)
    assert f"{path.rpartition('.')[0]}.c: " in line or reason == "diff-layout"
    report = explain(fix)
    assert reason in [refusal["reason"] for unit in report["units"] for refusal in unit["refusals"]]
    assert not (tmp_path / "out").exists()


def test_what_is_no_part_of_the_kernel_as_such(tmp_path):
    """The vDSO, which includes that file from another folder by "../"; and what runs before the kernel does."""
    fix = edit(tmp_path / "vdso.patch", "lib/vdso/gettimeofday.c", ("	t = READ_ONCE(", "	t = 1 + READ_ONCE("))
    line = refused(build(fix, more=["-o", tmp_path / "out"]), "fix-apart", INPUT)
    assert "vclock_gettime.o: " in line
    fix = edit(tmp_path / "comment.patch", "lib/vdso/gettimeofday.c", ("	return ((cycles - last)", "	/* here */\n	return ((cycles - last)"))
    assert "gettime" not in refused(build(fix, more=["-o", tmp_path / "out"]), "fix-nothing", NOTHING)
    fix = edit(tmp_path / "stub.patch", "drivers/firmware/efi/libstub/mem.c", ("	size = tmp.map_size +", "	size = 8 + tmp.map_size +"))
    refused(build(fix, more=["-o", tmp_path / "out"]), "fix-nothing", NOTHING)
    assert [note["text"] for note in explain(fix)["notes"]] == ["changed, and runs at boot alone: it stays as it was until the next boot"]


def link_profile(store, identifier, without=()):
    """The real profile under another id."""
    folder = profile()[2]
    (store / identifier).mkdir(parents=True)
    for entry in folder.iterdir():
        if entry.name not in without:
            (store / identifier / entry.name).symlink_to(entry)
    return store / identifier


def offset_of(vmlinux, address):
    text = subprocess.run(["readelf", "-lW", vmlinux], capture_output=True, text=True, check=True).stdout
    for start, to, _, size in re.findall(r"LOAD +0x(\w+) 0x(\w+) 0x(\w+) 0x(\w+)", text):
        if int(to, 16) <= address < int(to, 16) + int(size, 16):
            return int(start, 16) + address - int(to, 16)
    raise AssertionError("no part of the file is loaded there")


def test_a_flipped_byte_of_the_kernel_names_its_function(cmdline, tmp_path):
    """The profile is the same but for one bit in the first instruction of cmdline_proc_show behind ftrace's call."""
    folder = profile()[2]
    copy = link_profile(tmp_path / "store", folder.name, without=["vmlinux"])
    result = machine.run("grep ' cmdline_proc_show$' /proc/kallsyms")
    image = bytearray((folder / "vmlinux").read_bytes())
    image[offset_of(folder / "vmlinux", int(result.output.split()[0], 16)) + 5] ^= 1
    (copy / "vmlinux").write_bytes(image)
    line = refused(build(cmdline, more=["-o", tmp_path / "out"], store=tmp_path / "store"), "run-pre-differs", MISMATCH)
    assert "cmdline_proc_show" in line and "proc_cmdline_init" not in line


@pytest.mark.parametrize("text, reason", [
    ("no diff at all\n", "fix-diff"),
    ("--- a/fs/proc/cmdline.c\n+++ b/fs/proc/cmdline.c\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n", "fix-diff"),
    ("--- a/fs/proc/cmdline.c\n+++ b/fs/proc/cmdline.c\n@@ -3,3 +3,3 @@\n a\n-b\n+c\n d\n", "fix-rejected"),
    ("--- a/fs/proc/none.c\n+++ b/fs/proc/none.c\n@@ -3,3 +3,3 @@\n a\n-b\n+c\n d\n", "fix-no-source"),
    ("--- a/fs/proc/Makefile\n+++ b/fs/proc/Makefile\n@@ -3,3 +3,3 @@\n a\n-b\n+c\n d\n", "fix-file-kind"),
    ("--- /dev/null\n+++ b/fs/proc/new.c\n@@ -0,0 +1 @@\n+int a;\n", "fix-file-kind"),
    ("--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -3,3 +3,3 @@\n a\n-b\n+c\n d\n", "fix-diff"),
], ids=["words", "cut", "other-source", "no-file", "makefile", "new-file", "outside"])
def test_diffs_that_cannot_be_used(tmp_path, text, reason):
    (tmp_path / "fix.patch").write_text(text)
    (tmp_path / "scratch").mkdir()
    refused(build(tmp_path / "fix.patch", more=["-o", tmp_path / "out"], env={"TMPDIR": str(tmp_path / "scratch")}), reason, INPUT)
    assert not (tmp_path / "out").exists() and not list((tmp_path / "scratch").iterdir())


def test_what_the_compiler_says(tmp_path):
    fix = edit(tmp_path / "fix.patch", "fs/proc/cmdline.c", ("	return 0;\n}\n\nstatic int __init", "	return no_such_name;\n}\n\nstatic int __init"))
    done = build(fix, more=["-o", tmp_path / "out"])
    line = refused(done, "fix-compile", INPUT)
    assert "fs/proc/cmdline.c does not compile" in line and "no_such_name" in line
    assert "fs/proc/cmdline.c:11:" in done.stderr and "note: " in done.stderr


def test_an_interrupted_build_leaves_nothing(cmdline, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(command(cmdline, more=["-o", tmp_path / "out"]), env={**os.environ, "TMPDIR": str(scratch)},
                          stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(scratch.glob("*/*.said")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(scratch.glob("*/*.said")), "it never began to compile"
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == FAILURE and said.endswith("[cancelled]\n")
    assert not list(scratch.iterdir()) and not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file system of its own")
def test_a_full_disk_is_said_in_one_line(cmdline, tmp_path):
    (tmp_path / "scratch").mkdir()
    script = 'mount -t tmpfs -o size=200k none "$1" && export TMPDIR="$1" && shift && "$@"; code=$?; ls -A "$TMPDIR"; exit $code'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path / "scratch"), *command(cmdline, more=["-o", tmp_path / "out"])],
                          capture_output=True, text=True, check=False)
    assert done.returncode == FAILURE and done.stdout == "" and done.stderr.endswith("No space left on device [io]\n"), done.stderr
    assert done.stderr.count("\n") == 1


def matrix(*diffs, kernels, more=(), **options):
    words = command(*diffs, more=more, **options)
    at = words.index("--kernel")
    words[at:at + 2] = ["--kernels", kernels]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_many_kernels_go_on_past_one_that_fails(cmdline, tmp_path):
    release = profile()[1]
    done = matrix(cmdline, kernels=f"{release},6.0.0-none", more=["-o", tmp_path / "out"])
    assert done.returncode == INPUT and done.stderr.endswith("[build-matrix]\n")
    built, failed = done.stdout.splitlines()
    assert built.startswith(release) and " built " in built and built.endswith(f" {tmp_path}/out/{release}/fix-1-1")
    assert module(tmp_path / "out" / release)
    assert failed.startswith("6.0.0-none") and " failed " in failed and failed.endswith(" [profile-unknown]")


def test_each_kernel_has_a_bundle_of_its_own(cmdline, tmp_path):
    """Of two profiles with the same release too; with the options of the command, behind which stands "--"."""
    release, store, ids = profile()[1], tmp_path / "store", [digit * 64 for digit in "ab"]
    for identifier in ids:
        link_profile(store, identifier)
    options = ["--cumulative", "--cve", "CVE-2026-1", "--cve", "CVE-2026-2:under_investigation", "--summary=- of two: words", "-o"]
    done = matrix(cmdline, kernels="all", more=["--json", *options, tmp_path / "out", "--"], store=store)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["format"] == 1 and [row["kernel"] for row in answer["kernels"]] == [release] * 2
    for identifier, row in zip(ids, answer["kernels"]):
        folder = tmp_path / "out" / f"{release}-{identifier[:12]}" / "fix-1-1"
        assert (row["profile"], row["built"], row["result"], row["reason"]) == (identifier, True, str(folder), None)
        assert "explanation" not in row
    alone = build(cmdline, more=[*options, tmp_path / "alone"], store=store, kernel=ids[0])
    assert alone.returncode == 0, alone.stderr
    bundles = [tmp_path / "alone", *(tmp_path / "out").iterdir()]
    assert len(bundles) == 3 and len({(bundle / "fix-1-1/manifest.json").read_bytes() for bundle in bundles}) == 1
    assert json.loads((bundles[0] / "fix-1-1/manifest.json").read_text())["summary"] == "- of two: words"


def test_explanations_of_many_kernels(cmdline, tmp_path):
    """Nothing is written; one that is refused is explained too, with its reason in the row."""
    release, store = profile()[1], tmp_path / "store"
    link_profile(store, "a" * 64)
    text = matrix(cmdline, kernels="all", more=["--explain"], store=store).stdout
    assert "changed cmdline_proc_show: replaces cmdline_proc_show" in text
    assert re.fullmatch(rf"{release}  builds +\d+\.\d s", text.splitlines()[-1])
    fix = edit(tmp_path / "fix.patch", "mm/oom_kill.c", ("static int sysctl_oom_dump_tasks = 1;", "static int sysctl_oom_dump_tasks = 2;"))
    done = matrix(fix, kernels="all", more=["--explain", "--json"], store=store)
    row, = json.loads(done.stdout)["kernels"]
    assert (row["built"], row["result"], row["reason"]) == (False, None, "diff-changed-data") and done.returncode == INPUT
    assert row["sentence"].startswith("mm/oom_kill.c: ") and not row["sentence"].endswith("]")
    assert row["explanation"]["units"][0]["refusals"][0]["reason"] == "diff-changed-data"


def test_exports_of_a_name_space(tmp_path):
    """dma_buf_attach is one of the name space DMA_BUF, and dma_buf_put did not call it."""
    fix = edit(tmp_path / "fix.patch", "drivers/dma-buf/dma-buf.c", (
        "void dma_buf_put(struct dma_buf *dmabuf)\n{\n",
        "void dma_buf_put(struct dma_buf *dmabuf)\n{\n	if (dmabuf == (void *)77) {\n		dma_buf_attach(dmabuf, NULL);\n		return;\n	}\n"))
    done = build(fix, more=["-o", tmp_path])
    assert done.returncode == 0, done.stderr
    said = subprocess.run(["modinfo", "-F", "import_ns", module(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert said == "DMA_BUF\n"
