# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys that are not where the repository is: what is staged, signed on machines of its own, collected and only then in force."""
import hashlib
import json
import shutil
import subprocess

import pytest
from repo_fixture import VENDOR, Repository, must, packages, plus_release, release, run
from test_repo import refused, versions


def public(repo, name):
    return repo.key(name).with_suffix(".pub")


class Signer:
    """Somebody with one key, and a machine that never sees the repository."""

    def __init__(self, repo, folder, name):
        self.key, self.folder = repo.key(name), folder / f"machine-{name}"

    def sign(self, repo):
        """What comes back: a copy of what was staged, with one more signature."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(repo.folder / "staged", self.folder)
        must(VENDOR, "repo", "sign", self.folder, "--key", self.key)
        return self.folder


@pytest.fixture
def offline(tmp_path):
    """Root by two of three keys, targets by two of two, none of them here; snapshot and timestamp are."""
    repo = Repository(tmp_path)
    options = [word for role, names in {"root": "abc", "targets": "de"}.items() for name in names
               for word in (f"--{role}-key", public(repo, name))]
    made = repo.run("init", *options, "--root-threshold", "2", "--targets-threshold", "2", "--snapshot-key",
                    repo.key("snapshot"), "--timestamp-key", repo.key("timestamp"), "--rpm-key", repo.rpm_key, "--trust",
                    repo.vendor.trust)
    assert made.status == 0, made.stderr
    repo.signers = {name: Signer(repo, tmp_path, name) for name in "abcdefgh"}
    return repo


def collect(repo, *names):
    return repo.json("collect", *[repo.signers[name].sign(repo) for name in names])


@pytest.fixture
def published(offline):
    collect(offline, "a", "c")
    offline.must("add", packages()["meminfo-1-1"])
    offline.must("stage")
    collect(offline, "d", "e")
    offline.must("publish")
    return offline


def test_nothing_is_published_before_the_first_root_is_signed(offline):
    refused(offline.run("publish"), "repo-threshold")
    refused(offline.run("root"), "repo-threshold")
    assert list(offline.public.rglob("*.json")) == []


def test_first_root_takes_effect_with_its_threshold(offline, tmp_path):
    (waiting,) = collect(offline, "a")
    assert waiting["role"] == "root" and waiting["signatures"] == [{"have": 1, "need": 2}]
    refused(offline.run("root"), "repo-threshold")
    collect(offline, "b")
    offline.must("root", "-o", tmp_path / "root.json")
    document = json.loads((tmp_path / "root.json").read_bytes())
    assert len(document["signatures"]) == 2 and document["signed"]["version"] == 1


def test_publish_refuses_below_the_threshold_and_shows_nothing(offline):
    collect(offline, "a", "b")
    offline.must("add", packages()["meminfo-1-1"])
    staged = {each["role"]: each for each in offline.json("stage")}
    assert set(staged) == {"targets", release()}
    digest = hashlib.sha256(packages()["meminfo-1-1"].read_bytes()).hexdigest()
    assert staged[release()]["changes"] == [
        f"adds target {release()}/livepatch-{release()}-meminfo-1-1.x86_64.rpm, SHA-256 {digest}"]
    assert f"adds delegation to {release()}" in staged["targets"]["changes"]
    collect(offline, "d")
    refused(offline.run("publish"), "repo-threshold")
    assert list(offline.public.rglob("*.json")) == []
    collect(offline, "e")
    offline.must("publish")
    assert len(offline.check_whole()) == 1
    assert offline.json("status")["staged"] == 0


def test_one_signer_after_the_other_on_the_same_files(published):
    published.must("add", packages()["meminfo-2-1"])
    assert [each["role"] for each in published.json("stage")] == [release()]
    for name in "de":
        must(VENDOR, "repo", "sign", published.folder / "staged", "--key", published.key(name))
    published.must("publish")
    assert len(published.check_whole()) == 2
    assert versions(published)["targets"] == 1  # top-level targets do not change with a bundle


def test_what_is_staged_keeps_its_signatures(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    collect(published, "d")
    before = (published.folder / "staged" / f"{release()}.json").read_bytes()
    (waiting,) = published.json("stage")
    assert waiting["signatures"] == [{"have": 1, "need": 2}]
    assert (published.folder / "staged" / f"{release()}.json").read_bytes() == before


def test_change_after_staging_asks_for_new_signatures(published, tmp_path):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    old = published.signers["d"].sign(published)
    published.must("remove", "meminfo-1-1")
    published.must("stage")
    refused(published.run("collect", old), "repo-staged")
    (waiting,) = published.json("stage")
    assert waiting["signatures"] == [{"have": 0, "need": 2}]
    assert len(waiting["changes"]) == 2


def test_tampered_copy_brings_no_signature(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    copy = published.signers["d"].sign(published)
    path = copy / f"{release()}.json"
    document = json.loads(path.read_bytes())
    document["signatures"][0]["sig"] = document["signatures"][0]["sig"][:-2] + "00"
    path.write_text(json.dumps(document))
    (waiting,) = published.json("collect", copy)
    assert waiting["signatures"] == [{"have": 0, "need": 2}]
    document["signed"]["version"] = 9
    path.write_text(json.dumps(document))
    refused(published.run("collect", copy), "repo-staged")


def test_key_of_nobody_signs_nothing(published, tmp_path):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    before = (published.folder / "staged" / f"{release()}.json").read_bytes()
    refused(run(VENDOR, "repo", "sign", published.folder / "staged", "--key", published.key("stranger")), "repo-key")
    refused(run(VENDOR, "repo", "sign", published.folder / "staged"), "usage")
    assert (published.folder / "staged" / f"{release()}.json").read_bytes() == before
    (tmp_path / "junk.json").write_text("{}")
    refused(run(VENDOR, "repo", "sign", tmp_path / "junk.json", "--key", published.key("d")), "repo-staged")


def test_same_key_twice_counts_once(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    collect(published, "d")
    (waiting,) = collect(published, "d")
    assert waiting["signatures"] == [{"have": 1, "need": 2}]


def test_root_rotation_needs_old_and_new_threshold(published, tmp_path):
    published.must("rotate", "--root-key", public(published, "b"), "--root-key", public(published, "f"), "--root-key",
                   public(published, "g"), "--root-threshold", "2")
    (waiting,) = collect(published, "f", "g")
    assert waiting["signatures"] == [{"have": 0, "need": 2}, {"have": 2, "need": 2}]
    published.must("publish")
    assert versions(published)["root"] == 1
    (waiting,) = collect(published, "a")
    assert waiting["signatures"] == [{"have": 1, "need": 2}, {"have": 2, "need": 2}]
    assert collect(published, "c") == [] or versions(published)["root"] == 2
    published.must("publish")
    assert versions(published)["root"] == 2
    assert len(json.loads((published.metadata / "2.root.json").read_bytes())["signatures"]) == 4


def test_revoked_targets_key_is_replaced_everywhere(published):
    """Key e is lost: root names f in its place, and every role that e signed is signed anew."""
    published.must("rotate", "--targets-key", public(published, "d"), "--targets-key", public(published, "f"),
                   "--targets-threshold", "2")
    collect(published, "a", "b")
    published.must("stage")
    assert {each["role"] for each in published.json("stage")} == {"targets", release()}
    collect(published, "d", "f")
    published.must("publish")
    assert versions(published)["root"] == 2
    (lost,) = set(published.document("1.root.json")["roles"]["targets"]["keyids"]) - set(
        published.document("2.root.json")["roles"]["targets"]["keyids"])
    assert all(lost not in json.dumps(document) for document in published.roles().values())
    assert published.roles()[release()]["version"] == 2


def test_kernel_gets_keys_of_its_own(published):
    published.must("add", packages()["plus-1-1"])
    published.must("delegate", "--kernel", plus_release(), "--key", published.key("h"))
    staged = {each["role"] for each in published.json("stage")}
    assert staged == {"targets", plus_release()}
    collect(published, "d", "e", "h")
    published.must("publish")
    roles = {each["name"]: each for each in published.roles()["targets"]["delegations"]["roles"]}
    assert roles[plus_release()]["threshold"] == 1 and len(roles[plus_release()]["keyids"]) == 1
    assert roles[release()]["threshold"] == 2
    published.must("delegate", "--kernel", plus_release())
    published.must("stage")
    collect(published, "d", "e")
    published.must("publish")
    roles = {each["name"]: each for each in published.roles()["targets"]["delegations"]["roles"]}
    assert roles[plus_release()]["keyids"] == roles[release()]["keyids"]


def test_kernels_keys_that_are_here_sign_by_themselves(published):
    """Bundles are signed daily by a key of the kernels' own; the targets keys come out when a kernel is added."""
    published.must("delegate", "--key", published.key("h"))
    published.must("stage")
    collect(published, "d", "e")
    published.must("publish")
    published.must("add", packages()["meminfo-2-1"])
    published.must("publish")
    assert len(published.check_whole()) == 2
    assert versions(published)["targets"] == 2


