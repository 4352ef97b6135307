"""A web server of our own that publishes a folder, counts what it is asked, and misbehaves as it is told."""

import hashlib
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote


class Handler(BaseHTTPRequestHandler):
    """Answers one request, wrongly where there is a fault to be shown."""

    server: "FileServer"
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        name = unquote(self.path).lstrip("/")
        fault = self.server.note(name)
        try:
            time.sleep(self.server.latency)
            path = self.server.folder / name
            if fault:
                fault(self, path.read_bytes() if path.is_file() else b"")
            elif path.is_file():
                self.send_part(path.read_bytes())
            elif path.is_dir() and self.server.lists:
                self.send_list(path)
            else:
                missing(self, b"")
        finally:
            self.server.forget()

    def do_HEAD(self) -> None:
        self.do_GET()

    def send_part(self, body: bytes) -> None:
        """The file, or the part of it that is asked for, as long as it is the version that is asked for."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-Match", tag) != tag:
            self.send(b"", code=412)
            return
        wanted = self.wanted(body)
        if not wanted or not self.server.has_ranges:
            self.send(body, ETag=tag)
            return
        first, last = wanted
        self.server.parts.append((first, last + 1))
        self.send(body[first : last + 1], code=206, ETag=tag, Content_Range=f"bytes {first}-{last}/{len(body)}")

    def wanted(self, body: bytes) -> tuple[int, int] | None:
        """The first and the last byte that are asked for; None for all."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        return (int(found[1]), min(int(found[2]), len(body) - 1)) if found else None

    def send_list(self, folder: Path) -> None:
        """The page of a folder, as web servers make it; its name without a slash leads to that with one."""
        if not self.path.endswith("/"):
            self.send(b"", code=301, Location=f"{self.path}/")
            return
        names = [f"{quote(each.name)}/" if each.is_dir() else quote(each.name) for each in sorted(folder.iterdir())]
        links = "".join(f'<a href="{name}">{name}</a>\n' for name in ("?C=N;O=D", "../", *names))
        self.send(f"<html>{links}</html>".encode(), Content_Type="text/html")

    def send(self, body: bytes, length: int | None = None, code: int = 200, **headers: str) -> None:
        """``length`` is what the header claims."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = length is not None

    def log_message(self, *_: object) -> None:
        pass


Fault = Callable[[Handler, bytes], None]


class FileServer(ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1.

    Attributes:
        faults: file name to what its next answers suffer from; the first that it runs out of is right.
        fault_of_all: what every answer suffers from, or None.
        asked: the names in the order in which they were asked for, and ``times`` when, in s.
        most_at_once: requests that were being answered at one time.
        n_connections: how many were accepted.
        latency: s that each answer takes.
        lists: whether a folder has a page.
        has_ranges: whether parts of files are given.
        parts: the first byte of each part that was given, and the byte behind it.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.latency = 0.0
        self.lists, self.has_ranges = False, True
        self.parts: list[tuple[int, int]] = []
        self.faults: dict[str, Iterator[Fault]] = {}
        self.fault_of_all: Fault | None = None
        self.asked: list[str] = []
        self.times: list[float] = []
        self.most_at_once = self.n_connections = self._at_once = 0
        self.over = threading.Event()
        self._aborted: set[socket.socket] = set()
        self._lock = threading.Lock()

    def note(self, name: str) -> Fault | None:
        with self._lock:
            self.asked.append(name)
            self.times.append(time.monotonic())
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.fault_of_all or next(self.faults.get(name, iter(())), None)

    def forget(self) -> None:
        with self._lock:
            self._at_once -= 1

    def abort(self, connection: socket.socket) -> None:
        """Ends a connection by a reset."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._aborted.add(connection)

    def process_request(self, request, client_address) -> None:
        self.n_connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        if request in self._aborted:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request, client_address) -> None:
        pass  # a client that was killed


def missing(handler: Handler, body: bytes) -> None:
    handler.send(b"<html>no such file</html>", code=404)


def busy(handler: Handler, body: bytes) -> None:
    handler.send(b"<html>busy</html>", code=503)


def busy_for(seconds: int) -> Fault:
    return lambda handler, body: handler.send(b"", code=503, Retry_After=str(seconds))


def unanswered(handler: Handler, body: bytes) -> None:
    handler.server.abort(handler.connection)
    handler.close_connection = True


def dropped(handler: Handler, body: bytes) -> None:
    """A reset in the middle."""
    handler.server.abort(handler.connection)
    handler.send(body[: len(body) // 2], length=len(body))


def part_dropped(handler: Handler, body: bytes) -> None:
    """A reset in the middle of what was asked for, which may be a part."""
    first, last = handler.wanted(body) or (0, len(body) - 1)
    n_bytes = last + 1 - first
    handler.server.abort(handler.connection)
    where = f"bytes {first}-{last}/{len(body)}"
    handler.send(body[first : first + n_bytes // 2], length=n_bytes, code=206, Content_Range=where)


def short(handler: Handler, body: bytes) -> None:
    """An orderly end before all is sent that was promised."""
    handler.send(body[: len(body) // 2], length=len(body))


def cut(handler: Handler, body: bytes) -> None:
    """Half a file that claims to be whole."""
    handler.send(body[: len(body) // 2])


def wrong(handler: Handler, body: bytes) -> None:
    """One bit is another."""
    middle = len(body) // 2
    handler.send(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])


def longer(handler: Handler, body: bytes) -> None:
    handler.send(body + b"\n")


def web_page(handler: Handler, body: bytes) -> None:
    """What a network answers that wants a log-in."""
    handler.send(b"<!DOCTYPE html>\n<html><body>Welcome to the hotel</body></html>\n", Content_Type="text/html")


def stalled(handler: Handler, body: bytes) -> None:
    """Silence in the middle."""
    handler.send(body[: len(body) // 2], length=len(body))
    handler.server.over.wait()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        Path(root, file).relative_to(folder).as_posix(): Path(root, file).read_bytes()
        for root, _, files in os.walk(folder)
        for file in files
    }


def write_sums(folder: Path) -> None:
    """Writes the list as PhysioNet does: one space between a sum and its name."""
    (folder / "SHA256SUMS.txt").unlink(missing_ok=True)
    lines = [f"{hashlib.sha256(body).hexdigest()} {name}\n" for name, body in sorted(contents(folder).items())]
    (folder / "SHA256SUMS.txt").write_text("".join(lines))
