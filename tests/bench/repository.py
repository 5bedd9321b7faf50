# SPDX-License-Identifier: LGPL-2.1-or-later
"""A repository of up to 100,000 bundles for 500 kernels, as many for each: what a host's refresh costs, beside `dnf makecache` on one rpm-md index of
the same packages, and publishing one more, beside `createrepo_c --update` on one folder of them. Both are served by nginx over TLS on loopback,
with the `gzip on` of share/nginx; the bounds are for that. Bundles are made up: records and rpm-md of a real one with other names and digests; those
that are added are real. For createrepo_c every package is a link to one file of the size and time that its index has, which is what --update looks
at; it gets their list sorted (finding them itself, version 0.17.3 took four minutes for 100,000), and its index has no advisories, which ours has. All
of it lies in memory (/dev/shm): nobody waits for a disk. Times are the least of several, but for the first publish; CPU time counts a program and what
it starts, gpg's agent left out; memory is the most that was resident."""
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import synthetic
from lib import pipeline
from lib.httpd import Nginx

KERNELS = 500
SIZES = (10, 1_000, 100_000)
ROUNDS = 5
ADDED = ("proc-version-2-1", "proc-uptime-1-1", "proc-version-1-1")
VENDOR = pipeline.VENDOR_BIN / "suture-vendor"
GZIP = "gzip on; gzip_types application/json; gzip_min_length 256; types { application/json json; application/gzip gz; application/xml xml; }"
KB = 1000


@dataclass(frozen=True)
class Used:
    wall: float
    cpu: float
    memory: int
    output: str

    def __str__(self):
        return f"{_time(self.wall)}, CPU {_time(self.cpu)}, {self.memory / 1e6:.0f} MB"


