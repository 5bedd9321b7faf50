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
    """The arguments that decide the machine's state; the same in save and restore."""
    threads = "multi" if smp > 1 else "single"
    return ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "pc", "-cpu", "qemu64,+rdrand",
            "-accel", f"tcg,thread={threads}", "-smp", str(smp), "-m", str(memory)]


class Qemu:
    def __init__(self, arguments, disks, deadline, incoming=None, stream=None):
        self.deadline = deadline
        self.text = {name: bytearray() for name in LINES}
        self.both = bytearray()
        self.stream, self.passed = stream, 0
        self.lines = {}
        self.process = None
        theirs = []
        self.selector = selectors.DefaultSelector()
        command = ["setpriv", "--pdeathsig", "KILL", PROGRAM, *arguments]
        for name in (*LINES, "monitor"):
            ours, other = socket.socketpair()
            self.lines[name] = ours
            theirs.append(other)
            command += ["-chardev", f"socket,id={name},fd={other.fileno()}"]
            if name != "monitor":
                command += ["-serial", f"chardev:{name}"]
                self.selector.register(ours, selectors.EVENT_READ, name)
        command += ["-mon", "chardev=monitor,mode=control"]
        for number, (path, mode) in enumerate(disks):
            command += ["-drive", f"if=none,id=disk{number},format=raw,cache=unsafe,file.locking=off,read-only={mode},file={path}",
                        "-device", f"virtio-blk-pci,drive=disk{number}"]
        inherited = [other.fileno() for other in theirs]
        inherited += [int(path.rsplit("/", 1)[1]) for path, _ in disks if path.startswith("/proc/self/fd/")]
        if incoming:
            command += ["-incoming", f"fd:{incoming.fileno()}"]
            inherited.append(incoming.fileno())
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        pass_fds=inherited)
        for other in theirs:
            other.close()
        self.monitor = self.lines["monitor"].makefile("rw")

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
            ready = self.selector.select(max(0, self.deadline - time.monotonic()))
            if not ready:
                raise self.failure(TimedOut, "timed out")
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
