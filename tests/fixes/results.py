# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known already: lines of JSON, each a key and a value; the last of a key counts."""
import json
from pathlib import Path


class Unknown(Exception):
    """Nothing is known of the key, and nothing is to be made."""


class Results:
    def __init__(self, path, make=True):
        self.path = Path(path)
        self.make = make
        self.known = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
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

    def once(self, key, make):
        """The value of key, made when it is not known."""
        if key not in self.known:
            if not self.make:
                raise Unknown(key)
            self.known[key] = make()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "value": self.known[key]}) + "\n")
        return self.known[key]
