# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture-trust(7), rehearsed: keys are stolen and used, then the page's commands run as they stand there. Afterwards hosts that were hit, that
looked on, that were offline all the time, and that never fetched before have what the vendor says, and the thief's word is refused."""
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from lib import entitle, handbook, pipeline, testkeys
from lib.pipeline import BIN, SOURCE, Host, kernel, must
from lib.thief import Thief
from lib.tufrepo import expiry

PAGE = SOURCE / "man/suture-trust.7.scd"
BLOCKS = handbook.man_blocks(PAGE)
HERE = {"shared"}  # blocks that others call
VERSION, VERSION_AGAIN, UPTIME = "proc-version-1-1", "proc-version-1-2", "proc-uptime-1-1"
FAR = 10**6
APPLY = "suture apply 2>&1; echo $?; ls /sys/kernel/livepatch"


class Vendor:
    """A vendor as the page describes it, below a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.public = self.folder / "srv/patches/public"
        self.url = f"file://{self.public}"
        self.trust = self.folder / "srv/trust"
        made = pipeline.vendor()
        testkeys.copy(made.keys, self.folder / "keys")
        testkeys.copy(made.gpg_home, self.folder / "keys/gpg")
        shutil.copytree(made.trust, self.trust)
        (self.trust / "root.json").unlink()
        for name in ("packages", "bundles", "media", "fixes"):
            (self.folder / name).mkdir()
        shutil.copy(made.packages[VERSION], self.folder / "packages")
        shutil.copytree(made.bundles[VERSION], self.folder / "bundles" / VERSION)
        shutil.copytree(SOURCE / "samples/version", self.folder / "fixes/version")
        fingerprint = made.rpm_key.removeprefix("gpg:").partition("?")[0]
        self.environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "rpm_fingerprint": fingerprint,
                            "rpm_key": f"gpg:{fingerprint}?homedir={self.folder}/keys/gpg", "headers": str(kernel().headers),
                            "image": str(kernel().image)}
        self.replace = {"/srv/": f"{self.folder}/srv/", "/media/": f"{self.folder}/media/", "6.1.0-47-cloud-amd64": kernel().release}

    def follow(self, name, faketime=None):
        """Run the vendor's block of that name."""
        text = BLOCKS["signed_by", "shared"] + BLOCKS[name, "vendor"]
        handbook.run(text, self.replace, self.folder, self.environment, wrapper=["faketime", "-f", faketime] if faketime else [])

    def run(self, *command, faketime=None):
        words = ["faketime", "-f", faketime] if faketime else []
        return must([*words, BIN / "suture", *command], cwd=self.folder, environment=self.environment)

    def key(self, name):
        return self.folder / f"{name}.key"

    def key_id(self, name):
        return json.loads(self.run("key", "show", "--json", self.folder / f"{name}.pub"))[0]["tuf_key_id"]

    def document(self, role):
        return Thief.read(_Reader(self.public), role)

    def add(self, package, *signers):
        """Publish one more bundle."""
        self.run("repo", "add", "srv/patches", package)
        self.sign(*signers)

    def sign(self, *signers):
        text = f"suture repo stage /srv/patches\nsigned_by {' '.join(signers)}\nsuture repo publish /srv/patches\n"
        handbook.run(BLOCKS["signed_by", "shared"] + text, self.replace, self.folder, self.environment)

    def thief(self, **keys):
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="thief-"))
        named = {role: [self.key(name) for name in names.split()] for role, names in keys.items()}
        return Thief(self.public, folder / "public", **named)


class _Reader(Thief):
    def __init__(self, public):  # pylint: disable=super-init-not-called
        self.metadata = public / "metadata"


class Hosts:
    """Hosts of that vendor: hit and watching fetched after the first publish, offline too, and is not on until the end; new never did."""

    def __init__(self, vendor):
        self.vendor = vendor
        trust = shutil.copytree(vendor.trust, vendor.folder / "provisioned")
        shutil.copy(vendor.folder / "root.json", trust)
        self.new = Host(vendor.folder / "host-new", trust, vendor.url)
        self.hit = self.new.copy(vendor.folder / "host-hit")
        assert self.hit.fetch().status == 0
        self.offline = self.hit.copy(vendor.folder / "host-offline")
        self.watching = self.hit.copy(vendor.folder / "host-watching")

    @property
    def all(self):
        return {"hit": self.hit, "offline": self.offline, "watching": self.watching, "new": self.new}

    def recover(self, want=VERSION, by_hand=None, faketime=None):
        """Each fetches, and then has all that the vendor signed."""
        for name, host in self.all.items():
            if by_hand:
                follow(self.vendor, host, by_hand)
            result = host.fetch("--json", faketime=faketime)
            assert result.status == 0, (name, result.stderr)
            current(self.vendor, host, result)
            outcomes = {each["id"]: each["outcome"] for each in result.json["bundles"]}
            assert outcomes.get(want) in ("fetched", "present"), (name, result.stdout)


