# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture sign: judged by the kernel's own sign-file, openssl, and rpm."""
import glob
import json
import os
import pathlib
import shutil

import pytest

from signer_tools import gnupg_home, make_cms, mode, refused, run, scratch, sha256, suture, suture_json

MAGIC = b"~Module signature appended~\n"
SAMPLE = pathlib.Path(os.environ["SUTURE_SOURCE"]) / "tests/spec/samples/manifest.json"
SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A bundle
License: GPL-2.0-only
BuildArch: noarch
%description
A bundle.
%install
mkdir -p %{{buildroot}}/usr/lib/suture/k/p-1-1
cp {folder}/* %{{buildroot}}/usr/lib/suture/k/p-1-1
%files
/usr/lib/suture
"""


@pytest.fixture
def folder():
    with scratch() as path:
        yield path


def sign_file():
    found = sorted(glob.glob("/usr/lib/linux-kbuild-*/scripts/sign-file"))
    assert found, "the kernel's sign-file is not installed: run script/setup"
    return found[-1]


def make_module_key(folder, *options, name="mod"):
    suture("key", "create", "--type", "module", "--out", folder / name, *options)
    return ["--key", folder / f"{name}.key", "--certificate", folder / f"{name}.pem"]


def make_bundle(folder, modules=("one.ko", "two.ko")):
    """A bundle folder with unsigned modules that are as its manifest says."""
    bundle = folder / "bundle"
    bundle.mkdir()
    manifest = json.loads(SAMPLE.read_text())
    entry = manifest["modules"][0]
    manifest["modules"] = []
    for name in modules:
        (bundle / name).write_bytes(name.encode() * 1000)
        functions = [{"object": "vmlinux", "name": name.removesuffix(".ko") + "_show", "sympos": 0}]
        manifest["modules"].append({**entry, "functions": functions, "file": name, "size": (bundle / name).stat().st_size,
                                    "sha256": sha256(bundle / name)})
    (bundle / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return bundle


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
@pytest.mark.parametrize("bits", ["2048", "3072"])
def test_module_bytes_are_those_of_the_kernels_sign_file(folder, bits, digest):
    keys = make_module_key(folder, "--algorithm", "rsa", "--bits", bits)
    (folder / "ours.ko").write_bytes(os.urandom(100001))
    shutil.copy(folder / "ours.ko", folder / "theirs.ko")
    run(sign_file(), digest, folder / "mod.key", folder / "mod.pem", folder / "theirs.ko")
    suture("sign", "module", folder / "ours.ko", *keys, "--hash", digest)
    assert (folder / "ours.ko").read_bytes() == (folder / "theirs.ko").read_bytes()


@pytest.mark.parametrize("options", [["-a", "ec"], ["-a", "ec", "-b", "384"], ["-a", "rsa"]])
def test_a_module_signature_verifies_with_openssl(folder, options):
    keys = make_module_key(folder, *options)
    (folder / "m.ko").write_bytes(os.urandom(5000))
    (folder / "m.ko").chmod(0o640)
    plain = (folder / "m.ko").read_bytes()
    suture("sign", "module", folder / "m.ko", *keys)
    signed = (folder / "m.ko").read_bytes()
    size = int.from_bytes(signed[-len(MAGIC) - 4:-len(MAGIC)], "big")
    assert signed[:5000] == plain and signed.endswith(MAGIC)
    assert signed[-len(MAGIC) - 12:-len(MAGIC) - 4] == bytes([0, 0, 2, 0, 0, 0, 0, 0])
    assert len(signed) == 5000 + size + 12 + len(MAGIC)
    assert mode(folder / "m.ko") == 0o640
    (folder / "p7").write_bytes(signed[5000:5000 + size])
    (folder / "content").write_bytes(plain)
    verify = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "p7", "-content", folder / "content",
              "-certfile", folder / "mod.pem", "-noverify", "-out", "/dev/null"]
    run(*verify)
    (folder / "content").write_bytes(plain[:-1] + b"\0")
    assert run(*verify, check=False).returncode != 0 or plain[-1] == 0


def test_a_signed_module_is_signed_anew_only_on_demand(folder):
    first, second = make_module_key(folder, "-a", "ec"), make_module_key(folder, name="second")
    (folder / "m.ko").write_bytes(b"module")
    suture("sign", "module", folder / "m.ko", *first)
    before = (folder / "m.ko").read_bytes()
    refused("already-signed", 3, "sign", "module", folder / "m.ko", *second)
    assert (folder / "m.ko").read_bytes() == before
    suture("sign", "module", "--replace", folder / "m.ko", *second)
    (folder / "n.ko").write_bytes(b"module")
    suture("sign", "module", folder / "n.ko", *second)
    assert (folder / "m.ko").read_bytes() == (folder / "n.ko").read_bytes()


