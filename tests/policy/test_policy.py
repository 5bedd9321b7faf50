# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture policy explain: the files that policy is read from, the stores, bundle files, another kernel."""
import copy
import json
import os
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["SUTURE_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/lib"))
from pipeline import BIN, run  # noqa: E402

SAMPLE = json.loads((SOURCE / "tests/spec/samples/manifest.json").read_text())
SAMPLE["stack"] = {"requires": [], "supersedes": [], "conflicts": [], "cumulative": False}
KERNEL = SAMPLE["kernel"]
IDENTITY = ["--kernel-release", KERNEL["release"], "--kernel-build-id", KERNEL["build_id"], "--kernel-arch", "x86_64"]


class Host:
    def __init__(self, root):
        self.root = root

    def store(self, identifier, stack=None, **members):
        """Puts a bundle at rest into the package store: what explain reads of it is not its signature."""
        manifest = copy.deepcopy(SAMPLE)
        manifest["name"], manifest["version"], manifest["release"] = identifier.rsplit("-", 2)
        manifest["stack"].update(stack or {})
        manifest.update(members)
        folder = self.root / "usr/lib/suture" / KERNEL["release"] / identifier
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / "manifest.json.p7s").write_bytes(b"not looked at")

    def configure(self, path, text):
        file = self.root / "etc/suture" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def explain(self, *arguments):
        return run([BIN / "suture", "--root", self.root, "--json", "policy", "explain", *IDENTITY, *arguments])

    def rules(self, *arguments):
        """id -> (verdict, rule)."""
        result = self.explain(*arguments)
        return {each["id"]: (each["verdict"], each["rule"]) for each in result.json["decisions"]}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_shows_decisions_and_the_stack(host):
    host.store("top-1-1", {"requires": ["base"]})
    host.store("base-1-1")
    host.store("base-2-1")
    result = host.explain()
    assert result.status == 0
    assert {each["id"]: each["rule"] for each in result.json["decisions"]} == {
        "base-1-1": "newer-version", "base-2-1": "default", "top-1-1": "default"}
    assert result.json["order"] == ["base-2-1", "top-1-1"]
    assert result.json["problem"] is None
    assert result.json["kernel"]["build_id"] == KERNEL["build_id"]


def test_text_has_a_line_for_each(host):
    host.store("base-1-1")
    host.store("top-1-1", {"requires": ["base"]})
    result = run([BIN / "suture", "--root", host.root, "policy", "explain", *IDENTITY])
    assert result.status == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["base-1-1", "apply", "default"]
    assert lines[1].split()[:3] == ["top-1-1", "apply", "default"]
    assert lines[2] == "stack, bottom first: base-1-1 top-1-1"


def test_only_what_is_asked_for(host):
    host.store("one-1-1")
    host.store("two-1-1")
    assert host.rules("two") == {"two-1-1": ("apply", "default")}
    assert host.rules("one-1-1") == {"one-1-1": ("apply", "default")}
    refused = host.explain("three")
    assert (refused.status, refused.reason) == (3, "not-installed")


def test_another_build_of_the_release(host):
    host.store("one-1-1")
    arguments = ["--kernel-release", KERNEL["release"], "--kernel-build-id", "ab" * 20]
    result = run([BIN / "suture", "--root", host.root, "--json", "policy", "explain", *arguments])
    assert [(each["verdict"], each["rule"]) for each in result.json["decisions"]] == [("mismatch", "kernel-build-id")]
    assert result.json["order"] == []


def test_release_without_build_id_is_no_kernel(host):
    result = run([BIN / "suture", "--root", host.root, "policy", "explain", "--kernel-release", KERNEL["release"]])
    assert (result.status, result.reason) == (2, "usage")


def test_later_files_win_key_by_key(host):
    host.store("one-1-1", severity="low")
    host.store("two-1-1")
    host.configure("suture.conf", "[repository]\nurl=https://localhost/\n[policy]\nseverity-floor=critical\ndeny=two\n")
    assert host.rules() == {"one-1-1": ("held", "severity-floor"), "two-1-1": ("held", "deny")}
    host.configure("policy.d/50-site.conf", "[policy]\nseverity-floor=low\n")
    host.configure("policy.d/10-site.conf", "[policy]\nseverity-floor=important\ndeny=\n")
    host.configure("policy.d/90-site.conf.bak", "[policy]\nnonsense=1\n")
    host.configure("policy.d/empty.conf", "")
    assert host.rules() == {"one-1-1": ("apply", "default"), "two-1-1": ("apply", "default")}


