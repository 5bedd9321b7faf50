# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QEMU process: three serial lines (console, output, control), a monitor, three disks; all of it by descriptor.

Nothing has a name in the file system, so nothing is left there, and QEMU dies with the thread that started it.
"""
import functools
import json
import os
import selectors
import socket
import subprocess
import time

PROGRAM = "qemu-system-x86_64"
LINES = ("console", "output", "control")
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1 reboot=t cryptomgr.notests mitigations=off log_buf_len=1M"


class MachineError(Exception):
    """The machine failed, not the script; the text is one line, console and output hold what was seen."""
    console = output = ""


class TimedOut(MachineError):
    """The time was over before the script was."""


class Died(MachineError):
    """The machine panicked, or rebooted, or was switched off."""


@functools.lru_cache
def version():
    done = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[0]


def hardware(smp, memory):
    """The arguments that decide the machine's state; the same in save and restore. One processor a socket: the firmware's table
    for kernels without ACPI has no others. One thread for all processors: before 8.1, QEMU may translate code while another thread
    writes it, and keep the old; both processors then met the kernel's INT3 of a changed function long after it was gone, for ever."""
    return ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "pc",
            "-cpu", "qemu64,+rdrand", "-accel", "tcg,thread=single", "-smp", f"{smp},sockets={smp}", "-m", str(memory)]


def _disk_arguments(disks):
    """disks: (path, "on" or "off" for read-only), in the order of the guest's vda, vdb, ..."""
    arguments = []
    for number, (path, readonly) in enumerate(disks):
        drive = f"if=none,id=disk{number},format=raw,cache=unsafe,file.locking=off,read-only={readonly}"
        arguments += ["-drive", f"{drive},file={path.replace(',', ',,')}",
                      "-device", f"virtio-blk-pci,drive=disk{number}"]
    return arguments


def _line_arguments(sockets):
    arguments = ["-mon", "chardev=monitor,mode=control"]
    for name, end in sockets.items():
        arguments += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
        if name in LINES:
            arguments += ["-serial", f"chardev:{name}"]
    return arguments


class Qemu:
    def __init__(self, arguments, disks, deadline, incoming=None, stream=None):
        self.deadline = deadline
        self.text = {name: bytearray() for name in LINES}
        self.both = bytearray()
        self.stream, self.passed = stream, 0
        pairs = {name: socket.socketpair() for name in (*LINES, "monitor")}
        self.lines = {name: pair[0] for name, pair in pairs.items()}
        theirs = {name: pair[1] for name, pair in pairs.items()}
        self.monitor = self.lines["monitor"].makefile("rw")
        self.selector = selectors.DefaultSelector()
        for name in LINES:
            self.selector.register(self.lines[name], selectors.EVENT_READ, name)

        command = [*arguments, *_line_arguments(theirs), *_disk_arguments(disks)]
        inherited = [end.fileno() for end in theirs.values()]
        inherited += [int(path.rsplit("/", 1)[1]) for path, _ in disks if path.startswith("/proc/self/fd/")]
        if incoming:
            command += ["-incoming", f"fd:{incoming.fileno()}"]
            inherited.append(incoming.fileno())
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", PROGRAM, *command], pass_fds=inherited,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for end in theirs.values():
            end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.selector.close()
        self.monitor.close()
        for line in self.lines.values():
            line.close()

    def send(self, text):
        self.lines["control"].sendall(text.encode())

    def wait(self, line, word):
        """Read all lines until word has come on one of them; returns what came before it, and drops both."""
        while word not in self.text[line]:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise self.failure(TimedOut, "timed out")
            ready = self.selector.select(left)
            for key, _ in ready:
                self._read(key)
        if line == "output":
            self.pass_on(self.text[line].index(word))
        before, _, after = bytes(self.text[line]).partition(word)
        self.text[line] = bytearray(after)
        return before

    def _read(self, key):
        try:
            data = key.fileobj.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self.selector.unregister(key.fileobj)
            if key.data == "control":
                raise self.failure(Died, self._cause())
            return
        self.text[key.data] += data
        if key.data != "control":
            self.both += data
        if key.data == "output":
            self.pass_on(self.text["output"].rfind(b"\n") + 1)

    def pass_on(self, end):
        """Hand the output up to end to the stream: whole lines, so that the word after the last one stays here."""
        if self.stream and end > self.passed:
            self.stream(bytes(self.text["output"][self.passed:end]))
            self.passed = end

    def _cause(self):
        """Why the machine is gone: the rest of its last words first."""
        for name in ("console", "output"):
            line = self.lines[name]
            line.settimeout(0.2)
            try:
                while data := line.recv(1 << 16):
                    self.text[name] += data
                    self.both += data
            except OSError:
                pass
        for text in self.text["console"].decode(errors="replace").splitlines():
            if "Kernel panic" in text:
                return text[text.index("Kernel panic"):].strip()
        os.set_blocking(self.process.stderr.fileno(), False)
        words = (self.process.stderr.read() or b"").decode(errors="replace").strip()
        return words.splitlines()[-1] if words else "the machine ended before the script"

    def failure(self, kind, reason):
        error = kind(reason)
        error.console, error.output = plain(self.both), self.text["output"].decode(errors="replace")
        return error

    def connect(self):
        """Take the monitor's greeting, leave its negotiation mode."""
        self.monitor.readline()
        self.call("qmp_capabilities")

    def call(self, name, **arguments):
        """One command of the monitor (QMP)."""
        self.lines["monitor"].settimeout(max(0.01, self.deadline - time.monotonic()))
        try:
            self.monitor.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self.monitor.flush()
            for line in self.monitor:
                answer = json.loads(line)
                if "error" in answer:
                    raise self.failure(MachineError, f"QEMU: {name}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except TimeoutError:
            raise self.failure(TimedOut, "timed out: QEMU's monitor does not answer") from None
        except OSError:
            pass
        raise self.failure(Died, self._cause())

    def until(self, name, key, wanted, refused=()):
        """Ask the monitor until the answer is a wanted one."""
        while (value := self.call(name).get(key)) not in wanted:
            if value in refused:
                raise self.failure(MachineError, f"QEMU: {name}: {value}")
            time.sleep(0.005)


def plain(data):
    return data.decode(errors="replace").replace("\r\n", "\n")
