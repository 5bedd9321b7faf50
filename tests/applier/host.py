# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host for tests of what acts: patch modules, stores with signed bundles, and a machine that has them."""
import json
import os
import pathlib
import shutil
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
for folder in ("lib", "vm"):
    sys.path.insert(0, str(TESTS / folder))

import bundle  # noqa: E402
import machine  # noqa: E402
import modules  # noqa: E402
import testkeys  # noqa: E402

SUTURE = pathlib.Path(os.environ["SUTURE_BIN"]) / "suture"
PRELUDE = """
said() { echo "== $*"; }
try() { said "$@"; "$@"; echo "-- exit $?"; }
on() { [ -d /sys/kernel/livepatch/$1 ] && [ "$(cat /sys/kernel/livepatch/$1/enabled)$(cat /sys/kernel/livepatch/$1/transition)" = 10 ]; }
has() { [ -n "$(cat /proc/$1)" ]; }
state() { for p in /sys/kernel/livepatch/*/; do [ -d "$p" ] && echo "patch $(basename $p)"; done; true; }
modules_of_ours() { grep -c ' (.*K' /proc/modules || true; }
in_transition() { until [ "$(cat /sys/kernel/livepatch/$1/transition 2>/dev/null)" = 1 ]; do usleep 20000; done; }
mkdir -p /run /var/lib/suture
"""


def patch(name, *functions, **options):
    """A module that makes each function of vmlinux return a small number."""
    return modules.Module(name, (("vmlinux", tuple((function, 0) for function in functions)),), **options)


# What they patch is seen in /proc: the file is empty while a patch of its function is live.
LOWER = patch("zz_lower", "version_proc_show")
UPPER = patch("aa_upper", "uptime_proc_show")
THIRD = patch("mm_third", "cmdline_proc_show")
CUMULATIVE = patch("cc_all", "version_proc_show", "loadavg_proc_show", replace=True)
IMPOSSIBLE = patch("impossible", "there_is_no_such_function")
FOREIGN = patch("foreign", "devinfo_show")
# A task that reads /proc/stall stays in the new function until /sys/module/hold_patch/parameters/go is Y.
HOLD = modules.Module("hold_patch", (("stall", (("stall_wait", 0),)),), body="""
#include <linux/sched.h>
static bool go;
module_param(go, bool, 0600);
static void held(void) { while (!READ_ONCE(go)) schedule_timeout_uninterruptible(HZ / 20); }
static struct klp_func funcs[] = { { .old_name = "stall_wait", .new_func = held }, { } };
static struct klp_object objs[] = { { .name = "stall", .funcs = funcs }, { } };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };
static int __init start(void) { return klp_enable_patch(&patch); }
static void __exit stop(void) { }
module_init(start);
module_exit(stop);
""")
# It holds on to itself, so that it stays loaded.
STAYS = modules.Module("stays", (("vmlinux", (("version_proc_show", 0),)),), body="""
#include <linux/seq_file.h>
static int zero(struct seq_file *m, void *v) { return 0; }
static struct klp_func funcs[] = { { .old_name = "version_proc_show", .new_func = zero }, { } };
static struct klp_object objs[] = { { .funcs = funcs }, { } };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };
static int __init start(void) { __module_get(THIS_MODULE); return klp_enable_patch(&patch); }
static void __exit stop(void) { }
module_init(start);
module_exit(stop);
""")
ALL = (LOWER, UPPER, THIRD, CUMULATIVE, IMPOSSIBLE, FOREIGN, HOLD, STAYS)
STALL = TESTS / "vm" / "modules" / "stall"


def stall():
    """(the module that offers /proc/stall, a patch of it for Host.install())."""
    folder = machine.build_modules(STALL)
    return folder / "stall.ko", (folder / "stall_patch.ko", [{"object": "stall", "name": "stall_wait", "sympos": 0}])


def built():
    """{name: path} of the modules above."""
    return {each.name: path for each, path in zip(ALL, modules.build(ALL))}


def with_modinfo(module, folder, old, new):
    """A copy of a module file with one text of its modinfo replaced."""
    copy, info = folder / module.name, folder / "modinfo"
    shutil.copy(module, copy)
    testkeys.run("objcopy", "-O", "binary", "--only-section=.modinfo", copy, info)
    text = info.read_bytes()
    assert text.count(f"\0{old}\0".encode()) == 1
    info.write_bytes(text.replace(f"\0{old}\0".encode(), f"\0{new}\0".encode()))
    testkeys.run("objcopy", "--update-section", f".modinfo={info}", copy)
    return copy


