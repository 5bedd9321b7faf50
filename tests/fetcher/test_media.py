# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture mirror export and import: across an air gap, whatever becomes of the media on its way."""
import hashlib
import io
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tarfile

import pytest
from lib.tufrepo import Key, expiry
from mirror_fixture import BIN, KERNELS, KEYRING, Mirror, Upstream, initial_root, suture
from test_mirror import check_readers, check_whole, copied, rotate, synced, url

ONE, OTHER = KERNELS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository, its root, and a mirror of it."""
    folder = tmp_path_factory.mktemp("upstream")
    upstream = Upstream(folder / "repo")
    upstream.root = initial_root(upstream, folder)
    upstream.outside = Mirror(folder / "outside", upstream.root)
    synced(upstream.outside, url(upstream))
    upstream.media = folder / "full.tar.zst"
    export(upstream.outside, upstream.media)
    return upstream


@pytest.fixture
def upstream(made, tmp_path):
    return copied(made, tmp_path / "repo")


@pytest.fixture
def outside(made, tmp_path):
    subprocess.run(["cp", "-a", made.outside.folder, tmp_path / "outside"], check=True)
    return Mirror(tmp_path / "outside", made.root)


@pytest.fixture
def inside(made, tmp_path):
    return Mirror(tmp_path / "inside", made.root)


def export(mirror, media, *words):
    result = mirror.run("export", "-o", media, *words, mirror.folder, "--json")
    assert result.status == 0, result.stderr
    return result.json


def import_(mirror, media, *words, **options):
    return mirror.run("import", media, mirror.folder, "--trusted-root", mirror.root, *words, "--json", **options)


def imported(mirror, media, *words, **options):
    result = import_(mirror, media, *words, **options)
    assert result.status == 0, result.stderr
    return result.json


def state_of(mirror, path):
    result = mirror.run("state", mirror.folder)
    assert result.status == 0, result.stderr
    path.write_text(result.stdout)
    return path


def unpack(media):
    """Name to bytes, in their order, as tar and zstd read it."""
    text = subprocess.run(["zstd", "-dcq", media], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def contents(entries, kernels=()):
    """The list of contents of entries."""
    lines = ["suture-media 1", *(f"kernel {kernel}" for kernel in kernels)]
    lines += [f"{hashlib.sha256(data).hexdigest()} {len(data)} {name}" for name, data in entries]
    return "\n".join([*lines, ""]).encode()


def pack(path, entries, listed=None, change=None, format=tarfile.PAX_FORMAT):
    """Writes (name, bytes) pairs behind a list of contents: of themselves, or @listed. change(TarInfo): its header."""
    listed = contents(entries) if listed is None else listed
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=format) as archive:
        for name, data in [("suture-media", listed), *entries]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if change:
                info = change(info) or info
            archive.addfile(info, io.BytesIO(data))
    subprocess.run(["zstd", "-q", "-f", "-o", path], input=text.getvalue(), check=True)
    return path


def files_of(media):
    """(name, bytes) of what comes after the list."""
    return list(unpack(media).items())[1:]


# What travels

def test_all_of_it(made, inside):
    report = imported(inside, made.media)
    assert report["changed"] and report["new_files"] == 5 and report["rpm_md"] == 2 and report["requests"] == 0
    check_whole(inside, made)
    assert inside.run("verify", inside.folder).status == 0


def test_again_changes_nothing(made, inside):
    imported(inside, made.media)
    before = inside.served()
    assert imported(inside, made.media)["new_files"] == 0
    assert inside.served() == before


def test_media_is_what_tar_reads_and_lists_itself(made):
    entries = unpack(made.media)
    assert list(entries)[0] == "suture-media"
    assert entries["suture-media"] == contents(list(entries.items())[1:])
    assert set(entries) - {"suture-media"} == set(made.served()) - {"RPM-GPG-KEY-suture"}


def test_equal_mirrors_give_equal_media(made, tmp_path):
    export(made.outside, tmp_path / "again.tar.zst")
    assert (tmp_path / "again.tar.zst").read_bytes() == made.media.read_bytes()


def test_only_what_the_other_side_lacks(upstream, outside, inside, tmp_path):
    export(outside, tmp_path / "full")
    imported(inside, tmp_path / "full")
    upstream.add_package(ONE, "new.rpm")
    rotate(upstream)
    upstream.publish(ONE)
    synced(outside, url(upstream))
    export(outside, tmp_path / "part", "--since", state_of(inside, tmp_path / "state"))
    names = list(unpack(tmp_path / "part"))
    assert [name for name in names if name.endswith(".rpm")] == [name for name in names if name.endswith("new.rpm")]
    assert not [name for name in names if OTHER in name or "trust/" in name or "1.root" in name]
    assert imported(inside, tmp_path / "part")["new_files"] == 1
    assert inside.served() == outside.served()


def test_since_a_state_whose_metadata_is_gone(upstream, outside, inside, tmp_path):
    """More travels than need be, and all arrives."""
    export(outside, tmp_path / "full")
    imported(inside, tmp_path / "full")
    upstream.add_package(ONE, "new.rpm")
    upstream.publish(ONE)
    synced(outside, url(upstream))
    assert outside.run("prune", outside.folder).status == 0
    export(outside, tmp_path / "part", "--since", state_of(inside, tmp_path / "state"))
    assert len([name for name in unpack(tmp_path / "part") if name.endswith(".rpm")]) == 3
    imported(inside, tmp_path / "part")
    assert upstream.served().items() <= inside.served().items()


def test_since_nothing_is_all(made, inside, tmp_path):
    export(made.outside, tmp_path / "all", "--since", state_of(inside, tmp_path / "state"))
    assert (tmp_path / "all").read_bytes() == made.media.read_bytes()


def test_chosen_kernels(made, inside, tmp_path):
    export(made.outside, tmp_path / "one", "--kernel", "6.1.*")
    imported(inside, tmp_path / "one")
    check_whole(inside, made, f"metadata/2.{OTHER}", f"targets/{OTHER}")
    assert import_(inside, made.media).reason == "media-kernels"
    assert made.outside.run("export", "-o", tmp_path / "none", "--kernel", "5.*", made.outside.folder).reason == "mirror-kernel"
    assert not (tmp_path / "none").exists()


def test_kernels_that_the_mirror_was_not_to_have(upstream, tmp_path, made):
    mirror = Mirror(tmp_path / "one", made.root)
    synced(mirror, url(upstream), "--kernel", ONE)
    assert mirror.run("export", "-o", tmp_path / "media", "--kernel", "*", mirror.folder).reason == "mirror-kernel"


def test_withdrawals_and_revocations_travel(upstream, outside, inside, tmp_path):
    """A recall is a member of its kernel's role, a CRL a target."""
    export(outside, tmp_path / "full")
    imported(inside, tmp_path / "full")
    recall = {"id": "patch-0", "manifest_sha256": "0" * 64, "reason": "breaks", "withdrawn": "2026-11-23T00:00:00Z"}
    upstream.signed[ONE]["x-suture-withdrawn"] = [recall]
    upstream.add_target("trust/cms-crl.pem", b"revoked")
    upstream.publish("targets", ONE)
    synced(outside, url(upstream))
    export(outside, tmp_path / "part", "--since", state_of(inside, tmp_path / "state"))
    imported(inside, tmp_path / "part")
    role = json.loads((inside.folder / f"metadata/3.{ONE}.json").read_bytes())
    assert role["signed"]["x-suture-withdrawn"] == [recall]
    assert len([name for name in inside.served() if name.endswith("cms-crl.pem")]) == 1


