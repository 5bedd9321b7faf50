# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture subscribe, and fetching with an entitlement from the server whose configuration we ship."""
import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import evil  # noqa: E402
from lib.entitle import Root, Server, run  # noqa: E402
from lib.pipeline import BIN, Host  # noqa: E402
from lib.tufrepo import Repo, expiry  # noqa: E402
from mirror_fixture import Upstream, initial_root, suture  # noqa: E402
from test_fetch import KERNEL, Bundle, outcomes  # noqa: E402

INSTALLED = "etc/suture/entitlement.pem"


@pytest.fixture(scope="module")
def shop():
    return evil.workshop()


@pytest.fixture(scope="module")
def good(shop, tmp_path_factory):
    return Bundle(shop, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    """A root, and entitlements of every kind: name.pem."""
    folder = tmp_path_factory.mktemp("vendor")
    root = Root(folder / "root")
    root.issue(folder / "stable.pem", "ACME Ltd", ["stable"], 300)
    root.issue(folder / "both.pem", "ACME Ltd", ["beta", "stable"], 300)
    root.issue(folder / "short.pem", "ACME Ltd", ["stable"], 9)
    root.issue(folder / "expired.pem", "ACME Ltd", ["stable"], faketime="-60d")
    root.issue(folder / "early.pem", "ACME Ltd", ["stable"], faketime="+60d")
    root.entitle("revoke", root.issue(folder / "revoked.pem")["serial"], "--reason", "superseded")
    Root(folder / "strange").issue(folder / "strange.pem")
    root.scratch = folder
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory, vendor):
    folder = tmp_path_factory.mktemp("server")
    (folder / "channels").mkdir()
    with Server(folder / "nginx", folder / "channels") as running:
        running.channels = folder / "channels"
        running.install(vendor)
        yield running


@pytest.fixture
def repo(tmp_path, good, server):
    made = Repo(tmp_path / "repo")
    good.add_to(made)
    made.bump("targets")
    link = server.channels / "stable"
    link.unlink(missing_ok=True)
    link.symlink_to(made.folder)
    return made


@pytest.fixture
def host(tmp_path, shop, repo, server):
    made = Host(tmp_path / "host", shop.trust, f"{server.url}/stable", server.ca, KERNEL["release"], KERNEL["build_id"])
    (made.root / "etc/suture/trust/root.json").write_bytes(repo.read("root"))
    return made


def files_of(root):
    return {str(path.relative_to(root)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes())
            for path in sorted(root.rglob("*")) if path.is_file()}


def test_subscribe_and_fetch(host, vendor):
    result = host.fetch()
    assert (result.reason, result.status) == ("fetch-http-status", 7)
    old = os.umask(0)
    try:
        said = host.suture("subscribe", vendor.scratch / "stable.pem", "--ca", vendor.folder / "ca.pem", "--json")
    finally:
        os.umask(old)
    assert said.status == 0, said.stderr
    assert said.json["customer"] == "ACME Ltd" and said.json["channels"] == ["stable"] and said.json["changed"] is True
    assert said.json["days_left"] in (299, 300)
    path = host.root / INSTALLED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() == (vendor.scratch / "stable.pem").read_bytes()
    result = host.fetch("--json")
    assert result.status == 0, result.stderr
    assert result.stderr == "" and outcomes(result) == {"meminfo-1-1": "fetched"}


def test_subscribing_again_changes_nothing(host, vendor):
    assert host.suture("subscribe", vendor.scratch / "stable.pem").status == 0
    before = files_of(host.root)
    again = host.suture("subscribe", vendor.scratch / "stable.pem", "--json")
    assert again.json["changed"] is False and files_of(host.root) == before
    (host.root / INSTALLED).chmod(0o644)
    assert host.suture("subscribe", vendor.scratch / "stable.pem", "--json").json["changed"] is True
    assert stat.S_IMODE((host.root / INSTALLED).stat().st_mode) == 0o600
    assert host.suture("subscribe", vendor.scratch / "both.pem", "--json").json["changed"] is True


