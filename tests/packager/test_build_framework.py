# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture build --provider framework`: the same sources, compiled against our framework and its modinfo read back."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from vendor import SAMPLES, SOURCE, build, digest, kernel, refused, run

INPUT, MISMATCH = 3, 5
CODE = (SAMPLES / "version/version.c").read_text()
CONF = (SAMPLES / "version/patch.conf").read_text()
EXPORTS = ("klp_enable_patch", "klp_shadow_get", "klp_shadow_alloc", "klp_shadow_get_or_alloc", "klp_shadow_free",
           "klp_shadow_free_all", "klp_get_state", "klp_get_prev_state", "klp_import_missing")


@pytest.fixture(scope="session")
def framework(tmp_path_factory):
    """A built framework as far as the compiler and modpost look at it: real headers, made-up symbol versions."""
    folder = tmp_path_factory.mktemp("framework built here")
    (folder / "include").symlink_to(SOURCE / "framework/include")
    (folder / "Module.symvers").write_text(
        "".join(f"0x0badcafe\tsuture_{name}\tsuture\tEXPORT_SYMBOL_GPL\t\n" for name in EXPORTS))
    return folder


def source(folder, model=None, conf=CONF + "provider=framework\n"):
    """samples/version, with a consistency model of its own."""
    folder.mkdir(parents=True)
    set_model = f"KLP_SET_CONSISTENCY(&patch, {model});\n\treturn klp_enable_patch" if model else "return klp_enable_patch"
    (folder / "version.c").write_text(CODE.replace("return klp_enable_patch", set_model))
    (folder / "patch.conf").write_text(conf)
    return folder


def manifest_of(output):
    return json.loads((output / "proc-version-1-1/manifest.json").read_text())


def modinfo(output):
    text = subprocess.run(["modinfo", output / "proc-version-1-1/proc_version_1_1.ko"], check=True, capture_output=True, text=True).stdout
    return dict(line.split(":", 1) for line in text.splitlines())


def test_unmodified_source_is_built_against_the_framework(framework, tmp_path):
    done = build(SAMPLES / "version", tmp_path, "--provider", "framework", "--framework", framework)
    assert done.returncode == 0, done.stderr
    manifest, info = manifest_of(tmp_path), modinfo(tmp_path)
    assert (manifest["provider"], manifest["consistency"]) == ("framework", "per-task")
    assert manifest["modules"][0]["functions"] == [{"object": "vmlinux", "name": "version_proc_show", "sympos": 0}]
    assert info["depends"].strip() == "suture" and info["suture_livepatch"].strip() == info["livepatch"].strip() == "Y"
    undefined = subprocess.run(["nm", "-u", tmp_path / "proc-version-1-1/proc_version_1_1.ko"], check=True, capture_output=True, text=True)
    assert "suture_klp_enable_patch" in undefined.stdout and " klp_" not in undefined.stdout


@pytest.mark.parametrize("model, word", [("KLP_PER_TASK", "per-task"), ("KLP_STOP_MACHINE", "stop-machine"),
                                         ("KLP_IMMEDIATE", "immediate")])
def test_consistency_is_read_from_the_module(framework, tmp_path, model, word):
    folder = source(tmp_path / "s", model)
    for more in [], ["--consistency", word]:
        done = build(folder, tmp_path / "out", "--framework", framework, *more)
        assert done.returncode == 0, done.stderr
        assert manifest_of(tmp_path / "out")["consistency"] == word


@pytest.mark.parametrize("model, said", [("KLP_IMMEDIATE", "per-task"), (None, "stop-machine"), ("KLP_STOP_MACHINE", "immediate")])
def test_consistency_that_differs_is_refused(framework, tmp_path, model, said):
    folder = source(tmp_path / "s", model)
    line = refused(build(folder, tmp_path / "out", "--framework", framework, "--consistency", said), "description-consistency", INPUT)
    assert said in line and "proc_version_1_1" in line
    (folder / "patch.conf").write_text(CONF + f"provider=framework\nconsistency={said}\n")
    refused(build(folder, tmp_path / "out", "--framework", framework), "description-consistency", INPUT)
    assert not (tmp_path / "out").exists()


def test_modules_of_two_models_are_refused(framework, tmp_path):
    folder = source(tmp_path / "s", "KLP_IMMEDIATE")
    shutil.copy(SAMPLES / "uptime/uptime.c", folder)
    (folder / "Kbuild").write_text("obj-m := version.o uptime.o\n")
    refused(build(folder, tmp_path / "out", "--framework", framework), "description-disagrees", INPUT)


def test_same_bytes_wherever_the_framework_is(framework, tmp_path):
    elsewhere = tmp_path / "quite another place"
    shutil.copytree(framework, elsewhere)
    for place, output in (framework, "one"), (elsewhere, "two"):
        done = build(source(tmp_path / output / "s", "KLP_IMMEDIATE"), tmp_path / output, "--framework", place)
        assert done.returncode == 0, done.stderr
    for path in (tmp_path / "one/proc-version-1-1").iterdir():
        assert digest(path) == digest(tmp_path / "two/proc-version-1-1" / path.name), path.name


