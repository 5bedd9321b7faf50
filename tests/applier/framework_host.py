# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host whose patches are for the framework: patch modules of each consistency model, suture.ko where its packages have it, and
machines with and without the kernel's own livepatch."""
import functools
import shutil

from host import LOWER, STALL, TESTS, UPPER, Host, built, machine, modules, recipe, testkeys, with_modinfo  # noqa: F401

import vm_kernel
import vm_store as store

FRAMEWORK = TESTS.parent / "framework"
DEBIAN, LITTLE = "debian", "nolivepatch"
PRELUDE = """
S=/sys/kernel/suture
on() { [ -d $S/$1 ] && [ "$(cat $S/$1/enabled)$(cat $S/$1/transition)" = 10 ]; }
state() { for p in $S/*/; do [ -d "$p" ] && echo "patch $(basename $p)"; done; true; }
loaded() { grep -c "^$1 " /proc/modules || true; }
in_transition() { until [ "$(cat $S/$1/transition 2>/dev/null)" = 1 ]; do usleep 20000; done; }
"""
TEMPLATE = """// SPDX-License-Identifier: GPL-2.0-only
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
{code}
static struct klp_func funcs[] = {{ {{ .old_name = "{function}", .new_func = replacement }}, {{ }} }};
static struct klp_object objs[] = {{ {{ .name = {object}, .funcs = funcs }}, {{ }} }};
static struct klp_patch patch = {{ .mod = THIS_MODULE, .objs = objs, .replace = {replace} }};
static int __init start(void)
{{
	{model}
	return klp_enable_patch(&patch);
}}
static void __exit stop(void) {{ }}
module_init(start);
module_exit(stop);
MODULE_INFO(livepatch, "Y");
MODULE_LICENSE("GPL");
"""
ZERO = "static int replacement(void) { return 0; }"
# A task that comes here stays until /sys/module/<name>/parameters/go is Y.
HELD = """static bool go;
module_param(go, bool, 0600);
static int replacement(void) { while (!READ_ONCE(go)) schedule_timeout_uninterruptible(HZ / 20); return 0; }"""
WORDS = {"per-task": "KLP_PER_TASK", "stop-machine": "KLP_STOP_MACHINE", "immediate": "KLP_IMMEDIATE"}


class Patch:
    """A patch module of one function; object None is vmlinux."""

    def __init__(self, name, function, object=None, model="per-task", code=ZERO, replace=False):
        self.name, self.model, self.replace = name, model, replace
        self.functions = [{"object": object or "vmlinux", "name": function, "sympos": 0}]
        set_model = "" if model == "per-task" else f"KLP_SET_CONSISTENCY(&patch, {WORDS[model]});"
        self.text = TEMPLATE.format(code=code, function=function, object=f'"{object}"' if object else "NULL", model=set_model,
                                    replace=int(replace))


# What they patch is seen in /proc, as in host.py; those of the module stall are entered by reading /proc/stall.
ONE = Patch("zz_one", "version_proc_show")
TWO = Patch("aa_two", "uptime_proc_show")
ALL = Patch("cc_both", "version_proc_show", replace=True)
AT_ONCE = Patch("at_once", "version_proc_show", model="immediate")
WAITS = Patch("waits", "stall_wait", "stall")
STOPS = Patch("stops", "stall_wait", "stall", model="stop-machine")
BOTH = Patch("both_run", "stall_wait", "stall", model="immediate")
HELD_STOPS = Patch("held_stops", "stall_wait", "stall", model="stop-machine", code=HELD)
HELD_WAITS = Patch("held_waits", "stall_wait", "stall", code=HELD)
PATCHES = (ONE, TWO, ALL, AT_ONCE, WAITS, STOPS, BOTH, HELD_STOPS, HELD_WAITS)


def _folder(files):
    """A folder of sources, cached by what is in them."""
    def build(folder):
        for name, text in files.items():
            (folder / name).write_text(text)

    return store.entry("sources", [part for item in sorted(files.items()) for part in item], build, keep=8)


@functools.lru_cache
def patches(flavour):
    """{name: path} of the patch modules for the framework of a kernel."""
    files = {f"{each.name}.c": each.text for each in PATCHES}
    files["Kbuild"] = "".join(f"obj-m += {each.name}.o\n" for each in PATCHES)
    folder = machine.build_patches(_folder(files), flavour=flavour)
    return {each.name: folder / f"{each.name}.ko" for each in PATCHES}


@functools.lru_cache
def stall_module(flavour):
    """The module that offers /proc/stall."""
    folder = _folder({"stall.c": (STALL / "stall.c").read_text(), "Kbuild": "obj-m := stall.o\n"})
    return machine.build_modules(folder, flavour=flavour) / "stall.ko"


@functools.lru_cache
def suture_ko(flavour):
    return machine.framework(flavour=flavour) / "suture.ko"


class FrameworkHost(Host):
    """The files of a host with the framework installed (installed: suture.ko, None for none), and its machine."""

    def __init__(self, tmp_path, flavour):
        super().__init__(tmp_path)
        self.flavour, self.target = flavour, vm_kernel.find(flavour=flavour)
        self.release = self.target.release
        self.installed = suture_ko(flavour)

    def install(self, name, *modules_, key=("module",), signer="signer", **manifest):
        """A bundle as the package manager installs it, for the framework unless its modules are host.py's."""
        ours = isinstance(modules_[0], Patch)
        pairs = [(patches(self.flavour)[each.name], each.functions) for each in modules_] if ours else modules_
        kernel = {"release": self.release, "arch": "x86_64", "build_id": modules.build_id(self.target.vmlinux), "vermagic": None}
        if ours:
            manifest = {"provider": "framework", "consistency": modules_[0].model, **manifest}
            manifest["stack"] = {"cumulative": modules_[0].replace, **manifest.get("stack", {})}
        return self.put(recipe(self.work / "modules" / name, pairs, name, key, signer=signer, manifest=manifest, kernel=kernel), signer)

    def run(self, script, copies=(), **options):
        copies = [*copies, (str(stall_module(self.flavour)), "/m/")]
        if self.installed:
            copies.append((str(machine.modules_tree([self.installed], flavour=self.flavour)), "/lib/modules"))
        return super().run(PRELUDE + script, copies=copies, flavour=self.flavour, **options)


def signed(module, folder, key, certificate):
    """A signed copy of a module."""
    copy = folder / "signed" / module.name
    copy.parent.mkdir()
    shutil.copy(module, copy)
    modules.sign(copy, key, certificate)
    return copy
