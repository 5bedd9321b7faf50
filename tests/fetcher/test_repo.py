# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture repo: what it takes in, what it signs and when, and what it refuses."""
import datetime
import hashlib
import json
import shutil
import subprocess
import time

import pytest
import repo_fixture
from repo_fixture import Repository, must, packages, plus_release, release, run


@pytest.fixture
def repo(tmp_path):
    made = Repository(tmp_path)
    result = made.init()
    assert result.status == 0, result.stderr
    return made


@pytest.fixture
def published(repo):
    repo.must("add", packages()["meminfo-1-1"])
    repo.must("publish")
    return repo


def versions(repo):
    return {name: role["version"] for name, role in repo.json("status")["roles"].items()}


def refused(result, reason):
    """The error is one line that ends in its reason."""
    assert result.reason == reason, result.stderr
    assert result.status != 0 and len(result.stderr.strip().splitlines()) == 1


def test_published_targets_lead_to_the_package(published):
    (path, entry), = published.targets().items()
    data = packages()["meminfo-1-1"].read_bytes()
    assert path == f"{release()}/livepatch-{release()}-meminfo-1-1.x86_64.rpm"
    assert entry["length"] == len(data) and entry["hashes"] == {"sha256": hashlib.sha256(data).hexdigest()}
    assert published.on_disk(path, entry).read_bytes() == data
    custom = entry["custom"]["suture"]
    assert custom["format"] == 1 and custom["name"] == "meminfo" and custom["kernel"]["release"] == release()


def test_key_may_be_a_file_uri_with_escapes(tmp_path):
    repo = Repository(tmp_path / "a folder")
    options = repo.key_options()
    uris = [option if isinstance(option, str) else option.as_uri() for option in options]
    assert "%20" in uris[1]
    result = repo.run("init", *uris, "--rpm-key", repo.rpm_key, "--trust", repo.vendor.trust)
    assert result.status == 0, result.stderr
    repo.must("publish")


def test_package_is_stored_once(published):
    (path, entry), = published.targets().items()
    kept = published.folder / "state/bundles" / release() / "meminfo-1-1" / "package.rpm"
    assert kept.samefile(published.on_disk(path, entry))


@pytest.mark.parametrize("role,file", [("targets", "1.targets.json"), ("snapshot", "1.snapshot.json"),
                                       ("timestamp", "timestamp.json")])
def test_openssl_verifies_signatures_over_canonical_json(published, tmp_path, role, file):
    raw = (published.metadata / file).read_bytes()
    document = json.loads(raw)
    canonical = json.dumps(document["signed"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert canonical in raw  # the file is canonical too, but for escaped line breaks
    canonical = canonical.replace(b"\\n", b"\n")
    root = published.document("1.root.json")
    (signature,) = document["signatures"]
    assert [signature["keyid"]] == root["roles"][role]["keyids"]
    (tmp_path / "key.pem").write_text(root["keys"][signature["keyid"]]["keyval"]["public"])
    (tmp_path / "sig").write_bytes(bytes.fromhex(signature["sig"]))
    for content, valid in ((canonical, True), (canonical.replace(b"1", b"2", 1), False)):
        (tmp_path / "content").write_bytes(content)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature",
                               tmp_path / "sig", tmp_path / "content"], capture_output=True, check=False)
        assert (done.returncode == 0) == valid


def test_key_ids_are_digests_of_canonical_keys(published):
    root = published.document("1.root.json")
    assert root["spec_version"].startswith("1.0") and root["consistent_snapshot"] is True
    for key_id, key in root["keys"].items():
        canonical = json.dumps(key, sort_keys=True, separators=(",", ":")).replace("\\n", "\n")
        assert hashlib.sha256(canonical.encode()).hexdigest() == key_id


def client(repo, tmp_path, *arguments):
    return run(repo_fixture.TUF_CLIENT, "--metadata-dir", tmp_path / "client", "--metadata-url",
               f"file://{repo.metadata}", *arguments)


def test_tuf_client_downloads_the_target(published, tmp_path):
    must("mkdir", tmp_path / "client", tmp_path / "got")
    published.must("root", "-o", tmp_path / "root.json")
    must(repo_fixture.TUF_CLIENT, "--metadata-dir", tmp_path / "client", "init", tmp_path / "root.json")
    (path,) = published.targets()
    result = client(published, tmp_path, "--target-name", path, "--target-dir", tmp_path / "got", "--target-base-url",
                    f"file://{published.public}/targets", "download")
    assert result.status == 0, result.stderr
    (got,) = [each for each in (tmp_path / "got").rglob("*") if each.is_file()]
    assert got.read_bytes() == packages()["meminfo-1-1"].read_bytes()


