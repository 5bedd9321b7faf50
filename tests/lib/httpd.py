# SPDX-License-Identifier: LGPL-2.1-or-later
"""HTTP servers for tests: nginx for what servers do, and a small evil one for what they should not."""
import http.server
import os
import socket
import subprocess
import threading
import time
import urllib.parse


class EvilServer:
    """Serves a folder, records requests, and does what `behave[path]` (a function of the handler) says instead."""

    def __init__(self, folder):
        self.requests = []  # (path, headers)
        self.behave = {}
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def do_GET(self):
                path = urllib.parse.urlsplit(self.path).path
                outer.requests.append((path, dict(self.headers)))
                behave = outer.behave.get(path)
                if behave:
                    behave(self)
                else:
                    super().do_GET()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # clients hang up on evil servers

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def paths(self):
        """The paths asked for, in order."""
        return [path for path, _ in self.requests]

    # Behaviours

    def endless(self, handler):
        """A body without announced length that never stops."""
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not self.stopping.is_set():
            handler.wfile.write(b"[" * 65536)

    def endless_chunks(self, handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not self.stopping.is_set():
            handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def endless_headers(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.stopping.is_set():
            handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    def stalled(self, handler):
        """Announces a body and sends a byte now and then."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b" ")
            if self.stopping.wait(0.2):
                return

    @staticmethod
    def truncated(data, keep):
        """Announces all of data, sends the first `keep` bytes and hangs up."""

        def behave(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:keep])
            handler.close_connection = True

        return behave

    @staticmethod
    def sends(data, status=200, **headers):
        """A whole answer of our making."""

        def behave(handler):
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(data)

        return behave

    @staticmethod
    def announces(length):
        """Announces a length without keeping the promise."""

        def behave(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(length))
            handler.end_headers()
            handler.close_connection = True

        return behave

    @staticmethod
    def redirects(location):
        def behave(handler):
            handler.send_response(302)
            handler.send_header("Location", location)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return behave


def free_port():
    """A port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """A real nginx over a folder; with certificate and key (PEM paths) it speaks TLS, with client_ca to its clients alone.

    http2: and HTTP/2, to those who ask for it. more: further directives of the server.
    """

    def __init__(self, folder, scratch, certificate=None, key=None, client_ca=None, http2=False, more=""):
        self.scratch = str(scratch)
        os.makedirs(self.scratch, exist_ok=True)
        port = free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};" if certificate else ""
        if client_ca:
            tls += f" ssl_client_certificate {client_ca}; ssl_verify_client on;"
        config = os.path.join(self.scratch, "nginx.conf")
        with open(config, "w") as file:
            file.write(
                f"daemon off; pid {self.scratch}/pid; error_log {self.scratch}/error.log; worker_processes 1;\n"
                + ("user root;\n" if os.getuid() == 0 else "")
                + "events { worker_connections 64; }\n"
                f"http {{ log_format short '$connection \"$request\" $status';\n"
                f"access_log {self.scratch}/access.log short; client_body_temp_path {self.scratch}/body;\n"
                f"proxy_temp_path {self.scratch}/proxy; fastcgi_temp_path {self.scratch}/fastcgi;\n"
                f"uwsgi_temp_path {self.scratch}/uwsgi; scgi_temp_path {self.scratch}/scgi;\n"
                f"server {{ listen 127.0.0.1:{port}{' ssl' if certificate else ''}{' http2' if http2 else ''}; "
                f"{tls} {more} root {folder}; }} }}\n"
            )
        self.port = port
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{self.scratch}/error.log", "-c", config])
        self._wait()

    def _wait(self):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        with open(f"{self.scratch}/error.log") as log:
            raise RuntimeError(f"nginx did not start: {log.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def _log(self):
        with open(f"{self.scratch}/access.log") as log:
            return [line.split('"') for line in log]

    def requests(self):
        """"METHOD path status" of each request so far."""
        return [f"{request.rsplit(' ', 1)[0]} {rest.strip()}" for _, request, rest in self._log()]

    def protocols(self):
        """The protocols of those requests: {"HTTP/2.0"}."""
        return {request.rsplit(" ", 1)[1] for _, request, _ in self._log()}

    def connections(self):
        """How many connections those requests came by."""
        return len({connection for connection, _, _ in self._log()})


class Unreliable:
    """Passes TCP connections on to a server, each only for so many bytes of its answers, then does what ends(socket) says."""

    def __init__(self, port, limits, ends):
        self.limits = iter(limits)  # bytes for each connection; None or no more: all of them
        self.ends = ends
        self.port = port
        self.broken = 0
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.1)
        self.here = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.threads[0].join()
        self.listener.close()

    def url(self, url):
        """The server's URL, through here."""
        return url.replace(f":{self.port}", f":{self.here}")

    def _accept(self):
        while not self.stopping.is_set():
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            server = socket.create_connection(("127.0.0.1", self.port))
            limit = next(self.limits, None)
            for arguments in ((client, server, None), (server, client, limit)):
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(self, source, target, limit):
        try:
            while data := source.recv(16384 if limit is None else min(16384, limit)):
                target.sendall(data)
                if limit is not None:
                    limit -= len(data)
                    if limit == 0:
                        self.broken += 1
                        self.ends(self, target, source)
                        return
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for each in (source, target):
                each.close()

    # Ends

    def reset(self, client, server):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for each in (client, server):
            each.shutdown(socket.SHUT_RD)
            each.close()

    def hang_up(self, client, server):
        for each in (client, server):
            each.shutdown(socket.SHUT_RDWR)
            each.close()

    def stall(self, client, server):
        self.stopping.wait(60)
