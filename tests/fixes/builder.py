# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run of `suture build` for a fix, and what came of it."""
import hashlib
import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

NOTHING = 12
# A header that reaches more objects is no small fix.
MAX_UNITS = 12
REASON = re.compile(r"\[([a-z0-9-]+)\]\s*$")


@dataclass(frozen=True)
class Build:
    """reason: empty when it was built, else the builder's code. words: its sentence. units: objects that it looked at."""
    reason: str
    words: str
    units: int
    functions: int
    seconds: float
    module: str

    @property
    def built(self):
        return not self.reason


def patch_name(path):
    """What a patch may be called, unlike that of any other file."""
    short = re.sub(r"[^a-z0-9]+", "_", path.removesuffix(".c").lower())[-30:].strip("_")
    return f"{short}_{hashlib.sha256(path.encode()).hexdigest()[:6]}"


def read(status, said, report, seconds, module):
    """The outcome from what the program left: its exit status, its errors, its report (JSON, or nothing)."""
    units = report.get("units", [])
    functions = sum(function["kind"] == "changed" for unit in units for function in unit["functions"])
    if status == 0:
        return Build("", "", len(units), functions, seconds, module)
    line = next((line for line in reversed(said.splitlines()) if REASON.search(line)), "")
    reason = REASON.search(line)[1] if line else f"exit-{status}"
    if reason == "fix-compile":
        line = said
    elif reason == "fix-nothing" and "no object of it" in line:
        reason = "fix-not-built"
    return Build(reason, line.removeprefix("suture-vendor build: ") or said[-600:], len(units), functions, seconds, "")


def first_document(text):
    """The report is the first of the JSON documents that the program prints."""
    try:
        return json.JSONDecoder().raw_decode(text.lstrip())[0]
    except json.JSONDecodeError:
        return {}


def build(vendor, store, release, fix, output):
    """Build the fix into the folder output; the module's path is relative to nothing."""
    with tempfile.TemporaryDirectory() as work:
        patch = Path(work) / "fix.patch"
        patch.write_bytes(fix.text)
        begin = time.monotonic()
        done = subprocess.run([vendor, "build", "--profiles", store, "--kernel", release, "--name", patch_name(fix.name),
                               "--patch-version", "1", "--patch-release", "1", "--summary", "A fix of the kernel", "--severity", "low",
                               "--advisory", "TEST-1", "--issued", "2026-01-01T00:00:00Z", "--max-units", str(MAX_UNITS), "--quiet",
                               "--explain", "--json", "-o", output, patch], capture_output=True, text=True, errors="replace")
        seconds = round(time.monotonic() - begin, 1)
    module = next((str(path) for path in Path(output).glob("*/*.ko")), "") if done.returncode == 0 else ""
    return read(done.returncode, done.stderr, first_document(done.stdout), seconds, module)
