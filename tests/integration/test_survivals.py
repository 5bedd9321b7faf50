# SPDX-License-Identifier: LGPL-2.1-or-later
"""What time and package managers must not take away: bundles signed before a key's end, boots after a certificate's end,
and what is known of a live patch whose package was upgraded or removed."""
import json
import shutil
import sysconfig
from pathlib import Path

import pytest
from lib import evil, pipeline
from lib.tufrepo import Repo

VERSION, NEXT_VERSION, UPTIME = "proc-version-1-1", "proc-version-2-1", "proc-uptime-1-1"
SIGNED_BEFORE = [name for name in evil.GOOD if name.startswith("signed-before")]


@pytest.mark.parametrize("name", SIGNED_BEFORE)
def test_signature_made_before_the_key_ended_is_fetched(tmp_path, name):
    shop = evil.workshop()
    repo = Repo(tmp_path / "repo")
    repo.add_target(f"{pipeline.kernel().release}/{name}.rpm", shop.package(name).read_bytes(), shop.target(name))
    repo.bump("targets")
    host = pipeline.Host(tmp_path / "host", shop.trust, f"file://{repo.folder}",
                         build_id=evil.bundle.default_kernel()["build_id"])
    (host.root / "etc/suture/trust/root.json").write_bytes(repo.read("root"))
    result = host.fetch()
    assert result.status == 0, result.stderr
    assert host.bundles() == ["meminfo-2-1"]


# Boots after the end of the signer's certificate


def after_the_end():
    """A moment after the manifest signer's certificate, as date(1) takes it."""
    certificate = pipeline.vendor().keys / "manifest.pem"
    end = pipeline.must(["openssl", "x509", "-in", certificate, "-noout", "-enddate"]).partition("=")[2].strip()
    return pipeline.must(["date", "-u", "-d", f"{end} + 10 days", "+%Y-%m-%d %H:%M:%S"]).strip()


APPLY = "suture apply 2>&1; echo $?; ls /sys/kernel/livepatch | sort"
LATE = f"date -u -s '%s' >/dev/null; {APPLY}"


def installed_by_package(root):
    """A host on which the package manager has put the vendor's first bundle."""
    host = pipeline.Host(root, pipeline.vendor().trust)
    folder = host.root / "usr/lib/suture" / host.release / VERSION
    shutil.copytree(pipeline.vendor().bundles[VERSION], folder)
    return host


def test_fetched_bundle_is_applied_after_its_signers_end(tmp_path):
    host = pipeline.Host(tmp_path / "host", pipeline.vendor().trust, f"file://{pipeline.vendor().public}")
    assert host.fetch().status == 0
    lines = host.boot(LATE % after_the_end()).output.splitlines()
    assert lines[-3:] == ["0", "proc_uptime_1_1", "proc_version_1_1"], lines


def test_installed_bundle_needs_its_first_apply_before_its_signers_end(tmp_path):
    host = installed_by_package(tmp_path / "host")
    lines = host.boot(LATE % after_the_end()).output.splitlines()
    assert lines[0].endswith("[cms-expired]") and lines[1:] == ["4"], lines


def test_installed_bundle_is_applied_at_later_boots_after_its_signers_end(tmp_path):
    host = installed_by_package(tmp_path / "host")
    lines = host.boot(APPLY).output.splitlines()
    assert lines[-2:] == ["0", "proc_version_1_1"], lines
    lines = host.boot(LATE % after_the_end()).output.splitlines()
    assert lines[-2:] == ["0", "proc_version_1_1"], lines


# The package goes, the patch stays

