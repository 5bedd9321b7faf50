# SPDX-License-Identifier: LGPL-2.1-or-later
"""script/fixes: real fixes of Debian's kernels, built, run, reverted, and written down in docs/fixes.md."""
import argparse
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import builder
import changes as selection
import exercises
import judge
import pairs
import report
from results import Results, Unknown

JOINS = 3
NOT_COMPARABLE = {"fix-not-built": "not built for this kernel", "fix-nothing": "change nothing", "fix-compile": "do not compile alone",
                  "fix-too-many-units": "reach many objects"}
NO_HARDWARE = "have a module that does not load here"


def digest(*parts):
    return hashlib.sha256(b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)).hexdigest()[:32]


class Run:
    """All fixes of one pair."""

    def __init__(self, options, pair, results):
        self.options, self.pair, self.results = options, pair, results
        self.changes = selection.Changes(pairs.changes(pair))
        self.store = pairs.profile(options.vendor, pair)
        self.tool = digest(Path(os.path.realpath(options.vendor)).read_bytes())
        self.refusals = report.refusals()
        self.rows, self.left_out, self.used = [], Counter(), set()

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
            builder.build(self.options.vendor, self.store, self.pair.release, fix, self.folder(fix))
        sha256 = value.pop("sha256")
        return builder.Build(**value), sha256

    def folder(self, fix):
        return pairs.folder(self.pair) / "out" / fix.digest[:16]

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
        key = digest(sha256, self.pair.release, exercise, judge.SCRIPT, judge.COMPLAINT.pattern,
                     *(path.read_bytes() for path in sorted(judge.GUEST.iterdir())))
        out = pairs.folder(self.pair) / "vm" / fix.digest[:16]
        return self.results.once(f"verdict {key}", lambda: judge.as_json(
            judge.judge(self.pair.release, Path(made.module).parent, exercise, out)))

    def row(self, fix, made, sha256):
        """What is said of a comparable fix; None when its module cannot be loaded here."""
        if not made.built:
            result, note = report.judge_refusal(self.refusals, self.pair.release, fix.name, made.reason, made.words)
            return report.Row(self.pair.release, fix.paths, result, note, 0, None, made.seconds)
        verdict = self.judged(fix, made, sha256)
        if re.match(r"module \w+ is not there", verdict["why"]):
            return None
        return report.Row(self.pair.release, fix.paths, report.FAILED if verdict["why"] else report.LIVE, verdict["why"],
                          verdict["functions"], verdict["ran"], made.seconds + verdict["seconds"])

    def take(self, path):
        """Try one file; True when it is comparable."""
        try:
            fix, made, sha256 = self.compiled(path)
            row = None if made.reason in NOT_COMPARABLE else self.row(fix, made, sha256)
        except Unknown:
            return False
        if not row:
            self.left_out[NOT_COMPARABLE.get(made.reason, NO_HARDWARE)] += 1
            return False
        self.used.update(fix.paths)
        self.rows.append(row)
        print(f"{row.seconds:6.1f} s  {self.pair.release}  {fix.name}  {row.result}{row.note and ': '}{row.note}", flush=True)
        return True

    def all(self):
        ordered = selection.order(self.changes.sources())
        for area, wanted in selection.AREAS:
            left = min(wanted, self.pair.each or wanted) if not self.options.all else len(ordered[area])
            for path in ordered[area]:
                if left and path not in self.used and self.chosen(path):
                    left -= self.take(path)
        self.rows.sort(key=lambda row: row.paths)
        return self.pair, self.rows, dict(self.left_out)

    def chosen(self, path):
        return not self.options.only or any(path.startswith(prefix) for prefix in self.options.only)


def options():
    parser = argparse.ArgumentParser(prog="script/fixes", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every comparable fix, not a number of each part (hours)")
    parser.add_argument("--vendor", default=Path(os.environ["SUTURE_BIN"]) / "suture-vendor", help="the program to use")
    parser.add_argument("--known", action="store_true", help="try nothing: write what is known of this program")
    parser.add_argument("--kernel", metavar="RELEASE", help="only the fixes of this kernel; nothing is written then")
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
