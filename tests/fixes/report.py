# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said of a fix, and docs/fixes.md."""
import json
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REFUSALS = Path(__file__).with_name("refusals.json")
LIVE, REFUSED, FAILED = "live and reverted", "refused", "FAILS"
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# Real fixes

Written by `script/fixes`; do not edit. Each row is a change that Debian took into its kernel source from one version to the next, given to
`suture build --kernel` as a diff for the kernel that was built from the older version.

- *live and reverted*: it was built, loaded into a virtual machine with that kernel, every function that its manifest names was shown as
  patched, the part of the kernel that it belongs to was used, and it was reverted and unloaded; the kernel complained of nothing, and
  nothing was left. *ran* says how many of its functions the exercise reached (those of drivers without their hardware: none).
  *held* says how many kinds of objects (open files of all sorts, sockets with data in them, timers, waiting threads, mounts, packet
  filters, requests of io_uring ...: tests/fixes/guest/held*.c, and devices or rules of that part of the kernel) were made while it
  was live, and used and let go after its module was gone. As many were made before it was loaded, and used and let go while it was live.
- *refused*: the builder said no, for a reason that a person found true by reading the fix; the sentence is that person's.
- *FAILS*: anything else; also a fix that was refused where a person who read it found no need.

How they were chosen: the changes between the two versions are split by file. Files below Documentation, samples and tools are left out. In
each part of the kernel the .c files are tried in the order of the SHA-256 of their names, until as many as that part gives are
comparable. Comparable is a fix that compiles and changes an object of this kernel. One that does not compile alone is joined with the
changed headers, and up to two more changed .c files, that have the names which the compiler misses; where that does not help, it is
not comparable. Nor is one whose module does not load in the virtual machine, because its hypervisor or hardware is not there. All that
was left out is counted and listed [at the end](#left-out), but for files that only one version has, and those that are not .c or .h.
"""


@dataclass(frozen=True)
class Row:
    release: str
    paths: tuple
    result: str
    note: str
    functions: int = 0
    ran: int | None = None
    held: int = 0
    seconds: float = 0


def refusals(path=REFUSALS):
    """{kernel: {file: {reason, why}}}"""
    return json.loads(Path(path).read_text())["refusals"]


def judge_refusal(table, release, name, reason, words):
    """(result, note) of a refusal: it has to be one that is known to be true, for this very reason, and not one known to be needless."""
    entry = table.get(release, {}).get(name)
    if entry and entry["reason"] == reason and entry.get("needless"):
        return FAILED, f"{reason}, without need: {entry['why']}"
    if entry and entry["reason"] == reason:
        return REFUSED, f"{reason}: {entry['why']}"
    expected = f"judged was {entry['reason']}" if entry else "nobody has judged that"
    return FAILED, f"{reason} ({expected}): {words}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ").strip()


def table(rows):
    lines = ["| file | result | functions | ran | held | seconds |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        result = row.result + (f": {row.note}" if row.note else "")
        ran = "" if row.ran is None else row.ran
        files = row.paths[0] + (f" (with {', '.join(row.paths[1:])})" if len(row.paths) > 1 else "")
        lines.append(f"| {cell(files)} | {cell(result)} | {row.functions or ''} | {ran} | {row.held or ''} | {row.seconds:.0f} |")
    return "\n".join(lines)


def share(part, whole):
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none"


def summary(rows):
    counts = Counter(row.result for row in rows)
    good = counts[LIVE] + counts[REFUSED]
    return "\n".join([f"- live and reverted, or refused for a true reason: {share(good, len(rows))}",
                      f"- live and reverted (of all that are comparable): {share(counts[LIVE], len(rows))}",
                      f"- refused for a true reason: {share(counts[REFUSED], len(rows))}",
                      f"- failing: {share(counts[FAILED], len(rows))}"])


def left_out_table(sections):
    """How many files were left out, by why and kernel."""
    reasons = sorted({why for _, _, left_out in sections for why in left_out if left_out[why]})
    lines = ["| left out | " + " | ".join(pair.release for pair, _, _ in sections) + " |", "| --- |" + " ---: |" * len(sections)]
    for why in reasons:
        lines.append(f"| {why} | " + " | ".join(str(len(left_out.get(why, ()))) for _, _, left_out in sections) + " |")
    return "\n".join(lines)


def folders(paths):
    """The paths in few words: each folder once."""
    found = {}
    for path in sorted(paths):
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    words = "; ".join(f"{folder}: {' '.join(names)}" for folder, names in found.items())
    return textwrap.fill(words, 140, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def left_out_lists(left_out):
    return "\n".join(f"- *{why}* ({len(left_out[why])}):\n  {folders(left_out[why])}" for why in sorted(left_out) if left_out[why])


def page(sections):
    """sections: (pair, rows, left_out) of each kernel; left_out: the files that no row is of, by why."""
    text = [HEAD, "## Summary\n", summary([row for _, rows, _ in sections for row in rows]), ""]
    for pair, rows, left_out in sections:
        text += [f"## {pair.old} to {pair.new}, on {pair.release}\n",
                 f"{summary(rows)}\n- [left out](#left-out): {sum(map(len, left_out.values()))} files\n", table(rows), ""]
    text += ["## Left out\n", left_out_table(sections), ""]
    for pair, _, left_out in sections:
        text += [f"### {pair.old} to {pair.new}\n", left_out_lists(left_out), ""]
    return "\n".join(text)
