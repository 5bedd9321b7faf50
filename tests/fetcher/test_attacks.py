# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attacks on software updates that the TUF specification names (section 1.5.2), and ours, on `suture fetch`: each is refused
for its own reason, and what the host has stays as it was."""
import copy
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import evil  # noqa: E402
from lib.httpd import EvilServer  # noqa: E402
from lib.pipeline import Host  # noqa: E402
from lib.tufrepo import TOP_LEVEL, Repo, expiry, pooled_key  # noqa: E402
from test_fetch import KERNEL, Bundle, good, newer, outcomes, shop  # noqa: E402, F401

FLIP = Path(os.environ["SUTURE_BUILD_DIR"]) / "tests/tuf-flip"
RELEASE = KERNEL["release"]
OTHER = "6.6.6-other"
DEAD = "-90d"
HUGE = 2**63 - 2
UNTRUSTED, MISMATCH, NETWORK, POLICY = 4, 5, 7, 6


def keys_of(number):
    return [pooled_key(2 * number), pooled_key(2 * number + 1)]


def targets_of(repo, release):
    return repo.signed[release]["targets"]


def add(repo, bundle, release=RELEASE, name=None, **options):
    repo.add_target(name or bundle.target, options.pop("data", bundle.data), {"suture": {**bundle.suture, **options}},
                    role=release)


@pytest.fixture(scope="module")
def beginning(tmp_path_factory, shop, good):
    """A vendor with roles for two kernels, two keys of two each, and a host that has what there is."""
    folder = tmp_path_factory.mktemp("beginning")
    repo = Repo(folder / "repo")
    for number, role in enumerate(TOP_LEVEL):
        repo.set_keys(role, keys_of(number), threshold=2)
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
    repo.write("root")
    for number, release in enumerate((RELEASE, OTHER)):
        repo.delegate("targets", release, paths=[f"{release}/*"], keys=keys_of(10 + number), threshold=2, terminating=True)
    add(repo, good)
    repo.publish()
    host = Host(folder / "host", shop.trust, f"file://{repo.folder}", release=RELEASE, build_id=KERNEL["build_id"])
    (host.root / "etc/suture/trust/root.json").write_bytes(repo.read("root"))
    assert host.fetch().status == 0
    return repo, host


@pytest.fixture
def repo(tmp_path, beginning):
    return beginning[0].copy(tmp_path / "repo")


@pytest.fixture
def server(repo):
    with EvilServer(repo.folder) as running:
        yield running


@pytest.fixture
def host(tmp_path, beginning, server):
    made = beginning[1].copy(tmp_path / "host")
    made.configure(server.url)
    return made


def refused(host, reason, status=UNTRUSTED, keep=(), **options):
    """fetch is refused for the reason in one line, has recorded that, and bundles, receipts and partial files are as before."""
    before, records = host.tree("metadata", *keep), len(host.ledger())
    result = host.fetch(**options)
    assert (result.reason, result.status) == (reason, status), result
    assert result.stderr.count("\n") == 1, result.stderr
    assert host.tree("metadata", *keep) == before
    assert reason in [r["reason"] for r in host.ledger()[records:] if r["event"] == "refuse"]


def unmoved(host, **options):
    """fetch succeeds, and bundles and receipts are as before."""
    before = host.tree("metadata")
    result = host.fetch("--json", **options)
    assert result.status == 0, result.stderr
    assert host.tree("metadata") == before
    return result


class TestArbitraryPackage:
    """Something else in the place of what was signed for."""

    def test_other_file(self, repo, host, newer, good):
        add(repo, newer)
        repo.put_target_file(newer.target, good.data, RELEASE)
        repo.publish()
        refused(host, "tuf-target-length" if len(good.data) != len(newer.data) else "tuf-target-hash")

    def test_other_file_of_the_same_length(self, repo, host, newer):
        add(repo, newer)
        repo.put_target_file(newer.target, bytes(len(newer.data)), RELEASE)
        repo.publish()
        refused(host, "tuf-target-hash")

    def test_listed_by_nobody(self, repo, host, newer):
        add(repo, newer)
        repo.signers[RELEASE] = [pooled_key(30), pooled_key(31)]
        repo.publish()
        refused(host, "tuf-delegated-signature")

    def test_listed_with_the_kernel_roles_keys_and_signed_by_a_stranger(self, repo, host, shop):
        """Whoever has a kernel's delegated keys still has none of the package, manifest and module keys."""
        for name, reason in (("strange-key", "rpm-key-unknown"), ("signer-of-other-ca", "cms-chain"),
                             ("module-of-other-key", "module-key-unknown")):
            target = f"{RELEASE}/{name}.rpm"
            repo.add_target(target, shop.package(name).read_bytes(), shop.target(name), role=RELEASE)
            repo.publish()
            refused(host, reason)
            del targets_of(repo, RELEASE)[target]


