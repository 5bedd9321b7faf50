# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all commands share."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BIN = Path(os.environ["SUTURE_BIN"])
SOURCE = Path(os.environ["SUTURE_SOURCE"])
HOST = ["fetch", "verify", "policy", "apply", "revert", "list", "status", "audit", "repo-config"]
VENDOR = ["key", "kernel", "build", "sign", "repo"]


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


@pytest.mark.parametrize("words, expected", [
    (["suture", "rev"], ["revert"]),
    (["suture", "apply", "--dry"], ["--dry-run"]),
    (["suture-vendor", "repo", "pub"], ["publish"]),
    (["suture", "--json", "audit", "ver"], ["verify"]),
])
def test_completion_reads_the_programs_own_help(words, expected):
    script = (f'source {SOURCE}/cli/completion.bash; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; '
              '_suture; printf "%s\\n" "${COMPREPLY[@]}"')
    environment = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}")
    assert run("bash", "-c", script, env=environment).stdout.split() == expected