def test_publish_with_nothing_new_changes_nothing(published):
    before = {path: path.stat().st_ino for path in published.public.rglob("*")}
    out = published.json("publish")
    assert out["changed"] is False
    assert {path: path.stat().st_ino for path in published.public.rglob("*")} == before


def test_refresh_signs_snapshot_and_timestamp_alone(published):
    published.must("publish", "--refresh")
    assert versions(published) == {"root": 1, "targets": 1, "snapshot": 2, "timestamp": 2}
    published.check_whole()


@pytest.mark.parametrize("later,expected", [("+3 days", {"targets": 1, "snapshot": 1, "timestamp": 1}),
                                            ("+4 days", {"targets": 1, "snapshot": 1, "timestamp": 2}),
                                            ("+8 days", {"targets": 1, "snapshot": 2, "timestamp": 2}),
                                            ("+46 days", {"targets": 2, "snapshot": 2, "timestamp": 2})])
def test_metadata_is_signed_anew_after_half_of_its_life(published, later, expected):
    published.must("publish", at=later)
    assert versions(published) == {"root": 1, **expected}


def test_offline_targets_keys_do_not_keep_timestamp_from_being_signed(published):
    published.key("targets").unlink()
    published.must("publish", at="+46 days")
    assert versions(published) == {"root": 1, "targets": 1, "snapshot": 2, "timestamp": 2}
    refused(published.run("publish", at="+91 days"), "io")


def test_expired_root_is_refused(published):
    refused(published.run("publish", at="+366 days"), "repo-expiry")


def test_add_of_an_equal_file_changes_nothing(published):
    (report,) = published.json("add", packages()["meminfo-1-1"])
    assert report["added"] is False and report["bundle"] == "meminfo-1-1"
    assert published.json("publish")["changed"] is False


def test_another_file_of_the_same_name_is_refused(published):
    refused(published.run("add", packages()["meminfo-1-1-other"]), "repo-exists")
    assert len(published.json("list")) == 1


@pytest.mark.parametrize("name,reason", [("unsigned", "rpm-unsigned"), ("missing", "io")])
def test_a_bundle_that_hosts_refuse_is_not_taken_in(repo, name, reason):
    before = sorted(repo.folder.rglob("*"))
    refused(repo.run("add", packages().get(name, "/nonexistent.rpm")), reason)
    assert sorted(repo.folder.rglob("*")) == before


def test_flipped_byte_is_not_taken_in(repo, tmp_path):
    data = bytearray(packages()["meminfo-1-1"].read_bytes())
    data[-100] ^= 1
    (tmp_path / "bad.rpm").write_bytes(data)
    refused(repo.run("add", tmp_path / "bad.rpm"), "rpm-digest")
    assert repo.json("list") == []


def test_file_name_comes_from_the_package(repo, tmp_path):
    shutil.copy(packages()["meminfo-1-1"], tmp_path / "latest of all.rpm")
    repo.must("add", tmp_path / "latest of all.rpm")
    assert repo.json("list")[0]["file"] == f"livepatch-{release()}-meminfo-1-1.x86_64.rpm"


def test_adding_one_bundle_touches_its_kernel_alone(published):
    repomd = published.public / "targets" / release() / "repodata/repomd.xml"
    before = repomd.stat().st_ino
    published.must("add", packages()["plus-1-1"])
    published.must("publish")
    assert repomd.stat().st_ino == before
    assert (published.public / "targets" / plus_release() / "repodata/repomd.xml").exists()
    assert len(published.check_whole()) == 2


def test_publish_reads_no_package(published):
    for package in (published.folder / "state/bundles").glob("*/*/package.rpm"):
        package.chmod(0o644)
        package.write_bytes(b"")
    published.must("add", packages()["meminfo-2-1"])
    published.must("publish")
    assert len(published.targets()) == 2