NOTE = """
note() {
	suture status --json >/out/$1.json 2>/out/$1.err; echo $? >/out/$1.status
	cat /proc/version >/out/$1.proc
	find /usr/lib/suture -type f 2>/dev/null | sort >/out/$1.files
}
set -e
"""
RPM = NOTE + """
rpmkeys --import /etc/suture/trust/rpm-keyring.asc
env /usr/bin/rpm -i --nodeps /packages/*-proc-version-1-1.*.rpm /packages/*-proc-uptime-1-1.*.rpm
suture apply
note installed
env /usr/bin/rpm -U --nodeps /packages/*-proc-version-2-1.*.rpm
note upgraded
env /usr/bin/rpm -e --nodeps $(env /usr/bin/rpm -qa 'livepatch-*')
note removed
suture apply
note applied
suture revert --all </dev/null 2>/out/asked.err || echo $? >/out/asked.status
suture revert --all --yes --json >/out/revert.json
note reverted
suture audit verify
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    """What the virtual machine did with rpm, in a folder."""
    out = tmp_path_factory.mktemp("guest")
    host = pipeline.Host(out / "host", pipeline.vendor().trust)
    copies = [(path, "/packages/") for path in pipeline.vendor().packages.values()]
    copies += [(f"/usr/bin/{name}", "/usr/bin/") for name in ("rpm", "rpmkeys")] + [("/usr/lib/rpm", "/usr/lib/rpm")]
    result = host.boot(RPM, copies=copies, out=out)
    assert result.status == 0, result.output
    return out


def rows(guest, when):
    """(id, state) of what `suture status` listed."""
    return [(row["id"], row["state"]) for row in json.loads((guest / f"{when}.json").read_text())["patches"]]


def fixed(guest, when):
    return json.loads((guest / f"{when}.json").read_text())["fixed"]


LIVE = [(UPTIME, "live"), (VERSION, "live")]
REMOVED = [(UPTIME, "live, package removed"), (VERSION, "live, package removed")]
CVES = ["CVE-0000-0001", "CVE-0000-0002"]


def test_packages_by_rpm_are_live(guest):
    assert rows(guest, "installed") == LIVE
    assert fixed(guest, "installed") == CVES
    assert len((guest / "installed.files").read_text().splitlines()) == 6


def test_upgrade_of_the_package_leaves_the_patch_live(guest):
    assert f"/{VERSION}/" not in (guest / "upgraded.files").read_text()
    assert rows(guest, "upgraded")[:2] == [LIVE[0], REMOVED[1]]
    assert NEXT_VERSION in [name for name, _ in rows(guest, "upgraded")[2:]]
    assert fixed(guest, "upgraded") == CVES


def test_removal_of_the_packages_leaves_the_patches_live(guest):
    assert (guest / "removed.files").read_text() == ""
    assert rows(guest, "removed") == REMOVED
    assert fixed(guest, "removed") == CVES
    assert (guest / "removed.status").read_text() == "0\n"
    assert (guest / "removed.proc").read_text() == (guest / "installed.proc").read_text()


def test_apply_without_packages_changes_nothing(guest):
    assert rows(guest, "applied") == REMOVED


def test_revert_works_without_the_packages(guest):
    assert (guest / "asked.status").read_text() == "10\n"
    assert all(cve in (guest / "asked.err").read_text() for cve in CVES)
    reverted = json.loads((guest / "revert.json").read_text())
    assert [patch["id"] for patch in reverted["reverted"]] == [UPTIME, VERSION]
    assert sorted(reverted["reopened"]) == CVES
    assert rows(guest, "reverted") == []
    assert (guest / "reverted.proc").read_text() != (guest / "installed.proc").read_text()


# The same by dnf, and a newer version on top of the old one

DNF = NOTE + """
dnf() {
	LC_ALL=C /usr/bin/dnf -y --releasever=1 --noplugins --nodocs --setopt=cachedir=/tmp/dnf "$@"
}
mkdir /etc/yum.repos.d
suture repo-config --url file:///repo
dnf install "livepatch-$(uname -r)-proc-version-1-1"
suture apply
note installed
dnf upgrade
note upgraded
suture apply
note stacked
dnf remove 'livepatch-*'
note removed
suture revert --all --yes --json >/out/revert.json
note reverted
suture audit verify
"""
PACKAGES = Path("/usr/lib/python3/dist-packages")
PYTHON = [Path(sysconfig.get_path("stdlib")),
          *(PACKAGES / name for name in ("dnf", "gpg", "hawkey", "libcomps", "libdnf", "rpm"))]
# Large, or with libraries that only stand beside each other.
UNUSED = shutil.ignore_patterns("config-*", "test", "lib2to3", "pydoc_data")
PROGRAMS = ("python3", "dnf", "gpg", "gpgconf", "gpg-agent", "rpmkeys")


def dnf_files(folder):
    """What dnf consists of, as copies for a virtual machine; folder holds the trimmed ones meanwhile."""
    copies = [(shutil.copytree(path, folder / path.name, symlinks=True, ignore=UNUSED), path) for path in PYTHON]
    copies += [(f"/usr/bin/{name}", "/usr/bin/") for name in PROGRAMS]
    return [*copies, ("/usr/lib/rpm", "/usr/lib/rpm"), ("/etc/dnf/dnf.conf", "/etc/dnf/")]


def published(folder):
    """What a repository of the shared vendor's with both versions offers."""
    vendor = pipeline.vendor()
    home = folder / "gpg"
    shutil.copytree(vendor.gpg_home, home, ignore=shutil.ignore_patterns("S.*", "*.lock", ".#*"))
    roles = [word for role in ("root", "targets", "snapshot", "timestamp")
             for word in (f"--{role}-key", vendor.keys / f"{role}.key")]
    rpm_key = vendor.rpm_key.replace(str(vendor.gpg_home), str(home))
    try:
        vendor.tool("repo", "init", folder / "repo", *roles, "--rpm-key", rpm_key, "--trust", vendor.trust)
        vendor.tool("repo", "add", folder / "repo", vendor.packages[VERSION], vendor.packages[NEXT_VERSION])
        vendor.tool("repo", "publish", folder / "repo")
    finally:
        pipeline.must(["gpgconf", "--homedir", home, "--kill", "all"])
    return folder / "repo/public"