def test_state_that_is_none(made, tmp_path):
    for text in ("", "{}", "[]", '{"format": 2, "root": 1, "timestamp": 1, "snapshot": 1, "targets": 1, "roles": {}}',
                 '{"format": 1, "root": 1, "timestamp": -1, "snapshot": 1, "targets": 1, "roles": {}}',
                 '{"format": 1, "root": 1, "timestamp": 1, "snapshot": 1, "targets": 1, "roles": {"x": 1}}'):
        (tmp_path / "state").write_text(text)
        result = made.outside.run("export", "-o", tmp_path / "m", "--since", tmp_path / "state", made.outside.folder)
        assert result.reason == "mirror-state" and not (tmp_path / "m").exists()


def test_state_that_is_ahead(upstream, made, inside, tmp_path):
    upstream.publish()
    synced(inside, url(upstream))
    state = state_of(inside, tmp_path / "state")
    result = made.outside.run("export", "-o", tmp_path / "m", "--since", state, made.outside.folder)
    assert result.reason == "mirror-state-newer"


def test_export_of_a_damaged_mirror(outside, tmp_path):
    path = sorted(outside.folder.glob(f"targets/{ONE}/*.rpm"))[0]
    data = path.read_bytes()
    for wrong in (data[:-1] + b"x", data[:-1]):
        path.write_bytes(wrong)
        result = outside.run("export", "-o", tmp_path / "m", outside.folder)
        assert result.reason == "mirror-damaged"
        assert not [each for each in tmp_path.iterdir() if each.name not in ("outside",)]


