# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private keys on PKCS#11 tokens (SoftHSM): what they sign, judged by openssl, and what happens to PINs."""
import json
import os
import re
import shutil
import stat
import subprocess

import pytest

from lib import pipeline
from lib.softhsm import MODULE, Terminal, Tokens, Watcher
from signer_tools import VENDOR, gnupg_home, run, scratch, suture
from test_sign import MAGIC, make_bundle

PIN = "81723645"
OTHER_PIN = "55443322"


@pytest.fixture(name="tokens", scope="module")
def fixture_tokens(tmp_path_factory):
    made = Tokens(tmp_path_factory.mktemp("softhsm"))
    made.add("vendor", PIN)
    made.add("second", OTHER_PIN)
    made.add("twin", PIN)
    made.add("twin", PIN)
    for number, (kind, name) in enumerate([("p256", "tuf"), ("rsa", "module"), ("p256", "cms"), ("p384", "p384"), ("rsa2048", "small"),
                                           ("p256", "double"), ("p256", "double")], 1):
        made.make_key("vendor", PIN, kind, name, f"{number:02x}")
    made.make_key("second", OTHER_PIN, "p256", "tuf", "01")
    made.pin = made.folder / "pin"
    made.pin.write_text(PIN + "\n")
    made.pin.chmod(0o600)
    return made


def uri(tokens, name, pin=True, token="vendor"):
    source = f"?pin-source=file:{tokens.pin}" if pin else ""
    return f"pkcs11:token={token};object={name}{source}"


def vendor(tokens, *words, check=True, stdin=subprocess.DEVNULL):
    """suture-vendor without a terminal."""
    return run(VENDOR, *words, check=check, env={**os.environ, **tokens.environment}, stdin=stdin, start_new_session=True)


def refused(tokens, *words):
    done = vendor(tokens, *words, check=False)
    lines = done.stderr.decode().splitlines()
    assert done.returncode and len(lines) == 1, (lines, done.stdout)
    assert PIN not in lines[0] and OTHER_PIN not in lines[0]
    return done.returncode, re.search(r"\[([a-z0-9-]+)\]$", lines[0])[1], lines[0]


def at_terminal(tokens, *words):
    return Terminal(VENDOR, *words, environment=tokens.environment)


def show(tokens, key):
    return json.loads(vendor(tokens, "--json", "key", "show", key).stdout)[0]


# What they sign


def test_a_module_signed_by_a_token(tokens, tmp_path):
    key = uri(tokens, "module")
    vendor(tokens, "key", "create", "--type", "module", "--key", key, "--out", tmp_path / "m", "--subject", "O=Test,CN=Module")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.pem"]
    run("openssl", "verify", "-check_ss_sig", "-x509_strict", "-CAfile", tmp_path / "m.pem", tmp_path / "m.pem")
    plain = os.urandom(5000)
    for digest in ("sha256", "sha512"):
        (tmp_path / "m.ko").write_bytes(plain)
        vendor(tokens, "sign", "module", tmp_path / "m.ko", "--key", key, "--certificate", tmp_path / "m.pem", "--hash", digest)
        signed = (tmp_path / "m.ko").read_bytes()
        size = int.from_bytes(signed[-len(MAGIC) - 4:-len(MAGIC)], "big")
        (tmp_path / "p7").write_bytes(signed[5000:5000 + size])
        (tmp_path / "content").write_bytes(plain)
        run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "p7", "-content", tmp_path / "content",
            "-certfile", tmp_path / "m.pem", "-noverify", "-out", "/dev/null")


