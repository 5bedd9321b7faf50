# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fake kernel in packages, as distributions make them."""
import gzip
import shutil
import subprocess

SPEC = """Name: {name}
Version: 6.1.7
Release: 1
Summary: x
License: GPL
AutoReqProv: no
{sources}
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global _build_id_links none
%description
x
{body}
"""


def deb(folder, name, version, files):
    root = folder / f"root-{name}"
    for target, source in files.items():
        path = root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@y>\n"
                                         "Description: x\n")
    path = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, path], check=True, stdout=subprocess.DEVNULL)
    return path


def debs(kernel, folder, source_version="6.1.7-1"):
    folder.mkdir()
    release, module = kernel.release, "kernel/m/fake-two.ko"
    headers = kernel.headers()
    generated = "include/generated/utsrelease.h"
    return [
        deb(folder, "linux-image", "6.1.7-1", {f"boot/vmlinuz-{release}": kernel.image, f"boot/config-{release}": kernel.config,
                                               f"lib/modules/{release}/{module}": kernel.modules / module}),
        deb(folder, "linux-headers", "6.1.7-1", {f"usr/src/linux-headers-{release}/{name}": headers / name
                                                 for name in ("Module.symvers", ".config", generated)}),
        deb(folder, "linux-headers-common", "6.1.7-1", {"usr/src/linux-headers-common/include/one.h": kernel.source / "include/one.h"}),
        deb(folder, "linux-image-dbg", "6.1.7-1", {f"usr/lib/debug/boot/vmlinux-{release}": kernel.debug}),
        deb(folder, "linux-source", source_version, {"usr/src/linux-source-6.1.tar.xz": kernel.tarball()}),
    ]


def rpmbuild(folder, name, what, body, sources=""):
    spec = folder / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, body=body, sources=sources))
    subprocess.run(["rpmbuild", what, "--define", f"_topdir {folder}/{name}", "--define", f"_sourcedir {folder}", spec], check=True,
                   capture_output=True)
    return next((folder / name).rglob("*.rpm"))


def rpm(folder, name, files):
    install = "".join(f'install -D "{source}" "%{{buildroot}}/{target}"\n' for target, source in files.items())
    listed = "".join(f'"/{target}"\n' for target in files)
    return rpmbuild(folder, name, "-bb", f"%install\n{install}%files\n{listed}")


def suse(kernel, folder):
    """kernel-devel has what modules are built with, kernel-source the rest of the same folder."""
    folder.mkdir()
    release, module = kernel.release, "kernel/m/fake-two.ko"
    tree, source = f"usr/lib/modules/{release}", f"usr/src/linux-{release.removesuffix('ake')}"
    symvers = folder / "symvers.gz"
    symvers.write_bytes(gzip.compress(kernel.symvers.read_bytes()))
    names = [str(path.relative_to(kernel.source)) for path in sorted(kernel.source.rglob("*")) if path.is_file() and not path.is_symlink()]
    parts = {True: [], False: []}
    for name in names:
        parts[name.endswith((".c", ".S"))].append(name)
    assert parts[True] and parts[False]
    return [
        rpm(folder, "kernel-default", {f"{tree}/vmlinuz": kernel.image, f"{tree}/config": kernel.config, f"{tree}/symvers.gz": symvers,
                                       f"{tree}/{module}": kernel.modules / module}),
        rpm(folder, "kernel-devel", {f"{source}/{name}": kernel.source / name for name in parts[False]}),
        rpm(folder, "kernel-source", {f"{source}/{name}": kernel.source / name for name in parts[True]}),
    ]


def rpms(kernel, folder, patch=""):
    folder.mkdir()
    release, module = kernel.release, "kernel/m/fake-two.ko"
    tree = f"lib/modules/{release}"
    symvers = folder / "symvers.gz"
    symvers.write_bytes(gzip.compress(kernel.symvers.read_bytes()))
    compressed = folder / "fake-two.ko.xz"
    compressed.write_bytes(subprocess.run(["xz", "-c", kernel.modules / module], check=True, capture_output=True).stdout)
    shutil.copy(kernel.tarball(), folder / "linux-6.1.7.tar.xz")
    (folder / "linux-kernel-test.patch").write_text(patch)
    headers = kernel.headers()
    return [
        rpm(folder, "kernel-core", {f"{tree}/vmlinuz": kernel.image, f"{tree}/config": kernel.config, f"{tree}/symvers.gz": symvers}),
        rpm(folder, "kernel-modules", {f"{tree}/{module}.xz": compressed}),
        rpm(folder, "kernel-devel", {f"usr/src/kernels/{release}/{name}": headers / name for name in ("Module.symvers", ".config")}),
        rpm(folder, "kernel-debuginfo", {f"usr/lib/debug/{tree}/vmlinux": kernel.debug}),
        rpmbuild(folder, "kernel", "-bs", "%files\n", "Source0: linux-6.1.7.tar.xz\nPatch0: linux-kernel-test.patch"),
    ]
