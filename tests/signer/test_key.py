# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture key: what it makes is judged by openssl and gpg."""
import datetime
import os
import pathlib

import pytest

from signer_tools import gnupg_home, make_cms, mode, refused, run, scratch, suture, suture_json


@pytest.fixture
def folder():
    with scratch() as path:
        yield path


def text_of(certificate):
    return run("openssl", "x509", "-in", certificate, "-noout", "-text").stdout.decode()


@pytest.mark.parametrize("kind, options, public, words", [
    ("module", [], "pem", ["Public-Key: (3072 bit)", "Digital Signature", "Subject Key Identifier", "CA:FALSE"]),
    ("module", ["-a", "rsa", "-b", "2048"], "pem", ["Public-Key: (2048 bit)"]),
    ("module", ["-a", "ec"], "pem", ["NIST CURVE: P-256"]),
    ("cms-ca", [], "pem", ["NIST CURVE: P-256", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"]),
    ("cms-ca", ["-a", "rsa"], "pem", ["Public-Key: (3072 bit)", "CA:TRUE, pathlen:0"]),
    ("tuf", [], "pub", []),
    ("tuf", ["-a", "ed25519"], "pub", []),
    ("tuf", ["-a", "rsa"], "pub", []),
])
def test_files_have_safe_modes_and_the_content_of_their_type(folder, kind, options, public, words):
    old = os.umask(0)
    try:
        suture("key", "create", "--type", kind, "--out", folder / "k", "--subject", "O=Test,CN=Name", *options)
    finally:
        os.umask(old)
    assert mode(folder / "k.key") == 0o600
    assert mode(folder / f"k.{public}") == 0o644
    assert sorted(path.name for path in folder.iterdir()) == ["k.key", f"k.{public}"]
    assert (folder / "k.key").read_text().startswith("-----BEGIN PRIVATE KEY-----")
    derived = run("openssl", "pkey", "-in", folder / "k.key", "-pubout").stdout
    if public == "pub":
        assert (folder / "k.pub").read_bytes() == derived
        return
    assert run("openssl", "x509", "-in", folder / "k.pem", "-noout", "-pubkey").stdout == derived
    for word in words + ["Subject: O = Test, CN = Name"]:
        assert word in text_of(folder / "k.pem")
    run("openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", folder / "k.pem", folder / "k.pem")


@pytest.mark.parametrize("kind, public", [("tuf", "public_key"), ("module", "certificate")])
def test_json_names_what_was_made(folder, kind, public):
    made = suture_json("key", "create", "--type", kind, "--out", folder / "k")
    assert set(made) == {"private_key", public, "tuf_key_id"}
    assert made["private_key"] == str(folder / "k.key") and pathlib.Path(made[public]).exists()
    assert (made["tuf_key_id"] is None) == (kind == "module")


@pytest.mark.parametrize("options", [[], ["-a", "ec", "-b", "384"], ["-a", "rsa"]])
def test_a_manifest_signer_is_for_code_signing_alone_and_of_its_ca(folder, options):
    make_cms(folder, *options)
    text = text_of(folder / "cms.pem")
    assert "X509v3 Extended Key Usage: critical\n                Code Signing\n" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature\n" in text
    assert "CA:FALSE" in text
    run("openssl", "verify", "-x509_strict", "-CAfile", folder / "ca.pem", folder / "cms.pem")


def test_ed25519_for_manifests_is_refused_in_its_own_words(folder):
    make_cms(folder)
    line = refused("key-unusable", 3, "key", "create", "--type", "cms", "-a", "ed25519", "--out", folder / "e", "--ca-key",
                   folder / "ca.key", "--ca-cert", folder / "ca.pem")
    assert "Ed25519 cannot sign manifests" in line
    assert not (folder / "e.key").exists()


@pytest.mark.parametrize("options", [
    ["--type", "module", "-a", "ed25519"], ["--type", "module", "-a", "rsa", "-b", "1024"],
    ["--type", "cms-ca", "-a", "rsa", "-b", "2048"], ["--type", "tuf", "-a", "dsa"], ["--type", "tuf", "-b", "521"],
    ["--type", "module", "--subject", "no attribute"], ["--type", "module", "--subject", "XX=unknown"],
    ["--type", "module", "--not-after", "2001-01-01T00:00:00Z"],
])
def test_what_cannot_be_used_is_not_made(folder, options):
    refused("key-unusable", 3, "key", "create", "--out", folder / "k", *options)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("options", [
    [], ["--type", "unknown"], ["--type", "tuf", "extra"], ["--type", "cms"], ["--type", "rpm"],
    ["--type", "tuf", "--homedir", "/nowhere"], ["--type", "tuf", "--ca-key", "x"], ["--type", "tuf", "--bits", "-1"],
    ["--type", "module", "--not-before", "yesterday"],
])
def test_a_wrong_command_line_is_told_apart(folder, options):
    refused("usage", 2, "key", "create", "--out", folder / "k", *options)
    assert not list(folder.iterdir())


def test_no_key_is_ever_overwritten(folder):
    suture("key", "create", "--type", "tuf", "--out", folder / "k")
    before = [(folder / name).read_bytes() for name in ("k.key", "k.pub")]
    refused("key-exists", 3, "key", "create", "--type", "tuf", "--out", folder / "k")
    (folder / "k.pub").unlink()
    refused("key-exists", 3, "key", "create", "--type", "tuf", "--out", folder / "k")
    (folder / "k.key").rename(folder / "moved")
    (folder / "k.key").symlink_to(folder / "target")
    refused("key-exists", 3, "key", "create", "--type", "tuf", "--out", folder / "k")
    assert (folder / "moved").read_bytes() == before[0]
    assert not (folder / "target").exists()


def test_times_are_as_given_and_within_the_cas(folder):
    make_cms(folder, "--not-before", "2020-01-02T03:04:05Z", "--not-after", "2021-02-03T04:05:06Z")
    dates = run("openssl", "x509", "-in", folder / "cms.pem", "-noout", "-dates").stdout.decode()
    assert "notBefore=Jan  2 03:04:05 2020 GMT" in dates and "notAfter=Feb  3 04:05:06 2021 GMT" in dates
    line = refused("key-unusable", 3, "key", "create", "--type", "cms", "--out", folder / "long", "--days", "36500",
                   "--ca-key", folder / "ca.key", "--ca-cert", folder / "ca.pem")
    assert "outlive its CA" in line


def test_a_ca_must_be_one_and_have_its_key(folder):
    make_cms(folder)
    suture("key", "create", "--type", "cms-ca", "--out", folder / "other")
    for key, certificate in (("other.key", "ca.pem"), ("cms.key", "cms.pem")):
        refused("key-unusable", 3, "key", "create", "--type", "cms", "--out", folder / "x", "--ca-key", folder / key,
                "--ca-cert", folder / certificate)


def test_a_key_that_others_may_read_is_refused(folder):
    make_cms(folder)
    for bits in (0o640, 0o604, 0o644, 0o660):
        (folder / "ca.key").chmod(bits)
        refused("key-mode", 3, "key", "create", "--type", "cms", "--out", folder / "x", "--ca-key", folder / "ca.key",
                "--ca-cert", folder / "ca.pem")
    (folder / "ca.key").chmod(0o400)
    suture("key", "show", f"file:{folder}/ca.key".removeprefix("file:"))


@pytest.mark.parametrize("uri, reason", [
    ("tpmkey:file=key", "key-uri"), ("pkcs11:token", "key-uri"), ("https://example.org/key", "key-uri"), ("file:relative", "key-uri"),
])
def test_other_key_uris_are_refused(folder, uri, reason):
    make_cms(folder)
    refused(reason, 3, "key", "create", "--type", "cms", "--out", folder / "x", "--ca-key", uri, "--ca-cert",
            folder / "ca.pem")


def test_file_uris_and_encrypted_keys(folder):
    make_cms(folder)
    suture("key", "create", "--type", "cms", "--out", folder / "by-uri", "--ca-key", f"file://{folder}/ca.key", "--ca-cert",
           folder / "ca.pem")
    run("openssl", "pkcs8", "-topk8", "-in", folder / "ca.key", "-out", folder / "locked.key", "-passout", "pass:secret")
    (folder / "locked.key").chmod(0o600)
    refused("key-unusable", 3, "key", "create", "--type", "cms", "--out", folder / "x", "--ca-key", folder / "locked.key",
            "--ca-cert", folder / "ca.pem", stdin=None)


def test_a_crl_revokes_for_openssl_too_and_keeps_what_it_listed(folder):
    make_cms(folder)
    make_cms(folder, name="second")
    make_cms(folder, name="third")
    ca = ["--ca-key", folder / "ca.key", "--ca-cert", folder / "ca.pem"]
    suture("key", "crl", *ca, "--revoke", folder / "cms.pem", "--out", folder / "1.pem")
    suture("key", "crl", *ca, "--revoke", folder / "second.pem", "--revoke", folder / "cms.pem", "--previous",
           folder / "1.pem", "--out", folder / "2.pem", "--days", "7")
    run("openssl", "crl", "-in", folder / "2.pem", "-CAfile", folder / "ca.pem", "-noout", "-verify")
    text = run("openssl", "crl", "-in", folder / "2.pem", "-noout", "-text").stdout.decode()
    assert text.count("Serial Number:") == 2
    assert "X509v3 CRL Number: \n                2\n" in text

    def verdict(name):
        return run("openssl", "verify", "-crl_check", "-CAfile", folder / "ca.pem", "-CRLfile", folder / "2.pem",
                   folder / f"{name}.pem", check=False)
    assert b"certificate revoked" in verdict("cms").stderr
    assert b"certificate revoked" in verdict("second").stderr
    assert verdict("third").returncode == 0


def test_a_crl_is_made_from_the_cas_own_alone(folder):
    make_cms(folder)
    suture("key", "create", "--type", "cms-ca", "--out", folder / "other")
    suture("key", "crl", "--ca-key", folder / "other.key", "--ca-cert", folder / "other.pem", "--out", folder / "o.pem")
    ca = ["--ca-key", folder / "ca.key", "--ca-cert", folder / "ca.pem", "--out", folder / "x.pem"]
    refused("key-unusable", 3, "key", "crl", *ca, "--revoke", folder / "other.pem")
    refused("key-unusable", 3, "key", "crl", *ca, "--previous", folder / "o.pem")
    assert not (folder / "x.pem").exists()


def test_show_tells_what_each_file_is(folder):
    make_cms(folder, "--subject", "O=Test,CN=Signer")
    suture("key", "create", "--type", "tuf", "--out", folder / "tuf")
    suture("key", "crl", "--ca-key", folder / "ca.key", "--ca-cert", folder / "ca.pem", "--revoke", folder / "cms.pem",
           "--out", folder / "crl.pem")
    certificate, private, public, crl = suture_json("key", "show", *(folder / name for name in (
        "cms.pem", "tuf.key", "tuf.pub", "crl.pem")))
    fingerprint = run("openssl", "x509", "-in", folder / "cms.pem", "-noout", "-fingerprint", "-sha256").stdout.decode()
    assert certificate["type"] == "certificate" and certificate["subject"] == "CN=Signer,O=Test"
    assert certificate["issuer"] == "CN=CA,O=Test" and certificate["algorithm"] == "prime256v1"
    assert certificate["fingerprint"] == fingerprint.strip().split("=")[1].replace(":", "").lower()
    assert certificate["purposes"] == ["digitalSignature", "codeSigning"]
    days = datetime.datetime.fromisoformat(certificate["not_after"][:-1]) - datetime.datetime.fromisoformat(
        certificate["not_before"][:-1])
    assert days.days == 730
    assert private["type"] == "private key" and public["type"] == "public key"
    assert private["tuf_key_id"] == public["tuf_key_id"] and private["fingerprint"] == public["fingerprint"]
    assert crl["type"] == "crl" and crl["revoked"] == [certificate["serial"]]
    shown = suture("key", "show", folder / "cms.pem")
    assert "certificate" in shown and certificate["fingerprint"] in shown
    (folder / "none").write_text("no PEM here\n")
    refused("key-unusable", 3, "key", "show", folder / "none")
    refused("io", 1, "key", "show", folder / "absent")
    refused("usage", 2, "key", "show")


def test_an_rpm_key_lives_in_gnupg():
    with gnupg_home() as home:
        options = ["--type", "rpm", "--homedir", home, "--user-id", "Vendor <vendor@example.org>", "--no-passphrase"]
        uri = suture_json("key", "create", *options, "--out", home.parent / "rpm")["private_key"]
        fingerprint = uri.removeprefix("gpg:").split("?")[0]
        assert uri == f"gpg:{fingerprint}?homedir={home}"
        assert mode(home) == 0o700
        listing = run("gpg", "--homedir", home, "--with-colons", "--list-secret-keys").stdout.decode().splitlines()
        key = next(line.split(":") for line in listing if line.startswith("sec"))
        assert key[2] == "3072" and key[3] == "1" and "s" in key[11] and key[6]
        packets = run("gpg", "--homedir", home, "--show-keys", "--with-colons", home.parent / "rpm.asc").stdout.decode()
        assert fingerprint in packets
        suture("key", "export", uri, "--out", home.parent / "again.asc")
        assert (home.parent / "again.asc").read_bytes() == (home.parent / "rpm.asc").read_bytes()
        shown, = suture_json("key", "show", uri)
        assert shown["fingerprint"] == fingerprint and shown["subject"] == "Vendor <vendor@example.org>"
        refused("key-exists", 3, "key", "create", *options)
        refused("key-unusable", 3, "key", "export", f"gpg:{'0' * 40}?homedir={home}", "--out", home.parent / "x")


def test_rpm_keys_are_made_safely():
    with gnupg_home() as home:
        options = ["--type", "rpm", "--user-id", "Vendor", "--no-passphrase"]
        refused("key-unusable", 3, "key", "create", *options, "--homedir", home, "-b", "2048")
        refused("key-unusable", 3, "key", "create", *options, "--homedir", "relative")
        home.mkdir(mode=0o755)
        refused("key-mode", 3, "key", "create", *options, "--homedir", home)
        for uri in ("gpg:", "gpg:1234", f"gpg:{'0' * 40}?home=x", f"gpg:{'0' * 40}?homedir=", "/a/file"):
            refused("key-uri", 3, "key", "export", uri, "--out", home / "x")
