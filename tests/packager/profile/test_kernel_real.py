# SPDX-License-Identifier: LGPL-2.1-or-later
"""The profile of a real kernel: imported from Debian's source, and good for compiling single units of it."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager.profile.real_profile import SOURCE, SUTURE, kernel, real_profile

sys.path.insert(0, str(SOURCE / "tests/packager/fix"))
import diffs  # noqa: E402

TOOL = Path(os.environ["SUTURE_BUILD_DIR"]) / "tests/profile-tool"
UNITS = {"fs/proc/meminfo.o": "vmlinux", "kernel/sched/fair.o": "vmlinux", "net/netfilter/nf_tables_api.o": "nf_tables",
         "fs/ext4/inode.o": "vmlinux", "fs/btrfs/inode.o": "btrfs"}
# Each includes, or is made of, what kbuild generates while it builds.
GENERATED = {"net/ipv4/netfilter/nf_nat_snmp_basic_main.o": "nf_nat_snmp_basic", "lib/crc32.o": "vmlinux",
             "crypto/asymmetric_keys/x509.asn1.o": "vmlinux", "arch/x86/lib/inat.o": "vmlinux", "security/selinux/avc.o": "vmlinux",
             "arch/x86/entry/vdso/vdso-image-64.o": "vmlinux"}


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


def compiled(profile, folder, units):
    """The lines of the tool: unit, object, when objtool runs, files read, files that do not lead to the unit."""
    store, shown = profile
    said = subprocess.run([TOOL, store, shown["id"][:12], folder, *units], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    lines = [line.split() for line in said.stdout.splitlines()]
    assert {line[0]: line[1] for line in lines} == units
    assert all(line[4] == "missed=0" for line in lines), said.stderr
    return lines


def test_units_are_compiled_and_found_by_what_they_include(profile, tmp_path):
    shown = profile[1]
    for line in compiled(profile, tmp_path, UNITS):
        assert int(line[3].removeprefix("files=")) > 300
    information = subprocess.run(["modinfo", "-F", "vermagic", tmp_path / "fix.ko"], capture_output=True, text=True, check=True).stdout
    assert information.startswith(shown["release"] + " SMP")
    tree = Path(shown["folder"]) / "tree"
    assert not any((tree / unit).exists() for unit in UNITS)


def test_what_the_build_generates_is_there(profile, tmp_path):
    assert profile[1]["not_generated"] == []
    compiled(profile, tmp_path, GENERATED)


def test_a_fix_of_a_source_that_includes_what_is_generated(profile, tmp_path):
    fix = diffs.edit(tmp_path / "fix.patch", "net/ipv4/netfilter/nf_nat_snmp_basic_main.c", ("	if (ctx.from == ctx.to)\n", "	if (ctx.from == ctx.to || !datalen)\n"))
    report = diffs.explain(fix)
    assert [unit["object"] for unit in report["units"]] == ["nf_nat_snmp_basic"] and diffs.functions(report)


@pytest.mark.skipif(not os.environ.get("SUTURE_TEST_FULL"), reason="imports another kernel: SUTURE_TEST_FULL=1")
def test_another_series_has_what_its_build_generates(tmp_path):
    store, release = real_profile("6.12")
    said = subprocess.run([SUTURE, "kernel", "show", "--json", "--profiles", store, release], capture_output=True, text=True, check=True)
    shown = json.loads(said.stdout)
    assert shown["not_generated"] == []
    compiled((store, shown), tmp_path, {**GENERATED, "security/ipe/boot_policy.o": "vmlinux", "arch/x86/kvm/svm/vmenter.o": "kvm_amd"})
