# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture-tuf-client with its folders."""
import json
import os
import subprocess

CLIENT = os.path.join(os.environ["SUTURE_BIN"], "suture-tuf-client")


class Client:
    """The client with its folders, and what it says."""

    def __init__(self, tmp_path, url):
        self.metadata = tmp_path / "client"
        self.downloads = tmp_path / "downloads"
        self.scratch = tmp_path
        self.url = url
        self.said, self.printed = "", []

    def run(self, *arguments, faketime=None):
        command = [CLIENT, "--metadata-dir", str(self.metadata), *arguments]
        if faketime:
            # libfaketime comes before a sanitizer's library, which is fine.
            command = ["env", "ASAN_OPTIONS=verify_asan_link_order=0", "faketime", "-f", faketime, *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.said, self.printed = done.stderr.strip(), done.stdout.splitlines()
        assert done.returncode in (0, 1)
        assert (done.returncode == 0) == (self.said == "")
        return done.returncode == 0

    def init(self, root):
        path = self.scratch / "initial.json"
        path.write_bytes(root)
        return self.run("init", str(path))

    def refresh(self, *arguments, faketime=None):
        return self.run("--metadata-url", f"{self.url}/metadata", *arguments, "refresh", faketime=faketime)

    def download(self, *names, faketime=None):
        options = [option for name in names for option in ("--target-name", name)]
        return self.run(
            "--metadata-url", f"{self.url}/metadata/", "--target-dir", str(self.downloads),
            "--target-base-url", f"{self.url}/targets/", *options, "download", faketime=faketime,
        )

    def refuses(self, reason, *arguments, keep=(), **options):
        """Whether a refresh is refused for the reason, leaving all stored metadata but `keep` as it was."""
        before = self.stored()
        refused = not self.refresh(*arguments, **options)
        after = self.stored()
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert changed <= set(keep), f"{changed} changed"
        assert "\n" not in self.said
        return refused and self.said.endswith(f"[{reason}]")

    def stored(self):
        """Every file of the metadata folder."""
        if not self.metadata.exists():
            return {}
        return {path.name: path.read_bytes() for path in self.metadata.iterdir()}

    def version(self, role):
        return json.loads(self.stored()[f"{role}.json"])["signed"]["version"]

    def downloaded(self):
        """Every file of the downloads folder, hidden ones too."""
        if not self.downloads.exists():
            return {}
        return {path.name: path.read_bytes() for path in self.downloads.iterdir()}