def test_a_url_goes_into_the_configuration_and_leaves_the_rest(host, vendor, server):
    config = host.root / "etc/suture/suture.conf"
    config.write_text(f"# mine\n[repository]\n# where\nurl=https://old.example/x\nca-file=/etc/suture/web-ca.pem\n\n[apply]\n"
                      "transition-timeout=7\n")
    config.chmod(0o640)
    assert host.suture("subscribe", vendor.scratch / "both.pem", "--url", server.url).reason == "usage"
    assert host.suture("subscribe", vendor.scratch / "both.pem", "--url", server.url, "--channel", "other").reason == "usage"
    assert host.suture("subscribe", vendor.scratch / "both.pem", "--url", server.url.replace("https", "http")).reason == "usage"
    assert not (host.root / INSTALLED).exists()
    result = host.suture("subscribe", vendor.scratch / "both.pem", "--url", f"{server.url}/", "--channel", "stable", "--json")
    assert result.json["url"] == f"{server.url}/stable"
    text = config.read_text()
    assert "# mine" in text and "# where" in text and "transition-timeout=7" in text and "old.example" not in text
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert outcomes(host.fetch("--json")) == {"meminfo-1-1": "fetched"}
    before = files_of(host.root / "etc")
    assert host.suture("subscribe", vendor.scratch / "both.pem", "--url", server.url, "-n", "stable", "--json").json["changed"] is False
    assert files_of(host.root / "etc") == before


def test_a_key_that_never_left_the_customer(host, vendor, tmp_path):
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=h", "-keyout",
        tmp_path / "own.key", "-out", tmp_path / "own.csr")
    vendor.entitle("issue", "--customer", "ACME", "--channel", "stable", "--days", 3, "--csr", tmp_path / "own.csr", "-o",
                   tmp_path / "a.pem")
    assert host.suture("subscribe", tmp_path / "a.pem").reason == "entitlement-key"
    assert host.suture("subscribe", tmp_path / "a.pem", "--key", tmp_path / "own.key").status == 0


def broken(vendor, folder, kind):
    """A file of each kind that subscribe must refuse."""
    pem = (vendor.scratch / "stable.pem").read_text()
    certificate, _, key = pem.partition("-----BEGIN PRIVATE KEY-----")
    key = "-----BEGIN PRIVATE KEY-----" + key
    other = (vendor.scratch / "both.pem").read_text().partition("-----BEGIN PRIVATE KEY-----")
    path = folder / "broken.pem"
    if kind == "encrypted key":
        path.write_text(key)
        key = run("openssl", "pkcs8", "-topk8", "-in", path, "-passout", "pass:x").stdout
    texts = {"key alone": key, "no key": certificate, "nothing": "", "noise": "\x00\xff", "two certificates": other[0] + pem,
             "two keys": pem + key, "key of another": certificate + other[1] + other[2], "encrypted key": certificate + key,
             "torn": pem[:-40], "a CA's": (vendor.folder / "ca.pem").read_text() + (vendor.folder / "private/ca.key").read_text(),
             "too large": pem + "x" * 70000, "a CRL": pem + "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"}
    path.write_text(texts[kind])
    return path


@pytest.mark.parametrize("kind, reason, status", [
    ("key alone", "entitlement-malformed", 3), ("no key", "entitlement-key", 3), ("nothing", "entitlement-malformed", 3),
    ("noise", "entitlement-malformed", 3), ("two certificates", "entitlement-malformed", 3), ("two keys", "entitlement-key", 3),
    ("key of another", "entitlement-key", 3), ("encrypted key", "entitlement-key", 3), ("torn", "entitlement-malformed", 3),
    ("a CA's", "entitlement-purpose", 3), ("too large", "too-large", 3), ("a CRL", "entitlement-malformed", 3),
])
def test_what_is_no_entitlement_is_not_installed(host, vendor, tmp_path, kind, reason, status):
    assert host.suture("subscribe", vendor.scratch / "both.pem").status == 0
    before = files_of(host.root)
    result = host.suture("subscribe", broken(vendor, tmp_path, kind))
    assert (result.reason, result.status) == (reason, status), result.stderr
    assert result.stderr.count("\n") == 1 and files_of(host.root) == before


@pytest.mark.parametrize("name, reason, status", [("expired", "entitlement-expired", 7), ("early", "entitlement-not-yet-valid", 7),
                                                  ("strange", "entitlement-issuer", 4)])
def test_an_entitlement_of_no_use_is_not_installed(host, vendor, name, reason, status):
    result = host.suture("subscribe", vendor.scratch / f"{name}.pem", "--ca", vendor.folder / "ca.pem")
    assert (result.reason, result.status) == (reason, status)
    assert not (host.root / INSTALLED).exists()


@pytest.mark.parametrize("name, reason", [("revoked", "fetch-http-status"), ("strange", "fetch-http-status")])
def test_the_server_refuses_it(host, vendor, name, reason):
    shutil.copy(vendor.scratch / f"{name}.pem", host.root / INSTALLED)
    before = host.tree("metadata", "partial")
    result = host.fetch()
    assert (result.reason, result.status) == (reason, 7), result.stderr
    assert host.tree("metadata", "partial") == before