def test_expiring_targets_are_staged_and_do_not_stop_timestamps(published):
    published.must("publish", at="+46 days")
    assert versions(published)["timestamp"] == 2 and versions(published)["targets"] == 1
    assert {each["role"] for each in json.loads(published.must("stage", "--json", at="+46 days"))} == {
        "targets", release()}
    refused(published.run("publish", at="+91 days"), "repo-threshold")


def test_only_keys_that_are_here_are_named_in_the_settings(published):
    conf = (published.folder / "repository.conf").read_text()
    assert str(published.key("snapshot")) in conf and str(published.key("timestamp")) in conf
    assert not [name for name in "abcde" if f"/{name}." in conf]


def changes_of(published, *options):
    shown = must(VENDOR, "repo", "sign", published.folder / "staged", "--dry-run", *options, "--json")
    return {each["role"]: each["changes"] for each in json.loads(shown)}


def edit_staged(repo, role, change):
    path = repo.folder / "staged" / f"{role}.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def test_signers_are_shown_a_lifted_recall_and_a_lower_threshold(published):
    published.must("withdraw", "meminfo-1-1", "--reason", "slow")
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    assert "withdraws meminfo-1-1: slow" in changes_of(published)[release()]
    collect(published, "d", "e")
    published.must("publish")
    published.must("remove", "meminfo-2-1")
    published.must("stage")
    edit_staged(published, release(), lambda file: file["signed"].pop("x-suture-withdrawn"))
    assert "LIFTS THE RECALL of meminfo-1-1" in changes_of(published)[release()]
    refused(published.run("publish"), "repo-threshold")
    published.must("rotate", "--targets-key", public(published, "d"), "--targets-threshold", "1")
    shown = changes_of(published)["root"]
    assert "role targets: threshold 1 instead of 2" in shown and any("may not sign any more" in line for line in shown)