def _time(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _bytes(count):
    return f"{count} bytes" if count < 10 * KB else f"{count / KB:.0f} KB" if count < 10_000 * KB else f"{count / 1e6:.1f} MB"


def _bound(figure, bound):
    return f"{_bytes(figure)} ({'within' if figure < bound else 'OVER'} the bound of {_bytes(bound)})"


def _used(command):
    """time(1) stands between: what a process inherits from Python would count as its memory."""
    with tempfile.NamedTemporaryFile("r") as said:
        began = time.monotonic()
        output = subprocess.run(["time", "-f", "%U %S %M", "-o", said.name, *map(str, command)], check=True, stdout=subprocess.PIPE,
                                text=True).stdout
        wall = time.monotonic() - began
        user, system, memory = map(float, said.read().split())
    return Used(wall, user + system, int(memory) * 1024, output)


def _least(many):
    return Used(min(one.wall for one in many), min(one.cpu for one in many), min(one.memory for one in many), many[-1].output)


class Web(pipeline.Web):
    """One that knows how many bytes its bodies had."""

    def __init__(self, folder, scratch, more=""):
        super().__init__(folder, scratch)
        self.server.__exit__()
        self.log = Path(scratch) / "bodies.log"
        self.server = Nginx(folder, Path(scratch) / "nginx", Path(scratch) / "server.pem", Path(scratch) / "server.key",
                            more=f"access_log {self.log} combined; {more}")
        self.url = self.server.url
        self.seen = 0

    def bodies(self):
        """(path, bytes) of each request since the last call."""
        lines = self.log.read_text().splitlines()[self.seen:]
        self.seen += len(lines)
        return [(line.split('"')[1].split()[1], int(line.split('"')[2].split()[1])) for line in lines]


class Publisher:
    """A repository with the test vendor's keys."""

    def __init__(self, vendor, folder):
        self.vendor, self.folder, self.public = vendor, folder, folder / "public"
        roles = [word for role in ("root", "targets", "snapshot", "timestamp") for word in (f"--{role}-key", vendor.keys / f"{role}.key")]
        vendor.tool("repo", "init", folder, *roles, "--rpm-key", vendor.rpm_key, "--trust", vendor.trust)
        self.trust = Path(shutil.copytree(vendor.trust, folder / "trust"))
        vendor.tool("repo", "root", folder, "-o", self.trust / "root.json")

    def publish(self):
        return _used([VENDOR, "--quiet", "repo", "publish", self.folder])

    def add(self, bundle):
        return _used([VENDOR, "--quiet", "repo", "add", self.folder, self.vendor.packages[bundle]])

    def written(self, since):
        """Bytes of the files that were written since a moment, each counted once for all its names."""
        sizes = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                state = os.lstat(f"{folder}/{name}")
                if state.st_mtime_ns >= since:
                    sizes[state.st_ino] = state.st_size
        return sum(sizes.values())


def _fetch(host):
    """(used, requests, bytes)"""
    used = _used([pipeline.BIN / "suture", "--root", host.root, "fetch", *host.identity, "--dry-run", "--json"])
    said = json.loads(used.output)
    return used, said["requests"], said["bytes"]


class Hosts:
    """Hosts of one state, each of which sees what comes next for the first time."""

    def __init__(self, publisher, web, folder, release=None):
        self.publisher, self.web, self.folder, self.release = publisher, web, Path(folder), release
        self.made = 0
        self.first = self._new()

    def _new(self):
        self.made += 1
        build_id = synthetic.build_id(self.release) if self.release else None
        return pipeline.Host(self.folder / str(self.made), self.publisher.trust, self.web.url, self.web.ca, self.release, build_id)

    def _copy(self):
        self.made += 1
        return self.first.copy(self.folder / str(self.made))

    def contact(self):
        """First contact, then each further one with nothing new."""
        first = [_fetch(host) for host in [self.first, *(self._new() for _ in range(ROUNDS - 1))]]
        return first, [_fetch(self.first) for _ in range(ROUNDS)]

    def copies(self):
        return [self._copy() for _ in range(ROUNDS)]


def _row(fetches, bound=None):
    _, requests, size = fetches[0]
    used = _least([fetch[0] for fetch in fetches])
    return f"{requests} requests, {_bound(size, bound) if bound else _bytes(size)}; {used}"


def _parts(bodies):
    """What was asked for."""
    sizes = Counter()
    for path, size in bodies:
        role = path.rsplit("/", 1)[1].removesuffix(".json").split(".", 1)[-1]
        if path.startswith("/targets/"):
            role = "trust anchors"
        elif role == "root":
            role = "the 404 for the next root"
        elif role not in ("timestamp", "snapshot", "targets"):
            role = "the kernel's role"
        sizes[role] += size
    return ", ".join(f"{role} {size}" for role, size in sizes.items())


class Bench:
    """One size of repository."""

    def __init__(self, vendor, folder, count):
        self.count, self.kernels, self.folder = count, min(count, KERNELS), Path(folder)
        self.folder.mkdir()
        self.publisher = Publisher(vendor, self.folder / "repo")
        synthetic.fill_shelf(synthetic.Template(vendor), self.publisher.folder / "state/bundles", count, self.kernels)
        self.initial = self.publisher.publish()
        self.added = []  # (add, publish, bytes written) of each bundle
        self.what = f"{count:,} bundles, {self.kernels} kernels"

    def _add(self, bundle):
        since = time.time_ns()
        added, published = self.publisher.add(bundle), self.publisher.publish()
        self.added.append((added, published, self.publisher.written(since)))

    def _without_gzip(self):
        """Bytes of first contact and after one publish, which follows."""
        with Web(self.publisher.public, self.folder / "plain") as web:
            hosts = Hosts(self.publisher, web, self.folder / "plain-hosts")
            first = _fetch(hosts.first)[2]
            self._add(ADDED[1])
            return first, _fetch(hosts.first)[2]

    def refresh(self):
        with Web(self.publisher.public, self.folder / "web", GZIP) as web:
            hosts = Hosts(self.publisher, web, self.folder / "hosts")
            others = Hosts(self.publisher, web, self.folder / "others", synthetic.releases(self.kernels)[1])
            _fetch(others.first)
            web.bodies()
            first, nothing = hosts.contact()
            first_parts = _parts(web.bodies()[:first[0][1]])
            copies, other_copies = hosts.copies(), others.copies()
            self._add(ADDED[0])
            one = [_fetch(host) for host in copies]
            one_parts = _parts(web.bodies()[:one[0][1]])
            other = [_fetch(host) for host in other_copies]
        plain_first, plain_one = self._without_gzip()
        what = f"`suture fetch --dry-run`, {self.what}"
        return [
            (f"{what}: first contact", f"{_row(first, 256 * KB)}. Of these: {first_parts}. Without gzip {_bytes(plain_first)}"),
            (f"{what}: nothing new", _row(nothing, KB)),
            (f"{what}: after one publish for its kernel", f"{_row(one, 128 * KB)}. Of these: {one_parts}. Without gzip {_bytes(plain_one)}"),
            (f"{what}: after one publish for another kernel", _row(other, 128 * KB)),
        ], first, nothing, one

    def client(self):
        """The client alone, which takes no CA: refresh, the kernel's role, and its list."""
        with Nginx(self.publisher.public, self.folder / "client-web", more=GZIP) as web:
            rounds = []
            for number in range(ROUNDS):
                metadata = self.folder / f"client-{number}"
                words = [pipeline.BIN / "suture-tuf-client", "--metadata-dir", metadata, "--metadata-url", f"{web.url}/metadata"]
                pipeline.must([*words, "init", self.publisher.trust / "root.json"])
                rounds.append([_used([*words, "list", pipeline.kernel().release]) for _ in range(2)])
        first, again = (_least([each[i] for each in rounds]) for i in range(2))
        what = f"`suture-tuf-client list` of one kernel over plain HTTP, {self.what}, {len(first.output.splitlines())} of them listed"
        return [(f"{what}: first contact", str(first)), (f"{what}: nothing new", str(again))]

    def publishing(self):
        everything = sum(path.stat().st_size for path in (self.publisher.public / "metadata").iterdir())
        self._add(ADDED[2])
        adding, publishing = (_least([each[i] for each in self.added]) for i in range(2))
        written = max(each[2] for each in self.added)
        nothing = _least([self.publisher.publish() for _ in range(ROUNDS)])
        role = self.publisher.folder / "state/kernels" / f"{pipeline.kernel().release}.json"
        return [
            (f"`suture repo publish`, the first one, {self.what}", f"{self.initial}; {_time(self.initial.wall / self.kernels)} a kernel"),
            (f"`suture repo add` of one more, {self.what}", str(adding)),
            (f"`suture repo publish` of one more, {self.what}", f"{publishing}"),
            (f"`suture repo add` and `publish` of one more, {self.what}: bytes written, public and private",
             f"{_bytes(written)}, of them the kernel's role {_bytes(role.stat().st_size)}; all public TUF metadata has {_bytes(everything)}"),
            (f"`suture repo publish` with nothing to do, {self.what}", str(nothing)),
        ], publishing, written


class Dnf:
    """dnf over an empty root with one repository; no check of signatures, which ours makes."""

    def __init__(self, folder, web):
        self.folder, self.web = Path(folder), web
        (self.folder / "repos").mkdir(parents=True)
        (self.folder / "repos/flat.repo").write_text(f"[flat]\nname=flat\nbaseurl={web.url}\ngpgcheck=0\nrepo_gpgcheck=0\nsslcacert={web.ca}\n")
        (self.folder / "dnf.conf").write_text(
            f"[main]\nreposdir={folder}/repos\ncachedir={folder}/cache\npersistdir={folder}/persist\nlogdir={folder}/log\nplugins=0\n")

    def makecache(self):
        """(used, requests, bytes)"""
        self.web.bodies()
        used = _used(["dnf", "-q", "-y", "-c", self.folder / "dnf.conf", "--installroot", self.folder / "root", "--releasever", "1", "--forcearch", "x86_64",
                      "--refresh", "makecache"])
        bodies = self.web.bodies()
        return used, len(bodies), sum(size for _, size in bodies)

    def forget(self):
        shutil.rmtree(self.folder / "root")


def _flat(vendor, folder, count):
    """Rows; first contact, nothing new and after one package more of dnf; `createrepo_c --update`; bytes that it wrote."""
    index = synthetic.FlatIndex(synthetic.Template(vendor), folder / "flat", count, KERNELS)
    names = folder / "pkglist"
    update = ["createrepo_c", "--quiet", "--update", "--no-database", "--workers", str(os.cpu_count()), "--pkglist", names, index.folder]
    with Web(index.folder, folder / "flat-web", GZIP) as web:
        dnf = Dnf(folder / "dnf", web)
        first = [dnf.makecache()]
        dnf.forget()
        first.append(dnf.makecache())
        nothing = [dnf.makecache() for _ in range(2)]
        updates, after = [], []
        for bundle in ADDED:
            index.add(vendor.packages[bundle])
            index.write_list(names)
            updates.append(_used(update))
            after.append(dnf.makecache())
    what = f"`dnf makecache`, one index of {count:,} packages"
    return [
        (f"{what}: first contact", _row(first)), (f"{what}: nothing new", _row(nothing)), (f"{what}: after one package more", _row(after)),
        (f"`createrepo_c --update` after one package more of {count:,}", str(_least(updates))),
        ("the same: bytes written", _bytes(index.size())),
    ], first, nothing, after, _least(updates), index.size()


def _ratio(what, ours, theirs):
    return (f"ratio: {what}", f"{ours / theirs:.2g}")


def _ratios(ours, theirs):
    rows = []
    for what, mine, other in zip(("first contact", "nothing new", "after one more"), ours, theirs, strict=True):
        times = [_least([fetch[0] for fetch in side]) for side in (mine, other)]
        rows += [_ratio(f"{what}, bytes, `suture fetch` over `dnf makecache`", mine[0][2], other[0][2]),
                 _ratio(f"{what}, time, `suture fetch` over `dnf makecache`", times[0].wall, times[1].wall)]
    return rows


def run():
    vendor = pipeline.vendor()
    rows, root = [], "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=root) as folder:
        folder = Path(folder)
        for count in SIZES:
            bench = Bench(vendor, folder / str(count), count)
            refresh, *ours = bench.refresh()
            rows += refresh
        flat, *theirs, update, rewritten = _flat(vendor, folder, SIZES[-1])
        publishing, publish, written = bench.publishing()
        rows += [*flat[:3], *_ratios(ours, theirs), *bench.client(), *publishing, *flat[3:]]
        rows += [_ratio("publishing one more, time, `suture repo publish` over `createrepo_c --update`", publish.wall, update.wall),
                 _ratio("publishing one more, bytes written", written, rewritten)]
    return rows