class TestRollback:
    def test_of_timestamp(self, repo, host, newer):
        old = repo.read("timestamp")
        add(repo, newer)
        repo.publish()
        assert host.fetch("--dry-run").status == 0
        repo.write_file("timestamp.json", old)
        refused(host, "tuf-timestamp-rollback")

    def test_of_snapshot_with_the_timestamp_keys(self, repo, host, newer):
        add(repo, newer)
        repo.publish()
        assert host.fetch("--dry-run").status == 0
        repo.signed["snapshot"]["version"] -= 1
        repo.signed["timestamp"]["version"] += 1
        repo.write("timestamp")
        refused(host, "tuf-timestamp-snapshot-rollback")

    @pytest.mark.parametrize("role", [RELEASE, OTHER, "targets"])
    def test_of_a_targets_role_with_the_online_keys(self, repo, host, role):
        repo.publish()
        assert host.fetch().status == 0
        repo.signed[role]["version"] -= 1
        repo.bump("snapshot")
        refused(host, "tuf-snapshot-rollback")

    def test_by_leaving_a_role_out(self, repo, host):
        repo.signed["snapshot"]["version"] += 1
        del repo.signed["snapshot"]["meta"][f"{OTHER}.json"]
        repo.write_file(repo.file_name("snapshot"), repo.envelope("snapshot"))
        repo.bump("timestamp")
        refused(host, "tuf-snapshot-rollback")


class TestFreeze:
    """The old state is served for ever."""

    def test_ends_when_timestamp_expires(self, host):
        unmoved(host, faketime="+6d")
        refused(host, "tuf-timestamp-expired", faketime="+8d")

    def test_ends_on_a_host_with_a_dead_clock_too(self, host):
        """Such a host knows what time it was at the last refresh, and how long it has been up since."""
        unmoved(host, faketime=DEAD)
        clock = host.state / "metadata/clock.state"
        clock.write_text(json.dumps(json.loads(clock.read_text()) | {"floor": expiry(8)}))
        refused(host, "tuf-timestamp-expired", faketime=DEAD)

    @pytest.mark.parametrize("role, reason", [("snapshot", "tuf-snapshot-expired"), ("targets", "tuf-targets-expired"),
                                              (RELEASE, "tuf-delegated-expired")])
    def test_with_the_timestamp_keys_ends_when_what_is_below_expires(self, repo, host, role, reason):
        repo.signed[role]["expires"] = expiry(3)
        repo.bump(role)
        unmoved(host)
        repo.signed["timestamp"]["expires"] = expiry(300)
        repo.bump("timestamp")
        refused(host, reason, faketime="+4d")


class TestFastForward:
    """Whoever has the online keys for a while makes all later versions look old."""

    def forward(self, repo, host):
        """Returns what the host would get without the attack: versions go on where they were."""
        honest = copy.deepcopy(repo.signed)
        for role in ("timestamp", "snapshot", "targets", RELEASE, OTHER):
            repo.signed[role]["version"] = HUGE
        repo.publish()
        assert host.fetch().status == 0
        repo.signed = honest

    def test_holds_until_the_keys_are_replaced(self, repo, host, newer):
        self.forward(repo, host)
        add(repo, newer)
        repo.publish()
        refused(host, "tuf-timestamp-rollback")
        repo.set_keys("timestamp", keys_of(5), threshold=2)
        repo.set_keys("snapshot", keys_of(6), threshold=2)
        repo.bump("root", "snapshot")
        result = host.fetch("--json")
        assert (result.status, outcomes(result)[newer.id]) == (0, "fetched"), result.stderr

    def test_of_the_clock_holds_until_the_key_is_replaced(self, repo, host):
        repo.signed["timestamp"].update({"x-suture-issued": expiry(20), "expires": expiry(2000)})
        repo.signed["snapshot"]["expires"] = expiry(10)
        repo.bump("snapshot")
        refused(host, "tuf-snapshot-expired")
        repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
        repo.bump("timestamp")
        refused(host, "tuf-timestamp-expired")
        repo.set_keys("timestamp", keys_of(5), threshold=2)
        repo.bump("root", "timestamp")
        unmoved(host)


    def test_of_the_clock_beyond_the_end_of_root(self, repo, host):
        """Would leave no way back but a new key: refused, and forgotten with the next timestamp."""
        repo.signed["timestamp"].update({"x-suture-issued": expiry(1000), "expires": expiry(2000)})
        repo.bump("timestamp")
        refused(host, "tuf-timestamp-issued")
        repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
        repo.bump("timestamp")
        unmoved(host)