def test_export_to_a_full_disk(made, tmp_path):
    (tmp_path / "kept").write_text("old")
    result = made.outside.run("export", "-o", tmp_path / "kept", made.outside.folder,
                              wrapper=["prlimit", "--fsize=8192", "env"])
    assert result.status != 0 and (tmp_path / "kept").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


# The network

def test_without_any_network_and_without_a_socket(made, inside, tmp_path):
    trace = tmp_path / "trace"
    imported(inside, made.media, wrapper=["unshare", "-n", "strace", "-f", "-o", trace, "-e",
                                          "trace=socket,socketpair,connect,bind,execve"])
    text = trace.read_text()
    assert "execve" in text and not re.search(r"\b(socket|socketpair|connect|bind)\(", text), text
    check_whole(inside, made)


# Time

def test_media_that_expired(upstream, inside, tmp_path):
    outside = Mirror(tmp_path / "other", inside.root)
    synced(outside, url(upstream))
    export(outside, tmp_path / "media")
    late = ["faketime", "+35 days"]  # all of it lives for thirty
    assert import_(inside, tmp_path / "media", wrapper=late).reason.endswith("-expired")
    assert "metadata/timestamp.json" not in inside.served()


@pytest.mark.parametrize("days, allowed, reason", [
    (3, None, "tuf-timestamp-expired"), (3, 2, "tuf-timestamp-expired"), (3, 4, None)])
def test_late_media_by_max_stale(upstream, inside, tmp_path, days, allowed, reason):
    for role in ("timestamp", "snapshot"):
        upstream.signed[role]["expires"] = expiry(1)
    for role in ("root", "targets", *KERNELS):
        upstream.signed[role]["expires"] = expiry(300)
    upstream.publish()
    upstream.bump("root")
    outside = Mirror(tmp_path / "other", inside.root)
    synced(outside, url(upstream))
    export(outside, tmp_path / "media")
    words = [] if allowed is None else ["--max-stale", str(allowed)]
    result = import_(inside, tmp_path / "media", *words, wrapper=["faketime", f"+{days} days"])
    assert result.reason == reason, result.stderr
    if not reason:
        assert result.json["stale_since"] > 0
        assert upstream.served().items() <= inside.served().items()


def test_older_media_than_what_is_here(upstream, made, outside, inside, tmp_path):
    upstream.publish()
    synced(outside, url(upstream))
    export(outside, tmp_path / "new")
    imported(inside, tmp_path / "new")
    before = inside.served()
    assert import_(inside, made.media).reason == "tuf-timestamp-rollback"
    assert import_(inside, made.media, "--max-stale", "300").reason == "tuf-timestamp-rollback"
    assert inside.served() == before


# Hostile media

def refused(inside, media, reason):
    """Nobody sees anything of it."""
    result = import_(inside, media)
    assert result.reason == reason, result.stderr
    assert "metadata/timestamp.json" not in inside.served()
    leftover = [path for path in inside.folder.parent.iterdir() if path.name in ("x", "evil")]
    assert not leftover and not pathlib.Path("/tmp/suture-evil").exists()


@pytest.mark.parametrize("data", [b"", b"x", b"\x28\xb5\x2f\xfd", b"PK\x03\x04" * 100, bytes(10240)])
def test_what_is_no_media(inside, tmp_path, data):
    (tmp_path / "media").write_bytes(data)
    assert import_(inside, tmp_path / "media").reason in ("media-format", "media-truncated")


