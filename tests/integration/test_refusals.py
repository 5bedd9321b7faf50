# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be refused, each with its own reason code, by the commands that a host runs.

PROMISES maps each kind of refusal to the tests that hold it; the components' folders test them at the libraries too.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lib import evil, pipeline
from lib.evil import CASES, GOOD
from lib.httpd import EvilServer
from lib.tufrepo import TOP_LEVEL, Repo, expiry, pooled_key

HERE = "test_refusals.py::"


def bundles(*names):
    return [f"{how}[{name}]" for name in names for how in (f"{HERE}test_file_is_refused", f"{HERE}test_fetch_refuses")]


def files(*names):
    return [f"{HERE}test_file_is_refused[{name}]" for name in names]


def repositories(*names):
    return [f"{HERE}test_fetch_refuses_repository[{name}]" for name in names]


PROMISES = {
    "an unsigned RPM": bundles("unsigned"),
    "a wrongly signed RPM": bundles("strange-key", "signature-flipped"),
    "trailing bytes": bundles("trailing-byte"),
    "flipped bytes in the lead": bundles("lead-flipped") + [f"{HERE}test_any_flipped_byte_is_refused[lead]"],
    "flipped bytes in the signature header": bundles("signature-flipped", "reserved-flipped", "header-digest-flipped")
    + [f"{HERE}test_any_flipped_byte_is_refused[signature header]"],
    "flipped bytes in the header": bundles("header-flipped") + [f"{HERE}test_any_flipped_byte_is_refused[header]"],
    "flipped bytes in the payload": bundles("payload-flipped") + [f"{HERE}test_any_flipped_byte_is_refused[payload]"],
    "a signature made after the key's expiry": bundles("key-expired"),
    "a signature made in the future": bundles("made-in-future"),
    "a signature by a key revoked as compromised": bundles("key-compromised", "key-revoked-without-reason"),
    "a SHA-1 signature": bundles("sha1"),
    "no payload digest": bundles("no-payload-digest"),
    "a changed manifest": bundles("manifest-changed") + [f"{HERE}test_apply_refuses[manifest-changed]"],
    "a CMS signer without codeSigning": bundles("signer-without-purpose"),
    "an entitlement-like certificate of the same CA": bundles("signer-of-entitlements"),
    "a swapped module": bundles("module-swapped", "module-changed") + [f"{HERE}test_apply_refuses[module-swapped]"],
    "a module swapped between check and load": [f"{HERE}test_module_swapped_between_check_and_load"],
    "an extra file in the payload": bundles("extra-file", "extra-module"),
    "a symlink in the payload": bundles("symlink"),
    "a device in the payload": bundles("device"),
    "'..' in the payload": bundles("dot-dot"),
    "another uname -r": files("other-release") + [f"{HERE}test_apply_refuses[other-release]"],
    "the same uname -r and another build-id": files("other-build-id")
    + repositories("only-other-build") + [f"{HERE}test_apply_refuses[other-build-id]"],
    "target data, RPM header and manifest that disagree": bundles(
        "header-name-differs", "header-provides-differ", "module-differs-from-manifest")
    + repositories("target-severity-differs", "target-manifest-digest-differs", "target-path-of-other-kernel"),
    "TUF metadata expired": repositories("root-expired", "timestamp-expired", "snapshot-expired", "targets-expired"),
    "TUF metadata rolled back": repositories("timestamp-rolled-back", "snapshot-rolled-back", "targets-rolled-back"),
    "TUF metadata with too few signatures": repositories(
        "root-undersigned", "timestamp-undersigned", "snapshot-undersigned", "targets-undersigned"),
    "TUF metadata oversized": repositories("timestamp-oversized", "targets-oversized"),
    "TUF metadata without end": repositories("timestamp-endless", "root-endless"),
    "a target without end": repositories("target-endless"),
    "a mix of old and new": repositories("old-snapshot-with-new-timestamp", "old-targets-with-new-snapshot"),
    "a target of the wrong length": repositories("target-too-short", "target-too-long"),
    "a target of the wrong hash": repositories("target-changed"),
}


