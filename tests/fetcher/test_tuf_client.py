# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture-tuf-client against repositories, good and evil, of an independent writer."""
import gzip
import hashlib
import json
import os

import pytest
from lib.httpd import EvilServer, Nginx
from lib.tufclient import Client
from lib.tufrepo import Key, Repo, canonical, expiry, pooled_key

NOTHING_NEW = ["/metadata/2.root.json", "/metadata/timestamp.json"]


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "repo")


@pytest.fixture
def server(repo):
    with EvilServer(repo.folder) as running:
        yield running


@pytest.fixture
def fresh(tmp_path, repo, server):
    """A client that has its root and nothing else."""
    client = Client(tmp_path, server.url)
    assert client.init(repo.read("root")), client.said
    return client


@pytest.fixture
def client(fresh, server):
    """A client that is up to date."""
    assert fresh.refresh(), fresh.said
    server.requests.clear()
    return fresh


# init


def test_init_stores_the_root_as_given_without_network(tmp_path, repo, server):
    client = Client(tmp_path, server.url)
    assert client.init(repo.read("root"))
    assert client.stored() == {"root.json": repo.read("root")}
    assert server.requests == []


def test_init_accepts_an_expired_root(tmp_path, repo, server):
    repo.signed["root"]["expires"] = expiry(-3)
    repo.write("root")
    assert Client(tmp_path, server.url).init(repo.read("root"))


@pytest.mark.parametrize("damage, reason", [
    (lambda d: d["signed"].pop("version"), "tuf-metadata-malformed"),
    (lambda d: d["signed"].update(version=0), "tuf-metadata-malformed"),
    (lambda d: d["signed"].update(version="1"), "tuf-metadata-malformed"),
    (lambda d: d["signed"].update(expires="2030-02-30T00:00:00Z"), "tuf-metadata-malformed"),
    (lambda d: d["signed"].update(expires="2030-01-01"), "tuf-metadata-malformed"),
    (lambda d: d["signed"]["roles"].pop("targets"), "tuf-metadata-malformed"),
    (lambda d: d.update(signatures={}), "tuf-metadata-malformed"),
    (lambda d: d["signed"].update(_type="targets"), "tuf-type"),
    (lambda d: d["signed"].update(spec_version="2.0.0"), "tuf-spec-version"),
    (lambda d: d["signed"]["roles"]["snapshot"].update(threshold=0), "tuf-threshold"),
    (lambda d: d["signed"]["roles"]["root"].update(threshold=-1), "tuf-threshold"),
    (lambda d: d["signed"]["roles"]["root"]["keyids"].append(d["signed"]["roles"]["root"]["keyids"][0]),
     "tuf-duplicate-keyid"),
    (lambda d: d["signatures"].append(d["signatures"][0]), "tuf-duplicate-keyid"),
    (lambda d: d["signatures"][0].update(sig="00" * 64), "tuf-root-signature"),
    (lambda d: d["signatures"].clear(), "tuf-root-signature"),
    (lambda d: d["signed"].update(extra=1), "tuf-root-signature"),
])
def test_init_refuses_a_root_that_does_not_vouch_for_itself(tmp_path, repo, server, damage, reason):
    document = repo.envelope("root")
    damage(document)
    client = Client(tmp_path, server.url)
    assert not client.init(json.dumps(document).encode())
    assert client.said.endswith(f"[{reason}]")
    assert client.stored() == {}


def test_refresh_without_a_root_makes_no_request(tmp_path, server):
    client = Client(tmp_path, server.url)
    assert client.refuses("tuf-not-initialised")
    assert server.requests == []


def test_refresh_with_a_damaged_stored_root_makes_no_request(fresh, server):
    (fresh.metadata / "root.json").write_bytes(b"{}")
    assert fresh.refuses("tuf-metadata-malformed")
    assert server.requests == []


# A refresh


def test_first_refresh_asks_for_each_role_once(fresh, server):
    assert fresh.refresh()
    assert server.paths() == NOTHING_NEW + ["/metadata/1.snapshot.json", "/metadata/1.targets.json"]


def test_stored_metadata_is_what_was_served_byte_for_byte(repo, fresh):
    # Another layout of the same JSON: signatures are over its canonical form.
    for role in ("targets", "snapshot", "timestamp"):
        repo.write_file(repo.file_name(role), b" " + repo.read(role) + b"\n \n")
    assert fresh.refresh(), fresh.said
    assert fresh.stored() == {f"{role}.json": repo.read(role) for role in
                              ("root", "timestamp", "snapshot", "targets")}


