# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cache of built things: entries are folders named by what went into them, whole or absent, built once."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

KEEP = 8
IN_USE = 15 * 60
ABANDONED = 60 * 60


def root():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "suture" / "vm"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(parts):
    """One hash of strings, byte strings and the content of files (Path)."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part
        data = data if isinstance(data, bytes) else str(data).encode()
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()[:24]


@contextlib.contextmanager
def temporary():
    """A folder for one run, on the disk of the cache; what a killed run left behind goes with the next build."""
    with tempfile.TemporaryDirectory(prefix="new-", dir=root()) as path:
        yield Path(path)


@contextlib.contextmanager
def _locked(kind):
    with open(root() / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def entry(kind, parts, build, keep=KEEP):
    """The folder for parts; build(folder) fills it when it is not there. Beyond keep, the longest unused ones go."""
    path = root() / f"{kind}-{digest(parts)}"
    if not path.is_dir():
        with _locked(kind):
            if not path.is_dir():
                _build(path, build)
                _prune(kind, keep)
    os.utime(path)
    return path


def _build(path, build):
    with tempfile.TemporaryDirectory(prefix="new-", dir=root()) as folder:
        done = Path(folder) / "entry"
        done.mkdir()
        build(done)
        done.rename(path)


def _prune(kind, keep):
    now = time.time()

    def age(path):
        with contextlib.suppress(FileNotFoundError):
            return now - path.stat().st_mtime
        return 0

    unused = sorted(root().glob(f"{kind}-*"), key=age)[keep:]
    stale = [path for path in unused if age(path) > IN_USE]
    stale += [path for path in root().glob("new-*") if age(path) > ABANDONED]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