@pytest.mark.parametrize("signer", ["cms", "p384", "module"])
def test_a_bundle_signed_by_tokens(tokens, tmp_path, signer):
    """CA and signer of manifests, and the modules' key, all on the token."""
    words = ["key", "create", "--out"]
    vendor(tokens, *words, tmp_path / "ca", "--type", "cms-ca", "--key", uri(tokens, "tuf"), "--subject", "CN=CA")
    vendor(tokens, *words, tmp_path / "cms", "--type", "cms", "--key", uri(tokens, signer), "--ca-key", uri(tokens, "tuf"), "--ca-cert",
           tmp_path / "ca.pem")
    vendor(tokens, *words, tmp_path / "mod", "--type", "module", "--key", uri(tokens, "module"))
    bundle = make_bundle(tmp_path)
    vendor(tokens, "sign", "modules", bundle, "--key", uri(tokens, "module"), "--certificate", tmp_path / "mod.pem")
    vendor(tokens, "sign", "manifest", bundle, "--key", uri(tokens, signer), "--certificate", tmp_path / "cms.pem")
    run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", bundle / "manifest.json.p7s", "-content",
        bundle / "manifest.json", "-CAfile", tmp_path / "ca.pem", "-purpose", "any", "-out", "/dev/null")
    vendor(tokens, "key", "crl", "--ca-key", uri(tokens, "tuf"), "--ca-cert", tmp_path / "ca.pem", "--revoke", tmp_path / "cms.pem",
           "--out", tmp_path / "crl.pem")
    run("openssl", "crl", "-in", tmp_path / "crl.pem", "-CAfile", tmp_path / "ca.pem", "-noout")


def test_a_certificate_of_another_key_is_refused(tokens, tmp_path):
    vendor(tokens, "key", "create", "--type", "module", "--key", uri(tokens, "p384"), "--out", tmp_path / "m")
    (tmp_path / "m.ko").write_bytes(b"module")
    result = refused(tokens, "sign", "module", tmp_path / "m.ko", "--key", uri(tokens, "module"), "--certificate", tmp_path / "m.pem")
    assert result[:2] == (3, "key-unusable")


def test_keys_of_tokens_are_shown_and_judged_as_others(tokens, tmp_path):
    assert show(tokens, uri(tokens, "module"))["bits"] == 3072
    said = show(tokens, uri(tokens, "tuf"))
    vendor(tokens, "key", "create", "--type", "tuf", "--key", uri(tokens, "tuf"), "--out", tmp_path / "t")
    public = show(tokens, tmp_path / "t.pub")
    assert (said["tuf_key_id"], said["fingerprint"]) == (public["tuf_key_id"], public["fingerprint"])
    result = refused(tokens, "key", "create", "--type", "cms-ca", "--key", uri(tokens, "small"), "--out", tmp_path / "weak")
    assert result[:2] == (3, "key-unusable") and not (tmp_path / "weak.pem").exists()
    for words in (["--algorithm", "ec"], ["--bits", "256"]):
        assert refused(tokens, "key", "create", "--type", "tuf", "--key", uri(tokens, "tuf"), "--out", tmp_path / "x", *words)[1] == "usage"


def roles_on_token(tokens, pin):
    return [word for role, name in (("root", "tuf"), ("targets", "module"), ("snapshot", "cms"), ("timestamp", "p384"))
            for word in (f"--{role}-key", uri(tokens, name, pin))]


@pytest.fixture(name="world", scope="module")
def fixture_world():
    """A trust folder and the URI of an RPM key."""
    with scratch() as folder, gnupg_home() as home:
        trust = folder / "trust"
        trust.mkdir()
        made = json.loads(suture("key", "create", "--type", "rpm", "--no-passphrase", "--homedir", home, "--user-id",
                                 "Test <test@example.org>", "--json"))
        suture("key", "export", made["private_key"], "--out", trust / "rpm-keyring.asc")
        suture("key", "create", "--type", "cms-ca", "--out", folder / "cms")
        suture("key", "create", "--type", "module", "--out", folder / "module")
        shutil.copy(folder / "cms.pem", trust / "cms-ca.pem")
        shutil.copy(folder / "module.pem", trust)
        yield ["--rpm-key", made["private_key"], "--trust", trust]


def tuf_client(repo, folder, *words):
    metadata = ["--metadata-dir", folder / "metadata", "--metadata-url", f"file://{repo}/public/metadata"]
    return run(os.path.join(os.environ["SUTURE_BIN"], "suture-tuf-client"), *metadata, *words)


