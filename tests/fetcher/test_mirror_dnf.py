# SPDX-License-Identifier: LGPL-2.1-or-later
"""What dnf makes of a mirror of the vendor's repository, one that was synced and one that came on media, with every signature checked."""
import json

import pytest
from lib.httpd import Nginx
from mirror_fixture import Mirror
from repo_fixture import Repository, packages, plus_release, release
from test_repo_dnf import Dnf, advisories


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    made = Repository(tmp_path_factory.mktemp("vendor"))
    assert made.init().status == 0
    made.must("add", *(packages()[name] for name in ("meminfo-1-1", "meminfo-2-1", "plus-1-1")))
    made.must("publish")
    return made


def ok(result):
    assert result.status == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module", params=["synced", "imported"])
def web(request, vendor, tmp_path_factory):
    """A web server over the mirror, which alone is what dnf sees."""
    folder = tmp_path_factory.mktemp(request.param)
    root = vendor.metadata / "1.root.json"
    with Nginx(vendor.public, folder / "vendor-nginx") as server:
        report = ok(Mirror(folder / "synced", root).sync(server.url))
    assert report["kernels"] == 2 and report["rpm_md"] == 2
    mirror = Mirror(folder / "synced", root)
    if request.param == "imported":
        ok(mirror.run("export", "-o", folder / "media", mirror.folder, "--json"))
        ok(mirror.run("import", folder / "media", folder / "imported", "--trusted-root", root, "--json"))
        mirror = Mirror(folder / "imported")
    assert mirror.run("verify", mirror.folder).status == 0
    with Nginx(mirror.folder, folder / "nginx") as server:
        server.mirror = mirror
        yield server


@pytest.fixture
def dnf(web, tmp_path):
    return Dnf(tmp_path, web.url, release(), web.mirror.folder / "RPM-GPG-KEY-suture")


def test_repositories_ask_for_both_checks(dnf):
    text = (dnf.root / "repos/suture.repo").read_text()
    assert "gpgcheck=1" in text and "repo_gpgcheck=1" in text


def test_lists_every_package(dnf):
    result = dnf.run("repoquery", "--qf", "%{name} %{version}")
    assert result.status == 0, result.stderr
    name = f"livepatch-{release()}-meminfo"
    assert result.stdout.split("\n")[:-1] == [f"{name} 1", f"{name} 2"]


def test_downloads_every_package_and_lists_advisories_with_cves(dnf):
    name = f"livepatch-{release()}-meminfo"
    result = dnf.run("install", f"{name}-1-1")
    assert result.status == 0, result.stderr
    offered = ["CVE-2026-0002", "Critical/Sec.", f"{name}-2-1.x86_64"]
    assert advisories(dnf.run("updateinfo", "list", "--with-cve")) == [offered]
    result = dnf.run("upgrade", "--cve", "CVE-2026-0002")
    assert result.status == 0, result.stderr
    assert (dnf.root / "root/usr/lib/suture" / release() / "meminfo-2-1/manifest.json").exists()


def test_kernel_with_plus_in_its_release(web, tmp_path):
    plus = Dnf(tmp_path, web.url, plus_release(), web.mirror.folder / "RPM-GPG-KEY-suture")
    result = plus.run("install", "livepatch-*-meminfo")
    assert result.status == 0, result.stderr + result.stdout
    assert (tmp_path / "root/usr/lib/suture" / plus_release() / "meminfo-1-1/manifest.json").exists()


def test_spoiled_mirror_is_refused_by_dnf_too(web, vendor, tmp_path):
    """Nothing that the mirror does makes it trusted."""
    path = web.mirror.folder / "targets" / release() / "repodata/repomd.xml"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"<revision>", b"<revision>1"))
    try:
        dnf = Dnf(tmp_path, web.url, release(), vendor.vendor.trust / "rpm-keyring.asc")
        assert dnf.run("makecache").status != 0
    finally:
        path.write_bytes(data)
