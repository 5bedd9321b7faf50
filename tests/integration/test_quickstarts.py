# SPDX-License-Identifier: LGPL-2.1-or-later
"""The quick starts in docs/, block by block as they stand there: a vendor, its mirror and that one's copy behind an air gap, and a host of the
vendor, behind a real nginx with the configuration that we ship."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from lib import handbook
from lib.httpd import Nginx
from lib.pipeline import BIN, SOURCE, Host, kernel, must, vendor

BUNDLE = "proc-version-1-1"
DOCS = {name: [text for language, text in handbook.markdown_blocks(SOURCE / f"docs/quickstart-{name}.md") if language == "sh"]
        for name in ("vendor", "mirror", "host")}

# systemctl of a machine whose only service is nginx; what else is asked of it is written down.
SYSTEMCTL = """#!/bin/sh
case "$*" in
"restart nginx"|"reload nginx")
	sed -e '/listen \\[::\\]/d' -e 's,/etc/nginx/suture/,{etc}/nginx/suture/,' -e 's,listen 443,listen 127.0.0.1:{port},' \\
		-e 's,/srv/suture,{work}/srv/suture,' -e 's,/var/log/nginx,{work}/nginx,' {etc}/nginx/conf.d/suture.conf > {work}/nginx/suture.conf
	if [ -e {work}/nginx/pid ]; then exec /usr/sbin/nginx -e {work}/nginx/error.log -c {work}/nginx/nginx.conf -s reload; fi
	exec /usr/sbin/nginx -e {work}/nginx/error.log -c {work}/nginx/nginx.conf ;;
esac
echo "$*" >> {work}/systemctl.log
"""


class World:
    """A folder that stands for the machines of the quick starts, and what their names are in it."""

    def __init__(self, folder):
        self.work = Path(folder)
        self.etc = self.work / "etc"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("nginx", "bin", "srv", "media/stick", "etc/nginx/suture", "etc/nginx/conf.d"):
            (self.work / name).mkdir(parents=True)
        self.ca = self.etc / "nginx/suture/server.pem"
        must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
              "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.ca.with_suffix(".key"), "-out", self.ca])
        temporary = " ".join(f"{kind}_temp_path {self.work}/nginx/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.work / "nginx/nginx.conf").write_text(
            f"pid {self.work}/nginx/pid; worker_processes 1;\n{'user root;' if os.getuid() == 0 else ''}\nevents {{ }}\n"
            f"http {{ {temporary} include {self.work}/nginx/suture.conf; }}\n")
        self.program("systemctl", SYSTEMCTL.format(etc=self.etc, work=self.work, port=self.port))
        self.replace = {
            "/srv/": f"{self.work}/srv/",
            "/media/": f"{self.work}/media/",
            "/etc/nginx/": f"{self.etc}/nginx/",
            "/usr/share/suture/nginx/": f"{SOURCE}/share/nginx/",
            "/usr/src/linux-headers": kernel().headers,
            "/boot/vmlinuz": kernel().image,
            "samples/version": SOURCE / "samples/version",
            "https://patches.vendor.example": f"https://127.0.0.1:{self.port}",
        }

    def program(self, name, text):
        path = self.work / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def follow(self, name, *numbers, machine=None):
        """Run blocks of a quick start; machine: the root of the host that its suture is to believe itself on."""
        replace = dict(self.replace)
        folder = self.work / "srv"
        if machine:
            self.program("suture", f'#!/bin/sh\nexec {BIN}/suture --root {machine} "$@"\n')
            replace["/etc/suture"] = f"{machine}/etc/suture"
            for word in ("mirror sync", "mirror verify"):
                replace[f"suture {word}"] = f"suture {word} --ca-file {self.ca}"
            folder = machine
        else:
            (self.work / "bin/suture").unlink(missing_ok=True)
        environment = {"PATH": f"{self.work}/bin:{BIN}:{os.environ['PATH']}"}
        return [handbook.run(DOCS[name][number], replace, folder, environment) for number in numbers]

    def machine(self, name):
        """A bare machine to which the vendor's folder was carried, and which knows the CA of the vendor's server."""
        root = self.work / name
        (root / "etc/suture").mkdir(parents=True)
        shutil.copytree(self.work / "srv/vendor/acme", root / "acme")
        shutil.copy(self.ca, root / "etc/suture/web-ca.pem")
        (root / "etc/suture/suture.conf").write_text("[repository]\nca-file=/etc/suture/web-ca.pem\n")
        return root

    def status(self, path, certificate=None):
        """The HTTP status that Python gets from the vendor's server."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if certificate:
            context.load_cert_chain(certificate)
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.port}{path}", context=context, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def close(self):
        pid = self.work / "nginx/pid"
        if pid.exists():
            os.kill(int(pid.read_text()), 15)
        subprocess.run(["gpgconf", "--homedir", self.work / "srv/vendor/gpg", "--kill", "all"], check=False)