def test_framework_built_for_several_kernels(framework, tmp_path):
    folder = tmp_path / "framework"
    (folder / kernel().release).mkdir(parents=True)
    (folder / "include").symlink_to(framework / "include")
    (folder / "Module.symvers").write_text("0x1\tsomething\tother\tEXPORT_SYMBOL\t\n")
    shutil.copy(framework / "Module.symvers", folder / kernel().release)
    done = build(source(tmp_path / "s"), tmp_path / "out", "--framework", folder)
    assert done.returncode == 0, done.stderr


def test_folder_that_is_no_built_framework(framework, tmp_path):
    folder = source(tmp_path / "s")
    refused(build(folder, tmp_path / "out", "--framework", tmp_path), "framework-folder", INPUT)
    refused(build(folder, tmp_path / "out", "--framework", SOURCE / "applier"), "framework-folder", INPUT)
    unbuilt = tmp_path / "unbuilt"
    unbuilt.mkdir()
    (unbuilt / "include").symlink_to(framework / "include")
    assert "Module.symvers" in refused(build(folder, tmp_path / "out", "--framework", unbuilt), "framework-folder", INPUT)
    (unbuilt / "Module.symvers").write_text("0x1\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n")
    refused(build(folder, tmp_path / "out", "--framework", unbuilt), "framework-folder", INPUT)
    refused(build(folder, tmp_path / "out"), "framework-folder", INPUT)


def test_framework_built_for_another_kernel(framework, tmp_path):
    built = tmp_path / "framework"
    shutil.copytree(framework, built, symlinks=True)
    assert build(SAMPLES / "version", tmp_path / "native").returncode == 0
    module = (tmp_path / "native/proc-version-1-1/proc_version_1_1.ko").read_bytes()
    (built / "suture.ko").write_bytes(module)
    done = build(source(tmp_path / "s"), tmp_path / "out", "--framework", built)
    assert done.returncode == 0, done.stderr
    release = kernel().release.encode()
    (built / "suture.ko").write_bytes(module.replace(b"vermagic=" + release, b"vermagic=9" + release[1:]))
    refused(build(source(tmp_path / "t"), tmp_path / "other", "--framework", built), "framework-mismatch", MISMATCH)


def test_one_source_for_both_providers(framework, tmp_path):
    code = CODE.replace("#include <linux/livepatch.h>", "#include <suture/consistency.h>")
    code = code.replace("return klp_enable_patch", "KLP_SET_CONSISTENCY(&patch, KLP_STOP_MACHINE);\n\treturn klp_enable_patch")
    folder = source(tmp_path / "s", conf=CONF)
    (folder / "version.c").write_text(code)
    for provider, consistency in ("kernel", "per-task"), ("framework", "stop-machine"):
        done = build(folder, tmp_path / provider, "--framework", framework, "--provider", provider)
        assert done.returncode == 0, done.stderr
        manifest = manifest_of(tmp_path / provider)
        assert (manifest["provider"], manifest["consistency"]) == (provider, consistency)
    refused(build(folder, tmp_path / "out"), "build-compile", INPUT)


def test_imports_are_settled_for_the_kernel(framework, tmp_path):
    """The framework's own macros, the way to the loader for vmlinux, the table for a module."""
    folder = source(tmp_path / "s")
    code = CODE.replace("static int patched", """#include <suture/reloc.h>
KLP_IMPORT_DATA(vmlinux, saved_command_line, 0, char **imported_command_line);
KLP_IMPORT_FUNC(some_module, some_function, 2, int some_function(void));
static int patched""", 1)
    code = code.replace('seq_printf(m, "', 'seq_printf(m, "%s %d ', 1).replace("name->sysname", "*imported_command_line, some_function(), name->sysname")
    (folder / "version.c").write_text(code)
    done = build(folder, tmp_path / "out", "--framework", framework)
    assert done.returncode == 0, done.stderr
    module = tmp_path / "out/proc-version-1-1/proc_version_1_1.ko"
    relocations = subprocess.run(["readelf", "-rW", module], check=True, capture_output=True, text=True).stdout
    for_loader = relocations.partition("Relocation section '.klp.rela.vmlinux..rodata'")[2].strip().split("\n\n")[0]
    assert ".klp.sym.vmlinux.saved_command_line,0 + 0" in for_loader and "R_X86_64_64" in for_loader
    assert relocations.count(".klp.rela.") == 1 and ".klp.sym." not in relocations.replace(for_loader, "")
    assert re.search(r"R_X86_64_PLT32 .*suture_klp_import_missing", relocations)
    symbols = subprocess.run(["readelf", "-sW", module], check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"__suture_reloc_\d+$", symbols, re.M)) == 2


def test_ready_module_of_the_framework(framework, tmp_path):
    assert build(source(tmp_path / "s", "KLP_STOP_MACHINE"), tmp_path / "first", "--framework", framework).returncode == 0
    module = Path(shutil.copy(tmp_path / "first/proc-version-1-1/proc_version_1_1.ko", tmp_path))
    done = run(module, "-o", tmp_path / "out", "-i", kernel().image, "-d", tmp_path / "s/patch.conf")
    assert done.returncode == 0, done.stderr
    assert (manifest_of(tmp_path / "out")["provider"], manifest_of(tmp_path / "out")["consistency"]) == ("framework", "stop-machine")
    refused(run(module, "-o", tmp_path / "out", "-i", kernel().image, "-d", tmp_path / "s/patch.conf", "--consistency", "immediate"),
            "description-consistency", INPUT)
