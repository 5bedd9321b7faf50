# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture update on a real kernel: fetched, applied, recalled and taken back, with two at a time refused."""
import json
import re
import shutil

import pytest
from lib.pipeline import Host, must, vendor

RECALLED, OTHER = "proc-uptime-1-1", "proc-version-1-1"

SCRIPT = """
set -u
step() { echo "## $1"; shift; "$@" > /tmp/said 2>&1; code=$?; cat /tmp/said; echo "## exit $code"; }
step check suture check --json
step update suture update --json
step again suture update
step status suture status --json
suture update > /dev/null & sleep 0.1
step busy suture update
wait
rm -r /srv/repository; mv /srv/recalled /srv/repository
step recalled suture check --json
step kept suture update --json
printf '[policy]\\nrevert-withdrawn=true\\n' > /etc/suture/policy.d/recalls.conf
step reverted suture update --json
step boot suture apply
step held suture list --json
rm -r /srv/repository
step offline suture update
"""


def recalled_repository(folder):
    """The vendor's repository after it recalled one of its patches."""
    source = vendor()
    must(["cp", "-a", source.folder / "repo", folder])
    source.tool("repo", "withdraw", folder, RECALLED, "--reason", "makes /proc/uptime lie")
    source.tool("repo", "publish", folder)
    return folder / "public"


@pytest.fixture(scope="module")
def transcript(tmp_path_factory):
    """Step to (output, exit status); and the host with what it kept."""
    folder = tmp_path_factory.mktemp("update")
    recalled = recalled_repository(folder / "recalled")
    trust = shutil.copytree(vendor().trust, folder / "trust")
    host = Host(folder / "host", trust, "file:///srv/repository")
    (host.root / "etc/suture/policy.d").mkdir()
    shutil.copytree(vendor().public, folder / "srv/repository", symlinks=True)
    shutil.copytree(recalled, folder / "srv/recalled", symlinks=True)
    result = host.boot(SCRIPT, copies=[(folder / "srv", "/srv"), ("/usr/bin/gpg", "/usr/bin/")])
    parts = re.findall(r"^## (\w+)$(.*?)^## exit (\d+)$", result.output, re.M | re.S)
    return {name: (text.strip(), int(status)) for name, text, status in parts}, host


@pytest.fixture(scope="module")
def steps(transcript):
    return transcript[0]


def read(step):
    text, _ = step
    return json.loads(text[text.index("{"):])


def test_check_sees_what_is_new(steps):
    assert steps["check"][1] == 0, steps["check"]
    states = {each["id"]: each["state"] for each in read(steps["check"])["bundles"]}
    assert states == {RECALLED: "new", OTHER: "new"}


def test_update_fetches_and_applies(steps):
    assert steps["update"][1] == 0, steps["update"]
    done = read(steps["update"])
    assert sorted(done["applied"]) == sorted(done["live"]) == [RECALLED, OTHER]
    assert len(done["fetched"]) == 2


def test_second_update_has_nothing_to_do(steps):
    assert steps["again"] == ("nothing to do: 2 patches are live", 0)


def test_second_update_at_a_time_is_refused(steps):
    text, status = steps["busy"]
    assert status == 9 and text.endswith("[busy]")


def test_recalled_patch_stays_until_policy_says_otherwise(steps):
    (row,) = [row for row in read(steps["recalled"])["bundles"] if row["id"] == RECALLED]
    assert row["state"] == "withdrawn" and row["live"] is True and row["detail"] == "makes /proc/uptime lie"
    assert RECALLED in read(steps["kept"])["live"]
    done = read(steps["reverted"])
    assert steps["reverted"][1] == 0, steps["reverted"]
    assert done["reverted"] == [RECALLED] and done["live"] == [OTHER]


def test_recalled_patch_is_not_applied_again(steps):
    assert steps["boot"][1] == 0 and "nothing to do: 1 patches are live" in steps["boot"][0]
    (row,) = [row for row in read(steps["held"])["patches"] if row["id"] == RECALLED]
    assert row["state"] == "held" and row["rule"] == "withdrawn"


def test_update_without_a_repository_says_so_and_keeps_what_is_live(steps):
    text, status = steps["offline"]
    assert status == 7 and "[fetch-not-found]" in text
    assert "nothing to do: 1 patches are live" in text


def test_no_private_key_reaches_a_host(transcript):
    _, host = transcript
    files = [path for path in host.root.rglob("*") if path.is_file()]
    assert [path for path in files if path.name == "timestamp.json"]  # it did fetch
    assert not [path for path in files if b"PRIVATE KEY" in path.read_bytes()]