def test_the_server_refuses_another_channel(host, vendor, server):
    assert host.suture("subscribe", vendor.scratch / "stable.pem").status == 0
    host.configure(f"{server.url}/beta", server.ca)
    result = host.fetch()
    assert (result.reason, result.status) == ("fetch-not-found", 7) and "403" in result.stderr


def test_an_expired_entitlement_stops_before_any_request_and_touches_nothing(host, vendor, server):
    assert host.suture("subscribe", vendor.scratch / "stable.pem").status == 0
    assert host.fetch().status == 0
    shutil.copy(vendor.scratch / "expired.pem", host.root / INSTALLED)
    before, asked = host.tree(), len(server.requests())
    result = host.fetch()
    assert (result.reason, result.status) == ("entitlement-expired", 7)
    assert "the entitlement of ACME Ltd ended on " in result.stderr and "what is applied stays" in result.stderr
    assert host.tree() == before and len(server.requests()) == asked
    result = host.suture("status")
    assert result.status == 7 and result.reason == "entitlement-expired"
    assert "entitlement  ACME Ltd to stable: expired, 0 days left\n" in result.stdout


def test_an_expired_entitlement_is_not_in_the_way_of_other_servers(host, vendor, repo):
    shutil.copy(vendor.scratch / "expired.pem", host.root / INSTALLED)
    (host.root / INSTALLED).chmod(0o600)
    assert outcomes(host.fetch("--url", f"file://{repo.folder}", "--json")) == {"meminfo-1-1": "fetched"}


def test_a_configured_certificate_wins(host, vendor):
    shutil.copy(vendor.scratch / "expired.pem", host.root / INSTALLED)
    shutil.copy(vendor.scratch / "stable.pem", host.root / "etc/suture/mine.pem")
    config = host.root / "etc/suture/suture.conf"
    config.write_text(config.read_text() + "client-certificate=/etc/suture/mine.pem\n")
    assert outcomes(host.fetch("--json")) == {"meminfo-1-1": "fetched"}


def test_a_clock_that_is_behind_opens_nothing(host, vendor, repo, server):
    """Repository metadata said what time it is: an entitlement that had ended by then has ended."""
    repo.signed["timestamp"].update({"x-suture-issued": expiry(0), "expires": expiry(7)})
    repo.bump("timestamp")
    host.suture("subscribe", vendor.scratch / "stable.pem")
    assert host.fetch().status == 0
    shutil.copy(vendor.scratch / "expired.pem", host.root / INSTALLED)
    asked = len(server.requests())
    assert host.fetch(faketime="-50d").reason == "entitlement-expired" and len(server.requests()) == asked
    shutil.rmtree(host.state / "metadata")
    assert status_of(host, "--json", faketime="-50d").json["entitlement"]["state"] == "expiring"


def test_a_configured_entitlement_that_has_ended_stops_too(host, vendor, server):
    shutil.copy(vendor.scratch / "expired.pem", host.root / "etc/suture/mine.pem")
    config = host.root / "etc/suture/suture.conf"
    config.write_text(config.read_text() + "client-certificate=/etc/suture/mine.pem\n")
    asked = len(server.requests())
    assert host.fetch().reason == "entitlement-expired" and len(server.requests()) == asked


def test_a_mirror_has_an_entitlement_too(vendor, server, tmp_path):
    """By its option, or as a host has one; one that has ended stops it before it asks."""
    upstream = Upstream(tmp_path / "upstream", packages=1)
    link = server.channels / "stable"
    link.unlink(missing_ok=True)
    link.symlink_to(upstream.folder)
    words = ["mirror", "sync", f"{server.url}/stable", tmp_path / "mirror", "--trusted-root", initial_root(upstream, tmp_path),
             "--ca-file", server.ca, "--root", tmp_path / "machine"]
    assert suture(*words).reason == "fetch-http-status"
    asked = len(server.requests())
    assert suture(*words, "--client-certificate", vendor.scratch / "expired.pem").reason == "entitlement-expired"
    assert len(server.requests()) == asked
    result = suture(*words, "--client-certificate", vendor.scratch / "stable.pem")
    assert result.status == 0, result.stderr
    assert suture("subscribe", vendor.scratch / "both.pem", "--root", tmp_path / "machine").status == 0
    assert suture(*words).status == 0
    package = next((tmp_path / "mirror/targets").rglob("*.rpm"))
    content = package.read_bytes()
    package.write_bytes(bytes(len(content)))
    repair = ["mirror", "verify", tmp_path / "mirror", "--repair", f"{server.url}/stable", "--ca-file", server.ca, "--root",
              tmp_path / "machine"]
    shutil.copy(vendor.scratch / "expired.pem", tmp_path / "machine" / INSTALLED)
    assert suture(*words).reason == suture(*repair).reason == "entitlement-expired"
    shutil.copy(vendor.scratch / "stable.pem", tmp_path / "machine" / INSTALLED)
    suture(*repair)
    assert package.read_bytes() == content


