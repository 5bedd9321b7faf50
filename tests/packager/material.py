# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes what the C tests of packager/ judge: modules, and bundles with the reason code that each must be given.

    material.py FOLDER    fills FOLDER (cases.txt: "<bundle> <reason or ok>" a line), unless this version of it is there
"""
import fcntl
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import bundle  # noqa: E402
import modules  # noqa: E402
import testkeys  # noqa: E402

PATCHES = [
    modules.Module("meminfo"),
    modules.Module("twice", objects=(("vmlinux", (("cmdline_proc_show", 0), ("version_proc_show", 0))),
                                     ("nvme_core", (("nvme_setup_cmd", 2),)))),
    modules.Module("whole", replace=True),
    modules.Module("extra-name", marks=("suture_livepatch",)),
    modules.Module("stopping", marks=("suture_livepatch",), consistency="KLP_STOP_MACHINE"),
    modules.Module("somehow", marks=("suture_livepatch",), consistency="KLP_SOMEHOW"),
    modules.Module("nativestop", consistency="KLP_STOP_MACHINE"),
    modules.Module("bothmarks", marks=("livepatch", "suture_livepatch")),
    modules.Module("nomark", marks=()),
    modules.Module("plain", marks=(), body="static int x; module_param(x, int, 0);"),
    modules.Module("nopatch", body="static int x; module_param(x, int, 0);"),
]
# Dynamic objects in sections of their own, as kernels with CONFIG_LD_DEAD_CODE_DATA_ELIMINATION have them.
SECTIONED = [modules.Module("sectioned", objects=PATCHES[1].objects)]


def make_modules(keys, folder):
    """Unsigned and signed modules; returns name -> (signed path, functions)."""
    built = modules.build(PATCHES) + modules.build(SECTIONED, "-fdata-sections -ffunction-sections")
    signed = {}
    for each, path in zip(PATCHES + SECTIONED, built):
        shutil.copy(path, folder / path.name)
        shutil.copy(path, folder / "signed" / path.name)
        modules.sign(folder / "signed" / path.name, keys.private("module"), keys.certificate("module"))
        signed[each.name] = (folder / "signed" / path.name, each.functions)
    return signed


def other_kernel(**changes):
    return {"kernel": changes}


def stranger_module(keys, folder, name):
    """The same module, signed by a key that is not trusted."""
    path = folder / "stranger" / f"{name}.ko"
    shutil.copy(folder / f"{name}.ko", path)
    modules.sign(path, keys.private("other-module"), keys.certificate("other-module"))
    return path


def drop_payload_digest(package):
    package.rename_tags({5092: 5992, 5097: 5997})


def sign_with(signers):
    """Signature header entries: tag -> the key that signs the header for it."""
    def sign(package, keys):
        package.set_signatures({tag: package.signature(keys, key) for tag, key in signers.items()})
    return sign


def key_cases(good):
    """What the life and strength of the signing key decide."""
    early, late = testkeys.EARLY, testkeys.LATE
    return [
        ("by-edwards", "ok", good.replace(key="edwards")),
        ("before-expiry", "ok", good.replace(key="expired", when=early)),
        ("before-retirement", "ok", good.replace(key="retired", when=early)),
        ("before-supersession", "ok", good.replace(key="superseded", when=early)),
        ("after-expiry", "rpm-key-expired", good.replace(key="expired", when=late)),
        ("after-retirement", "rpm-key-revoked", good.replace(key="retired", when=late)),
        ("after-supersession", "rpm-key-revoked", good.replace(key="superseded", when=late)),
        ("compromised-early", "rpm-key-revoked", good.replace(key="compromised", when=early)),
        ("revoked-without-reason", "rpm-key-revoked", good.replace(key="unspecified", when=early)),
        ("future", "rpm-signature-future", good.replace(when="20991231T000000")),
        ("stranger", "rpm-key-unknown", good.replace(key="stranger")),
        ("short-key", "rpm-weak", good.replace(key="weak")),
        ("sha1", "rpm-weak", good.replace(digest="sha1")),
        ("unsigned", "rpm-unsigned", good.replace(key=None)),
        # rpmsign itself adds a legacy signature to a package without a payload digest.
        ("legacy-signature", "rpm-signatures", good.replace(edit=drop_payload_digest)),
        ("no-payload-digest", "rpm-no-payload-digest", good.replace(edit=drop_payload_digest,
                                                                    sign_here=sign_with({268: "vendor"}))),
        ("signed-here", "ok", good.replace(sign_here=sign_with({268: "vendor"}))),
        ("two-signatures", "rpm-signatures", good.replace(sign_here=sign_with({267: "edwards", 268: "vendor"}))),
        ("unknown-tag", "rpm-signatures", good.replace(sign_here=sign_with({268: "vendor", 999: "vendor"}))),
    ]


def payload_cases(good):
    """What a payload must not hold. Uncompressed where bytes are changed."""
    plain = {"_binary_payload": "w.ufdio"}
    store = "%{buildroot}/usr/lib/suture"

    def rename(old, new):
        return good.replace(defines=plain, edit=lambda package: package.replace_in_payload(old, new))

    return [
        ("uncompressed", "ok", good.replace(defines=plain)),
        ("xz", "ok", good.replace(defines={"_binary_payload": "w2.xzdio"})),
        ("zstd", "ok", good.replace(defines={"_binary_payload": "w3.zstdio"})),
        ("extra-module", "payload-extra", good.replace(install="cp $FOLDER/meminfo.ko $FOLDER/other.ko")),
        ("extra-file", "payload-extra", good.replace(install="echo x > $FOLDER/README")),
        ("outside", "payload-path", good.replace(install="mkdir -p %{buildroot}/etc; echo x > %{buildroot}/etc/x",
                                                 listed="/etc/x")),
        ("deeper", "payload-type", good.replace(install="mkdir $FOLDER/sub; echo x > $FOLDER/sub/x.ko")),
        ("two-folders", "payload-path", good.replace(
            install=f"mkdir -p {store}/a/b; echo x > {store}/a/b/x.ko; chmod 644 {store}/a/b/x.ko",
            listed="/usr/lib/suture/a/b")),
        ("dotdot", "payload-path", rename(b"/meminfo.ko", b"/../info.ko")),
        ("absolute", "payload-path", rename(b"./usr/lib/suture/", b"//usr/lib/suture/")),
        ("symlink", "payload-type", good.replace(install="ln -s /etc/shadow $FOLDER/x.ko")),
        ("hardlink", "payload-type", good.replace(install="ln $FOLDER/meminfo.ko $FOLDER/x.ko")),
        ("device", "payload-type", good.replace(listed="%attr(0644,root,root) %dev(c,1,3) {folder}/null.ko")),
        ("fifo", "payload-type", good.replace(install="mkfifo $FOLDER/x.ko")),
        ("setuid", "payload-type", good.replace(install="chmod 4755 $FOLDER/meminfo.ko")),
        ("config", "payload-type", good.replace(listed="%config {folder}/meminfo.ko")),
        ("owner", "disagree", good.replace(listed="%attr(0644,daemon,root) {folder}/meminfo.ko")),
        ("no-manifest", "payload-missing", good.replace(install="rm $FOLDER/manifest.json")),
        ("no-signature", "payload-missing", good.replace(install="rm $FOLDER/manifest.json.p7s")),
        ("no-module", "payload-missing", good.replace(install="rm $FOLDER/meminfo.ko")),
        ("big-manifest", "payload-size", good.replace(install="head -c 2000000 /dev/zero > $FOLDER/manifest.json")),
        ("empty-module", "payload-size", good.replace(install=": > $FOLDER/meminfo.ko")),
        ("post", "rpm-scriptlet", good.replace(sections="%post\necho hello\n")),
        ("lua", "rpm-scriptlet", good.replace(sections="%pretrans -p <lua>\nprint('hello')\n")),
        ("program", "rpm-scriptlet", good.replace(sections="%postun -p /sbin/ldconfig\n")),
        ("trigger", "rpm-scriptlet", good.replace(sections="%triggerin -- bash\necho hello\n")),
        ("file-trigger", "rpm-scriptlet", good.replace(sections="%filetriggerin -- /usr/lib\necho hello\n")),
        ("trans-file-trigger", "rpm-scriptlet",
         good.replace(sections="%transfiletriggerin -- /usr/lib\necho hello\n")),
        ("capability", "rpm-scriptlet",
         good.replace(listed="%caps(cap_net_raw=ep) {folder}/meminfo.ko")),
    ]


def content_cases(good, keys, folder, signed):
    """Manifest, modules, and their agreement."""
    twice, whole, framework, stopping = (signed[name] for name in ("twice", "whole", "extra-name", "stopping"))
    one = [{"object": "vmlinux", "name": "another_function", "sympos": 0}]
    build = {"object": "nvme_core", "build_id": "ab" * 20, "srcversion": ""}

    def with_module(module, **changes):
        return good.replace(modules=[module[0]], functions=[module[1]], **changes)

    return [
        ("two-modules", "ok", good.replace(modules=[good.modules[0], twice[0]],
                                           functions=[good.functions[0], twice[1]])),
        ("cumulative", "ok", with_module(whole, manifest={"stack": {"cumulative": True}})),
        ("framework", "ok", with_module(framework, manifest={"provider": "framework"})),
        ("stop-machine", "ok", with_module(stopping, manifest={"provider": "framework", "consistency": "stop-machine"})),
        ("other-consistency", "module-consistency",
         with_module(stopping, manifest={"provider": "framework", "consistency": "immediate"})),
        ("default-consistency", "module-consistency", with_module(stopping, manifest={"provider": "framework"})),
        ("unset-consistency", "module-consistency",
         with_module(framework, manifest={"provider": "framework", "consistency": "stop-machine"})),
        ("ended-signer", "cms-expired", good.replace(signer="ended")),
        ("entitlement", "cms-purpose", good.replace(signer="entitlement")),
        ("manifest-changed", "cms-signature",
         good.replace(manifest_edit=lambda text: text.replace(b"important", b"critical "))),
        ("module-swapped", "file-digest", good.replace(
            install=f"cp {folder}/signed/twice.ko $FOLDER/meminfo.ko; chmod 644 $FOLDER/meminfo.ko")),
        ("module-unsigned", "module-unsigned", good.replace(modules=[folder / "meminfo.ko"])),
        ("module-stranger", "module-key-unknown", good.replace(modules=[stranger_module(keys, folder, "meminfo")])),
        ("module-plain", "module-no-mark", with_module(signed["nomark"])),
        ("module-without-patch", "module-no-functions", with_module((signed["nopatch"][0], one))),
        ("module-renamed", "module-malformed", good.replace(modules=[folder / "signed" / "renamed.ko"])),
        ("patched-module", "ok", with_module(twice, builds=[[build]])),
        ("other-patched-module", "disagree", good.replace(builds=[[build]])),
        ("other-functions", "disagree", good.replace(functions=[one])),
        ("other-provider", "disagree", good.replace(manifest={"provider": "framework"})),
        ("not-cumulative", "disagree", with_module(whole)),
        ("other-vermagic", "disagree", good.replace(manifest=other_kernel(
            vermagic=modules.kernel()["RELEASE"] + " SMP mod_unload"))),
        ("other-release", "module-vermagic", good.replace(manifest=other_kernel(release="6.1.0-1-cloud-amd64"))),
        ("other-name", "disagree", good.replace(package={"name": "livepatch-other"})),
        ("other-version", "disagree", good.replace(package={"version": "2"})),
        ("other-package-release", "disagree", good.replace(package={"release": "2"})),
        ("other-folder", "disagree", good.replace(package={"folder": "/usr/lib/suture/6.1.0/meminfo-1-1"})),
        ("epoch", "disagree", good.replace(preamble="Epoch: 1")),
        ("provides-more", "disagree", good.replace(preamble="Provides: kernel")),
        ("provides-less", "disagree", good.replace(package={"provides": ["livepatch(6.1.0)"]})),
        ("obsoletes", "disagree", good.replace(preamble="Obsoletes: glibc")),
    ]


def fill(folder, keys):
    """Everything, into an empty folder."""
    for name in ("signed", "stranger"):
        (folder / name).mkdir()
    signed = make_modules(keys, folder)
    shutil.copy(folder / "signed" / "meminfo.ko", folder / "signed" / "renamed.ko")
    good = bundle.Recipe(modules=[signed["meminfo"][0]], functions=[signed["meminfo"][1]])
    cases = [("good", "ok", good)] + key_cases(good) + payload_cases(good) + content_cases(good, keys, folder, signed)
    place = f"{bundle.STORE}/{bundle.default_kernel()['release']}/meminfo-1-1"
    with open(folder / "cases.txt", "w", encoding="ascii") as index:
        for name, reason, recipe in cases:
            recipe.listed = recipe.listed.replace("{folder}", place)
            bundle.make(keys, recipe, folder / f"{name}.rpm")
            index.write(f"{name} {reason}\n")
    facts = bundle.default_kernel()
    (folder / "kernel.txt").write_text(f"{facts['release']}\n{facts['build_id']}\n{modules.kernel()['IMAGE']}\n"
                                       f"{modules.kernel()['VMLINUX']}\n")
    keys.stop_agent()


def made(keys):
    """The folder of the cache that has all of it, by these keys."""
    sources = [HERE / "material.py", *(HERE.parent / "lib" / name for name in ("bundle.py", "modules.py", "testkeys.py"))]
    parts = [*sources, *keys.public(), *modules.kernel().values(), *testkeys.tools()]
    return testkeys.store.entry("material", parts, lambda folder: fill(folder, keys))


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        source, mark = made(testkeys.ensure(folder.parent / "test-keys")), folder / "version.txt"
        if mark.exists() and mark.read_text() == source.name:
            return
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        mark.write_text(source.name)


if __name__ == "__main__":
    main()