def test_every_promise_has_tests_that_exist():
    done = subprocess.run([sys.executable, "-B", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
                          capture_output=True, text=True, check=True)
    there = {line.rpartition("/")[2] for line in done.stdout.splitlines() if "::" in line}
    assert {name for names in PROMISES.values() for name in names} - there == set()
    assert all(PROMISES.values())


# A host with something worth keeping, and what may not happen to it


@pytest.fixture(scope="module")
def shop():
    return evil.workshop()


def target_name(name):
    return f"{pipeline.kernel().release}/{name}.rpm"


def offer(repo, shop, name):
    """A repository's keys, which hosts trust, authorise the bundle."""
    repo.add_target(target_name(name), shop.package(name).read_bytes(), shop.target(name))


@pytest.fixture(scope="module")
def beginning(tmp_path_factory, shop):
    """A repository, and a host that has its good bundle."""
    folder = tmp_path_factory.mktemp("beginning")
    repo = Repo(folder / "repo")
    for number, role in enumerate(TOP_LEVEL):
        repo.set_keys(role, [pooled_key(2 * number), pooled_key(2 * number + 1)], threshold=2)
    repo.write("root")
    offer(repo, shop, "good")
    repo.bump("targets")
    shutil.copytree(shop.trust, folder / "trust")
    (folder / "trust/root.json").write_bytes(repo.read("root"))
    host = pipeline.Host(folder / "host", folder / "trust", f"file://{repo.folder}",
                         build_id=evil.bundle.default_kernel()["build_id"])
    fetched = host.fetch()
    assert fetched.status == 0, fetched.stderr
    assert host.bundles() == ["meminfo-1-1"]
    return repo, host


@pytest.fixture
def repo(tmp_path, beginning):
    return beginning[0].copy(tmp_path / "repo")


@pytest.fixture
def host(tmp_path, beginning, repo):
    made = beginning[1].copy(tmp_path / "host")
    made.configure(f"file://{repo.folder}")
    return made


def refused(host, action, reason, status, ignored=("metadata",)):
    """The action is refused with reason and status in one line, leaves the host as it was, and is in the ledger."""
    before, records = host.tree(*ignored), len(host.ledger())
    result = action()
    assert (result.reason, result.status) == (reason, status), result
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    assert host.tree(*ignored) == before
    refusals = [record["reason"] for record in host.ledger()[records:] if record["event"] == "refuse"]
    assert reason in refusals
    return result


# Bundles: checks 3 to 5 and the kernel, on a file and on what TUF authorised


@pytest.mark.parametrize("name", CASES)
def test_file_is_refused(shop, host, name):
    case = CASES[name]
    result = refused(host, lambda: host.verify(shop.package(name), "--json"), case.reason, case.status)
    report, = result.json["files"]
    passed = [check["passed"] for check in report["checks"]]
    assert (report["trusted"], report["reason"], passed) == (False, case.reason, [True] * (len(passed) - 1) + [False])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.alone])
def test_fetch_refuses(shop, repo, host, name):
    offer(repo, shop, name)
    repo.bump("targets")
    refused(host, host.fetch, CASES[name].reason, CASES[name].status)


def test_good_files_are_accepted(shop, host):
    result = host.verify(*map(shop.package, GOOD), "--json")
    assert result.status == 0, result.stderr
    assert [report["trusted"] for report in result.json["files"]] == [True] * len(GOOD)


REGIONS = {
    "lead": lambda package, size: (0, 96),
    "signature header": lambda package, size: (96, package.header_offset),
    "header": lambda package, size: (package.header_offset, package.payload_offset),
    "payload": lambda package, size: (package.payload_offset, size),
}


