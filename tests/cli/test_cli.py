# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all commands share."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from packager.profile.fake_kernel import RELEASE, FakeKernel

BIN = Path(os.environ["SUTURE_BIN"])
SOURCE = Path(os.environ["SUTURE_SOURCE"])
HOST = ["check", "update", "fetch", "verify", "policy", "apply", "revert", "list", "status", "prune", "audit", "subscribe",
        "mirror", "repo-config"]
VENDOR = ["key", "kernel", "build", "sign", "repo", "entitle"]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def commands_of(program):
    return re.findall(r"^  ([a-z][a-z-]*) +", run(BIN / program, "--help").stdout, re.M)


def test_each_program_lists_its_commands():
    assert commands_of("suture") == HOST
    assert commands_of("suture-vendor") == VENDOR


@pytest.mark.parametrize("command", HOST + VENDOR)
def test_every_command_has_help_and_a_man_page(command):
    result = run(BIN / "suture", command, "--help")
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith("Usage:") and len(result.stdout.splitlines()) >= 3
    section = 8 if command in HOST else 1
    assert (SOURCE / f"man/suture-{command}.{section}.scd").exists()


@pytest.mark.parametrize("words", [["key"], ["key", "create"], ["repo"], ["repo", "init"], ["build"], ["sign"]], ids=" ".join)
def test_help_names_the_program_that_runs(words):
    usage = run(BIN / "suture", *words, "--help").stdout
    assert "suture-vendor " + " ".join(words) in usage and f"suture {words[0]}" not in usage


def test_vendor_commands_are_started_beside_the_host_program(tmp_path):
    assert "create" in run(BIN / "suture", "key", "--help").stdout
    alone = tmp_path / "suture"
    shutil.copy(BIN / "suture", alone)
    result = run(alone, "key", "--help")
    assert result.returncode == 2
    assert result.stderr == "suture: 'key' is a vendor's command: install the package suture-vendor [usage]\n"


@pytest.mark.parametrize("arguments", [["nonsense"], [], ["status", "--no-such-option"], ["repo", "nonsense"], ["repo"],
                                       ["--root"]])
def test_a_wrong_command_line_exits_with_2(arguments):
    assert run(BIN / "suture", *arguments).returncode == 2


def test_an_error_is_one_line_with_a_reason_code():
    result = run(BIN / "suture", "status", "--no-such-option")
    assert re.fullmatch(r"suture status: .*--no-such-option.* \[usage\]\n", result.stderr)


@pytest.mark.parametrize("command", [("apply",), ("revert", "--all")])
@pytest.mark.parametrize("seconds", ["0", "-1", "86401", "60s", ""])
def test_a_timeout_out_of_range_is_a_usage_error(tmp_path, command, seconds):
    result = run(BIN / "suture", f"--root={tmp_path}", *command, f"--timeout={seconds}")
    assert result.returncode == 2
    assert result.stderr.endswith("--timeout: must be 1 to 86400 seconds [usage]\n")


def test_global_options_stand_anywhere(tmp_path):
    first = run(BIN / "suture", "--root", tmp_path, "audit", "verify")
    last = run(BIN / "suture", "audit", "verify", "--root", tmp_path)
    assert first.stderr == last.stderr and str(tmp_path) in first.stderr
    assert first.returncode == 1


def test_version():
    version = re.search(r"project\(suture VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())[1]
    assert run(BIN / "suture", "--version").stdout == f"suture {version}\n"


def test_a_host_links_no_vendor_code():
    libraries = run("ldd", BIN / "suture").stdout
    assert "librpm.so" in libraries
    assert "librpmbuild" not in libraries and "librpmsign" not in libraries and "libcreaterepo_c" not in libraries
    symbols = run("nm", "--defined-only", BIN / "suture").stdout
    assert "suture_cms_verify" in symbols
    assert "suture_private_key" not in symbols and "PrivateKey" not in run("nm", "-D", BIN / "suture").stdout


def test_a_build_for_the_mutation_test_cannot_be_installed(tmp_path):
    configured = run("cmake", "-S", SOURCE, "-B", tmp_path, "-DSUTURE_MUTATIONS=ON", "-DSUTURE_TESTS=OFF")
    assert configured.returncode == 0, configured.stderr
    for options in [], ["--component", "Unspecified"], ["--component", "vendor"]:
        result = run("cmake", "--install", tmp_path, "--prefix", tmp_path / "installed", *options)
        assert result.returncode != 0 and "SUTURE_MUTATIONS" in result.stderr
    assert not (tmp_path / "installed").exists()


def complete(*words, **environment):
    """The last of words, as bash takes a command line apart: "--option=value" are three."""
    words = [part for word in words for part in re.split("(=)", word) if part] + ([""] if words[-1] == "" else [])
    script = (f'source {SOURCE}/cli/completion.bash; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; '
              '_suture; printf "%s\\n" "${COMPREPLY[@]}"')
    return run("bash", "-c", script, "bash", *words, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environment}).stdout.split()