def test_a_repository_whose_keys_are_all_on_a_token(tokens, world, tmp_path):
    repo = tmp_path / "repo"
    vendor(tokens, "repo", "init", repo, *roles_on_token(tokens, True), *world)
    vendor(tokens, "repo", "publish", repo)
    vendor(tokens, "repo", "root", repo, "-o", tmp_path / "root.json")
    tuf_client(repo, tmp_path, "init", tmp_path / "root.json")
    tuf_client(repo, tmp_path, "refresh")
    before = json.loads((tmp_path / "metadata/timestamp.json").read_bytes())["signed"]["version"]
    vendor(tokens, "repo", "refresh", repo)
    tuf_client(repo, tmp_path, "refresh")
    assert json.loads((tmp_path / "metadata/timestamp.json").read_bytes())["signed"]["version"] == before + 1
    for path in repo.rglob("*"):
        assert not path.is_file() or PIN.encode() not in path.read_bytes(), path


def test_a_ceremony_with_two_tokens(tokens, world, tmp_path):
    """Targets keys that never come to the repository's machine: each signs a copy of what is staged."""
    repo = tmp_path / "repo"
    second = tmp_path / "second.pin"
    second.write_text(OTHER_PIN)
    second.chmod(0o600)
    keys = {"one": uri(tokens, "tuf"), "two": f"pkcs11:token=second;object=tuf?pin-source={second}"}
    for name, key in keys.items():
        vendor(tokens, "key", "create", "--type", "tuf", "--key", key, "--out", tmp_path / name)
    targets = [word for name in keys for word in ("--targets-key", tmp_path / f"{name}.pub")]
    vendor(tokens, "repo", "init", repo, "--root-key", uri(tokens, "module"), *targets, "--targets-threshold", "2", "--snapshot-key",
           uri(tokens, "cms"), "--timestamp-key", uri(tokens, "cms"), *world)
    assert refused(tokens, "repo", "publish", repo)[1] == "repo-threshold"
    vendor(tokens, "repo", "stage", repo)
    for name, key in keys.items():
        shutil.copytree(repo / "staged", tmp_path / f"copy-{name}")
        vendor(tokens, "repo", "sign", tmp_path / f"copy-{name}", "--key", key)
        vendor(tokens, "repo", "collect", repo, tmp_path / f"copy-{name}")
    vendor(tokens, "repo", "publish", repo)
    vendor(tokens, "repo", "root", repo, "-o", tmp_path / "root.json")
    tuf_client(repo, tmp_path, "init", tmp_path / "root.json")
    tuf_client(repo, tmp_path, "refresh")
    assert len(json.loads((tmp_path / "metadata/targets.json").read_bytes())["signatures"]) == 2


# PINs


def test_one_pin_a_run_for_all_keys_of_a_token(tokens, world, tmp_path):
    """Asked once, for four keys; nowhere to be seen, neither of us nor of what we start."""
    repo = tmp_path / "repo"
    with Watcher(PIN) as watcher:
        for words in (["repo", "init", repo, *roles_on_token(tokens, False), *world], ["repo", "publish", repo]):
            terminal = at_terminal(tokens, *words)
            terminal.until('PIN of token "vendor" (SoftHSM')
            assert terminal.hides()
            terminal.type(PIN + "\n")
            status, shown = terminal.finish()
            assert status == 0, shown
            assert shown.count("PIN of") == 1 and PIN not in shown
    assert not watcher.found
    assert watcher.looks > 10 and "suture-vendor" in watcher.seen
    tuf = run(VENDOR, "repo", "root", repo, "-o", tmp_path / "root.json")
    assert tuf.returncode == 0
    tuf_client(repo, tmp_path, "init", tmp_path / "root.json")
    tuf_client(repo, tmp_path, "refresh")


def test_from_source_to_package_with_one_pin(tokens, world, tmp_path):
    """Compilers, rpm and gpg run meanwhile."""
    words = ["key", "create", "--out"]
    vendor(tokens, *words, tmp_path / "mod", "--type", "module", "--key", uri(tokens, "module"))
    vendor(tokens, *words, tmp_path / "ca", "--type", "cms-ca")
    vendor(tokens, *words, tmp_path / "cms", "--type", "cms", "--key", uri(tokens, "cms"), "--ca-key", tmp_path / "ca.key", "--ca-cert",
           tmp_path / "ca.pem")
    with Watcher(PIN) as watcher:
        terminal = at_terminal(
            tokens, "build", pipeline.SOURCE / "samples/version", "-o", tmp_path / "out", "--kernel-headers", pipeline.kernel().headers,
            "--kernel-image", pipeline.kernel().image, "--module-key", uri(tokens, "module", False), "--module-certificate",
            tmp_path / "mod.pem", "--manifest-key", uri(tokens, "cms", False), "--manifest-certificate", tmp_path / "cms.pem",
            "--package-key", world[1])
        terminal.until("PIN of")
        terminal.type(PIN + "\n")
        status, shown = terminal.finish()
    assert status == 0 and shown.count("PIN of") == 1 and PIN not in shown
    assert not watcher.found and watcher.seen & {"cc1", "gcc-12", "make"} and "suture-vendor" in watcher.seen
    assert len(list((tmp_path / "out").glob("*.rpm"))) == 1
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or PIN.encode() not in path.read_bytes(), path


