# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mirroring 2,000 bundles of 1 MB over 20 kernels from nginx with TLS and HTTP/2 on loopback, and across an air gap; `curl --parallel`, `dnf reposync`, `tar --zstd` and `sha256sum` beside it."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import pipeline
from lib.httpd import Nginx
from measure import measured

sys.path.insert(0, str(pipeline.SOURCE / "tests/fetcher"))
import mirror_fixture  # noqa: E402

BUNDLES = int(os.environ.get("SUTURE_BENCH_BUNDLES", "2000"))
SIZE = int(os.environ.get("SUTURE_BENCH_BUNDLE_BYTES", str(1 << 20)))
KERNELS = 20
JOBS = 8
SUTURE = pipeline.BIN / "suture"


def _rate(seconds, size):
    return f"{seconds:.2f} s, {size / seconds / 1e6:.0f} MB/s"


def _certificate(folder):
    pipeline.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                   "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                   "-out", folder / "cert.pem"])
    return folder / "cert.pem", folder / "key.pem"


def _settle():
    """What was written before is not to be paid for by what is measured."""
    os.sync()


def _curl(url, paths, folder, certificate):
    """curl --parallel of the same files, into as many folders."""
    lines = [f'url = "{url}/{path}"\noutput = "{folder}/{path}"' for path in paths]
    (folder.parent / "curl.conf").write_text("\n".join(lines) + "\n")
    _settle()
    return measured(["curl", "-s", "--no-progress-meter", "--parallel", "--parallel-max", str(JOBS), "--create-dirs", "--cacert", certificate, "-K",
                     folder.parent / "curl.conf"])


def _reposync(url, kernels, folder, certificate):
    """dnf reposync of every kernel's rpm-md and packages; None where dnf does not have it."""
    if subprocess.run(["dnf", "reposync", "--releasever", "1", "--help"], capture_output=True, check=False).returncode:
        return None
    (folder / "repos").mkdir(parents=True)
    sections = [f"[k{index}]\nname=k{index}\nbaseurl={url}/targets/{kernel}/\nenabled=1\ngpgcheck=0\nsslcacert={certificate}\n"
                for index, kernel in enumerate(kernels)]
    (folder / "repos/bench.repo").write_text("\n".join(sections))
    (folder / "dnf.conf").write_text(f"[main]\nreposdir={folder}/repos\ncachedir={folder}/cache\npersistdir={folder}/persist\n"
                                     f"logdir={folder}/log\nmax_parallel_downloads={JOBS}\n")
    _settle()
    return measured(["dnf", "-q", "-c", folder / "dnf.conf", "--releasever", "1", "--forcearch", "x86_64", "reposync",
                     "--download-metadata", "-p", folder / "copy"])


def _network(upstream, folder, rows):
    certificate, key = _certificate(folder)
    size = sum(path.stat().st_size for path in Path(upstream.targets).rglob("*.rpm"))
    sync = [SUTURE, "mirror", "sync", None, folder / "mirror", "--trusted-root", folder / "root.json", "--ca-file", certificate,
            "--jobs", str(JOBS), "--quiet"]
    with Nginx(upstream.folder, folder / "nginx", certificate, key, http2=True) as web:
        sync[3] = web.url
        paths = [str(path.relative_to(upstream.folder)) for path in sorted(Path(upstream.folder).rglob("*")) if path.is_file()]
        measured(["curl", "-s", "--cacert", certificate, "-o", "/dev/null", f"{web.url}/{paths[0]}"])
        _settle()
        ours = measured(sync)
        before = len(web.requests())
        again = min((measured(sync) for _ in range(5)), key=lambda each: each.wall)
        asked = (len(web.requests()) - before) // 5
        theirs = _curl(web.url, paths, folder / "curl", certificate)
        packages = sorted((folder / "curl").rglob("*.rpm"))
        hashed = measured(["sha256sum", *packages])
        dnf = _reposync(web.url, upstream.delegated(), folder / "dnf", certificate)
    rows += [
        ("sync of all of it, verified and on disk", _rate(ours.wall, size)),
        ("its CPU time; memory at its highest", f"{ours.cpu:.2f} s; {ours.memory / 1e6:.0f} MB"),
        (f"`curl --parallel --parallel-max {JOBS}` of the same files, nothing verified", _rate(theirs.wall, size)),
        ("the same, and `sha256sum` of what came", _rate(theirs.wall + hashed.wall, size)),
        ("`dnf reposync --download-metadata`, packages not verified",
         _rate(dnf.wall, size) if dnf else "not measured: dnf-plugins-core is not installed"),
        ("ratio: sync over curl and sha256sum", f"{ours.wall / (theirs.wall + hashed.wall):.2f}"),
        ("sync with nothing new", f"{again.wall * 1000:.0f} ms, {asked} requests"),
    ]
    if dnf:
        rows.append(("ratio: sync over dnf reposync", f"{ours.wall / dnf.wall:.2f}"))
    for name in ("curl", "dnf"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _air_gap(folder, rows):
    mirror, media = folder / "mirror", folder / "media.tar.zst"
    size = sum(path.stat().st_size for path in mirror.rglob("*.rpm"))
    _settle()
    out = measured([SUTURE, "mirror", "export", "-o", media, mirror, "--quiet"])
    _settle()
    tar = measured(["tar", "--zstd", "-cf", folder / "tar.tar.zst", "--exclude=.state", "-C", mirror, "."])
    tar_synced = measured(["sync", folder / "tar.tar.zst"])
    (folder / "tar.tar.zst").unlink()
    _settle()
    into = measured([SUTURE, "mirror", "import", media, folder / "inside", "--trusted-root", folder / "root.json", "--quiet"])
    (folder / "untar").mkdir()
    _settle()
    untar = measured(["tar", "--zstd", "-xf", media, "-C", folder / "untar"])
    untar_synced = measured(["sync", "-f", folder / "untar"])
    hashed = measured(["sha256sum", *sorted((folder / "untar").rglob("*.rpm"))])
    verified = measured([SUTURE, "mirror", "verify", mirror, "--quiet"])
    rows += [
        ("export, each file compared with what was signed, fsync", _rate(out.wall, size)),
        ("`tar --zstd` of the folder, and `sync` of the archive", _rate(tar.wall + tar_synced.wall, size)),
        ("`sha256sum` of its packages", _rate(hashed.wall, size)),
        ("ratio: export over tar and sha256sum", f"{out.wall / (tar.wall + tar_synced.wall + hashed.wall):.2f}"),
        ("import, all verified, on disk", _rate(into.wall, size)),
        ("import: memory at its highest", f"{into.memory / 1e6:.0f} MB"),
        ("`tar -x` of the same media, `sync`, then `sha256sum` of its packages",
         _rate(untar.wall + untar_synced.wall + hashed.wall, size)),
        ("ratio: import over that", f"{into.wall / (untar.wall + untar_synced.wall + hashed.wall):.2f}"),
        ("verify of the mirror", _rate(verified.wall, size)),
    ]


def run():
    kernels = [f"6.1.0-{number}-amd64" for number in range(1, KERNELS + 1)]
    rows = [("bundles; bytes of each; kernels", f"{BUNDLES}; {SIZE}; {KERNELS}")]
    with tempfile.TemporaryDirectory(dir=os.environ.get("SUTURE_BENCH_DIR", pipeline.BUILD)) as folder:
        folder = Path(folder)
        upstream = mirror_fixture.Upstream(folder / "upstream", kernels, BUNDLES // KERNELS, SIZE)
        mirror_fixture.initial_root(upstream, folder)
        _network(upstream, folder, rows)
        _air_gap(folder, rows)
    return rows
