# SPDX-License-Identifier: LGPL-2.1-or-later
"""suture.ko as it ships: the kmod RPM, DKMS, the source that CMake installs, and what a kernel tree is told of it."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ["SUTURE_SOURCE"])
FRAMEWORK = SOURCE / "framework"
VENDOR = Path(os.environ["SUTURE_BIN"]) / "suture-vendor"
SPEC = SOURCE / "spec/rpm/suture-kmod.spec"
DKMS_SPEC = SOURCE / "spec/rpm/suture-dkms.spec"
sys.path.insert(0, str(SOURCE / "tests/vm"))

import machine  # noqa: E402
import vm_kernel  # noqa: E402

VERSION = re.search(r"project\(suture VERSION (\S+) ", (SOURCE / "CMakeLists.txt").read_text())[1]
TREE = f"suture-framework-{VERSION}"
# What rpm reads at its start, and a shell for scriptlets; depmod and modprobe are kmod's, under their own names.
RPM_FILES = [("/usr/lib/rpm/rpmrc", "/usr/lib/rpm/rpmrc"), ("/usr/lib/rpm/macros", "/usr/lib/rpm/macros"), ("/usr/bin/rpm", "/usr/bin/rpm")]
KMOD = [("/usr/bin/kmod", "/usr/sbin/depmod"), ("/usr/bin/kmod", "/usr/sbin/modprobe")]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def output(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def kernel():
    return vm_kernel.find("6.1")


@pytest.fixture(scope="session")
def key():
    """(key, certificate) of modules that the test kernels trust"""
    return machine.enforcing_key("6.1")


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """The sources that are committed or will be, without what a build left between them."""
    top = tmp_path_factory.mktemp("source") / f"suture-{VERSION}"
    for name in ("framework", "LICENSES"):
        shutil.copytree(SOURCE / name, top / name, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*", "Module.symvers"))
    return top


def rpmbuild(tree, top, spec, *defines):
    (top / "SOURCES").mkdir(parents=True)
    output("tar", "-C", tree.parent, "-czf", top / f"SOURCES/{tree.name}.tar.gz", tree.name)
    words = [word for each in (f"_topdir {top}", *defines) for word in ("--define", each)]
    return run("rpmbuild", "-bb", "--nodeps", *words, spec)


def rpms(top):
    return {output("rpm", "-qp", "--qf", "%{NAME}", file): file for file in top.glob("RPMS/*/*.rpm")}


def unpacked(package, folder):
    folder.mkdir()
    with subprocess.Popen(["rpm2cpio", package], stdout=subprocess.PIPE) as archive:
        subprocess.run(["cpio", "-idm", "--quiet"], cwd=folder, stdin=archive.stdout, check=True)
    return folder


def kernel_defines(kernel):
    return f"kernel_release {kernel.release}", f"kernel_source {kernel.headers}"


@pytest.fixture(scope="session")
def kmod(tree, kernel, key, tmp_path_factory):
    """name to file: built here and signed on the way"""
    top = tmp_path_factory.mktemp("kmod")
    done = rpmbuild(tree, top, SPEC, *kernel_defines(kernel), f"module_signer {VENDOR}", f"module_key {key[0]}",
                    f"module_certificate {key[1]}")
    assert done.returncode == 0, done.stdout[-4000:]
    return rpms(top)


@pytest.fixture(scope="session")
def packed_module(kmod, kernel, tmp_path_factory):
    root = unpacked(kmod[f"kmod-suture-{kernel.release}"], tmp_path_factory.mktemp("kmod") / "root")
    return root / f"lib/modules/{kernel.release}/extra/suture/suture.ko"


@pytest.mark.parametrize("path, pattern", [("framework/dkms.conf", r'^PACKAGE_VERSION="(.*)"$'),
                                           ("framework/main.c", r'^MODULE_VERSION\("(.*)"\);$'),
                                           ("spec/rpm/suture-kmod.spec", r"^Version: (.*)$"),
                                           ("spec/rpm/suture-dkms.spec", r"^Version: (.*)$")])
def test_version_is_that_of_the_tree(path, pattern):
    assert re.search(pattern, (SOURCE / path).read_text(), re.MULTILINE)[1] == VERSION


def test_kernels_are_refused_for_one_list_of_reasons():
    needs = set(re.findall(r"\w+", " ".join(re.findall(r"^suture-needs \+?:?=(.*)$", (FRAMEWORK / "Kbuild").read_text(), re.MULTILINE))))
    asked = set(re.findall(r"(?<!!)CONFIG_(\w+)", " ".join(re.findall(r'^BUILD_EXCLUSIVE_CONFIG.*$', (FRAMEWORK / "dkms.conf").read_text(),
                                                               re.MULTILINE))))
    depends = re.search(r"config SUTURE_LIVEPATCH\n.*?\thelp", (FRAMEWORK / "Kconfig").read_text(), re.DOTALL)[0]
    assert needs - {"64BIT"} == asked  # by BUILD_EXCLUSIVE_ARCH
    assert needs - {"64BIT", "DYNAMIC_FTRACE"} <= set(re.findall(r"\w+", depends))


def test_kbuild_asks_what_kconfig_offers():
    kbuild = (FRAMEWORK / "Kbuild").read_text()
    for path in (FRAMEWORK / "Kbuild", FRAMEWORK / "samples/Kbuild"):
        asked = set(re.findall(r"CONFIG_(SUTURE\w*)", path.read_text()))
        assert asked and asked <= set(re.findall(r"^config (\w+)$", (FRAMEWORK / "Kconfig").read_text(), re.MULTILINE)), path
    assert "obj-$(CONFIG_SUTURE_LIVEPATCH_SAMPLES) += samples/" in kbuild


def test_kmod_files(kmod, kernel):
    release = kernel.release
    assert set(kmod) == {f"kmod-suture-{release}", f"kmod-suture-devel-{release}"}
    module = output("rpm", "-qpl", kmod[f"kmod-suture-{release}"]).splitlines()
    assert [file for file in module if "/licenses/" not in file] == [
        f"/lib/modules/{release}/extra/suture", f"/lib/modules/{release}/extra/suture/suture.ko"]
    devel = output("rpm", "-qpl", kmod[f"kmod-suture-devel-{release}"]).splitlines()
    wanted = [str(path.relative_to(FRAMEWORK)) for path in (FRAMEWORK / "include").rglob("*.h")]
    for file in (*wanted, "arch/x86/import.h", f"{release}/Module.symvers"):
        assert f"/usr/src/{TREE}/{file}" in devel


@pytest.mark.parametrize("words, release, wanted", [
    ("rhel", "5.14.0-570.12.1.el9_6.x86_64", "kernel-uname-r = 5.14.0-570.12.1.el9_6.x86_64"),
    ("suse", "6.4.0-150600.23.47-default", "kernel-default = 6.4.0-150600.23.47"),
    ("generic", "6.1.0-1-cloud-amd64", None)])
def test_kmod_names_its_kernel_in_the_distribution_s_words(words, release, wanted):
    said = output("rpmspec", "-q", "--requires", "--define", f"kernel_words {words}", "--define", f"kernel_release {release}", SPEC)
    assert [line for line in said.splitlines() if line.startswith("kernel-")] == ([wanted] if wanted else [])


def test_kmod_without_a_kernel_is_refused():
    done = run("rpmspec", "-q", SPEC)
    assert done.returncode != 0 and "kernel_release is not defined" in done.stdout


def test_kmod_module_is_signed_by_the_vendor(packed_module, key, tmp_path):
    """The kernel's sign-file made the same bytes of the same module: what our signer appends is what the kernel reads."""
    plain, again = tmp_path / "plain.ko", tmp_path / "again.ko"
    content = packed_module.read_bytes()
    magic = b"~Module signature appended~\n"
    assert content.endswith(magic)
    size = int.from_bytes(content[-len(magic) - 4:-len(magic)], "big")
    plain.write_bytes(content[:-len(magic) - 12 - size])
    machine.sign(plain, again, *key)
    assert again.read_bytes() == content