def test_refresh_with_nothing_new_makes_two_requests(client, server):
    before = client.stored()
    assert client.refresh()
    assert server.paths() == NOTHING_NEW
    assert client.stored() == before


def test_refresh_keeps_one_connection(tmp_path, repo):
    client = Client(tmp_path, None)
    with Nginx(repo.folder, tmp_path / "nginx") as nginx:
        client.url = nginx.url
        assert client.init(repo.read("root")) and client.refresh(), client.said
        assert len(nginx.requests()) == 4
        assert nginx.connections() == 1


def test_refresh_from_nginx_and_from_a_file_url(tmp_path, repo):
    repo.add_target("a/b", b"content")
    repo.bump("targets")
    with Nginx(repo.folder, tmp_path / "nginx") as nginx:
        for number, url in enumerate((nginx.url, f"file://{repo.folder}")):
            client = Client(tmp_path / str(number), url)
            (tmp_path / str(number)).mkdir()
            assert client.init(repo.read("root")) and client.refresh(), client.said
            assert client.version("targets") == 2
            assert client.download("a/b"), client.said
            assert client.downloaded() == {"a%2Fb": b"content"}
        assert "GET /metadata/2.root.json 404" in nginx.requests()


def test_unversioned_names_without_consistent_snapshots(tmp_path):
    repo = Repo(tmp_path / "repo", consistent=False)
    repo.add_target("dir/file", b"plain")
    repo.bump("targets")
    with EvilServer(repo.folder) as server:
        client = Client(tmp_path, server.url)
        assert client.init(repo.read("root")) and client.download("dir/file"), client.said
        assert server.paths() == NOTHING_NEW + ["/metadata/snapshot.json", "/metadata/targets.json",
                                                "/targets/dir/file"]


def test_unknown_members_and_key_types_are_left_alone(repo, client):
    root = repo.signed["root"]
    root["keys"]["f00d"] = {"keytype": "lattice", "scheme": "soon", "keyval": {"public": "x"}}
    root["roles"]["timestamp"]["keyids"].append("f00d")
    root["roles"]["timestamp"]["keyids"].append("a key that is nowhere")
    root["note"] = {"text": "Grüße \\ \" \n", "list": [None, True, -1]}
    repo.bump("root")
    assert client.refresh(), client.said
    assert client.version("root") == 2


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa", "rsa-pkcs1"])
def test_key_types(repo, client, kind):
    key = Key(kind)
    repo.set_keys("timestamp", [key])
    repo.bump("root", "timestamp")
    assert client.refresh(), client.said
    document = repo.envelope("timestamp")
    document["signatures"][0]["sig"] = Key(kind).sign(canonical(document["signed"]))
    repo.write_file("timestamp.json", document)
    assert client.refuses("tuf-timestamp-signature")


# 5.3 root


def test_root_chain_is_followed_one_version_at_a_time(repo, client, server):
    for _ in range(4):
        repo.bump("root")
    assert client.refresh(), client.said
    assert server.paths() == [f"/metadata/{n}.root.json" for n in range(2, 7)] + ["/metadata/timestamp.json"]
    assert client.stored()["root.json"] == repo.read("root")


def test_root_signed_by_new_keys_only_is_refused(repo, client):
    repo.set_keys("root", [pooled_key(7)])
    repo.bump("root")
    assert client.refuses("tuf-root-signature")


def test_root_signed_by_old_keys_only_is_refused(repo, client):
    repo.set_keys("root", [pooled_key(7)], sign_with=repo.signers["root"])
    repo.bump("root")
    assert client.refuses("tuf-root-signature")


def test_root_keys_rotate_when_old_and_new_threshold_sign(repo, client):
    old = repo.signers["root"]
    new = [pooled_key(7), pooled_key(8), pooled_key(9)]
    repo.set_keys("root", new, threshold=2, sign_with=old + new[1:])
    repo.bump("root")
    repo.signers["root"] = new[:2]
    repo.bump("root")
    assert client.refresh(), client.said
    assert client.version("root") == 3


def test_root_below_its_new_threshold_is_refused(repo, client):
    old = repo.signers["root"]
    repo.set_keys("root", old + [pooled_key(7)], threshold=2, sign_with=old)
    repo.bump("root")
    assert client.refuses("tuf-root-signature")