@pytest.fixture(scope="module")
def dnf_guest(tmp_path_factory):
    """What the virtual machine did with dnf, in a folder."""
    folder, out = (tmp_path_factory.mktemp(name) for name in ("dnf", "dnf-guest"))
    host = pipeline.Host(folder / "host", pipeline.vendor().trust)
    (host.root / "etc/rpm").mkdir()
    # Debian's default is a folder of the user's.
    (host.root / "etc/rpm/macros").write_text("%_dbpath /var/lib/rpm\n")
    copies = [*dnf_files(folder / "python"), (published(folder), "/repo")]
    result = host.boot(DNF, copies=copies, out=out, timeout=300)
    assert result.status == 0, result.output
    return out


NEXT_LIVE, NEXT_REMOVED = (NEXT_VERSION, "live"), (NEXT_VERSION, "live, package removed")


def test_package_by_dnf_is_live(dnf_guest):
    assert rows(dnf_guest, "installed") == LIVE[1:]
    assert fixed(dnf_guest, "installed") == CVES[:1]


def test_dnf_upgrade_leaves_the_patch_live(dnf_guest):
    files = (dnf_guest / "upgraded.files").read_text()
    assert f"/{NEXT_VERSION}/" in files and f"/{VERSION}/" not in files
    assert rows(dnf_guest, "upgraded") == [REMOVED[1], (NEXT_VERSION, "installed")]
    assert fixed(dnf_guest, "upgraded") == CVES[:1]
    assert (dnf_guest / "upgraded.proc").read_text() == (dnf_guest / "installed.proc").read_text()


def test_apply_after_dnf_upgrade_stacks_the_new_version(dnf_guest):
    assert rows(dnf_guest, "stacked") == [NEXT_LIVE, REMOVED[1]]


def test_dnf_removal_leaves_the_patches_live(dnf_guest):
    assert (dnf_guest / "removed.files").read_text() == ""
    assert rows(dnf_guest, "removed") == [NEXT_REMOVED, REMOVED[1]]
    assert fixed(dnf_guest, "removed") == CVES[:1]
    assert (dnf_guest / "removed.proc").read_text() == (dnf_guest / "stacked.proc").read_text()


def test_revert_works_after_dnf_removal(dnf_guest):
    reverted = json.loads((dnf_guest / "revert.json").read_text())
    assert [patch["id"] for patch in reverted["reverted"]] == [NEXT_VERSION, VERSION]
    assert reverted["reopened"] == CVES[:1]
    assert rows(dnf_guest, "reverted") == [] and fixed(dnf_guest, "reverted") == []
    assert (dnf_guest / "reverted.proc").read_text() != (dnf_guest / "installed.proc").read_text()