class TestMixAndMatch:
    """Parts of states that never were together."""

    @pytest.mark.parametrize("role, reason", [("snapshot", "tuf-snapshot-version"), ("targets", "tuf-targets-version"),
                                              (RELEASE, "tuf-delegated-version")])
    def test_old_file_under_the_new_name(self, repo, host, newer, role, reason):
        old = repo.read(role)
        add(repo, newer)
        repo.publish()
        repo.write_file(repo.file_name(role), old)
        refused(host, reason)

    def test_another_kernels_role(self, repo, host):
        repo.publish()
        repo.write_file(repo.file_name(RELEASE), repo.read(OTHER))
        refused(host, "tuf-delegated-signature")

    def test_listed_hash(self, repo, host):
        repo.hashes = True
        repo.publish()
        repo.write_file(repo.file_name(RELEASE), repo.read(RELEASE).replace(b"\n ", b"\n\t", 1))
        refused(host, "tuf-delegated-hash")


class TestEndlessData:
    @pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", RELEASE])
    @pytest.mark.parametrize("behaviour", ["endless", "endless_chunks", "endless_headers"])
    def test_metadata(self, repo, host, server, role, behaviour):
        repo.publish()
        server.behave[f"/metadata/{repo.file_name(role)}"] = getattr(server, behaviour)
        refused(host, "fetch-endless", NETWORK)

    def test_package(self, repo, host, server, newer):
        add(repo, newer)
        repo.publish()
        path = "/" + os.path.relpath(repo.target_file(newer.target, RELEASE), repo.folder)
        server.behave[path] = server.endless
        refused(host, "fetch-endless", NETWORK)

    def test_roots(self, repo, host, server):
        """Only so many are followed in one go; each is one that the last one vouches for."""
        server.behave["/metadata/2.root.json"] = server.endless
        refused(host, "fetch-endless", NETWORK)

    def test_delegations(self, repo, host):
        above = RELEASE
        for i in range(70):
            repo.delegate(above, f"role-{i}", paths=[f"{RELEASE}/*"])
            above = f"role-{i}"
        repo.add_target(f"{RELEASE}/deep.rpm", b"", role=above)
        repo.publish()
        refused(host, "tuf-too-many-roles")


class TestSlowRetrieval:
    @pytest.mark.parametrize("role", ["timestamp", RELEASE])
    def test_metadata(self, repo, host, server, role):
        config = host.root / "etc/suture/suture.conf"
        config.write_text(config.read_text() + "[fetch]\nstall-seconds=1\n")
        repo.publish()
        server.behave[f"/metadata/{repo.file_name(role)}"] = server.stalled
        refused(host, "fetch-stalled", NETWORK)


class TestExtraneousDependency:
    """More than what was asked for, for what was asked for."""

    def test_package_that_requires_another_brings_nothing(self, repo, host, server, shop, tmp_path):
        wanted = Bundle(shop, tmp_path, version="3", preamble="Requires: rootkit\n")
        add(repo, wanted)
        repo.add_target(f"{RELEASE}/rootkit.rpm", b"extra", role=RELEASE)
        repo.publish()
        server.requests.clear()
        result = host.fetch("--json")
        assert (result.status, outcomes(result)[wanted.id]) == (0, "fetched"), result.stderr
        assert [path for path in server.paths() if "rootkit" in path] == []
        assert sorted(host.bundles()) == ["meminfo-1-1", wanted.id]

    def test_patch_that_requires_what_nobody_signed_is_not_applied(self, repo, host, shop, tmp_path):
        stack = {"requires": ["rootkit"], "supersedes": [], "conflicts": [], "cumulative": False}
        wanted = Bundle(shop, tmp_path, version="3", manifest={"stack": stack})
        add(repo, wanted)
        repo.publish()
        assert host.fetch().status == 0
        result = host.suture("--json", "policy", "explain", *host.identity)
        assert result.json["order"] is None and result.json["problem"]["reason"] == "stack-gap"
        assert (result.status, result.reason) == (POLICY, "stack-gap")