def test_the_watcher_would_see_it():
    for words, environment in (["sh", "-c", "sleep 20", PIN], {}), (["sleep", "20"], {"X": PIN}):
        with subprocess.Popen(words, env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as process, Watcher(PIN) as watcher:
            while not watcher.found and watcher.looks < 200 and process.poll() is None:
                pass
            process.kill()
        assert watcher.found


def test_ps_never_shows_a_pin(tokens):
    terminal = at_terminal(tokens, "key", "show", uri(tokens, "tuf", False))
    terminal.until("PIN of")
    listing = run("ps", "axeww").stdout.decode()
    assert "object=tuf" in listing and PIN not in listing
    terminal.type(PIN + "\n")
    assert terminal.finish()[0] == 0


def test_two_tokens_two_pins(tokens, tmp_path):
    terminal = at_terminal(tokens, "key", "show", uri(tokens, "tuf", False), uri(tokens, "tuf", False, "second"),
                           uri(tokens, "module", False))
    terminal.until('PIN of token "vendor"')
    terminal.type(PIN + "\n")
    terminal.until('PIN of token "second"')
    terminal.type(OTHER_PIN + "\n")
    status, shown = terminal.finish()
    assert status == 0 and shown.count("PIN of") == 2 and shown.count("fingerprint") == 3


@pytest.mark.parametrize("typed, reason", [("0000\n", "pin-wrong"), ("\n", "pin-needed"), ("\x04", "pin-needed"), ("9" * 300 + "\n", "pin-needed"),
                                           ("12\x7f\x7f" + PIN + "\n", None)])
def test_what_is_typed_at_the_prompt(tokens, typed, reason):
    terminal = at_terminal(tokens, "key", "show", uri(tokens, "tuf", False))
    terminal.until("PIN of")
    terminal.type(typed)
    status, shown = terminal.finish()
    assert (status, f"[{reason}]" in shown) == (3, True) if reason else status == 0, shown


@pytest.mark.parametrize("number", ["\x03", "TERM"])
def test_an_interrupted_prompt_leaves_the_terminal_sane(tokens, number):
    terminal = at_terminal(tokens, "key", "show", uri(tokens, "tuf", False))
    terminal.until("PIN of")
    terminal.type("123")
    if number == "TERM":
        terminal.process.terminate()
    else:
        terminal.type(number)
    status, shown = terminal.finish()
    assert status == 1 and "[cancelled]" in shown and "123" not in shown


def test_without_a_terminal_nobody_is_asked(tokens):
    assert refused(tokens, "key", "show", uri(tokens, "tuf", False))[:2] == (3, "pin-needed")


def test_the_wrong_pin_in_a_file(tokens, tmp_path):
    (tmp_path / "pin").write_text("0000")
    (tmp_path / "pin").chmod(0o600)
    status, reason, line = refused(tokens, "key", "show", f"pkcs11:token=vendor;object=tuf?pin-source={tmp_path}/pin")
    assert (status, reason) == (3, "pin-wrong") and 'token "vendor"' in line


@pytest.mark.parametrize("content, mode, reason", [(PIN, 0o640, "key-mode"), (PIN, 0o604, "key-mode"), ("", 0o600, "pin-needed"),
                                                   ("1" * 300, 0o600, "pin-needed"), ("1\x002", 0o600, "pin-needed"),
                                                   (PIN, 0o400, None), (PIN + "\r\n", 0o600, None)])
def test_a_file_with_a_pin_is_private_and_holds_one(tokens, tmp_path, content, mode, reason):
    (tmp_path / "pin").write_bytes(content.encode())
    (tmp_path / "pin").chmod(mode)
    key = f"pkcs11:token=vendor;object=tuf?pin-source=file://{tmp_path}/pin"
    if reason:
        assert refused(tokens, "key", "show", key)[:2] == (3, reason)
    else:
        assert show(tokens, key)["type"] == "private key"


@pytest.mark.parametrize("source", ["|echo 1", "pin", "http://x/y", "file:pin"])
def test_a_pin_comes_from_nothing_but_a_file(tokens, source):
    assert refused(tokens, "key", "show", f"pkcs11:token=vendor;object=tuf?pin-source={source}")[:2] == (3, "key-uri")


@pytest.mark.parametrize("key", ["pkcs11:token=vendor;object=tuf?pin-value={}", "pkcs11:token=vendor;object=tuf;pin-value={}",
                                 "pkcs11:token=none?pin-source=/x&pin-value={}", "PKCS11:?pin-value={}", "pkcs11:%zz?PIN-VALUE={}"])
def test_a_pin_in_a_uri_is_refused_and_not_repeated(tokens, key):
    assert refused(tokens, "key", "show", key.format(PIN))[:2] == (3, "pin-in-uri")


# URIs


@pytest.mark.parametrize("key, status, reason, words", [
    ("pkcs11:token=elsewhere;object=tuf", 3, "token-missing", "no such token is there"),
    ("pkcs11:token=vendor;object=nothing{}", 3, "key-missing", 'token "vendor"'),
    ("pkcs11:token=vendor;object=tuf;id=%77{}", 3, "key-missing", "no such private key"),
    ("pkcs11:token=vendor;object=double{}", 3, "key-ambiguous", "several private keys"),
    ("pkcs11:token=vendor{}", 3, "key-ambiguous", "several private keys"),
    ("pkcs11:token=twin;object=tuf{}", 3, "key-ambiguous", "means 2 tokens"),
    ("pkcs11:object=p384{}", 3, "key-ambiguous", "tokens: "),
    ("pkcs11:token=vendor;object=tuf;type=public{}", 3, "key-uri", "type=private"),
    ("pkcs11:token=vendor;colour=red{}", 3, "key-uri", "not known here"),
    ("pkcs11:token=%zz", 3, "key-uri", "RFC 7512"),
    ("pkcs11:token=vendor;object=tuf?module-path=/no/such.so", 1, "token-failed", "/no/such.so"),
])
def test_what_a_uri_does_not_name(tokens, key, status, reason, words):
    result = refused(tokens, "key", "show", key.format(f"?pin-source={tokens.pin}"))
    assert result[:2] == (status, reason) and words in result[2]


@pytest.mark.parametrize("key", ["pkcs11:token=vendor;id=%01", "pkcs11:token=vendor;object=tuf;type=private",
                                 "pkcs11:token=vendor;object=p384", "pkcs11:token=vendor;id=%06;object=double",
                                 "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;token=vendor;object=cms"])
def test_what_a_uri_names(tokens, key):
    assert show(tokens, f"{key}?pin-source={tokens.pin}")["algorithm"] in ("P-256", "P-384", "prime256v1", "secp384r1")


def test_a_module_by_its_path(tokens):
    key = f"pkcs11:token=vendor;object=tuf?pin-source={tokens.pin}&module-path={MODULE}"
    assert show(tokens, key) == {**show(tokens, uri(tokens, "tuf")), "name": key}


def test_entitlements_by_a_token(tokens, tmp_path):
    root = tmp_path / "root"
    vendor(tokens, "entitle", "init", root, "--ca-key", uri(tokens, "cms"))
    vendor(tokens, "entitle", "issue", root, "--customer", "ACME", "--channel", "stable", "--days", "9", "-o", tmp_path / "a.pem")
    vendor(tokens, "entitle", "crl", root, "-o", tmp_path / "crl.pem")
    run("openssl", "verify", "-purpose", "sslclient", "-crl_check", "-CRLfile", tmp_path / "crl.pem", "-CAfile", root / "ca.pem",
        tmp_path / "a.pem")
    assert stat.S_IMODE((tmp_path / "a.pem").stat().st_mode) == 0o600