def test_kmod_devel_is_what_patches_are_built_against(kmod, kernel, tmp_path):
    root = unpacked(kmod[f"kmod-suture-devel-{kernel.release}"], tmp_path / "root")
    source = tmp_path / "import"
    source.mkdir()
    shutil.copy(FRAMEWORK / "samples/sample-import.c", source)
    (source / "patch.conf").write_text("[patch]\nname=sample-import\nversion=1\nrelease=1\nsummary=Imports\nseverity=none\n"
                                       "advisory=SAMPLE-1\nprovider=framework\n")
    output(VENDOR, "build", "--framework", root / "usr/src" / TREE, "-k", kernel.headers, "-i", kernel.image,
           "-o", tmp_path / "out", source)
    module = next((tmp_path / "out").rglob("*.ko"))
    assert output("modinfo", "-F", "depends", module) == "suture\n"
    symvers = (root / "usr/src" / TREE / kernel.release / "Module.symvers").read_text()
    crc = re.search(r"^(0x\w+)\tsuture_klp_enable_patch\t", symvers, re.MULTILINE)[1]
    assert f"{crc}\tsuture_klp_enable_patch" in output("/usr/sbin/modprobe", "--dump-modversions", module)


def test_kmod_of_a_module_signed_elsewhere(tree, kernel, packed_module, tmp_path):
    module = shutil.copy(packed_module, tmp_path)
    (tmp_path / "Module.symvers").write_text("")
    done = rpmbuild(tree, tmp_path / "rpm", SPEC, *kernel_defines(kernel), f"module_file {module}")
    assert done.returncode == 0, done.stdout[-4000:]
    root = unpacked(rpms(tmp_path / "rpm")[f"kmod-suture-{kernel.release}"], tmp_path / "root")
    packed = root / f"lib/modules/{kernel.release}/extra/suture/suture.ko"
    assert packed.read_bytes() == packed_module.read_bytes()