class TestWrongKernel:
    """What a kernel's role says counts for that kernel alone."""

    def test_path_of_another_kernel_is_ignored(self, repo, host, newer, server):
        add(repo, newer, release=OTHER)
        repo.publish()
        server.requests.clear()
        result = unmoved(host)
        assert outcomes(result) == {"meminfo-1-1": "present"}
        assert [path for path in server.paths() if OTHER in path] == []

    def test_path_of_another_kernel_is_ignored_where_its_own_role_lists_it_too(self, repo, host, newer, good):
        """The other kernel's role has another file for a name that this kernel's role lists."""
        add(repo, newer)
        repo.signed[OTHER]["targets"][newer.target] = targets_of(repo, RELEASE)[good.target]
        repo.publish()
        assert outcomes(host.fetch("--json"))[newer.id] == "fetched"

    def test_data_that_belies_its_path_is_refused(self, repo, host, newer):
        add(repo, newer, kernel={**newer.suture["kernel"], "release": OTHER})
        repo.publish()
        refused(host, "tuf-target-custom")

    def test_bundle_for_another_kernel_under_this_ones_path_is_refused(self, repo, host, shop, newer):
        data = shop.package("other-release").read_bytes()
        add(repo, newer, data=data, manifest_sha256=shop.target("other-release")["suture"]["manifest_sha256"])
        repo.publish()
        refused(host, "disagree")

    def test_data_that_belies_the_bundle_is_refused(self, repo, host, newer):
        add(repo, newer, severity="low")
        repo.publish()
        refused(host, "disagree")

    def test_another_build_of_the_kernel_is_refused(self, repo, host, newer, shop):
        add(repo, newer, kernel={**newer.suture["kernel"], "build_id": evil.OTHER_BUILD_ID})
        del targets_of(repo, RELEASE)[f"{RELEASE}/meminfo-1-1.rpm"]
        repo.publish()
        refused(host, "kernel-build-id", MISMATCH)


class TestKeyCompromise:
    """One of the two keys that a role needs."""

    @pytest.mark.parametrize("role, reason", [
        ("root", "tuf-root-signature"), ("timestamp", "tuf-timestamp-signature"), ("snapshot", "tuf-snapshot-signature"),
        ("targets", "tuf-targets-signature"), (RELEASE, "tuf-delegated-signature"),
    ])
    def test_below_threshold(self, repo, host, newer, role, reason):
        add(repo, newer)
        repo.signers[role] = repo.signers[role][:1]
        repo.publish()
        repo.bump("root")
        refused(host, reason)

    @pytest.mark.parametrize("role, reason", [
        ("root", "tuf-root-signature"), ("timestamp", "tuf-timestamp-signature"), ("snapshot", "tuf-snapshot-signature"),
        ("targets", "tuf-targets-signature"), (RELEASE, "tuf-delegated-signature"),
    ])
    def test_twice_the_same_key(self, repo, host, newer, role, reason):
        add(repo, newer)
        key = repo.signers[role][0]
        repo.signers[role] = [key, key.alias(repo.signers[role][1].id)]
        repo.publish()
        repo.bump("root")
        refused(host, reason)

    def test_online_keys_cannot_give_a_kernel_role_another_key(self, repo, host, newer):
        """timestamp and snapshot, all of their keys, and one of targets'."""
        entry = repo.signed["targets"]["delegations"]["roles"][0]
        repo.signed["targets"]["delegations"]["keys"][pooled_key(30).id] = pooled_key(30).json
        entry.update(keyids=[pooled_key(30).id], threshold=1)
        repo.signers["targets"] = repo.signers["targets"][:1]
        repo.signers[RELEASE] = [pooled_key(30)]
        add(repo, newer)
        repo.publish()
        refused(host, "tuf-targets-signature")

    def test_key_taken_away_by_targets_signs_no_more(self, repo, host, newer):
        """Revocation of a kernel role's keys, without a new file of the role: the stored one must not live on."""
        delegations = repo.signed["targets"]["delegations"]
        delegations["keys"].update({key.id: key.json for key in keys_of(15)})
        delegations["roles"][0]["keyids"] = [key.id for key in keys_of(15)]
        repo.bump("targets")
        refused(host, "tuf-delegated-signature")


