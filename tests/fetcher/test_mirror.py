# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture mirror sync over real and evil servers: what readers see, what is asked for, what is refused, and every way to be cut short."""
import hashlib
import json
import os
import pathlib
import pty
import random
import re
import shutil
import subprocess
import time

import pytest
from lib.httpd import EvilServer, Nginx, Unreliable
from lib.tufrepo import Key, expiry, pooled_key
from mirror_fixture import BIN, KERNELS, KEYRING, Mirror, Upstream, initial_root

ONE, OTHER = KERNELS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository that tests copy."""
    return Upstream(tmp_path_factory.mktemp("upstream") / "repo")


def copied(made, folder):
    """A repository of its own, as @made is."""
    other = Upstream.__new__(Upstream)
    other.__dict__.update(made.__dict__)
    other.signed = json.loads(json.dumps(made.signed))
    other.signers = dict(made.signers)
    shutil.copytree(made.folder, folder)
    other.folder = str(folder)
    other.metadata, other.targets = (os.path.join(other.folder, name) for name in ("metadata", "targets"))
    return other


@pytest.fixture
def upstream(made, tmp_path):
    return copied(made, tmp_path / "repo")


@pytest.fixture
def mirror(upstream, tmp_path):
    return Mirror(tmp_path / "mirror", initial_root(upstream, tmp_path))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """Certificate, key and CA of a web server."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def url(upstream):
    return f"file://{upstream.folder}"


def synced(mirror, where, *words):
    result = mirror.sync(where, *words)
    assert result.status == 0, result.stderr
    return result.json


def check_whole(mirror, upstream, *missing):
    """It serves what the repository does, but for paths that begin with one of @missing."""
    wanted = {path: data for path, data in upstream.served().items() if not path.startswith(missing or "-")}
    assert mirror.served() == wanted


# What is there after it

def test_everything_is_copied_over_http2(upstream, mirror, tls, tmp_path):
    with Nginx(upstream.folder, tmp_path / "nginx", *tls, http2=True) as web:
        report = synced(mirror, web.url, "--ca-file", tls[0])
        assert web.protocols() == {"HTTP/2.0"}
        assert web.connections() <= 2  # one for metadata, one for all files
    assert report["changed"] and report["kernels"] == 2 and report["new_files"] == 5 and report["rpm_md"] == 2
    check_whole(mirror, upstream)


def test_everything_is_copied_over_http1(upstream, mirror, tmp_path):
    with Nginx(upstream.folder, tmp_path / "nginx") as web:
        synced(mirror, web.url, "--jobs", "3")
        assert web.protocols() == {"HTTP/1.1"} and web.connections() <= 4
    check_whole(mirror, upstream)


def test_nothing_new_is_two_requests(upstream, mirror, tmp_path):
    with Nginx(upstream.folder, tmp_path / "nginx") as web:
        synced(mirror, web.url)
        before = len(web.requests())
        report = synced(mirror, web.url)
        assert web.requests()[before:] == ["GET /metadata/2.root.json 404", "GET /metadata/timestamp.json 200"]
    assert not report["changed"] and report["requests"] == 2
    check_whole(mirror, upstream)


def test_one_publish_asks_for_that_kernel_alone(upstream, mirror, tmp_path):
    with Nginx(upstream.folder, tmp_path / "nginx") as web:
        synced(mirror, web.url)
        upstream.add_package(ONE, "new.rpm")
        upstream.publish(ONE)
        before = len(web.requests())
        report = synced(mirror, web.url)
        asked = web.requests()[before:]
    assert report["new_files"] == 1 and report["rpm_md"] == 1
    assert not [line for line in asked if OTHER in line]
    assert len([line for line in asked if "new.rpm" in line]) == 1
    assert upstream.served().items() <= mirror.served().items()


@pytest.fixture
def many(tmp_path):
    """A repository of more kernels than are asked for one by one."""
    return Upstream(tmp_path / "many", [f"6.1.0-{number}-amd64" for number in range(12)], packages=1, size=100)


def test_roles_of_many_kernels_come_at_once(many, tls, tmp_path):
    mirror = Mirror(tmp_path / "mirror", initial_root(many, tmp_path))
    with Nginx(many.folder, tmp_path / "nginx", *tls, http2=True) as web:
        synced(mirror, web.url, "--ca-file", tls[0])
        for role in many.delegated():
            assert len([line for line in web.requests() if f"/metadata/2.{role}.json" in line]) == 1
        assert web.connections() <= 2
    check_whole(mirror, many)
    assert not list((mirror.folder / ".state/spool").iterdir())


def test_refused_role_among_many(many, tmp_path):
    mirror = Mirror(tmp_path / "mirror", initial_root(many, tmp_path))
    many.signers[many.delegated()[7]] = [Key()]
    many.publish()
    assert mirror.sync(url(many)).reason == "tuf-delegated-signature"
    pathlib.Path(many.path(many.delegated()[7])).unlink()
    assert mirror.sync(url(many)).reason == "fetch-not-found"
    assert "metadata/timestamp.json" not in mirror.served()


def test_chosen_kernels_alone(upstream, mirror):
    report = synced(mirror, url(upstream), "--kernel", "6.1.*")
    assert report["kernels"] == 1
    check_whole(mirror, upstream, f"metadata/2.{OTHER}", f"targets/{OTHER}")
    synced(mirror, url(upstream))
    check_whole(mirror, upstream)