def test_a_key_that_others_may_read_is_not_used(host, vendor, server):
    assert host.suture("subscribe", vendor.scratch / "stable.pem").status == 0
    (host.root / INSTALLED).chmod(0o640)
    asked = len(server.requests())
    result = host.fetch()
    assert (result.reason, result.status) == ("entitlement-mode", 3) and len(server.requests()) == asked


def status_of(host, *arguments, **options):
    notes = host.root / "sys/kernel/notes"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_bytes(bytes.fromhex("040000001400000003000000474e5500") + bytes(20))
    return host.suture("status", *arguments, **options)


def test_status_shows_customer_channels_and_days(host, vendor):
    assert status_of(host, "--json").json["entitlement"] is None
    host.suture("subscribe", vendor.scratch / "both.pem")
    result = status_of(host)
    assert result.status == 0 and "\nentitlement  ACME Ltd to beta, stable: valid, " in result.stdout
    said = status_of(host, "--json").json["entitlement"]
    assert said["state"] == "valid" and said["channels"] == ["beta", "stable"] and said["days_left"] in (299, 300)
    assert set(said) == {"serial", "customer", "channels", "not_before", "not_after", "days_left", "state"}


def test_status_and_fetch_warn_early(host, vendor):
    host.suture("subscribe", vendor.scratch / "short.pem")
    result = status_of(host)
    assert (result.reason, result.status) == ("entitlement-expiring", 13) and "ends in " in result.stderr
    assert status_of(host, "--json").json["entitlement"]["state"] == "expiring"
    result = host.fetch()
    assert result.status == 0 and "the entitlement of ACME Ltd ends in " in result.stderr
    assert host.fetch("--quiet").stderr == ""
    config = host.root / "etc/suture/suture.conf"
    config.write_text(config.read_text() + "entitlement-warn-days=5\n")
    assert status_of(host).status == 0 and host.fetch().stderr == ""
    config.write_text(config.read_text().replace("days=5", "days=many"))
    assert status_of(host).reason == "config"


def test_status_of_what_cannot_be_read(host):
    (host.root / INSTALLED).write_text("nothing")
    (host.root / INSTALLED).chmod(0o600)
    result = status_of(host)
    assert (result.reason, result.status) == ("entitlement-malformed", 3)
    assert status_of(host, "--json").json["entitlement"] == {"state": "malformed"}


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_status_for_those_who_may_not_read_it(host, vendor, tmp_path):
    host.suture("subscribe", vendor.scratch / "expired.pem")
    shutil.copy(vendor.scratch / "expired.pem", host.root / INSTALLED)
    (host.root / INSTALLED).chmod(0o600)
    assert status_of(host).status == 7
    for folder in [host.root, *host.root.parents]:
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o711)
    shutil.copy(BIN / "suture", tmp_path / "suture")  # which is where everybody may go
    command = ["setpriv", "--reuid", "65534", "--clear-groups", tmp_path / "suture", "--root", host.root, "status"]
    done = run(*command, check=False)
    assert done.returncode == 0 and "\nentitlement  unreadable\n" in done.stdout, done.stderr
    assert json.loads(run(*command, "--json").stdout)["entitlement"] == {"state": "unreadable"}


def test_no_key_gets_out(host, vendor, server):
    """Neither ledger nor output nor any other file of the host has a line of the private key."""
    secret = (vendor.scratch / "stable.pem").read_text().partition("PRIVATE KEY-----\n")[2].splitlines()[0]
    outputs = []
    for words in (["subscribe", vendor.scratch / "stable.pem"], ["subscribe", vendor.scratch / "stable.pem", "--json"],
                  ["fetch", *host.identity], ["fetch", *host.identity, "--json"], ["audit", "log"], ["audit", "log", "--json"],
                  ["status", "--json"], ["list"]):
        result = host.suture(*words, environment={"G_MESSAGES_DEBUG": "all"})
        outputs.append(result.stdout + result.stderr)
    assert not [text for text in outputs if secret in text or "PRIVATE" in text]
    holders = [path for path in host.root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holders == [host.root / INSTALLED]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    logs = [path for path in server.scratch.rglob("*") if path.is_file() and path.suffix == ".log"]
    assert logs and not [path for path in logs if secret in path.read_text()]
    records = json.dumps(host.ledger())
    assert records != "[]" and secret not in records
