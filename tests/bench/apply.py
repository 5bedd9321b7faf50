# SPDX-License-Identifier: LGPL-2.1-or-later
"""Applying a stack in the virtual machine: our own work apart from the kernel's transitions."""
import json
import tempfile
from pathlib import Path

from lib import pipeline

COUNT = 20


def _source(folder, number):
    """The version sample under another name, on top of the one before."""
    folder.mkdir()
    text = (pipeline.SOURCE / "samples/version/version.c").read_text()
    (folder / "version.c").write_text(text)
    description = (pipeline.SOURCE / "samples/version/patch.conf").read_text()
    description = description.replace("name=proc-version", f"name=bench-{number:02}")
    if number > 1:
        description += f"requires=bench-{number - 1:02}\n"
    (folder / "patch.conf").write_text(description)
    return folder


def _install(vendor, host, work):
    """Signed packages, unpacked where a package manager puts them."""
    keys = vendor.keys
    for number in range(1, COUNT + 1):
        vendor.tool("build", _source(work / f"source-{number}", number), "-o", work / "out", "--kernel-headers",
                    pipeline.kernel().headers, "--kernel-image", pipeline.kernel().image,
                    "--module-key", keys / "module.key", "--module-certificate", keys / "module.pem",
                    "--manifest-key", keys / "manifest.key", "--manifest-certificate", keys / "manifest.pem",
                    "--package-key", vendor.rpm_key)
    for package in (work / "out").glob("*.rpm"):
        pipeline.must(["sh", "-c", f"rpm2cpio '{package}' | cpio -idm --quiet -D '{host.root}'"])


SCRIPT = """
read before _ < /proc/uptime
suture apply --json > /out/apply.json || exit 1
read after _ < /proc/uptime
echo "$before $after" > /out/uptime
suture status
read before _ < /proc/uptime
suture apply
read after _ < /proc/uptime
echo "$before $after" > /out/again
"""


def _span(path):
    before, after = map(float, path.read_text().split())
    return after - before


def run():
    vendor = pipeline.vendor()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        host = pipeline.Host(folder / "host", vendor.trust)
        _install(vendor, host, folder)
        out = folder / "out-of-vm"
        result = host.boot(SCRIPT, out=out, timeout=600)
        if result.status:
            raise RuntimeError(result.output)
        applied = json.loads((out / "apply.json").read_text())["applied"]
        total = _span(out / "uptime")
        waited = sum(one["transition_seconds"] for one in applied)
        inside = sum(one["seconds"] for one in applied)
        again = _span(out / "again")
    return [
        (f"`suture apply` of {COUNT} stacked patches from installed packages, whole command (one emulated CPU)", f"{total:.2f} s"),
        ("of that, loading and the kernel's transitions", f"{waited:.2f} s"),
        ("our own work: verification, receipts, live copies, ledger, program start",
         f"{total - waited:.2f} s, {(total - waited) / COUNT * 1000:.0f} ms a patch"),
        ("of that, between one transition and the next", f"{(inside - waited) / COUNT * 1000:.0f} ms a patch"),
        ("ratio: our own work over the kernel's", f"{(total - waited) / waited:.2f}"),
        ("`suture apply` again, nothing to do", f"{again:.2f} s"),
    ]