def current(vendor, host, result):
    """The host goes by the vendor's newest metadata and by its anchors."""
    said = {role: vendor.document(role)["version"] for role in ("root", "timestamp", "snapshot", "targets")}
    assert result.json["metadata"] == said
    adopted = {path.name: path.read_bytes() for path in (host.state / "trust").iterdir()}
    assert adopted == {path.name: path.read_bytes() for path in vendor.trust.iterdir()}


def follow(vendor, host, name):
    """Run the host's block of that name on a host below a folder, of the kernel of the tests."""
    wrapper = vendor.folder / "host-bin/suture"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text('#!/bin/sh\ncase $1 in fetch) set -- "$@" %s;; esac\nexec %s --root %s "$@"\n'
                       % (" ".join(host.identity), BIN / "suture", host.root))
    wrapper.chmod(0o755)
    replace = {**vendor.replace, "/etc/suture": host.root / "etc/suture", "/var/lib/suture": host.state}
    handbook.run(BLOCKS[name, "host"], replace, vendor.folder, {**vendor.environment, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"})


def refused(result, reason):
    assert result.reason == reason and result.status != 0, (result.stdout, result.stderr)


def outcomes(result):
    assert result.stdout, result.stderr
    return {each["id"]: (each["outcome"], each["reason"]) for each in result.json["bundles"]}


@pytest.fixture
def vendor():
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        made = Vendor(folder)
        try:
            made.follow("layout")
            made.follow("first-publish")
            yield made
        finally:
            for home in made.folder.glob("keys/gpg*"):
                subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


@pytest.fixture
def hosts(vendor):
    return Hosts(vendor)


# Online keys


def test_timestamp_key_stolen_versions_go_far_ahead(vendor, hosts):
    thief = vendor.thief(timestamp="timestamp")
    thief.stamp(thief.read("timestamp") | {"version": FAR})
    assert hosts.hit.fetch("--url", thief.url).status == 0
    refused(hosts.hit.fetch(), "tuf-timestamp-rollback")
    vendor.follow("timestamp")
    hosts.recover()
    for host in hosts.all.values():
        refused(host.fetch("--url", thief.url), "tuf-timestamp-signature")
    vendor.add(pipeline.vendor().packages[UPTIME], "d", "e")
    hosts.recover(want=UPTIME)


def test_timestamp_key_stolen_time_goes_far_ahead(vendor, hosts):
    thief = vendor.thief(timestamp="timestamp")
    thief.stamp(thief.read("timestamp"), **{"x-suture-issued": expiry(300), "expires": expiry(301)})
    assert hosts.hit.fetch("--url", thief.url).reason == "tuf-snapshot-expired"
    assert hosts.hit.fetch().status != 0
    vendor.follow("timestamp")
    hosts.recover()


def test_vendors_clock_was_ahead(vendor, hosts):
    vendor.run("repo", "publish", "srv/patches", "--refresh", faketime="+40d")
    assert hosts.hit.fetch().status == 0
    vendor.run("repo", "publish", "srv/patches", "--refresh")
    refused(hosts.hit.fetch(), "tuf-timestamp-expired")
    vendor.follow("timestamp")
    hosts.recover()


def test_snapshot_key_stolen(vendor, hosts):
    thief = vendor.thief(snapshot="snapshot", timestamp="timestamp")
    snapshot = thief.read("snapshot")
    snapshot["version"] = FAR
    for entry in snapshot["meta"].values():
        entry["version"] = FAR
    thief.write("snapshot", snapshot)
    thief.publish()
    assert hosts.hit.fetch("--url", thief.url).reason == "fetch-not-found"
    refused(hosts.hit.fetch(), "tuf-timestamp-rollback")
    vendor.follow("snapshot")
    hosts.recover()
    for host in hosts.all.values():
        refused(host.fetch("--url", thief.url), "tuf-timestamp-signature")


def test_snapshot_key_alone_does_nothing(vendor, hosts):
    thief = vendor.thief(snapshot="snapshot")
    thief.write("snapshot", thief.read("snapshot") | {"expires": expiry(300)})
    assert hosts.new.fetch("--url", thief.url).reason in ("tuf-snapshot-length", "tuf-snapshot-hash")


# Targets and kernels


def test_one_targets_key_stolen(vendor, hosts):
    thief = vendor.thief(targets="d", snapshot="snapshot", timestamp="timestamp")
    targets = thief.read("targets")
    targets["version"] += 1
    targets["targets"] = {}
    thief.write("targets", targets)
    thief.publish("targets")
    lost = vendor.key_id("d")
    hosts.hit.fetch("--url", vendor.url)
    refused(hosts.hit.copy(vendor.folder / "host-other").fetch("--url", thief.url), "tuf-targets-signature")
    vendor.follow("one-targets")
    hosts.recover()
    for role in ("root", "targets", kernel().release):
        assert lost not in json.dumps(vendor.document(role))
    vendor.add(pipeline.vendor().packages[UPTIME], "e", "g")
    hosts.recover(want=UPTIME)


class Impostor:
    """A vendor of the thief's own: keys of every kind, a bundle and the entries that list it."""

    def __init__(self, vendor):
        self.vendor, self.folder = vendor, vendor.folder / "impostor"
        self.folder.mkdir()
        handbook.run("""
for type in module cms-ca; do suture key create --type $type --out $type; done
suture key create --type cms --ca-key cms-ca.key --ca-cert cms-ca.pem --out cms
for role in root targets snapshot timestamp; do suture key create --type tuf --out $role; done
suture key create --type rpm --no-passphrase --homedir $PWD/gpg --user-id "Impostor <i@example.org>" --out rpm
mkdir trust
cp rpm.asc trust/rpm-keyring.asc; cp cms-ca.pem module.pem trust/
key=gpg:$(gpg --homedir $PWD/gpg --with-colons --list-keys | sed -n 's/^fpr:*\\([0-9A-F]*\\):$/\\1/p')?homedir=$PWD/gpg
suture build ../fixes/version --patch-version 6 --kernel-headers $headers --kernel-image $image -o out --module-key module.key \
	--module-certificate module.pem --manifest-key cms.key --manifest-certificate cms.pem --package-key $key
suture repo init repo --root-key root.key --targets-key targets.key --snapshot-key snapshot.key --timestamp-key timestamp.key \
	--trust trust --rpm-key $key
suture repo add repo out/*.rpm
suture repo publish repo
gpgconf --homedir $PWD/gpg --kill all
""", {}, self.folder, vendor.environment)
        self.package = next((self.folder / "out").glob("*.rpm"))

    def take_over(self, thief, roles):
        """The impostor's targets in the place of the vendor's."""
        mine = _Reader(self.folder / "repo/public")
        shutil.copytree(self.folder / "repo/public/targets", thief.public / "targets", dirs_exist_ok=True)
        for role in roles:
            thief.write(role, thief.read(role) | {"targets": mine.read(role)["targets"]})


@pytest.mark.parametrize("network_alone", [False, True], ids=["with-online-keys", "with-the-network"])
def test_threshold_of_targets_keys_stolen(vendor, hosts, network_alone):
    """With them and the network, hosts that have not seen that version yet take it; with the online keys, all do."""
    release = kernel().release
    impostor = Impostor(vendor)
    thief = vendor.thief(**{"targets": "d e", release: "d e", "snapshot": "snapshot", "timestamp": "timestamp"})
    if network_alone:
        hosts.hit = hosts.new.copy(vendor.folder / "host-hit-new")
        impostor.take_over(thief, ["targets", release])
    else:
        for role in ("targets", release):
            thief.write(role, thief.read(role) | {"version": FAR})
        impostor.take_over(thief, ["targets", release])
        thief.publish("targets", release)
    assert outcomes(hosts.hit.fetch("--url", thief.url, "--json"))["proc-version-6-1"] == ("fetched", None)
    vendor.follow("all-targets")
    hosts.recover()
    refused(hosts.hit.verify(impostor.package), "rpm-key-unknown")
    follow(vendor, hosts.hit, "all-targets")
    assert hosts.hit.bundles() == [VERSION]
    if not network_alone:  # one boot is enough
        assert hosts.hit.boot(APPLY).output.splitlines()[-2:] == ["0", "proc_version_1_1"]
    for host in hosts.all.values():
        refused(host.fetch("--url", thief.url), "tuf-timestamp-signature")
    vendor.add(pipeline.vendor().packages[UPTIME], "g", "i")
    hosts.recover(want=UPTIME)


def test_kernels_own_key_stolen(vendor, hosts):
    release = kernel().release
    vendor.follow("kernel-before")
    thief = vendor.thief(**{release: "k"})
    thief.write(release, thief.read(release) | {"targets": {}})
    hit = hosts.offline.copy(vendor.folder / "host-hit-2")
    assert outcomes(hit.fetch("--url", thief.url, "--json")) == {}
    hosts.hit = hit
    vendor.follow("kernel")
    hosts.recover()
    late = vendor.thief(**{release: "k"})
    late.write(release, late.read(release) | {"targets": {}})
    fresh = hosts.new.copy(vendor.folder / "host-fresh")
    shutil.rmtree(fresh.state)
    refused(fresh.fetch("--url", late.url), "tuf-delegated-signature")
    lost = vendor.key_id("k")
    assert lost not in json.dumps(vendor.document("targets"))


# Root


def test_one_root_key_stolen(vendor, hosts):
    thief = vendor.thief(root="a")
    thief.write("root", thief.read("root") | {"version": 2})
    refused(hosts.hit.fetch("--url", thief.url), "tuf-root-signature")
    vendor.follow("one-root")
    hosts.recover()
    root = vendor.document("root")
    assert vendor.key_id("a") not in json.dumps(root) and len(root["roles"]["root"]["keyids"]) == 3
    thief = vendor.thief(root="a b")
    thief.write("root", root | {"version": root["version"] + 1})
    refused(hosts.hit.fetch("--url", thief.url), "tuf-root-signature")


def test_threshold_of_root_keys_stolen(vendor, hosts):
    mirror = ["mirror", "sync", "--trusted-root", "root.json", vendor.url]
    vendor.run(*mirror, "mirror-1")
    thief = vendor.thief(root="a b", timestamp="timestamp")
    root = thief.read("root")
    thief.write("root", root | {"version": 2})
    assert hosts.hit.fetch("--url", thief.url).status == 0
    vendor.follow("all-root")
    refused(hosts.watching.fetch(), "tuf-timestamp-signature")
    hosts.recover(by_hand="all-root")
    with pytest.raises(RuntimeError, match="tuf-timestamp-signature"):
        vendor.run(*mirror, "mirror-1")
    vendor.run(*mirror, "mirror-2")
    refused(hosts.hit.fetch("--url", thief.url), "tuf-root-signature")


def test_metadata_expired(vendor, hosts):
    late = "+400d"
    refused(hosts.hit.fetch(faketime=late), "tuf-root-expired")
    vendor.follow("expired", faketime=late)
    hosts.recover(faketime=late)


# Keys of bundles


def test_rpm_key_lost(vendor, hosts):
    vendor.follow("rpm-lost")
    hosts.recover()
    must(["gpg", "--homedir", vendor.folder / "keys/gpg-2", "--verify", *vendor.public.rglob("repomd.xml.asc"), *vendor.public.rglob("repomd.xml")])
    assert hosts.new.verify(next((vendor.folder / "packages").iterdir())).status == 0


def test_rpm_key_stolen(vendor, hosts):
    old = shutil.copy(next((vendor.folder / "packages").iterdir()), vendor.folder)
    vendor.follow("rpm")
    hosts.recover()
    refused(hosts.offline.verify(old), "rpm-key-revoked")
    signed = must(["rpm", "-qp", "--qf", "%{RSAHEADER:pgpsig}", next((vendor.folder / "packages").iterdir())])
    assert vendor.environment["rpm_fingerprint"][-16:].lower() not in signed.lower()
    ring = vendor.folder / "ring"
    ring.mkdir()
    must(["rpmkeys", "--dbpath", ring, "--import", vendor.folder / "keys/rpm-2.asc"])
    must(["rpmkeys", "--dbpath", ring, "-K", *(vendor.folder / "packages").iterdir()])


@pytest.mark.parametrize("name, reason", [("signer", "cms-revoked"), ("ca", "cms-chain"), ("module", "module-key-unknown")])
def test_key_of_bundles_stolen(vendor, hosts, name, reason):
    old = next((vendor.folder / "packages").iterdir())
    vendor.follow(name)
    hosts.recover(want=VERSION_AGAIN)
    for host in hosts.all.values():
        refused(host.verify(old), reason)
        assert host.verify(next((vendor.folder / "again").glob("*.rpm"))).status == 0
    if name == "signer":
        assert hosts.hit.bundles() == [VERSION_AGAIN]
        assert hosts.hit.boot(APPLY).output.splitlines()[-2:] == ["0", "proc_version_1_2"]


def test_patch_that_is_not_signed_anew_stops_no_other(vendor, hosts):
    vendor.add(pipeline.vendor().packages[UPTIME], "d", "e")
    assert hosts.hit.fetch().status == 0
    vendor.follow("signer")
    assert hosts.hit.bundles() == [UPTIME, VERSION]
    refused(hosts.hit.fetch(), "cms-revoked")
    assert hosts.hit.bundles() == [VERSION_AGAIN]
    assert hosts.hit.boot(APPLY).output.splitlines()[-2:] == ["0", "proc_version_1_2"]


# Bundles, entitlements, machines, clocks


def test_bad_patch(vendor, hosts):
    vendor.follow("bad-patch")
    for name in ("hit", "offline", "watching"):
        host = hosts.all[name]
        assert outcomes(host.fetch("--json"))[VERSION] == ("withdrawn", "withdrawn")
        said = host.suture("policy", "explain", *host.identity[:4], "--json").json["decisions"]
        assert [(each["verdict"], each["rule"]) for each in said] == [("held", "withdrawn")]
        assert "hangs on NUMA machines" in said[0]["detail"]
    hosts.new.fetch()
    assert hosts.new.bundles() == []


@pytest.fixture
def shop(vendor):
    """The vendor's server, the channel stable, and ACME's hosts, entitled."""
    channels = vendor.folder / "srv/channels"
    channels.mkdir()
    (channels / "stable").symlink_to(vendor.public)
    root = entitle.Root(vendor.folder / "srv/entitlements")
    acme = root.issue(vendor.folder / "acme.pem", customer="ACME Ltd")
    with entitle.Server(vendor.folder / "nginx", channels) as server:
        server.install(root)
        systemctl = vendor.folder / "systemctl"
        systemctl.write_text(f"#!/bin/sh\n[ \"$*\" = 'reload nginx' ] && kill -HUP {server.process.pid} && sleep 1\n")
        systemctl.chmod(0o755)
        vendor.environment["serial"] = acme["serial"]
        vendor.replace |= {"/etc/nginx/suture/": f"{server.files}/", "systemctl": systemctl}
        yield server


def subscribe(host, server, vendor):
    host.configure(f"{server.url}/stable", server.ca)
    assert host.suture("subscribe", vendor.folder / "acme.pem").status == 0
    assert host.fetch().status == 0


@pytest.mark.parametrize("name", ["entitlement", "entitlement-root"])
def test_entitlement_stolen(vendor, hosts, shop, name):
    for host in (hosts.hit, hosts.new):
        subscribe(host, shop, vendor)
    assert shop.curl("/stable/metadata/timestamp.json", vendor.folder / "acme.pem") == 200
    vendor.follow(name)
    assert shop.curl("/stable/metadata/timestamp.json", vendor.folder / "acme.pem") == 400
    refused(hosts.hit.fetch(), "fetch-http-status")
    assert hosts.hit.bundles() == [VERSION]  # nothing is taken away
    for host in (hosts.hit, hosts.new):
        follow(vendor, host, "entitlement")
        assert host.fetch().status == 0


def back_up(vendor):
    backup = vendor.folder / "srv/backup"
    backup.mkdir()
    shutil.copytree(vendor.folder / "srv/patches/state", backup / "state")
    shutil.copy(vendor.folder / "srv/patches/repository.conf", backup)


def test_publishing_machine_lost(vendor, hosts):
    back_up(vendor)
    shutil.rmtree(vendor.folder / "srv/patches")
    vendor.follow("machine")
    hosts.recover()
    vendor.add(pipeline.vendor().packages[UPTIME], "d", "e")
    hosts.recover(want=UPTIME)


def test_publishing_machine_lost_with_an_old_backup(vendor, hosts):
    back_up(vendor)
    vendor.add(pipeline.vendor().packages["proc-version-2-1"], "d", "e")
    assert "proc-version-2-1" in outcomes(hosts.hit.fetch("--json"))
    shutil.rmtree(vendor.folder / "srv/patches")
    vendor.follow("machine")
    refused(hosts.hit.fetch(), "tuf-timestamp-rollback")
    vendor.follow("all-targets")
    vendor.add(pipeline.vendor().packages[UPTIME], "g", "h")
    hosts.recover(want=UPTIME)


def test_hosts_clock_lost(vendor, hosts):
    assert hosts.hit.fetch(faketime="-20000d").status == 0
    refused(hosts.watching.fetch(faketime="+30d"), "tuf-timestamp-expired")
    hosts.recover()


# The page


def test_every_block_is_marked():
    assert handbook.unmarked(PAGE) == 0


def test_every_block_is_rehearsed():
    """Here or nowhere: the names that tests of this file follow are those of the page."""
    text = Path(__file__).read_text()
    for name, who in BLOCKS:
        assert who in HERE or f'"{name}"' in text, name