def test_root_keeps_the_last_good_version_of_a_broken_chain(repo, client):
    repo.bump("root")
    good = repo.read("root")
    repo.signers["root"] = [pooled_key(7)]
    repo.bump("root")
    assert client.refuses("tuf-root-signature", keep=["root.json"])
    assert client.stored()["root.json"] == good


@pytest.mark.parametrize("version", [1, 3])
def test_root_of_another_version_than_its_name_is_refused(repo, client, version):
    repo.signed["root"]["version"] = version
    repo.write_file("2.root.json", repo.envelope("root"))
    assert client.refuses("tuf-root-version")


def test_root_versions_are_not_skipped(repo, client, server):
    repo.signed["root"]["version"] = 3
    repo.write("root")
    assert client.refresh()
    assert client.version("root") == 1
    assert server.paths() == NOTHING_NEW


def test_root_expired_is_stored_and_ends_the_refresh(repo, client, server):
    repo.signed["root"]["expires"] = expiry(-1)
    repo.bump("root")
    assert client.refuses("tuf-root-expired", keep=["root.json"])
    assert client.version("root") == 2
    assert "/metadata/timestamp.json" not in server.paths()


def test_root_expired_in_between_does_not_matter(repo, client):
    repo.signed["root"]["expires"] = expiry(-1)
    repo.bump("root")
    repo.signed["root"]["expires"] = expiry(30)
    repo.bump("root")
    assert client.refresh(), client.said


def test_root_expires_with_time(repo, client):
    repo.signed["root"]["expires"] = expiry(7)
    repo.bump("root")
    assert client.refresh(), client.said
    assert client.refuses("tuf-root-expired", faketime="+8d")


def test_root_server_failure_ends_the_refresh(client, server):
    server.behave["/metadata/2.root.json"] = server.sends(b"later", status=503)
    assert client.refuses("fetch-http-status")
    assert server.paths() == ["/metadata/2.root.json"]


# 5.4 timestamp


def test_timestamp_missing_is_a_failure(repo, client):
    os.unlink(repo.path("timestamp"))
    assert client.refuses("fetch-not-found")


def test_timestamp_of_the_same_version_is_discarded(repo, client, server):
    before = client.stored()
    repo.signed["timestamp"]["meta"]["snapshot.json"]["version"] = 100
    repo.write_file("timestamp.json", repo.envelope("timestamp"))
    assert client.refresh(), client.said
    assert client.stored() == before
    assert server.paths() == NOTHING_NEW


def test_timestamp_rollback_is_refused(repo, client):
    old = repo.read("timestamp")
    repo.bump("timestamp")
    assert client.refresh()
    repo.write_file("timestamp.json", old)
    assert client.refuses("tuf-timestamp-rollback")


def test_timestamp_rollback_is_seen_by_an_expired_one(repo, client):
    repo.signed["timestamp"].update(version=2, expires=expiry(7))
    repo.write("timestamp")
    assert client.refresh()
    repo.signed["timestamp"].update(version=1, expires=expiry(21))
    repo.write("timestamp")
    assert client.refuses("tuf-timestamp-rollback", faketime="+18d")


def test_timestamp_that_takes_snapshot_back_is_refused(repo, client):
    repo.bump("snapshot")
    assert client.refresh()
    repo.signed["snapshot"]["version"] = 1
    repo.signed["timestamp"]["version"] += 1
    repo.write("timestamp")
    assert client.refuses("tuf-timestamp-snapshot-rollback")


def test_timestamp_expired_is_refused(repo, client):
    repo.signed["timestamp"]["expires"] = expiry(-1)
    repo.bump("timestamp")
    assert client.refuses("tuf-timestamp-expired")


def test_timestamp_stored_and_expired_is_refused_when_nothing_newer_comes(repo, client):
    repo.signed["timestamp"]["expires"] = expiry(7)
    repo.bump("timestamp")
    assert client.refresh()
    assert client.refuses("tuf-timestamp-expired", faketime="+8d")


def test_expired_stored_metadata_serves_to_update(repo, client):
    repo.signed["timestamp"]["expires"] = repo.signed["snapshot"]["expires"] = expiry(7)
    repo.bump("targets")
    assert client.refresh()
    repo.signed["timestamp"]["expires"] = repo.signed["snapshot"]["expires"] = expiry(21)
    repo.bump("targets")
    assert client.refresh(faketime="+18d"), client.said
    assert [client.version(role) for role in ("timestamp", "snapshot", "targets")] == [3, 3, 3]