def wait(condition):
    for _ in range(250):
        if condition():
            return
        time.sleep(0.02)
    assert condition()


@pytest.fixture(scope="module")
def world():
    """After the vendor's quick start."""
    with tempfile.TemporaryDirectory(prefix="quick-") as folder:
        os.chmod(folder, 0o755)
        made = World(folder)
        try:
            made.follow("vendor", *range(5))
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def host(world):
    """After the host's, up to where the kernel changes."""
    root = world.machine("host")
    for folder in (root / "boot", root / "lib/modules" / kernel().release):
        folder.mkdir(parents=True)
    shutil.copy(kernel().image, root / "boot" / f"vmlinuz-{kernel().release}")
    said = world.follow("host", 0, 1, 2, machine=root)
    return root, said


@pytest.fixture(scope="module")
def mirror(world):
    """After the mirror's, up to the air gap."""
    root = world.machine("mirror-machine")
    world.follow("mirror", 0, 1, machine=root)
    return root


# Vendor


def test_vendor_lets_its_customer_in_and_nobody_else(world):
    certificate = world.work / "srv/vendor/acme/entitlement.pem"
    assert world.status("/stable/metadata/timestamp.json", certificate) == 200
    assert world.status("/stable/metadata/timestamp.json") == 400
    assert world.status("/other/metadata/timestamp.json", certificate) == 403


def test_vendor_gives_customers_no_private_key_of_its_own(world):
    acme = world.work / "srv/vendor/acme"
    assert sorted(path.name for path in acme.iterdir()) == ["cms-ca.pem", "entitlement.pem", "module.pem", "root.json", "rpm-keyring.asc"]
    assert [path.name for path in acme.iterdir() if "PRIVATE" in path.read_text()] == ["entitlement.pem"]


def test_vendors_daily_job_refreshes(world):
    timestamp = world.work / "srv/patches/public/metadata/timestamp.json"
    crl = (world.etc / "nginx/suture/crl.pem").read_bytes()
    before = json.loads(timestamp.read_bytes())["signed"]["version"]
    world.follow("vendor", 5)
    assert json.loads(timestamp.read_bytes())["signed"]["version"] >= before
    assert (world.etc / "nginx/suture/crl.pem").read_bytes() != crl
    wait(lambda: world.status("/stable/metadata/timestamp.json", world.work / "srv/vendor/acme/entitlement.pem") == 200)


# Mirror


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not str(path.relative_to(folder)).startswith(".")}


