# SPDX-License-Identifier: LGPL-2.1-or-later
"""A vendor's root of entitlements, and the nginx configuration that we ship, over a folder of channels."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

SOURCE = Path(os.environ["SUTURE_SOURCE"])
VENDOR = Path(os.environ.get("SUTURE_VENDOR_BIN", os.environ["SUTURE_BIN"])) / "suture-vendor"


def run(*argv, faketime=None, check=True, **options):
    argv = [str(word) for word in argv]
    if faketime:  # its library comes before a sanitizer's
        argv = ["faketime", "-f", faketime, *argv]
        options["env"] = {**os.environ, "ASAN_OPTIONS": "verify_asan_link_order=0"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    assert not check or done.returncode == 0, (argv, done.stderr, done.stdout)
    return done


class Root:
    """What `suture entitle` keeps in a folder. Made 100 days ago, so that there is a past to issue in."""

    def __init__(self, folder, *options):
        self.folder = Path(folder)
        self.entitle("init", *options, faketime="-100d")

    def entitle(self, verb, *arguments, **options):
        """Standard output of `suture entitle VERB FOLDER ...`."""
        return run(VENDOR, "entitle", verb, self.folder, *arguments, **options).stdout

    def json(self, verb, *arguments, **options):
        return json.loads(self.entitle(verb, "--json", *arguments, **options))

    def refused(self, verb, *arguments, **options):
        """(exit code, reason code) of a call that must fail with one line."""
        done = run(VENDOR, "entitle", verb, self.folder, *arguments, check=False, **options)
        assert done.returncode and len(done.stderr.splitlines()) == 1, (done.stderr, done.stdout)
        return done.returncode, re.search(r"\[([a-z-]+)\]$", done.stderr.strip())[1]

    def issue(self, path, customer="ACME", channels=("stable",), days=30, faketime=None):
        """What issue --json says."""
        words = [word for channel in channels for word in ("--channel", channel)]
        return self.json("issue", "--customer", customer, *words, "--days", days, "-o", path, faketime=faketime)


class Server:
    """nginx with share/nginx/suture.conf as it is but for its paths and port."""

    def __init__(self, scratch, channels):
        self.scratch = Path(scratch)
        self.files = self.scratch / "suture"
        self.files.mkdir(parents=True)
        self.ca = self.files / "server.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.files / "server.key", "-out", self.ca)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        shipped = (SOURCE / "share/nginx/suture.conf").read_text()
        for old, new in (("\tlisten [::]:443 ssl http2;\n", ""), ("/etc/nginx/suture/", f"{self.files}/"), ("listen 443", f"listen 127.0.0.1:{self.port}"),
                         ("/srv/suture", str(channels)), ("/var/log/nginx", str(self.scratch))):
            assert old in shipped
            shipped = shipped.replace(old, new)
        temporary = " ".join(f"{kind}_temp_path {self.scratch}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.config = self.scratch / "nginx.conf"
        self.config.write_text(f"daemon off; pid {self.scratch}/pid; worker_processes 1; worker_shutdown_timeout 1s;\n"
                               + ("user root;\n" if os.getuid() == 0 else "")
                               + f"events {{ worker_connections 256; }}\nhttp {{ {temporary}\n{shipped} }}\n")
        self.process = None

    def install(self, *roots, crl=None):
        """What the roots say now; a CRL for a month, unless one is given."""
        parts = {"root.pem": [], "crl.pem": [], "entitlements.map": []}
        for root in roots:
            root.entitle("nginx", "-o", self.scratch / "map")
            if not crl:
                root.entitle("crl", "-o", self.scratch / "crl")
            parts["root.pem"].append((root.folder / "ca.pem").read_text())
            parts["crl.pem"].append((crl or self.scratch / "crl").read_text())
            parts["entitlements.map"].append((self.scratch / "map").read_text())
        for name, texts in parts.items():
            (self.files / name).write_text("".join(texts))
        self.reload()

    def reload(self):
        if self.process:
            before = self._workers()
            self.process.send_signal(signal.SIGHUP)
            self._until(lambda: self._workers() and not self._workers() & before)
            return
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{self.scratch}/error.log", "-c", str(self.config)])
        self._until(self._answers)

    def _workers(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(path.read_text().split())

    def _answers(self):
        assert self.process.poll() is None, (self.scratch / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _until(self, condition):
        for _ in range(500):
            if condition():
                return
            time.sleep(0.02)
        raise RuntimeError((self.scratch / "error.log").read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def curl(self, path, certificate=None, *options):
        """The HTTP status that curl gets."""
        words = ["--cert", certificate] if certificate else []
        done = run("curl", "-s", "--path-as-is", "--cacert", self.ca, *words, "-o", "/dev/null", "-w", "%{http_code}", *options,
                   f"{self.url}{path}", check=False)
        return int(done.stdout)

    def headers(self, path, certificate, *options):
        done = run("curl", "-s", "--cacert", self.ca, "--cert", certificate, "-D", "-", "-o", "/dev/null", *options,
                   f"{self.url}{path}")
        lines = done.stdout.strip().splitlines()
        return lines[0], {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}

    def requests(self):
        """The lines of the log so far."""
        log = self.scratch / "suture.log"
        return log.read_text().splitlines() if log.exists() else []