@pytest.mark.parametrize("region", REGIONS)
def test_any_flipped_byte_is_refused(tmp_path, shop, host, region):
    data = shop.package("good").read_bytes()
    begin, end = REGIONS[region](evil.bundle.Package(data), len(data))
    positions = sorted({begin, end - 1, *range(begin, end, (end - begin) // 24 + 1)})
    for position in positions:
        changed = bytearray(data)
        changed[position] ^= 0x10
        (tmp_path / f"{position}.rpm").write_bytes(changed)
    before = host.tree()
    result = host.verify(*[tmp_path / f"{position}.rpm" for position in positions], "--json")
    assert result.status == evil.UNTRUSTED
    assert [report["file"] for report in result.json["files"] if not report["reason"].startswith("rpm-")] == []
    assert host.tree() == before


# Repositories: checks 1 and 2, and what target data says of a bundle


def wrong_target(change):
    def spoil(repo, server, shop):
        offer(repo, shop, "edwards-key")
        name = target_name("edwards-key")
        change(repo, server, name, repo.signed["targets"]["targets"][name])
        repo.bump("targets")
    return spoil


def wrong_data(change):
    return wrong_target(lambda repo, server, name, entry: change(entry["custom"]["suture"]))


def served(change):
    return wrong_target(lambda repo, server, name, entry: repo.put_target_file(
        name, change(Path(repo.target_file(name)).read_bytes())))


def endless_target(repo, server, name, entry):
    server.behave["/" + os.path.relpath(repo.target_file(name), repo.folder)] = server.endless


def elsewhere(repo, server, name, entry):
    targets = repo.signed["targets"]["targets"]
    entry["custom"]["suture"]["kernel"]["release"] = evil.OTHER_RELEASE
    targets[name] = entry


def expired(role):
    def spoil(repo, server, shop):
        repo.signed[role]["expires"] = expiry(-1)
        repo.bump(role)
    return spoil


def undersigned(role):
    def spoil(repo, server, shop):
        repo.signers[role] = repo.signers[role][:1]
        repo.bump(role)
    return spoil


def rolled_back(role):
    def spoil(repo, server, shop):
        repo.signed[role]["version"] -= 1
        repo.write(role)
        for above in ("snapshot", "timestamp")[("root", "targets", "snapshot", "timestamp").index(role) - 1:]:
            repo.signed[above]["version"] += 1
            repo.write(above)
    return spoil


def old_under_new_name(role):
    def spoil(repo, server, shop):
        old = repo.read(role)
        repo.bump(role)
        repo.write_file(repo.file_name(role), old)
    return spoil


def behaves(path, how):
    def spoil(repo, server, shop):
        repo.bump("targets")
        server.behave["/metadata/" + path(repo)] = how(server)
    return spoil


def larger(role):
    return behaves(lambda repo: repo.file_name(role), lambda server: server.announces(1 << 40))


NETWORK = 7
REPOSITORIES = {
    "root-expired": ("tuf-root-expired", evil.UNTRUSTED, expired("root")),
    "timestamp-expired": ("tuf-timestamp-expired", evil.UNTRUSTED, expired("timestamp")),
    "snapshot-expired": ("tuf-snapshot-expired", evil.UNTRUSTED, expired("snapshot")),
    "targets-expired": ("tuf-targets-expired", evil.UNTRUSTED, expired("targets")),
    "timestamp-rolled-back": ("tuf-timestamp-rollback", evil.UNTRUSTED, rolled_back("timestamp")),
    "snapshot-rolled-back": ("tuf-timestamp-snapshot-rollback", evil.UNTRUSTED, rolled_back("snapshot")),
    "targets-rolled-back": ("tuf-snapshot-rollback", evil.UNTRUSTED, rolled_back("targets")),
    "root-undersigned": ("tuf-root-signature", evil.UNTRUSTED, undersigned("root")),
    "timestamp-undersigned": ("tuf-timestamp-signature", evil.UNTRUSTED, undersigned("timestamp")),
    "snapshot-undersigned": ("tuf-snapshot-signature", evil.UNTRUSTED, undersigned("snapshot")),
    "targets-undersigned": ("tuf-targets-signature", evil.UNTRUSTED, undersigned("targets")),
    "timestamp-oversized": ("tuf-metadata-too-large", evil.UNTRUSTED, larger("timestamp")),
    "targets-oversized": ("tuf-metadata-too-large", evil.UNTRUSTED, larger("targets")),
    "timestamp-endless": ("fetch-endless", NETWORK, behaves(lambda repo: "timestamp.json", lambda server: server.endless)),
    "root-endless": ("fetch-endless", NETWORK, behaves(lambda repo: "2.root.json", lambda server: server.endless)),
    "old-snapshot-with-new-timestamp": ("tuf-snapshot-version", evil.UNTRUSTED, old_under_new_name("snapshot")),
    "old-targets-with-new-snapshot": ("tuf-targets-version", evil.UNTRUSTED, old_under_new_name("targets")),
    "target-endless": ("fetch-endless", NETWORK, wrong_target(endless_target)),
    "target-too-short": ("tuf-target-length", evil.UNTRUSTED, served(lambda data: data[:-1])),
    "target-too-long": ("tuf-target-length", evil.UNTRUSTED, served(lambda data: data + b"\n")),
    "target-changed": ("tuf-target-hash", evil.UNTRUSTED, served(lambda data: data[:-1] + b"\n")),
    "target-severity-differs": ("disagree", evil.UNTRUSTED, wrong_data(lambda data: data.update(severity="critical"))),
    "target-manifest-digest-differs": ("disagree", evil.UNTRUSTED, wrong_data(
        lambda data: data.update(manifest_sha256="0" * 64))),
    "target-path-of-other-kernel": ("tuf-target-custom", evil.UNTRUSTED, wrong_target(elsewhere)),
    "target-data-malformed": ("tuf-target-custom", evil.UNTRUSTED, wrong_data(lambda data: data.update(format=2))),
}


@pytest.fixture
def server(repo, host):
    with EvilServer(repo.folder) as running:
        host.configure(running.url)
        yield running


@pytest.mark.parametrize("name", [*REPOSITORIES, "only-other-build"])
def test_fetch_refuses_repository(shop, repo, host, server, name):
    if name == "only-other-build":
        refuse_only_other_build(shop, repo, host)
        return
    reason, status, spoil = REPOSITORIES[name]
    spoil(repo, server, shop)
    stored = host.state / "metadata" / f"{name.split('-')[0]}.json"
    before = stored.read_bytes() if stored.exists() and name != "root-expired" else None  # a root is kept, then judged
    refused(host, host.fetch, reason, status)
    assert before is None or stored.read_bytes() == before


def refuse_only_other_build(shop, repo, host):
    del repo.signed["targets"]["targets"][target_name("good")]
    offer(repo, shop, "other-build-id")
    repo.bump("targets")
    refused(host, host.fetch, "kernel-build-id", evil.MISMATCH)


# At rest and at apply: what was fair when it was fetched, in the virtual machine

GUEST = """
store=/var/lib/suture/bundles/$(uname -r)/meminfo-1-1
ledger=/var/lib/suture/ledger.jsonl
try() {
	known=$(wc -l <$ledger)
	suture apply meminfo >/out/$1.out 2>/out/$1.err; echo $? >/out/$1.status
	ls /sys/kernel/livepatch >/out/$1.live
	tail -n +$((known + 1)) $ledger >/out/$1.ledger
}
cp -a $store /root/whole
whole() {
	rm -rf $store; cp -a /root/whole $store
}
cat /evil/swapped.ko >$store/meminfo.ko; try module-swapped; whole
cp $store/meminfo.ko $store/other.ko; try extra-file; whole
rm $store/meminfo.ko; ln -s /root/whole/meminfo.ko $store/meminfo.ko; try symlink; whole
mv /var/lib/suture/receipts /root/; try receipt-missing; mv /root/receipts /var/lib/suture/
mkdir /root/fetched; mv /var/lib/suture/bundles/* /root/fetched/
for bundle in other-build-id other-release; do
	mkdir -p /usr/lib/suture/$(uname -r)
	cp -a /evil/$bundle /usr/lib/suture/$(uname -r)/meminfo-2-1
	try $bundle
	rm -rf /usr/lib/suture
done
mkdir -p /usr/lib/suture/$(uname -r)
cp -a /root/whole /usr/lib/suture/$(uname -r)/meminfo-1-1
sed -i s/important/moderate/ /usr/lib/suture/$(uname -r)/meminfo-1-1/manifest.json; try manifest-changed
rm -rf /usr/lib/suture
mv /root/fetched/* /var/lib/suture/bundles/

delays=finit_module,init_module
strace -f -o /out/trace -e trace=$delays -e inject=$delays:delay_enter=8000000 suture apply >/out/race.out 2>/out/race.err &
while ! grep -q init_module /out/trace 2>/dev/null; do usleep 20000; [ -d /proc/$! ] || break; done
cat /evil/swapped.ko >$store/meminfo.ko
[ -d /proc/$! ] && [ ! -d /sys/module/meminfo ] && echo swapped >/out/race.swapped
wait $!
echo $? >/out/race.status
ls /sys/kernel/livepatch/meminfo/vmlinux >/out/race.functions
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory, beginning, shop):
    """What the virtual machine did with evil in its stores, in a folder."""
    out = tmp_path_factory.mktemp("guest")
    host = beginning[1].copy(out / "host")
    unpacked = out / "evil"
    unpacked.mkdir()
    shutil.copy(shop.module("swapped"), unpacked / "swapped.ko")
    for name in ("other-build-id", "other-release"):
        pipeline.must(["sh", "-c", f"rpm2cpio '{shop.package(name)}' | cpio -idm --quiet -D '{unpacked}'"])
        folder, = (unpacked / "usr/lib/suture").glob("*/*")
        shutil.move(folder, unpacked / name)
        shutil.rmtree(unpacked / "usr")
    result = host.boot(GUEST, copies=[(unpacked, "/evil"), ("/usr/bin/strace", "/usr/bin/")], out=out)
    assert result.status == 0, result.console
    return out


INPUT = 3
AT_REST = {
    "module-swapped": ("file-digest", evil.UNTRUSTED),
    "manifest-changed": ("cms-signature", evil.UNTRUSTED),
    "extra-file": ("payload-extra", evil.UNTRUSTED),
    "symlink": ("unsafe-path", INPUT),
    "receipt-missing": ("receipt-missing", evil.UNTRUSTED),
    "other-build-id": ("kernel-build-id", evil.MISMATCH),
    "other-release": ("kernel-release", evil.MISMATCH),
}


@pytest.mark.parametrize("name", AT_REST)
def test_apply_refuses(guest, name):
    reason, status = AT_REST[name]
    words = (guest / f"{name}.err").read_text()
    assert words.endswith(f" [{reason}]\n") and words.count("\n") == 1
    assert (guest / f"{name}.status").read_text() == f"{status}\n"
    assert (guest / f"{name}.live").read_text() == ""
    records = map(json.loads, (guest / f"{name}.ledger").read_text().splitlines())
    assert reason in [record["reason"] for record in records if record["event"] in ("refuse", "policy")]


def test_module_swapped_between_check_and_load(guest):
    assert (guest / "race.swapped").exists(), (guest / "trace").read_text()
    assert (guest / "race.status").read_text() == "0\n", (guest / "race.err").read_text()
    assert (guest / "race.functions").read_text().split() == ["meminfo_proc_show,1", "patched"]
