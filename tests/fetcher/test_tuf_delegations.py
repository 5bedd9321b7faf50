# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture-tuf-client and targets that other roles list: section 5.6.7 of the TUF specification."""
import hashlib
import json
import os
import urllib.parse

import pytest
from lib.httpd import EvilServer
from lib.tufclient import Client
from lib.tufrepo import Repo, canonical, expiry, pooled_key

NEW_TARGETS = ["timestamp.json", "snapshot.json", "targets.json"]


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "repo")


@pytest.fixture
def server(repo):
    with EvilServer(repo.folder) as running:
        yield running


@pytest.fixture
def client(tmp_path, repo, server):
    """A client that is up to date with the top-level roles."""
    fresh = Client(tmp_path, server.url)
    assert fresh.init(repo.read("root")) and fresh.refresh(), fresh.said
    server.requests.clear()
    return fresh


def visited(server, after="targets.json"):
    """The delegated roles asked for since the refresh, as the URL has them."""
    names = [path.removeprefix("/metadata/") for path in server.paths() if path.startswith("/metadata/")]
    start = max(i for i, name in enumerate(names) if name.endswith(after)) + 1
    return [name.partition(".")[2].removesuffix(".json") for name in names[start:]]


def refuses(client, reason, name="missing"):
    """Whether the download of a target is refused for the reason, with nothing stored but top-level metadata."""
    refused = not client.download(name)
    assert client.downloaded() == {}
    return refused and client.said.endswith(f"[{reason}]")


# The order of a search


@pytest.mark.parametrize("delegations, order", [
    ("targets>A", "A"),
    ("targets>A targets>B", "AB"),
    ("targets>A targets>B B>C", "ABC"),
    ("targets>A targets>B A>C", "ACB"),
    ("targets>A targets>B A>C A>D", "ACDB"),
    ("targets>A targets>B A>C C>D", "ACDB"),
    ("targets>A targets>B A>C! A>D", "AC"),
    ("targets>A targets>B A>C! C>D", "ACD"),
    ("targets>A targets>B! targets>C", "AB"),
    ("targets>A:*.py targets>B A>C", "B"),
    ("targets>A targets>B A>C:*.py C>D", "AB"),
    ("targets>A:*.py! targets>B", "B"),
    ("targets>A targets>B B>C C>D D>B", "ABCD"),
    ("targets>A A>A", "A"),
    ("targets>A targets>B B>C A>C", "ACB"),
    ("targets>A targets>B B>C A>C:*.py", "ABC"),
    ("targets>A A>B B>A targets>C", "ABC"),
])
def test_roles_are_visited_depth_first_each_once(repo, client, server, delegations, order):
    for edge in delegations.split():
        delegator, _, rest = edge.removesuffix("!").partition(">")
        role, _, pattern = rest.partition(":")
        if delegator not in repo.signed:
            repo.signed[delegator] = repo._blank("targets") | {"targets": {}}  # pylint: disable=protected-access
            repo.signers[delegator] = [pooled_key(20)]
        repo.delegate(delegator, role, paths=[pattern or "*"], terminating=edge.endswith("!"))
    repo.publish()
    assert refuses(client, "tuf-target-unknown")
    assert "".join(visited(server)) == order


TREE = [("targets", "A", ["*.doc", "*.md"]), ("targets", "B", ["releases/*/*"]), ("B", "C", ["releases/x/*"]),
        ("B", "D", ["releases/y/*.zip"])]
FILES = {"top": "targets", "README.md": "A", "releases/x/x_v1": "C", "releases/y/y_v1.zip": "D",
         "releases/z/z_v1.zip": "D"}


@pytest.mark.parametrize("name, order", [
    ("top", ""), ("README.md", "A"), ("releases/x/x_v1", "BC"), ("releases/y/y_v1.zip", "BD"),
    ("releases/z/z_v1.zip", None),
])
def test_targets_are_found_where_the_chain_of_paths_leads(repo, client, server, name, order):
    for delegator, role, paths in TREE:
        repo.delegate(delegator, role, paths=paths)
    for target, role in FILES.items():
        repo.add_target(target, target.encode(), role=role)
    repo.publish()
    if order is None:
        # D lists it, outside of what it may list.
        assert refuses(client, "tuf-target-unknown", name)
        assert visited(server) == ["B"]
    else:
        assert client.download(name), client.said
        assert list(client.downloaded().values()) == [name.encode()]
        assert "".join(visited(server)) == order


