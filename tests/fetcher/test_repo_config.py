# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture repo-config: the .repo file for dnf and zypper."""
import configparser
import platform

import pytest
from repo_fixture import BIN, run

URL = "https://patches.example.org/live"


class Host:
    """A root with kernels and the folder of a package manager."""

    def __init__(self, root):
        self.root = root
        self.yum = root / "etc/yum.repos.d"
        self.yum.mkdir(parents=True)
        self.file = self.yum / "suture.repo"

    def kernel(self, release, image="boot"):
        modules = self.root / "lib/modules" / release
        modules.mkdir(parents=True, exist_ok=True)
        if image == "boot":
            (self.root / "boot").mkdir(exist_ok=True)
            (self.root / "boot" / f"vmlinuz-{release}").touch()
        elif image == "modules":
            (modules / "vmlinuz").touch()

    def conf(self, text):
        (self.root / "etc/suture").mkdir(exist_ok=True)
        (self.root / "etc/suture/suture.conf").write_text(text)

    def run(self, *arguments):
        return run(BIN / "suture", "--root", self.root, "repo-config", *arguments)

    def sections(self):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.file)
        return {name: dict(parser[name]) for name in parser.sections()}


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    made.kernel("6.1.0-38-cloud-amd64")
    return made


def test_section_has_all_that_dnf_needs(host):
    assert host.run("--url", f"{URL}/").status == 0
    assert host.sections() == {"suture-6.1.0-38-cloud-amd64": {
        "name": "Live patches for kernel 6.1.0-38-cloud-amd64", "enabled": "1", "gpgcheck": "1", "repo_gpgcheck": "1",
        "baseurl": f"{URL}/targets/6.1.0-38-cloud-amd64/", "gpgkey": "file:///etc/suture/trust/rpm-keyring.asc"}}


def test_one_section_for_each_kernel_with_an_image(host):
    host.kernel("6.12.1-1", image="modules")
    host.kernel("5.10.0-gone", image=None)
    assert host.run("--url", URL, "--kernel-release", "4.19.0-named").status == 0
    assert list(host.sections()) == ["suture-4.19.0-named", "suture-6.1.0-38-cloud-amd64", "suture-6.12.1-1"]


def test_release_is_escaped_in_url_and_id(host):
    host.kernel("6.12.117+deb12-cloud-amd64")
    host.run("--url", URL)
    section = host.sections()["suture-6.12.117:2bdeb12-cloud-amd64"]
    assert section["baseurl"] == f"{URL}/targets/6.12.117%2Bdeb12-cloud-amd64/"


def test_url_and_tls_files_come_from_the_configuration(host):
    host.conf(f"[repository]\nurl={URL}\nca-file=/etc/ca.pem\nclient-certificate=/etc/c.pem\nclient-key=/etc/c.key\n")
    assert host.run().status == 0
    (section,) = host.sections().values()
    assert (section["sslcacert"], section["sslclientcert"], section["sslclientkey"]) == (
        "/etc/ca.pem", "/etc/c.pem", "/etc/c.key")
    assert section["baseurl"].startswith(URL)


def test_entitlement_is_shown_where_nothing_else_is_named(host):
    host.conf(f"[repository]\nurl={URL};https://mirror.example.org/\n")
    (host.root / "etc/suture/entitlement.pem").write_text("")
    host.run()
    (section,) = host.sections().values()
    assert section["sslclientcert"] == section["sslclientkey"] == "/etc/suture/entitlement.pem"
    assert section["baseurl"].startswith(f"{URL}/targets/")  # the first of the mirrors
    host.conf(f"[repository]\nurl={URL}\nclient-certificate=/etc/c.pem\n")
    host.run()
    (section,) = host.sections().values()
    assert section["sslclientcert"] == "/etc/c.pem" and "sslclientkey" not in section


def test_keyring_is_the_repositorys_once_it_is_there(host):
    host.run("--url", URL)
    assert host.sections().popitem()[1]["gpgkey"] == "file:///etc/suture/trust/rpm-keyring.asc"
    (host.root / "var/lib/suture/trust").mkdir(parents=True)
    host.run("--url", URL)
    assert host.sections().popitem()[1]["gpgkey"] == "file:///var/lib/suture/trust/rpm-keyring.asc"


def test_second_run_leaves_the_file_alone(host):
    assert "wrote" in host.run("--url", URL).stdout
    before = host.file.stat()
    assert "unchanged" in host.run("--url", URL).stdout
    assert (host.file.stat().st_ino, host.file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    host.run("--url", f"{URL}/other")
    assert host.file.stat().st_ino != before.st_ino and "/other/" in host.file.read_text()
    assert [path.name for path in host.yum.iterdir()] == ["suture.repo"]
    assert host.file.stat().st_mode & 0o777 == 0o644


def test_zypper_gets_it_where_there_is_no_dnf(host):
    host.yum.rmdir()
    zypper = host.root / "etc/zypp/repos.d"
    zypper.mkdir(parents=True)
    assert host.run("--url", URL).status == 0
    assert (zypper / "suture.repo").exists()


def test_output_goes_where_it_is_told(host, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert host.run("--url", URL, "--output", tmp_path / "elsewhere").status == 0
    printed = host.run("--url", URL, "--output", "-").stdout
    assert (tmp_path / "elsewhere/suture.repo").read_text() == printed
    assert not host.file.exists()


def test_running_kernel_has_a_section_on_its_own_machine():
    printed = run(BIN / "suture", "repo-config", "--url", URL, "--output", "-")
    assert f"name=Live patches for kernel {platform.release()}\n" in printed.stdout


@pytest.mark.parametrize("arguments,reason", [
    ([], "config"), (["--url", "patches"], "config"), (["--url", "ftp://example.org/"], "config"),
    (["--url", "https://example.org/\nenabled=0"], "config"), (["--url", URL, "surplus"], "usage")])
def test_bad_input_is_refused_and_nothing_written(host, arguments, reason):
    result = host.run(*arguments)
    assert result.reason == reason and result.status != 0
    assert not host.file.exists()


def test_root_without_kernels_or_folder_is_refused(tmp_path):
    host = Host(tmp_path)
    assert host.run("--url", URL).reason == "config"
    host.kernel("6.1.0-1")
    host.yum.rmdir()
    assert host.run("--url", URL).reason == "config"
