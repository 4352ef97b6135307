"""Places of our own on 127.0.0.1: a web server, S3 by moto, and as much of Google's storage as is read of it."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from file_server import FileServer

from pipeline.machine.remote_asking import engines

BUCKET = "ecg"


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[None]:
    """Has a server answer in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    engines.forget()
    yield
    server.shutdown()
    thread.join()


@contextmanager
def web_of(folder: Path) -> Iterator[FileServer]:
    """A web server that has a folder."""
    with pytest.MonkeyPatch.context() as patch, FileServer(folder) as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr("pipeline.machine.remote_asking._PAUSES", (0.0, 0.0))
        with served(server):
            yield server
            server.over.set()


class Bucket:
    """A bucket of moto's.

    Attributes:
        name: of the bucket.
        client: boto3's.
    """

    def __init__(self, client: Any) -> None:
        self.name, self.client = BUCKET, client
        client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, data: bytes) -> str:
        """Puts a file there; gives its address."""
        self.client.put_object(Bucket=self.name, Key=key, Body=data)
        return f"s3://{self.name}/{key}"

    def put_folder(self, folder: Path, prefix: str) -> str:
        """Puts the files below a folder there; gives its address."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"s3://{self.name}/{prefix}"


@contextmanager
def bucket_of_moto() -> Iterator[Bucket]:
    """An empty bucket, whose credentials are those of the environment meanwhile."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setattr("pipeline.machine.remote_asking._PAUSES", (0.0, 0.0))
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHETESTS")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")
        client = boto3.client("s3")
        engines.forget()
        yield Bucket(client)
        client.close()
    server.stop()


class _Google(BaseHTTPRequestHandler):
    """A file's facts, parts of it, and what lies in a folder, in the words of Google's JSON API."""

    server: "GoogleServer"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = re.fullmatch(r"(/download)?/storage/v1/b/([^/]+)(?:/o(?:/(.+))?)?", parts.path)
        bucket, name = (found[2], unquote(found[3] or "")) if found else ("", "")
        if bucket != BUCKET:
            self._send(b'{"error": {"code": 404, "message": "no such bucket"}}', 404)
        elif name:
            self._send_file(name, asked)
        else:
            self._send(json.dumps(self._listed(asked.get("prefix", ""))).encode())

    def _send_file(self, name: str, asked: dict[str, str]) -> None:
        data = self.server.files.get(name)
        if data is None or asked.get("generation", self.server.generation) != self.server.generation:
            self._send(b'{"error": {"code": 404, "message": "no such object"}}', 404)
        elif asked.get("alt") == "media":
            first, last = re.findall(r"\d+", self.headers.get("Range", f"bytes=0-{len(data)}"))
            self._send(data[int(first) : int(last) + 1], 206)
        else:
            self._send(json.dumps(self._facts(name)).encode())

    def _listed(self, prefix: str) -> dict[str, Any]:
        inside = [name for name in self.server.files if name.startswith(prefix)]
        folders = {
            prefix + name[len(prefix) :].partition("/")[0] + "/" for name in inside if "/" in name[len(prefix) :]
        }
        return {
            "kind": "storage#objects",
            "items": [self._facts(name) for name in inside if "/" not in name[len(prefix) :]],
            "prefixes": sorted(folders),
        }

    def _facts(self, name: str) -> dict[str, str]:
        size = str(len(self.server.files[name]))
        return {"name": name, "bucket": BUCKET, "size": size, "generation": self.server.generation}

    def _send(self, body: bytes, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class GoogleServer(ThreadingHTTPServer):
    """Google's storage with one bucket.

    Attributes:
        files: name to bytes.
        generation: of all of them.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Google)
        self.files: dict[str, bytes] = {}
        self.generation = "1"

    def handle_error(self, request, client_address) -> None:
        pass  # a client that has heard enough


@contextmanager
def google() -> Iterator[GoogleServer]:
    """A bucket of Google's, which asks for no credentials."""
    with pytest.MonkeyPatch.context() as patch, GoogleServer() as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("NO_GCE_CHECK", "true")
        with served(server):
            yield server
