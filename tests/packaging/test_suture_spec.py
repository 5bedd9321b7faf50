# SPDX-License-Identifier: LGPL-2.1-or-later
"""Suture's own RPMs: rpmbuild makes them from this source tree, and rpm installs them."""
import os
import re
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ["SUTURE_SOURCE"])
SPEC = SOURCE / "spec/rpm/suture.spec"
TEMPLATES = [f"/usr/share/suture/rpm/{name}.spec.in" for name in ("generic", "rhel", "suse")]
# Whatever signs, makes packages, or holds a private key.
VENDOR_LIBRARIES = ("librpmbuild", "librpmsign", "libcreaterepo_c")
VENDOR_SYMBOLS = {"CMS_sign", "CMS_final", "PKCS7_sign", "PKCS7_sign_add_signer", "EVP_DigestSign", "EVP_DigestSignInit", "EVP_PKEY_sign",
                  "EVP_PKEY_keygen", "EVP_PKEY_generate", "EVP_PKEY_Q_keygen", "PEM_read_bio_PrivateKey", "PEM_write_bio_PrivateKey",
                  "OSSL_STORE_open", "X509_sign", "rpmSpecBuild", "rpmPkgSign"}


def output(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def version():
    return re.search(r"^Version: (\S+)$", SPEC.read_text(), re.MULTILINE)[1]


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """name of the package to its file"""
    top = tmp_path_factory.mktemp("rpmbuild")
    (top / "SOURCES").mkdir()
    tree = f"suture-{version()}"
    subprocess.run(["tar", "-C", SOURCE, "--exclude-vcs", "--exclude=./build", "--exclude=./build-*", "--exclude=__pycache__",
                    f"--transform=s,^\\.,{tree},", "-czf", top / f"SOURCES/{tree}.tar.gz", "."], check=True)
    done = subprocess.run(["rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {top}", SPEC], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    files = list(top.glob("RPMS/*/*.rpm"))
    return {output("rpm", "-qp", "--qf", "%{NAME}", file): file for file in files}


@pytest.fixture(scope="session")
def host(packages, tmp_path_factory):
    """A root in which the host's package is installed, and no other."""
    return install(tmp_path_factory.mktemp("host"), packages["suture"])


def install(root, *files):
    output("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--nodeps", "--nosignature", "-i", *files)
    return root


def listed(package):
    """Its files; man pages by their names alone, since distributions differ in compressing them."""
    return [file.removesuffix(".gz") for file in output("rpm", "-qpl", package).splitlines()]


def test_version_is_that_of_the_tree():
    assert f"project(suture VERSION {version()} " in (SOURCE / "CMakeLists.txt").read_text()


def test_two_packages(packages):
    assert {name for name in packages if "-debug" not in name} == {"suture", "suture-vendor"}


def test_files_of_the_host(packages):
    files = listed(packages["suture"])
    for file in ("/usr/bin/suture", "/etc/suture", "/etc/suture/policy.d", "/etc/suture/trust", "/usr/lib/suture", "/var/lib/suture",
                 "/usr/share/bash-completion/completions/suture", "/usr/lib/systemd/system/suture-update.service",
                 "/usr/lib/systemd/system/suture-update.timer", "/usr/lib/sysusers.d/suture.conf", "/usr/share/man/man8/suture.8", "/usr/share/man/man7/suture.7"):
        assert file in files
    assert not [file for file in files if "vendor" in file or "spec.in" in file or "/man1/" in file or "suture-patch" in file]


def test_files_of_the_vendor(packages):
    files = listed(packages["suture-vendor"])
    for file in ("/usr/bin/suture-vendor", "/usr/share/man/man1/suture-build.1", "/usr/share/man/man5/suture-patch.5", *TEMPLATES,
                 "/usr/share/suture/include/suture/fix.h", "/usr/share/suture/nginx/suture.conf"):
        assert file in files
    assert not [file for file in files if "tuf-client" in file]  # for this tree's own tests
    assert not set(files) & {file for file in listed(packages["suture"]) if not file.startswith("/usr/share/licenses")
                             and "/doc/" not in file and ".build-id" not in file}


def test_packages_have_no_scriptlets(packages):
    for file in packages.values():
        assert output("rpm", "-qp", "--scripts", file) == ""


def test_host_needs_gpg(packages):
    assert "gnupg2" in output("rpm", "-qp", "--requires", packages["suture"]).splitlines()


def test_vendor_needs_this_very_host_package(packages):
    wanted = output("rpm", "-qp", "--qf", "%{VERSION}-%{RELEASE}", packages["suture"])
    assert f"suture(x86-64) = {wanted}" in output("rpm", "-qp", "--requires", packages["suture-vendor"]).splitlines()


def test_host_program_has_no_vendor_code(host):
    program = host / "usr/bin/suture"
    libraries = output("ldd", program)
    symbols = set(re.findall(r" U (\w+)", output("nm", "-D", program)))
    assert "librpm.so" in libraries and "CMS_verify" in symbols  # what is looked for could be there
    assert not [name for name in VENDOR_LIBRARIES if name in libraries]
    assert not symbols & VENDOR_SYMBOLS


def test_vendor_program_would_be_told_from_a_hosts(packages, tmp_path):
    root = install(tmp_path, packages["suture-vendor"])
    symbols = set(re.findall(r" U (\w+)", output("nm", "-D", root / "usr/bin/suture-vendor")))
    assert {"CMS_sign", "rpmSpecBuild", "rpmPkgSign"} <= symbols


def test_host_program_runs(host):
    assert output(host / "usr/bin/suture", "--version") == f"suture {version()}\n"
    for command in ("build", "key", "sign", "repo"):
        done = subprocess.run([host / "usr/bin/suture", command], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "suture-vendor" in done.stderr


def test_vendor_program_finds_its_templates(packages, tmp_path):
    root = install(tmp_path / "root", packages["suture"], packages["suture-vendor"])
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    done = subprocess.run([root / "usr/bin/suture", "build", "--pack", bundle, "-o", tmp_path / "out"], capture_output=True, text=True,
                          check=False)
    assert "[bundle-incomplete]" in done.stderr  # the templates are read before the folder
    (root / "usr/share/suture/rpm/generic.spec.in").unlink()
    done = subprocess.run([root / "usr/bin/suture", "build", "--pack", bundle, "-o", tmp_path / "out"], capture_output=True, text=True,
                          check=False)
    assert "[spec-template]" in done.stderr and str(root) in done.stderr