def test_refresh_asks_for_no_delegated_role(repo, client, server):
    repo.delegate("targets", "A", paths=["*"])
    repo.publish()
    assert client.refresh(), client.said
    assert visited(server) == []


def test_first_delegation_that_lists_a_target_wins(repo, client):
    for role in "AB":
        repo.delegate("targets", role, paths=["*"])
        repo.add_target("file", role.encode(), role=role)
    repo.publish()
    assert client.download("file"), client.said
    assert client.downloaded() == {"file": b"A"}


def test_top_level_targets_come_first(repo, client, server):
    repo.delegate("targets", "A", paths=["*"])
    repo.add_target("file", b"A", role="A")
    repo.add_target("file", b"top")
    repo.publish()
    assert client.download("file"), client.said
    assert client.downloaded() == {"file": b"top"}
    assert visited(server) == []


def test_endless_delegations_are_refused(repo, client, server):
    above = "targets"
    for i in range(70):
        repo.delegate(above, f"role-{i}", paths=["*"])
        above = f"role-{i}"
    repo.publish()
    assert refuses(client, "tuf-too-many-roles")
    assert len(visited(server)) == 64


# Paths


@pytest.mark.parametrize("pattern, name, found", [
    ("*", "file", True), ("*", "dir/file", False), ("*/*", "dir/file", True), ("*", ".hidden", True),
    ("dir/*", "dir/file", True), ("dir/*", "dir/sub/file", False), ("dir/*", "dir/", True), ("dir*", "dir/file", False),
    ("dir/file", "dir/file", True), ("dir/file", "dir/files", False), ("f?le", "file", True), ("f?le", "f/le", False),
    ("f[hi]le", "file", True), ("f[!i]le", "file", False), ("[a-h]ile", "file", True), ("f[/]le", "f/le", False),
    ("f[i/a]le", "file", False), ("fi[", "fi[", True), ("f\\*le", "f*le", False), ("f\\*le", "f\\anyle", True),
    ("*.[a-z]", "x.B", False), ("", "file", None), ("/file", "file", False), ("../*", "../file", True), ("**", "a/b", False),
    ("6.1.0-1-amd64/*", "6.1.0-1-amd64/a.rpm", True), ("6.1.0-1-amd64/*", "6.1.0-2-amd64/a.rpm", False),
    ("6.1.0-1-amd64/*", "6x1.0-1-amd64/a.rpm", False),
])
def test_patterns(repo, client, server, pattern, name, found):
    data = b"content"
    digest = hashlib.sha256(data).hexdigest()
    repo.delegate("targets", "A", paths=[pattern])
    repo.signed["A"]["targets"][name] = {"length": len(data), "hashes": {"sha256": digest}}
    repo.publish()
    folder, slash, base = name.rpartition("/")
    server.behave["/targets/" + urllib.parse.quote(f"{folder}{slash}{digest}.{base}")] = server.sends(data)
    if found:
        assert client.download(name), client.said
    else:
        assert refuses(client, "tuf-metadata-malformed" if found is None else "tuf-target-unknown", name)


@pytest.mark.parametrize("keep, found", [(1, True), (8, True), (64, True), (0, None)])
def test_hash_prefixes(repo, client, server, keep, found):
    prefix = hashlib.sha256(b"dir/file").hexdigest()[:keep]
    repo.delegate("targets", "A", path_hash_prefixes=["00ff00ff", prefix.upper()])
    repo.delegate("targets", "B", path_hash_prefixes=["00ff00ff"])
    repo.add_target("dir/file", b"content", role="A")
    repo.publish()
    if found:
        assert client.download("dir/file"), client.said
        assert visited(server) == ["A"]
    else:
        assert refuses(client, "tuf-metadata-malformed", "dir/file")


# Names


@pytest.mark.parametrize("role", [
    "?", "#", "/delegatedrole", "../delegatedrole", "../../../etc/passwd", ".", "..", ".hidden", "a b", "100%", "%2e", "ü",
    "a\\b", "new\nline", "targets.json", "6.1.0-47-cloud-amd64", "Root", "clock", "n" * 200,
])
def test_role_names_stay_names(repo, client, server, tmp_path, role):
    repo.delegate("targets", role, paths=["*"])
    repo.publish()
    encoded = urllib.parse.quote(role, safe="")
    before = client.stored()
    server.behave[f"/metadata/2.{encoded}.json"] = server.sends(repo.read(role))
    assert refuses(client, "tuf-target-unknown")
    assert visited(server, "2.targets.json") == [encoded]
    local = encoded.replace(".", "%2E", 1) if encoded.startswith(".") else encoded
    assert client.stored().keys() - before.keys() == {f"{local}.json"}
    assert sorted(os.listdir(tmp_path)) == ["client", "downloads", "initial.json", "repo"]
    server.requests.clear()
    assert refuses(client, "tuf-target-unknown")
    assert visited(server, "timestamp.json") == []