def test_timestamp_of_another_role_is_refused(repo, client):
    document = repo.signed["timestamp"] | {"_type": "snapshot", "version": 2}
    signature = repo.signers["timestamp"][0].sign(canonical(document))
    repo.write_file("timestamp.json", {
        "signed": document, "signatures": [{"keyid": repo.signers["timestamp"][0].id, "sig": signature}]})
    assert client.refuses("tuf-type")


# Signatures, for every role after root


@pytest.mark.parametrize("role, keep", [
    ("timestamp", []),
    ("snapshot", ["timestamp.json"]),
    ("targets", ["timestamp.json", "snapshot.json"]),
])
class TestSignatures:
    def test_wrong_key_is_refused(self, repo, client, role, keep):
        repo.signers[role] = [pooled_key(7)]
        repo.bump(role)
        assert client.refuses(f"tuf-{role}-signature", keep=keep)

    def test_wrong_key_under_the_right_id_is_refused(self, repo, client, role, keep):
        repo.signers[role] = [pooled_key(7).alias(repo.signers[role][0].id)]
        repo.bump(role)
        assert client.refuses(f"tuf-{role}-signature", keep=keep)

    def test_unsigned_is_refused(self, repo, client, role, keep):
        repo.signers[role] = []
        repo.bump(role)
        assert client.refuses(f"tuf-{role}-signature", keep=keep)

    def test_too_few_signatures_are_refused(self, repo, client, role, keep):
        keys = [pooled_key(7), pooled_key(8), pooled_key(9)]
        repo.set_keys(role, keys, threshold=3)
        repo.bump("root", role)
        assert client.refresh(), client.said
        repo.signers[role] = keys[:2]
        repo.bump(role)
        assert client.refuses(f"tuf-{role}-signature", keep=keep)

    def test_threshold_above_the_keys_is_refused(self, repo, client, role, keep):
        repo.set_keys(role, [pooled_key(7), pooled_key(8)], threshold=3)
        repo.bump("root", role)
        assert not client.refresh()
        assert client.said.endswith(f"[tuf-{role}-signature]")

    def test_one_key_under_two_ids_counts_once(self, repo, client, role, keep):
        key = pooled_key(7)
        repo.set_keys(role, [key, key.alias("another-id"), pooled_key(8)], threshold=2,
                      sign_with=[key, key.alias("another-id")])
        repo.bump("root", role)
        assert not client.refresh()
        assert client.said.endswith(f"[tuf-{role}-signature]")
        assert client.version("root") == 2

    def test_two_signatures_by_one_id_are_refused(self, repo, client, role, keep):
        repo.signers[role] *= 2
        repo.bump(role)
        assert client.refuses("tuf-duplicate-keyid", keep=keep)

    def test_signatures_that_do_not_count_do_no_harm(self, repo, client, role, keep):
        good = repo.signers[role][0]
        extra = pooled_key(7)
        repo.set_keys(role, [extra, good], sign_with=[pooled_key(8).alias(extra.id), pooled_key(9), good])
        repo.bump("root", role)
        assert client.refresh(), client.said
        document = repo.envelope(role)
        document["signatures"][0]["sig"] = ""
        document["signatures"][1]["sig"] = "not hex"
        repo.write_file(repo.file_name(role), document)
        (client.metadata / f"{role}.json").unlink()
        assert client.refresh(), client.said

    def test_expired_is_refused(self, repo, client, role, keep):
        repo.signed[role]["expires"] = expiry(-1)
        repo.bump(role)
        assert client.refuses(f"tuf-{role}-expired", keep=keep)

    def test_changed_after_signing_is_refused(self, repo, client, role, keep):
        repo.bump(role)
        document = json.loads(repo.read(role))
        document["signed"]["expires"] = expiry(300)
        repo.write_file(repo.file_name(role), document)
        assert client.refuses(f"tuf-{role}-signature", keep=keep)

    def test_malformed_is_refused(self, repo, client, role, keep):
        repo.bump(role)
        repo.write_file(repo.file_name(role), b"[" * 10000)
        assert client.refuses("tuf-metadata-malformed", keep=keep)

    def test_endless_is_refused(self, repo, client, server, role, keep):
        repo.bump(role)
        server.behave[f"/metadata/{repo.file_name(role)}"] = server.endless
        assert client.refuses("fetch-endless", keep=keep)

    def test_announced_too_large_is_refused(self, repo, client, server, role, keep):
        repo.bump(role)
        server.behave[f"/metadata/{repo.file_name(role)}"] = server.announces(1 << 40)
        assert client.refuses("tuf-metadata-too-large", keep=keep)


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_stored_metadata_that_expired_is_refused(repo, client, role):
    repo.signed[role]["expires"] = expiry(7)
    repo.bump(role)
    assert client.refresh()
    assert client.refuses(f"tuf-{role}-expired", faketime="+8d")


