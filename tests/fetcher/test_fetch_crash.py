# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fetch that is killed anywhere: what has a name is whole, and the next fetch completes it and clears away the rest.

strace kills the host's command at each of the calls by which something gets, changes or loses its name.
"""
import collections
import hashlib
import json
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import repo_fixture
from lib.pipeline import BIN, Host, run
from repo_fixture import Repository, packages, release

CALLS = ["renameat", "renameat2", "unlinkat", "mkdirat"]


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    made = Repository(tmp_path_factory.mktemp("vendor"))
    made.vendor.trust = shutil.copytree(made.vendor.trust, made.folder.parent / "trust")
    assert made.init().status == 0
    made.must("add", packages()["meminfo-1-1"])
    made.must("publish")
    yield made
    del made.vendor.trust


@pytest.fixture(scope="module")
def fresh(repo, tmp_path_factory):
    """A host before its first fetch, which adopts trust anchors and stores a bundle."""
    folder = tmp_path_factory.mktemp("fresh")
    trust = shutil.copytree(repo.vendor.trust, folder / "provisioned")
    repo.must("root", "-o", trust / "root.json")
    return Host(folder / "host", trust, f"file://{repo.public}", release=release(),
                build_id=repo_fixture.bundles.default_kernel()["build_id"])


@pytest.fixture(scope="module")
def changed(repo, fresh, tmp_path_factory):
    """A host that has it all, when the publisher has another bundle, a recall, other anchors and another root."""
    host = fresh.copy(tmp_path_factory.mktemp("changed") / "host")
    assert host.fetch().status == 0
    (repo.vendor.trust / "module.pem").write_bytes((repo.vendor.trust / "module.pem").read_bytes() * 2)
    repo.must("rotate", "--sign-key", repo.key("root"))
    repo.must("add", packages()["meminfo-2-1"])
    repo.must("withdraw", "meminfo-1-1", "--kernel", release(), "--reason", "slow")
    repo.must("publish")
    return host


def left_behind(host):
    """What only a killed run leaves: hidden names, and packages that were not whole."""
    return [path for path in host.state.rglob("*") if path.name.startswith(".") or path.parent.name == "partial"]


def content(host):
    """All that a fetch of the same repository leaves the same on every host."""
    return {name: entry for name, entry in host.tree().items()
            if not name.startswith(("receipts/", "metadata/clock.state", "download")) and entry[1]}


def check_whole(host, versions):
    """What has its name is one of the whole @versions of that file."""
    for name, entry in content(host).items():
        if not any(part.startswith(".") for part in Path(name).parts) and not name.startswith("partial/"):
            assert entry in [version.get(name) for version in versions], name
    for path in host.state.glob("receipts/[!.]*"):
        json.loads(path.read_bytes())
    for bundle in host.state.glob("bundles/*/[!.]*"):
        digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
        assert (host.state / f"receipts/{digest}.json").exists()
        assert len(list(bundle.iterdir())) == 3
    assert len(list(host.state.glob("trust/*"))) in (0, 3)


def check_next(host, wanted):
    """A run that nothing befalls."""
    result = host.fetch()
    assert result.status == 0, result.stderr
    assert content(host) == wanted
    assert host.suture("audit", "verify").status == 0
    assert left_behind(host) == []


def killed_at(host, trace, call, count):
    """Whether the fetch got to the @count-th @call, at which it was killed."""
    done = run(["strace", "-f", "-q", "-o", trace, "-e", f"trace={call}", "-e",
                f"inject={call}:signal=SIGKILL:when={count}", BIN / "suture", "--root", host.root, "fetch", *host.identity],
               environment={"ASAN_OPTIONS": "detect_leaks=0"})
    killed = "killed by SIGKILL" in trace.read_text()
    assert killed != (done.status == 0), done.stderr
    return killed


def kind(path):
    """The folder of what was left; a hidden name in the topmost one without its random digits."""
    return path.parts[0].rsplit(".", 1)[0] if path.parts[0].startswith(".") else path.parts[0]


def undisturbed(before, tmp_path):
    host = before.copy(tmp_path / "undisturbed")
    assert host.fetch().status == 0
    return content(host)


def kill_at_every_step(before, tmp_path):
    """How often each call was reached, and in which folders something was left behind."""
    old, new = content(before), undisturbed(before, tmp_path)
    reached, left = collections.Counter(), set()
    for call in CALLS:
        for count in range(1, 100):
            host = before.copy(tmp_path / f"{call}-{count}")
            killed = killed_at(host, tmp_path / "trace", call, count)
            check_whole(host, [old, new])
            left |= {kind(path.relative_to(host.state)) for path in left_behind(host)}
            check_next(host, new)
            shutil.rmtree(host.root)
            if not killed:
                break
            reached[call] += 1
    return reached, left


def test_first_fetch_killed_at_any_step(fresh, tmp_path):
    """With adoption of trust anchors, and storing. Or the calls were not met, or nothing had to be cleared away."""
    reached, left = kill_at_every_step(fresh, tmp_path)
    assert reached["renameat2"] == reached["mkdirat"] == 2 and reached["renameat"] > 8 and reached["unlinkat"] > 0
    assert left == {"metadata", "receipts", "bundles", "partial", ".staging", ".refresh.json"}


def test_later_fetch_killed_at_any_step(changed, tmp_path):
    reached, left = kill_at_every_step(changed, tmp_path)
    assert reached["renameat2"] > 2 and reached["renameat"] > 8 and reached["unlinkat"] > 0
    assert left == {"metadata", "receipts", "bundles", "partial", "withdrawn", ".staging", ".refresh.json"}


def test_fetch_killed_at_random_moments(fresh, tmp_path):
    """At any instruction, not at a system call: 60 times, each going on from what the last ones left."""
    new = undisturbed(fresh, tmp_path)
    started = time.monotonic()
    undisturbed(fresh, tmp_path / "timed")
    usual = time.monotonic() - started
    data = (fresh.root / "etc/suture/trust/root.json").read_bytes()
    old = {"metadata/root.json": (0o100644, hashlib.sha256(data).hexdigest())}
    moments, killed = random.Random(7), 0
    host = fresh.copy(tmp_path / "host")
    for _ in range(60):
        with subprocess.Popen([BIN / "suture", "--root", host.root, "fetch", *host.identity],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as fetch:
            time.sleep(usual * moments.random())
            fetch.kill()
        killed += fetch.returncode == -signal.SIGKILL
        check_whole(host, [old, new])
        other = host.copy(tmp_path / "other")
        check_next(other, new)
        shutil.rmtree(other.root)
        if content(host) == new:
            shutil.rmtree(host.root)
            host = fresh.copy(tmp_path / "host")
    assert killed > 20
