# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture kernel, with a kernel of a few files."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from packager.profile import packages
from packager.profile.fake_kernel import RELEASE, FakeKernel, leftovers

SUTURE = Path(os.environ["SUTURE_BIN"]) / "suture"


def run(store, *command, check=True, **options):
    result = subprocess.run([SUTURE, "kernel", command[0], "--profiles", store, *command[1:]], capture_output=True, text=True,
                            check=False, stdin=subprocess.DEVNULL, **options)
    assert not check or result.returncode == 0, result.stderr
    return result


def show(store, name=RELEASE):
    return json.loads(run(store, "show", "--json", name).stdout)


def refused(result, reason, code, *words):
    assert (result.returncode, result.stdout) == (code, ""), result.stderr
    assert result.stderr.count("\n") == 1 and result.stderr.endswith(f" [{reason}]\n"), result.stderr
    for word in words:
        assert str(word) in result.stderr
    return result


@pytest.fixture
def kernel(tmp_path):
    return FakeKernel(tmp_path / "kernel")


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def import_refused(store, kernel, reason, code, *words, options=(), **replace):
    refused(run(store, "import", *options, *kernel.arguments(**replace), check=False), reason, code, *words)
    assert leftovers(store) == []


def test_import_list_show_remove(kernel, store):
    said = run(store, "import", *kernel.arguments()).stdout.splitlines()
    assert len(said[0]) == 64 and said[1] == f"Imported {RELEASE}: 2 units, 1 modules"
    assert leftovers(store) == [said[0]]
    assert run(store, "list").stdout == f"{said[0][:12]}  {RELEASE}\n"
    listed = json.loads(run(store, "list", "--json").stdout)["profiles"]
    assert [profile["id"] for profile in listed] == [said[0]]
    shown = show(store)
    assert shown["release"] == RELEASE and shown["compiler"] == kernel.cc and shown["toolchain_mismatch"] is False
    assert len(shown["build_id"]) == 40 and shown["units"] == 2 and shown["vmlinux_symbols"] is False
    assert [entry["role"] for entry in shown["inputs"]] == ["source", "config", "symvers", "image", "modules"]
    assert {entry["step"] for entry in shown["steps"]} >= {"unpacking", "preparing the tree", "reading include lines"}
    text = run(store, "show", said[0][:6]).stdout
    for word in (RELEASE, shown["build_id"], kernel.cc, "CONFIG_LIVEPATCH=y", "CONFIG_X86_KERNEL_IBT=n", shown["inputs"][0]["sha256"]):
        assert word in text
    assert run(store, "remove", RELEASE).stdout == f"Removed {said[0]}\n"
    assert leftovers(store) == [] and run(store, "list").stdout == ""


