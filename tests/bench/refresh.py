# SPDX-License-Identifier: LGPL-2.1-or-later
"""Refreshing with nothing new: requests, bytes and time, beside curl getting one small file."""
import subprocess
import tempfile
import time
from pathlib import Path

from lib import pipeline

ROUNDS = 5


def _timed(command):
    times = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


def run():
    vendor = pipeline.vendor()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with pipeline.Web(vendor.public, folder / "web") as web:
            host = pipeline.Host(folder / "host", vendor.trust, web.url, web.ca)
            fetch = [pipeline.BIN / "suture", "--root", host.root, "fetch", *host.identity]
            first = host.fetch("--json")
            if first.status:
                raise RuntimeError(first.stderr)
            before = len(web.server.requests())
            again = host.fetch("--json")
            asked = web.server.requests()[before:]
            ours = _timed(fetch)
            theirs = _timed(["curl", "-s", "--cacert", web.ca, "-o", folder / "timestamp.json",
                             f"{web.url}/metadata/timestamp.json"])
    return [
        ("refresh with nothing new: requests", f"{len(asked)}: {', '.join(asked)}"),
        ("refresh with nothing new: body bytes", str(again.json["bytes"])),
        ("refresh with nothing new: time of the whole command (TLS on loopback)", f"{ours * 1000:.0f} ms"),
        ("`curl` for timestamp.json alone", f"{theirs * 1000:.0f} ms"),
        ("ratio: refresh over curl", f"{ours / theirs:.2f}"),
    ]
