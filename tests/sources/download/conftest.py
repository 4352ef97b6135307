"""PTB-XL as PhysioNet publishes it, in small and simulated, and a server of our own that has it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, write_sums

from pipeline.sources.synthetic import write_dataset


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty recordings at both rates and what lies beside them. Do not write into it."""
    folder = tmp_path_factory.mktemp("published") / "1.0.3"
    write_dataset(folder, n_records=30, seed=5, rates=(100, 500))
    for name in ("LICENSE.txt", "RECORDS", "ptbxl_v102_changelog.txt", "ptbxl_v103_changelog.txt"):
        (folder / name).write_text(f"this is {name}\n")
    write_sums(folder)
    return folder


@pytest.fixture
def server(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server that has it and means well."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FileServer(published) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()
