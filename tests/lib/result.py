# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program did, for tests of commands."""
import json
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """reason: the code in the brackets of its error line, None on success."""
    status: int
    stdout: str
    stderr: str

    @property
    def reason(self):
        found = re.search(r"\[([a-z0-9-]+)\]$", self.stderr.strip())
        return found[1] if found else None

    @property
    def json(self):
        return json.loads(self.stdout)
