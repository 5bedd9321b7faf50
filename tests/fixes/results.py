# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known already: lines of JSON, each a key and a value; the last of a key counts."""
import json
import threading
from pathlib import Path


class Unknown(Exception):
    """Nothing is known of the key, and nothing is to be made."""


class Results:
    """It may be asked by several threads."""

    def __init__(self, path, make=True):
        self.path = Path(path)
        self.make = make
        self.known = {}
        self.lock = threading.Lock()
        text = self.path.read_text() if self.path.exists() else ""
        self.cut_off = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            entry = self._entry(line)
            self.known[entry[0]] = entry[1]
        self.known.pop(None, None)

    @staticmethod
    def _entry(line):
        """A line that was cut off by the end of a run says nothing."""
        try:
            value = json.loads(line)
            return value["key"], value["value"]
        except (json.JSONDecodeError, KeyError, TypeError):
            return None, None

    def store(self, key, value):
        line = json.dumps({"key": key, "value": value}) + "\n"
        with self.lock:
            self.known[key] = value
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write("\n" * self.cut_off + line)
            self.cut_off = False
        return value

    def once(self, key, make, keep=lambda value: True):
        """The value of key, made when it is not known; stored when it is to be kept."""
        if key in self.known:
            return self.known[key]
        if not self.make:
            raise Unknown(key)
        value = make()
        return self.store(key, value) if keep(value) else value
