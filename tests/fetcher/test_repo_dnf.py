# SPDX-License-Identifier: LGPL-2.1-or-later
"""rpm-md as its readers see it: dnf behind a real web server, and the tools that come with libcreaterepo_c."""
import gzip
import hashlib
import shutil
import xml.etree.ElementTree as ElementTree

import pytest
import repo_fixture
from lib.httpd import Nginx
from repo_fixture import Repository, must, packages, plus_release, release, run

REPO = "{http://linux.duke.edu/metadata/repo}"
COMMON = "{http://linux.duke.edu/metadata/common}"
EPOCH = "1767225600"


def fill(folder, names=("meminfo-1-1", "meminfo-2-1", "plus-1-1"), environment=None):
    made = Repository(folder)
    assert made.init().status == 0
    made.must("add", *(packages()[name] for name in names))
    made.must("publish", environment=environment)
    return made


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("dnf"))


@pytest.fixture(scope="module")
def web(repo, tmp_path_factory):
    with Nginx(repo.public, tmp_path_factory.mktemp("nginx")) as server:
        yield server


class Dnf:
    """dnf over an empty root, with nothing but the sections that `suture repo-config` writes."""

    def __init__(self, root, url, kernel, keyring):
        self.root = root
        for folder in ("repos", "root", "cache"):
            (root / folder).mkdir()
        text = self._sections(url, kernel)
        (root / "repos/suture.repo").write_text(
            text.replace("file:///etc/suture/trust/rpm-keyring.asc", f"file://{keyring}"))
        (root / "dnf.conf").write_text(
            f"[main]\nreposdir={root}/repos\ncachedir={root}/cache\npersistdir={root}/persist\nlogdir={root}/log\n"
            "gpgcheck=1\nplugins=0\nkeepcache=0\ninstall_weak_deps=0\nmetadata_expire=0\n")

    def _sections(self, url, kernel):
        """Of @kernel alone."""
        (self.root / "host/boot").mkdir(parents=True)
        (self.root / "host/lib/modules" / kernel).mkdir(parents=True)
        (self.root / "host/boot" / f"vmlinuz-{kernel}").touch()
        return must(repo_fixture.BIN / "suture", "--root", self.root / "host", "repo-config", "--url", url,
                    "--output", "-")

    def run(self, *arguments):
        return run("dnf", "-y", "-c", self.root / "dnf.conf", "--installroot", self.root / "root", "--releasever", "1",
                   "--forcearch", "x86_64", *arguments)


@pytest.fixture
def dnf(web, repo, tmp_path):
    return Dnf(tmp_path, web.url, release(), repo.vendor.trust / "rpm-keyring.asc")


def test_lists_the_packages_of_its_kernel_alone(dnf):
    result = dnf.run("repoquery", "--qf", "%{name} %{version} %{repoid}")
    assert result.status == 0, result.stderr
    name = f"livepatch-{release()}-meminfo"
    assert result.stdout.split("\n")[:-1] == [f"{name} {version} suture-{release()}" for version in (1, 2)]


def test_finds_the_package_by_cve_and_kernel(dnf):
    for provided in (f"livepatch({release()})", "livepatch(cve:CVE-2026-0002)"):
        result = dnf.run("repoquery", "--latest-limit=1", "--whatprovides", provided)
        assert f"livepatch-{release()}-meminfo-0:2-1.x86_64" in result.stdout, result.stderr


@pytest.fixture
def dnf_with_first(dnf):
    """dnf tells advisories of packages that it has some version of."""
    result = dnf.run("install", f"livepatch-{release()}-meminfo-1-1")
    assert result.status == 0, result.stderr
    return dnf


def advisories(result):
    """Id or CVE, severity, package of each line."""
    assert result.status == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines() if "/Sec." in line]


