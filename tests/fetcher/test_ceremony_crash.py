# SPDX-License-Identifier: LGPL-2.1-or-later
"""A ceremony's command that is killed anywhere: the repository is as before or as after, and the same command completes it."""
import shutil

import pytest
from repo_fixture import VENDOR, Repository, must, packages, plus_release, release, run
from test_repo_ceremony import Signer, collect, public

CALLS = ["renameat", "renameat2", "linkat", "unlinkat"]
BUNDLE = f"{release()}/livepatch-{release()}-meminfo-{{}}-1.x86_64.rpm"
PLUS = f"{plus_release()}/livepatch-{plus_release()}-meminfo-1-1.x86_64.rpm"
ONE, TWO = BUNDLE.format(1), BUNDLE.format(2)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Root by two of two keys, targets by two of two, none of them here; one bundle is out."""
    folder = tmp_path_factory.mktemp("published")
    repo = Repository(folder)
    options = [word for role, names in {"root": "ab", "targets": "de"}.items() for name in names
               for word in (f"--{role}-key", public(repo, name))]
    made = repo.run("init", *options, "--root-threshold", "2", "--targets-threshold", "2", "--snapshot-key",
                    repo.key("snapshot"), "--timestamp-key", repo.key("timestamp"), "--rpm-key", repo.rpm_key, "--trust",
                    repo.vendor.trust)
    assert made.status == 0, made.stderr
    repo.signers = {name: Signer(repo, folder, name) for name in "abdefh"}
    collect(repo, "a", "b")
    repo.must("add", packages()["meminfo-1-1"])
    repo.must("stage")
    collect(repo, "d", "e")
    repo.must("publish")
    assert repo.check_whole() == [ONE]
    return repo


def copy(repo, folder):
    """With the hard links between state and public folder kept; settings and signers' keys stay where they are."""
    folder.mkdir()
    must("cp", "-a", repo.folder, folder)
    made = Repository(folder)
    made.keys = repo.keys
    made.signers = {name: Signer(made, folder, name) for name in repo.signers}
    return made


def killed_at(words, folder, call, count):
    """Whether the command got to the @count-th @call, at which it was killed."""
    trace = folder / "trace"
    done = run(*words, wrapper=["strace", "-f", "-q", "-o", trace, "-e", f"trace={call}", "-e",
                                f"inject={call}:signal=SIGKILL:when={count}"])
    killed = "killed by SIGKILL" in trace.read_text()
    assert killed != (done.status == 0), done.stderr
    return killed


def check_every_step(before, tmp_path, command, finish, wanted, at_least, done=None):
    """Kill @command at each of its steps. Readers have what they had; the same @command and then @finish lead to @wanted.

    @done: what @command says when there is nothing left for it to do, if that is no success.
    """
    reached = 0
    for call in CALLS:
        for count in range(1, 60):
            repo = copy(before, tmp_path / f"{call}-{count}")
            killed = killed_at(command(repo), repo.folder.parent, call, count)
            assert repo.check_whole() == [ONE]
            repo.must("status")
            result = run(*command(repo))
            assert result.reason in (None, done), result.stderr
            finish(repo)
            repo.must("publish")
            assert repo.check_whole() == wanted
            assert not [path for path in repo.folder.parent.rglob(".*")]
            shutil.rmtree(repo.folder.parent)
            if not killed:
                break
            reached += 1
    assert reached >= at_least


def command(name, *options):
    return lambda repo: [VENDOR, "repo", name, repo.folder, *options]


def sign_by(*names):
    def finish(repo):
        repo.must("stage")
        collect(repo, *names)
    return finish


def test_stage(published, tmp_path):
    before = copy(published, tmp_path / "before")
    before.must("add", packages()["meminfo-2-1"])
    check_every_step(before, tmp_path, command("stage"), sign_by("d", "e"), [ONE, TWO], 1)


def test_sign(published, tmp_path):
    """On the files as they are staged, one signer after the other."""
    before = copy(published, tmp_path / "before")
    before.must("add", packages()["meminfo-2-1"], packages()["plus-1-1"])
    before.must("stage")
    check_every_step(before, tmp_path, lambda repo: [VENDOR, "repo", "sign", repo.folder / "staged", "--key", repo.key("d")],
                     lambda repo: collect(repo, "e"), sorted([ONE, TWO, PLUS]), 3)


def test_collect(published, tmp_path):
    before = copy(published, tmp_path / "before")
    before.must("add", packages()["meminfo-2-1"], packages()["plus-1-1"])
    before.must("stage")
    back = [before.signers[name].sign(before) for name in "de"]
    check_every_step(before, tmp_path, command("collect", *back), lambda repo: None, sorted([ONE, TWO, PLUS]), 3)


def test_withdraw(published, tmp_path):
    def finish(repo):
        sign_by("d", "e")(repo)
        repo.must("publish")
        (recall,) = repo.roles()[release()]["x-suture-withdrawn"]
        assert recall["id"] == "meminfo-1-1"

    check_every_step(published, tmp_path, command("withdraw", "meminfo-1-1", "--kernel", release(), "--reason", "slow"), finish,
                     [], 2, done="repo-unknown")


def test_delegate(published, tmp_path):
    def finish(repo):
        sign_by("d", "e", "h")(repo)
        repo.must("publish")
        roles = {each["name"]: each for each in repo.roles()["targets"]["delegations"]["roles"]}
        assert len(roles[release()]["keyids"]) == 1

    check_every_step(published, tmp_path, command("delegate", "--kernel", release(), "--key", published.key("h")), finish,
                     [ONE], 1)


def test_rotate_that_is_staged(published, tmp_path):
    """Where its keys are elsewhere, rotate itself puts nothing in force."""
    def finish(repo):
        collect(repo, "a", "b")
        sign_by("d", "f")(repo)
        repo.must("publish")
        assert repo.document("2.root.json")["version"] == 2

    options = [word for name in "df" for word in ("--targets-key", public(published, name))]
    check_every_step(published, tmp_path, command("rotate", *options, "--targets-threshold", "2"), finish, [ONE], 2)


def test_rotate_that_is_in_force_at_once(tmp_path_factory, tmp_path):
    """Publishing goes on under the old key or the new one, without rotate being called again."""
    before = Repository(tmp_path_factory.mktemp("online"))
    assert before.init().status == 0
    before.must("add", packages()["meminfo-1-1"])
    before.must("publish")
    before.signers = {}
    reached, versions = 0, set()
    for call in CALLS:
        for count in range(1, 60):
            repo = copy(before, tmp_path / f"{call}-{count}")
            killed = killed_at(command("rotate", "--sign-key", repo.key("root"), "--targets-key", repo.key("new"))(repo),
                               repo.folder.parent, call, count)
            repo.must("publish")
            assert repo.check_whole() == [ONE]
            versions.add(len(list(repo.metadata.glob("*.root.json"))))
            assert not [path for path in repo.folder.rglob("*") if path.name.startswith((".", "repository.conf."))]
            shutil.rmtree(repo.folder.parent)
            if not killed:
                break
            reached += 1
    assert reached > 3 and versions == {1, 2}
