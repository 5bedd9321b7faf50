# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens of SoftHSM in a folder, and programs at a terminal of their own."""
import os
import pty
import select
import subprocess
import termios
import threading
import time
from pathlib import Path

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
KINDS = {"p256": "EC:prime256v1", "p384": "EC:secp384r1", "rsa": "rsa:3072", "rsa2048": "rsa:2048"}


class Tokens:
    """What SoftHSM has in this folder; environment: for programs that are to see it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "tokens").mkdir(parents=True)
        config = self.folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(config)}

    def _run(self, *command):
        environment = {**os.environ, **self.environment}
        subprocess.run([str(word) for word in command], check=True, capture_output=True, env=environment)

    def add(self, label, pin):
        self._run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "87654321")

    def make_key(self, token, pin, kind, name, identifier):
        self._run("pkcs11-tool", "--module", MODULE, "--token-label", token, "--login", "--pin", pin, "--keypairgen", "--key-type",
                  KINDS[kind], "--id", identifier, "--label", name, "--usage-sign")


class Terminal:
    """A program with a terminal of its own as standard input and output and to ask at."""

    def __init__(self, *command, environment=None):
        self.master, self.slave = pty.openpty()
        self.before = self.modes()
        self.output = b""
        words = ["setsid", "--ctty", *(str(word) for word in command)]  # becomes the command
        self.process = subprocess.Popen(words, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})})

    def modes(self):
        return termios.tcgetattr(self.slave)

    def _read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536)

    def until(self, words):
        """Wait for these words in the output."""
        end = time.monotonic() + 60
        while words.encode() not in self.output:
            assert time.monotonic() < end and self.process.poll() is None, self.output
            self._read(0.1)

    def hides(self):
        """Whether what is typed now is not shown."""
        return not self.modes()[3] & termios.ECHO

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        """(exit code, all that was shown); the terminal is as it was."""
        while self.process.poll() is None:
            self._read(0.05)
        self._read(0.1)
        while select.select([self.master], [], [], 0)[0]:
            self._read(0)
        assert self.modes() == self.before
        os.close(self.master)
        os.close(self.slave)
        return self.process.returncode, self.output.decode()


class Watcher:
    """Looks for a secret in the command line and the environment of every process, again and again."""

    def __init__(self, secret):
        self.secret = secret.encode()
        self.found = []
        self.looks = 0
        self.seen = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.stopping.is_set():
            for folder in os.listdir("/proc"):
                if folder.isdigit():
                    self._look(folder)
            self.looks += 1

    def _look(self, process):
        for name in ("cmdline", "environ", "comm"):
            try:
                with open(f"/proc/{process}/{name}", "rb") as file:
                    text = file.read()
            except OSError:
                continue
            if name == "comm":
                self.seen.add(text.decode(errors="replace").strip())
            if self.secret in text:
                self.found.append((process, name, text))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