def test_kmod_of_another_kernel_s_module_is_refused(tree, packed_module, tmp_path):
    module = shutil.copy(packed_module, tmp_path)
    (tmp_path / "Module.symvers").write_text("")
    done = rpmbuild(tree, tmp_path / "rpm", SPEC, "kernel_release 6.1.0-1-other", f"module_file {module}")
    assert done.returncode != 0 and "not 6.1.0-1-other" in done.stdout


def test_kmod_installs_and_loads_under_enforcement(kmod, kernel, packed_module, tmp_path):
    package = kmod[f"kmod-suture-{kernel.release}"]
    cut = tmp_path / "cut.ko"
    cut.write_bytes(packed_module.read_bytes()[:-300])
    script = f"""
        set -e
        cat /sys/module/module/parameters/sig_enforce
        insmod /m/cut.ko 2>&1 || echo refused
        mkdir -p /lib/modules/{kernel.release}
        touch /lib/modules/{kernel.release}/modules.order /lib/modules/{kernel.release}/modules.builtin
        rpm --dbpath /var/lib/rpm --nodeps --nosignature -i /m/kmod.rpm
        grep suture.ko: /lib/modules/{kernel.release}/modules.dep
        /usr/sbin/modprobe suture
        ls -d /sys/kernel/suture
        rmmod suture
        rpm --dbpath /var/lib/rpm --nodeps -e kmod-suture-{kernel.release}
        grep suture.ko: /lib/modules/{kernel.release}/modules.dep || echo gone
    """
    result = machine.run(script, copies=[(str(package), "/m/kmod.rpm"), (str(cut), "/m/"), *RPM_FILES, *KMOD], enforce=True)
    assert result.status == 0, result.output + result.script_log
    said = result.output.splitlines()
    assert said[0] == "Y" and "refused" in said and "extra/suture/suture.ko:" in said and "/sys/kernel/suture" in said and said[-1] == "gone"
    assert "required key missing" in result.script_log or "Loading of unsigned module" in result.script_log
    assert "verification failed" not in result.script_log  # the taint of a module that nobody trusts


class Dkms:
    """Debian's dkms, with all its folders in one that the test owns: the path of its configuration is fixed in it."""

    def __init__(self, top, kernel, key=None):
        self.top, self.kernel = top, kernel
        for name in ("src", "tree", f"modules/{kernel.release}", "tmp", "etc", "bin"):
            (top / name).mkdir(parents=True)
        lines = [f"source_tree={top}/src", f"dkms_tree={top}/tree", f"install_tree={top}/modules", f"tmp_location={top}/tmp"]
        if key:
            lines += [f"mok_signing_key={key[0]}", f"mok_certificate={key[1]}"]
        (top / "etc/framework.conf").write_text("\n".join(lines) + "\n")
        program = Path(shutil.which("dkms", path=vm_kernel.SYSTEM_PATH + ":" + os.environ["PATH"])).read_text()
        assert "/etc/dkms/framework.conf" in program
        self.program = top / "bin/dkms"
        self.program.write_text(program.replace("/etc/dkms/", f"{top}/etc/"))
        self.program.chmod(0o755)

    def __call__(self, command, headers=None, of=True):
        kernel = ("-k", self.kernel.release, "--kernelsourcedir", headers or self.kernel.headers) if of else ()
        return run(self.program, command, f"suture-framework/{VERSION}", *kernel)


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def install_source(destination):
    output("cmake", "--install", os.environ["SUTURE_BUILD_DIR"], "--component", "framework", "--prefix", destination)
    return destination / "src" / TREE


