# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture entitle, judged by openssl, and the nginx configuration that we ship, judged by curl."""
import fcntl
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from lib.entitle import VENDOR, Root, Server, run

BODY = json.dumps({"signed": "x" * 4000})


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    return Root(tmp_path / "root", "--subject", 'O=Vändor "x",CN=Entitlements')


def text_of(certificate):
    return run("openssl", "x509", "-in", certificate, "-noout", "-text").stdout


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def test_a_root_is_a_ca_for_tls_clients_and_nothing_else(root):
    text = text_of(root.folder / "ca.pem")
    for words in ("CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Extended Key Usage: critical\n                TLS Web Client Auth",
                  "NIST CURVE: P-256"):
        assert words in text
    assert mode(root.folder) == 0o700 and mode(root.folder / "private/ca.key") == 0o600
    run("openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", root.folder / "ca.pem", root.folder / "ca.pem")


def test_roots_of_one_name_differ_in_their_names(tmp_path):
    names = {run("openssl", "x509", "-in", Root(tmp_path / each).folder / "ca.pem", "-noout", "-subject").stdout for each in "ab"}
    assert len(names) == 2


def test_init_is_idempotent_and_never_replaces_a_root(root, tmp_path):
    before = tree(root.folder)
    assert root.json("init")["made"] is False
    assert tree(root.folder) == before
    run(VENDOR, "key", "create", "--type", "tuf", "--out", tmp_path / "other")
    assert root.refused("init", "--ca-key", tmp_path / "other.key") == (3, "entitle-exists")
    assert tree(root.folder) == before


def test_init_completes_what_was_interrupted(root):
    key = (root.folder / "private/ca.key").read_bytes()
    (root.folder / "entitlements.conf").unlink()
    assert root.refused("list") == (3, "entitle-database")
    assert root.json("init")["made"] is True
    assert (root.folder / "private/ca.key").read_bytes() == key


def test_the_key_of_the_root_may_be_elsewhere(tmp_path):
    run(VENDOR, "key", "create", "--type", "tuf", "-a", "ec", "-b", "384", "--out", tmp_path / "mine")
    root = Root(tmp_path / "root", "--ca-key", os.path.relpath(tmp_path / "mine.key"))
    assert not (root.folder / "private").exists()
    root.issue(tmp_path / "a.pem")
    (tmp_path / "mine.key").chmod(0o644)
    assert root.refused("crl", "-o", tmp_path / "crl") == (3, "key-mode")


def test_the_cms_ca_is_no_root_of_entitlements(root, tmp_path):
    run(VENDOR, "key", "create", "--type", "cms-ca", "--out", tmp_path / "cms")
    (root.folder / "ca.pem").write_bytes((tmp_path / "cms.pem").read_bytes())
    assert root.refused("issue", "--customer", "a", "--channel", "b", "--days", "1", "-o", tmp_path / "x") == (3, "entitle-database")


def test_an_entitlement_names_customer_and_channels_and_is_for_clients_alone(root, tmp_path):
    said = root.issue(tmp_path / "a.pem", "Ähm & Co, Ltd/x=\"y\"", ["stable", "el9.x_64-z"])
    assert mode(tmp_path / "a.pem") == 0o600
    text = text_of(tmp_path / "a.pem")
    for words in ("NIST CURVE: P-256", "CA:FALSE", "Key Usage: critical\n                Digital Signature\n",
                  "Extended Key Usage: critical\n                TLS Web Client Authentication\n",
                  "URI:urn:suture:channel:stable, URI:urn:suture:channel:el9.x_64-z"):
        assert words in text
    assert len(said["serial"]) == 32 and said["channels"] == ["stable", "el9.x_64-z"] and said["days_left"] == 30
    assert run("openssl", "x509", "-in", tmp_path / "a.pem", "-noout", "-serial").stdout == f"serial={said['serial']}\n"
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root.folder / "ca.pem", tmp_path / "a.pem")
    public = run("openssl", "x509", "-in", tmp_path / "a.pem", "-noout", "-pubkey").stdout
    assert run("openssl", "pkey", "-in", tmp_path / "a.pem", "-pubout").stdout == public
    assert [row["customer"] for row in root.json("list", "--warn-days", "0", check=False)] == ["Ähm & Co, Ltd/x=\"y\""]