@pytest.mark.parametrize("role", ["", "root", "timestamp", "snapshot", "targets", "n" * 300, "ü" * 50])
def test_role_names_that_cannot_be_are_refused(repo, client, role):
    repo.delegate("targets", "A", paths=["*"])["name"] = role
    repo.bump("targets")
    assert refuses(client, "tuf-metadata-malformed")


@pytest.mark.parametrize("damage", [
    lambda d: d.pop("keys"), lambda d: d.pop("roles"), lambda d: d.update(roles={}), lambda d: d.update(keys=[]),
    lambda d: d["roles"].append(d["roles"][0]), lambda d: d["roles"].append("A"),
    lambda d: d["roles"][0].pop("name"), lambda d: d["roles"][0].pop("keyids"), lambda d: d["roles"][0].pop("paths"),
    lambda d: d["roles"][0].update(paths="*"), lambda d: d["roles"][0].update(paths=[1]),
    lambda d: d["roles"][0].update(path_hash_prefixes=["00"]), lambda d: d["roles"][0].update(terminating="no"),
    lambda d: d["roles"][0].update(threshold="1"),
])
def test_malformed_delegations_are_refused(repo, client, damage):
    repo.delegate("targets", "A", paths=["*"])
    damage(repo.signed["targets"]["delegations"])
    repo.bump("targets")
    assert client.refuses("tuf-metadata-malformed", keep=["timestamp.json", "snapshot.json"])


def test_threshold_zero_is_refused(repo, client):
    repo.delegate("targets", "A", paths=["*"], threshold=0)
    repo.bump("targets")
    assert refuses(client, "tuf-threshold")


def test_duplicate_keyid_is_refused(repo, client):
    entry = repo.delegate("targets", "A", paths=["*"])
    entry["keyids"] *= 2
    repo.bump("targets")
    assert refuses(client, "tuf-duplicate-keyid")


# Trust in a delegated role


@pytest.fixture
def content(repo, client):
    """A target in a delegated role, published; the client has the role."""
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.add_target("dir/file", b"content", role="A")
    repo.publish()
    assert client.download("dir/file"), client.said
    for path in client.downloads.iterdir():
        path.unlink()
    return b"content"


def refuses_role(client, reason, name="dir/file"):
    """Whether a download is refused for the reason, which names role A; A's stored file stays as it was."""
    before = client.stored().get("A.json")
    assert refuses(client, reason, name)
    assert client.stored().get("A.json") == before
    return "A" in client.said.split("[")[0]


def test_stored_role_is_used_again(repo, client, server, content):
    server.requests.clear()
    assert client.download("dir/file"), client.said
    assert visited(server, "timestamp.json") == []
    assert client.stored()["A.json"] == repo.read("A")


def test_unsigned_role_is_refused(repo, client, content):
    repo.signers["A"] = []
    repo.bump("A")
    assert refuses_role(client, "tuf-delegated-signature")


@pytest.mark.parametrize("signer", ["targets", "snapshot", "root"])
def test_role_signed_by_another_role_is_refused(repo, client, content, signer):
    repo.signers["A"] = repo.signers[signer]
    repo.bump("A")
    assert refuses_role(client, "tuf-delegated-signature")


def test_role_below_its_threshold_is_refused(repo, client):
    keys = [pooled_key(21), pooled_key(22), pooled_key(23)]
    repo.delegate("targets", "A", paths=["*"], keys=keys, threshold=3, sign_with=keys[:2])
    repo.publish()
    assert refuses_role(client, "tuf-delegated-signature", "file")


def test_one_key_under_two_ids_counts_once(repo, client):
    keys = [pooled_key(21), pooled_key(21).alias("another-id"), pooled_key(22)]
    repo.delegate("targets", "A", paths=["*"], keys=keys, threshold=2, sign_with=keys[:2])
    repo.publish()
    assert refuses_role(client, "tuf-delegated-signature", "file")