# 5.5 snapshot and 5.6 targets against what lists them


@pytest.mark.parametrize("role, keep", [("snapshot", ["timestamp.json"]),
                                        ("targets", ["timestamp.json", "snapshot.json"])])
class TestListed:
    def test_old_under_a_new_name_is_refused(self, repo, client, role, keep):
        old = repo.read(role)
        repo.bump(role)
        repo.write_file(repo.file_name(role), old)
        assert client.refuses(f"tuf-{role}-version", keep=keep)

    def test_newer_than_listed_is_refused(self, repo, client, role, keep):
        repo.bump(role)
        name = repo.file_name(role)
        repo.signed[role]["version"] += 1
        repo.write_file(name, repo.envelope(role))
        assert client.refuses(f"tuf-{role}-version", keep=keep)

    def test_hashes_that_fit_are_accepted(self, repo, client, role, keep):
        repo.hashes = True
        repo.bump(role)
        assert client.refresh(), client.said

    def test_other_bytes_than_the_hash_are_refused(self, repo, client, role, keep):
        repo.hashes = True
        repo.bump(role)
        data = repo.read(role)
        repo.write_file(repo.file_name(role), data.replace(b"\n ", b"\n\t", 1))
        assert client.refuses(f"tuf-{role}-hash", keep=keep)

    def test_shorter_than_listed_is_refused(self, repo, client, role, keep):
        repo.hashes = True
        repo.write_file(repo.file_name(role), repo.read(role) + b"\n")
        repo.bump(role)
        repo.write_file(repo.file_name(role), repo.read(role)[:-1])
        assert client.refuses(f"tuf-{role}-length", keep=keep)

    def test_longer_than_listed_is_refused(self, repo, client, role, keep):
        repo.hashes = True
        repo.bump(role)
        repo.write_file(repo.file_name(role), repo.read(role) + b"\n")
        assert client.refuses(f"tuf-{role}-length", keep=keep)

    def test_unknown_hash_alone_is_refused(self, repo, client, role, keep):
        above = "timestamp" if role == "snapshot" else "snapshot"
        repo.signed[role]["version"] += 1
        repo.write(role)
        repo.signed[above]["version"] += 1
        repo.signed[above]["meta"][f"{role}.json"] = {"version": 2, "hashes": {"rot13": "abcdef"}}
        repo.write_file(repo.file_name(above), repo.envelope(above))
        if above == "snapshot":
            repo.signed["timestamp"]["version"] += 1
            repo.write("timestamp")
        assert client.refuses(f"tuf-{role}-hash", keep=keep)

    def test_missing_is_a_failure(self, repo, client, role, keep):
        repo.bump(role)
        os.unlink(repo.path(role))
        assert client.refuses("fetch-not-found", keep=keep)


def test_snapshot_that_takes_targets_back_is_refused(repo, client):
    repo.bump("targets")
    assert client.refresh()
    repo.signed["targets"]["version"] = 1
    repo.bump("snapshot")
    assert client.refuses("tuf-snapshot-rollback", keep=["timestamp.json"])


def test_snapshot_that_takes_a_delegated_role_back_is_refused(repo, client):
    repo.signed["snapshot"]["meta"]["6.1.0-1-amd64.json"] = {"version": 5}
    repo.bump("snapshot")
    assert client.refresh()
    repo.signed["snapshot"]["meta"]["6.1.0-1-amd64.json"] = {"version": 4}
    repo.bump("snapshot")
    assert client.refuses("tuf-snapshot-rollback", keep=["timestamp.json"])


def test_snapshot_that_drops_a_role_is_refused(repo, client):
    repo.signed["snapshot"]["meta"]["6.1.0-1-amd64.json"] = {"version": 5}
    repo.bump("snapshot")
    assert client.refresh()
    del repo.signed["snapshot"]["meta"]["6.1.0-1-amd64.json"]
    repo.bump("snapshot")
    assert client.refuses("tuf-snapshot-rollback", keep=["timestamp.json"])


