# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small live patch modules for tests, built by kbuild against Debian's kernel headers and cached by content."""
import dataclasses
import functools
import pathlib
import shlex
import tempfile

from testkeys import run, store

SOURCE = pathlib.Path(__file__).resolve().parents[2]


@functools.lru_cache
def kernel():
    """The variables of script/kernel as a dict, without their prefix SUTURE_KERNEL_."""
    output = run(SOURCE / "script" / "kernel")
    pairs = dict(word.split("=", 1) for word in shlex.split(output))
    return {key.removeprefix("SUTURE_KERNEL_"): value for key, value in pairs.items()}


@dataclasses.dataclass(frozen=True)
class Module:
    """@objects: ((object, ((function, sympos), ...)), ...); @marks: modinfo keys that are "Y"; @consistency: KLP_..., "" for none."""
    name: str
    objects: tuple = (("vmlinux", (("meminfo_proc_show", 0),)),)
    marks: tuple = ("livepatch",)
    replace: bool = False
    body: str = ""  # instead of a patch
    consistency: str = ""

    @property
    def functions(self):
        """[{"object", "name", "sympos"}] as a manifest lists them."""
        return [{"object": name, "name": function, "sympos": sympos}
                for name, functions in self.objects for function, sympos in functions]

    def text(self):
        """C source."""
        lines = ["// SPDX-License-Identifier: GPL-2.0-only", "#include <linux/module.h>",
                 "#include <linux/livepatch.h>"]
        if self.body:
            lines.append(self.body)
        else:
            lines += self._patch()
        lines += [f'MODULE_INFO({mark}, "Y");' for mark in self.marks]
        if self.consistency:
            lines.append(f'MODULE_INFO(suture_consistency, "{self.consistency}");')
        return "\n".join(lines + ['MODULE_LICENSE("GPL");', ""])

    def _patch(self):
        lines = []
        for i, (_, functions) in enumerate(self.objects):
            lines += [f"static int new_{i}_{j}(void) {{ return {j}; }}" for j in range(len(functions))]
            entries = "".join(f' {{ .old_name = "{function}", .new_func = new_{i}_{j}, .old_sympos = {sympos} }},'
                              for j, (function, sympos) in enumerate(functions))
            lines.append(f"static struct klp_func funcs_{i}[] = {{{entries} {{ }} }};")
        objects = "".join((f' {{ .name = "{name}",' if name != "vmlinux" else " {") + f" .funcs = funcs_{i} }},"
                          for i, (name, _) in enumerate(self.objects))
        start = "klp_enable_patch(&patch)" if "livepatch" in self.marks else "patch.mod == THIS_MODULE ? 0 : -EINVAL"
        keep = "" if "livepatch" in self.marks else " __used"
        return lines + [
            f"static struct klp_object objs[] = {{{objects} {{ }} }};",
            f"static struct klp_patch patch{keep} = {{ .mod = THIS_MODULE, .objs = objs, .replace = {int(self.replace)} }};",
            f"static int __init start(void) {{ return {start}; }}", "static void __exit stop(void) { }",
            "module_init(start);", "module_exit(stop);"]


def build(modules, flags=""):
    """Paths of the built .ko files without debug information, in the order of @modules."""
    headers = kernel()["HEADERS"]
    parts = [headers, kernel()["VMLINUX"], flags, *(part for each in modules for part in (each.name, each.text()))]
    folder = store.entry("test-modules", parts, lambda done: _build(headers, done, modules, flags), keep=32)
    return [folder / f"{each.name}.ko" for each in modules]


def _build(headers, folder, modules, flags):
    with tempfile.TemporaryDirectory(prefix="modules-") as work:
        for each in modules:
            pathlib.Path(work, f"{each.name}.c").write_text(each.text(), encoding="ascii")
        objects = " ".join(f"{each.name}.o" for each in modules)
        pathlib.Path(work, "Makefile").write_text(f"obj-m := {objects}\nccflags-y := {flags}\n", encoding="ascii")
        run("make", "-s", "-C", headers, f"M={work}", "modules")
        for each in modules:
            run("objcopy", "--strip-debug", "--remove-section=.BTF", f"{work}/{each.name}.ko", folder / f"{each.name}.ko")


def sign(module, key, certificate, digest="sha256"):
    """Append the kernel's own kind of signature with the kernel's own program."""
    version = kernel()["RELEASE"].split(".")
    run(f"/usr/lib/linux-kbuild-{version[0]}.{version[1]}/scripts/sign-file", digest, key, certificate, module)


def build_id(elf):
    """The GNU build-id as readelf prints it; "" for none."""
    notes = run("readelf", "-n", elf)
    return notes.partition("Build ID: ")[2].split("\n")[0].strip()


def info(module):
    """The modinfo fields of a .ko, and its build-id."""
    fields = {}
    for line in run("modinfo", module).splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.lstrip())
    fields["build_id"] = build_id(module)
    return fields