class TestMaliciousMirror:
    """A server that has no key."""

    def test_repository_of_somebody_else(self, repo, host, tmp_path, newer):
        other = Repo(tmp_path / "other")
        for number, role in enumerate(TOP_LEVEL):
            other.set_keys(role, keys_of(30 + number), threshold=2)
        other.delegate("targets", RELEASE, paths=["*"])
        add(other, newer)
        other.bump("root")
        other.publish()
        with EvilServer(other.folder) as server:
            host.configure(server.url)
            refused(host, "tuf-root-signature")
        os.unlink(os.path.join(other.metadata, "2.root.json"))
        with EvilServer(other.folder) as server:
            host.configure(server.url)
            refused(host, "tuf-timestamp-signature")

    def test_withholds_new_metadata(self, repo, host, server, newer):
        add(repo, newer)
        repo.publish()
        for status in (403, 404):
            server.behave[f"/metadata/{repo.file_name(RELEASE)}"] = server.sends(b"", status=status)
            refused(host, "fetch-not-found", NETWORK)

    def test_withholds_a_package(self, repo, host, server, newer):
        add(repo, newer)
        repo.publish()
        os.unlink(repo.target_file(newer.target, RELEASE))
        refused(host, "fetch-not-found", NETWORK, keep=["partial"])

    @pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/metadata/timestamp.json"])
    def test_leads_elsewhere(self, host, server, location):
        server.behave["/metadata/timestamp.json"] = server.redirects(location)
        refused(host, "fetch-redirect", NETWORK)

    def test_serves_a_compressed_bomb(self, host, server):
        server.behave["/metadata/timestamp.json"] = server.sends(gzip.compress(b" " * (8 << 20)), Content_Encoding="gzip")
        refused(host, "fetch-endless", NETWORK)

    def test_goes_on_with_another_file(self, repo, host, server, newer):
        """What a broken download left is continued by other bytes: hashed as a whole, it is refused and goes."""
        add(repo, newer)
        repo.publish()
        path = "/" + os.path.relpath(repo.target_file(newer.target, RELEASE), repo.folder)
        server.behave[path] = server.truncated(newer.data, 1000)
        assert host.fetch().reason == "fetch-truncated"
        server.behave[path] = server.sends(bytes(len(newer.data)))
        assert host.fetch().reason == "tuf-target-hash"
        assert host.bundles() == ["meminfo-1-1"]
        server.behave.clear()
        assert outcomes(host.fetch("--json"))[newer.id] == "fetched"


def test_every_flipped_byte_of_metadata_is_refused(tmp_path, tmp_path_factory):
    """Each byte of timestamp, snapshot, targets and a kernel's role, in three ways; driven in one process."""
    repo = Repo(tmp_path / "repo")
    repo.delegate("targets", "6.1", paths=["6.1/*"], terminating=True)
    repo.add_target("6.1/a", b"content", role="6.1")
    repo.signed["timestamp"]["x-suture-issued"] = expiry(0)
    repo.publish()
    roles = ("timestamp", "snapshot", "targets", "6.1")
    memory = Path("/dev/shm")
    scratch = (memory if memory.is_dir() else tmp_path) / f"suture-flip-{os.getpid()}"
    try:
        done = subprocess.run([FLIP, repo.metadata, scratch, "6.1", *map(repo.file_name, roles)], capture_output=True,
                              text=True, timeout=800)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert sum(map(int, counts.values())) == 3 * sum(len(repo.read(role)) for role in roles)
    assert {"tuf-timestamp-signature", "tuf-snapshot-signature", "tuf-targets-signature", "tuf-delegated-signature",
            "tuf-metadata-malformed"} <= counts.keys()
    assert hashlib.sha256(b"content").hexdigest() in repo.read("6.1").decode()