def test_other_compressions_and_formats(made, inside, tmp_path):
    """Only the one that export writes: each reader is code that meets bytes from outside."""
    text = subprocess.run(["zstd", "-dcq", made.media], check=True, capture_output=True).stdout
    (tmp_path / "media").write_bytes(subprocess.run(["gzip"], input=text, capture_output=True, check=True).stdout)
    refused(inside, tmp_path / "media", "media-format")


@pytest.mark.parametrize("name", [
    "/tmp/suture-evil", "../evil", "metadata/../../evil", "targets/../evil", "metadata/.hidden.json", "metadata//x.json", "evil",
    ".state/record.json", "RPM-GPG-KEY-suture", "metadata/a/b.json", "metadata/x", "targets/a b", "targets/" + "a/" * 20 + "b",
    "targets/" + "x" * 300])
def test_names_that_no_mirror_has(made, inside, tmp_path, name):
    entries = sorted([*files_of(made.media), (name, b"evil")], key=lambda each: not each[0].startswith("metadata/"))
    refused(inside, pack(tmp_path / "media", entries), "media-path")


@pytest.mark.parametrize("type, extra", [
    (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "suture-media"), (tarfile.CHRTYPE, ""), (tarfile.BLKTYPE, ""),
    (tarfile.FIFOTYPE, ""), (tarfile.DIRTYPE, ""), (tarfile.SYMTYPE, "../../evil")])
@pytest.mark.parametrize("which", ["suture-media", "metadata/timestamp.json", "rpm"])
def test_entries_that_are_no_files(made, inside, tmp_path, type, extra, which):
    def change(info):
        if info.name.endswith(which):
            info.type, info.linkname, info.size = type, extra, 0

    refused(inside, pack(tmp_path / "media", files_of(made.media), change=change), "media-type")


def test_sparse_entry(made, inside, tmp_path):
    """A hole that is as large as one likes takes no room on the media."""
    entries = files_of(made.media)

    def change(info):
        if info.name.endswith("patch-0.rpm"):
            info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0",
                                "GNU.sparse.size": str(len(dict(entries)[info.name])), "GNU.sparse.name": info.name}

    result = import_(inside, pack(tmp_path / "media", entries, change=change))
    assert result.reason in ("media-type", "media-format", "media-size", "media-digest", "media-order"), result.stderr
    assert "metadata/timestamp.json" not in inside.served()


def test_twice_the_same_name(made, inside, tmp_path):
    entries = files_of(made.media)
    refused(inside, pack(tmp_path / "media", [*entries, entries[-1]]), "media-list")
    refused(inside, pack(tmp_path / "media2", [*entries, entries[-1]], contents(entries)), "media-order")


def test_more_than_its_list_says_and_another_order(made, inside, tmp_path):
    entries = files_of(made.media)
    refused(inside, pack(tmp_path / "more", [*entries, ("targets/more", b"x")], contents(entries)), "media-order")
    swapped = [entries[1], entries[0], *entries[2:]]
    refused(inside, pack(tmp_path / "swapped", swapped, contents(entries)), "media-order")
    late = sorted(entries, key=lambda each: each[0].startswith("metadata/"))
    refused(inside, pack(tmp_path / "late", late), "media-list")


def test_less_than_its_list_says(made, inside, tmp_path):
    entries = files_of(made.media)
    refused(inside, pack(tmp_path / "media", entries[:-1], contents(entries)), "media-truncated")


def test_other_sizes_and_bytes_than_its_list_says(made, inside, tmp_path):
    entries = files_of(made.media)
    name, data = entries[7]
    for index, (wrong, reason) in enumerate([(data + b"x", "media-size"), (data[:-1], "media-size"),
                                             (data[:-1] + b"x", "media-digest")]):
        changed = [(each, wrong if each == name else bytes_) for each, bytes_ in entries]
        refused(inside, pack(tmp_path / f"media{index}", changed, contents(entries)), reason)


