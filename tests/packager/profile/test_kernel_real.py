# SPDX-License-Identifier: LGPL-2.1-or-later
"""The profile of a real kernel: imported from Debian's source, and good for compiling single units of it."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from packager.profile.real_profile import SUTURE, kernel, real_profile

TOOL = Path(os.environ["SUTURE_BUILD_DIR"]) / "tests/profile-tool"
UNITS = {"fs/proc/meminfo.o": "vmlinux", "kernel/sched/fair.o": "vmlinux", "net/netfilter/nf_tables_api.o": "nf_tables",
         "fs/ext4/inode.o": "vmlinux", "fs/btrfs/inode.o": "btrfs"}


@pytest.fixture(scope="module")
def profile():
    store, release = real_profile()
    said = subprocess.run([SUTURE, "kernel", "show", "--json", "--profiles", store, release], capture_output=True, text=True, check=True)
    return store, json.loads(said.stdout)


def test_what_it_is_made_of(profile):
    shown = profile[1]
    assert shown["release"] == kernel("6.1")["RELEASE"] and shown["toolchain_mismatch"] is False and shown["config_changes"] == []
    assert shown["units"] > 4000 and shown["modules"] > 1000
    steps = {entry["step"]: entry["milliseconds"] for entry in shown["steps"]}
    print(steps)
    assert sum(steps.values()) > 0


def test_units_are_compiled_and_found_by_what_they_include(profile, tmp_path):
    store, shown = profile
    said = subprocess.run([TOOL, store, shown["id"][:12], tmp_path, *UNITS], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    lines = [line.split() for line in said.stdout.splitlines()]
    assert {line[0]: line[1] for line in lines} == UNITS
    for line in lines:
        assert line[4] == "missed=0" and int(line[3].removeprefix("files=")) > 300, said.stderr
    information = subprocess.run(["modinfo", "-F", "vermagic", tmp_path / "fix.ko"], capture_output=True, text=True, check=True).stdout
    assert information.startswith(shown["release"] + " SMP")
    tree = Path(shown["folder"]) / "tree"
    assert not any((tree / unit).exists() for unit in UNITS)