@pytest.fixture(scope="session")
def dkms(tmp_path_factory, kernel, key):
    top = tmp_path_factory.mktemp("dkms")
    made = Dkms(top, kernel, key)
    install_source(top)
    for command in ("add", "build", "install"):
        done = made(command)
        assert done.returncode == 0, done.stdout + "".join(path.read_text() for path in top.rglob("make.log"))
    return made


def test_installed_source_is_whole(tree, tmp_path):
    files = files_of(install_source(tmp_path))
    assert {"Kbuild", "Makefile", "dkms.conf", "include/compat/linux/livepatch.h", "samples/Kbuild"} <= files
    assert files == files_of(tree / "framework") - {"CMakeLists.txt"}


def test_dkms_builds_signs_and_installs(dkms, kernel):
    module = next((dkms.top / "modules").rglob("suture.ko"))
    info = output("modinfo", module)
    assert re.search(rf"^vermagic: +{re.escape(kernel.release)} ", info, re.MULTILINE)
    assert re.search(rf"^version: +{re.escape(VERSION)}$", info, re.MULTILINE)
    assert re.search(r"^sig_id: +PKCS#7$", info, re.MULTILINE)
    assert f"suture-framework/{VERSION}, {kernel.release}, x86_64: installed" in dkms("status", of=False).stdout


def test_dkms_module_loads_under_enforcement(dkms):
    module = next((dkms.top / "modules").rglob("suture.ko"))
    result = machine.run("insmod /m/suture.ko && ls -d /sys/kernel/suture && rmmod suture", copies=[(str(module), "/m/")], enforce=True)
    assert (result.status, result.output) == (0, "/sys/kernel/suture\n"), result.script_log


def test_dkms_passes_over_a_kernel_without_kprobes(tmp_path, kernel):
    made = Dkms(tmp_path, kernel)
    install_source(tmp_path)
    headers = tmp_path / "headers"
    (headers / "include").mkdir(parents=True)
    configuration = (kernel.headers / ".config").read_text()
    assert "CONFIG_KPROBES=y\n" in configuration
    (headers / ".config").write_text(configuration.replace("CONFIG_KPROBES=y\n", ""))
    assert made("add", of=False).returncode == 0
    done = made("build", headers)
    assert done.returncode == 77 and "BUILD_EXCLUSIVE" in done.stdout, done.stdout


def test_dkms_rpm(tree, kernel, key, tmp_path):
    """Its scriptlets, run in the order in which rpm runs them, drive the real dkms."""
    done = rpmbuild(tree, tmp_path / "rpm", DKMS_SPEC)
    assert done.returncode == 0, done.stdout[-4000:]
    package = rpms(tmp_path / "rpm")["suture-dkms"]
    assert "dkms" in output("rpm", "-qp", "--requires", package).splitlines()
    root = unpacked(package, tmp_path / "root")
    packed, source = root / f"usr/src/{TREE}", tree / "framework"
    assert files_of(packed) == files_of(source) - {"CMakeLists.txt"}

    made = Dkms(tmp_path / "dkms", kernel, key)
    shutil.copytree(packed, made.top / "src" / TREE)
    # What a host knows by itself: which kernel it runs.
    wrapper = tmp_path / "bin/dkms"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\ncase $1 in\nbuild | install) set -- "$@" -k {kernel.release} --kernelsourcedir {kernel.headers} ;;\n'
                       f'esac\nexec {made.program} "$@"\n')
    wrapper.chmod(0o755)
    environment = dict(os.environ, PATH=f"{wrapper.parent}:{os.environ['PATH']}")

    def transaction(*scriptlets):
        """dkms tells an upgrade by the process that runs the scriptlets."""
        texts = [output("rpm", "-qp", "--qf", f"%{{{scriptlet}}}", package) for scriptlet in scriptlets]
        said = output("sh", "-c", 'for each; do sh -c "$each" || exit; done; :', "rpm", *texts, env=environment)
        return said, list((made.top / "modules").rglob("suture.ko*"))

    said, installed = transaction("POSTIN")
    assert installed, said
    said, installed = transaction("POSTIN", "PREUN")  # an upgrade to another release of this version
    assert installed, said
    said, installed = transaction("PREUN")
    assert not installed and not (made.top / "tree/suture-framework").exists(), said


def test_maintainers_names_what_there_is():
    patterns = re.findall(r"^[FX]:\t(.*)$", (FRAMEWORK / "MAINTAINERS").read_text(), re.MULTILINE)
    assert patterns and not [pattern for pattern in patterns if not list(SOURCE.glob(pattern.rstrip("/")))]
