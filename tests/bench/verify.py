# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks 2 to 5 of many bundles, beside rpmkeys, which makes a part of check 3, and beside plain SHA-256."""
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib import pipeline

COUNT = 200
PADDING = 1 << 20  # bytes that do not compress, so that the RPM is of that size too
ROUNDS = 3


def _padded_module(vendor, scratch, number):
    """The sample's module with a section of random bytes that nothing loads."""
    bundle = vendor.bundles["proc-version-1-1"]
    module = next(bundle.glob("*.ko"))
    padding = scratch / f"padding-{number}"
    padding.write_bytes(os.urandom(PADDING))
    padded = scratch / f"{number}" / module.name
    padded.parent.mkdir()
    unsigned = scratch / f"unsigned-{number}.ko"
    unsigned.write_bytes(_without_signature(module.read_bytes()))
    pipeline.must(["objcopy", "--add-section", f".padding={padding}", unsigned, padded])
    padding.unlink()
    unsigned.unlink()
    return padded


def _without_signature(module):
    magic = b"~Module signature appended~\n"
    size = int.from_bytes(module[-len(magic) - 4:-len(magic)], "big")
    return module[:len(module) - len(magic) - 12 - size]


def _make(vendor, folder, number):
    keys = vendor.keys
    with tempfile.TemporaryDirectory() as scratch:
        module = _padded_module(vendor, Path(scratch), number)
        vendor.tool("build", module, "-o", folder, "--kernel-image", pipeline.kernel().image, "--description",
                    pipeline.SOURCE / "samples/version/patch.conf", "--patch-version", str(number),
                    "--module-key", keys / "module.key", "--module-certificate", keys / "module.pem",
                    "--manifest-key", keys / "manifest.key", "--manifest-certificate", keys / "manifest.pem",
                    "--package-key", vendor.rpm_key)


def _bundles(vendor):
    """Made once, kept in the build folder."""
    folder = pipeline.BUILD / "bench-bundles"
    marker = folder / vendor.folder.name
    if not marker.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        print(f"making {COUNT} bundles, once", flush=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda number: _make(vendor, folder, number), range(1, COUNT + 1)))
        marker.touch()
    return sorted(folder.glob("*.rpm"))


def _best(command, **options):
    """Seconds of the fastest of some rounds; the files are in the page cache."""
    times = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, **options)
        times.append(time.monotonic() - start)
    return min(times)


def _openssl_speed():
    said = subprocess.run(["openssl", "speed", "-seconds", "3", "-bytes", "1048576", "-evp", "sha256"],
                          capture_output=True, text=True, check=True).stdout
    return float(re.search(r"([0-9.]+)k\s*$", said)[1]) * 1000


def run():
    vendor = pipeline.vendor()
    files = _bundles(vendor)
    size = sum(path.stat().st_size for path in files)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        host = pipeline.Host(folder / "host", vendor.trust)
        verify = [pipeline.BIN / "suture", "--root", host.root, "--quiet", "verify", *host.identity, *files]
        ours = _best(verify)
        database = folder / "rpmdb"
        pipeline.must(["rpmkeys", "--dbpath", database, "--import", vendor.trust / "rpm-keyring.asc"])
        theirs = _best(["rpmkeys", "--dbpath", database, "-K", *files])
    hashing = _openssl_speed()
    rate = size / ours
    return [
        (f"`suture verify` of {COUNT} bundles, {size / 1e6:.0f} MB (SHA-256 of the whole file, checks 3 to 5, kernel match, a "
         "synced ledger record each)",
         f"{ours:.2f} s: {COUNT / ours:.0f} files/s, {rate / 1e6:.0f} MB/s"),
        ("`rpmkeys -K` on the same files (header signature and digests alone)",
         f"{theirs:.2f} s: {COUNT / theirs:.0f} files/s, {size / theirs / 1e6:.0f} MB/s"),
        ("`openssl speed -evp sha256`, 1 MiB blocks", f"{hashing / 1e6:.0f} MB/s"),
        ("ratio: checks 2 to 5, time over `rpmkeys -K`", f"{ours / theirs:.2f}"),
        ("ratio: checks 2 to 5, rate over `openssl speed sha256`", f"{rate / hashing:.2f}"),
    ]
