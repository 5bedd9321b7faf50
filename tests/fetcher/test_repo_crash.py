# SPDX-License-Identifier: LGPL-2.1-or-later
"""A publish that ends anywhere: readers see the old state or the new, and the next publish completes it.

strace lets the kernel fail, or kill, the publisher at each of the calls by which something becomes visible.
"""
import subprocess

import pytest
import repo_fixture
from repo_fixture import Repository, must, packages, plus_release, release, run

KILL = "signal=SIGKILL"
FAIL = "error=ENOSPC"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Published with one bundle; another one and another kernel wait, and the first one is to go."""
    folder = tmp_path_factory.mktemp("prepared")
    made = Repository(folder)
    assert made.init().status == 0
    made.must("add", packages()["meminfo-1-1"])
    made.must("publish")
    (folder / "client").mkdir()
    must(repo_fixture.TUF_CLIENT, "--metadata-dir", folder / "client", "init", made.metadata / "1.root.json")
    made.must("add", packages()["meminfo-2-1"], packages()["plus-1-1"])
    made.must("remove", "meminfo-1-1", "--kernel", release())
    made.old = made.check_whole()
    made.new = [f"{plus_release()}/livepatch-{plus_release()}-meminfo-1-1.x86_64.rpm",
                f"{release()}/livepatch-{release()}-meminfo-2-1.x86_64.rpm"]
    return made


def copy(prepared, tmp_path):
    """With the hard links between state and public folder kept."""
    must("cp", "-a", prepared.folder, prepared.folder.parent / "client", tmp_path)
    made = Repository(tmp_path)
    made.keys = prepared.keys  # repository.conf names these
    return made


def publish(repo, calls, what, count):
    """Publish with @what injected at the @count-th of @calls; whether it was reached, and the result."""
    trace = repo.folder.parent / "trace"
    result = repo.run("publish", wrapper=["strace", "-q", "-o", trace, "-e", f"trace={calls}", "-e",
                                          f"inject={calls}:{what}:when={count}"])
    text = trace.read_text()
    return "INJECTED" in text or "killed by SIGKILL" in text, result


def try_refresh(repo):
    """A TUF client that knows the old state."""
    return run(repo_fixture.TUF_CLIENT, "--metadata-dir", repo.folder.parent / "client", "--metadata-url",
               f"file://{repo.metadata}", "refresh")


def refresh(repo):
    result = try_refresh(repo)
    assert result.status == 0, result.stderr


def check_completed(repo, expected):
    repo.must("publish")
    assert repo.check_whole() == sorted(expected)
    assert repo.json("status")["published"] is True
    refresh(repo)
    repo.must("prune")
    assert not [path for path in repo.folder.rglob(".*")]
    for repomd in repo.public.glob("targets/*/repodata/repomd.xml"):
        repo.vendor.gpg("--verify", f"{repomd}.asc", repomd)


def steps(prepared, tmp_path, calls, what):
    """One copy for each step at which the publisher was stopped."""
    for count in range(1, 200):
        folder = tmp_path / str(count)
        folder.mkdir()
        repo = copy(prepared, folder)
        reached, result = publish(repo, calls, what, count)
        if not reached:
            assert result.status == 0, result.stderr
            assert count > 8  # or the injection never worked
            return
        assert result.status != 0
        yield repo, result
        subprocess.run(["rm", "-rf", folder], check=True)
    raise AssertionError("the publisher never got to its end")


@pytest.mark.parametrize("calls", ["renameat", "linkat"])
def test_publisher_killed_at_any_step(prepared, tmp_path, calls):
    seen = set()
    for repo, _ in steps(prepared, tmp_path, calls, KILL):
        found = repo.check_whole()
        assert found in (prepared.old, sorted(prepared.new))
        seen.add(tuple(found))
        refresh(repo)
        check_completed(repo, prepared.new)
    assert tuple(prepared.old) in seen


def test_publisher_killed_while_it_signs_kernels_that_nobody_changed(prepared, tmp_path_factory, tmp_path):
    """New targets keys ask every role for a signature. Whatever was in place, readers are led to what is there; but between
    the rename of a root that takes keys away and that of the timestamp, what is published is signed by nobody: refused."""
    folder = tmp_path_factory.mktemp("rotated")
    rotated = copy(prepared, folder)
    rotated.must("publish")
    rotated.must("rotate", "--sign-key", rotated.key("root"), "--targets-key", rotated.key("new-targets"))
    refused = 0
    for repo, _ in steps(rotated, tmp_path, "renameat", KILL):
        between = (repo.metadata / "2.root.json").exists() and repo.document("timestamp.json")["version"] == 2
        result = try_refresh(repo)
        assert (result.reason == "tuf-targets-signature") if between else (result.status == 0), result.stderr
        refused += between
        assert repo.check_whole() == sorted(prepared.new)
        check_completed(repo, prepared.new)
    assert refused == 1


def test_disk_full_at_any_step(prepared, tmp_path):
    for repo, result in steps(prepared, tmp_path, "linkat", FAIL):
        assert result.reason == "io" and len(result.stderr.strip().splitlines()) == 1
        assert repo.check_whole() == prepared.old
        assert not [path for path in repo.public.rglob(".*")]
        check_completed(repo, prepared.new)


@pytest.mark.parametrize("calls", ["renameat", "unlinkat"])
def test_rotation_killed_at_any_step_is_whole_or_nothing(prepared, tmp_path, calls):
    for count in range(1, 40):
        folder = tmp_path / str(count)
        folder.mkdir()
        repo = copy(prepared, folder)
        trace = folder / "trace"
        repo.run("rotate", "--sign-key", repo.key("root"), "--timestamp-key", repo.key("new-timestamp"),
                 wrapper=["strace", "-q", "-o", trace, "-e", f"trace={calls}", "-e", f"inject={calls}:{KILL}:when={count}"])
        check_completed(repo, prepared.new)
        assert not list((repo.folder / "state").glob("repository.conf*"))
        if "killed by SIGKILL" not in trace.read_text():
            return
    raise AssertionError("the rotation never got to its end")


def test_add_killed_at_any_step_leaves_the_bundle_or_nothing(prepared, tmp_path):
    for count in range(1, 100):
        folder = tmp_path / str(count)
        folder.mkdir()
        repo = Repository(folder)
        assert repo.init().status == 0
        repo.run("add", packages()["meminfo-1-1"],
                 wrapper=["strace", "-q", "-o", folder / "trace", "-e", "trace=renameat,renameat2", "-e",
                          f"inject=renameat,renameat2:{KILL}:when={count}"])
        killed = "killed by SIGKILL" in (folder / "trace").read_text()
        assert len(repo.json("list")) == (0 if killed else 1)
        assert killed or count > 4
        assert not [path for path in (repo.folder / "state/bundles").rglob(".*")]
        if not killed:
            return