def test_role_that_snapshot_does_not_list_is_refused(repo, client, server):
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.publish()
    del repo.signed["snapshot"]["meta"]["A.json"]
    repo.signed["snapshot"]["version"] += 1
    repo.write_file(repo.file_name("snapshot"), repo.envelope("snapshot"))
    repo.bump("timestamp")
    assert refuses_role(client, "tuf-delegated-unlisted")
    assert visited(server) == []


def test_old_role_under_a_new_name_is_refused(repo, client, content):
    old = repo.read("A")
    repo.bump("A")
    repo.write_file(repo.file_name("A"), old)
    assert refuses_role(client, "tuf-delegated-version")


def test_newer_role_than_listed_is_refused(repo, client, content):
    repo.bump("A")
    name = repo.file_name("A")
    repo.signed["A"]["version"] += 1
    repo.write_file(name, repo.envelope("A"))
    assert refuses_role(client, "tuf-delegated-version")


def test_role_of_another_hash_is_refused(repo, client, content):
    repo.hashes = True
    repo.bump("A")
    repo.write_file(repo.file_name("A"), repo.read("A").replace(b"\n ", b"\n\t", 1))
    assert refuses_role(client, "tuf-delegated-hash")


def test_role_of_another_length_is_refused(repo, client, content):
    repo.hashes = True
    repo.write_file(repo.file_name("A"), repo.read("A"))
    repo.bump("A")
    repo.write_file(repo.file_name("A"), repo.read("A")[:-1])
    assert refuses_role(client, "tuf-delegated-length")


def test_role_that_is_listed_with_its_hash_is_accepted(repo, client, server, content):
    repo.hashes = True
    repo.bump("A")
    assert client.download("dir/file"), client.said
    server.requests.clear()
    assert client.download("dir/file"), client.said
    assert visited(server, "timestamp.json") == []


def test_expired_role_is_refused(repo, client, content):
    repo.signed["A"]["expires"] = expiry(-1)
    repo.bump("A")
    assert refuses_role(client, "tuf-delegated-expired")


def test_stored_role_that_expired_is_refused(repo, client):
    repo.delegate("targets", "A", paths=["*"])
    repo.signed["A"]["expires"] = expiry(7)
    repo.add_target("first", b"1", role="A")
    repo.publish()
    assert client.download("first"), client.said
    assert not client.download("first", faketime="+8d")
    assert client.said.endswith("[tuf-delegated-expired]")
    repo.signed["A"]["expires"] = expiry(21)
    repo.bump("A")
    assert client.download("first", faketime="+8d"), client.said


def test_malformed_role_is_refused(repo, client, content):
    repo.bump("A")
    repo.write_file(repo.file_name("A"), b"{}")
    assert refuses_role(client, "tuf-metadata-malformed")


def test_role_of_another_type_is_refused(repo, client, content):
    repo.signed["A"]["_type"] = "snapshot"
    repo.bump("A")
    assert refuses_role(client, "tuf-type")


def test_endless_role_is_cut_off(repo, client, server, content):
    repo.bump("A")
    server.behave["/metadata/3.A.json"] = server.endless
    assert refuses(client, "fetch-endless", "dir/file")


def test_missing_role_is_a_failure(repo, client, content):
    repo.bump("A")
    os.unlink(repo.path("A"))
    assert refuses_role(client, "fetch-not-found")


def test_snapshot_that_takes_a_role_back_is_refused(repo, client, content):
    repo.bump("A")
    assert client.download("dir/file")
    repo.signed["A"]["version"] = 2
    repo.bump("snapshot")
    assert client.refuses("tuf-snapshot-rollback", keep=["timestamp.json"])


def test_wrong_role_does_no_harm_to_others(repo, client, content):
    repo.delegate("targets", "B", paths=["other/*"])
    repo.add_target("other/file", b"other", role="B")
    repo.signers["A"] = []
    repo.publish()
    assert client.download("other/file"), client.said


# Whoever delegates today


def test_stored_role_is_checked_against_its_current_delegator(repo, client, server, content):
    """A's key is replaced; A's file is not new, and its stored copy must not live on by the old key."""
    repo.signed["targets"]["delegations"] = {"keys": {}, "roles": []}
    repo.delegate("targets", "A", paths=["dir/*"], keys=[pooled_key(21)])
    repo.bump("targets")
    server.requests.clear()
    assert refuses_role(client, "tuf-delegated-signature")
    assert visited(server) == ["A"]
    repo.signers["A"] = [pooled_key(21)]
    repo.write("A")
    assert client.download("dir/file"), client.said


