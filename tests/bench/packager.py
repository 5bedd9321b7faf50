# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the diffs of real fixes to signed RPMs, beside `make vmlinux` on the same source, which any tool needs that builds the whole kernel.
CPU time is that of a program and all that it starts; memory is the highest sum of what is resident in all of its processes, looked at fifty
times a second: pages that they share count in each."""
import json
import os
import sys
import tempfile
from pathlib import Path

from measure import measured
from lib import pipeline

sys.path.insert(0, str(pipeline.SOURCE / "tests/fixes"))
import changes  # noqa: E402
import pairs  # noqa: E402
import yardstick  # noqa: E402

ONE_FILE = ("kernel/pid.c", "net/unix/af_unix.c", "net/netfilter/nf_tables_api.c")
TEN_FILES = ("block/blk-mq.c", "drivers/net/tun.c", "fs/smb/client/smb2ops.c", "fs/userfaultfd.c", "io_uring/timeout.c", "kernel/pid.c",
             "mm/huge_memory.c", "net/core/neighbour.c", "net/netfilter/nf_tables_api.c", "net/sched/act_ct.c")
VENDOR = pipeline.VENDOR_BIN / "suture-vendor"
MEMORY_BOUND = 1500


def _bound(figure, bound, unit):
    return f"{'within' if figure <= bound else 'OVER'} the bound of {bound} {unit}"


def _steps(steps):
    """The stages with their times, those that took a moment only left out."""
    times = {}
    for step, seconds in steps:
        times[step] = times.get(step, 0) + seconds
    return ", ".join(f"{step} {seconds:.1f}" for step, seconds in times.items() if seconds >= 0.05)


def _packages(pair):
    common = f"{pair.release.removesuffix('-cloud-amd64')}-common"
    names = (pair.package, f"linux-headers-{common}", f"linux-headers-{pair.release}", f"linux-image-{pair.release}-unsigned")
    return [pairs.download(name, pair.old, pairs.cache() / "fixes/debs") for name in names]


def _import(pair, store):
    """(measurement, the profile's description)"""
    run = measured([VENDOR, "--quiet", "kernel", "import", "--profiles", store, *_packages(pair)])
    said = pipeline.must([VENDOR, "--json", "kernel", "show", "--profiles", store, pair.release])
    return run, json.loads(said)


def _build(vendor, pair, store, fixes, paths, scratch):
    """(measurement, the report's steps)"""
    name = f"bench_{len(list(scratch.iterdir()))}"
    patch = scratch / f"{name}.patch"
    patch.write_bytes(fixes.fix(paths).text)
    keys = vendor.keys
    run = measured([VENDOR, "--quiet", "build", "--profiles", store, "--kernel", pair.release, "--name", name, "--patch-version", "1",
                    "--patch-release", "1", "--summary", "A fix", "--severity", "low", "--advisory", "BENCH-1", "--explain", "--json",
                    "--module-key", keys / "module.key", "--module-certificate", keys / "module.pem", "--manifest-key", keys / "manifest.key",
                    "--manifest-certificate", keys / "manifest.pem", "--package-key", vendor.rpm_key, "-o", scratch / name, patch])
    report = json.JSONDecoder().raw_decode(run.output.lstrip())[0]
    assert len(report["units"]) >= len(paths) and list((scratch / name).glob("*.rpm"))
    fix = [(step["step"], step["seconds"]) for step in report["steps"]]
    return run, [*fix, ("signing and packing", run.wall - sum(seconds for _, seconds in fix))]


def _load_row():
    load, cores = os.getloadavg()[0], os.cpu_count()
    busy = "idle enough" if load < 0.5 else f"BUSY with other work, which the times are of as well; CPU time over {cores} cores is the least they can be"
    return ("the machine before it began", f"load average {load:.1f}: {busy}")


def _build_rows(what, run, steps, bound):
    return [(f"{what}: time", f"{run.wall:.1f} s ({_bound(run.wall, bound, 's')}); CPU time {run.cpu:.1f} s"),
            (f"{what}: stages in seconds", _steps(steps)),
            (f"{what}: peak memory", f"{run.memory / 1e6:.0f} MB ({_bound(run.memory / 1e6, MEMORY_BOUND, 'MB')})")]


def run(full=False):
    before = _load_row()
    vendor, pair = pipeline.vendor(), pairs.pairs()[0]
    fixes = changes.Changes(pairs.changes(pair))
    with tempfile.TemporaryDirectory(dir=pairs.cache()) as folder:
        scratch = Path(folder)
        store = scratch / "profiles"
        made, profile = _import(pair, store)
        what = f"import of {pair.release}, from packages"
        rows = [before, *_build_rows(what, made, [(step["step"], step["milliseconds"] / 1000) for step in profile["steps"]], 180)]
        one = []
        for path in ONE_FILE:
            one.append(_build(vendor, pair, store, fixes, (path,), scratch))
            rows += _build_rows(f"`suture build` of a fix of {path} to a signed RPM", *one[-1], 10)
        ten = _build(vendor, pair, store, fixes, TEN_FILES, scratch)
        rows += _build_rows(f"the same of {len(TEN_FILES)} files, {TEN_FILES[0]} to {TEN_FILES[-1]}", *ten, 40)
        tree = Path(profile["folder"]) / "tree"
        return rows + yardstick.rows(pair, tree, [run for run, _ in one], full)
