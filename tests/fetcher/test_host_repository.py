# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host takes over from a repository beside bundles: trust anchors, recalls; and from which mirror."""
import json
import shutil

import pytest
import repo_fixture
from lib.pipeline import Host
from repo_fixture import Repository, packages, plus_release, release


@pytest.fixture
def repo(tmp_path):
    made = Repository(tmp_path / "vendor")
    made.vendor.trust = shutil.copytree(made.vendor.trust, tmp_path / "vendor-trust")
    assert made.init().status == 0
    made.must("add", packages()["meminfo-1-1"], packages()["plus-1-1"])
    made.must("publish")
    yield made
    del made.vendor.trust


@pytest.fixture
def host(repo, tmp_path):
    trust = shutil.copytree(repo.vendor.trust, tmp_path / "provisioned")
    repo.must("root", "-o", trust / "root.json")
    return Host(tmp_path / "host", trust, url(repo), release=release(), build_id=repo_fixture.bundles.default_kernel()["build_id"])


def url(repo):
    return f"file://{repo.public}"


def refused(result, reason):
    assert result.reason == reason, result.stderr
    assert result.status != 0 and len(result.stderr.strip().splitlines()) == 1


def outcomes(result):
    assert result.stdout, result.stderr
    return {each["id"]: (each["outcome"], each["reason"]) for each in result.json["bundles"]}


def anchors(host):
    folder = host.state / "trust"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


# Trust anchors


def test_anchors_come_from_the_repository(repo, host):
    assert host.fetch().status == 0
    assert anchors(host) == {path.name: path.read_bytes() for path in repo.vendor.trust.iterdir()}
    assert any(record["event"] == "accept" and "anchors" in record["detail"] for record in host.ledger())
    count = len(host.ledger())
    assert host.fetch().status == 0
    assert not any("anchors" in record["detail"] for record in host.ledger()[count:])


def test_new_anchors_replace_old_ones_and_only_then_judge(repo, host):
    """A provisioned keyring of before the vendor's last rotation does not keep a host from its patches."""
    other = repo_fixture.testkeys.shared().trust / "module.pem"
    (host.root / "etc/suture/trust/rpm-keyring.asc").write_bytes(b"")
    (host.root / "etc/suture/trust/cms-ca.pem").write_bytes(other.read_bytes())
    assert outcomes(host.fetch("--json"))["meminfo-1-1"] == ("fetched", None)
    assert host.verify(packages()["meminfo-1-1"]).status == 0


def test_revocation_travels_with_the_metadata(repo, host):
    """The CA's new revocation list, which names the signer, reaches the host, and the bundle is refused from there on."""
    keys = repo_fixture.testkeys.shared()
    before = (keys.trust / "cms-ca.pem").read_bytes()
    assert host.fetch().status == 0
    assert host.bundles() == ["meminfo-1-1"]
    repo_fixture.must(repo_fixture.VENDOR, "key", "crl", "--ca-key", keys.private("ca"), "--ca-cert", keys.certificate("ca"),
                      "--revoke", keys.certificate("signer"), "--out", repo.vendor.trust / "cms-crl.pem")
    repo.must("publish")
    host.fetch()
    assert "cms-crl.pem" in anchors(host) and anchors(host)["cms-ca.pem"] == before
    refused(host.verify(packages()["meminfo-1-1"]), "cms-revoked")
    assert host.bundles() == []  # it would keep all others from being applied
    assert [(record["event"], record["reason"]) for record in host.ledger() if record["event"] == "remove"] == [
        ("remove", "cms-revoked")]


def test_unusable_anchors_leave_those_of_before(repo, host):
    assert host.fetch().status == 0
    good = anchors(host)
    (repo.vendor.trust / "cms-ca.pem").write_text("no certificate\n")
    repo.must("publish")
    before = host.tree("metadata", "refresh.json")
    refused(host.fetch(), "tuf-anchors")
    assert anchors(host) == good and host.tree("metadata", "refresh.json") == before
    assert host.ledger()[-1]["event"] == "refuse" and host.ledger()[-1]["reason"] == "tuf-anchors"


def test_anchor_whose_file_was_swapped_is_refused(repo, host):
    path = next((repo.public / "targets/trust").glob("*.module.pem"))
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.chmod(0o644)
    path.unlink()
    path.write_bytes(data)
    refused(host.fetch(), "tuf-target-hash")
    assert anchors(host) == {} and host.bundles() == []


# Recalls


def withdraw(repo):
    repo.must("withdraw", "meminfo-1-1", "--kernel", release(), "--reason", "slows machines down")
    repo.must("publish")


def test_recalled_bundle_is_shown_held_and_never_applied(repo, host):
    assert host.fetch().status == 0
    withdraw(repo)
    assert outcomes(host.fetch("--json")) == {"meminfo-1-1": ("withdrawn", "withdrawn")}
    explained = host.suture("policy", "explain", "--kernel-release", release(), "--kernel-build-id", host.build_id, "--json")
    (row,) = [row for row in explained.json["decisions"] if row["id"] == "meminfo-1-1"]
    assert row["verdict"] == "held" and row["rule"] == "withdrawn" and "slows machines down" in row["detail"]
    assert host.bundles() == ["meminfo-1-1"]  # what is live stays explained


