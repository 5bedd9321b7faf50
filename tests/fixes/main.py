# SPDX-License-Identifier: LGPL-2.1-or-later
"""script/fixes: real fixes of Debian's kernels, built, run, reverted, and written down in docs/fixes.md."""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import builder
import changes as selection
import exercises
import judge
import pairs
import report
from ahead import ahead
from results import Results, Unknown

JOINS = 3
NOT_COMPARABLE = {"fix-not-built": "not built for this kernel", "fix-nothing": "change no object code",
                  "fix-compile": "do not compile alone",
                  "fix-too-many-units": f"reach more than {builder.MAX_UNITS} objects"}
NO_HARDWARE = "the module does not load here"
NOT_TRIED = "not tried: their part had given as many as it gives"
UNKNOWN = "not tried yet"
HEADERS = "headers that no fix tried was joined with"
# A verdict of a machine that was not given time is none.
FLEETING = ("TimedOut",)


def digest(*parts):
    return hashlib.sha256(b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)).hexdigest()[:32]


class Run:
    """All fixes of one pair."""

    def __init__(self, options, pair, results):
        self.options, self.pair, self.results = options, pair, results
        self.changes = selection.Changes(pairs.changes(pair))
        self.store = pairs.profile(options.vendor, pair) if results.make else None
        self.tool = digest(Path(os.path.realpath(options.vendor)).read_bytes(), builder.MAX_UNITS)
        self.refusals = report.refusals()
        self.rows, self.left_out, self.used = [], {}, set()

    def build(self, fix):
        """(Build, sha256 of the module); the module itself is made again when it is needed and not there."""
        key = f"build {self.pair.release} {fix.digest} {self.tool}"

        def make():
            output = self.folder(fix)
            shutil.rmtree(output, ignore_errors=True)
            made = builder.build(self.options.vendor, self.store, self.pair.release, fix, output)
            return asdict(made) | {"sha256": digest(Path(made.module).read_bytes()) if made.built else ""}

        value = dict(self.results.once(key, make))
        if value["module"] and self.results.make and not Path(value["module"]).exists():
            value = self.results.store(key, make())
        return builder.Build(**{name: part for name, part in value.items() if name != "sha256"}), value["sha256"]

    def folder(self, fix):
        """Of one program's build: that of another does not take its place."""
        return pairs.folder(self.pair) / "out" / self.tool[:8] / fix.digest[:16]

    def compiled(self, path):
        """The fix that begins with path, joined with what it needs, and its build."""
        fix = self.changes.fix([path])
        for _ in range(JOINS):
            made, sha256 = self.build(fix)
            wider = selection.joined(self.changes, fix, made.words) if made.reason == "fix-compile" else None
            if not wider:
                break
            fix = wider
        return fix, made, sha256

    def judged(self, fix, made, sha256):
        exercise = exercises.exercise_of(fix.name)
        key = digest(sha256, *judge.version(self.pair.release, exercise))
        out = pairs.folder(self.pair) / "vm" / fix.digest[:16]
        return self.results.once(
            f"verdict {key}", lambda: judge.as_json(judge.judge(self.pair.release, Path(made.module).parent, exercise, out)),
            lambda verdict: not verdict["why"].startswith(FLEETING))

    def row(self, fix, made, sha256):
        """What is said of a comparable fix; None when its module cannot be loaded here."""
        if not made.built:
            result, note = report.judge_refusal(self.refusals, self.pair.release, fix.name, made.reason, made.words)
            return report.Row(self.pair.release, fix.paths, result, note, seconds=made.seconds)
        verdict = self.judged(fix, made, sha256)
        if re.match(r"module \w+ is not there", verdict["why"]):
            return None
        return report.Row(self.pair.release, fix.paths, report.FAILED if verdict["why"] else report.LIVE, verdict["why"],
                          verdict["functions"], verdict["ran"], verdict["held"], made.seconds + verdict["seconds"])

    def attempt(self, path):
        """(row, why not comparable) of the fix that begins with path; one of them is None."""
        try:
            fix, made, sha256 = self.compiled(path)
            row = None if made.reason in NOT_COMPARABLE else self.row(fix, made, sha256)
            return row, None if row else NOT_COMPARABLE.get(made.reason, NO_HARDWARE)
        except Unknown:
            return None, UNKNOWN
        except (*judge.MACHINE_ERRORS, OSError, subprocess.SubprocessError) as error:
            return report.Row(self.pair.release, (path,), report.FAILED, f"could not be tried: {error}"), None

    def take(self, path, row, why):
        """Note what came of one file; True when it is comparable."""
        if not row:
            self.left_out.setdefault(why, []).append(path)
            return False
        self.used.update(row.paths)
        self.rows.append(row)
        words = row.result + (row.note and ": ") + row.note
        print(f"{time.strftime('%H:%M:%S')} {row.seconds:6.1f} s  {self.pair.release}  {path}  {words}", flush=True)
        return True

    def all(self):
        ordered = selection.order(self.changes.sources())
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for area, wanted in selection.AREAS:
                left = min(wanted, self.pair.each or wanted) if not self.options.all else len(ordered[area])
                tried = ahead(pool, self.options.jobs, self.attempt, filter(self.chosen, ordered[area]))
                for path, outcome in tried:
                    if path in self.used:
                        continue
                    if not left:
                        self.left_out.setdefault(NOT_TRIED, []).append(path)
                    else:
                        left -= self.take(path, *outcome())
        self.left_out[HEADERS] = [path for path in self.changes.texts if path.endswith(".h") and self.chosen(path)]
        self.left_out = {why: [path for path in paths if path not in self.used] for why, paths in self.left_out.items()}
        self.rows.sort(key=lambda row: row.paths)
        return self.pair, self.rows, self.left_out

    def chosen(self, path):
        return not self.options.only or any(path.startswith(prefix) for prefix in self.options.only)


def options():
    parser = argparse.ArgumentParser(prog="script/fixes", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every comparable fix, not a number of each part (hours)")
    parser.add_argument("--vendor", default=Path(os.environ["SUTURE_BIN"]) / "suture-vendor", help="the program to use")
    parser.add_argument("--known", action="store_true", help="try nothing: write what is known of this program")
    parser.add_argument("--kernel", metavar="RELEASE", help="only the fixes of this kernel; nothing is written then")
    parser.add_argument("--jobs", metavar="N", type=int, default=min(2, os.cpu_count()), help="so many at a time (%(default)s)")
    parser.add_argument("only", nargs="*", metavar="PATH", help="only files below it; nothing is written then")
    return parser.parse_args()


def write(path, text):
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def main():
    wanted = options()
    results = Results(pairs.cache() / "fixes/results.jsonl", make=not wanted.known)
    try:
        chosen = [pair for pair in (pairs.ready() if wanted.known else pairs.pairs()) if wanted.kernel in (None, pair.release)]
        sections = [Run(wanted, pair, results).all() for pair in chosen]
    except pairs.PairError as error:
        sys.exit(f"script/fixes: {error}")
    if not wanted.only and not wanted.kernel:
        write(pairs.SOURCE / "docs/fixes.md", report.page(sections))
    rows = [row for _, rows, _ in sections for row in rows]
    print(report.summary(rows))
    sys.exit(any(row.result == report.FAILED for row in rows))


if __name__ == "__main__":
    main()
