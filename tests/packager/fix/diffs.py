# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixes for real kernels, made by editing their source, and `suture build` of them."""
import difflib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ["SUTURE_SOURCE"])
VENDOR = os.path.join(os.environ["SUTURE_BIN"], "suture-vendor")
sys.path[:0] = [str(SOURCE / "tests/packager/profile"), str(SOURCE / "tests/packager")]
from real_profile import real_profile  # noqa: E402

DESCRIPTION = ["--patch-version", "1", "--patch-release", "1", "--summary", "a fix", "--severity", "low", "--advisory", "TEST-1",
               "--issued", "2026-01-01T00:00:00Z"]


@functools.lru_cache
def profile(series="6.1"):
    """(store, release, folder of the profile)"""
    store, release = real_profile(series)
    said = subprocess.run([VENDOR, "--json", "kernel", "show", "--profiles", store, release], capture_output=True, text=True, check=True)
    return store, release, Path(store) / json.loads(said.stdout)["id"]


def edit(target, path, *changes, series="6.1"):
    """Appends to the file target the diff of source file path with each (old, new) replaced, which must be there once."""
    before = (profile(series)[2] / "tree" / path).read_text()
    after = before
    for old, new in changes:
        assert after.count(old) == 1, f"{path}: {after.count(old)} times: {old}"
        after = after.replace(old, new)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    with open(target, "a", encoding="utf-8") as file:
        file.writelines(lines)
    return target


def command(*diffs, name="fix", series="6.1", store=None, kernel=None, more=()):
    usual, release, _ = profile(series)
    return [VENDOR, "build", "--profiles", str(store or usual), "--kernel", kernel or release, "--name", name, *DESCRIPTION, *map(str, more),
            *map(str, diffs)]


def build(*diffs, env=None, **options):
    return subprocess.run(command(*diffs, **options), capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})


def explain(*diffs, more=(), **options):
    """The report, of a build that is done or refused."""
    result = build(*diffs, more=["--explain", "--json", *more], **options)
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


def functions(report):
    return {function["name"]: function for unit in report["units"] for function in unit["functions"]}


def module(output):
    return next(Path(output).glob("*/*.ko"))
