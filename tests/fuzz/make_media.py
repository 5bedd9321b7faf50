# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the corpus of fuzz-media and the root that it is judged by, with keys that nobody keeps: make_media.py SCRATCH."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "fetcher")]
from mirror_fixture import KERNELS, Mirror, Upstream, initial_root  # noqa: E402

LATE = "2046-01-01T00:00:00Z"
ARMOR = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]


class Keys:
    """One small OpenPGP key, in the place of those that tests share."""

    def __init__(self, folder):
        self.home = folder / "gpg"
        self.trust = folder / "trust"
        self.home.mkdir(mode=0o700)
        self.trust.mkdir()
        self.gpg("--quick-gen-key", "fuzz", "ed25519", "sign", "never")
        self.gpg("--armor", "--output", self.trust / "rpm-keyring.asc", "--export")

    def gpg(self, *words):
        subprocess.run(["gpg", "--homedir", self.home, *ARMOR, *map(str, words)], check=True)

    def fingerprint(self, name):
        return "fuzz"


class Small(Upstream):
    """What never expires; without rpm-md when kernels are none."""

    keys = None

    def _blank(self, role):
        return super()._blank(role) | {"expires": LATE}

    def write_rpm_md(self, kernel, *arguments, **changes):
        if self.with_rpm_md:
            super().write_rpm_md(kernel, *arguments, **changes)


def make(scratch, keys, with_rpm_md):
    folder = scratch / f"upstream-{with_rpm_md}"
    Small.with_rpm_md = with_rpm_md
    import testkeys
    testkeys.shared = lambda: keys
    upstream = Small(folder / "repo", KERNELS[:1], packages=1, size=40)
    mirror = Mirror(folder / "mirror", initial_root(upstream, folder))
    for result in (mirror.sync(f"file://{upstream.folder}"), mirror.run("export", "-o", folder / "media", mirror.folder)):
        if result.status:
            sys.exit(result.stderr)
    return upstream, (folder / "media").read_bytes()


def main():
    scratch = pathlib.Path(sys.argv[1])
    keys = Keys(scratch)
    corpus = HERE / "corpus/fuzz-media"
    corpus.mkdir(exist_ok=True)
    upstream, whole = make(scratch, keys, True)
    plain = make(scratch, keys, False)[1]  # the same keys sign: tufrepo pools them
    tar = subprocess.run(["zstd", "-dcq"], input=whole, capture_output=True, check=True).stdout
    repodata = pathlib.Path(upstream.targets, KERNELS[0], "repodata")
    primary = next(repodata.glob("*-primary.xml.gz")).read_bytes()
    seeds = {"media": b"m" + whole, "plain": b"m" + plain, "tar": b"t" + tar,
             "contents": b"c" + tar[512:512 + tar[512:].index(b"\0")], "repomd": b"r" + (repodata / "repomd.xml").read_bytes(),
             "primary": b"p" + primary, "primary-plain": b"p" + subprocess.run(["gzip", "-dc"], input=primary, capture_output=True,
                                                                               check=True).stdout}
    for name, data in seeds.items():
        (corpus / name).write_bytes(data)
    (HERE / "trust/media-root.json").write_bytes(pathlib.Path(upstream.metadata, "1.root.json").read_bytes())
    subprocess.run(["gpgconf", "--homedir", keys.home, "--kill", "all"], check=True)


main()