def test_serial_numbers_are_random(root, tmp_path):
    assert len({root.issue(tmp_path / f"{i}.pem")["serial"] for i in range(20)}) == 20


def test_a_request_keeps_the_key_with_the_customer(root, tmp_path):
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=evil/O=CA", "-addext",
        "basicConstraints=critical,CA:TRUE", "-keyout", tmp_path / "own.key", "-out", tmp_path / "own.csr")
    root.entitle("issue", "--customer", "ACME", "--channel", "stable", "--days", 3, "--csr", tmp_path / "own.csr", "-o",
                 tmp_path / "a.pem")
    text = text_of(tmp_path / "a.pem")
    assert "CA:FALSE" in text and "CA:TRUE" not in text and "evil" not in text and "Subject: CN = ACME" in text
    assert "PRIVATE" not in (tmp_path / "a.pem").read_text()
    public = run("openssl", "pkey", "-in", tmp_path / "own.key", "-pubout").stdout
    assert run("openssl", "x509", "-in", tmp_path / "a.pem", "-noout", "-pubkey").stdout == public


@pytest.mark.parametrize("kind, reason", [("signature", "entitle-request"), ("none", "entitle-request"), ("weak", "key-unusable")])
def test_a_bad_request_is_refused(root, tmp_path, kind, reason):
    csr = tmp_path / "own.csr"
    run("openssl", "req", "-new", "-newkey", "rsa:1024" if kind == "weak" else "rsa:2048", "-nodes", "-subj", "/CN=x", "-outform", "DER",
        "-keyout", tmp_path / "own.key", "-out", csr)
    der = bytearray(csr.read_bytes())
    if kind == "signature":
        der[-1] ^= 1
    csr.write_bytes(der)
    run("openssl", "req", "-inform", "DER", "-in", csr, "-out", csr)
    if kind == "none":
        csr.write_text("nothing")
    assert root.refused("issue", "--customer", "a", "--channel", "b", "--days", "1", "--csr", csr, "-o", tmp_path / "x") == (3, reason)
    assert not (tmp_path / "x").exists() and not list((root.folder / "issued").iterdir())


@pytest.mark.parametrize("customer, channel", [("", "a"), ("x" * 65, "a"), ("a\tb", "a"), ("a\n", "a"), ("a\u202eb", "a"),
                                               ("a", ""), ("a", "A"), ("a", "../x"), ("a", ".x"), ("a", "a/b"), ("a", "x" * 65),
                                               ("a", "a\"b"), ("a", "a:b"), ("a", "a b"), ("a", "ä")])
def test_names_that_cannot_be(root, tmp_path, customer, channel):
    result = root.refused("issue", "--customer", customer, "--channel", channel, "--days", "1", "-o", tmp_path / "x")
    assert result == (3, "entitle-name")
    assert not list((root.folder / "issued").iterdir())


def test_an_entitlement_never_overwrites_nor_outlives_its_root(root, tmp_path):
    root.issue(tmp_path / "a.pem")
    words = ("issue", "--customer", "a", "--channel", "b")
    assert root.refused(*words, "--days", "1", "-o", tmp_path / "a.pem") == (3, "key-exists")
    assert root.refused(*words, "--days", "3600", "-o", tmp_path / "b.pem") == (3, "key-unusable")
    assert root.refused(*words, "--channel", "b", "--days", "1", "-o", tmp_path / "b.pem") == (3, "entitle-name")
    assert root.refused(*words, "--days", "0", "-o", tmp_path / "b.pem") == (2, "usage")
    assert len(list((root.folder / "issued").iterdir())) == 1


def test_nothing_is_on_record_of_what_could_not_be_written(root, tmp_path):
    assert root.refused("issue", "--customer", "a", "--channel", "b", "--days", "1", "-o", tmp_path / "no/such/x") == (1, "io")
    assert not list((root.folder / "issued").iterdir())