def test_folder_holds_what_builds_need(kernel, store):
    run(store, "import", *kernel.arguments(vmlinux=kernel.debug))
    folder = Path(show(store)["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["commands", "includes", "modules", "profile.json", "tree", "vmlinux"]
    assert (folder / "vmlinux").read_bytes() == kernel.debug.read_bytes() and show(store)["vmlinux_symbols"] is True
    assert (folder / "modules/kernel/m/fake-two.ko").exists()
    assert (folder / "tree/Module.symvers").read_text() == kernel.symvers.read_text()
    assert (folder / "tree/pahole-said").read_text() == "v1.24\n"
    assert (os.stat(folder).st_mode & 0o777) == 0o755
    recipe = json.loads((folder / "profile.json").read_text())["recipe"]
    assert recipe["link"][-2:] == ["@SUTURE_FOLDER@/@SUTURE_NAME@.o", "@SUTURE_FOLDER@/@SUTURE_NAME@.mod.o"]
    assert recipe["modpost"][-2:] == ["-T", "/dev/stdin"]


def test_make_sees_nothing_of_our_environment(kernel, store):
    environment = {**os.environ, "KCFLAGS": "-Dhostile", "MAKEFLAGS": "-k", "CC": "false"}
    run(store, "import", *kernel.arguments(), env=environment)
    seen = (Path(show(store)["folder"]) / "tree/environment").read_text()
    assert "hostile" not in seen and "LC_ALL=C" in seen


def test_a_second_import_does_nothing_and_says_so(kernel, store):
    first = run(store, "import", *kernel.arguments()).stdout.splitlines()
    before = os.stat(store / first[0]).st_mtime_ns
    again = run(store, "import", *kernel.arguments()).stdout.splitlines()
    assert again == [first[0], f"Already there: {RELEASE}: 2 units, 1 modules"]
    assert os.stat(store / first[0]).st_mtime_ns == before
    assert json.loads(run(store, "import", "--json", *kernel.arguments()).stdout)["present"] is True


def test_other_inputs_are_another_profile(kernel, store):
    run(store, "import", "--name", "one", *kernel.arguments())
    kernel.write("source/a/one.c", "int changed;\n")
    run(store, "import", "--name", "two", *kernel.arguments())
    assert len(leftovers(store)) == 2
    refused(run(store, "show", RELEASE, check=False), "profile-ambiguous", 3, RELEASE)
    assert show(store, "one")["id"] != show(store, "two")["id"]


def test_source_may_be_a_tarball_and_headers_bring_symvers(kernel, store):
    run(store, "import", *kernel.arguments(source=kernel.tarball(), symvers=None, headers=kernel.headers()))
    assert show(store)["units"] == 2


def test_a_tree_that_was_built_in_is_cleaned(kernel, store):
    kernel.write("source/stale.o", "stale")
    kernel.write("source/.config", "CONFIG_OTHER=y\n")
    run(store, "import", *kernel.arguments())
    tree = Path(show(store)["folder"]) / "tree"
    assert (tree / "was-cleaned").exists() and not (tree / "stale.o").exists()
    assert (tree / ".config").read_text() == kernel.config.read_text()


def test_compressed_modules_and_symvers_are_taken(kernel, store):
    subprocess.run(["xz", kernel.modules / "kernel/m/fake-two.ko"], check=True)
    subprocess.run(["gzip", kernel.symvers], check=True)
    run(store, "import", *kernel.arguments(symvers=f"{kernel.symvers}.gz"))
    folder = Path(show(store)["folder"])
    assert (folder / "modules/kernel/m/fake-two.ko.xz").exists()
    assert (folder / "tree/Module.symvers").read_text().startswith("0x00000000\tprintk")


@pytest.mark.parametrize("missing", ["source", "config", "symvers", "image", "modules"])
def test_nothing_may_be_missing(kernel, store, missing):
    import_refused(store, kernel, "profile-input", 3, f"--{missing}", **{missing: None})


def test_packages_and_files_do_not_mix(kernel, store):
    refused(run(store, "import", "--image", kernel.image, "x.deb", check=False), "profile-input", 3, "not both")


def test_release_of_image_and_modules(kernel, store, tmp_path):
    other = FakeKernel(tmp_path / "other", "6.1.7-other")
    import_refused(store, kernel, "profile-disagree", 5, RELEASE, "6.1.7-other", modules=other.modules)


def test_release_of_image_and_headers(kernel, store, tmp_path):
    other = FakeKernel(tmp_path / "other", "6.1.7-other")
    import_refused(store, kernel, "profile-disagree", 5, RELEASE, "6.1.7-other", symvers=None, headers=other.headers())


def test_version_of_the_source(kernel, store):
    path = kernel.source / "Makefile"
    path.write_text(path.read_text().replace("SUBLEVEL = 7", "SUBLEVEL = 8"))
    import_refused(store, kernel, "profile-disagree", 5, "6.1.7", "6.1.8", kernel.source)


def test_vmlinux_of_another_build(kernel, store, tmp_path):
    other = FakeKernel(tmp_path / "other", "6.1.7-other")
    import_refused(store, kernel, "profile-disagree", 5, "build-id", vmlinux=other.debug)


def test_configurations_that_differ(kernel, store):
    headers = kernel.headers()
    kernel.write_config(KASAN="y", LIVEPATCH="m")
    import_refused(store, kernel, "profile-disagree", 5, "CONFIG_LIVEPATCH", symvers=None, headers=headers)


def test_kconfig_may_not_change_a_symbol(kernel, store):
    kernel.write("source/kconfig", kernel.config.read_text().replace("CONFIG_LIVEPATCH=y", "# CONFIG_LIVEPATCH is not set"))
    import_refused(store, kernel, "profile-config", 5, "CONFIG_LIVEPATCH: y, now n")
    # One that was not there may come.
    kernel.write("source/kconfig", kernel.config.read_text() + 'CONFIG_BUILD_SALT=""\n')
    run(store, "import", *kernel.arguments())


def test_another_compiler_is_refused_by_name(kernel, store):
    kernel.write_config(CC_VERSION_TEXT='"gcc (Other 99) 99.0"')
    import_refused(store, kernel, "profile-toolchain", 5, "gcc (Other 99) 99.0", kernel.cc)


def test_another_linker_is_refused_by_the_banner(kernel, store):
    kernel.build(tools=f"{kernel.cc}, GNU ld (Other) 1.2")
    import_refused(store, kernel, "profile-toolchain", 5, "GNU ld (Other) 1.2", kernel.ld)


def test_a_mismatch_that_is_allowed_is_recorded(kernel, store):
    kernel.write_config(CC_VERSION_TEXT='"gcc (Other 99) 99.0"')
    kernel.write("source/kconfig", kernel.config.read_text().replace("gcc (Other 99) 99.0", kernel.cc))
    result = run(store, "import", "--allow-toolchain-mismatch", *kernel.arguments())
    assert "gcc (Other 99) 99.0" in result.stderr
    shown = show(store)
    assert shown["toolchain_mismatch"] is True and kernel.cc in shown["toolchain_difference"]
    assert shown["kernel_compiler"] == "gcc (Other 99) 99.0"
    assert shown["config_changes"] == [f"CONFIG_CC_VERSION_TEXT: gcc (Other 99) 99.0, now {kernel.cc}"]
    assert "other tools than its own" in run(store, "list").stdout
    # It stands for nobody who did not ask for it.
    refused(run(store, "import", *kernel.arguments(), check=False), "profile-toolchain", 5)


def test_a_compiler_that_is_not_there(kernel, store):
    kernel.write_config(CC_VERSION_TEXT='"gcc-no-such (Debian) 1"')
    import_refused(store, kernel, "profile-tools", 1, "gcc-no-such")


def test_tools_in_a_root_of_their_own(kernel, store):
    if not shutil.which("bwrap"):
        pytest.fail("bubblewrap is missing: script/setup installs it")
    run(store, "import", "--toolchain-root", "/", *kernel.arguments())
    shown = show(store)
    assert shown["toolchain_root"] == "/"
    seen = (Path(shown["folder"]) / "tree/environment").read_text()
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin" in seen


def test_a_root_without_bubblewrap_is_refused(kernel, store, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("env", "gcc", "as", "ld", "sh", "make"):
        (tools / name).symlink_to(shutil.which(name))
    result = run(store, "import", "--toolchain-root", "/", *kernel.arguments(), check=False, env={"PATH": str(tools)})
    refused(result, "profile-tools", 1, "bubblewrap")
    import_refused(store, kernel, "profile-tools", 1, tmp_path, options=["--toolchain-root", tmp_path])


def test_a_failing_make_shows_its_last_words(kernel, store):
    kernel.write("source/broken", "")
    import_refused(store, kernel, "profile-make", 1, "x.c:1:1: error: it is broken")


def test_a_signal_leaves_nothing(kernel, store):
    kernel.write("source/slow", "")
    process = subprocess.Popen([SUTURE, "kernel", "import", "--profiles", store, *kernel.arguments()], stderr=subprocess.PIPE,
                               text=True)
    deadline = time.monotonic() + 20
    while not any(name.startswith(".staging") and (store / name / "tree/pahole-said").exists() for name in leftovers(store)):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 1 and said.endswith("[cancelled]\n") and time.monotonic() - started < 10
    assert leftovers(store) == []


def test_what_a_killed_import_left_goes_with_the_next(kernel, store):
    (store / ".staging.0123456789abcdef/tree").mkdir(parents=True)
    run(store, "import", *kernel.arguments())
    assert len(leftovers(store)) == 1


def full_disk(store, kernel, size):
    """One line says that the disk is full, and nothing is left on it."""
    script = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && "$@"; code=$?; ls -A "$SUTURE_PROFILES"; exit $code'
    store.mkdir()
    result = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", size, store, SUTURE, "kernel", "import",
                             *map(str, kernel.arguments())], capture_output=True, text=True, check=False,
                            env={**os.environ, "SUTURE_PROFILES": str(store)})
    assert result.stderr.count("\n") == 1 and "No space left on device" in result.stderr, result.stderr
    assert (result.returncode, result.stdout.split()) == (1, [".lock"]), result.stdout
    assert result.stderr.endswith("[io]\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file system of its own")
def test_a_disk_that_fills_while_copying(kernel, store):
    kernel.write("source/big", "x" * 4_000_000)
    full_disk(store, kernel, "2M")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file system of its own")
def test_a_disk_that_fills_in_make(kernel, store):
    kernel.write("source/large", "")
    full_disk(store, kernel, "20M")


def test_several_imports_at_once_make_one_profile(kernel, store):
    results = []
    threads = [threading.Thread(target=lambda: results.append(run(store, "import", *kernel.arguments()).stdout))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("Imported" in said for said in results) == 1 and sum("Already there" in said for said in results) == 3
    assert len(leftovers(store)) == 1


def test_a_profile_in_use_is_not_removed(kernel, store):
    run(store, "import", *kernel.arguments())
    with subprocess.Popen(["flock", "-s", show(store)["folder"], "sh", "-c", "echo ready; read line"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "ready\n"
        refused(run(store, "remove", RELEASE, check=False), "busy", 9, "in use")
        show(store)
        reader.communicate("\n")
    run(store, "remove", RELEASE)


@pytest.mark.parametrize("name", ["profile.json", "commands", "includes", "tree/.config"])
def test_a_damaged_profile_is_named_and_can_be_removed(kernel, store, name):
    run(store, "import", *kernel.arguments())
    shown = show(store)
    (Path(shown["folder"]) / name).write_bytes(b"")
    if name == "tree/.config":
        (Path(shown["folder"]) / name).unlink()
    refused(run(store, "show", shown["id"][:12], check=False), "profile-damaged", 3, shown["folder"])
    assert run(store, "list").stdout == ""
    run(store, "remove", shown["id"][:12])
    assert leftovers(store) == []


def test_an_outdated_profile_is_no_profile_of_the_kernel(kernel, store):
    run(store, "import", *kernel.arguments())
    shown = show(store)
    described = Path(shown["folder"]) / "profile.json"
    described.write_text(described.read_text().replace(f'"format": {json.loads(described.read_text())["format"]}', '"format": 1'))
    refused(run(store, "show", RELEASE, check=False), "profile-unknown", 3, RELEASE)
    refused(run(store, "show", shown["id"][:12], check=False), "profile-outdated", 3, shown["folder"])
    listed = run(store, "list")
    assert listed.stdout == "" and listed.stderr.startswith(f"suture-vendor: {shown['folder']}: another version of this program")
    run(store, "remove", shown["id"][:12])
    assert leftovers(store) == []


def test_what_the_build_generates_is_there(kernel, store):
    run(store, "import", *kernel.arguments())
    shown = show(store)
    tree = Path(shown["folder"]) / "tree"
    assert (tree / "a/made.h").read_text() == '#include "sub/deep.h"\n'
    assert (tree / "a/sub/deep.h").exists()
    assert not (tree / "a/one.o").exists(), "an object that was made on the way"
    assert shown["not_generated"] == ["a/refused.h"]


def test_unknown_profiles(store):
    refused(run(store, "show", "6.1.0", check=False), "profile-unknown", 3, "6.1.0")
    refused(run(store, "remove", "6.1.0", check=False), "profile-unknown", 3, "6.1.0")
    assert run(store, "list").stdout == "" and not store.exists()


def test_an_image_that_is_none(kernel, store):
    kernel.image.write_bytes(b"no kernel")
    import_refused(store, kernel, "kernel-image", 3, kernel.image)


def test_a_source_that_is_none(kernel, store):
    (kernel.source / "Makefile").write_text("all:\n")
    import_refused(store, kernel, "profile-input", 3, kernel.source)


def test_a_symlink_that_leads_out_of_the_source(kernel, store):
    (kernel.source / "a/out").symlink_to("../../../config")
    import_refused(store, kernel, "profile-archive", 3, "a/out")


@pytest.mark.parametrize("make", [packages.debs, packages.rpms], ids=["deb", "rpm"])
def test_packages_of_a_distribution(kernel, store, tmp_path, make):
    files = make(kernel, tmp_path / "packages")
    run(store, "import", *files)
    shown = show(store)
    assert shown["release"] == RELEASE and shown["units"] == 2 and shown["modules"] == 1 and shown["vmlinux_symbols"] is True
    assert {entry["role"] for entry in shown["inputs"]} == {"package"} and len(shown["inputs"]) == 5
    tree = Path(shown["folder"]) / "tree"
    assert (tree / "Module.symvers").read_text() == kernel.symvers.read_text()
    assert (tree / "a/one.c").read_text() == (kernel.source / "a/one.c").read_text()
    assert "Already there" in run(store, "import", *reversed(files)).stdout


def test_source_in_two_packages(kernel, store, tmp_path):
    files = packages.suse(kernel, tmp_path / "packages")
    run(store, "import", *files)
    tree = Path(show(store)["folder"]) / "tree"
    assert (tree / "a/one.c").read_text() == (kernel.source / "a/one.c").read_text()
    assert (tree / "Makefile").read_text() == (kernel.source / "Makefile").read_text()
    run(store, "remove", RELEASE)
    refused(run(store, "import", *files, packages.debs(kernel, tmp_path / "others")[-1], check=False), "profile-input", 3, "both bring the source")
    assert leftovers(store) == []


@pytest.mark.parametrize("make", [packages.debs, packages.rpms], ids=["deb", "rpm"])
def test_a_package_that_is_missing_is_named(kernel, store, tmp_path, make):
    files = make(kernel, tmp_path / "packages")
    refused(run(store, "import", *files[:-1], check=False), "profile-input", 3, "the kernel's source", "linux-source")
    refused(run(store, "import", *files[1:], check=False), "profile-input", 3)
    assert leftovers(store) == []


def test_packages_of_two_versions(kernel, store, tmp_path):
    files = packages.debs(kernel, tmp_path / "packages", source_version="6.1.7-2")
    refused(run(store, "import", *files, check=False), "profile-disagree", 5, "6.1.7-1", "6.1.7-2", "linux-source.deb")


def test_packages_of_two_releases(kernel, store, tmp_path):
    other = packages.debs(FakeKernel(tmp_path / "other", "6.1.7-other"), tmp_path / "others")
    files = packages.debs(kernel, tmp_path / "packages")
    refused(run(store, "import", files[0], other[1], *files[2:], check=False), "profile-disagree", 5, RELEASE, "6.1.7-other")


def test_a_source_package_with_patches_is_refused(kernel, store, tmp_path):
    files = packages.rpms(kernel, tmp_path / "packages", patch="--- a\n+++ b\n")
    refused(run(store, "import", *files, check=False), "profile-input", 3, "linux-kernel-test.patch", "rpmbuild -bp")
    assert leftovers(store) == []