def test_keys_that_do_not_fit_sign_nothing(folder):
    keys = make_module_key(folder, "-a", "ec")
    make_module_key(folder, "-a", "ec", name="other")
    suture("key", "create", "--type", "tuf", "-a", "ed25519", "--out", folder / "ed")
    (folder / "m.ko").write_bytes(b"module")
    refused("key-unusable", 3, "sign", "module", folder / "m.ko", "--key", keys[1], "--certificate", folder / "other.pem")
    run("openssl", "req", "-x509", "-key", folder / "ed.key", "-subj", "/CN=e", "-out", folder / "ed.pem")
    refused("key-unusable", 3, "sign", "module", folder / "m.ko", "--key", folder / "ed.key", "--certificate",
            folder / "ed.pem")
    refused("usage", 2, "sign", "module", folder / "m.ko", *keys, "--hash", "sha1")
    refused("usage", 2, "sign", "module", *keys)
    refused("usage", 2, "sign", "module", folder / "m.ko", "--key", keys[1])
    refused("io", 1, "sign", "module", folder / "absent.ko", *keys)
    (folder / "broken.ko").write_bytes(b"x" * 30 + b"\1" * 12 + MAGIC)
    refused("module-signature-malformed", 4, "sign", "module", folder / "broken.ko", *keys)
    (folder / "empty.ko").write_bytes(b"")
    refused("too-large", 3, "sign", "module", folder / "empty.ko", *keys)
    assert (folder / "m.ko").read_bytes() == b"module"


def sign_bundle(folder, bundle):
    make_cms(folder)
    keys = make_module_key(folder)
    suture("sign", "modules", bundle, *keys)
    suture("sign", "manifest", bundle, "--key", folder / "cms.key", "--certificate", folder / "cms.pem")
    return keys


def test_modules_then_manifest_gives_a_bundle_that_openssl_accepts(folder):
    bundle = make_bundle(folder)
    sign_bundle(folder, bundle)
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert [module["file"] for module in manifest["modules"]] == ["one.ko", "two.ko"]
    for module in manifest["modules"]:
        path = bundle / module["file"]
        assert path.read_bytes().endswith(MAGIC)
        assert module["size"] == path.stat().st_size and module["sha256"] == sha256(path)
    assert sorted(path.name for path in bundle.iterdir()) == ["manifest.json", "manifest.json.p7s", "one.ko", "two.ko"]
    verify = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", bundle / "manifest.json.p7s", "-content",
              bundle / "manifest.json", "-CAfile", folder / "ca.pem", "-purpose", "any", "-out", "/dev/null"]
    run(*verify)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert run(*verify, check=False).returncode != 0


def test_the_manifest_is_not_signed_before_its_modules(folder):
    bundle = make_bundle(folder)
    make_cms(folder)
    keys = make_module_key(folder, "-a", "ec")
    cms = ["--key", folder / "cms.key", "--certificate", folder / "cms.pem"]
    assert "sign modules before" in refused("sign-order", 3, "sign", "manifest", bundle, *cms)
    # Signed, but the manifest does not know.
    suture("sign", "module", bundle / "one.ko", bundle / "two.ko", *keys)
    assert "sign modules" in refused("sign-order", 3, "sign", "manifest", bundle, *cms)
    assert not (bundle / "manifest.json.p7s").exists()
    # What was cut short is finished with --replace.
    refused("already-signed", 3, "sign", "modules", bundle, *keys)
    suture("sign", "modules", "--replace", bundle, *keys)
    suture("sign", "manifest", bundle, *cms)


def test_a_changed_module_is_not_signed_as_the_manifests(folder):
    bundle = make_bundle(folder)
    keys = make_module_key(folder, "-a", "ec")
    (bundle / "two.ko").write_bytes(b"two.ko" * 999 + b"two_ko")
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    refused("sign-order", 3, "sign", "modules", bundle, *keys)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_a_signed_bundle_is_signed_anew_only_on_demand(folder):
    bundle = make_bundle(folder)
    keys = sign_bundle(folder, bundle)
    cms = ["--key", folder / "cms.key", "--certificate", folder / "cms.pem"]
    refused("already-signed", 3, "sign", "modules", bundle, *keys)
    refused("already-signed", 3, "sign", "manifest", bundle, *cms)
    suture("sign", "modules", "--replace", bundle, *keys)
    assert not (bundle / "manifest.json.p7s").exists()
    suture("sign", "manifest", bundle, *cms)
    suture("sign", "manifest", "--replace", bundle, *cms)