def test_revoking_is_idempotent_and_keeps_the_first_reason(root, tmp_path):
    serial = root.issue(tmp_path / "a.pem")["serial"]
    assert root.json("revoke", serial.lower(), "--reason", "key-compromise")["revoked_now"] is True
    before = tree(root.folder)
    assert root.json("revoke", serial, "--reason", "superseded")["revoked_now"] is False
    assert tree(root.folder) == before
    assert root.refused("revoke", serial, "--reason", "spite") == (3, "entitle-name")
    assert root.refused("revoke", "12", "--reason", "superseded") == (3, "entitle-unknown")
    assert root.refused("revoke", "../issued/x", "--reason", "superseded") == (3, "entitle-unknown")


def test_a_crl_lists_what_is_revoked_and_counts_up(root, tmp_path):
    one, two = (root.issue(tmp_path / f"{i}.pem")["serial"] for i in range(2))
    root.entitle("revoke", one, "--reason", "privilege-withdrawn")
    for number in (1, 2):
        root.entitle("crl", "-o", tmp_path / "crl.pem", "--days", "20")
        text = run("openssl", "crl", "-in", tmp_path / "crl.pem", "-noout", "-text").stdout
        assert f"X509v3 CRL Number: \n                {number}\n" in text
    assert one in text and two not in text and "Privilege Withdrawn" in text
    assert "verify OK" in run("openssl", "crl", "-in", tmp_path / "crl.pem", "-noout", "-CAfile", root.folder / "ca.pem").stderr
    assert root.json("status")["crl"]["days_left"] in (19, 20)


def test_status_warns_before_the_crl_ends_and_of_who_is_not_on_it(root, tmp_path):
    serial = root.issue(tmp_path / "a.pem")["serial"]
    assert root.refused("status") == (13, "entitle-crl-due")
    root.entitle("crl", "-o", tmp_path / "crl", "--days", "20")
    root.entitle("status")
    root.entitle("list")
    for verb in ("status", "list"):
        assert root.refused(verb, "--warn-days", "21") == (13, "entitle-crl-due")
        assert root.refused(verb, faketime="+7d") == (13, "entitle-crl-due")
        assert root.refused(verb, "--warn-days", "0", faketime="+21d") == (13, "entitle-crl-due")
    root.entitle("revoke", serial, "--reason", "superseded")
    assert root.refused("status") == (13, "entitle-crl-due")
    assert root.json("status", check=False)["crl"]["unlisted"] == 1
    root.entitle("crl", "-o", tmp_path / "crl", "--days", "3600")
    root.entitle("status")
    assert root.refused("status", faketime="+3540d") == (13, "entitle-root-due")


