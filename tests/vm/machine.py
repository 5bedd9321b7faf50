# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a shell script in a machine with a real kernel:

    result = machine.run("insmod /lib/x.ko", copies=[("build/x.ko", "/lib/x.ko")], out=tmp_path)

The machine is booted once and its state saved; each run restores it, so that each begins with a fresh one.
"""
import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import vm_image as image
import vm_kernel as kernel
import vm_store as store
from vm_image import ImageError, programs
from vm_kernel import KernelError, build_modules, build_patches, enforcing_key, framework, modules_tree, sign
from vm_qemu import KERNEL_ARGUMENTS, Died, MachineError, Qemu, TimedOut, hardware, plain, version

__all__ = ["run", "Result", "build_modules", "framework", "build_patches", "modules_tree", "programs", "enforcing_key", "sign",
           "sign_modules", "MachineError", "TimedOut", "Died", "ImageError", "KernelError"]
BUILD_TIMEOUT = 600
BLANK_NAME = "vm-disk"


@dataclass(frozen=True)
class Result:
    """status: of the script. output: its own words. console: the same among the kernel's. kernel_log: all of dmesg.
    out_dir: where the files of /out are, None when they were not asked for. seconds: what the run took."""
    status: int
    output: str
    console: str
    kernel_log: str
    out_dir: Path | None
    seconds: float

    @property
    def script_log(self):
        """The kernel's messages since the script began, without time stamps."""
        text = self.kernel_log.partition("suture-vm: start\n")[2]
        return "".join(line.partition("] ")[2] for line in text.splitlines(keepends=True))


@dataclass(frozen=True)
class _Platform:
    """All that decides the state of a machine before its test."""
    kernel: Path
    initrd: Path
    hardware: tuple

    @property
    def arguments(self):
        return ["-kernel", str(self.kernel), "-initrd", str(self.initrd), *self.hardware]


def _platform(target, trust, hardware, append):
    key, cert = trust

    def build(folder):
        (folder / "initrd").write_bytes(image.initrd(target, key, cert))
        start = target.start.read_bytes()
        (folder / "kernel").write_bytes(kernel.trust(start, cert) if target.debian else start)

    here = Path(__file__).resolve().parent
    ingredients = [target.name, *map(Path, filter(None, trust)), image.BUSYBOX, *sorted((here / "guest").iterdir()),
                   here / "vm_image.py", here / "vm_kernel.py"]
    boot = store.entry("kernel", ingredients, build, keep=8)
    return _Platform(boot / "kernel", boot / "initrd", (*hardware, "-append", append))


def _trust(target, trust, enforce, series):
    """The key and certificate that the kernel is to trust: none for one that does not check signatures."""
    if target.debian:
        return trust or enforcing_key(series)
    if trust or enforce:
        raise KernelError(f"{target.release} does not check signatures of modules")
    return None, None


