# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program needs: time, CPU time, memory; of it and all that it starts."""
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.02
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    wall: float
    cpu: float
    memory: int
    output: str


def _session(process):
    stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    return int(stat[stat.rindex(")") + 2:].split()[3])


def _resident(session, known):
    """Bytes in memory of all processes of the session; known: session of each process that was seen before."""
    total = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if process not in known:
                known[process] = _session(process)
            if known[process] == session:
                total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        except (OSError, ValueError):
            known.pop(process, None)  # it has ended
    return total


def _watch(session, over, peak):
    known = {}
    while not over.wait(EVERY):
        peak[0] = max(peak[0], _resident(session, known))


def measured(command, **options):
    """Runs it, which has to succeed."""
    began, peak, over = time.monotonic(), [0], threading.Event()
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, start_new_session=True, **options) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, over, peak))
        watcher.start()
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {process.returncode}")
    return Measured(time.monotonic() - began, used.ru_utime + used.ru_stime, peak[0], output)
