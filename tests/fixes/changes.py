# SPDX-License-Identifier: LGPL-2.1-or-later
"""From changed files to fixes: which are tried, in what order, and what a change that does not compile alone is joined with."""
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 3
# Parts of the kernel and how many comparable fixes each gives, as far as it has them; a file belongs to the first that fits.
AREAS = (("net/netfilter", 5), ("net/ipv4", 4), ("net/ipv6", 4), ("net/sched", 4), ("net/core", 3), ("net", 7), ("fs", 7), ("mm", 4),
         ("kernel", 6), ("drivers/net", 4), ("drivers/md", 2), ("drivers", 5), ("block", 2), ("crypto", 2), ("io_uring", 2),
         ("arch/x86", 1), ("", 2))
NAMES = re.compile(r"error: .*?['‘]([A-Za-z_]\w*)['’]")
MEMBER = re.compile(r"has no member named ['‘](\w+)['’]")


@dataclass(frozen=True)
class Fix:
    """paths: of the files of the kernel that it changes, the one that it was begun with first."""
    paths: tuple
    text: bytes

    @property
    def name(self):
        return self.paths[0]

    @property
    def digest(self):
        return hashlib.sha256(self.text).hexdigest()


class Changes:
    """The diffs of one pair: {path: text}."""

    def __init__(self, folder):
        self.texts = {str(path.relative_to(folder)).removesuffix(".diff"): path.read_bytes()
                      for path in sorted(Path(folder).rglob("*.diff"))}

    def fix(self, paths):
        return Fix(tuple(paths), b"".join(self.texts[path] for path in paths))

    def sources(self):
        return [path for path in self.texts if path.endswith(".c")]

    def mentioning(self, word):
        """Files in whose diff an added line has the word."""
        pattern = re.compile(rb"^\+.*\b" + re.escape(word.encode()) + rb"\b", re.M)
        return [path for path, text in self.texts.items() if pattern.search(text)]


def area_of(path):
    return next(area for area, _ in AREAS if not area or path.startswith(area + "/"))


def order(paths):
    """Each area's files in the order in which they are tried: that of their names' hashes, which favours nothing."""
    ordered = {area: [] for area, _ in AREAS}
    for path in sorted(paths, key=lambda path: hashlib.sha256(path.encode()).hexdigest()):
        ordered[area_of(path)].append(path)
    return ordered


def missing_names(said):
    """What a compiler says it does not know, or knows otherwise."""
    return list(dict.fromkeys([*MEMBER.findall(said), *NAMES.findall(said)]))


def joined(changes, fix, said):
    """The fix with those changed files that have the names which the compiler misses; None where that is more than MAX_FILES
    sources, or nothing."""
    paths = list(fix.paths)
    for name in missing_names(said):
        found = [path for path in changes.mentioning(name) if path not in paths]
        near = [path for path in found if path.endswith(".h") or Path(path).parent == Path(fix.name).parent]
        paths += near or found
    if len(paths) == len(fix.paths) or sum(path.endswith(".c") for path in paths) > MAX_FILES:
        return None
    return changes.fix(paths)