def test_installed_bundles_did_not_come_through_the_repository(host):
    host.store("one-1-1")
    host.configure("policy.d/tuf.conf", "[policy]\nrequire-tuf=true\n")
    assert host.rules() == {"one-1-1": ("held", "require-tuf")}


@pytest.mark.parametrize("path, text", [
    ("suture.conf", "[policy]\nseverity=low\n"),
    ("suture.conf", "no group\n"),
    ("suture.conf", "[polcy]\nrequire-tuf=true\n"),
    ("policy.d/a.conf", "[policy]\nseverity-floor=grave\n"),
    ("policy.d/a.conf", "[polcy]\nseverity-floor=low\n"),
    ("policy.d/a.conf", "[policy]\nrequire-tuf=maybe\n"),
    ("policy.d/a.conf", "[policy\n"),
])
def test_malformed_policy_is_refused_by_file(host, path, text):
    host.store("one-1-1")
    host.configure(path, text)
    result = host.explain()
    assert (result.status, result.reason) == (3, "policy-syntax")
    assert str(host.root / "etc/suture" / path) in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("stacks, reason, named", [
    ({"a-1-1": {"requires": ["b"]}, "b-1-1": {"requires": ["a"]}}, "stack-cycle", ["a-1-1", "b-1-1"]),
    ({"a-1-1": {"requires": ["b"]}}, "stack-gap", ["a-1-1", "b"]),
    ({"a-1-1": {"conflicts": ["b"]}, "b-1-1": {}}, "stack-conflict", ["a-1-1", "b-1-1"]),
])
def test_a_stack_that_cannot_be_is_shown_and_refused(host, stacks, reason, named):
    for identifier, stack in stacks.items():
        host.store(identifier, stack)
    result = host.explain()
    assert (result.status, result.reason) == (6, reason)
    assert all(name in result.stderr for name in named)
    assert result.json["order"] is None
    assert result.json["problem"]["reason"] == reason
    assert len(result.json["decisions"]) == len(stacks)


def test_unknown_key_beside_policy_is_refused(host):
    host.configure("suture.conf", "[apply]\ntransition-tmeout=5\n")
    result = run([BIN / "suture", "--root", host.root, "policy", "explain"])
    assert (result.status, result.reason) == (3, "config") and "transition-tmeout" in result.stderr


@pytest.mark.parametrize("path", ["suture.conf", "policy.d", "policy.d/10-site.conf"])
def test_policy_that_cannot_be_read_is_not_absent(host, path):
    host.store("one-1-1")
    link = host.root / "etc/suture" / path
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    result = host.explain()
    assert result.status != 0 and path in result.stderr and result.stdout == ""


def test_explaining_changes_nothing(host):
    host.store("one-1-1")
    before = sorted(host.root.rglob("*"))
    host.explain()
    assert sorted(host.root.rglob("*")) == before


def test_bundle_file_is_a_candidate_once_it_verifies(tmp_path):
    from evil import OTHER_BUILD_ID, workshop
    import bundle
    kernel = bundle.default_kernel()
    (tmp_path / "etc/suture").mkdir(parents=True)
    (tmp_path / "etc/suture/trust").symlink_to(workshop().trust)

    def explain(package, build_id=kernel["build_id"]):
        return run([BIN / "suture", "--root", tmp_path, "--json", "policy", "explain", "--kernel-release",
                    kernel["release"], "--kernel-build-id", build_id, workshop().package(package)])

    good = explain("good")
    assert good.status == 0, good.stderr
    assert [each["rule"] for each in good.json["decisions"]] == ["default"]
    assert good.json["order"] == [good.json["decisions"][0]["id"]]
    other = explain("good", OTHER_BUILD_ID)
    assert [each["rule"] for each in other.json["decisions"]] == ["kernel-build-id"]
    unsigned = explain("unsigned")
    assert (unsigned.status, unsigned.reason, unsigned.stdout) == (4, "rpm-unsigned", "")
    assert subprocess.run(["find", tmp_path, "-name", "*.ko"], capture_output=True, check=True).stdout == b""
