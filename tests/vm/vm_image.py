# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guest sees: the initrd, the root file system of one test, and the disk of tools and libraries."""
import functools
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import vm_kernel as kernel
import vm_store as store

HERE = Path(__file__).resolve().parent
BUSYBOX = Path("/bin/busybox")
# Scripts run in dash: busybox's shell would take its own rpm or modprobe before one that was copied in.
SHELL = Path("/bin/dash")
VIRTIO = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"]
# What scripts written for a whole system use, and busybox has in another way or not at all.
SCRIPT_PROGRAMS = ("bash awk cat comm cut date depmod diff dirname dmesg env expr find getconf grep head id insmod kill lsmod mkdir "
                   "mktemp modinfo modprobe od ps readlink rm rmmod sed seq setsid sleep sort stat sysctl tail taskset tee timeout "
                   "touch tr uname wc").split()
DISK_SIZE = 512 << 20
# /bin, /sbin and the libraries are on a read-only disk of their own, made once; /usr and the rest are of one run.
FOLDERS = [".vm", ".base", "etc", "usr/bin", "usr/sbin", "usr/lib/modules", "usr/share", "root",
           "var/lib", "var/log", "var/tmp", "run", "tmp", "dev", "proc", "sys", "mnt", "out", "lib"]
LINKS = {"bin": ".base/bin", "sbin": ".base/bin", "lib64": ".base/lib", "lib/x86_64-linux-gnu": "../.base/lib",
         "lib/modules": "../usr/lib/modules", "usr/bin/env": "../../bin/env", "var/run": "../run"}
MERGED = ("/bin/", "/sbin/", "/lib/")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost guest\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/machine-id": "5375747572652d76312d746573742d00\n",
    "etc/os-release": "ID=suture-test\nNAME=\"Suture test guest\"\n",
}


class ImageError(Exception):
    """The guest's files could not be put together; the text is one line."""


def cpio(members):
    """An initrd (newc) of (name, mode, content); folders have no content."""
    out = bytearray()
    for number, (name, mode, content) in enumerate([*members, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def initrd(target, key, cert):
    """Busybox, the first program and the kernel's virtio modules, where it has such, signed by a key that it trusts."""
    members = [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "dev", "proc", "sys", "modules")]
    with store.temporary() as work:
        kernel.command(["cc", "-static", "-Os", "-o", work / "refresh", HERE / "guest" / "refresh.c"], "refresh.c")
        order = []
        for name in VIRTIO:
            for module in target.modules.rglob(f"{name}.ko*"):
                kernel.sign(_plain(module, work), work / "signed.ko", key, cert)
                order.append(f"{name}.ko")
                members.append((f"modules/{name}.ko", stat.S_IFREG | 0o644, (work / "signed.ko").read_bytes()))
        members.append(("modules/order", stat.S_IFREG | 0o644, "\n".join(order).encode()))
        programs = {"init": HERE / "guest" / "init", "bin/busybox": BUSYBOX, "bin/refresh": work / "refresh"}
        for name, path in programs.items():
            members.append((name, stat.S_IFREG | 0o755, path.read_bytes()))
    return cpio(members)


def _plain(module, work):
    if module.suffix == ".ko":
        return module
    plain = work / "plain.ko"
    plain.write_bytes(subprocess.run(["xz", "-dc", module], stdout=subprocess.PIPE, check=True).stdout)
    return plain


def programs(*names):
    """(source, destination) pairs that put the host's own programs where scripts find them before busybox's."""
    pairs = []
    for name in names or SCRIPT_PROGRAMS:
        path = shutil.which(name, path=kernel.SYSTEM_PATH)
        if not path:
            raise ImageError(f"{name}: no such program")
        pairs.append((os.path.realpath(path), f"/usr/bin/{name}"))
    return pairs


def make_file_system(kind, folder, disk):
    """A file system (ext4, ext2) with the content of folder, on a disk of the fixed size. No journal: its life is one run."""
    os.truncate(disk, DISK_SIZE)
    command = ["mke2fs", "-q", "-F", "-t", kind, "-O", "^has_journal,^resize_inode,^metadata_csum", "-m", "0",
               "-N", "16384", "-E", "nodiscard,lazy_itable_init=1,root_owner=0:0", "-d", str(folder), str(disk)]
    environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          pass_fds=[int(disk.name)] if disk.parent == Path("/proc/self/fd") else [])
    if done.returncode:
        lines = done.stdout.decode(errors="replace").split("\n")
        raise ImageError(f"the files do not fit in {DISK_SIZE >> 20} MiB or cannot be read: {lines[-2:][0]}")