@contextlib.contextmanager
def _blank_disk():
    """A sparse disk in memory, without a name."""
    descriptor = os.memfd_create(BLANK_NAME)
    try:
        os.truncate(descriptor, image.DISK_SIZE)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _snapshot(platform):
    """The saved state of the platform, at the moment when it waits for a test."""
    def build(folder):
        with _blank_disk() as blank:
            disks = [(blank, "off"), (blank, "off"), (blank, "on")]
            with Qemu(platform.arguments, disks, time.monotonic() + BUILD_TIMEOUT) as machine:
                machine.wait("control", b"ready\n")
                time.sleep(0.3)
                machine.connect()
                machine.call("stop")
                machine.call("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
                machine.call("migrate", uri=f"exec:zstd -q -1 > {shlex.quote(str(folder))}/state")
                machine.until("query-migrate", "status", ["completed"], ["failed", "cancelled"])

    parts = [platform.kernel.parent.name, version(), *platform.hardware]
    return store.entry("state", parts, build, keep=24) / "state"


@contextlib.contextmanager
def _started(platform, disks, cold, deadline, stream):
    """A machine that waits for its test: restored, or booted when cold."""
    if cold:
        with Qemu(platform.arguments, disks, deadline, stream=stream) as machine:
            machine.wait("control", b"ready\n")
            machine.connect()
            yield machine
        return
    state = _snapshot(platform)
    with subprocess.Popen(["zstd", "-dcq", state], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacked:
        try:
            with Qemu(platform.arguments, disks, deadline, unpacked.stdout, stream) as machine:
                unpacked.stdout.close()
                _resume(machine, state)
                yield machine
        finally:
            unpacked.kill()


def _resume(machine, state):
    """Let a restored machine go on. A state that cannot be restored is not worth keeping."""
    try:
        machine.connect()
        machine.until("query-status", "status", ["paused"], ["internal-error"])
        machine.call("cont")
    except Died:
        shutil.rmtree(state.parent, ignore_errors=True)
        raise


def run(script, copies=(), out=None, smp=1, memory=512, cold=False, enforce=False, trust=None, persist=None,
        persist_at="/var/lib/suture", timeout=240, series="6.1", stream=None, flavour=kernel.DEBIAN, extra_kernel="", qemu=(),
        dump=None):
    """Run script (text) by sh as root in a fresh machine and return its Result.

    copies: (source, destination) pairs, as of tests/vm/run --copy; programs bring their shared libraries.
    out: folder for the guest's /out, kernel.log and console.log.
    persist: folder of the host that the guest finds at persist_at and gives back as it left it.
    trust: (key, certificate) of modules instead of enforcing_key(); for Debian's kernels.
    timeout: seconds, for all but the making of a kernel or a snapshot.
    stream: called with the script's output as it comes.
    series, flavour: the kernel, as of script/kernel.
    extra_kernel, qemu: more arguments of the kernel and of QEMU; with either the machine boots cold.
    dump: file for the machine's memory after the script, an ELF core with virtual addresses, for gdb with the kernel's vmlinux.
    Raises Died, TimedOut, MachineError, ImageError or KernelError.
    """
    target = kernel.find(series, flavour)
    append = " ".join(filter(None, [KERNEL_ARGUMENTS, enforce and "module.sig_enforce=1", extra_kernel]))
    platform = _platform(target, _trust(target, trust, enforce, series), (*hardware(smp, memory), *qemu), append)
    cold = bool(cold or extra_kernel or qemu)
    if not cold:
        _snapshot(platform)
    begin = time.monotonic()
    if persist:
        Path(persist).mkdir(parents=True, exist_ok=True)
        copies = [*copies, (persist, persist_at)]
    with _blank_disk() as root, _blank_disk() as results:
        base = _root_disk(target.file_system, root, script, copies, persist and persist_at.strip("/"))
        disks = [(root, "off"), (results, "off"), (str(base), "on")]
        try:
            with _started(platform, disks, cold, begin + timeout, stream) as machine:
                status, output = _session(machine)
                if dump:
                    _dump(machine, Path(dump))
                console = plain(machine.both)
        except MachineError as error:
            _write(out, "console.log", error.console)
            raise
        log = _collect(results, out, persist and (Path(persist), persist_at.strip("/")))
    _write(out, "console.log", console)
    _write(out, "kernel.log", log)
    return Result(status, output, console, log, Path(out) if out else None, time.monotonic() - begin)


def _root_disk(kind, disk, script, copies, persist):
    """Put the root file system of this run on disk; returns the disk of its tools and libraries."""
    with store.temporary() as top:
        libraries = image.root_tree(top, script, copies, persist)
        image.make_file_system(kind, top, Path(disk))
    return image.base_disk(kind, libraries)


def _session(machine):
    """Start the script, wait for its end; returns (status, output)."""
    nonce = secrets.token_hex(16)
    ownership = "ours" if os.geteuid() == 0 else "foreign"
    machine.send(f"{nonce} {int(time.time())} {secrets.token_hex(32)} {ownership}\n")
    machine.wait("control", nonce.encode())
    status = int(machine.wait("control", b"\n"))
    output = machine.wait("output", nonce.encode())
    machine.both = machine.both.replace(nonce.encode(), b"")
    return status, output.decode(errors="replace")


def _dump(machine, path):
    """Write the machine's memory to path, by the addresses that its kernel uses."""
    path.unlink(missing_ok=True)
    machine.call("dump-guest-memory", paging=True, protocol=f"file:{path.resolve()}")


def _collect(disk, out, persist):
    """Take the guest's files from the disk of results; returns the kernel log."""
    with open(disk, "rb") as file, tarfile.open(fileobj=file, mode="r|") as archive, store.temporary() as work:
        try:
            archive.extractall(work, (member for member in archive if not member.isdev()))
        except tarfile.TarError:
            raise MachineError(f"the files in /out do not fit in {image.DISK_SIZE >> 20} MiB") from None
        if out:
            shutil.copytree(work / "out", out, symlinks=True, dirs_exist_ok=True)
        if persist:
            _replace(persist[0], work / persist[1])
        return (work / ".vm/kernel.log").read_text(errors="replace")


def _replace(folder, content):
    """Make folder's content that of another folder, which is gone afterwards."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in content.iterdir() if content.is_dir() else ():
        shutil.move(path, folder / path.name)


def _write(folder, name, text):
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / name).write_text(text)


def sign_modules(folder, target, trust=None, series="6.1"):
    """Sign every .ko of folder into target by the key that the test kernels trust."""
    Path(target).mkdir(parents=True, exist_ok=True)
    for module in sorted(Path(folder).glob("*.ko")):
        sign(module, Path(target) / module.name, *(trust or enforcing_key(series)))
    return Path(target)