def test_stored_role_is_checked_against_a_higher_threshold(repo, client, content):
    entry = repo.signed["targets"]["delegations"]["roles"][0]
    repo.signed["targets"]["delegations"]["keys"][pooled_key(21).id] = pooled_key(21).json
    entry.update(threshold=2, keyids=[pooled_key(20).id, pooled_key(21).id])
    repo.bump("targets")
    assert refuses_role(client, "tuf-delegated-signature")


def test_stored_role_is_checked_against_another_delegator(repo, client):
    """targets and B trust different keys for A: what one vouched for says nothing to the other."""
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.delegate("targets", "B", paths=["other/*"])
    repo.delegate("B", "A", paths=["other/*"], keys=[pooled_key(21)])
    repo.add_target("dir/file", b"content", role="A")
    repo.add_target("other/file", b"other", role="A")
    repo.publish()
    assert client.download("dir/file"), client.said
    assert not client.download("other/file")
    assert client.said.endswith("[tuf-delegated-signature]")
    # The same in one run, where A is in memory already.
    assert not client.download("dir/file", "other/file")
    assert client.said.endswith("[tuf-delegated-signature]")
    assert client.download("dir/file"), client.said


def test_role_that_both_delegators_vouch_for_is_asked_for_once(repo, client, server):
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.delegate("targets", "B", paths=["other/*"])
    repo.delegate("B", "A", paths=["other/*"], keys=[pooled_key(21)])
    repo.signers["A"] = [pooled_key(20), pooled_key(21)]
    repo.add_target("dir/file", b"content", role="A")
    repo.add_target("other/file", b"other", role="A")
    repo.publish()
    assert client.download("dir/file", "other/file"), client.said
    assert visited(server) == ["A", "B"]


def test_role_that_is_no_longer_delegated_to_is_not_used(repo, client, server, content):
    repo.signed["targets"]["delegations"]["roles"] = []
    repo.bump("targets")
    server.requests.clear()
    assert refuses(client, "tuf-target-unknown", "dir/file")
    assert visited(server) == []


def test_revoked_delegator_takes_its_delegations_along(repo, client):
    repo.delegate("targets", "A", paths=["*"], terminating=True)
    repo.delegate("A", "B", paths=["*"])
    repo.add_target("file", b"content", role="B")
    repo.publish()
    assert client.download("file"), client.said
    repo.signed["targets"]["delegations"]["roles"][0]["keyids"] = [pooled_key(21).id]
    repo.signed["targets"]["delegations"]["keys"][pooled_key(21).id] = pooled_key(21).json
    repo.bump("targets")
    (client.downloads / "file").unlink()
    assert refuses(client, "tuf-delegated-signature", "file")


def test_stored_role_that_snapshot_lists_no_more_goes(repo, client, content):
    """Only a new snapshot key makes snapshot forget a role; then its file is of no use."""
    repo.signed["targets"]["delegations"]["roles"] = []
    del repo.signed["A"], repo.signed["snapshot"]["meta"]["A.json"]
    repo.set_keys("snapshot", [pooled_key(22)])
    repo.bump("root", "targets")
    assert "A.json" in client.stored()
    assert client.refresh(), client.said
    assert "A.json" not in client.stored()


def test_without_consistent_snapshots(tmp_path):
    repo = Repo(tmp_path / "plain", consistent=False)
    repo.delegate("targets", "A", paths=["dir/*"])
    repo.add_target("dir/file", b"content", role="A")
    repo.publish()
    with EvilServer(repo.folder) as server:
        client = Client(tmp_path, server.url)
        assert client.init(repo.read("root"))
        assert client.download("dir/file"), client.said
        assert server.paths()[-2:] == ["/metadata/A.json", "/targets/dir/file"]


def test_signed_bytes_are_canonical_for_delegated_roles_too(repo, client, content):
    repo.bump("A")
    document = json.loads(repo.read("A"))
    assert canonical(document["signed"]) == canonical(repo.signed["A"])
    repo.write_file(repo.file_name("A"), json.dumps(document, indent=7).encode() + b"\n\n")
    assert client.download("dir/file"), client.said
    assert client.stored()["A.json"] == repo.read("A")


# All targets of a folder, and all roles


def listed(client, folder):
    assert client.run("--metadata-url", f"{client.url}/metadata", "list", folder), client.said
    return client.printed