def test_a_broken_bundle_folder_is_refused(folder):
    bundle = make_bundle(folder)
    keys = make_module_key(folder, "-a", "ec")
    (bundle / "two.ko").unlink()
    refused("io", 1, "sign", "modules", bundle, *keys)
    (bundle / "two.ko").symlink_to(bundle / "one.ko")
    refused("unsafe-path", 3, "sign", "modules", bundle, *keys)
    (bundle / "manifest.json").write_text("{}")
    refused("json-missing-key", 3, "sign", "modules", bundle, *keys)
    refused("io", 1, "sign", "modules", folder / "absent", *keys)


def test_certificates_that_hosts_refuse_sign_no_manifest(folder):
    bundle = make_bundle(folder)
    sign_bundle(folder, bundle)
    (folder / "ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n")
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        folder / "e.key", "-out", folder / "e.csr", "-subj", "/CN=entitlement")
    run("openssl", "x509", "-req", "-in", folder / "e.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-set_serial", "7", "-extfile", folder / "ext", "-out", folder / "e.pem")
    for name in ("e", "ca", "mod"):
        refused("key-unusable", 3, "sign", "manifest", "--replace", bundle, "--key", folder / f"{name}.key",
                "--certificate", folder / f"{name}.pem")


def test_intermediates_go_into_the_signature(folder):
    bundle = make_bundle(folder)
    sign_bundle(folder, bundle)
    suture("sign", "manifest", "--replace", bundle, "--key", folder / "cms.key", "--certificate", folder / "cms.pem",
           "--chain", folder / "ca.pem")
    text = run("openssl", "pkcs7", "-inform", "DER", "-in", bundle / "manifest.json.p7s", "-print_certs", "-noout")
    assert text.stdout.count(b"subject=") == 2


def build_rpm(folder, content, name="livepatch-test"):
    spec = folder / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, folder=content))
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/rpmbuild", "--define", "__os_install_post %{nil}",
        "--define", "_build_id_links none", spec)
    built, = (folder / "rpmbuild/RPMS/noarch").glob(f"{name}-1-1.noarch.rpm")
    return built


def test_a_package_signature_is_judged_good_by_rpm(folder):
    bundle = make_bundle(folder)
    sign_bundle(folder, bundle)
    package = build_rpm(folder, bundle)
    with gnupg_home() as home:
        uri = suture_json("key", "create", "--type", "rpm", "--homedir", home, "--user-id", "V <v@example.org>",
                          "--no-passphrase", "--out", folder / "rpm")["private_key"]
        rpmkeys = ["rpmkeys", "--dbpath", folder / "rpmdb", "--define", "_keyringpath /nowhere"]
        run(*rpmkeys, "--import", folder / "rpm.asc")
        suture("sign", "package", package, "--key", uri)
        judged = run(*rpmkeys, "--checksig", "--verbose", package).stdout.decode()
        assert "Header V4 RSA/SHA256 Signature, key ID" in judged and "OK" in judged
        assert "NOTTRUSTED" not in judged and "NOKEY" not in judged and "BAD" not in judged
        before = sha256(package)
        refused("already-signed", 3, "sign", "package", package, "--key", uri)
        assert sha256(package) == before


def test_a_package_is_not_signed_before_its_manifest(folder):
    bundle = make_bundle(folder)
    package = build_rpm(folder, bundle)
    before = sha256(package)
    with gnupg_home() as home:
        uri = suture_json("key", "create", "--type", "rpm", "--homedir", home, "--user-id", "V <v@example.org>",
                          "--no-passphrase")["private_key"]
        refused("sign-order", 3, "sign", "package", package, "--key", uri)
        (folder / "no.rpm").write_bytes(b"not an rpm")
        refused("sign-failed", 1, "sign", "package", folder / "no.rpm", "--key", uri)
        refused("sign-failed", 1, "sign", "package", folder / "absent.rpm", "--key", uri)
        assert sha256(package) == before


def test_a_missing_rpm_key_is_one_line_with_gpgs_words(folder):
    bundle = make_bundle(folder)
    sign_bundle(folder, bundle)
    package = build_rpm(folder, bundle)
    before = sha256(package)
    with gnupg_home() as home:
        home.mkdir(mode=0o700)
        line = refused("sign-failed", 1, "sign", "package", package, "--key", f"gpg:{'0' * 40}?homedir={home}")
        assert "secret key" in line.lower()
        refused("key-uri", 3, "sign", "package", package, "--key", folder / "cms.key")
    assert sha256(package) == before
