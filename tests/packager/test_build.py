# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture build`: from C sources or a module to a bundle folder, with a real kernel's headers and image."""
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import vendor
from vendor import SAMPLES, SOURCE, build, digest, kernel, refused, run

sys.path[:0] = [str(SOURCE / "tests/vm"), str(SOURCE / "tests/lib")]
import machine  # noqa: E402
import modules  # noqa: E402

INPUT, MISMATCH, USAGE = 3, 5, 2
CONF = (SAMPLES / "version/patch.conf").read_text()
CODE = (SAMPLES / "version/version.c").read_text()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The bundle folder of samples/version; look, do not touch."""
    output = tmp_path_factory.mktemp("bundle")
    done = build(SAMPLES / "version", output)
    assert done.returncode == 0, done.stderr
    return output / "proc-version-1-1"


@pytest.fixture
def scratch(tmp_path):
    """TMPDIR of a command that must leave nothing in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir())


def source(folder, code=CODE, conf=CONF, name="version.c"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(code)
    (folder / "patch.conf").write_text(conf)
    return folder


def listing(folder):
    return sorted((str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def patched(path, target, old, new):
    """A copy of a file with each old replaced by new, of the same length."""
    assert len(old) == len(new)
    data = Path(path).read_bytes()
    assert old in data
    target.write_bytes(data.replace(old, new))
    return target


# What comes out


def test_manifest_describes_patch_kernel_and_module(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    module = manifest["modules"][0]
    assert sorted(path.name for path in bundle.iterdir()) == ["manifest.json", "proc_version_1_1.ko"]
    assert (manifest["name"], manifest["version"], manifest["release"]) == ("proc-version", "1", "1")
    assert manifest["issued"] == "2023-11-14T22:13:20Z"
    assert manifest["vulnerabilities"] == [{"id": "CVE-0000-0001", "status": "fixed"}]
    assert manifest["kernel"]["release"] == kernel().release
    notes = subprocess.run(["readelf", "-n", kernel().vmlinux], capture_output=True, text=True, check=True).stdout
    assert manifest["kernel"]["build_id"] == re.search(r"Build ID: ([0-9a-f]+)", notes)[1]
    assert manifest["kernel"]["vermagic"].split()[0] == kernel().release
    assert manifest["provider"] == "kernel" and manifest["consistency"] == "per-task"
    assert module["file"] == "proc_version_1_1.ko"
    assert module["functions"] == [{"object": "vmlinux", "name": "version_proc_show", "sympos": 0}]
    assert (module["size"], module["sha256"]) == ((bundle / "proc_version_1_1.ko").stat().st_size, digest(bundle / "proc_version_1_1.ko"))
    assert manifest["sources"] == [{"name": "version.c", "sha256": digest(SAMPLES / "version/version.c")}]
    compiler = subprocess.run(["gcc-12", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    assert manifest["toolchain"] == compiler


def test_same_inputs_give_the_same_bytes_anywhere(bundle, tmp_path):
    elsewhere = tmp_path / "a rather longer name of a folder"
    sources = shutil.copytree(SAMPLES / "version", elsewhere / "other")
    temporary = tmp_path / "temporary-files-of-another-machine"
    temporary.mkdir()
    done = build(sources, elsewhere / "out", "--jobs", "1", cwd=elsewhere, scratch=temporary,
                 env={"KCFLAGS": "-O0", "ARCH": "arm64", "LC_ALL": "C.UTF-8", "MAKEFLAGS": "-n"})
    assert done.returncode == 0, done.stderr
    for path in bundle.iterdir():
        assert digest(path) == digest(elsewhere / "out/proc-version-1-1" / path.name), path.name


def test_module_has_symbols_but_no_debug_information(bundle):
    sections = subprocess.run(["readelf", "-SW", bundle / "proc_version_1_1.ko"], capture_output=True, text=True, check=True).stdout
    assert ".symtab" in sections and ".debug" not in sections


def test_no_path_of_the_build_shows_in_file_names(tmp_path, scratch):
    done = build(source(tmp_path / "s", CODE.replace("return klp_enable", 'pr_info("%s\\n", __FILE__);\n\treturn klp_enable')),
                 tmp_path / "out", scratch=scratch)
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "out/proc-version-1-1/proc_version_1_1.ko").read_bytes()
    assert b"source/version.c" in data and str(tmp_path).encode() not in data


def test_source_folder_is_only_read(tmp_path):
    folder = source(tmp_path / "s")
    (folder / "version.o").write_text("left by a build")
    before = listing(folder)
    assert build(folder, tmp_path / "out").returncode == 0
    assert listing(folder) == before


def test_result_is_replaced_whole(tmp_path):
    folder = source(tmp_path / "s")
    assert build(folder, tmp_path / "out").returncode == 0
    result = tmp_path / "out/proc-version-1-1"
    first = {path.name: digest(path) for path in result.iterdir()}
    (result / "manifest.json.p7s").write_text("an old signature")
    assert build(folder, tmp_path / "out").returncode == 0
    assert {path.name: digest(path) for path in result.iterdir()} == first
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["proc-version-1-1"]


def test_single_file_and_command_line_description(tmp_path):
    (tmp_path / "fix.c").write_text(CODE)
    done = build(tmp_path / "fix.c", tmp_path / "out", "--name", "fix", "--patch-version", "2", "--patch-release", "3.el9", "--summary", "A fix",
                 "--severity", "critical", "--advisory", "A-1", "--issued", "2026-01-02T03:04:05Z", "--cve", "CVE-0000-0009",
                 "--cve", "CVE-0000-0010:not_affected", "--requires", "proc-version", "--requires", "other-1-1", "--conflicts", "x")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "out/fix-2-3.el9/manifest.json").read_text())
    assert manifest["issued"] == "2026-01-02T03:04:05Z" and manifest["severity"] == "critical"
    assert manifest["vulnerabilities"] == [{"id": "CVE-0000-0009", "status": "fixed"}, {"id": "CVE-0000-0010", "status": "not_affected"}]
    assert manifest["stack"] == {"requires": ["proc-version", "other-1-1"], "supersedes": [], "conflicts": ["x"], "cumulative": False}


def test_command_line_replaces_single_keys(tmp_path):
    assert build(SAMPLES / "version", tmp_path, "--severity", "low", "--cve", "CVE-0000-0007").returncode == 0
    manifest = json.loads((tmp_path / "proc-version-1-1/manifest.json").read_text())
    assert manifest["severity"] == "low" and manifest["advisory"] == "SUTURE-DEMO-1"
    assert manifest["vulnerabilities"] == [{"id": "CVE-0000-0007", "status": "fixed"}]


def test_authors_kbuild_with_two_modules_in_its_order(tmp_path):
    folder = source(tmp_path / "s")
    shutil.copy(SAMPLES / "uptime/uptime.c", folder)
    (folder / "Kbuild").write_text("obj-m := uptime.o version.o\n")
    assert build(folder, tmp_path / "out").returncode == 0
    manifest = json.loads((tmp_path / "out/proc-version-1-1/manifest.json").read_text())
    assert [module["file"] for module in manifest["modules"]] == ["uptime.ko", "version.ko"]
    assert [entry["name"] for entry in manifest["sources"]] == ["Kbuild", "uptime.c", "version.c"]


def test_cumulative_patch_is_told_by_its_module(tmp_path):
    folder = source(tmp_path / "s", CODE.replace(".objs = objects,", ".objs = objects,\n\t.replace = true,"))
    assert build(folder, tmp_path / "out").returncode == 0
    assert json.loads((tmp_path / "out/proc-version-1-1/manifest.json").read_text())["stack"]["cumulative"] is True


def test_ready_module_is_taken_byte_for_byte(bundle, tmp_path):
    module = shutil.copy(bundle / "proc_version_1_1.ko", tmp_path / "proc_version_1_1.ko")
    done = run(module, "-o", tmp_path / "out", "-i", kernel().vmlinux, "-d", SAMPLES / "version/patch.conf", "--json")
    assert done.returncode == 0, done.stderr
    result = tmp_path / "out/proc-version-1-1"
    assert json.loads(done.stdout)["folder"] == str(result)
    assert digest(result / "proc_version_1_1.ko") == digest(module)
    manifest = json.loads((result / "manifest.json").read_text())
    assert manifest["sources"] == [] and manifest["toolchain"] == ""


# Which builds of the kernel's modules it is for

STALL = SOURCE / "tests/vm/modules/stall"


@pytest.fixture(scope="session")
def stall():
    """(a module, a ready patch of it)"""
    folder = machine.build_modules(STALL)
    return folder / "stall.ko", folder / "stall_patch.ko"


def pack_stall(stall, output, *files):
    options = [word for path in files for word in ("--patched-module", path)]
    return run(stall[1], "-o", output, "-i", kernel().image, "-d", SAMPLES / "version/patch.conf", *options)


def named(output):
    """(format, patches of the module) of the manifest."""
    manifest = json.loads((output / "proc-version-1-1/manifest.json").read_text())
    return manifest["format"], manifest["modules"][0].get("patches")


def test_the_build_of_a_patched_module_is_named(stall, tmp_path):
    facts = modules.info(stall[0])
    wanted = [{"object": "stall", "build_id": facts["build_id"], "srcversion": facts.get("srcversion", "")}]
    done = pack_stall(stall, tmp_path / "plain", stall[0])
    assert done.returncode == 0 and "note:" not in done.stderr, done.stderr
    assert len(facts["build_id"]) == 40 and named(tmp_path / "plain") == (2, wanted)
    packed = tmp_path / "stall.ko.xz"
    packed.write_bytes(lzma.compress(stall[0].read_bytes()))
    done = build(STALL / "stall_patch.c", tmp_path / "packed", "-d", SAMPLES / "version/patch.conf", "--patched-module", packed)
    assert done.returncode == 0, done.stderr
    assert named(tmp_path / "packed") == (2, wanted)


def test_a_build_that_is_not_known_is_noted(stall, tmp_path):
    done = pack_stall(stall, tmp_path)
    assert done.returncode == 0 and named(tmp_path) == (1, None)
    [note] = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert " module stall " in note and "--patched-module" in note


def without_build_id(module, target):
    subprocess.run(["objcopy", "--remove-section=.note.gnu.build-id", module, target], check=True)
    return target


def test_files_that_are_no_patched_modules(stall, tmp_path):
    other, release = tmp_path / "other", kernel().release.encode()
    other.mkdir()
    cases = [
        ("patched-module", INPUT, "is no module that the patch patches", [stall[1]]),
        ("patched-module", INPUT, "given before", [stall[0], stall[0]]),
        ("patched-module", INPUT, "neither build-id nor srcversion", [without_build_id(stall[0], other / "stall.ko")]),
        ("module-vermagic", MISMATCH, kernel().release, [
            patched(stall[0], tmp_path / "stall.ko", b"vermagic=" + release, b"vermagic=9" + release[1:])]),
        ("module-not-elf", INPUT, "text.ko", [shutil.copy(STALL / "Kbuild", tmp_path / "text.ko")]),
    ]
    for reason, status, words, files in cases:
        line = refused(pack_stall(stall, tmp_path / "out", *files), reason, status)
        assert words in line and str(files[-1]) in line
    assert not (tmp_path / "out").exists()


def test_patched_modules_where_they_have_no_place(stall, tmp_path):
    for more in (["--pack", tmp_path], ["--kernel", "6.1.0", "fix.patch"]):
        refused(run("-o", tmp_path / "out", "--patched-module", stall[0], *more), "usage", USAGE)


# What is refused


def test_text_is_no_module(tmp_path):
    (tmp_path / "x.ko").write_text("not a module")
    refused(run(tmp_path / "x.ko", "-o", tmp_path / "out", "-i", kernel().image, "-d", SAMPLES / "version/patch.conf"), "module-not-elf", INPUT)
    assert not (tmp_path / "out").exists()


def test_program_is_no_module(tmp_path):
    shutil.copy("/bin/true", tmp_path / "true.ko")
    refused(run(tmp_path / "true.ko", "-o", tmp_path / "out", "-i", kernel().image, "-d", SAMPLES / "version/patch.conf"),
            "module-not-elf", INPUT)


def test_module_of_another_kernel(bundle, tmp_path):
    release = kernel().release.encode()
    module = patched(bundle / "proc_version_1_1.ko", tmp_path / "proc_version_1_1.ko", b"vermagic=" + release, b"vermagic=9" + release[1:])
    refused(run(module, "-o", tmp_path / "out", "-i", kernel().image, "-d", SAMPLES / "version/patch.conf"), "module-vermagic", MISMATCH)


def test_renamed_module(bundle, tmp_path):
    module = shutil.copy(bundle / "proc_version_1_1.ko", tmp_path / "another.ko")
    refused(run(module, "-o", tmp_path / "out", "-i", kernel().image, "-d", SAMPLES / "version/patch.conf"), "module-malformed", INPUT)


def test_module_without_livepatch_mark(tmp_path, scratch):
    folder = source(tmp_path / "s", CODE.replace('MODULE_INFO(livepatch, "Y");\n', ""))
    refused(build(folder, tmp_path / "out", scratch=scratch), "module-no-mark", INPUT)
    assert not (tmp_path / "out").exists()


def test_module_without_functions(tmp_path):
    code = '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_INFO(livepatch, "Y");\n'
    refused(build(source(tmp_path / "s", code), tmp_path / "out"), "module-no-functions", INPUT)


def test_compiler_is_quoted_and_nothing_stays(tmp_path, scratch):
    folder = source(tmp_path / "s", CODE.replace("seq_printf(m,", "seq_printf(no_such_thing,"))
    done = build(folder, tmp_path / "out", scratch=scratch)
    line = refused(done, "build-compile", INPUT)
    assert re.search(r"version\.c:\d+:\d+: error: .no_such_thing. undeclared", line)
    assert "In function" in done.stderr and str(scratch) not in done.stderr
    assert not (tmp_path / "out").exists()


def test_symbol_that_no_module_may_use(tmp_path):
    folder = source(tmp_path / "s", CODE.replace("const struct new_utsname *name = utsname();",
                                                 "const struct new_utsname *name = utsname();\n\textern int no_such_symbol;\n\n"
                                                 "\tseq_printf(m, \"%d\", no_such_symbol);"))
    assert "no_such_symbol" in refused(build(folder, tmp_path / "out"), "build-compile", INPUT)


def test_kbuild_without_modules(tmp_path):
    folder = source(tmp_path / "s")
    (folder / "Kbuild").write_text("# nothing\n")
    refused(build(folder, tmp_path / "out"), "build-no-module", INPUT)


def test_folder_without_sources(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/patch.conf").write_text(CONF)
    refused(build(tmp_path / "s", tmp_path / "out"), "build-source", INPUT)


def test_source_that_is_a_symlink(tmp_path):
    folder = source(tmp_path / "s")
    (folder / "other.c").symlink_to("/etc/passwd")
    refused(build(folder, tmp_path / "out"), "unsafe-path", INPUT)


def test_name_too_long_for_a_module(tmp_path):
    refused(build(SAMPLES / "version", tmp_path, "--name", "x" * 56), "build-module-name", INPUT)


def test_image_of_another_release(tmp_path):
    release = kernel().release.encode()
    image = patched(kernel().image, tmp_path / "vmlinuz", release + b" (", b"9" + release[1:] + b" (")
    refused(build(SAMPLES / "version", tmp_path / "out", image=image), "kernel-image-mismatch", MISMATCH)


def test_image_that_is_none(tmp_path):
    refused(build(SAMPLES / "version", tmp_path / "out", image="/bin/true"), "kernel-image", INPUT)


def test_headers_that_are_none(tmp_path):
    refused(build(SAMPLES / "version", tmp_path / "out", headers=tmp_path), "kernel-headers", INPUT)
    refused(run(SAMPLES / "version", "-o", tmp_path / "out", "-i", kernel().image), "kernel-headers", INPUT)


@pytest.mark.parametrize("old, new, reason", [
    ("[patch]", "[patch", "description-syntax"),
    ("name=", "nmae=", "description-unknown"),
    ("[patch]", "[patches]", "description-unknown"),
    ("summary=", "# ", "description-missing"),
    ("severity=moderate", "severity=urgent", "description-value"),
    ("release=1", "release=1\nconsistency=sometimes", "description-value"),
    ("release=1", "release=1\nprovider=someone", "description-value"),
    ("release=1", "release=1\ncumulative=perhaps", "description-value"),
    ("release=1", "release=1\nprovider=framework", "description-disagrees"),
    ("release=1", "release=1\ncumulative=true", "description-disagrees"),
    ("release=1", "release=1\nconsistency=immediate", "description-consistency"),
    ("release=1", "release=1-2", "manifest-value"),
    ("name=proc-version", "name=../x", "manifest-value"),
    ("release=1", "release=1\nissued=yesterday", "manifest-value"),
    (":fixed", ":cured", "manifest-value"),
    ("release=1", "release=1\nrequires=No Such", "manifest-value"),
    ("summary=/proc", "summary=%{lua:os.exit()} /proc", "spec-value"),
])
def test_bad_description(bundle, tmp_path, old, new, reason):
    module = shutil.copy(bundle / "proc_version_1_1.ko", tmp_path / "proc_version_1_1.ko")
    assert old in CONF
    (tmp_path / "patch.conf").write_text(CONF.replace(old, new))
    refused(run(module, "-o", tmp_path / "out", "-i", kernel().image), reason, INPUT)
    assert not (tmp_path / "out").exists()


def two_modules(folder, first, second):
    """A source of two modules, each with its own end of its klp_patch."""
    source(folder, CODE.replace("\t.objs = objects,", f"\t.objs = objects,{first}"), name="one.c")
    other = (SAMPLES / "uptime/uptime.c").read_text()
    (folder / "two.c").write_text(other.replace("\t.objs = objects,", f"\t.objs = objects,{second}"))
    (folder / "Kbuild").write_text("obj-m := one.o two.o\n")
    return folder


def test_the_first_module_alone_replaces(tmp_path):
    folder = two_modules(tmp_path / "s", ".replace = true,", "")
    done = build(folder, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "out/proc-version-1-1/manifest.json").read_text())
    assert manifest["stack"]["cumulative"] is True
    assert [module["file"] for module in manifest["modules"]] == ["one.ko", "two.ko"]


@pytest.mark.parametrize("first", ["", ".replace = true,"])
def test_a_further_module_must_not_replace(tmp_path, first):
    folder = two_modules(tmp_path / "s", first, ".replace = true,")
    refused(build(folder, tmp_path / "out"), "description-disagrees", INPUT)


def test_bad_date():
    refused(run(SAMPLES / "version", "-o", "/nowhere", "-k", "/nowhere", "-i", "/nowhere", env={"SOURCE_DATE_EPOCH": "today"}),
            "source-date-epoch", INPUT)


@pytest.mark.parametrize("arguments", [
    ["x.c"], ["-o", "o", "-i", "i"], ["-o", "o", "x.c"], ["-o", "o", "-i", "i", "x.c", "y.c"], ["-o", "o", "--pack", "f", "x.c"],
    ["-o", "o", "-i", "i", "x.c", "--module-key", "k"], ["-o", "o", "-i", "i", "x.c", "-j", "-1"], ["--no-such-option"],
])
def test_bad_command_line(arguments, tmp_path):
    refused(run(*arguments, cwd=tmp_path), "usage", USAGE)
    assert not list(tmp_path.iterdir())


def descendants(pid):
    """Processes of the session that pid leads."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing(tmp_path, scratch, number):
    folder = source(tmp_path / "s")
    marker = tmp_path / "compiling"
    (folder / "Kbuild").write_text("obj-m := proc_version_1_1.o\nproc_version_1_1-y := version.o\n"
                                   f"$(obj)/version.o: slow\n.PHONY: slow\nslow:\n\t@touch {marker}; exec sleep 30\n")
    process = subprocess.Popen([vendor.VENDOR, "build", folder, "-o", tmp_path / "out", "-k", kernel().headers, "-i", kernel().image],
                               env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 20
    while not marker.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 1 and said.strip().endswith("[cancelled]"), said
    while descendants(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not descendants(process.pid)
    assert not (tmp_path / "out").exists()