@pytest.mark.parametrize("listed", [
    b"", b"suture-media 2\n", b"suture-media 1", b"suture-media 1\nx\n", b"suture-media 1\nkernel \n", b"suture-media 1\n\n",
    b"suture-media 1\n" + b"0" * 64 + b" -1 metadata/timestamp.json\n", b"suture-media 1\n" + b"0" * 64 + b" 1\n",
    b"suture-media 1\n" + b"0" * 64 + b" 99999999999999999999 metadata/timestamp.json\n", b"suture-media 1\n\0\n",
    b"suture-media 1\n" + b"0" * 64 + b" 5000000000 targets/x\n", b"suture-media 1\n" + b"kernel x\n" * 1001,
    b"suture-media 1\n" + b"G" * 64 + b" 1 metadata/timestamp.json\n", b"suture-media 1\n" + b"0" * 64 + b" 1 metadata/timestamp.json"])
def test_list_that_is_malformed(made, inside, tmp_path, listed):
    refused(inside, pack(tmp_path / "media", files_of(made.media), listed), "media-list")


def test_metadata_larger_than_it_may_be(made, inside, tmp_path):
    entries = [("metadata/timestamp.json", b" " * 20_000 + dict(files_of(made.media))["metadata/timestamp.json"]),
               *[each for each in files_of(made.media) if each[0] != "metadata/timestamp.json"]]
    refused(inside, pack(tmp_path / "media", sorted(entries, key=lambda each: not each[0].startswith("metadata/"))),
            "tuf-metadata-too-large")
    huge = [(name, bytes(99_999_999) if name.endswith("timestamp.json") else data) for name, data in files_of(made.media)]
    refused(inside, pack(tmp_path / "huge", huge), "media-size")


def test_thousands_of_entries_that_nobody_signed(made, inside, tmp_path):
    entries = files_of(made.media)
    many = [(f"targets/{ONE}/{number}", b"") for number in range(5000)]
    merged = sorted([*entries, *many], key=lambda each: ("repodata" in each[0], not each[0].startswith("metadata/")))
    refused(inside, pack(tmp_path / "media", merged), "media-unsigned")
    spam = [(f"metadata/{number}.json", b"{}") for number in range(2000)]
    result = import_(inside, pack(tmp_path / "spam", [*spam, *entries]))  # metadata that nobody asks for
    assert result.status == 0 and len(inside.served()) == len(made.served())


@pytest.mark.parametrize("what", ["entries", "text"])
def test_list_without_end(inside, tmp_path, what):
    listed = {"entries": b"".join(b"%064x 0 targets/%d\n" % (number, number) for number in range(250_001)),
              "text": b"kernel " + bytes(1 << 26) + b"\n"}[what]
    result = import_(inside, pack(tmp_path / "media", [], b"suture-media 1\n" + listed))
    assert result.reason == {"entries": "media-list", "text": "media-size"}[what]


def test_compression_bomb(made, inside, tmp_path):
    """A gigabyte of zeros in some kilobytes, where something small is expected."""
    bomb = bytes(1 << 28)
    entries = [*files_of(made.media)[:6], (f"targets/{ONE}/bomb", bomb)]
    result = import_(inside, pack(tmp_path / "media", entries))
    assert result.reason in ("media-incomplete", "media-unsigned")
    assert sum(path.stat().st_size for path in inside.folder.rglob("*") if path.is_file()) < 100_000


@pytest.mark.parametrize("target", ["package", "keyring", "rpm-md"])
def test_changed_with_a_list_that_agrees(made, inside, tmp_path, target):
    """The list is not signed: what is signed decides."""
    pattern = {"package": r"patch-0.rpm$", "keyring": r"rpm-keyring.asc$", "rpm-md": r"primary.xml.gz$"}[target]
    entries = [(name, data[:-1] + bytes([data[-1] ^ 1]) if re.search(pattern, name) else data)
               for name, data in files_of(made.media)]
    refused(inside, pack(tmp_path / "media", entries), "media-unsigned")


