# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture-tuf-client on hosts whose clock is wrong, and on hosts that metadata reaches late."""
import datetime
import json
import time

import pytest
from lib.httpd import EvilServer
from lib.tufclient import Client
from lib.tufrepo import Repo, expiry, pooled_key

DEAD = "@1970-01-02 00:00:00"


@pytest.fixture
def repo(tmp_path):
    made = Repo(tmp_path / "repo")
    made.signed["timestamp"]["expires"] = expiry(7)
    made.signed["timestamp"]["x-suture-issued"] = expiry(0)
    made.write("timestamp")
    return made


@pytest.fixture
def server(repo):
    with EvilServer(repo.folder) as running:
        yield running


@pytest.fixture
def fresh(tmp_path, repo, server):
    """A client that has its root and nothing else."""
    made = Client(tmp_path, server.url)
    assert made.init(repo.read("root")), made.said
    return made


@pytest.fixture
def client(fresh):
    """A client that is up to date."""
    assert fresh.refresh(), fresh.said
    return fresh


def clock(client):
    return json.loads(client.stored()["clock.state"])


def change_clock(client, **members):
    (client.metadata / "clock.state").write_text(json.dumps(clock(client) | members))


def floor(client):
    return datetime.datetime.fromisoformat(clock(client)["floor"].replace("Z", "+00:00")).timestamp()


def uptime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def expire(repo, role="timestamp", days=-1):
    """A new version of a role that ended, with no word of when it was signed."""
    repo.signed["timestamp"].pop("x-suture-issued", None)
    repo.signed[role]["expires"] = expiry(days)
    repo.bump(role)


def refuses(client, reason, *arguments, keep=(), **options):
    """The clock's file may change with every refresh."""
    return client.refuses(reason, *arguments, keep=["clock.state", *keep], **options)


# The floor


def test_clock_is_what_timestamp_says(repo, client):
    assert abs(floor(client) - time.time()) < 60
    assert client.stored()["timestamp.json"] == repo.read("timestamp")


def test_without_the_member_there_is_no_clock(tmp_path, repo, server):
    del repo.signed["timestamp"]["x-suture-issued"]
    repo.write("timestamp")
    client = Client(tmp_path, server.url)
    assert client.init(repo.read("root")) and client.refresh(), client.said
    assert sorted(client.stored()) == ["root.json", "snapshot.json", "targets.json", "timestamp.json"]
    # This is what the clock is for: the host of a dead one believes what ended long ago.
    expire(repo)
    assert client.refresh(faketime=DEAD), client.said


@pytest.mark.parametrize("role, keep", [
    ("timestamp", []), ("snapshot", ["timestamp.json"]), ("targets", ["timestamp.json", "snapshot.json"]),
    ("root", ["root.json"]),
])
def test_dead_clock_does_not_bring_back_what_expired(repo, client, role, keep):
    expire(repo, role)
    assert refuses(client, f"tuf-{role}-expired", keep=keep, faketime=DEAD)


def test_dead_clock_does_not_hold_up_what_is_current(repo, client):
    repo.bump("targets")
    assert client.refresh(faketime=DEAD), client.said


def test_delegated_roles_expire_by_the_same_clock(repo, client):
    repo.delegate("targets", "A", paths=["*"])
    repo.signed["A"]["expires"] = expiry(-1)
    repo.publish()
    assert not client.download("file", faketime=DEAD)
    assert client.said.endswith("[tuf-delegated-expired]")


def test_first_contact_judges_by_what_timestamp_says(repo, fresh):
    expire(repo, "snapshot")
    repo.signed["timestamp"]["x-suture-issued"] = expiry(0)
    repo.bump("timestamp")
    assert refuses(fresh, "tuf-snapshot-expired", keep=["timestamp.json"], faketime=DEAD)


def test_floor_survives_a_reboot(repo, client):
    change_clock(client, boot_id="00000000-0000-0000-0000-000000000000", boottime=0)
    before = floor(client)
    expire(repo)
    assert refuses(client, "tuf-timestamp-expired", faketime=DEAD)
    assert floor(client) == before
    assert clock(client)["boot_id"] != "00000000-0000-0000-0000-000000000000"


def test_floor_goes_on_with_the_time_that_the_host_is_up(client):
    change_clock(client, boottime=0)
    before = floor(client)
    assert client.refresh(faketime=DEAD), client.said
    assert abs(floor(client) - (before + uptime())) < 60


def test_what_was_up_in_this_boot_is_kept_for_the_next(repo, client):
    change_clock(client, floor=expiry(5), boottime=max(0, int(uptime()) - 100))
    expire(repo, days=4)
    assert refuses(client, "tuf-timestamp-expired", faketime=DEAD)
    assert floor(client) >= time.time() + 5 * 86400
    change_clock(client, boot_id="00000000-0000-0000-0000-000000000000", boottime=0)
    assert refuses(client, "tuf-timestamp-expired", faketime=DEAD)


@pytest.mark.parametrize("ahead", ["+3d", "+6d"])
def test_local_clock_never_raises_the_floor(client, ahead):
    assert client.refresh(faketime=ahead), client.said
    assert floor(client) < time.time() + 60
    assert client.refresh(), client.said


def test_older_timestamp_does_not_lower_the_floor(repo, client):
    before = floor(client)
    repo.signed["timestamp"]["x-suture-issued"] = expiry(-30)
    repo.bump("timestamp")
    assert client.refresh(), client.said
    assert floor(client) >= before


