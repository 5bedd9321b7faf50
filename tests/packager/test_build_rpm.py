# SPDX-License-Identifier: LGPL-2.1-or-later
"""`suture build --pack` and the whole way: a signed folder becomes a package, and rpm is the judge of it."""
import json
import os
import shutil
import subprocess

import pytest
import vendor
from vendor import SAMPLES, build, digest, kernel, refused, run

INPUT = 3
UNSIGNED_MESSAGE = "sign modules, then the manifest, then pack"


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def unsigned(tmp_path_factory):
    output = tmp_path_factory.mktemp("unsigned")
    done = build(SAMPLES / "uptime", output)
    assert done.returncode == 0, done.stderr
    return output / "proc-uptime-1-1"


@pytest.fixture(scope="session")
def signed(unsigned, keys, tmp_path_factory):
    """A signed bundle folder; look, do not touch."""
    folder = vendor.copy(unsigned, tmp_path_factory.mktemp("signed"))
    vendor.sign(folder, keys)
    return folder


@pytest.fixture(scope="session")
def package(signed, tmp_path_factory):
    return pack(signed, tmp_path_factory.mktemp("package"))


def pack(folder, output, *arguments, **options):
    done = run("--pack", folder, "-o", output, *arguments, "--json", **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["package"]


def rpm(*arguments):
    return subprocess.run(["rpm", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def query(package, text):
    return rpm("-qp", "--qf", text, package)


# What rpm says of it


def test_name_provides_and_nothing_required(package):
    name = f"livepatch-{kernel().release}-proc-uptime"
    build_id = json.loads(subprocess.run(f"rpm2cpio {package} | cpio -i --quiet --to-stdout '*manifest.json'", shell=True, check=True,
                                         capture_output=True).stdout)["kernel"]["build_id"]
    assert os.path.basename(package) == f"{name}-1-1.x86_64.rpm"
    assert sorted(rpm("-qp", "--provides", package).split("\n")[:-1]) == sorted([
        f"livepatch({kernel().release})", f"livepatch(build-id:{build_id})", "livepatch(cve:CVE-0000-0002)", f"{name} = 1-1",
        f"{name}(x86-64) = 1-1"])
    assert all(line.startswith("rpmlib(") and "ShortCircuited" not in line for line in rpm("-qp", "--requires", package).splitlines())


def test_files_are_roots_and_nothing_else(package):
    folder = f"/usr/lib/suture/{kernel().release}/proc-uptime-1-1"
    assert query(package, r"[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEMTIMES}\n]").splitlines() == [
        f"{folder} drwxr-xr-x root root {vendor.DATE}",
        f"{folder}/manifest.json -rw-r--r-- root root {vendor.DATE}",
        f"{folder}/manifest.json.p7s -rw-r--r-- root root {vendor.DATE}",
        f"{folder}/proc_uptime_1_1.ko -rw-r--r-- root root {vendor.DATE}",
    ]
    assert rpm("-qp", "--scripts", package) == rpm("-qp", "--triggers", package) == ""


def test_packed_files_are_the_signed_ones(package, signed, tmp_path):
    subprocess.run(f"rpm2cpio {package} | cpio -id --quiet", shell=True, check=True, cwd=tmp_path)
    folder = tmp_path / f"usr/lib/suture/{kernel().release}/proc-uptime-1-1"
    assert {path.name: digest(path) for path in folder.iterdir()} == {path.name: digest(path) for path in signed.iterdir()}


def test_digests_are_sha256_and_fit(package):
    assert query(package, "%{FILEDIGESTALGO} %{PAYLOADDIGESTALGO} %{PAYLOADCOMPRESSOR}") == "8 8 zstd"
    assert "Header SHA256 digest: OK" in rpm("-Kv", package) and "Payload SHA256 digest: OK" in rpm("-Kv", package)


def test_rpm_installs_and_removes_it(package, tmp_path):
    root = ["--root", tmp_path, "--dbpath", "/var/lib/rpm", "--nosignature"]
    rpm(*root, "-i", package)
    folder = tmp_path / f"usr/lib/suture/{kernel().release}/proc-uptime-1-1"
    assert (folder / "proc_uptime_1_1.ko").exists()
    assert rpm(*root, "-V", f"livepatch-{kernel().release}-proc-uptime") == ""
    rpm(*root, "-e", f"livepatch-{kernel().release}-proc-uptime")
    assert not folder.exists()


# Same files, same package


def test_same_files_give_the_same_package_anywhere(signed, package, tmp_path):
    other = vendor.copy(signed, tmp_path / "elsewhere")
    for path in other.iterdir():
        os.utime(path, (1, 1))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".rpmmacros").write_text("%vendor Someone\n%packager Someone <s@example.com>\n%dist .el9\n%_topdir /nowhere\n"
                                     "%_binary_payload w9.gzdio\n%_buildhost secret.example.com\n%_rpmfilename x.rpm\n")
    again = pack(other, tmp_path / "out", cwd="/", env={"HOME": str(home), "SOURCE_DATE_EPOCH": None, "TZ": "Asia/Tokyo"})
    assert digest(again) == digest(package)


def test_header_names_no_build_host_or_path(package):
    assert query(package, "%{BUILDHOST} %{BUILDTIME} %{COOKIE}").split()[:2] == ["localhost", vendor.DATE]
    assert query(package, "%{VENDOR} %{PACKAGER} %{DISTTAG} %{BUGURL}") == "(none) (none) (none) (none)"
    with open(package, "rb") as file:
        data = file.read()
    assert b"/tmp" not in data and b"secret.example.com" not in data


# Distributions


def with_release(signed, keys, place, release):
    """The bundle as if for another kernel; the package only names it."""
    folder = vendor.copy(signed, place)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["kernel"]["release"] = release
    manifest["kernel"]["vermagic"] = f"{release} SMP"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    vendor.sign_manifest(folder, keys)
    return folder


@pytest.mark.parametrize("distribution, release, requirement", [
    ("rhel", "5.14.0-427.13.1.el9_4.x86_64", "kernel-uname-r = 5.14.0-427.13.1.el9_4.x86_64"),
    ("suse", "5.14.21-150400.24.46-default", "kernel-default = 5.14.21-150400.24.46"),
])
def test_kernel_requirement_in_the_distributions_words(signed, keys, tmp_path, distribution, release, requirement):
    folder = with_release(signed, keys, tmp_path / "in", release)
    package = pack(folder, tmp_path, "--distribution", distribution)
    assert requirement in rpm("-qp", "--requires", package).splitlines()
    assert f"livepatch({release})" in rpm("-qp", "--provides", package).splitlines()


def test_release_that_is_not_of_the_distribution(signed, tmp_path):
    refused(run("--pack", signed, "-o", tmp_path, "--distribution", "suse"), "spec-kernel-release", INPUT)


@pytest.mark.parametrize("name", ["debian", "../rpm/generic", ""])
def test_unknown_distribution(signed, tmp_path, name):
    refused(run("--pack", signed, "-o", tmp_path, "--distribution", name), "spec-template", INPUT)


def test_template_of_ones_own(signed, tmp_path):
    template = (vendor.SOURCE / "spec/rpm/generic.spec.in").read_text()
    (tmp_path / "mine.spec.in").write_text(template.replace("Group:", "Vendor: Example\nGroup:"))
    package = pack(signed, tmp_path, "--distribution", "mine", "--template-dir", tmp_path)
    assert query(package, "%{VENDOR}") == "Example"
    (tmp_path / "mine.spec.in").write_text(template + "\n@PASSWORD@\n")
    refused(run("--pack", signed, "-o", tmp_path, "--distribution", "mine", "--template-dir", tmp_path), "spec-template", INPUT)
    (tmp_path / "mine.spec.in").write_text("Name: only\n")
    refused(run("--pack", signed, "-o", tmp_path, "--distribution", "mine", "--template-dir", tmp_path), "rpm-build", 1)


# What is not packed


def test_folder_without_any_signature(unsigned, tmp_path):
    assert UNSIGNED_MESSAGE in refused(run("--pack", unsigned, "-o", tmp_path), "bundle-unsigned", INPUT)
    assert not list(tmp_path.iterdir())


def test_signed_manifest_of_unsigned_modules(unsigned, keys, tmp_path):
    folder = vendor.copy(unsigned, tmp_path / "in")
    vendor.sign_manifest(folder, keys)
    assert "proc_uptime_1_1.ko" in refused(run("--pack", folder, "-o", tmp_path), "bundle-unsigned", INPUT)


def test_empty_manifest_signature(signed, tmp_path):
    folder = vendor.copy(signed, tmp_path / "in")
    (folder / "manifest.json.p7s").write_bytes(b"")
    refused(run("--pack", folder, "-o", tmp_path), "bundle-unsigned", INPUT)


def test_module_that_the_manifest_does_not_list_so(signed, unsigned, tmp_path):
    folder = vendor.copy(signed, tmp_path / "in")
    data = bytearray((folder / "proc_uptime_1_1.ko").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "proc_uptime_1_1.ko").write_bytes(data)
    refused(run("--pack", folder, "-o", tmp_path), "bundle-differs", INPUT)


def test_module_that_is_missing(signed, tmp_path):
    folder = vendor.copy(signed, tmp_path / "in")
    (folder / "proc_uptime_1_1.ko").unlink()
    refused(run("--pack", folder, "-o", tmp_path), "bundle-incomplete", INPUT)


def test_folder_without_manifest(tmp_path):
    (tmp_path / "in").mkdir()
    refused(run("--pack", tmp_path / "in", "-o", tmp_path), "bundle-incomplete", INPUT)


def test_file_too_many(signed, tmp_path):
    folder = vendor.copy(signed, tmp_path / "in")
    (folder / ".hidden").write_text("")
    refused(run("--pack", folder, "-o", tmp_path), "bundle-extra", INPUT)


def test_module_that_is_a_symlink(signed, tmp_path):
    folder = vendor.copy(signed, tmp_path / "in")
    shutil.move(folder / "proc_uptime_1_1.ko", tmp_path / "proc_uptime_1_1.ko")
    (folder / "proc_uptime_1_1.ko").symlink_to(tmp_path / "proc_uptime_1_1.ko")
    refused(run("--pack", folder, "-o", tmp_path), "unsafe-path", INPUT)


# The whole way


@pytest.fixture(scope="session")
def gpg_key(tmp_path_factory):
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
    subprocess.run([*gpg, "--passphrase", "", "--quick-gen-key", "Test <test@example.com>", "rsa3072", "sign"], check=True, capture_output=True)
    listing = subprocess.run([*gpg, "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    yield f"gpg:{fingerprint}?homedir={home}", home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def whole_way(keys, package_key):
    module, manifest = vendor.certificate(keys, "module"), vendor.certificate(keys, "manifest")
    return ["--module-key", module[0], "--module-certificate", module[1], "--manifest-key", manifest[0],
            "--manifest-certificate", manifest[1], "--package-key", package_key]


def test_whole_way_to_a_signed_package(keys, gpg_key, tmp_path):
    uri, home = gpg_key
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = build(SAMPLES / "uptime", tmp_path / "out", *whole_way(keys, uri), "--json", scratch=scratch)
    assert done.returncode == 0 and not done.stderr, done.stderr
    package = json.loads(done.stdout)["package"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [os.path.basename(package)]
    assert not list(scratch.iterdir())
    public = subprocess.run(["gpg", "--homedir", home, "--armor", "--export"], check=True, capture_output=True).stdout
    (tmp_path / "key.asc").write_bytes(public)
    database = ["--dbpath", tmp_path / "db"]
    rpm(*database, "--import", tmp_path / "key.asc")
    assert "Header V4 RSA/SHA256 Signature" in rpm(*database, "-Kv", package)
    subprocess.run(f"rpm2cpio {package} | cpio -id --quiet", shell=True, check=True, cwd=tmp_path)
    bundle = next(tmp_path.glob("usr/lib/suture/*/*"))
    module = (bundle / "proc_uptime_1_1.ko").read_bytes()
    assert module.endswith(b"~Module signature appended~\n")
    certificate = vendor.certificate(keys, "manifest")[1]
    subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", bundle / "manifest.json.p7s", "-content",
                    bundle / "manifest.json", "-CAfile", certificate, "-purpose", "any", "-out", "/dev/null"], check=True, capture_output=True)
    listed = json.loads((bundle / "manifest.json").read_text())["modules"][0]
    assert (listed["size"], listed["sha256"]) == (len(module), digest(bundle / "proc_uptime_1_1.ko"))


def test_key_that_is_missing_is_told_before_compiling(keys, tmp_path):
    arguments = whole_way(keys, "gpg:" + "0" * 40)
    arguments[1] = tmp_path / "no.key"
    done = build("/nowhere.c", tmp_path / "out", *arguments, headers="/nowhere", image="/nowhere")
    assert done.returncode != 0 and "no.key" in done.stderr
    assert not (tmp_path / "out").exists()


def test_package_that_cannot_be_signed_is_not_left(keys, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    uri = f"gpg:{'0' * 40}?homedir={scratch}"
    done = build(SAMPLES / "uptime", tmp_path / "out", *whole_way(keys, uri))
    assert done.returncode != 0 and not done.stdout
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True