def test_mirror_has_what_the_vendor_serves(world, mirror):
    public = files(world.work / "srv/patches/public")
    copied = files(world.work / "srv/mirror")
    assert {name for name in copied if name.endswith(".rpm")} == {name for name in public if name.endswith(".rpm")} != set()
    assert all(public[name] == data for name, data in copied.items() if name in public)


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_mirror_needs_no_root(world, mirror):
    acme = shutil.copytree(mirror / "acme", world.work / "nobody/acme")
    for path in (acme.parent, acme, *acme.iterdir()):
        os.chown(path, 65534, 65534)
    must(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BIN / "suture", "mirror", "sync", "--ca-file", mirror / "etc/suture/web-ca.pem",
          "--trusted-root", acme / "root.json", "--client-certificate", acme / "entitlement.pem", f"https://127.0.0.1:{world.port}/stable",
          acme.parent / "mirror"])
    assert files(acme.parent / "mirror").items() <= files(world.work / "srv/mirror").items()


def other_host(world, name, url):
    trust = shutil.copytree(world.work / "srv/vendor/acme", world.work / f"{name}-trust", ignore=shutil.ignore_patterns("entitlement.pem"))
    return Host(world.work / name, trust, url, build_id=vendor().build_id)


def test_hosts_of_the_mirror_need_no_entitlement(world, mirror):
    block = next(text for language, text in handbook.markdown_blocks(SOURCE / "docs/quickstart-mirror.md") if language == "nginx")
    hidden = block[block.index("\tlocation"):block.rindex("}")]  # the rest is what Nginx says, too
    with Nginx(world.work / "srv/mirror", world.work / "mirror-nginx", more=hidden) as server:
        host = other_host(world, "host-of-mirror", server.url)
        assert host.fetch().status == 0 and host.bundles() == [BUNDLE]
        assert any(path.name.startswith(".") for path in (world.work / "srv/mirror").iterdir())
        code = must(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{server.url}/.state/lock"])
        assert code == "404"


def test_air_gap(world, mirror):
    """The first medium, then one with what is new, to a host that sees no network at all."""
    world.follow("mirror", 2, machine=mirror)
    first = (world.work / "media/stick/media.tar.zst").stat().st_size
    host = other_host(world, "host-inside", f"file://{world.work}/srv/inside")
    assert host.fetch().status == 0 and host.bundles() == [BUNDLE]
    must([BIN / "suture", "repo", "publish", world.work / "srv/patches", "--refresh"])
    world.follow("mirror", 1, machine=mirror)
    world.follow("mirror", 3, machine=mirror)
    assert files(world.work / "srv/mirror").items() <= files(world.work / "srv/inside").items()
    assert (world.work / "media/stick/media.tar.zst").stat().st_size < first
    again = host.fetch("--json")
    newest = json.loads((world.work / "srv/patches/public/metadata/timestamp.json").read_bytes())["signed"]["version"]
    assert again.json["metadata"]["timestamp"] == newest


# Host


def test_host_fetches_what_check_told_of(host):
    root, (_, check, fetched) = host
    assert BUNDLE in check and "new" in check
    assert BUNDLE in fetched
    assert [path.name for path in (root / "var/lib/suture/bundles" / kernel().release).iterdir()] == [BUNDLE]
    assert (root / "etc/suture/entitlement.pem").stat().st_mode & 0o777 == 0o600


def test_host_applies_in_its_kernel(host, tmp_path):
    machine = Host.__new__(Host)
    machine.root = Path(shutil.copytree(host[0], tmp_path / "host"))
    machine.release = kernel().release
    result = machine.boot(DOCS["host"][3] + "ls /sys/kernel/livepatch\n")
    assert result.status == 0, result.console
    assert result.output.splitlines()[-1] == "proc_version_1_1"


def test_host_is_left_alone(world, host):
    world.follow("host", 4, machine=host[0])
    asked = (world.work / "systemctl.log").read_text()
    units = [word for word in asked.split() if word.startswith("suture-")]
    assert units == ["suture-update.timer", "suture-boot.service"]
    assert all((SOURCE / "share/systemd" / unit).exists() for unit in units)


def test_every_block_is_run():
    """As many as the tests above know of."""
    assert {name: len(blocks) for name, blocks in DOCS.items()} == {"vendor": 6, "mirror": 4, "host": 5}