def test_refresh_goes_on_where_a_refused_one_ended(repo, client, server):
    repo.bump("targets")
    honest = repo.read("targets")
    repo.write_file(repo.file_name("targets"), b"{}")
    assert client.refuses("tuf-metadata-malformed", keep=["timestamp.json", "snapshot.json"])
    repo.write_file(repo.file_name("targets"), honest)
    server.requests.clear()
    assert client.refresh(), client.said
    assert server.paths() == NOTHING_NEW + ["/metadata/2.targets.json"]


# 5.3.11 recovery from fast-forward attacks


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_fast_forward_recovery_by_a_new_key(repo, client, role):
    for name in ("timestamp", "snapshot", "targets"):
        repo.signed[name]["version"] = 99998
    repo.bump("targets")
    assert client.refresh() and client.version("timestamp") == 99999
    repo.set_keys(role, [pooled_key(7)])
    for name in ("timestamp", "snapshot", "targets"):
        repo.signed[name]["version"] = 1
    repo.bump("root", "targets")
    assert client.refresh(), client.said
    assert [client.version(name) for name in ("timestamp", "snapshot", "targets")] == [2, 2, 2]


def test_fast_forward_recovery_by_revoking_one_of_two_keys(repo, client):
    keys = [pooled_key(7), pooled_key(8)]
    repo.set_keys("timestamp", keys)
    repo.signed["timestamp"]["version"] = 99998
    repo.bump("root", "timestamp")
    assert client.refresh()
    repo.set_keys("timestamp", keys[:1])
    repo.signed["timestamp"]["version"] = 1
    repo.bump("root", "timestamp")
    assert client.refresh(), client.said
    assert client.version("timestamp") == 2


def test_no_recovery_when_only_the_targets_key_changes(repo, client):
    repo.signed["timestamp"]["version"] = 98
    repo.bump("timestamp")
    assert client.refresh()
    repo.set_keys("targets", [pooled_key(7)])
    repo.signed["timestamp"]["version"] = 1
    repo.bump("root", "targets")
    assert client.refuses("tuf-timestamp-rollback", keep=["root.json"])


def test_stored_targets_of_a_revoked_key_are_downloaded_again(repo, client, server):
    repo.set_keys("targets", [pooled_key(7)])
    repo.bump("root")
    repo.write("targets")
    assert client.refresh(), client.said
    assert server.paths()[-1] == "/metadata/1.targets.json"
    assert client.stored()["targets.json"] == repo.read("targets")


# Servers


@pytest.mark.parametrize("behaviour", ["endless", "endless_chunks", "endless_headers"])
def test_endless_answers_are_cut_off(client, server, behaviour):
    server.behave["/metadata/timestamp.json"] = getattr(server, behaviour)
    assert client.refuses("fetch-endless")


def test_endless_root_is_cut_off(client, server):
    server.behave["/metadata/2.root.json"] = server.endless
    assert client.refuses("fetch-endless")


def test_slow_server_is_given_up(client, server):
    server.behave["/metadata/timestamp.json"] = server.stalled
    assert client.refuses("fetch-stalled", "--stall-seconds", "2")


def test_truncated_answer_is_a_failure(repo, client, server):
    repo.bump("timestamp")
    server.behave["/metadata/timestamp.json"] = server.truncated(repo.read("timestamp"), 100)
    assert client.refuses("fetch-truncated")


# Compressed metadata

GZIP = "gzip on; gzip_min_length 1; default_type application/json; gzip_types application/json;"


def serve_gzip(server, repo, change=lambda data: data, encoding="gzip", role="timestamp"):
    repo.bump(role)
    data = change(gzip.compress(repo.read(role)))
    server.behave[f"/metadata/{repo.file_name(role)}"] = server.sends(data, Content_Encoding=encoding)


def test_compressed_metadata_is_stored_as_it_was_signed(tmp_path, repo):
    for i in range(200):
        repo.signed["targets"]["targets"][f"dir/{i}"] = {"length": i, "hashes": {"sha256": f"{i:064x}"}}
    repo.hashes = True
    repo.bump("targets")
    with Nginx(repo.folder, tmp_path / "nginx", more=GZIP) as nginx:
        fresh = Client(tmp_path, nginx.url)
        assert fresh.init((tmp_path / "repo/metadata/1.root.json").read_bytes())
        assert fresh.refresh(), fresh.said
        assert fresh.stored() == {f"{role}.json": repo.read(role) for role in repo.signed}


