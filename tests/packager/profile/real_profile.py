# SPDX-License-Identifier: LGPL-2.1-or-later
"""The profile of the kernel that script/kernel names, imported once and kept in the cache for all tests and later runs."""
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ["SUTURE_SOURCE"])
SUTURE = Path(os.environ["SUTURE_BIN"]) / "suture-vendor"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suture/profiles"
KEEP_DAYS = 14


def kernel(series):
    """What script/kernel says: RELEASE, IMAGE, MODULES, HEADERS."""
    said = subprocess.run([SOURCE / "script/kernel", "--series", series], capture_output=True, text=True, check=True).stdout
    pairs = (word.split("=", 1) for word in shlex.split(said))
    return {key.removeprefix("SUTURE_KERNEL_"): value for key, value in pairs}


def code():
    """Changes with all that decides what an import writes."""
    digest = hashlib.sha256()
    for path in sorted((SOURCE / "packager/profile").glob("*.[ch]")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prune():
    for path in CACHE.glob("*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > KEEP_DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)


def make(store, release, names):
    """As a vendor does it, with the source as a folder and the installed headers."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch) / "source"
        series = ".".join(release.split(".")[:2])
        subprocess.run([SOURCE / "script/kernel-source", "--series", series, "--tree", tree], check=True, stdout=subprocess.DEVNULL)
        config = Path(names["IMAGE"]).parent / f"config-{release}"
        subprocess.run([SUTURE, "kernel", "import", "--profiles", store, "--source", tree, "--config", config, "--headers",
                        names["HEADERS"], "--image", names["IMAGE"], "--modules", names["MODULES"]],
                       check=True, stdout=subprocess.DEVNULL)


def real_profile(series="6.1"):
    """(store, release); takes about a minute when the cache has none."""
    names = kernel(series)
    store, release = CACHE / code(), names["RELEASE"]
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prune()
        found = subprocess.run([SUTURE, "kernel", "show", "--profiles", store, release], capture_output=True, check=False)
        if found.returncode != 0:
            make(store, release, names)
        os.utime(store)
    return store, release