def test_list_says_how_each_stands(root, tmp_path):
    root.issue(tmp_path / "old", "old", faketime="-60d")
    root.issue(tmp_path / "new", "new")
    serial = root.issue(tmp_path / "gone", "gone")["serial"]
    root.entitle("revoke", serial, "--reason", "superseded")
    root.entitle("crl", "-o", tmp_path / "crl")
    rows = root.json("list")
    assert [(row["customer"], row["state"], row["reason"]) for row in rows] == [
        ("gone", "revoked", "superseded"), ("new", "valid", None), ("old", "expired", None)]
    assert root.json("status")["entitlements"] == {"valid": 1, "expiring": 0, "expired": 1, "revoked": 1}
    root.entitle("nginx", "-o", tmp_path / "map")
    lines = [line for line in (tmp_path / "map").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1 and rows[1]["serial"] in lines[0]


@pytest.mark.parametrize("file, content", [("issued", "nonsense"), ("issued", None), ("revoked", "{}"),
                                           ("revoked", '{"format": 1, "revoked": "now", "reason": "superseded"}')])
def test_a_damaged_record_is_named(root, tmp_path, file, content):
    serial = root.issue(tmp_path / "a.pem")["serial"]
    other = Root(tmp_path / "other").issue(tmp_path / "b.pem")["serial"]
    path = root.folder / file / f"{serial}.{'pem' if file == 'issued' else 'json'}"
    path.write_text(content or (tmp_path / "other/issued" / f"{other}.pem").read_text())
    for verb in ("list", "status", "crl", "nginx"):
        words = ["-o", tmp_path / "out"] if verb in ("crl", "nginx") else []
        assert root.refused(verb, *words) == (3, "entitle-database")
    assert not (tmp_path / "out").exists()


def test_one_process_at_a_time_changes_a_root(root, tmp_path):
    with open(root.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert root.refused("issue", "--customer", "a", "--channel", "b", "--days", "1", "-o", tmp_path / "x") == (9, "busy")
        assert root.refused("crl", "-o", tmp_path / "x") == (9, "busy")
        root.entitle("list", "--warn-days", "0", check=False)


def test_issuing_killed_at_any_time_leaves_a_good_folder(root, tmp_path):
    for i in range(40):
        with subprocess.Popen([VENDOR, "entitle", "issue", root.folder, "--customer", "a", "--channel", "b", "--days", "1", "-o",
                               tmp_path / f"k{i}"], stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(0.0005 * i)
            except subprocess.TimeoutExpired:
                process.kill()
    known = {row["serial"] for row in root.json("list", "--warn-days", "0", check=False)}
    for path in tmp_path.glob("k*"):
        assert run("openssl", "x509", "-in", path, "-noout", "-serial").stdout.strip().removeprefix("serial=") in known
        assert mode(path) == 0o600


def test_no_private_key_is_ever_readable_by_others(tmp_path):
    old = os.umask(0)
    try:
        root = Root(tmp_path / "root")
        root.issue(tmp_path / "a.pem")
        root.entitle("crl", "-o", tmp_path / "crl")
        root.entitle("nginx", "-o", tmp_path / "map")
    finally:
        os.umask(old)
    holders = {path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()}
    assert {str(path.relative_to(tmp_path)) for path in holders} == {"root/private/ca.key", "a.pem"}
    assert all(mode(path) == 0o600 for path in holders)
    assert mode(tmp_path / "root") == 0o700 and mode(tmp_path / "map") & 0o007 == 0


# The server


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    channels = folder / "channels"
    for path in ("stable/metadata/1.root.json", "beta/metadata/1.root.json", "Stable/x", "stable/targets/a.rpm", "secret.json"):
        (channels / path).parent.mkdir(parents=True, exist_ok=True)
        (channels / path).write_text(BODY)
    root = Root(folder / "root", "--subject", 'O=Vändor "x\\\\y",CN=Entitlements')
    root.issue(folder / "stable.pem")
    root.issue(folder / "both.pem", "Both", ["beta", "stable"])
    root.issue(folder / "expired.pem", faketime="-60d")
    root.entitle("revoke", root.issue(folder / "revoked.pem")["serial"], "--reason", "key-compromise")
    Root(folder / "other", "--subject", 'O=Vändor "x\\\\y",CN=Entitlements').issue(folder / "other.pem")
    with Server(folder / "nginx", channels) as server:
        server.install(root)
        server.folder, server.root = folder, root
        yield server


def test_http2_compressed_metadata_and_proper_types(world):
    start, headers = world.headers("/stable/metadata/1.root.json", world.folder / "stable.pem", "--compressed")
    assert start.startswith("HTTP/2 200")
    assert headers["content-encoding"] == "gzip" and headers["content-type"] == "application/json"
    _, headers = world.headers("/stable/targets/a.rpm", world.folder / "stable.pem", "--compressed")
    assert "content-encoding" not in headers and headers["content-type"] == "application/x-rpm"
    assert headers["accept-ranges"] == "bytes" and headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize("certificate, path, status", [
    ("stable", "/stable/metadata/1.root.json", 200), ("both", "/beta/metadata/1.root.json", 200),
    ("both", "/stable/metadata/1.root.json", 200), ("stable", "/beta/metadata/1.root.json", 403),
    ("stable", "/Stable/x", 403), ("stable", "/", 403), ("stable", "/secret.json", 403), ("stable", "/stable/", 403),
    ("stable", "/stable/metadata/", 403), ("stable", "/stable/../beta/metadata/1.root.json", 403),
    ("stable", "/stable/%2e%2e/beta/metadata/1.root.json", 403), ("stable", "/%73table/metadata/1.root.json", 200),
    ("stable", "/stable%2fmetadata/1.root.json", 200), ("stable", "//beta/metadata/1.root.json", 403),
    ("stable", "/stable/nothing", 404), (None, "/stable/metadata/1.root.json", 400), ("expired", "/stable/metadata/1.root.json", 400),
    ("revoked", "/stable/metadata/1.root.json", 400), ("other", "/stable/metadata/1.root.json", 400), (None, "/", 400),
])
def test_who_gets_what(world, certificate, path, status):
    assert world.curl(path, certificate and world.folder / f"{certificate}.pem") == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_reading_only(world, method):
    assert world.curl("/stable/targets/a.rpm", world.folder / "stable.pem", "-X", method) in (403, 405)


def test_the_map_alone_refuses_what_no_crl_lists(world, tmp_path):
    """A channel taken away, or an entitlement revoked: the map says so even where the CRL does not yet."""
    world.root.issue(tmp_path / "late.pem")
    assert world.curl("/stable/metadata/1.root.json", tmp_path / "late.pem") == 403
    world.install(world.root)
    assert world.curl("/stable/metadata/1.root.json", tmp_path / "late.pem") == 200


def test_an_expired_crl_refuses_everybody(world, tmp_path):
    world.root.entitle("crl", "-o", tmp_path / "crl", "--days", "30", faketime="-40d")
    try:
        world.install(world.root, crl=tmp_path / "crl")
        assert world.curl("/stable/metadata/1.root.json", world.folder / "stable.pem") == 400
    finally:
        world.install(world.root)
    assert world.curl("/stable/metadata/1.root.json", world.folder / "stable.pem") == 200


def test_two_roots_side_by_side(world):
    other = Root(world.folder / "other")
    try:
        world.install(world.root, other)
        for name in ("stable", "other"):
            assert world.curl("/stable/metadata/1.root.json", world.folder / f"{name}.pem") == 200
        assert world.curl("/stable/metadata/1.root.json", world.folder / "revoked.pem") == 400
    finally:
        world.install(world.root)
    assert world.curl("/stable/metadata/1.root.json", world.folder / "other.pem") == 400


def test_a_serial_number_of_another_root_opens_nothing(world, tmp_path):
    """With two roots trusted, the serial of one in the map and a certificate with that serial by the other."""
    other = Root(tmp_path / "other")
    serial = world.root.issue(tmp_path / "victim.pem")["serial"]
    key = tmp_path / "forged.key"
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ACME", "-keyout", key,
        "-out", tmp_path / "csr")
    run("openssl", "x509", "-req", "-in", tmp_path / "csr", "-CA", other.folder / "ca.pem", "-CAkey", other.folder / "private/ca.key",
        "-set_serial", f"0x{serial}", "-days", "5", "-out", tmp_path / "forged.pem")
    (tmp_path / "both.pem").write_text((tmp_path / "forged.pem").read_text() + key.read_text())
    try:
        world.install(world.root, other)
        assert world.curl("/stable/metadata/1.root.json", tmp_path / "victim.pem") == 200
        assert world.curl("/stable/metadata/1.root.json", tmp_path / "both.pem") == 403
    finally:
        world.install(world.root)


def test_many_entitlements_fit_into_the_map(world, tmp_path):
    path = world.files / "entitlements.map"
    line = path.read_text().splitlines()[-1]
    others = [line.replace(line[1:33], f"4{i:031X}") for i in range(20000)]
    try:
        with open(path, "a") as file:
            file.write("\n".join(others) + "\n")
        world.reload()
        assert world.curl("/stable/metadata/1.root.json", world.folder / "stable.pem") == 200
        assert world.curl("/beta/metadata/1.root.json", world.folder / "stable.pem") == 403
    finally:
        world.install(world.root)