def test_gzip_is_asked_for_with_metadata_alone(repo, client, server):
    repo.add_target("file", b"content")
    repo.bump("targets")
    assert client.download("file"), client.said
    asked = {path: headers.get("Accept-Encoding") for path, headers in server.requests}
    assert asked.pop(target_url(repo, "file")) is None
    assert set(asked.values()) == {"gzip"}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_decoded(repo, client, server, encoding):
    serve_gzip(server, repo, encoding=encoding)
    assert client.refresh(), client.said
    assert client.stored()["timestamp.json"] == repo.read("timestamp")


@pytest.mark.parametrize("change, encoding", [
    (lambda data: data[:-1], "gzip"), (lambda data: data[:-9], "gzip"), (lambda data: data[:20], "gzip"),
    (lambda data: b"", "gzip"), (lambda data: data[:-5] + b"?" + data[-4:], "gzip"), (lambda data: b"{}", "gzip"),
    (lambda data: data + b"x", "gzip"), (lambda data: data + data, "gzip"), (gzip.compress, "gzip, gzip"),
    (lambda data: data, "br"), (lambda data: data, "deflate"), (lambda data: data, "gzip, identity"),
])
def test_broken_encodings_are_refused(repo, client, server, change, encoding):
    serve_gzip(server, repo, change, encoding)
    assert client.refuses("fetch-encoding")


@pytest.mark.parametrize("role, keep, size", [("timestamp", [], 8 << 20),
                                              ("targets", ["timestamp.json", "snapshot.json"], 500 << 20)])
def test_gzip_bomb_ends_at_the_limit(repo, client, server, role, keep, size):
    bomb = gzip.compress(b" " * size)
    serve_gzip(server, repo, lambda data: bomb, role=role)
    assert client.refuses("fetch-endless", keep=keep)


def test_gzip_that_decodes_to_nothing_without_end_is_cut_off(repo, client, server):
    def behave(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(gzip.compress(b"")[:10])
        while not server.stopping.is_set():
            handler.wfile.write(b"\0\0\0\xff\xff" * 4096)

    server.behave["/metadata/timestamp.json"] = behave
    assert client.refuses("fetch-endless")


def test_gzip_that_announces_too_much_is_refused(repo, client, server):
    serve_gzip(server, repo, lambda data: os.urandom(1 << 20))
    assert client.refuses("tuf-metadata-too-large")


def test_compressed_answer_to_what_is_not_there(repo, client, server):
    server.behave["/metadata/2.root.json"] = server.sends(gzip.compress(b"not found"), status=404, Content_Encoding="gzip")
    assert client.refresh(), client.said


def test_nobody_answers(client):
    client.url = "http://127.0.0.1:1"
    assert client.refuses("fetch-connect")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "gopher://127.0.0.1", "dict://127.0.0.1", "nonsense://x"])
def test_other_protocols_are_refused(client, url):
    client.url = url
    assert client.refuses("fetch-url")


def test_redirect_is_followed(repo, client, server):
    repo.bump("timestamp")
    os.rename(repo.path("timestamp"), os.path.join(repo.metadata, "elsewhere.json"))
    server.behave["/metadata/timestamp.json"] = server.redirects("/metadata/elsewhere.json")
    assert client.refresh(), client.said
    assert client.version("timestamp") == 2


