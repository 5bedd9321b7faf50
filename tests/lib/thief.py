# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody with some of a vendor's TUF keys, and a web server or the network between it and its hosts."""
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from lib.pipeline import VENDOR_BIN, must
from lib.tufrepo import canonical


class Thief:
    """A copy of a public folder. keys: of a role, the paths of those private keys that were stolen."""

    def __init__(self, public, folder, **keys):
        self.public = Path(shutil.copytree(public, folder))
        self.url = f"file://{self.public}"
        self.metadata = self.public / "metadata"
        self.keys = keys

    def path(self, role, version=None):
        """Where a role's metadata is; the newest, unless a version is given."""
        if role == "timestamp":
            return self.metadata / "timestamp.json"
        version = version or max(int(path.name.split(".")[0]) for path in self.metadata.glob(f"*.{role}.json"))
        return self.metadata / f"{version}.{role}.json"

    def read(self, role):
        return json.loads(self.path(role).read_bytes())["signed"]

    def write(self, role, signed):
        """By the stolen keys, whether or not they are enough."""
        signatures = []
        for key in self.keys[role]:
            shown = json.loads(must([VENDOR_BIN / "suture", "key", "show", "--json", key]))
            made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=canonical(signed), capture_output=True, check=True)
            signatures.append({"keyid": shown[0]["tuf_key_id"], "sig": made.stdout.hex()})
        path = self.path(role, signed["version"])
        path.unlink(missing_ok=True)  # not through a link
        path.write_text(json.dumps({"signatures": signatures, "signed": signed}))

    def publish(self, *changed, **members):
        """Newer snapshot and timestamp over what is there (changed: names of roles); members: those of timestamp that are another."""
        snapshot, timestamp = self.read("snapshot"), self.read("timestamp")
        for role in changed:
            snapshot["meta"][f"{role}.json"]["version"] = self.read(role)["version"]
        snapshot["version"] += 1
        self.write("snapshot", snapshot)
        self.stamp(timestamp, **members)

    def stamp(self, timestamp, **members):
        data = self.path("snapshot").read_bytes()
        timestamp["version"] += 1
        timestamp["meta"]["snapshot.json"] = {"version": self.read("snapshot")["version"], "length": len(data),
                                              "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
        self.write("timestamp", {**timestamp, **members})