def test_no_kernel_of_that_name(upstream, mirror):
    assert mirror.sync(url(upstream), "--kernel", "5.*").reason == "mirror-kernel"
    assert "metadata/timestamp.json" not in mirror.served()


def test_modes_are_those_of_a_web_server_and_state_is_ours(upstream, mirror):
    synced(mirror, url(upstream))
    for path in mirror.folder.rglob("*"):
        if ".state" not in path.parts:
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert (mirror.folder / ".state").stat().st_mode & 0o777 == 0o700


def test_equal_bytes_are_asked_for_and_stored_once(upstream, mirror, tmp_path):
    for kernel in KERNELS:
        upstream.add_target(f"{kernel}/same.rpm", b"same" * 1000, role=kernel)
    upstream.publish()
    with Nginx(upstream.folder, tmp_path / "nginx") as web:
        synced(mirror, web.url)
        assert len([line for line in web.requests() if "same.rpm" in line]) == 1
    assert len({path.stat().st_ino for path in mirror.folder.rglob("*same.rpm")}) == 1
    check_whole(mirror, upstream, *(f"metadata/1.{role}" for role in ("targets", *KERNELS)))


def test_empty_file(upstream, mirror):
    upstream.add_target("trust/empty", b"")
    upstream.publish("targets")
    synced(mirror, url(upstream))
    assert len([data for path, data in mirror.served().items() if path.endswith(".empty") and data == b""]) == 1


def rotate(upstream):
    """A new version of root, by another key."""
    old, new = upstream.signers["root"], [Key()]
    upstream.set_keys("root", new, sign_with=[*old, *new])
    upstream.bump("root")
    upstream.signers["root"] = new


def test_every_root_is_there(upstream, mirror):
    for _ in range(3):
        rotate(upstream)
    synced(mirror, url(upstream))
    check_whole(mirror, upstream)
    rotate(upstream)
    upstream.bump("timestamp")
    synced(mirror, url(upstream))
    check_whole(mirror, upstream)


def test_older_roots_than_the_first_trusted_one_are_there(upstream, mirror):
    for _ in range(3):
        rotate(upstream)
    mirror.root.write_bytes(pathlib.Path(upstream.metadata, "4.root.json").read_bytes())
    synced(mirror, url(upstream))
    check_whole(mirror, upstream)


def test_older_root_that_does_not_lead_on_is_not_mirrored(upstream, mirror):
    rotate(upstream)
    rotate(upstream)
    mirror.root.write_bytes(pathlib.Path(upstream.metadata, "3.root.json").read_bytes())
    upstream.write_file("2.root.json", pathlib.Path(upstream.metadata, "1.root.json").read_bytes())
    synced(mirror, url(upstream))
    assert {path for path in mirror.served() if "root" in path} == {"metadata/3.root.json"}


def test_needs_a_root_to_begin_with(upstream, tmp_path):
    assert Mirror(tmp_path / "other").sync(url(upstream)).reason == "tuf-not-initialised"


# What is refused

def test_repository_without_consistent_snapshots(upstream, mirror):
    upstream.signed["root"]["consistent_snapshot"] = False
    upstream.bump("root")
    upstream.publish("targets")
    upstream.bump(*KERNELS)
    assert mirror.sync(url(upstream)).reason == "mirror-consistent"


@pytest.mark.parametrize("name", [
    "../x", "/etc/x", "a/../../x", ".hidden/x", "a//b", "a b", f"{ONE}/repodata/repomd.xml", "repodata/x",
    "a/b/c/d/e/f/g/h/i/j", "x" * 300, "ü"])
def test_target_that_cannot_be_a_file(upstream, mirror, tmp_path, name):
    synced(mirror, url(upstream))
    before = mirror.served()
    upstream.signed["targets"]["targets"][name] = upstream.signed["targets"]["targets"][KEYRING]
    upstream.bump("targets")
    assert mirror.sync(url(upstream)).reason == "mirror-name"
    assert mirror.served() == before and not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["a/b", "../x", "a b"])
def test_role_that_cannot_be_a_file(upstream, mirror, name):
    upstream.delegate("targets", name, ["other/*"])
    upstream.bump("targets", name)
    for path in pathlib.Path(upstream.metadata).glob("*%*"):
        other = pathlib.Path(upstream.metadata, path.name.replace("%2F", "/").replace("%20", " "))
        other.parent.mkdir(exist_ok=True)
        path.rename(other)
    result = mirror.sync(url(upstream))
    assert result.reason == "mirror-name", result.stderr
    assert "metadata/timestamp.json" not in mirror.served()


def test_target_outside_its_role_is_left_out(upstream, mirror):
    upstream.add_target(f"{OTHER}/evil.rpm", b"evil", role=ONE)
    upstream.bump(ONE)
    synced(mirror, url(upstream))
    assert not list(mirror.folder.rglob("*evil.rpm"))


def test_one_length_belies_another(upstream, mirror):
    """Two entries with one digest and two lengths: one of them lies, and no reader is shown either."""
    entry = dict(upstream.signed["targets"]["targets"][KEYRING])
    upstream.signed["targets"]["targets"]["trust/liar"] = entry | {"length": entry["length"] - 1}
    upstream.bump("targets")
    assert mirror.sync(url(upstream)).status != 0
    assert "metadata/timestamp.json" not in mirror.served()


def test_changed_package(upstream, mirror, tmp_path):
    path = pathlib.Path(upstream.target_file(f"{ONE}/patch-0.rpm", ONE))
    data = path.read_bytes()
    path.write_bytes(b"x" + data[1:])
    assert mirror.sync(url(upstream)).reason == "tuf-target-hash"
    served = mirror.served()
    assert "metadata/timestamp.json" not in served
    assert len([name for name in served if name.endswith(".rpm")]) == 3  # the others are there
    path.write_bytes(data + b"x")
    assert mirror.sync(url(upstream)).reason == "tuf-target-length"
    path.write_bytes(data)
    synced(mirror, url(upstream))
    check_whole(mirror, upstream)


def test_rollback_leaves_readers_as_they_were(upstream, mirror, tmp_path):
    old = copied(upstream, tmp_path / "old")
    upstream.publish()
    synced(mirror, url(upstream))
    before = mirror.served()
    assert mirror.sync(url(old)).reason == "tuf-timestamp-rollback"
    assert mirror.served() == before


def test_refused_role_leaves_readers_as_they_were(upstream, mirror):
    synced(mirror, url(upstream))
    before = mirror.served()
    upstream.signers[ONE] = [Key()]
    upstream.publish()
    assert mirror.sync(url(upstream)).reason == "tuf-delegated-signature"
    assert mirror.served() == before


# One kernel's role that is refused

def refused(result):
    return [(each["kernel"], each["reason"]) for each in result.json["refused"]]


def shown(mirror):
    return json.loads((mirror.folder / "metadata/timestamp.json").read_bytes())["signed"]["version"]


def test_kernel_that_expired_is_mirrored_as_it_is(upstream, mirror, tmp_path):
    synced(mirror, url(upstream))
    upstream.signed[ONE]["expires"] = expiry(-1)
    upstream.add_package(OTHER, "new.rpm")
    upstream.publish()
    for _ in range(2):
        result = mirror.sync(url(upstream))
        assert (result.status, result.reason) == (4, "tuf-delegated-expired") and ONE in result.stderr
        assert refused(result) == [(ONE, "tuf-delegated-expired")] and not result.json["held_back"]
        assert upstream.served().items() <= mirror.served().items()
    assert mirror.run("verify", mirror.folder).status == 0
    assert mirror.run("prune", mirror.folder).status == 0
    check_whole(mirror, upstream)
    media, inside = tmp_path / "media", Mirror(tmp_path / "inside")
    assert mirror.run("export", mirror.folder, "-o", media).status == 0
    assert inside.run("import", media, inside.folder, "--trusted-root", mirror.root).reason == "tuf-delegated-expired"
    check_whole(inside, upstream)


def test_kernel_whose_keys_changed_stays_as_it_was(upstream, mirror):
    """Its listed version is served: readers are not led to what is not there."""
    synced(mirror, url(upstream))
    role = mirror.served()[f"metadata/2.{ONE}.json"]
    delegations = upstream.signed["targets"]["delegations"]
    key = pooled_key(41)
    delegations["keys"][key.id] = key.json
    next(each for each in delegations["roles"] if each["name"] == ONE)["keyids"] = [key.id]
    upstream.add_package(OTHER, "new.rpm")
    upstream.publish("targets", OTHER)
    result = mirror.sync(url(upstream))
    assert refused(result) == [(ONE, "tuf-delegated-signature")] and result.status == 4 and not result.json["held_back"]
    assert shown(mirror) == upstream.signed["timestamp"]["version"]
    assert mirror.served()[f"metadata/2.{ONE}.json"] == role
    assert upstream.served().items() <= mirror.served().items()


def sign_by_stranger(upstream):
    upstream.signers[ONE] = [Key()]
    upstream.bump(ONE)


def lose_role(upstream):
    upstream.bump(ONE)
    pathlib.Path(upstream.path(ONE)).unlink()


def lose_package(upstream):
    upstream.add_package(ONE, "lost.rpm")
    upstream.publish(ONE)
    pathlib.Path(upstream.target_file(f"{ONE}/lost.rpm", ONE)).unlink()


def list_odd_name(upstream):
    upstream.signed[ONE]["targets"][f"{ONE}/a b"] = {"length": 1, "hashes": {"sha256": "00" * 32}}
    upstream.bump(ONE)


HELD = {
    "unsigned": (sign_by_stranger, "tuf-delegated-signature"),
    "missing": (lose_role, "fetch-not-found"),
    "package": (lose_package, "fetch-not-found"),
    "name": (list_odd_name, "mirror-name"),
}


@pytest.mark.parametrize("how", HELD)
def test_new_version_that_cannot_be_had_holds_metadata_back(upstream, mirror, how):
    """Packages of the others come all the same; what readers are shown is the old state; --kernel leaves that kernel out."""
    synced(mirror, url(upstream))
    before = mirror.served()
    upstream.add_package(OTHER, "new.rpm")
    upstream.publish(OTHER)
    spoil, reason = HELD[how]
    spoil(upstream)
    result = mirror.sync(url(upstream))
    assert result.reason == reason and f"kernel {ONE}" in result.stderr and result.status != 0
    assert refused(result) == [(ONE, reason)] and result.json["held_back"] and result.json["new_files"] == 1
    served = mirror.served()
    assert [path for path in served if path.endswith(".new.rpm")]
    assert before.items() <= served.items()
    assert not [path for path in served if path.startswith("metadata/") and path not in before]
    assert mirror.run("verify", mirror.folder).status == 0
    assert mirror.sync(url(upstream), "--kernel", f"!{ONE}").status == 0
    assert shown(mirror) == upstream.signed["timestamp"]["version"]
    assert mirror.run("verify", mirror.folder).status == 0


def test_package_of_a_shown_version_that_is_gone_everywhere(upstream, mirror):
    synced(mirror, url(upstream))
    path = upstream.target_file(f"{ONE}/patch-0.rpm", ONE)
    pathlib.Path(path).unlink()
    (mirror.folder / os.path.relpath(path, upstream.folder)).unlink()
    upstream.add_package(OTHER, "new.rpm")
    upstream.publish(OTHER)
    result = mirror.sync(url(upstream))
    assert refused(result) == [(ONE, "fetch-not-found")] and result.status == 7 and not result.json["held_back"]
    assert shown(mirror) == upstream.signed["timestamp"]["version"]
    assert damaged(mirror.run("verify", mirror.folder, "--json"))


@pytest.mark.parametrize("patterns", [["!6.1.*"], ["*", "!6.1.*"], ["!*", "6.6.*"]])
def test_kernel_that_is_left_out(upstream, mirror, patterns):
    words = [word for pattern in patterns for word in ("--kernel", pattern)]
    assert synced(mirror, url(upstream), *words)["kernels"] == 1
    check_whole(mirror, upstream, f"metadata/2.{ONE}", f"targets/{ONE}")


# rpm-md

def spoil_repomd(upstream):
    path = pathlib.Path(upstream.targets, ONE, "repodata/repomd.xml")
    path.write_bytes(path.read_bytes().replace(b"<revision>1", b"<revision>2"))


def spoil_primary(upstream):
    folder = pathlib.Path(upstream.targets, ONE, "repodata")
    for path in folder.glob("*-primary.xml.gz"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")


def list_other_package(upstream):
    upstream.write_rpm_md(ONE, upstream.packages_of(ONE) | {
        f"{ONE}/other.rpm": {"length": 1, "hashes": {"sha256": "0" * 64}}})


def list_other_digest(upstream):
    packages = upstream.packages_of(ONE)
    upstream.write_rpm_md(ONE, {path: entry | {"hashes": {"sha256": "0" * 64}} for path, entry in packages.items()})


def drop_signature(upstream):
    pathlib.Path(upstream.targets, ONE, "repodata/repomd.xml.asc").write_text("no signature\n")


def leave(location):
    def change(upstream):
        upstream.write_rpm_md(ONE, filelists=f'<data type="filelists"><checksum type="sha256">{"0" * 64}</checksum>'
                                             f'<location href="{location}"/><size>9</size></data>')
    return change


SPOILED = {
    "changed": (spoil_repomd, "mirror-rpm-md-signature"),
    "unsigned": (drop_signature, "mirror-rpm-md-signature"),
    "stranger": (lambda upstream: upstream.write_rpm_md(ONE, sign_by="stranger"), "mirror-rpm-md-signature"),
    "expired": (lambda upstream: upstream.write_rpm_md(ONE, sign_by="expired"), "mirror-rpm-md-signature"),
    "revoked": (lambda upstream: upstream.write_rpm_md(ONE, sign_by="compromised"), "mirror-rpm-md-signature"),
    "weak": (lambda upstream: upstream.write_rpm_md(ONE, sign_by="weak"), "mirror-rpm-md-signature"),
    "primary": (spoil_primary, "tuf-target-hash"),
    "other-package": (list_other_package, "mirror-rpm-md-package"),
    "other-digest": (list_other_digest, "mirror-rpm-md-package"),
    "outside": (leave("repodata/../../x"), "mirror-rpm-md"),
    "absolute": (leave("/etc/x"), "mirror-rpm-md"),
    "hidden": (leave("repodata/.x"), "mirror-rpm-md"),
    "itself": (leave("repodata/repomd.xml"), "mirror-rpm-md"),
    "gone": (leave(f"repodata/{'0' * 64}-filelists.xml.gz"), "fetch-not-found"),
    "two-primaries": (lambda upstream: upstream.write_rpm_md(ONE, filelists='<data type="primary"><checksum type="sha256">' + "0" * 64 +
                      '</checksum><location href="repodata/x"/><size>9</size></data>'), "mirror-rpm-md"),
    "no-size": (lambda upstream: upstream.write_rpm_md(ONE, filelists='<data type="filelists"><checksum type="sha256">' + "0" * 64 +
                '</checksum><location href="repodata/x"/></data>'), "mirror-rpm-md"),
    "weak-digest": (lambda upstream: upstream.write_rpm_md(ONE, filelists='<data type="filelists"><checksum type="md5">' + "0" * 64 +
                    '</checksum><location href="repodata/x"/><size>9</size></data>'), "mirror-rpm-md"),
    "no-xml": (lambda upstream: upstream.write_rpm_md(ONE, filelists="<data>"), "mirror-rpm-md"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_refused_rpm_md_stays_as_it_was_while_tuf_goes_on(upstream, mirror, how):
    synced(mirror, url(upstream))
    folder = mirror.folder / "targets" / ONE / "repodata"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    upstream.add_package(ONE, "new.rpm")
    upstream.publish()
    timestamp = upstream.read("timestamp")
    spoil, reason = SPOILED[how]
    spoil(upstream)
    result = mirror.sync(url(upstream))
    assert result.reason == reason, result.stderr
    assert result.json["changed"] and result.json["rpm_md"] == 1  # the other kernel's
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert mirror.served()["metadata/timestamp.json"] == timestamp
    upstream.write_rpm_md(ONE)
    assert synced(mirror, url(upstream))["rpm_md"] == 1
    assert upstream.served().items() <= mirror.served().items()


def test_rpm_md_without_a_keyring_to_verify_it_by(upstream, mirror):
    del upstream.signed["targets"]["targets"][KEYRING]
    upstream.publish()
    assert mirror.sync(url(upstream)).reason == "mirror-rpm-md-signature"
    assert not list(mirror.folder.rglob("repodata")) and "metadata/timestamp.json" in mirror.served()


def test_repository_without_rpm_md(upstream, mirror):
    for kernel in KERNELS:
        shutil.rmtree(pathlib.Path(upstream.targets, kernel, "repodata"))
    assert synced(mirror, url(upstream))["rpm_md"] == 0
    check_whole(mirror, upstream)


# Servers that fail

@pytest.fixture
def large(made, upstream):
    """With packages that take several segments."""
    for number in range(6):
        upstream.add_package(ONE, f"large-{number}.rpm", 200_000)
    upstream.publish(ONE)
    return upstream


@pytest.mark.parametrize("end", ["reset", "hang_up"])
@pytest.mark.parametrize("secure", [True, False])
def test_connections_that_break_off(large, mirror, tls, tmp_path, end, secure):
    with Nginx(large.folder, tmp_path / "nginx", *(tls if secure else ()), http2=secure) as web:
        limits = [None] + [70_000, 200_000, 90_000, 60_000]
        with Unreliable(web.port, limits, getattr(Unreliable, end)) as proxy:
            synced(mirror, proxy.url(web.url), "--jobs", "2", *(["--ca-file", tls[0]] if secure else []))
            assert proxy.broken >= 2
    assert large.served().items() <= mirror.served().items()


def test_connection_that_stalls_is_given_up(large, mirror, tmp_path):
    with Nginx(large.folder, tmp_path / "nginx") as web:
        with Unreliable(web.port, [None, 100_000], Unreliable.stall) as proxy:
            start = time.monotonic()
            synced(mirror, proxy.url(web.url), "--jobs", "1", "--stall-seconds", "1")
            assert proxy.broken == 1 and time.monotonic() - start < 10
    assert large.served().items() <= mirror.served().items()


def test_server_that_goes_away_ends_it_and_what_came_is_kept(large, mirror, tmp_path):
    with Nginx(large.folder, tmp_path / "nginx") as web:
        with Unreliable(web.port, [None] + [150_000] + [1] * 1000, Unreliable.reset) as proxy:
            assert mirror.sync(proxy.url(web.url), "--jobs", "1").reason in ("fetch-truncated", "fetch-connect")
        kept = sum(path.stat().st_size for path in (mirror.folder / ".state/partial").iterdir())
        assert kept > 20_000 and "metadata/timestamp.json" not in mirror.served()
        report = synced(mirror, web.url)
    total = sum(len(data) for data in large.served().values())
    assert report["received_bytes"] < total - kept + 10_000
    assert large.served().items() <= mirror.served().items()


@pytest.fixture
def evil(large):
    with EvilServer(large.folder) as server:
        yield server


def package_path(upstream, name="large-0.rpm"):
    return "/" + os.path.relpath(upstream.target_file(f"{ONE}/{name}", ONE), upstream.folder)


def data_of(upstream, name="large-0.rpm"):
    return pathlib.Path(upstream.target_file(f"{ONE}/{name}", ONE)).read_bytes()


def once(behave):
    """Behaves like that the first time alone."""
    left = [behave]

    def first(handler):
        if left:
            return left.pop()(handler)
        return handler.__class__.__mro__[1].do_GET(handler)

    return first


def test_truncated_once(large, mirror, evil):
    data = data_of(large)
    evil.behave[package_path(large)] = once(evil.truncated(data, 100_000))
    evil.behave[package_path(large, "large-1.rpm")] = once(evil.sends(b"busy", status=503))
    synced(mirror, evil.url)
    assert large.served().items() <= mirror.served().items()
    asked = [headers.get("Range") for path, headers in evil.requests if path == package_path(large)]
    assert asked == [None, "bytes=100000-"]


def partial(mirror, upstream, size):
    """As if an earlier run had broken off there."""
    digest = upstream.signed[ONE]["targets"][f"{ONE}/large-0.rpm"]["hashes"]["sha256"]
    folder = mirror.folder / ".state/partial"
    folder.mkdir(parents=True, exist_ok=True)
    (mirror.folder / ".state").chmod(0o700)
    (folder / digest).write_bytes(data_of(upstream)[:size])
    (folder / digest).chmod(0o600)


@pytest.mark.parametrize("answer", [
    dict(status=206, Content_Range="bytes 0-99999/200000"), dict(status=206, Content_Range="bytes 50-200/999"), dict(status=206),
    dict(status=416, Content_Range="bytes */200000"), dict(status=206, Content_Range="nonsense")])
def test_wrong_range_answers_start_over(large, mirror, evil, answer):
    partial(mirror, large, 50_000)
    right = data_of(large)

    def behave(handler):
        if "Range" in handler.headers:
            evil.sends(b"z" * 100, **answer)(handler)
        else:
            evil.sends(right)(handler)

    evil.behave[package_path(large)] = behave
    synced(mirror, evil.url)
    assert large.served().items() <= mirror.served().items()


def test_start_of_another_file_is_noticed_and_fetched_again(large, mirror, tmp_path):
    partial(mirror, large, 50_000)
    for path in (mirror.folder / ".state/partial").iterdir():
        path.write_bytes(b"x" * 50_000)
    with Nginx(large.folder, tmp_path / "nginx") as web:
        synced(mirror, web.url)
        assert len([line for line in web.requests() if "large-0" in line]) == 2
    assert large.served().items() <= mirror.served().items()


REFUSING = {
    "missing": (lambda server: server.sends(b"", status=404), "fetch-not-found"),
    "busy": (lambda server: server.sends(b"", status=503), "fetch-http-status"),
    "elsewhere": (lambda server: server.redirects("ftp://127.0.0.1/x"), "fetch-redirect"),
    "local": (lambda server: server.redirects("file:///etc/passwd"), "fetch-redirect"),
    "circle": (lambda server: server.redirects("?again"), "fetch-redirect"),
    "larger": (lambda server: server.announces(200_001), "tuf-target-length"),
    "endless": (lambda server: server.endless, "fetch-endless"),
    "chunks": (lambda server: server.endless_chunks, "fetch-endless"),
    "headers": (lambda server: server.endless_headers, "fetch-endless"),
    "wrong": (lambda server: server.sends(b"z" * 200_000), "tuf-target-hash"),
    "short": (lambda server: server.sends(b"z" * 100), "tuf-target-length"),
}


@pytest.mark.parametrize("how", REFUSING)
def test_file_that_cannot_be_had(large, mirror, evil, how):
    behave, reason = REFUSING[how]
    evil.behave[package_path(large)] = behave(evil)
    result = mirror.sync(evil.url)
    assert result.reason == reason, result.stderr
    served = mirror.served()
    assert "metadata/timestamp.json" not in served
    assert len([path for path in served if "large-" in path]) == 5  # the others are there
    evil.behave.clear()
    synced(mirror, evil.url)
    assert large.served().items() <= mirror.served().items()


def test_server_that_is_not_there(upstream, mirror):
    assert mirror.sync("http://127.0.0.1:1/").reason == "fetch-connect"


def test_tls_is_judged(upstream, mirror, tls, tmp_path):
    with Nginx(upstream.folder, tmp_path / "nginx", *tls, http2=True) as web:
        assert mirror.sync(web.url).reason == "fetch-tls"


# Cut short

def check_readers(mirror, states):
    """Nothing is served but what one of @states has, and all that the timestamp leads to is there."""
    served = mirror.served()
    for path, data in served.items():
        if "/." in path:
            continue  # a link that was about to get its name: of verified bytes
        assert data in [state.get(path) for state in states], path
    if "metadata/timestamp.json" in served:
        shown = next(state for state in states if state["metadata/timestamp.json"] == served["metadata/timestamp.json"])
        repomds = {path for path in shown if "/repomd.xml" in path}  # comes before its timestamp
        for path in set(shown) - repomds:
            assert served.get(path) == shown[path], path


@pytest.fixture
def two_states(large, mirror):
    """A mirror of the old state, with what readers may be shown of the old one and of the new one."""
    synced(mirror, url(large))
    old = large.served()
    for kernel in KERNELS:
        large.add_package(kernel, "new.rpm", 100_000)
        large.remove_package(kernel, "patch-0.rpm")
    large.publish()
    return mirror, large, (old, large.served())


def test_killed_at_random_points(two_states, tmp_path):
    """200 times; the next run goes on."""
    mirror, upstream, states = two_states
    random.seed(5)
    kept = tmp_path / "kept"
    subprocess.run(["cp", "-a", mirror.folder, kept], check=True)
    killed = completed = 0
    with Nginx(upstream.folder, tmp_path / "nginx", more="limit_rate_after 10k; limit_rate 1m;") as web:
        while killed < 200:
            with subprocess.Popen([BIN / "suture", "mirror", "sync", web.url, mirror.folder, "--quiet"],
                                  stderr=subprocess.DEVNULL) as process:
                try:
                    process.wait(random.uniform(0, 0.12))
                except subprocess.TimeoutExpired:
                    process.kill()
                    killed += 1
                else:
                    completed += 1
            check_readers(mirror, states)
            if killed % 10 == 0 or mirror.served()["metadata/timestamp.json"] == states[1]["metadata/timestamp.json"]:
                synced(mirror, web.url)
                assert states[1].items() <= mirror.served().items()
                shutil.rmtree(mirror.folder)
                subprocess.run(["cp", "-a", kept, mirror.folder], check=True)
    assert killed == 200


@pytest.mark.parametrize("what", ["signal=SIGKILL", "error=ENOSPC"])
@pytest.mark.parametrize("calls", ["renameat", "linkat", "syncfs,fsync"])
def test_stopped_at_each_step_that_shows_something(two_states, tmp_path, calls, what):
    mirror, upstream, states = two_states
    kept = tmp_path / "kept"
    subprocess.run(["cp", "-a", mirror.folder, kept], check=True)
    for count in range(1, 100):
        trace = tmp_path / "trace"
        result = mirror.sync(url(upstream), wrapper=["strace", "-f", "-q", "-o", trace, "-e", f"trace={calls}", "-e",
                                                     f"inject={calls}:{what}:when={count}"])
        reached = "INJECTED" in trace.read_text() or "killed by SIGKILL" in trace.read_text()
        if not reached:
            break
        assert result.status != 0
        assert what.startswith("signal") or result.reason == "io", result.stderr
        check_readers(mirror, states)
        synced(mirror, url(upstream))
        assert states[1].items() <= mirror.served().items()
        shutil.rmtree(mirror.folder)
        subprocess.run(["cp", "-a", kept, mirror.folder], check=True)
    assert 3 < count < 99


def test_two_at_once(large, mirror, tmp_path):
    with Nginx(large.folder, tmp_path / "nginx", more="limit_rate 2m;") as web:
        words = [BIN / "suture", "mirror", "sync", web.url, mirror.folder, "--quiet", "--trusted-root", mirror.root]
        both = [subprocess.Popen(words) for _ in range(2)]
        assert [each.wait(30) for each in both] == [0, 0]
        assert len([line for line in web.requests() if "large-0" in line]) == 1
    assert large.served().items() <= mirror.served().items()


def test_interrupt_ends_it_soon(large, mirror, tmp_path):
    with Nginx(large.folder, tmp_path / "nginx", more="limit_rate 10k;") as web:
        with subprocess.Popen([BIN / "suture", "mirror", "sync", web.url, mirror.folder, "--trusted-root", mirror.root],
                              stderr=subprocess.PIPE, text=True) as process:
            while not list(mirror.folder.glob(".state/partial/*")):
                time.sleep(0.02)
            process.terminate()
            start = time.monotonic()
            _, said = process.communicate(timeout=10)
            assert time.monotonic() - start < 2 and "[cancelled]" in said and process.returncode != 0
    assert "metadata/timestamp.json" not in mirror.served()


def test_progress_with_bytes_rate_and_time_left(large, mirror, tmp_path):
    """On a terminal alone."""
    ours, theirs = pty.openpty()
    with Nginx(large.folder, tmp_path / "nginx", more="limit_rate 300k;") as web:
        with subprocess.Popen([BIN / "suture", "mirror", "sync", web.url, mirror.folder, "--trusted-root", mirror.root, "--jobs", "2"],
                              stderr=theirs, stdout=subprocess.DEVNULL) as process:
            os.close(theirs)
            said = b""
            try:
                while data := os.read(ours, 4096):
                    said += data
            except OSError:
                pass  # it has ended
            assert process.wait(30) == 0
    os.close(ours)
    lines = said.decode().replace("\xa0", " ").split("\r")
    assert [line for line in lines if re.search(r"packages .*kB of 1.2 MB, +\d+%, .*kB/s, \d+ s left", line)], lines[-5:]
    assert lines[-1] == "\x1b[K"


# Looking after it

def damaged(result):
    return sorted((each["path"], each["reason"]) for each in result.json["damaged"])


def test_verify_of_a_whole_mirror(upstream, mirror):
    synced(mirror, url(upstream))
    result = mirror.run("verify", mirror.folder, "--json")
    assert result.status == 0 and damaged(result) == [] and result.json["files"] == 9


def find(mirror, pattern):
    return sorted(mirror.folder.glob(pattern))[0]


DAMAGE = {
    "package": (f"targets/{ONE}/*patch-0.rpm", "tuf-target-hash"),
    "keyring": ("targets/trust/*", "tuf-target-hash"),
    "primary": (f"targets/{ONE}/repodata/*-primary.xml.gz", "tuf-target-hash"),
    "repomd": (f"targets/{ONE}/repodata/repomd.xml", "mirror-rpm-md-signature"),
    "repomd-signature": (f"targets/{ONE}/repodata/repomd.xml.asc", None),
    "timestamp": ("metadata/timestamp.json", None),
    "snapshot": ("metadata/*.snapshot.json", None),
    "targets": ("metadata/*.targets.json", None),
    "role": (f"metadata/*.{ONE}.json", None),
    "root": ("metadata/2.root.json", None),
    "older-root": ("metadata/1.root.json", "tuf-root-signature"),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("in_place", [True, False])
def test_verify_names_what_is_damaged_and_brings_it_again(upstream, mirror, how, in_place):
    """in_place: the way a disk does it, which reaches the file under all its names."""
    rotate(upstream)
    synced(mirror, url(upstream))
    pattern, reason = DAMAGE[how]
    path = find(mirror, pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if not in_place:
        path.unlink()
    path.write_bytes(data)
    result = mirror.run("verify", mirror.folder, "--json")
    assert result.reason == "mirror-damaged" and result.status == 4
    found = damaged(result)
    assert found and (reason is None or (str(path.relative_to(mirror.folder)), reason) in found)
    result = mirror.run("verify", mirror.folder, "--repair", url(upstream), "--json")
    assert result.status == 0 and result.json["repaired"], result.stderr
    assert mirror.run("verify", mirror.folder).status == 0
    check_whole(mirror, upstream)


def test_verify_misses_what_is_gone(upstream, mirror):
    synced(mirror, url(upstream))
    find(mirror, f"targets/{ONE}/*.rpm").unlink()
    find(mirror, "RPM-GPG-KEY-suture").unlink()
    result = mirror.run("verify", mirror.folder, "--json")
    assert result.reason == "mirror-damaged" and len(damaged(result)) == 2
    assert mirror.run("verify", mirror.folder, "--repair", url(upstream)).status == 0
    check_whole(mirror, upstream)


def test_verify_of_a_mirror_that_serves_nothing(upstream, mirror):
    upstream.signed["timestamp"]["expires"] = "2020-01-01T00:00:00Z"
    upstream.bump("timestamp")
    assert mirror.sync(url(upstream)).reason == "tuf-timestamp-expired"
    for command in ("verify", "prune"):
        assert mirror.run(command, mirror.folder).reason == "mirror-incomplete"


def replace_tree(mirror, upstream):
    for name in ("metadata", "targets"):
        shutil.rmtree(mirror.folder / name)
        shutil.copytree(pathlib.Path(upstream.folder, name), mirror.folder / name)


def foreign(folder):
    """A whole repository of another publisher."""
    other = Upstream(folder)
    for number, role in enumerate(("root", "timestamp", "snapshot", "targets")):
        other.set_keys(role, [pooled_key(40 + number)])
    other.add_target("x/evil", b"evil")
    other.write("root")
    other.bump("targets")
    return other


def test_tree_of_another_publisher_is_refused(upstream, mirror, tmp_path):
    synced(mirror, url(upstream))
    replace_tree(mirror, foreign(tmp_path / "foreign"))
    package = find(mirror, f"targets/{ONE}/*patch-0.rpm")
    package.write_bytes(b"x" * package.stat().st_size)
    result = mirror.run("verify", mirror.folder, "--json")
    assert result.reason == "mirror-damaged" and damaged(result) == [("metadata", "tuf-timestamp-signature")]
    media = tmp_path / "media.tar.zst"
    assert mirror.run("export", mirror.folder, "-o", media).reason == "tuf-timestamp-signature"
    assert not media.exists()
    assert mirror.run("verify", mirror.folder, "--repair", url(upstream)).status == 0
    assert mirror.run("prune", mirror.folder).status == 0
    check_whole(mirror, upstream)


def test_root_of_another_publisher_is_named(upstream, mirror, tmp_path):
    synced(mirror, url(upstream))
    shutil.copy(pathlib.Path(foreign(tmp_path / "foreign").metadata, "1.root.json"), mirror.folder / "metadata")
    result = mirror.run("verify", mirror.folder, "--json")
    assert ("metadata/1.root.json", "mirror-damaged") in damaged(result)
    assert mirror.run("verify", mirror.folder, "--repair", url(upstream)).status == 0
    check_whole(mirror, upstream)


def test_older_tree_of_the_publisher_is_refused(upstream, mirror, tmp_path):
    old = copied(upstream, tmp_path / "old")
    upstream.publish()
    synced(mirror, url(upstream))
    replace_tree(mirror, old)
    assert damaged(mirror.run("verify", mirror.folder, "--json")) == [("metadata", "tuf-timestamp-rollback")]
    assert mirror.run("export", mirror.folder, "-o", tmp_path / "media").reason == "tuf-timestamp-rollback"


def test_prune_leaves_what_metadata_leads_to(upstream, mirror):
    rotate(upstream)
    synced(mirror, url(upstream))
    upstream.remove_package(ONE, "patch-0.rpm")
    upstream.add_package(ONE, "new.rpm")
    upstream.publish(ONE)
    synced(mirror, url(upstream))
    (mirror.folder / "targets/stray").mkdir()
    (mirror.folder / "targets/stray/file").write_text("x")
    (mirror.folder / "metadata/.link.12345678").write_text("x")
    (mirror.folder / "targets/link").symlink_to("/etc")
    result = mirror.run("prune", mirror.folder, "--json")
    assert result.status == 0 and result.json["files"] > 4, result.stderr
    check_whole(mirror, upstream)
    assert mirror.run("verify", mirror.folder).status == 0
    assert mirror.run("prune", mirror.folder, "--json").json == {"files": 0, "bytes": 0}
    assert not synced(mirror, url(upstream))["changed"]


def test_prune_of_kernels_no_longer_mirrored(upstream, mirror):
    synced(mirror, url(upstream))
    synced(mirror, url(upstream), "--kernel", ONE)
    assert mirror.run("prune", mirror.folder).status == 0
    check_whole(mirror, upstream, f"metadata/2.{OTHER}", f"targets/{OTHER}")


def test_prune_keeps_packages_of_rpm_md_that_is_behind(upstream, mirror):
    synced(mirror, url(upstream))
    old = find(mirror, f"targets/{ONE}/*patch-0.rpm")
    upstream.remove_package(ONE, "patch-0.rpm")
    upstream.bump(ONE)
    assert mirror.sync(url(upstream)).reason == "mirror-rpm-md-package"
    assert mirror.run("prune", mirror.folder).status == 0 and old.exists()


def test_prune_waits_for_a_sync_that_was_cut_short(upstream, mirror):
    synced(mirror, url(upstream))
    upstream.add_package(ONE, "new.rpm")
    upstream.publish(ONE)
    path = pathlib.Path(upstream.target_file(f"{ONE}/new.rpm", ONE))
    path.rename(path.parent / "away")
    assert mirror.sync(url(upstream)).status != 0
    assert mirror.run("prune", mirror.folder).reason == "mirror-incomplete"


def test_state_says_what_is_there(upstream, mirror):
    assert json.loads(mirror.run("state", mirror.folder).stdout)["timestamp"] == 0
    synced(mirror, url(upstream), "--kernel", ONE)
    state = json.loads(mirror.run("state", mirror.folder).stdout)
    repomd = hashlib.sha256((mirror.folder / f"targets/{ONE}/repodata/repomd.xml").read_bytes()).hexdigest()
    assert state == {"format": 1, "root": 1, "timestamp": 2, "snapshot": 2, "targets": 2,
                     "roles": {ONE: {"version": 2, "repomd": repomd}}}