@pytest.mark.parametrize("location", ["/metadata/timestamp.json", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirect_in_circles_or_to_another_protocol_is_refused(client, server, location):
    server.behave["/metadata/timestamp.json"] = server.redirects(location)
    assert client.refuses("fetch-redirect")


def test_message_hides_the_password_of_a_url(client):
    client.url = "http://someone:secret@127.0.0.1:1"
    assert client.refuses("fetch-connect")
    assert "secret" not in client.said


# 5.7 targets


@pytest.fixture
def content(repo):
    """A target of some size, published."""
    data = os.urandom(300_000)
    repo.add_target("dir/file.bin", data)
    repo.bump("targets")
    return data


def target_url(repo, name="dir/file.bin"):
    return "/" + os.path.relpath(repo.target_file(name), repo.folder)


def test_download_refreshes_first(fresh, content, server):
    assert fresh.download("dir/file.bin"), fresh.said
    assert fresh.downloaded() == {"dir%2Ffile.bin": content}
    assert server.paths()[:2] == NOTHING_NEW


def test_download_again_asks_for_nothing(client, content, server, repo):
    assert client.download("dir/file.bin")
    server.requests.clear()
    assert client.download("dir/file.bin")
    assert server.paths() == NOTHING_NEW


def test_download_replaces_a_changed_target(client, content, repo):
    assert client.download("dir/file.bin")
    repo.add_target("dir/file.bin", b"new")
    repo.bump("targets")
    assert client.download("dir/file.bin")
    assert client.downloaded() == {"dir%2Ffile.bin": b"new"}


def test_download_of_an_unknown_target_is_refused_after_the_refresh(fresh, content):
    assert not fresh.download("nothing")
    assert fresh.said.endswith("[tuf-target-unknown]")
    assert fresh.version("targets") == 2


@pytest.mark.parametrize("name", [
    "a b", "a%20b", "100%", "ünï/çödé", "q?x=1&y=2#z", "..", "../up", "/absolute", ".hidden", "semi;colon",
    "a//b", "quote'\"", "n" * 240, "back\\slash",
])
def test_download_of_names_with_odd_characters(repo, client, server, name):
    data = name.encode()
    digest = hashlib.sha256(data).hexdigest()
    repo.signed["targets"]["targets"][name] = {"length": len(data), "hashes": {"sha256": digest}}
    repo.bump("targets")
    folder, slash, base = name.rpartition("/")
    import urllib.parse
    path = "/targets/" + urllib.parse.quote(f"{folder}{slash}{digest}.{base}", safe="/")
    server.behave[path] = server.sends(data)
    assert client.download(name), client.said
    assert list(client.downloaded().values()) == [data]
    assert sorted(os.listdir(client.scratch)) == ["client", "downloads", "initial.json", "repo"]


@pytest.mark.parametrize("algorithms", [["sha256"], ["sha512"], ["sha256", "sha512"]])
def test_download_checks_every_hash_it_knows(repo, client, algorithms):
    repo.add_target("file", b"content", algorithms=algorithms)
    repo.bump("targets")
    assert client.download("file"), client.said
    os.unlink(client.downloads / "file")
    repo.signed["targets"]["targets"]["file"]["hashes"][algorithms[-1]] = \
        hashlib.new(algorithms[-1], b"other").hexdigest()
    repo.put_target_file("file", b"content")
    repo.bump("targets")
    assert not client.download("file")
    assert client.said.endswith("[tuf-target-hash]")
    assert client.downloaded() == {}


def test_download_without_a_known_hash_is_refused(repo, client, server):
    repo.signed["targets"]["targets"]["file"] = {"length": 7, "hashes": {"rot13": "abcdef"}}
    repo.bump("targets")
    server.behave["/targets/file"] = server.sends(b"content")
    assert not client.download("file")
    assert client.said.endswith("[tuf-target-hash]")
    assert client.downloaded() == {}


def refuses_download(client, reason):
    before = client.downloaded(), client.stored()
    refused = not client.download("dir/file.bin")
    assert client.downloaded() == before[0]
    return refused and client.said.endswith(f"[{reason}]")


def test_target_of_other_bytes_is_refused(repo, client, content):
    repo.put_target_file("dir/file.bin", bytes(len(content)))
    assert refuses_download(client, "tuf-target-hash")


def test_target_that_comes_compressed_is_refused(repo, client, server, content):
    server.behave[target_url(repo)] = server.sends(gzip.compress(content[:1000]), Content_Encoding="gzip")
    assert refuses_download(client, "tuf-target-length")


def test_target_too_short_is_refused(repo, client, content):
    repo.put_target_file("dir/file.bin", content[:-1])
    assert refuses_download(client, "tuf-target-length")


def test_target_too_long_is_refused(repo, client, content):
    repo.put_target_file("dir/file.bin", content + b"x")
    assert refuses_download(client, "tuf-target-length")


def test_target_without_end_is_refused(repo, client, server, content):
    server.behave[target_url(repo)] = server.endless
    assert refuses_download(client, "fetch-endless")


def test_target_refused_leaves_the_one_that_was_there(repo, client, content):
    assert client.download("dir/file.bin")
    repo.add_target("dir/file.bin", b"new")
    repo.put_target_file("dir/file.bin", b"bad")
    repo.bump("targets")
    assert refuses_download(client, "tuf-target-hash")
    assert client.downloaded() == {"dir%2Ffile.bin": content}