def root_tree(top, script, copies, persist):
    """Lay out the root file system in top. Returns the shared libraries that it needs: name to path on the host."""
    for name in FOLDERS:
        (top / name).mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        (top / name).symlink_to(target)
    for name, text in FILES.items():
        (top / name).write_text(text)
    shutil.copy(HERE / "guest" / "session", top / ".vm/session")
    (top / ".vm/session").chmod(0o755)
    (top / ".vm/script").write_text(script)
    (top / ".vm/persist").write_text(f"{persist or ''}\n")
    copied = []
    for source, destination in copies:
        copied += _copy(top, Path(source), str(destination))
    return _libraries(copied)


def _copy(top, source, destination):
    """Copy a file (to a name, or into a folder when that ends in /) or the content of a folder; returns the files."""
    if not destination.startswith("/"):
        raise ImageError(f"{source}: {destination} is not an absolute path in the guest")
    inside = "/usr" + destination if destination.startswith(MERGED) else destination
    target = Path(os.path.normpath(f"{top}{inside}"))
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy_file)
        return [path for path in source.rglob("*") if path.is_file() and not path.is_symlink()]
    if not source.is_file():
        raise ImageError(f"{source}: no such file or folder")
    if destination.endswith("/"):
        target = target / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_file(source, target)
    return [source]


def _copy_file(source, target, follow_symlinks=True):
    """Never write through a link."""
    if os.path.islink(target):
        os.unlink(target)
    return shutil.copy2(source, target, follow_symlinks=follow_symlinks)


def _libraries(files):
    found = {}
    for path in files:
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF" or path.suffix in (".ko", ".o"):
                continue
        found.update(_closure(os.path.realpath(path), path.stat().st_mtime_ns))
    return found


@functools.lru_cache(maxsize=None)
def _closure(path, _mtime):
    """What the dynamic loader would load for path, by name."""
    done = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    missing = re.search(r"(\S+) => not found", done.stdout)
    if missing:
        raise ImageError(f"{path}: needs {missing[1]}, which ldd does not find")
    paths = re.findall(r"(/\S+) \(0x", done.stdout)
    return {os.path.basename(name): os.path.realpath(name) for name in paths}


def base_disk(kind, libraries):
    """A cached read-only disk with busybox, a shell, and exactly these libraries."""
    files = {f"lib/{name}": path for name, path in {**_libraries([SHELL]), **libraries}.items()}
    files.update({"bin/busybox": BUSYBOX, "bin/sh": SHELL})

    def build(folder):
        for name in ("tree/bin", "tree/lib"):
            (folder / name).mkdir(parents=True)
        for name, path in files.items():
            shutil.copy(path, folder / "tree" / name)
        for name in subprocess.check_output([BUSYBOX, "--list"], text=True).split():
            if not (folder / "tree/bin" / name).exists():
                (folder / "tree/bin" / name).symlink_to("busybox")
        # For "#!/bin/bash": it is there in the runs that bring it.
        (folder / "tree/bin/bash").symlink_to("/usr/bin/bash")
        (folder / "disk").touch()
        make_file_system(kind, folder / "tree", folder / "disk")
        shutil.rmtree(folder / "tree")

    parts = [kind, HERE / "vm_image.py"]
    for name, path in sorted(files.items()):
        status = os.stat(path)
        parts += [name, path, status.st_size, status.st_mtime_ns]
    return store.entry("base", parts, build) / "disk"
