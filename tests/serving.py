"""What tests of the page share: which runs are served and where, and a page taken apart."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import uvicorn

from pipeline.server.app import create_app
from pipeline.server.service import Service

NAMES = ("gru", "stored", "kfold")
HERE = "http://127.0.0.1:8000"


def sent(paths: list[Path]) -> list[tuple[str, tuple[str, bytes]]]:
    """The files of one recording, to be posted."""
    return [("file", (path.name, path.read_bytes())) for path in paths]


class Tags(HTMLParser):
    """The elements of a page.

    Attributes:
        tags: name and attributes of each.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """Serves at a free port of 127.0.0.1, as the command does; gives the address."""
    place = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server has ended"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        place.close()
