# SPDX-License-Identifier: LGPL-2.1-or-later
"""Downloads in a process of their own: another user's, who can write to one folder and nothing else."""
import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from lib import pipeline
from lib.pipeline import Web
from repo_fixture import release
from test_host_repository import host, outcomes, refused, repo  # noqa: F401

NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}  # leaks cannot be looked for under another tracer


@pytest.fixture
def web(repo, tmp_path):  # noqa: F811
    with Web(repo.public, tmp_path / "web") as server:
        yield server


@pytest.fixture
def apart(host, web, tmp_path):  # noqa: F811
    """A host whose downloads happen as nobody."""
    host.configure(web.url, web.ca)
    with open(host.root / "etc/suture/suture.conf", "a", encoding="utf-8") as file:
        file.write("[fetch]\nuser=nobody\n")
    for folder in [host.root, *host.root.parents]:  # pytest's folders are for root alone
        if folder.is_relative_to(tmp_path.parent.parent):
            folder.chmod(0o755)
    return host


def traced(apart, trace, *options):
    return pipeline.run(["strace", "-ff", "-o", trace, *options, pipeline.BIN / "suture", "--root", apart.root, "fetch",
                         *apart.identity], environment=NO_LEAKS)


def test_fetch_through_another_users_process(apart):
    result = apart.fetch("--json")
    assert outcomes(result)["meminfo-1-1"] == ("fetched", None)
    assert result.json["requests"] > 4 and result.json["bytes"] > 10000
    folder = apart.state / "download"
    assert folder.stat().st_mode & 0o777 == 0o700 and folder.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert list(folder.iterdir()) == []
    assert apart.fetch("--json").json["requests"] == 2


def test_only_the_other_process_talks_to_a_network(apart, tmp_path):
    result = traced(apart, tmp_path / "trace", "-y", "-e", "trace=connect,sendto,recvfrom,setresuid,prctl")
    assert result.status == 0, result.stderr
    texts = [path.read_text() for path in tmp_path.glob("trace.*")]
    (worker,) = [text for text in texts if "setresuid(" in text]
    assert "PR_SET_NO_NEW_PRIVS" in worker and worker.index("PR_SET_NO_NEW_PRIVS") < worker.index("AF_INET")
    assert not [text for text in texts if text != worker and "connect(" in text and "AF_INET" in text]


def test_process_has_no_rights_left(tmp_path):
    """Asked directly, over the socket that the program itself uses."""
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.chown(folder, "nobody")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, subprocess.Popen(["bash", "-c", f'exec "{pipeline.BIN}/suture" http-worker 3<&{theirs.fileno()}'],
                                pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        ours.send(json.dumps({"user": "nobody", "folder": str(folder)}).encode())
        assert json.loads(ours.recv(65536))["ok"] is True
        text = (Path("/proc") / str(process.pid) / "status").read_text()
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"} and not status["Groups"].strip()
        assert status["CapEff"].strip("0") == status["CapPrm"].strip("0") == "" and status["NoNewPrivs"] == "1"
        ours.shutdown(socket.SHUT_RDWR)
        assert process.wait(10) == 0


def test_server_that_lies_is_refused_the_same_way(apart, repo):  # noqa: F811
    before = apart.tree()
    path = repo.metadata / "timestamp.json"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(good + b" " * (1 << 20))
    refused(apart.fetch(), "tuf-metadata-too-large")
    path.unlink()
    refused(apart.fetch(), "fetch-not-found")
    assert apart.tree("metadata", "download", "partial", "refresh.json") == before


def test_broken_download_goes_on_in_the_next_run(apart, web, repo):  # noqa: F811
    """What the process could not finish stays in its own folder."""
    package = next(repo.public.glob(f"targets/{release()}/*.rpm"))
    half = package.stat().st_size // 2
    folder = apart.state / "download"
    folder.mkdir(parents=True)
    begun = folder / hashlib.sha256(f"{web.url}/targets/{release()}/{package.name}".encode()).hexdigest()
    begun.write_bytes(package.read_bytes()[:half])
    begun.chmod(0o600)
    shutil.chown(begun, "nobody")
    whole, _ = apart.copy(apart.root.parent / "other"), shutil.rmtree(apart.root.parent / "other/var")
    result, other = apart.fetch("--json"), whole.fetch("--json")
    assert outcomes(result)["meminfo-1-1"] == outcomes(other)["meminfo-1-1"] == ("fetched", None)
    assert other.json["bytes"] - result.json["bytes"] == half


def test_user_that_is_not_there_is_refused(apart):
    conf = apart.root / "etc/suture/suture.conf"
    conf.write_text(conf.read_text().replace("nobody", "nosuchuser"))
    refused(apart.fetch(), "fetch-worker")


def test_process_that_is_killed_is_an_error_and_nothing_else(apart, tmp_path):
    before = apart.tree()
    result = traced(apart, tmp_path / "trace", "-e", "trace=setresuid", "-e", "inject=setresuid:signal=SIGKILL")
    assert [path for path in tmp_path.glob("trace.*") if "killed by SIGKILL" in path.read_text()]
    refused(result, "fetch-worker")
    assert apart.tree("download", "metadata", "partial", "refresh.json") == before


def test_key_that_root_alone_can_read_is_shown_to_the_server(apart, web, tmp_path):
    """The client certificate's key is read before the process is nobody."""
    key = apart.root / "etc/suture/client.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=client"]
    pipeline.must(["openssl", *made, "-keyout", tmp_path / "key", "-out", tmp_path / "certificate"])
    key.write_bytes((tmp_path / "key").read_bytes() + (tmp_path / "certificate").read_bytes())
    key.chmod(0o600)
    conf = apart.root / "etc/suture/suture.conf"
    conf.write_text(conf.read_text().replace("[fetch]", "client-certificate=/etc/suture/client.pem\n[fetch]"))
    result = traced(apart, tmp_path / "trace", "-e", "trace=openat,setresuid")
    assert result.status == 0, result.stderr
    (worker,) = [path.read_text() for path in tmp_path.glob("trace.*") if "setresuid(" in path.read_text()]
    assert worker.index("client.pem") < worker.index("setresuid(") and os.stat(key).st_mode & 0o777 == 0o600