def test_updateinfo_shows_the_cves_that_are_fixed(dnf_with_first):
    name = f"livepatch-{release()}-meminfo"
    has = ["CVE-2026-0001", "Important/Sec.", f"{name}-1-1.x86_64"]
    offered = ["CVE-2026-0002", "Critical/Sec.", f"{name}-2-1.x86_64"]
    assert advisories(dnf_with_first.run("updateinfo", "list", "--with-cve")) == [offered]
    assert advisories(dnf_with_first.run("updateinfo", "list", "--installed", "--with-cve")) == [has]
    offers = dnf_with_first.run("updateinfo", "list", "--cve", "CVE-2026-0002")
    assert advisories(offers) == [["TEST-2026:2", *offered[1:]]]


def test_updateinfo_tells_severity_and_date(dnf_with_first):
    result = dnf_with_first.run("updateinfo", "info", "TEST-2026:2")
    assert "Severity: Critical" in result.stdout and "CVE-2026-0002" in result.stdout, result.stderr
    assert "2026-01-02 03:04:05" in result.stdout and "CVE-2026-0003" not in result.stdout


def test_security_upgrade_takes_the_advisory(dnf_with_first):
    result = dnf_with_first.run("upgrade", "--cve", "CVE-2026-0002")
    assert result.status == 0, result.stderr
    assert (dnf_with_first.root / "root/usr/lib/suture" / release() / "meminfo-2-1/manifest.json").exists()


def test_installs_with_every_signature_checked(dnf):
    result = dnf.run("install", f"livepatch-{release()}-meminfo")
    assert result.status == 0, result.stderr + result.stdout
    manifest = dnf.root / "root/usr/lib/suture" / release() / "meminfo-2-1/manifest.json"
    assert manifest.exists()


def test_kernel_with_plus_in_its_release(web, repo, tmp_path):
    plus = Dnf(tmp_path, web.url, plus_release(), repo.vendor.trust / "rpm-keyring.asc")
    result = plus.run("install", "livepatch-*-meminfo")
    assert result.status == 0, result.stderr + result.stdout
    assert (tmp_path / "root/usr/lib/suture" / plus_release() / "meminfo-1-1/manifest.json").exists()


def test_public_key_file_serves_as_gpgkey(web, repo, tmp_path):
    dnf = Dnf(tmp_path, web.url, release(), repo.public / "RPM-GPG-KEY-suture")
    assert dnf.run("install", f"livepatch-{release()}-meminfo").status == 0


@pytest.fixture
def own(tmp_path):
    """A repository that the test may spoil."""
    (tmp_path / "own").mkdir()
    made = fill(tmp_path / "own", ["meminfo-1-1"])
    (tmp_path / "dnf").mkdir()
    with Nginx(made.public, tmp_path / "nginx") as server:
        made.dnf = Dnf(tmp_path / "dnf", server.url, release(), made.vendor.trust / "rpm-keyring.asc")
        yield made