def test_list_and_status_tell_what_waits(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("remove", "meminfo-1-1")
    listed = {each["bundle"]: each for each in published.json("list")}
    assert set(listed) == {"meminfo-2-1"} and listed["meminfo-2-1"]["published"] is False
    status = published.json("status")
    assert (status["added"], status["removed"], status["published"]) == (1, 1, False)
    published.must("publish")
    status = published.json("status")
    assert (status["added"], status["removed"], status["published"]) == (0, 0, True)
    assert "meminfo-2-1" in published.must("list") and "critical" in published.must("list")


def test_removed_bundle_is_no_longer_offered(published):
    published.must("remove", "meminfo-1-1")
    assert published.targets()
    published.must("publish")
    assert published.targets() == {}
    assert (published.public / "targets" / release() / "repodata/repomd.xml").exists()


def test_remove_for_one_kernel(published):
    published.must("add", packages()["plus-1-1"])
    published.must("remove", "meminfo-1-1", "--kernel", release())
    assert [each["kernel"] for each in published.json("list")] == [plus_release()]


def test_remove_for_every_kernel(published):
    published.must("add", packages()["plus-1-1"])
    assert len(published.must("remove", "meminfo-1-1").splitlines()) == 2
    assert published.json("list") == []


@pytest.mark.parametrize("options", [[], ["--kernel", "5.0"]])
def test_removing_what_is_not_there_is_refused(published, options):
    refused(published.run("remove", "absent-1-1", *options), "repo-unknown")


def test_public_folder_is_made_again_where_it_was_lost(published):
    before = {path.relative_to(published.public): path.read_bytes() for path in published.public.rglob("*")
              if path.is_file()}
    shutil.rmtree(published.public)
    assert published.json("status")["published"] is False
    published.must("publish")
    after = {path.relative_to(published.public): path.read_bytes() for path in published.public.rglob("*")
             if path.is_file()}
    assert after == before


def test_web_server_may_read_all_that_is_public_and_nothing_else(tmp_path):
    made = Repository(tmp_path)
    old = subprocess.os.umask(0o077)
    try:
        assert made.init().status == 0
        made.must("add", packages()["meminfo-1-1"])
        made.must("publish")
    finally:
        subprocess.os.umask(old)
    for path in [made.public, *made.public.rglob("*")]:
        assert path.stat().st_mode & (0o005 if path.is_dir() else 0o004), path
    assert (made.folder / "state").stat().st_mode & 0o077 == 0
    assert (made.folder / "repository.conf").stat().st_mode & 0o077 == 0


def test_prune_leaves_what_readers_need(published):
    published.must("add", packages()["meminfo-2-1"])
    published.must("remove", "meminfo-1-1")
    refused(published.run("prune"), "repo-unpublished")
    published.must("publish")
    old = [path for path in published.public.rglob("*meminfo-1-1*")]
    assert old
    assert published.must("prune").startswith("removed ")
    assert not [path for path in published.public.rglob("*meminfo-1-1*")]
    assert len(published.check_whole()) == 1
    names = {path.name for path in published.metadata.iterdir()}
    assert names == {"1.root.json", "2.snapshot.json", "1.targets.json", f"2.{release()}.json", "timestamp.json"}
    assert published.must("prune") == "removed 0 files\n"


def test_folder_without_a_repository_is_refused(tmp_path):
    refused(run(repo_fixture.VENDOR, "repo", "publish", tmp_path), "repo-not-initialised")


def test_second_init_is_refused(repo):
    before = (repo.folder / "state/metadata/1.root.json").read_bytes()
    refused(repo.init(), "repo-initialised")
    assert (repo.folder / "state/metadata/1.root.json").read_bytes() == before


def test_init_without_trust_is_refused(tmp_path):
    made = Repository(tmp_path)
    refused(made.run("init", *made.key_options(), "--rpm-key", made.rpm_key, "--trust", tmp_path), "config")
    refused(made.run("init", *made.key_options(), "--rpm-key", made.rpm_key), "usage")
    assert not (made.folder / "repository.conf").exists()


def test_threshold_above_the_keys_is_refused(tmp_path):
    made = Repository(tmp_path)
    refused(made.init("--root-threshold", "2"), "repo-threshold")
    refused(made.init("--root-threshold", "2", root=["a", "a"]), "repo-threshold")


def test_too_few_targets_keys_at_publish_are_refused(tmp_path):
    made = Repository(tmp_path)
    assert made.init("--targets-threshold", "2", targets=["a", "b"]).status == 0
    made.must("publish")
    assert len(json.loads((made.metadata / "1.targets.json").read_bytes())["signatures"]) == 2
    edit_conf(made, f"{made.key('a')};", "")
    made.must("add", packages()["meminfo-1-1"])
    refused(made.run("publish"), "repo-threshold")


def edit_conf(repo, old, new):
    path = repo.folder / "repository.conf"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_key_that_root_does_not_name_is_refused(published):
    edit_conf(published, str(published.key("timestamp")), str(published.key("stranger")))
    refused(published.run("publish", "--refresh"), "repo-key")
    assert published.document("timestamp.json")["version"] == 1


def test_damaged_record_is_refused_and_can_be_removed(published):
    record = published.folder / "state/bundles" / release() / "meminfo-1-1" / "bundle.json"
    record.write_text(record.read_text().replace('"meminfo-1-1"', '"meminfo-1-9"'))
    refused(published.run("publish", "--all"), "repo-damaged")
    published.must("remove", "meminfo-1-1", "--kernel", release())
    published.must("add", packages()["meminfo-1-1"])
    published.must("publish")
    assert versions(published)["targets"] == 1
    published.check_whole()


def test_damaged_metadata_is_refused(published):
    (published.folder / "state/metadata/targets.json").write_text("{}")
    refused(published.run("publish"), "repo-damaged")


def test_unknown_setting_is_refused(published):
    edit_conf(published, "[timestamp]", "[timestamp]\nexpiry=3")
    refused(published.run("publish"), "config")


def test_rotation_replaces_keys_for_clients_of_the_old_root(published, tmp_path):
    must("mkdir", tmp_path / "client")
    must(repo_fixture.TUF_CLIENT, "--metadata-dir", tmp_path / "client", "init", published.metadata / "1.root.json")
    published.must("rotate", "--sign-key", published.key("root"), "--root-key", published.key("new-root"),
                   "--targets-key", published.key("new-targets"), "--timestamp-key", published.key("new-timestamp"))
    published.must("publish")
    assert versions(published) == {"root": 2, "targets": 2, "snapshot": 2, "timestamp": 2}
    assert len(json.loads((published.metadata / "2.root.json").read_bytes())["signatures"]) == 2
    result = client(published, tmp_path, "refresh")
    assert result.status == 0, result.stderr
    assert json.loads((tmp_path / "client/root.json").read_bytes())["signed"]["version"] == 2
    assert len(published.document("2.root.json")["keys"]) == 4


def test_rotation_extends_an_expired_root(published):
    published.must("rotate", "--sign-key", published.key("root"), at="+366 days")
    published.must("publish", at="+366 days")
    assert versions(published)["root"] == 2


def test_rotation_by_a_stranger_is_refused(published):
    refused(published.run("rotate", "--sign-key", published.key("stranger")), "repo-key")
    refused(published.run("rotate", "--sign-key", published.key("root"), "--root-key", published.key("a"),
                          "--root-threshold", "2"), "repo-threshold")
    assert versions(published)["root"] == 1


def test_two_publishers_take_turns(published):
    processes = [subprocess.Popen([repo_fixture.VENDOR, "repo", "publish", published.folder, "--refresh"],
                                  stdout=subprocess.DEVNULL) for _ in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    assert versions(published)["timestamp"] == 7
    published.check_whole()


def test_publish_looks_at_changed_kernels_alone(published):
    published.must("add", packages()["plus-1-1"])
    published.must("publish")
    package = next(published.public.glob(f"targets/{release()}/*.rpm"))
    package.unlink()
    published.must("add", packages()["plus-1-1"])
    published.must("remove", "meminfo-1-1", "--kernel", plus_release())
    published.must("publish")
    assert not package.exists()
    published.must("publish", "--all")
    assert package.exists()
    published.check_whole()


def test_trust_anchors_are_targets_of_the_top_level(published):
    anchors = published.anchors()
    assert set(anchors) == {f"trust/{path.name}" for path in published.vendor.trust.iterdir() if path.name != "root.json"}
    for path, entry in anchors.items():
        assert published.on_disk(path, entry).read_bytes() == (published.vendor.trust / path.split("/")[1]).read_bytes()


def test_new_anchor_is_published(tmp_path):
    made = Repository(tmp_path)
    made.vendor.trust = shutil.copytree(made.vendor.trust, tmp_path / "trust")
    try:
        assert made.init().status == 0
        made.must("publish")
        before = made.anchors()
        (tmp_path / "trust/cms-ca.pem").write_bytes((tmp_path / "trust/cms-ca.pem").read_bytes() + b"\n")
        assert made.json("status")["published"] is False
        made.must("publish")
        assert before["trust/cms-ca.pem"] != made.anchors()["trust/cms-ca.pem"]
        assert before["trust/module.pem"] == made.anchors()["trust/module.pem"]
        made.check_whole()
    finally:
        del made.vendor.trust


def test_timestamp_says_when_it_was_signed(published):
    issued = published.document("timestamp.json")["x-suture-issued"]
    assert abs(datetime.datetime.fromisoformat(issued.replace("Z", "+00:00")).timestamp() - time.time()) < 120


def test_refresh_signs_what_is_published_and_nothing_that_waits(published):
    published.must("add", packages()["meminfo-2-1"])
    published.key("targets").unlink()
    published.key("root").unlink()
    refused(published.run("publish"), "io")
    published.must("refresh", at="+6 days")
    assert versions(published) == {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 2}
    published.must("refresh", at="+8 days")
    assert versions(published) == {"root": 1, "targets": 1, "snapshot": 2, "timestamp": 3}
    assert len(published.check_whole()) == 1
    assert published.json("status")["added"] == 1


def test_refresh_does_not_show_a_root_whose_targets_are_not_signed_yet(published):
    published.must("rotate", "--sign-key", published.key("root"), "--targets-key", published.key("new-targets"))
    published.must("refresh")
    assert not (published.metadata / "2.root.json").exists() and published.document("timestamp.json")["version"] == 2
    published.must("publish")
    published.must("refresh")
    assert (published.metadata / "2.root.json").exists() and published.document("timestamp.json")["version"] == 4


def test_refresh_tells_of_what_ends_soon(published):
    result = published.run("refresh", at="+80 days")
    assert result.status == 13 and result.reason == "repo-expiring" and "timestamp 2" in result.stdout


def test_publish_of_one_kernel_leaves_the_others_waiting(published):
    published.must("add", packages()["meminfo-2-1"], packages()["plus-1-1"])
    published.must("publish", "--kernel", plus_release())
    assert sorted(path.split("/")[0] for path in published.check_whole()) == sorted([release(), plus_release()])
    assert published.json("status")["added"] == 1
    published.must("publish")
    assert len(published.check_whole()) == 3
    refused(published.run("publish", "--kernel", "5.0"), "repo-unknown")


def test_refresh_before_the_first_publish_is_refused(repo):
    refused(repo.run("refresh"), "repo-unpublished")


def recalls(repo):
    return repo.roles()[release()].get("x-suture-withdrawn", [])


def test_withdrawn_bundle_is_recalled_and_never_comes_back(published):
    published.must("add", packages()["meminfo-2-1"], packages()["plus-1-1"])
    published.must("publish")
    digest = published.targets()[f"{release()}/livepatch-{release()}-meminfo-1-1.x86_64.rpm"]
    published.must("withdraw", "meminfo-1-1", "--kernel", release(), "--reason", "makes machines slow")
    published.must("publish")
    (recall,) = recalls(published)
    assert recall["id"] == "meminfo-1-1" and recall["reason"] == "makes machines slow"
    assert recall["manifest_sha256"] == digest["custom"]["suture"]["manifest_sha256"]
    assert sorted(path.split("-")[-2] for path in published.check_whole()) == ["1", "2"]
    refused(published.run("add", packages()["meminfo-1-1"]), "repo-withdrawn")
    refused(published.run("withdraw", "meminfo-1-1", "--kernel", release(), "--reason", "again"), "repo-unknown")
    published.must("remove", "meminfo-2-1")
    published.must("publish")
    assert recalls(published) == [recall]


def test_withdrawal_needs_a_reason(published):
    refused(published.run("withdraw", "meminfo-1-1"), "usage")
    refused(published.run("withdraw", "meminfo-1-1", "--reason", "x" * 513), "usage")
    assert len(published.json("list")) == 1


def test_metadata_of_kernels_is_signed_anew_before_it_expires(published):
    published.must("publish", at="+46 days")
    assert published.roles()[release()]["version"] == 2
    assert published.json("status")["kernels_expire"] == published.roles()[release()]["expires"]


@pytest.mark.parametrize("later,role", [("+5 days", "timestamp"), ("+61 days", "targets"), ("+244 days", "root")])
def test_status_tells_early_what_ends(published, later, role):
    assert published.run("status").status == 0
    if role != "timestamp":  # the daily job goes on, the offline keys do not come out
        published.run("refresh", at=later)
    result = published.run("status", at=later)
    assert result.status == 13 and result.reason == "repo-expiring" and f" {role}:" in result.stderr
