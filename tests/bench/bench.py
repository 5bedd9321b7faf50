# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the benchmarks named, or all, and write what they measured into docs/benchmarks.md."""
import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import apply  # noqa: E402
import framework  # noqa: E402
import mirror  # noqa: E402
import packager  # noqa: E402
import refresh  # noqa: E402
import repository  # noqa: E402
import verify  # noqa: E402
from lib import pipeline  # noqa: E402

BENCHMARKS = {"verify": verify, "refresh": refresh, "repository": repository, "mirror": mirror, "apply": apply, "framework": framework,
              "packager": packager}
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# Benchmarks

What `script/bench` measured last, each section in one run. Absolute figures are the machine's; the ratios are what to compare.

"""
REPORT = pipeline.SOURCE / "docs/benchmarks.md"


def _machine():
    with open("/proc/cpuinfo") as info:
        model = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    version = subprocess.run(["rpm", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{datetime.date.today()}, {os.cpu_count()} cores, {model}; {version}; kernel in the VM {pipeline.kernel().release}."


def _table(name, rows):
    lines = [f"## {name}: `script/bench {name}`", "", BENCHMARKS[name].__doc__, "", _machine(), "", "| what | measured |", "| --- | --- |"]
    return "\n".join(lines + [f"| {what} | {figure} |" for what, figure in rows]) + "\n"


def _kept():
    """The sections of the report, by name."""
    parts = re.split(r"^(?=## (\w+):)", REPORT.read_text() if REPORT.exists() else "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _run(name, full):
    return packager.run(full) if name == "packager" else BENCHMARKS[name].run()


def main(words):
    names, full = [word for word in words if word != "--full"], "--full" in words
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"bench: no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    tables = {name: text.rstrip("\n") + "\n" for name, text in _kept().items()}
    for name in names or BENCHMARKS:
        tables[name] = _table(name, _run(name, full))
        print(tables[name], flush=True)
        REPORT.write_text(HEAD + "\n".join(tables[known] for known in BENCHMARKS if known in tables))


main(sys.argv[1:])