@pytest.mark.parametrize("words, expected", [
    (["suture", "rev"], ["revert"]),
    (["suture", "apply", "--dry"], ["--dry-run"]),
    (["suture", "subscribe", "--ch"], ["--channel"]),
    (["suture-vendor", "repo", "pub"], ["publish"]),
    (["suture", "entitle", "iss"], ["issue"]),
    (["suture", "entitle", "issue", "--ch"], ["--channel"]),
    (["suture", "--json", "audit", "ver"], ["verify"]),
    (["suture", "build", "--kernel"], ["--kernel", "--kernels", "--kernel-headers", "--kernel-image"]),
    (["suture", "build", "--ex"], ["--explain"]),
    (["suture", "build", "--manifest-"], ["--manifest-key", "--manifest-certificate"]),
    (["suture", "build", "suture"], []),
])
def test_completion_reads_the_programs_own_help(words, expected):
    assert complete(*words) == expected


@pytest.fixture(name="store", scope="module")
def fixture_store(tmp_path_factory):
    """Of one profile; and its id."""
    folder = tmp_path_factory.mktemp("profiles")
    done = run(BIN / "suture", "kernel", "import", "--profiles", folder / "store", "--name", "mine",
               *FakeKernel(folder / "kernel").arguments())
    assert done.returncode == 0, done.stderr
    return folder / "store", done.stdout.split()[0]


def test_completion_of_profiles(store):
    path, identifier = str(store[0]), store[1][:12]
    all_names = [identifier, RELEASE, "mine"]
    for words in (["build", "--kernel", ""], ["build", "-o", "out", "-K", ""], ["build", "--kernel="], ["kernel", "show", ""]):
        assert complete("suture", *words, SUTURE_PROFILES=path) == all_names, words
    assert complete("suture", "build", "--kernel=6.1", SUTURE_PROFILES=path) == [RELEASE]
    assert complete("suture", "build", "--kernels", "", SUTURE_PROFILES=path) == ["all", *all_names]
    assert complete("suture", "build", "--kernels", "one,6.", SUTURE_PROFILES=path) == [f"one,{RELEASE}"]
    assert complete("suture", "build", "--kernels=one,two,mi", SUTURE_PROFILES=path) == ["one,two,mine"]
    assert complete("suture", "build", "--kernel", "6.1", SUTURE_PROFILES="/none") == []
    for option in (["--profiles", path], [f"--profiles={path}"]):
        assert complete("suture", "build", *option, "--kernel", "6.1", SUTURE_PROFILES="/none") == [RELEASE]


def test_help_of_build_shows_the_way_from_a_diff():
    text = run(BIN / "suture", "build", "--help").stdout
    for option in ("-K, --kernel=PROFILE", "--kernels=LIST", "--explain", "--profiles=DIR", "--max-units=N"):
        assert f"  {option} " in text


@pytest.mark.parametrize("options", [["--kernel", "a", "--kernels", "b"], ["--kernels", "a", "--pack", "out"], ["--kernels", "a", "-k", "h"],
                                     ["--kernels", "a", "--module-key", "k"], ["--kernels", " ,"], ["--kernels", "all"]], ids=" ".join)
def test_command_lines_that_build_for_no_kernel(tmp_path, options):
    done = run(BIN / "suture", "build", "-o", tmp_path / "out", "--profiles", tmp_path / "none", *options, "fix.patch")
    assert done.returncode == 2 and done.stderr.endswith(" [usage]\n") and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "out").exists()


def test_kernels_that_nobody_knows(tmp_path):
    """Also when the fix stands behind "--"; and with --json."""
    words = ["build", "--profiles", tmp_path / "none", "-o", tmp_path / "out", "--kernels", "a,b", "--", "fix.patch"]
    done = run(BIN / "suture", *words)
    assert done.returncode == 3 and done.stderr.endswith("[build-matrix]\n")
    assert re.fullmatch(r"(?:[ab]  failed    0\.0 s  [^\n]*no profile [ab];[^\n]* \[profile-unknown\]\n){2}", done.stdout), done.stdout
    answer = json.loads(run(BIN / "suture", "--json", *words).stdout)
    assert answer["format"] == 1 and [row["kernel"] for row in answer["kernels"]] == ["a", "b"]
    assert {(row["built"], row["reason"], row["profile"], row["result"]) for row in answer["kernels"]} == {(False, "profile-unknown", None, None)}


def test_the_row_of_a_kernel_says_why_there_is_no_bundle(store, tmp_path):
    """In the words of its build, and no others; a profile that is named twice is built for once."""
    fix = tmp_path / "-a fix.patch"
    fix.write_text("no diff")
    options = ["--name", "fix", "--patch-version", "1", "--patch-release", "1", "--summary=- two words", "--severity", "low", "--advisory", "A", "--jobs", "3"]
    words = ["--quiet", "build", "--profiles", store[0], "-o", "out", *options, "--kernels", f"{RELEASE},mine", "--", fix.name]
    done = run(BIN / "suture", *words, cwd=tmp_path)
    sentence = "-a fix.patch: is no diff: no change of a file is in it; give a unified diff against the kernel's source"
    assert done.returncode == 3
    assert re.fullmatch(rf"{RELEASE}  failed +\d\.\d s  {re.escape(sentence)} \[fix-diff\]\n", done.stdout), done.stdout
    row, = json.loads(run(BIN / "suture", "--json", *words, cwd=tmp_path).stdout)["kernels"]
    assert (row["kernel"], row["profile"], row["reason"], row["sentence"]) == (RELEASE, store[1], "fix-diff", sentence)
    assert "explanation" not in row and not (tmp_path / "out").exists()