def rewrite(path, change):
    """A new file, for the state holds the same inode."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(change(data))


def repodata(repo, kernel=None):
    return repo.public / "targets" / (kernel or release()) / "repodata"


def test_changed_repomd_is_refused(own):
    assert own.dnf.run("makecache").status == 0
    rewrite(repodata(own) / "repomd.xml", lambda data: data.replace(b"<revision>", b"<revision>1"))
    result = own.dnf.run("makecache", "--refresh")
    assert result.status != 0 and "signature" in result.stderr.lower(), result.stderr


def test_repomd_without_signature_is_refused(own):
    (repodata(own) / "repomd.xml.asc").unlink()
    assert own.dnf.run("makecache").status != 0


def test_repomd_by_a_key_of_nobody_is_refused(own):
    vendor = own.vendor
    other = vendor.fingerprint("stranger")
    vendor.gpg("--local-user", other, "--armor", "--detach-sign", "--yes", "--output",
               repodata(own) / "repomd.xml.asc", repodata(own) / "repomd.xml")
    assert own.dnf.run("makecache").status != 0


def test_changed_package_is_refused(own):
    (path, entry), = own.targets().items()
    rewrite(own.on_disk(path, entry), lambda data: data[:-9] + b"x" + data[-8:])
    result = own.dnf.run("install", f"livepatch-{release()}-meminfo")
    assert result.status != 0
    assert not (own.dnf.root / "root/usr/lib/suture").exists()


def test_reader_that_holds_the_old_repomd_still_finds_its_files(own):
    old = {path.name for path in repodata(own).iterdir()} - {"repomd.xml", "repomd.xml.asc"}
    own.must("add", packages()["meminfo-2-1"])
    own.must("publish")
    now = {path.name for path in repodata(own).iterdir()}
    assert old < now and len(now) == 2 * len(old) + 2


def test_removed_bundle_leaves_an_empty_repository_for_dnf(own):
    own.must("remove", "meminfo-1-1")
    own.must("publish")
    result = own.dnf.run("repoquery")
    assert result.status == 0 and result.stdout.strip() == "", result.stderr


def test_equal_input_and_time_give_equal_metadata(tmp_path):
    """In two folders, added in another order."""
    names = ["meminfo-1-1", "meminfo-2-1"]
    trees = []
    for order in (names, names[::-1]):
        (tmp_path / order[0]).mkdir()
        made = fill(tmp_path / order[0], order, {"SOURCE_DATE_EPOCH": EPOCH})
        trees.append({path.name: path.read_bytes() for path in repodata(made).iterdir()
                      if path.name != "repomd.xml.asc"})
    assert trees[0] == trees[1]
    assert f"<revision>{EPOCH}</revision>".encode() in trees[0]["repomd.xml"]


def test_malformed_source_date_epoch_is_refused(own):
    assert own.run("publish", environment={"SOURCE_DATE_EPOCH": "soon"}).reason == "config"


def records(folder):
    """type -> (file, sizes and checksums as repomd.xml says)."""
    root = ElementTree.parse(folder / "repomd.xml").getroot()
    return {each.get("type"): each for each in root.findall(f"{REPO}data")}


def test_repomd_describes_its_files(repo):
    found = records(repodata(repo))
    assert set(found) == {"primary", "filelists", "other", "updateinfo"}
    for record in found.values():
        href = record.find(f"{REPO}location").get("href")
        data = (repodata(repo).parent / href).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        assert record.find(f"{REPO}checksum").text == digest and f"/{digest}-" in href
        assert int(record.find(f"{REPO}size").text) == len(data)
        assert record.find(f"{REPO}open-checksum").text == hashlib.sha256(gzip.decompress(data)).hexdigest()


def test_location_names_the_file_that_tuf_names(repo):
    href = records(repodata(repo))["primary"].find(f"{REPO}location").get("href")
    primary = ElementTree.fromstring(gzip.decompress((repodata(repo).parent / href).read_bytes()))
    assert primary.get("packages") == "2"
    located = sorted(package.find(f"{COMMON}location").get("href") for package in primary)
    named = sorted(repo.on_disk(path, entry).name for path, entry in repo.targets().items()
                   if path.startswith(f"{release()}/"))
    assert located == named


def test_createrepo_describes_the_packages_equally(repo, tmp_path):
    """createrepo_c over the same files writes the same filelists and other, and the same primary but for file times."""
    folder = tmp_path / "copy"
    shutil.copytree(repodata(repo).parent, folder)
    shutil.rmtree(folder / "repodata")
    must("createrepo_c", "--no-database", "--changelog-limit", "0", folder)
    for kind in ("primary", "filelists", "other"):
        ours, theirs = (packages_in(each, kind) for each in (repodata(repo), folder / "repodata"))
        assert ours == theirs and len(ours) == 2


def packages_in(folder, kind):
    """XML of each package without its file's time, sorted."""
    href = records(folder)[kind].find(f"{REPO}location").get("href")
    document = ElementTree.fromstring(gzip.decompress((folder.parent / href).read_bytes()))
    for each in document.iter(f"{COMMON}time"):
        each.attrib.pop("file")
    return sorted(ElementTree.tostring(package) for package in document)