def test_recall_is_known_without_the_repository(repo, host):
    assert host.fetch().status == 0
    withdraw(repo)
    host.fetch()
    shutil.rmtree(repo.public)
    recalls = json.loads((host.state / f"withdrawn/{release()}.json").read_bytes())["withdrawn"]
    assert [(each["id"], each["reason"]) for each in recalls] == [("meminfo-1-1", "slows machines down")]


def test_recall_for_one_kernel_leaves_the_other(repo, host):
    withdraw(repo)
    other = host.suture("fetch", "--kernel-release", plus_release(), "--kernel-build-id", host.build_id, "--kernel-arch",
                        "x86_64", "--json")
    assert outcomes(other) == {"meminfo-1-1": ("fetched", None)}


# Mirrors


def test_mirrors_are_tried_in_order_and_each_fault_is_told(repo, host):
    result = host.fetch("--url", "http://127.0.0.1:1/gone", "--url", "file:///nonexistent", "--url", url(repo), "--json")
    assert result.status == 0 and outcomes(result)["meminfo-1-1"] == ("fetched", None)
    first, second = result.stderr.strip().splitlines()
    assert "127.0.0.1:1" in first and first.endswith("[fetch-connect]")
    assert "/nonexistent" in second and second.endswith("[fetch-not-found]")
    assert [record["reason"] for record in host.ledger() if record["event"] == "refuse"] == ["fetch-connect",
                                                                                           "fetch-not-found"]


def test_configured_mirrors(repo, host):
    host.configure(f"http://127.0.0.1:1/gone;{url(repo)}")
    assert host.fetch().status == 0


def test_no_mirror_of_use_is_one_refusal_with_every_fault(host):
    result = host.fetch("--url", "http://127.0.0.1:1/gone", "--url", "file:///nonexistent")
    refused(result, "fetch-connect")
    assert "127.0.0.1:1" in result.stderr and "[fetch-not-found]" in result.stderr


def test_mirror_that_went_back_is_passed_over(repo, host, tmp_path):
    old = shutil.copytree(repo.public, tmp_path / "old")
    repo.must("add", packages()["meminfo-2-1"])
    repo.must("publish")
    assert host.fetch().status == 0
    result = host.fetch("--url", f"file://{old}", "--url", url(repo))
    assert result.status == 0 and result.stderr.strip().endswith("[tuf-timestamp-rollback]")


def test_file_that_a_mirror_lacks_comes_from_the_next(repo, host, tmp_path):
    lame = shutil.copytree(repo.public, tmp_path / "lame")
    for package in lame.rglob("*.rpm"):
        package.unlink()
    result = host.fetch("--url", f"file://{lame}", "--url", url(repo), "--json")
    assert outcomes(result)["meminfo-1-1"] == ("fetched", None)


def test_proxy_is_used_and_the_environment_too(repo, host):
    options = ["--url", "http://repository.invalid/"]
    refused(host.fetch(*options, "--proxy", "http://127.0.0.1:1"), "fetch-connect")
    result = host.fetch(*options, environment={"http_proxy": "http://127.0.0.1:1"})
    assert "127.0.0.1" in result.stderr and result.reason == "fetch-connect"


# Kernels


def install_kernel(host, name):
    for folder in (host.root / "boot", host.root / "lib/modules" / name):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(repo_fixture.modules.kernel()["IMAGE"], host.root / "boot" / f"vmlinuz-{name}")


def test_every_installed_kernel_in_one_refresh(repo, host):
    install_kernel(host, release())
    install_kernel(host, plus_release())
    result = host.suture("fetch", "--all-kernels", "--json")
    found = {each["kernel"]: each["outcome"] for each in result.json["bundles"]}
    assert found == {release(): "fetched", plus_release(): "fetched"}


# suture check


def states(result):
    assert result.stdout, result.stderr
    return {(each["kernel"], each["id"]): each["state"] for each in result.json["bundles"]}


@pytest.fixture
def kernels(host):
    """The two kernels of the repository are installed; what runs is this machine's own."""
    install_kernel(host, release())
    install_kernel(host, plus_release())
    return host


def test_check_says_what_there_is_and_downloads_nothing(repo, kernels):
    assert states(kernels.suture("check", "--json")) == {(release(), "meminfo-1-1"): "new",
                                                         (plus_release(), "meminfo-1-1"): "new"}
    assert kernels.bundles() == [] and (kernels.state / "metadata/timestamp.json").exists()