def test_changed_metadata_with_a_list_that_agrees(made, inside, tmp_path):
    for name in [each for each, _ in files_of(made.media) if each.startswith("metadata/")]:
        entries = [(each, data.replace(b'"spec_version": "1.0.31"', b'"spec_version": "1.0.30"') if each == name else data)
                   for each, data in files_of(made.media)]
        result = import_(inside, pack(tmp_path / "media", entries))
        if name == "metadata/1.root.json":
            assert result.status == 0  # it has it already, from a trusted way
            assert (inside.folder / name).read_bytes() == dict(files_of(made.media))[name]
        else:
            assert result.reason.endswith("-signature") or result.reason in ("tuf-snapshot-hash", "tuf-snapshot-length"), name
        shutil.rmtree(inside.folder)  # roles that were good are not asked for again


@pytest.mark.parametrize("how", ["stranger", "changed", "unsigned", "lists-more"])
def test_rpm_md_that_is_not_believed(upstream, inside, tmp_path, how):
    """TUF readers are served all the same."""
    outside = Mirror(tmp_path / "other", inside.root)
    synced(outside, url(upstream))
    export(outside, tmp_path / "good")
    folder = pathlib.Path(upstream.targets, ONE, "repodata")
    prefix = f"targets/{ONE}/repodata/"
    if how == "stranger":
        upstream.write_rpm_md(ONE, sign_by="stranger")
    elif how == "lists-more":
        upstream.write_rpm_md(ONE, upstream.packages_of(ONE) | {f"{ONE}/x.rpm": {"length": 1, "hashes": {"sha256": "0" * 64}}})
    elif how == "changed":
        (folder / "repomd.xml").write_bytes((folder / "repomd.xml").read_bytes().replace(b"<revision>1", b"<revision>2"))
    else:
        (folder / "repomd.xml.asc").write_bytes(b"nothing\n")
    entries = [each for each in files_of(tmp_path / "good") if not each[0].startswith(prefix)]
    hrefs = re.findall(r'location href="([^"]+)"', (folder / "repomd.xml").read_text())
    entries += [(prefix + name, (folder / name).read_bytes())
                for name in ("repomd.xml.asc", "repomd.xml", *(os.path.basename(href) for href in hrefs))]
    result = import_(inside, pack(tmp_path / "media", entries))
    assert result.reason == ("mirror-rpm-md-package" if how == "lists-more" else "mirror-rpm-md-signature"), result.stderr
    served = inside.served()
    assert "metadata/timestamp.json" in served and not [name for name in served if name.startswith(prefix)]
    assert imported(inside, tmp_path / "good")["rpm_md"] == 2


def test_media_by_another_publisher(made, inside, tmp_path):
    other = Upstream(tmp_path / "evil-repo")
    other.set_keys("timestamp", [Key()])
    other.bump("root")
    other.publish()
    outside = Mirror(tmp_path / "other", initial_root(other, tmp_path))
    synced(outside, url(other))
    export(outside, tmp_path / "media")
    entries = [each for each in files_of(tmp_path / "media") if "2.root" not in each[0]]
    refused(inside, pack(tmp_path / "media2", entries), "tuf-timestamp-signature")


def test_part_that_does_not_fit(upstream, made, outside, inside, tmp_path):
    """Made for a mirror that has the rest; nothing of it is shown, and the whole one still helps."""
    full = state_of(outside, tmp_path / "state")
    upstream.add_package(ONE, "new.rpm")
    upstream.publish(ONE)
    synced(outside, url(upstream))
    export(outside, tmp_path / "part", "--since", full)
    refused(inside, tmp_path / "part", "media-incomplete")
    export(outside, tmp_path / "all")
    imported(inside, tmp_path / "all")
    assert upstream.served().items() <= inside.served().items()


# Cut short

def test_bytes_flipped(tmp_path):
    """As test-media.c does with every byte of another media, by the command, and with as many as fit into the time."""
    upstream = Upstream(tmp_path / "repo", kernels=KERNELS[:1], packages=1, size=40)
    outside = Mirror(tmp_path / "outside", initial_root(upstream, tmp_path))
    synced(outside, url(upstream))
    export(outside, tmp_path / "media")
    data = (tmp_path / "media").read_bytes()
    exact = outside.served()
    step = int(os.environ.get("SUTURE_FLIP_STEP", "61"))
    harmless = 0
    for index in range(0, len(data), step):
        wrong = bytearray(data)
        wrong[index] ^= 1 << (index % 8)
        (tmp_path / "wrong").write_bytes(wrong)
        inside = Mirror(tmp_path / "inside", outside.root)
        result = import_(inside, tmp_path / "wrong")
        assert result.status in (0, 3, 4), (index, result)
        if result.status == 0:
            harmless += 1
            assert inside.served() == exact, index
        else:
            assert "metadata/timestamp.json" not in inside.served(), index
        shutil.rmtree(inside.folder)
    assert harmless < len(data) / step / 4


