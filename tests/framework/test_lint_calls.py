# SPDX-License-Identifier: LGPL-2.1-or-later
"""script/lint-kernel-calls: each way to call an unexported function but the wrappers of kernel.h is refused, with its line."""
import os
import pathlib
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["SUTURE_SOURCE"])

UNTYPED = "makes a pointer without a type"
BAD = {
    "cast": ("\tret = ((int (*)(int cpu))address)(1);", "casts to a function pointer"),
    "cast of the look-up": ("\tf = (struct task_struct *(*)(int))find(name);", "casts to a function pointer"),
    "cast over two lines": ("\tret = ((int (*)(int cpu,\n\t\tvoid *data))\n\t\taddress)(1, NULL);", "casts to a function pointer"),
    "cast by typedef": ("\tret = call((work_func_t)address);", "casts to a function pointer"),
    "cast by typeof": ("\tret = ((typeof(&idle_task))address)(1);", "casts to the type of something"),
    "cast by typeof without address": ("\tret = ((typeof(wake) *)address)(1);", "casts to the type of something"),
    "variable of typeof": ("\ttypeof(&wake) f = (void *)address;", "gives a cast value"),
    "variable": ("\tint (*f)(int cpu) = (void *)address;", "makes a function pointer of an address"),
    "variable set later": ("\tint (*f)(int cpu);\n\n\tf = (void *)address;", "makes a function pointer of an address"),
    "variable from an untyped one": ("\tvoid *p = find(name);\n\tint (*f)(int) = p;", "makes a function pointer of an address"),
    "array of pointers": ("\tint (*table[2])(int cpu) = (void *)address;", "makes a function pointer of an address"),
    "variable from a call": ("\tint (*f)(int) = find(name);", "makes a function pointer of an address"),
    "variable set by a call": ("\tint (*f)(int);\n\n\tf = find(\"idle_task\");", "makes a function pointer of an address"),
    "variable of a typedef": ("\twork_func_t f = (void *)address;", "makes a function pointer of an address"),
    "variable of another typedef": ("\tinitcall_t f = (void *)address;", "makes a function pointer of an address"),
    "variable of a private typedef": ("typedef int (*idle)(int);\n\n\tidle f = find(name);", "makes a function pointer of an address"),
    "private typedef": ("typedef int (*idle)(int);\n\n\tret = ((idle)address)(1);", "casts to a function pointer"),
    "private typedef of another file": ("\tret = ((idle_t)address)(1);", "casts to a function pointer"),
    "pointer to a pointer": ("\tret = (*(int (**)(int))&address)(1);", "casts to a function pointer"),
    "member": ("\tsite->fops.func = (void *)address;", UNTYPED),
    "initializer": ("\tstruct call call = { .fn = (void *)address };", UNTYPED),
    "argument": ("\tret = stop_machine((void *)address, NULL, NULL);", UNTYPED),
    "untyped variable": ("\t*(void **)&f = p;", UNTYPED),
    "bytes": ("\tmemcpy(&f, &address, sizeof(f));", "copies the bytes of a variable"),
    "number": ("\t*(unsigned long *)&f = address;", "takes a variable for a number"),
    "number of the look-up": ("\terr = suture_symbol_find(NULL, name, 0, (unsigned long *)&f);", "takes a variable for a number"),
    "union": ("\tunion {\n\t\tunsigned long address;\n\t\tint (*f)(int);\n\t} u;", "has a union"),
    "look-up for a static call": ("\tif (!SUTURE_FIND(idle_task))", "looks up an address"),
    "look-up by position": ("\terr = suture_symbol_find(NULL, name, 0, &address);", "looks up an address"),
    "look-up": ("\taddress = kallsyms_lookup_name(\"idle_task\");", "looks up an address by itself"),
    "look-up by the wrapper": ("\taddress = kernel_kallsyms_lookup_name(name);", "looks up an address by itself"),
    "kprobe": ("\terr = register_kprobe(&probe);", "finds an address by a kprobe"),
    "symbol_get": ("\tf = symbol_get(idle_task);", "looks up a function by symbol_get()"),
    "direct call": ("\ttask = idle_task(0);", "calls idle_task() itself"),
    "direct call of text_poke": ("\ttext_poke(place, code, 4);", "calls text_poke() itself"),
    "static call": ("\tstatic_call_update(suture_x, x);", "has a static call of its own"),
}
GOOD = """\
/* ((int (*)(int))address)(1); idle_task(0) */
static const char text[] = "kallsyms_lookup_name(x)";
static int (*hook)(int cpu) = default_hook;
int walk(int (*visit)(void *data, unsigned long address), void *data);

int walk(int (*visit)(void *data, unsigned long address), void *data)
{
	const struct entry *entry = (void *)find(0);
	struct task_struct *task = kernel_idle_task(0);
	u64 word = *(const unsigned long *)data;
	unsigned long first = (unsigned long)visit;
	size_t size = (size_t)first;

	memcpy(bytes, &word, sizeof(word));
	pr_debug("%d is in %ps\\n", task->pid, (void *)word);
	func->old_func = (void *)first;
	hook = default_hook;
	entry->ops.text_poke(size);
	if (visit == data)
		return 0;
	return visit(data, (unsigned long)task + sizeof(*entry));
}
"""


def lint(*files):
    return subprocess.run([SOURCE / "script/lint-kernel-calls", *files], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", BAD)
def test_other_ways_are_refused(tmp_path, name):
    lines, words = BAD[name]
    file = tmp_path / "patch.c"
    file.write_text("#include <linux/types.h>\n/* two\n * lines */\n" + lines + "\n")
    done = lint(file)
    assert done.returncode == 1
    last = 3 + lines.count("\n") + 1
    assert any(f"{file}:{line}: {words}" in done.stderr for line in range(4, last + 1)), done.stderr


def test_what_is_not_such_a_call_passes(tmp_path):
    file = tmp_path / "patch.c"
    file.write_text(GOOD)
    done = lint(file)
    assert (done.returncode, done.stderr) == (0, "")


def test_kernel_c_may_look_up_but_not_cast(tmp_path):
    file = tmp_path / "kernel.c"
    file.write_text("\tstatic_call_update(suture_idle_task, (void *)kernel_kallsyms_lookup_name(name));\n")
    assert lint(file).returncode == 0
    file.write_text(BAD["cast"][0] + "\n")
    assert lint(file).returncode == 1


def test_what_writes_to_code_may_have_static_calls(tmp_path):
    (tmp_path / "arch/x86").mkdir(parents=True)
    for file, status in {tmp_path / "arch/x86/text.c": 0, tmp_path / "arch/x86/reloc.c": 1, tmp_path / "text.c": 1}.items():
        file.write_text("\tif (SUTURE_FIND(text_poke))\n\t\tstatic_call(suture_text_poke)(place, bytes, size);\n")
        assert lint(file).returncode == status


def test_other_files_that_look_up_may_not_call(tmp_path):
    file = tmp_path / "objects.c"
    file.write_text(BAD["look-up by position"][0] + "\n")
    assert lint(file).returncode == 0
    file.write_text(BAD["number of the look-up"][0] + "\n")
    assert lint(file).returncode == 1


def test_the_framework_passes():
    files = [path for path in (SOURCE / "framework").rglob("*.[ch]") if "samples" not in path.parts]
    assert SOURCE / "framework/kernel.c" in files
    done = lint(*files)
    assert (done.returncode, done.stderr) == (0, "")


def test_script_lint_asks_it():
    done = subprocess.run([SOURCE / "script/lint", "framework/kernel.c"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "lint: calls of unexported functions" in done.stdout.splitlines()
