# SPDX-License-Identifier: LGPL-2.1-or-later
"""`make vmlinux` of the kernel that fixes are for. The first build takes about an hour of CPU time: it is made when asked for
(script/bench packager --full), kept in the cache with the tree, and only told again afterwards; building again with nothing changed is
measured each time."""
import datetime
import json
import os
import shutil
import subprocess

from measure import measured

import pairs

LOG = "yardstick.log"


def _folder(pair):
    return pairs.cache() / "yardstick" / pair.name


def _make(tree, release, *goals):
    """The tools are those of the profile, pahole apart, which the profile has a stand-in for."""
    words = ["make", "-C", tree, f"-j{os.cpu_count()}", "ARCH=x86", "CC=gcc-12", f"KERNELRELEASE={release}", *goals]
    with open(tree.parent / LOG, "a", encoding="utf-8") as log:
        return measured(words, stderr=log, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})


def _cold(pair, source):
    """The record of the first build, which is made here."""
    folder = _folder(pair)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tree = folder / "tree"
    subprocess.run(["cp", "-a", source, tree], check=True)
    config = (tree / ".config").read_bytes()
    _make(tree, pair.release, "mrproper")
    (tree / ".config").write_bytes(config)
    load = os.getloadavg()[0]
    run = _make(tree, pair.release, "vmlinux")
    record = {"date": str(datetime.date.today()), "cores": os.cpu_count(), "wall": run.wall, "cpu": run.cpu, "memory": run.memory,
              "load": [load, os.getloadavg()[2]], "nice": os.getpriority(os.PRIO_PROCESS, 0)}
    (folder / "cold.json").write_text(json.dumps(record, indent=1) + "\n")
    return record


def _told(record):
    """Other work on the machine makes the time worthless, and hardly changes the CPU time."""
    minutes, cpu = record["wall"] / 60, record["cpu"] / 60
    shared = record["nice"] > 0 or cpu < 0.8 * minutes * record["cores"]
    aside = ", beside other work, which that time says more of than of make" if shared else ""
    return f"CPU time {cpu:.1f} min; {minutes:.1f} min on {record['cores']} cores (measured once, {record['date']}{aside}); peak memory {record['memory'] / 1e6:.0f} MB"


def rows(pair, source, fixes, full):
    """fixes: what building one-file fixes took. source: the profile's tree."""
    kept = _folder(pair) / "cold.json"
    if full:
        _cold(pair, source)
    if not kept.exists():
        return [("`make vmlinux`, cold and again with nothing changed", "not measured: `script/bench packager --full` does, once")]
    record = json.loads(kept.read_text())
    again = _make(_folder(pair) / "tree", pair.release, "vmlinux")
    cpu, slowest = max(fix.cpu for fix in fixes), max(fix.wall for fix in fixes)
    return [("`make vmlinux` of the same source and configuration, cold", _told(record)),
            ("`make vmlinux` again, nothing changed", f"{again.wall:.1f} s; CPU time {again.cpu:.1f} s"),
            ("ratio: slowest one-file fix over the cold build, CPU time", f"{cpu / record['cpu']:.4f}"),
            ("ratio: slowest one-file fix over the build with nothing changed, time", f"{slowest / again.wall:.2f}")]