def test_media_that_ends_anywhere(made, inside, tmp_path):
    data = made.media.read_bytes()
    random.seed(7)
    for size in sorted(random.sample(range(1, len(data) - 1), 40)):
        (tmp_path / "media").write_bytes(data[:size])
        result = import_(inside, tmp_path / "media")
        assert result.reason in ("media-truncated", "media-format"), (size, result.stderr)
        assert "metadata/timestamp.json" not in inside.served()
    imported(inside, made.media)
    check_whole(inside, made)


@pytest.fixture
def two_states(upstream, outside, inside, made, tmp_path):
    """The inner mirror has the old state; a media brings the new one."""
    imported(inside, made.media)
    old = inside.served()
    for kernel in KERNELS:
        upstream.add_package(kernel, "new.rpm", 300_000)
        upstream.remove_package(kernel, "patch-0.rpm")
    upstream.publish()
    synced(outside, url(upstream))
    export(outside, tmp_path / "new", "--since", state_of(inside, tmp_path / "state"))
    return inside, tmp_path / "new", (old, upstream.served())


def test_killed_at_random_points(two_states, tmp_path):
    inside, media, states = two_states
    kept = tmp_path / "kept"
    subprocess.run(["cp", "-a", inside.folder, kept], check=True)
    random.seed(11)
    killed = 0
    for _ in range(120):
        with subprocess.Popen([BIN / "suture", "mirror", "import", media, inside.folder, "--quiet"],
                              stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(random.uniform(0, 0.08))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
        check_readers(inside, states)
        if killed % 10 == 0 or inside.served()["metadata/timestamp.json"] == states[1]["metadata/timestamp.json"]:
            imported(inside, media)
            assert states[1].items() <= inside.served().items()
            shutil.rmtree(inside.folder)
            subprocess.run(["cp", "-a", kept, inside.folder], check=True)
    assert killed > 20


@pytest.mark.parametrize("what", ["signal=SIGKILL", "error=ENOSPC"])
@pytest.mark.parametrize("calls", ["renameat", "linkat", "write"])
def test_stopped_at_each_step(two_states, tmp_path, calls, what):
    inside, media, states = two_states
    kept = tmp_path / "kept"
    subprocess.run(["cp", "-a", inside.folder, kept], check=True)
    reached_any = 0
    for count in range(1, 400, 7 if calls == "write" else 1):
        trace = tmp_path / "trace"
        result = import_(inside, media, wrapper=["strace", "-q", "-o", trace, "-e", f"trace={calls}", "-e",
                                                 f"inject={calls}:{what}:when={count}"])
        reached = "INJECTED" in trace.read_text() or "killed by SIGKILL" in trace.read_text()
        if not reached:
            break
        reached_any += 1
        check_readers(inside, states)
        imported(inside, media)
        assert states[1].items() <= inside.served().items()
        shutil.rmtree(inside.folder)
        subprocess.run(["cp", "-a", kept, inside.folder], check=True)
    assert reached_any > 3


def test_full_disk(two_states, tmp_path):
    inside, media, states = two_states
    result = import_(inside, media, wrapper=["prlimit", "--fsize=200000", "env"])
    assert result.status != 0
    check_readers(inside, states)
    imported(inside, media)
    assert states[1].items() <= inside.served().items()


# Secrets

def test_no_private_key_on_media_and_in_mirrors(made, inside, tmp_path):
    imported(inside, made.media)
    texts = [b"".join(unpack(made.media).values()), *inside.served().values()]
    texts += [path.read_bytes() for path in (inside.folder / ".state").rglob("*") if path.is_file()]
    assert not [text for text in texts if b"PRIVATE KEY" in text or b"SECRET" in text]