def walked(client, prefix=""):
    assert client.run("--metadata-url", f"{client.url}/metadata", "roles", prefix), client.said
    return client.printed


@pytest.fixture
def kernels(repo):
    """Three kernels with a role each."""
    for release in ("6.1", "6.1-x", "6.6"):
        repo.delegate("targets", release, paths=[f"{release}/*"], terminating=True)
        for name in ("a", "b"):
            repo.add_target(f"{release}/{name}", b"content", role=release)
    return repo


def test_list_has_what_its_own_role_lists(kernels, client, server):
    kernels.add_target("6.6/stolen", b"evil", role="6.1")
    kernels.add_target("6.1", b"no folder", role="6.1")
    kernels.add_target("6.1/deep/er", b"not delegated", role="6.1")
    kernels.add_target("6.1/top", b"top")
    kernels.publish()
    assert listed(client, "6.1") == ["6.1/a", "6.1/b", "6.1/top"]
    assert visited(server) == ["6.1"]
    assert listed(client, "6.6") == ["6.6/a", "6.6/b"]
    assert listed(client, "5.10") == []


@pytest.mark.parametrize("paths, reaches", [
    (["*/*"], True), (["6.?/*"], True), (["6.1/sub/*"], True), (["6.[12]/a"], True), (["6.1"], False), (["*"], False),
    (["6.10/*"], False), (["6./*"], False), ([], False),
])
def test_list_looks_into_roles_that_could_have_some(repo, client, server, paths, reaches):
    repo.delegate("targets", "A", paths=paths)
    repo.publish()
    assert listed(client, "6.1") == []
    assert visited(server) == ["A"] * reaches


def test_list_follows_hash_prefixes(repo, client):
    repo.delegate("targets", "A", path_hash_prefixes=["0", "1", "2", "3", "4", "5", "6", "7"])
    repo.delegate("targets", "B", path_hash_prefixes=["8", "9", "a", "b", "c", "d", "e", "f"])
    for i in range(8):
        repo.add_target(f"dir/{i}", b"content", role="A")
        repo.add_target(f"dir/{i + 8:x}", b"content", role="B")
    repo.publish()
    expected = [f"dir/{i:x}" for i in range(16)
                if (hashlib.sha256(f"dir/{i:x}".encode()).hexdigest()[0] < "8") == (i < 8)]
    assert listed(client, "dir") == expected


def test_list_is_refused_with_a_role_for_the_folder(kernels, client):
    kernels.signers["6.1"] = []
    kernels.publish()
    assert not client.run("--metadata-url", f"{client.url}/metadata", "list", "6.1")
    assert client.said.endswith("[tuf-delegated-signature]")
    assert listed(client, "6.6") == ["6.6/a", "6.6/b"]


def test_walk_visits_all_roles(kernels, client, server):
    kernels.delegate("6.6", "6.6/extra", paths=["*"])
    kernels.delegate("6.6/extra", "6.6", paths=["*"])
    kernels.add_target("6.6/c", b"content", role="6.6/extra")
    kernels.add_target("6.1/a", b"content", role="6.6/extra")
    kernels.signers["6.1-x"] = []
    kernels.publish()
    server.behave["/metadata/2.6.6%2Fextra.json"] = server.sends(kernels.read("6.6/extra"))
    expected = ["2.6.1.json 2", "2.6.1-x.json tuf-delegated-signature", "2.6.6.json 2"]
    # 6.6/extra may list what both its delegators may, and that is 6.6/* where '*' is for no slash.
    assert walked(client) == [*expected, "2.6.6%2Fextra.json 0"]
    server.requests.clear()
    assert walked(client, "6.1") == expected[:2]
    assert visited(server, "timestamp.json") == ["6.1-x"]


def test_walk_asks_every_delegator(repo, client):
    repo.delegate("targets", "A", paths=["*"])
    repo.delegate("targets", "B", paths=["*"])
    repo.delegate("B", "A", paths=["*"], keys=[pooled_key(21)])
    repo.publish()
    assert walked(client) == ["2.A.json 0", "2.B.json 0", "2.A.json tuf-delegated-signature"]


def test_walk_ends(repo, client):
    above = "targets"
    for i in range(66):
        repo.delegate(above, f"role-{i}", paths=["*"])
        above = f"role-{i}"
    repo.publish()
    assert not client.run("--metadata-url", f"{client.url}/metadata", "roles", "")
    assert client.said.endswith("[tuf-too-many-roles]")
    assert len(client.printed) == 64