def test_refused_timestamp_does_not_raise_the_floor(repo, client):
    repo.signed["timestamp"].update({"x-suture-issued": expiry(300), "expires": expiry(400)})
    repo.signers["timestamp"] = [pooled_key(9)]
    repo.bump("timestamp")
    assert refuses(client, "tuf-timestamp-signature")
    assert floor(client) < time.time() + 60


def test_issued_after_the_end_is_refused(repo, client):
    repo.signed["timestamp"].update({"x-suture-issued": expiry(8), "expires": expiry(7)})
    repo.bump("timestamp")
    assert refuses(client, "tuf-timestamp-issued")
    assert floor(client) < time.time() + 60


@pytest.mark.parametrize("issued", [5, None, "", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+00:00", [], {}])
def test_issued_that_is_no_time_is_refused(repo, client, issued):
    repo.signed["timestamp"]["x-suture-issued"] = issued
    repo.bump("timestamp")
    assert refuses(client, "tuf-metadata-malformed")


def test_new_timestamp_key_drops_a_floor_of_the_future(repo, client):
    """Whoever had the timestamp key may have taken all hosts' clocks along."""
    repo.signed["timestamp"].update({"x-suture-issued": expiry(20), "expires": expiry(400)})
    repo.signed["snapshot"]["expires"] = expiry(10)
    repo.bump("snapshot")
    assert not client.refresh()
    assert client.said.endswith("[tuf-snapshot-expired]")
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
    repo.bump("timestamp")
    assert not client.refresh()
    assert client.said.endswith("[tuf-timestamp-expired]")
    repo.set_keys("timestamp", [pooled_key(7)])
    repo.signed["timestamp"]["version"] = 1
    repo.bump("root", "timestamp")
    assert client.refresh(), client.said
    assert floor(client) < time.time() + 60


def test_root_that_ended_is_refused_at_first_contact_by_a_dead_clock(repo, fresh):
    """Timestamp tells the time; root is judged by that too."""
    repo.signed["root"]["expires"] = expiry(-30)
    repo.bump("root")
    repo.signed["timestamp"]["x-suture-issued"] = expiry(0)
    repo.bump("timestamp")
    assert not fresh.refresh(faketime=DEAD)
    assert fresh.said.endswith(("[tuf-root-expired]", "[tuf-timestamp-issued]"))


def test_new_snapshot_key_keeps_the_floor(repo, client):
    repo.set_keys("snapshot", [pooled_key(7)])
    expire(repo, "snapshot")
    repo.bump("root")
    assert not client.refresh(faketime=DEAD)
    assert client.said.endswith("[tuf-snapshot-expired]")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "floor": "soon"}', b"\xff" * 5000])
def test_damaged_clock_is_told_and_replaced(repo, client, damage):
    path = client.metadata / "clock.state"
    path.write_bytes(damage)
    with pytest.raises(AssertionError):  # it says something, though the refresh is good
        client.refresh(faketime=DEAD)
    assert "clock.state" in client.said and "stored timestamp metadata" in client.said
    assert abs(floor(client) - time.time()) < 60
    path.write_bytes(damage)
    expire(repo)
    before = client.stored()
    assert not client.refresh(faketime=DEAD)
    assert client.said.endswith("[tuf-timestamp-expired]")
    assert client.stored() | {"clock.state": b""} == before | {"clock.state": b""}


def test_lost_clock_is_made_again(repo, client):
    (client.metadata / "clock.state").unlink()
    expire(repo)
    assert refuses(client, "tuf-timestamp-expired", faketime=DEAD)
    assert abs(floor(client) - time.time()) < 60


# max-stale


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_stale_metadata_is_used_as_long_as_policy_says(repo, client, role):
    expire(repo, role, -3)
    keep = ["timestamp.json"] if role == "snapshot" else []
    assert refuses(client, f"tuf-{role}-expired", keep=keep)
    assert refuses(client, f"tuf-{role}-expired", "--max-stale", "2")
    assert client.refresh("--max-stale", "4"), client.said
    assert client.version(role) == 2
    assert client.refresh("--max-stale", "4"), client.said
    assert not client.refresh("--max-stale", "4", faketime="+2d")


@pytest.mark.parametrize("role, keep", [("targets", ["timestamp.json", "snapshot.json"]), ("root", ["root.json"])])
def test_other_roles_are_never_stale(repo, client, role, keep):
    expire(repo, role)
    assert refuses(client, f"tuf-{role}-expired", "--max-stale", "100", keep=keep)


def test_delegated_roles_are_never_stale(repo, client):
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.signed["A"]["expires"] = expiry(-1)
    repo.publish()
    assert not client.run("--metadata-url", f"{client.url}/metadata", "--max-stale", "100", "list", "dir")
    assert client.said.endswith("[tuf-delegated-expired]")


def test_stale_metadata_does_not_go_back(repo, client):
    old = repo.read("timestamp")
    expire(repo)
    assert client.refresh("--max-stale", "30"), client.said
    repo.write_file("timestamp.json", old)
    assert refuses(client, "tuf-timestamp-rollback", "--max-stale", "30")
    repo.bump("targets")
    assert client.refresh("--max-stale", "30"), client.said
    repo.signed["targets"]["version"] = 1
    repo.bump("snapshot")
    assert refuses(client, "tuf-snapshot-rollback", "--max-stale", "30", keep=["timestamp.json"])


def test_stale_is_judged_by_the_floor_too(repo, client):
    expire(repo, days=-3)
    assert refuses(client, "tuf-timestamp-expired", "--max-stale", "2", faketime=DEAD)
    assert client.refresh("--max-stale", "4", faketime=DEAD), client.said