def test_signers_compare_with_metadata_of_their_own(published):
    """What a staged file says to be in force is nobody's word: it may hide the very target that is to be slipped in."""
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    edit_staged(published, release(), lambda file: file.update(in_force=file["signed"]))
    assert changes_of(published)[release()] == ["a later expiry alone"]
    (line,) = changes_of(published, "--against", published.metadata)[release()]
    assert line.startswith("adds target") and "meminfo-2-1" in line


def test_expiry_that_was_stretched_on_the_way_is_not_taken(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("stage")
    edit_staged(published, release(), lambda file: file["signed"].update(expires="2999-01-01T00:00:00Z"))
    (waiting,) = published.json("stage")
    assert not waiting["expires"].startswith("2999")


def test_two_signers_at_one_folder_lose_nothing(published):
    published.must("add", packages()["meminfo-2-1"])
    for _ in range(5):
        published.must("stage")
        processes = [subprocess.Popen([VENDOR, "repo", "sign", published.folder / "staged", "--key", published.key(name)],
                                      stdout=subprocess.DEVNULL) for name in "de"]
        assert [process.wait(60) for process in processes] == [0, 0]
        (waiting,) = json.loads(must(VENDOR, "repo", "sign", published.folder / "staged", "--dry-run", "--json"))
        assert waiting["signatures"] == [{"have": 2, "need": 2}]
        (published.folder / "staged" / f"{release()}.json").unlink()
