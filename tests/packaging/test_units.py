# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units that are installed: systemd can load them, and the one that talks to a network is confined."""
import os
import re
import subprocess
from pathlib import Path

import pytest

SOURCE, BIN = Path(os.environ["SUTURE_SOURCE"]), Path(os.environ["SUTURE_BIN"])
UNITS = sorted((SOURCE / "share/systemd").iterdir())


@pytest.fixture
def units(tmp_path):
    """Copies that start this build's program."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/suture", str(BIN / "suture")))
    return tmp_path


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_systemd_loads_it(units, name):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", units / name], capture_output=True, text=True, check=False,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"})
    assert done.returncode == 0 and name not in done.stderr, done.stderr


def test_update_is_confined(units):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", units / "suture-update.service"],
                          capture_output=True, text=True, check=False)
    good = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")}
    assert {"ProtectSystem=", "ProtectHome=", "PrivateTmp=", "MemoryDenyWriteExecute="} <= good, done.stdout
    exposure = float(re.search(r"Overall exposure level for suture-update.service: ([0-9.]+)", done.stdout)[1])
    assert exposure < 7


def test_update_may_write_only_where_it_keeps_its_own(units):
    text = (units / "suture-update.service").read_text()
    assert "ProtectSystem=strict" in text and "ReadWritePaths=/var/lib/suture /run/suture\n" in text


def test_the_user_that_downloads_is_made_at_installation():
    text = (SOURCE / "share/sysusers.d/suture.conf").read_text()
    assert re.search(r"^u suture - .* /var/lib/suture/download$", text, re.M)