def needing(module, other, folder):
    """A copy of a module that says that it depends on another; for Host.install()."""
    return with_modinfo(built()[module.name], folder, "depends=", f"depends={other}"), module.functions


def recipe(folder, patches, name, key=("module",), **changes):
    """A Recipe of signed copies of modules: Module values, or (path, functions)."""
    paths, functions = [], []
    keys = testkeys.shared()
    pair = (keys.private(key[0]), keys.certificate(key[0])) if len(key) == 1 else key
    folder.mkdir(parents=True, exist_ok=True)
    for each in patches:
        source, named = (built()[each.name], each.functions) if isinstance(each, modules.Module) else each
        copy = folder / pathlib.Path(source).name
        shutil.copy(source, copy)
        modules.sign(copy, *pair)
        paths.append(copy)
        functions.append(named)
    return bundle.Recipe(modules=paths, functions=functions, name=name, **changes)


class Host:
    """The files of a host below a folder, and its machine."""

    def __init__(self, tmp_path):
        self.keys = testkeys.shared()
        self.work = tmp_path
        self.root = tmp_path / "host"
        self.release = modules.kernel()["RELEASE"]
        shutil.copytree(self.keys.trust, self.root / "etc/suture/trust")

    def trust_module_key(self, certificate):
        with open(self.root / "etc/suture/trust/module.pem", "ab") as file:
            file.write(pathlib.Path(certificate).read_bytes())

    def install(self, name, *patches, key=("module",), signer="signer", **manifest):
        """A bundle as the package manager installs it; returns its folder."""
        return self.put(recipe(self.work / "modules" / name, patches, name, key, signer=signer, manifest=manifest), signer)

    def put(self, made, signer):
        """The bundle of a Recipe in the packages' store; returns its folder."""
        folder = self.root / "usr/lib/suture" / self.release / f"{made.name}-1-1"
        folder.mkdir(parents=True)
        document = folder / "manifest.json"
        document.write_text(json.dumps(bundle.manifest_of(made), indent=2) + "\n")
        bundle.sign_manifest(self.keys, signer, document, folder / "manifest.json.p7s")
        for path in made.modules:
            shutil.copy(path, folder)
        return folder

    def package(self, name, *patches, **manifest):
        """An RPM file."""
        made = recipe(self.work / "modules" / name, patches, name, manifest=manifest)
        return bundle.make(self.keys, made, self.work / f"{name}-1-1.rpm")

    def policy(self, text):
        folder = self.root / "etc/suture/policy.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "50-test.conf").write_text("[policy]\n" + text)

    def run(self, script, copies=(), **options):
        """Run a script in a machine that has these files; returns (Result, what its `try` commands did)."""
        copies = [(str(SUTURE), "/usr/bin/"), *((str(self.root / part), f"/{part}") for part in ("etc", "usr/lib/suture")
                  if (self.root / part).exists()), *copies]
        result = machine.run(PRELUDE + script, copies=copies, **options)
        assert result.status == 0, result.output
        return result, outcomes(result.output)


class Outcome:
    """One command: what it was, its exit status and its words."""

    def __init__(self, command, text):
        self.command = command
        self.text, _, tail = text.partition("-- exit ")
        status, _, self.after = tail.partition("\n")
        self.status = int(status) if status else None
        self.after = self.after.strip()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def reason(self):
        """The reason code at the end of its error line."""
        line = self.text.strip().splitlines()[-1]
        return line.rpartition(" [")[2].rstrip("]") if line.endswith("]") else None

    def __repr__(self):
        return f"$ {self.command} -> {self.status}\n{self.text}{self.after}"


def outcomes(output):
    """The Outcome of each `try` in a script's output, in order."""
    parts = ("\n" + output).split("\n== ")[1:]
    return [Outcome(*part.split("\n", 1)) for part in parts]


def revoke(keys, name, folder, crl):
    """A CRL that lists the certificate @name, by openssl."""
    (folder / "index.txt").write_text("")
    config = folder / "ca.cnf"
    config.write_text(f"[ca]\ndefault_ca=test\n[test]\ndatabase={folder}/index.txt\ndefault_md=sha256\n"
                      f"default_crl_days=30\ncertificate={keys.certificate('ca')}\nprivate_key={keys.private('ca')}\n")
    testkeys.run("openssl", "ca", "-config", config, "-revoke", keys.certificate(name))
    testkeys.run("openssl", "ca", "-config", config, "-gencrl", "-out", crl)
