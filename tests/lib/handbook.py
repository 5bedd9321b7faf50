# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in documents, so that tests run what people read: marked blocks of man pages, code blocks of Markdown."""
import os
import re
import subprocess

BLOCK = re.compile(r"^; rehearsed: (?P<name>[a-z_-]+) (?P<who>[a-z]+)\n```\n(?P<text>.*?)^```$", re.M | re.S)


def man_blocks(path):
    """(name, who) to the commands of each block of a page in scdoc that has a line "; rehearsed: NAME WHO" before it."""
    return {(found["name"], found["who"]): found["text"].replace("\\\\", "\\") for found in BLOCK.finditer(path.read_text())}


def unmarked(path):
    """How many blocks of a page have no such line."""
    return len(re.findall(r"^```$", path.read_text(), re.M)) // 2 - len(man_blocks(path))


def markdown_blocks(path):
    """The code blocks of a Markdown file in order: (language, text)."""
    return [(found[1], found[2]) for found in re.finditer(r"^```([a-z]*)\n(.*?)^```$", path.read_text(), re.M | re.S)]


def run(text, replace, folder, environment, wrapper=(), timeout=300):
    """The commands by bash -e, with @replace's words in the place of what a document calls them, where they begin a word."""
    for old in sorted(replace, key=len, reverse=True):
        text = re.sub(r"(?<![\w.$/-])" + re.escape(old), lambda _, new=replace[old]: str(new), text)
    done = subprocess.run([*wrapper, "bash", "-e", "-o", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **environment}, check=False)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout
