# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture fetch: from a repository of an independent writer into the store of a host below a folder."""
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import bundle  # noqa: E402
import evil  # noqa: E402
from lib.httpd import EvilServer, Nginx  # noqa: E402
from lib.pipeline import BIN, Host, Web  # noqa: E402
from lib.tufrepo import Repo, expiry  # noqa: E402
from testkeys import run  # noqa: E402

KERNEL = bundle.default_kernel()
MEMBERS = ("name", "version", "release", "severity", "advisory", "issued", "vulnerabilities", "kernel", "provider",
           "consistency", "stack")


class Bundle:
    """A good package and what TUF should say of it."""

    def __init__(self, shop, folder, **changes):
        recipe = shop.recipe({"name": "meminfo", "version": "1", "release": "1", **changes})
        self.id = f"{recipe.name}-{recipe.version}-{recipe.release}"
        self.data = bundle.make(shop.keys, recipe, folder / f"{self.id}.rpm").read_bytes()
        shop.keys.stop_agent()
        manifest = bundle.manifest_of(recipe)
        self.manifest_sha256 = hashlib.sha256((json.dumps(manifest, indent=2) + "\n").encode()).hexdigest()
        self.suture = {"format": 1, "manifest_sha256": self.manifest_sha256, **{m: manifest[m] for m in MEMBERS}}
        self.suture["kernel"] = {key: manifest["kernel"][key] for key in ("release", "arch", "build_id")}
        self.target = f"{KERNEL['release']}/{self.id}.rpm"

    def add_to(self, repo, data=None, target=None, **suture):
        """As a target of the repository; `data` is served instead of the file that metadata names."""
        repo.add_target(target or self.target, self.data, {"suture": {**self.suture, **suture}})
        if data is not None:
            repo.put_target_file(target or self.target, data)


@pytest.fixture(scope="session")
def shop():
    return evil.workshop()


@pytest.fixture(scope="session")
def good(shop, tmp_path_factory):
    return Bundle(shop, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def newer(shop, tmp_path_factory):
    return Bundle(shop, tmp_path_factory.mktemp("newer"), version="2")


@pytest.fixture(scope="session")
def other(shop, tmp_path_factory):
    return Bundle(shop, tmp_path_factory.mktemp("other"), name="other")


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "repo")


@pytest.fixture
def server(repo):
    with EvilServer(repo.folder) as running:
        yield running


@pytest.fixture
def host(tmp_path, shop, repo, server):
    """A host that trusts the vendor and the repository's first root."""
    made = Host(tmp_path / "host", shop.trust, server.url, release=KERNEL["release"], build_id=KERNEL["build_id"])
    (trust_of(made) / "root.json").write_bytes(repo.read("root"))
    return made


def trust_of(host):
    return host.root / "etc/suture/trust"


def partials(host):
    folder = host.state / "partial"
    return sorted(folder.iterdir()) if folder.exists() else []


def outcomes(result):
    return {entry["id"]: entry["outcome"] for entry in result.json["bundles"]}


def events(host, *names):
    """(event, bundle, reason) of the ledger's records with these events."""
    return [(r["event"], r["bundle"], r["reason"]) for r in host.ledger() if not names or r["event"] in names]


def refuses(host, reason, status, *arguments, keep=("metadata",)):
    """Whether fetch fails so, leaving no partial file and the store as it was."""
    before = host.tree(*keep, "partial")
    result = host.fetch(*arguments)
    assert host.tree(*keep, "partial") == before
    assert partials(host) == []
    assert result.stderr.count("\n") == 1
    return (result.reason, result.status) == (reason, status)


# What goes well


def test_fetch_verifies_and_stores(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    result = host.fetch("--json")
    assert result.status == 0, result.stderr
    assert outcomes(result) == {"meminfo-1-1": "fetched"}
    assert result.json["metadata"] == {"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2}
    assert result.json["requests"] == len(server.requests) == 5
    stored = host.state / "bundles" / KERNEL["release"] / "meminfo-1-1"
    assert sorted(os.listdir(stored)) == ["manifest.json", "manifest.json.p7s", "meminfo.ko"]
    assert hashlib.sha256((stored / "manifest.json").read_bytes()).hexdigest() == good.manifest_sha256
    receipt = json.loads((host.state / "receipts" / f"{good.manifest_sha256}.json").read_bytes())
    assert receipt["origin"] == "tuf"
    assert receipt["package_sha256"] == hashlib.sha256(good.data).hexdigest()
    assert json.dumps(receipt).count('"tuf') >= 4
    assert partials(host) == []


def test_fetch_records_what_it_did(host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    assert events(host) == [("verify", "", "ok"), ("verify", "meminfo-1-1", "ok"), ("accept", "meminfo-1-1", "ok")]
    record = host.ledger()[-1]
    assert record["manifest_sha256"] == good.manifest_sha256
    assert record["package_sha256"] == hashlib.sha256(good.data).hexdigest()


def test_fetch_again_downloads_nothing(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    before = host.tree()
    server.requests.clear()
    result = host.fetch("--json")
    assert outcomes(result) == {"meminfo-1-1": "present"}
    assert server.paths() == ["/metadata/2.root.json", "/metadata/timestamp.json"]
    assert host.tree() == before


@pytest.mark.parametrize("file", ["meminfo.ko", "manifest.json", "manifest.json.p7s"])
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), Path.unlink],
                         ids=["changed", "gone"])
def test_fetch_repairs_what_was_damaged(host, repo, good, file, damage):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    before = host.tree("receipts")
    damage(host.state / "bundles" / KERNEL["release"] / good.id / file)
    assert host.tree("receipts") != before
    result = host.fetch("--json")
    assert (result.status, outcomes(result)) == (0, {good.id: "fetched"}), result.stderr
    assert host.tree("receipts") == before
    assert outcomes(host.fetch("--json")) == {good.id: "present"}


def test_fetch_over_tls_from_nginx(tmp_path, host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    with Web(repo.folder, tmp_path / "web") as web:
        host.configure(web.url, web.ca)
        result = host.fetch()
        assert result.status == 0, result.stderr
        host.configure(web.url)
        assert refuses(host, "fetch-tls", 7)


def test_fetch_counts_bytes_on_the_wire(tmp_path, host, repo):
    for i in range(500):
        repo.signed["targets"]["targets"][f"other/{i}"] = {"length": i, "hashes": {"sha256": f"{i:064x}"}}
    repo.bump("targets")
    plain = host.copy(tmp_path / "plain").fetch("--json").json["bytes"]
    more = "gzip on; gzip_min_length 1; default_type application/json; gzip_types application/json;"
    with Nginx(repo.folder, tmp_path / "nginx", more=more) as nginx:
        result = host.fetch("--url", nginx.url, "--json")
    assert (host.state / "metadata/targets.json").read_bytes() == repo.read("targets")
    assert len(repo.read("targets")) < plain and result.json["bytes"] < plain / 4


def test_fetch_shows_a_client_certificate(tmp_path, host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    with Web(repo.folder, tmp_path / "web") as web:
        files = tmp_path / "web"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=host", "-CA", web.ca, "-CAkey", files / "ca.key", "-keyout", host.root / "etc/suture/host.key", "-out",
            host.root / "etc/suture/host.pem")
        with Nginx(repo.folder, tmp_path / "nginx", files / "server.pem", files / "server.key", web.ca) as nginx:
            host.configure(nginx.url, web.ca)
            assert refuses(host, "fetch-http-status", 7)
            config = host.root / "etc/suture/suture.conf"
            config.write_text(config.read_text() + "client-certificate=/etc/suture/host.pem\n"
                              "client-key=/etc/suture/host.key\n")
            result = host.fetch()
            assert result.status == 0, result.stderr


def test_fetch_from_a_file_url_of_the_command_line(host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch("--url", f"file://{repo.folder}").status == 0
    assert host.bundles() == ["meminfo-1-1"]


def test_bundle_of_the_package_manager_is_fetched_too(host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    installed = host.root / "usr/lib/suture"
    shutil.copytree(host.state / "bundles", installed)
    shutil.rmtree(host.state / "bundles")
    shutil.rmtree(host.state / "receipts")
    assert outcomes(host.fetch("--json")) == {"meminfo-1-1": "fetched"}


def test_dry_run_downloads_nothing(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    assert outcomes(host.fetch("--dry-run", "--json")) == {"meminfo-1-1": "wanted"}
    assert not [path for path in server.paths() if path.startswith("/targets")]
    assert host.bundles() == []


def test_name_chooses(host, repo, good, other):
    good.add_to(repo)
    other.add_to(repo)
    repo.bump("targets")
    assert outcomes(host.fetch("--name", "oth*", "--json")) == {"other-1-1": "fetched"}
    assert host.bundles() == ["other-1-1"]


def test_older_version_is_superseded(host, repo, good, newer):
    good.add_to(repo)
    newer.add_to(repo)
    repo.bump("targets")
    assert outcomes(host.fetch("--json")) == {"meminfo-1-1": "superseded", "meminfo-2-1": "fetched"}


def test_other_targets_are_left_alone(host, repo, good, server):
    repo.add_target("keyring/rpm-keyring.asc", b"x")
    repo.add_target(f"{KERNEL['release']}/readme", b"x", {"note": "not a bundle"})
    repo.add_target(f"{KERNEL['release']}/plain.rpm", b"x")
    good.add_to(repo, target="6.1.0-999-amd64/meminfo.rpm")
    repo.bump("targets")
    result = host.fetch()
    assert (result.status, result.stdout) == (0, f"the repository has no bundle for {KERNEL['release']}\n")
    assert not [path for path in server.paths() if path.startswith("/targets")]


# Policy and kernel


def test_policy_holds_by_its_rule(host, repo, good, other, server):
    good.add_to(repo)
    other.add_to(repo)
    repo.bump("targets")
    folder = host.root / "etc/suture/policy.d"
    folder.mkdir(parents=True)
    (folder / "10-deny.conf").write_text("[policy]\ndeny=mem*\n")
    result = host.fetch("--json")
    assert result.status == 0, result.stderr
    assert outcomes(result) == {"meminfo-1-1": "held", "other-1-1": "fetched"}
    assert ("policy", "meminfo-1-1", "deny") in events(host)
    assert not [path for path in server.paths() if "meminfo" in path]


def test_other_build_of_the_release_is_a_mismatch(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    host.build_id = evil.OTHER_BUILD_ID
    assert refuses(host, "kernel-build-id", 5)
    assert ("refuse", "meminfo-1-1", "kernel-build-id") in events(host)
    assert not [path for path in server.paths() if path.startswith("/targets")]


def test_other_build_beside_the_right_one_is_reported(host, repo, good, other):
    good.add_to(repo)
    other.add_to(repo, kernel={**good.suture["kernel"], "build_id": evil.OTHER_BUILD_ID})
    repo.bump("targets")
    result = host.fetch("--json")
    assert result.status == 0, result.stderr
    assert outcomes(result) == {"meminfo-1-1": "fetched", "other-1-1": "mismatch"}


def test_release_alone_is_no_kernel(host):
    assert host.suture("fetch", "--kernel-release", "6.1.0").status == 2


# Refusals


def test_refused_bundle_leaves_nothing_and_does_not_stop_the_others(host, repo, shop, other):
    data = shop.package("unsigned").read_bytes()
    custom = shop.target("unsigned")
    custom["suture"]["name"] = "evil"  # never looked at: the signature comes first
    repo.add_target(f"{KERNEL['release']}/evil.rpm", data, custom)
    other.add_to(repo)
    repo.bump("targets")
    result = host.fetch("--json")
    assert (result.reason, result.status) == ("rpm-unsigned", 4)
    assert sorted(outcomes(result).values()) == ["fetched", "refused"]
    assert host.bundles() == ["other-1-1"]
    assert partials(host) == []
    assert [(bundle[:5], reason) for _, bundle, reason in events(host, "refuse")] == [("evil-", "rpm-unsigned")]
    assert len(list((host.state / "receipts").iterdir())) == 1


def test_first_refusal_gives_the_exit_code(host, repo, good, other):
    good.add_to(repo, good.data[:-1])
    other.add_to(repo, bytes(len(other.data)))
    repo.bump("targets")
    assert refuses(host, "tuf-target-length", 4)
    assert [reason for _, _, reason in events(host, "refuse")] == ["tuf-target-length", "tuf-target-hash"]


@pytest.mark.parametrize("damage, reason", [
    (lambda data: data[:-1], "tuf-target-length"),
    (lambda data: data + b"\0", "tuf-target-length"),
    (lambda data: bytes([data[0] ^ 1]) + data[1:], "tuf-target-hash"),
    (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "tuf-target-hash"),
])
def test_other_bytes_than_listed_are_refused(host, repo, good, damage, reason):
    good.add_to(repo, damage(good.data))
    repo.bump("targets")
    assert refuses(host, reason, 4)
    good.add_to(repo)
    assert host.fetch().status == 0


@pytest.mark.parametrize("member, value", [
    ("severity", "low"), ("version", "3"), ("vulnerabilities", []), ("manifest_sha256", "0" * 64),
    ("stack", {"requires": [], "supersedes": [], "conflicts": ["proc"], "cumulative": False}),
])
def test_target_data_that_disagrees_with_the_bundle_is_refused(host, repo, good, member, value):
    good.add_to(repo, **{member: value})
    repo.bump("targets")
    assert refuses(host, "disagree", 4)


@pytest.mark.parametrize("custom", [
    {"suture": {"format": 2}}, {"suture": []}, {"suture": {"format": 1, "name": "x"}},
])
def test_malformed_target_data_is_refused(host, repo, good, custom):
    repo.add_target(good.target, good.data, custom)
    repo.bump("targets")
    assert refuses(host, "tuf-target-custom", 4)


def test_bundle_of_another_kernel_in_this_kernels_folder_is_refused(host, repo, good):
    good.add_to(repo, kernel={**good.suture["kernel"], "release": "6.1.0-999-amd64"})
    repo.bump("targets")
    assert refuses(host, "tuf-target-custom", 4)


@pytest.mark.parametrize("file", ["sub/folder.rpm", ".hidden.rpm", "../up.rpm", "no-package"])
def test_bundle_at_an_odd_path_is_refused(host, repo, good, file):
    digest = hashlib.sha256(good.data).hexdigest()
    repo.signed["targets"]["targets"][f"{KERNEL['release']}/{file}"] = {
        "length": len(good.data), "hashes": {"sha256": digest}, "custom": {"suture": good.suture}}
    repo.bump("targets")
    assert refuses(host, "tuf-target-custom", 4)


@pytest.mark.parametrize("sha256", ["abcd", "ab" * 33])
def test_digest_of_another_length_is_refused_and_recorded(host, repo, good, sha256):
    good.add_to(repo)
    repo.signed["targets"]["targets"][good.target]["hashes"]["sha256"] = sha256
    repo.bump("targets")
    assert refuses(host, "tuf-target-length", 4)
    assert events(host, "refuse") == [("refuse", good.id, "tuf-target-length")]


def test_names_of_a_hostile_server_do_not_reach_the_terminal_raw(host, repo):
    envelope = repo.envelope("timestamp")
    envelope["signatures"] = [{"keyid": "\x1b]0;owned\x07\u009b2J\u202e\n", "sig": "00"}] * 2
    repo.write_file("timestamp.json", envelope)
    result = host.fetch()
    assert result.reason == "tuf-duplicate-keyid"
    assert "owned" in result.stderr and result.stderr.removesuffix("\n").isprintable()


def test_expired_metadata_is_refused_and_recorded(host, repo, good):
    good.add_to(repo)
    repo.signed["timestamp"]["expires"] = expiry(-1)
    repo.bump("targets")
    assert refuses(host, "tuf-timestamp-expired", 4)
    assert events(host) == [("refuse", "", "tuf-timestamp-expired")]
    assert [path.name for path in (host.state / "metadata").iterdir()] == ["root.json"]


def test_first_root_must_be_given(host):
    (trust_of(host) / "root.json").unlink()
    result = host.fetch()
    assert (result.reason, result.status) == ("tuf-not-initialised", 3)
    assert not (host.state / "metadata").exists()


def test_trust_anchor_missing_is_named(host):
    (trust_of(host) / "rpm-keyring.asc").unlink()
    result = host.fetch()
    assert (result.reason, result.status) == ("config", 3)
    assert "rpm-keyring.asc" in result.stderr


# Downloads that break off


def path_of(repo, good):
    return "/" + os.path.relpath(repo.target_file(good.target), repo.folder)


@pytest.fixture
def broken(host, repo, good, server):
    """A host whose download broke off in the middle."""
    good.add_to(repo)
    repo.bump("targets")
    server.behave[path_of(repo, good)] = server.truncated(good.data, len(good.data) // 2)
    result = host.fetch()
    assert (result.reason, result.status) == ("fetch-truncated", 7)
    (kept,) = partials(host)
    assert kept.name == hashlib.sha256(good.data).hexdigest()
    assert good.data.startswith(kept.read_bytes()) and kept.stat().st_size > 0
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700
    assert host.bundles() == []
    server.requests.clear()
    del server.behave[path_of(repo, good)]
    return host


def goes_on(host):
    result = host.fetch()
    assert result.status == 0, result.stderr
    assert host.bundles() == ["meminfo-1-1"]
    assert partials(host) == []
    return True


def test_download_is_continued(tmp_path, broken, repo, good):
    size = partials(broken)[0].stat().st_size
    with Nginx(repo.folder, tmp_path / "nginx") as nginx:
        broken.configure(nginx.url)
        assert goes_on(broken)
        assert f"GET {path_of(repo, good)} 206" in nginx.requests()
    assert 0 < size < len(good.data)


def test_download_starts_afresh_when_the_server_ignores_range(broken, server, repo, good):
    assert goes_on(broken)
    (headers,) = [headers for path, headers in server.requests if path == path_of(repo, good)]
    assert headers["Range"].startswith("bytes=")


@pytest.mark.parametrize("content_range", [
    "bytes 0-9/10", "bytes 1-2/3", "chunks 5-", "bytes */5", "bytes 99999999999999999999-1/2", "",
])
def test_download_starts_afresh_after_a_wrong_range(broken, server, repo, good, content_range):
    def behave(handler):
        if "Range" in handler.headers:
            server.sends(b"x" * 10, status=206, Content_Range=content_range)(handler)
        else:
            server.sends(good.data)(handler)

    server.behave[path_of(repo, good)] = behave
    assert goes_on(broken)


def test_download_starts_afresh_after_416(broken, server, repo, good):
    def behave(handler):
        server.sends(b"" if "Range" in handler.headers else good.data,
                     status=416 if "Range" in handler.headers else 200)(handler)

    server.behave[path_of(repo, good)] = behave
    assert goes_on(broken)


def test_download_with_a_spoiled_start_is_done_again(tmp_path, broken, repo):
    kept = partials(broken)[0]
    kept.write_bytes(bytes(kept.stat().st_size))
    with Nginx(repo.folder, tmp_path / "nginx") as nginx:
        broken.configure(nginx.url)
        assert goes_on(broken)


def test_download_that_was_whole_but_spoiled_is_done_again(broken, good):
    partials(broken)[0].write_bytes(bytes(len(good.data)))
    assert goes_on(broken)


def test_download_longer_than_listed_is_done_again(broken, good):
    partials(broken)[0].write_bytes(good.data + b"more")
    assert goes_on(broken)


def test_continued_download_of_wrong_bytes_is_refused(tmp_path, broken, repo, good):
    repo.put_target_file(good.target, bytes(len(good.data)))
    with Nginx(repo.folder, tmp_path / "nginx") as nginx:
        broken.configure(nginx.url)
        assert refuses(broken, "tuf-target-hash", 4)


def test_partial_that_others_can_reach_is_not_continued(broken, server, repo, good):
    kept = partials(broken)[0]
    os.link(kept, broken.root / "elsewhere")
    assert goes_on(broken)
    (headers,) = [headers for path, headers in server.requests if path == path_of(repo, good)]
    assert "Range" not in headers
    assert (broken.root / "elsewhere").stat().st_size < len(good.data)


def test_partial_that_is_a_symlink_is_refused(broken, good):
    kept = partials(broken)[0]
    kept.unlink()
    kept.symlink_to(broken.root / "elsewhere")
    result = broken.fetch()
    assert (result.reason, result.status) == ("unsafe-path", 3)
    assert not (broken.root / "elsewhere").exists()


def test_partials_that_nobody_wants_are_swept(broken, repo):
    (broken.state / "partial" / ("0" * 64)).write_bytes(b"old")
    assert goes_on(broken)


def test_endless_target_is_refused(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    server.behave[path_of(repo, good)] = server.endless
    assert refuses(host, "fetch-endless", 7)


def test_slow_target_is_given_up(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    config = host.root / "etc/suture/suture.conf"
    config.write_text(config.read_text() + "[fetch]\nstall-seconds=2\n")
    server.behave[path_of(repo, good)] = server.stalled
    result = host.fetch()
    assert (result.reason, result.status) == ("fetch-stalled", 7)
    assert host.bundles() == []


def test_interrupt_leaves_only_what_can_be_continued(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")

    def halfway(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(good.data)))
        handler.end_headers()
        handler.wfile.write(good.data[:1000])
        handler.wfile.flush()
        server.stopping.wait(30)

    server.behave[path_of(repo, good)] = halfway
    command = [BIN / "suture", "--root", host.root, "fetch", *host.identity]
    running = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not (partials(host) and partials(host)[0].stat().st_size == 1000):
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)
    assert (running.returncode, said.strip().endswith("[cancelled]")) == (1, True)
    assert host.bundles() == [] and len(partials(host)) == 1
    del server.behave[path_of(repo, good)]
    assert goes_on(host)


def test_two_fetches_take_turns(host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    lock = host.root / "run/suture/fetch.lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [BIN / "suture", "--root", host.root, "fetch", *host.identity]
        running = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
        time.sleep(1)
        assert running.poll() is None
    assert running.wait(30) == 0
    assert host.bundles() == ["meminfo-1-1"]


# Configuration


@pytest.mark.parametrize("text, word", [
    ("[repository]\nurl=http://x\nca-fiel=/x\n", "ca-fiel"),
    ("[repository]\nurl=http://x\n[fetch]\nstall-seconds=soon\n", "stall-seconds"),
    ("[repository]\nurl=http://x\n[fetch]\nconnect-seconds=0\n", "connect-seconds"),
    ("[repository]\n", "url"),
    ("no group\n", "suture.conf"),
])
def test_configuration_errors_are_named(host, text, word):
    (host.root / "etc/suture/suture.conf").write_text(text)
    result = host.fetch()
    assert result.status == 3
    assert word in result.stderr and result.stderr.count("\n") == 1


# What is remembered of the repository


def configure_policy(host, **keys):
    config = host.root / "etc/suture/policy.d"
    config.mkdir(exist_ok=True)
    (config / "test.conf").write_text("[policy]\n" + "".join(f"{k.replace('_', '-')}={v}\n" for k, v in keys.items()))


def refresh_state(host):
    return json.loads((host.state / "refresh.json").read_text())


def roles_of(state):
    return {role["name"]: role for role in state["roles"]}


def add_kernel_role(repo, *bundles):
    """A role for the kernel, as a vendor has them, which lists the bundles."""
    repo.delegate("targets", KERNEL["release"], paths=[f"{KERNEL['release']}/*"], terminating=True)
    for each in bundles:
        repo.add_target(each.target, each.data, {"suture": each.suture}, role=KERNEL["release"])
    repo.publish()


def test_fetch_finds_bundles_in_the_kernel_role(host, repo, good, server):
    add_kernel_role(repo, good)
    repo.delegate("targets", "6.6.6-other", paths=["6.6.6-other/*"], terminating=True)
    repo.publish()
    result = host.fetch("--json")
    assert (result.status, outcomes(result)) == (0, {good.id: "fetched"}), result.stderr
    assert [path for path in server.paths() if "6.6.6-other" in path] == []
    assert list(roles_of(refresh_state(host))) == ["root", "timestamp", "snapshot", "targets", KERNEL["release"]]
    server.requests.clear()
    assert outcomes(host.fetch("--json")) == {good.id: "present"}
    assert server.paths() == ["/metadata/2.root.json", "/metadata/timestamp.json"]


def test_fetch_records_the_refusal_of_the_kernel_role(host, repo, good):
    add_kernel_role(repo, good)
    repo.signers[KERNEL["release"]] = []
    repo.publish()
    assert refuses(host, "tuf-delegated-signature", 4)
    assert events(host) == [("refuse", "", "tuf-delegated-signature")]
    assert refresh_state(host)["reason"] == "tuf-delegated-signature"


def test_refresh_state_has_what_was_trusted(host, repo, good, server):
    good.add_to(repo)
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
    repo.bump("targets")
    issued = repo.signed["timestamp"]["x-suture-issued"]
    assert host.fetch().status == 0
    state = refresh_state(host)
    assert (state["url"], state["failed"], state["reason"], state["message"]) == (server.url, "", "", "")
    assert state["refreshed"] >= issued
    assert roles_of(state)["timestamp"] == {"name": "timestamp", "version": 2, "expires": expiry(7)[:10] + issued[10:],
                                            "since": issued, "stale": False}
    first = roles_of(state)["snapshot"]["since"]
    assert host.fetch(faketime="+1d").status == 0
    state = refresh_state(host)
    assert roles_of(state)["snapshot"]["since"] == first
    assert state["refreshed"] > first


def test_refresh_state_keeps_what_was_known_when_a_refresh_fails(host, repo, good, server):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    before = refresh_state(host)
    server.behave["/metadata/timestamp.json"] = server.sends(b"", status=503)
    assert host.fetch().status == 7
    after = refresh_state(host)
    assert (after["roles"], after["refreshed"]) == (before["roles"], before["refreshed"])
    assert after["reason"] == "fetch-http-status" and "503" in after["message"]
    assert after["failed"] >= before["refreshed"]
    server.behave.clear()
    assert host.fetch().status == 0
    assert refresh_state(host)["failed"] == ""


def test_refresh_state_has_no_password(host, repo, good, server):
    assert host.fetch("--url", server.url.replace("http://", "http://me:secret@")).status == 0
    assert "secret" not in (host.state / "refresh.json").read_text()


def test_stale_metadata_needs_policy_and_is_told(host, repo, good):
    good.add_to(repo)
    repo.bump("targets")
    assert host.fetch().status == 0
    repo.signed["timestamp"]["expires"] = expiry(-3)
    repo.bump("timestamp")
    assert refuses(host, "tuf-timestamp-expired", 4)
    assert refresh_state(host)["reason"] == "tuf-timestamp-expired"
    configure_policy(host, max_stale=2)
    assert refuses(host, "tuf-timestamp-expired", 4)
    configure_policy(host, max_stale=4)
    result = host.fetch()
    assert result.status == 0
    assert result.stdout.splitlines()[0].startswith("stale      timestamp metadata ended at ")
    assert host.fetch("--json").json["stale"] == ["timestamp"]
    state = refresh_state(host)
    assert [role["name"] for role in state["roles"] if role["stale"]] == ["timestamp"]
    told = [r["detail"] for r in host.ledger() if r["event"] == "verify" and "max-stale" in r["detail"]]
    assert len(told) == 2 and "timestamp used after its end at" in told[0]


def test_fetch_on_a_host_with_a_dead_clock(host, repo, good):
    """The bundle's own signatures are judged by the same time, or they would all be of the future."""
    good.add_to(repo)
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
    repo.bump("targets")
    result = host.fetch("--json", faketime="-90d")
    assert result.status == 0, result.stderr
    assert outcomes(result) == {good.id: "fetched"}
    assert refresh_state(host)["refreshed"] > "2026"


def status(host, *arguments, **options):
    return host.suture("status", *arguments, **options)


def test_status_shows_the_repository_and_warns_early(host, repo, good, server):
    good.add_to(repo)
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(6)})
    repo.bump("targets")
    assert status(host, "--json").json["repository"] is None
    assert host.fetch().status == 0
    result = status(host, "--json")
    assert result.status == 0, result.stderr
    known = result.json["repository"]
    assert known["url"] == server.url and known["failed"] is None
    assert {role["name"]: role["state"] for role in known["roles"]} == dict.fromkeys(
        ("root", "timestamp", "snapshot", "targets"), "current")
    text = status(host).stdout
    assert f"repository   {server.url}, refreshed 2" in text and "\nmetadata     timestamp 2 until 2" in text
    # A third of six days is two; seven days are warn-days, for what lives longer.
    assert status(host, faketime="+3d").status == 0
    result = status(host, faketime="+5d")
    assert (result.status, result.reason) == (13, "tuf-metadata-expiring")
    assert "metadata     timestamp 2 ends soon: 2" in result.stdout
    result = status(host, faketime="+7d")
    assert (result.status, result.reason) == (7, "tuf-metadata-ended")
    assert "metadata     timestamp 2 ended at 2" in result.stdout


def test_status_goes_by_warn_days(host, repo, good):
    repo.bump("targets")
    assert host.fetch().status == 0
    assert status(host, faketime="+15d").status == 0
    configure_policy(host, warn_days=20)
    result = status(host, faketime="+15d", environment={})
    assert (result.status, result.reason) == (13, "tuf-metadata-expiring")
    configure_policy(host, warn_days=0)
    assert status(host, faketime="+29d").status == 0


def test_status_shows_what_is_stale_and_what_failed(host, repo, good):
    configure_policy(host, max_stale=4)
    repo.signed["timestamp"]["expires"] = expiry(-3)
    repo.bump("timestamp")
    assert host.fetch().status == 0
    result = status(host)
    assert (result.status, result.reason) == (13, "tuf-metadata-expiring")
    assert "metadata     timestamp 2 used as max-stale lets, since it ended at" in result.stdout
    configure_policy(host, max_stale=1)
    assert host.fetch().status == 4
    result = status(host)
    assert (result.status, result.reason) == (7, "tuf-metadata-ended")
    assert "\nnot fetched  at 2" in result.stdout and "[tuf-timestamp-expired]" in result.stdout


def test_status_is_not_fooled_by_a_dead_clock(host, repo, good):
    repo.signed["timestamp"].update({"x-suture-issued": expiry(-5), "expires": expiry(1)})
    repo.bump("targets")
    assert host.fetch().status == 0
    clock = host.state / "metadata/clock.state"
    content = json.loads(clock.read_text()) | {"floor": expiry(2)}
    clock.write_text(json.dumps(content))
    result = status(host, faketime="@1970-01-02 00:00:00")
    assert (result.status, result.reason) == (7, "tuf-metadata-ended")


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b'{"format": 7}'])
def test_status_names_a_refresh_state_that_it_cannot_read(host, repo, good, damage):
    assert host.fetch().status == 0
    (host.state / "refresh.json").write_bytes(damage)
    result = status(host, "--json")
    assert result.status == 3 and "refresh.json" in result.stderr
    assert result.json["repository"] is None
    assert host.fetch().status == 0 and status(host).status == 0