def test_check_follows_a_bundle_through_its_life(repo, kernels):
    kernels.suture("fetch", "--all-kernels")
    assert states(kernels.suture("check", "--json"))[release(), "meminfo-1-1"] == "fetched"
    repo.must("add", packages()["meminfo-2-1"])
    repo.must("publish")
    found = kernels.suture("check", "--json")
    assert states(found)[release(), "meminfo-1-1"] == "superseded" and states(found)[release(), "meminfo-2-1"] == "new"
    (row,) = [row for row in found.json["bundles"] if row["id"] == "meminfo-2-1"]
    assert row["fixes"] == ["CVE-2026-0002"]
    (kernels.root / "etc/suture/suture.conf").write_text(f"[repository]\nurl={url(repo)}\n[policy]\ndeny=meminfo-2*\n")
    found = kernels.suture("check")
    assert "held       meminfo-2-1: deny lists" in found.stdout and found.status == 0
    withdraw(repo)
    found = kernels.suture("check")
    assert "withdrawn  meminfo-1-1: slows machines down" in found.stdout


def test_check_warns_before_metadata_ends(repo, kernels):
    assert kernels.suture("check").status == 0
    result = kernels.suture("check", faketime="+6d")
    assert result.status == 13 and result.reason == "tuf-metadata-expiring"


def test_check_names_the_kernel_of_the_next_boot(repo, kernels):
    report = kernels.suture("check", "--json").json
    assert report["next_boot"]["kernel"] in report["kernels"] and report["next_boot"]["unpatched"] == []


# suture prune


def test_prune_keeps_what_is_wanted_and_one_before(repo, kernels):
    repo.must("add", packages()["meminfo-2-1"])
    for bundle in ("meminfo-1-1", "meminfo-2-1"):
        (kernels.root / "etc/suture/suture.conf").write_text(f"[repository]\nurl={url(repo)}\n[policy]\nallow={bundle}\n")
        repo.must("publish")
        kernels.suture("fetch", "--all-kernels")
    assert kernels.bundles() == ["meminfo-1-1", "meminfo-2-1"]
    kernels.configure(url(repo))
    assert "nothing to remove" in kernels.suture("prune").stdout
    withdraw(repo)
    kernels.suture("check")
    listed = kernels.suture("prune", "--dry-run", "--json").json
    assert listed["removed"] == [f"meminfo-1-1 for {release()}"] and len(kernels.bundles()) == 2
    receipts = len(list((kernels.state / "receipts").iterdir()))
    assert kernels.suture("prune").status == 0
    assert kernels.bundles() == ["meminfo-2-1"]
    assert len(list((kernels.state / "receipts").iterdir())) == receipts - 1
    assert kernels.ledger()[-1]["event"] == "remove" and kernels.ledger()[-1]["bundle"] == "meminfo-1-1"


def test_prune_takes_all_of_a_kernel_that_is_gone(repo, kernels):
    kernels.suture("fetch", "--all-kernels")
    (kernels.root / "boot" / f"vmlinuz-{release()}").unlink()
    assert kernels.suture("prune").status == 0
    assert kernels.bundles() == []
    assert len(list((kernels.state / "bundles" / plus_release()).iterdir())) == 1


# What fails alone


def test_kernel_whose_role_is_gone_keeps_no_other_from_its_patches(repo, kernels):
    for path in repo.metadata.glob(f"*.{plus_release()}.json"):
        path.unlink()
    result = kernels.suture("fetch", "--all-kernels", "--json")
    assert result.reason == "fetch-not-found" and plus_release().replace("+", "%2B") in result.stderr
    assert kernels.bundles() == ["meminfo-1-1"]
    assert any(record["event"] == "refuse" and record["reason"] == "fetch-not-found" for record in kernels.ledger())


@pytest.mark.parametrize("lacks", [f"metadata/*.{release()}.json", "targets/trust/*"])
def test_mirror_that_lacks_a_role_or_an_anchor_is_passed_over(repo, host, tmp_path, lacks):
    lame = shutil.copytree(repo.public, tmp_path / "lame")
    for path in lame.glob(lacks):
        path.unlink()
    result = host.fetch("--url", f"file://{lame}", "--url", url(repo), "--json")
    assert result.status == 0 and result.stderr.strip().endswith("[fetch-not-found]")
    assert outcomes(result)["meminfo-1-1"] == ("fetched", None)


def test_provisioned_revocations_stay_where_the_repository_lists_none(repo, host):
    keys = repo_fixture.testkeys.shared()
    crl = host.root / "etc/suture/trust/cms-crl.pem"
    repo_fixture.must(repo_fixture.VENDOR, "key", "crl", "--ca-key", keys.private("ca"), "--ca-cert", keys.certificate("ca"),
                      "--revoke", keys.certificate("signer"), "--out", crl)
    refused(host.fetch(), "cms-revoked")
    assert anchors(host)["cms-crl.pem"] == crl.read_bytes() and host.bundles() == []


def test_prune_leaves_an_installed_kernel_whose_image_it_cannot_read(repo, kernels):
    kernels.suture("fetch", "--all-kernels")
    (kernels.root / "boot" / f"vmlinuz-{release()}").write_text("no kernel")
    assert kernels.suture("prune").status == 0
    assert kernels.bundles() == ["meminfo-1-1"]
