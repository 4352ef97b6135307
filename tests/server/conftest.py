"""A served folder of runs, a client of it, and recordings to send."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from serving import HERE, NAMES
from starlette.testclient import TestClient

from pipeline.server.app import create_app
from pipeline.server.example import example_csv
from pipeline.server.limits import Limits
from pipeline.server.served import Served, load_served
from pipeline.server.service import Service


class Client(TestClient):
    """Knows what answers it."""

    service: Service


Serve = Callable[..., AbstractContextManager[Client]]


@pytest.fixture(scope="session")
def served(earlier: Path) -> list[Served]:
    """A network on signals, one on images, and one of several members."""
    return load_served([earlier / "runs" / name for name in NAMES])


@pytest.fixture
def serve(served: list[Served], cpu_as_before: None) -> Serve:
    """Serves the runs within limits."""

    @contextmanager
    def of_limits(host: str = "127.0.0.1", base_url: str = HERE, **limits: Any) -> Iterator[Client]:
        service = Service(served, Limits(**limits), threads=1)
        with Client(create_app(service, host), base_url=base_url, raise_server_exceptions=False) as client:
            client.service = service
            yield client

    return of_limits


@pytest.fixture
def client(serve: Serve) -> Iterator[Client]:
    """A client of the server as it stands by itself."""
    with serve() as client:
        yield client


@pytest.fixture(scope="session")
def example() -> tuple[str, bytes]:
    """A good recording, as a file to send."""
    return "example.csv", example_csv()


@pytest.fixture(scope="session")
def wfdb_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A header with its signal file; of twelve leads and ten seconds."""
    folder = tmp_path_factory.mktemp("wfdb")
    seconds = np.arange(0, 10, 1 / 250)
    waves = [np.sin(2 * np.pi * (1 + number / 4) * seconds) for number in range(12)]
    leads = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    signal = np.rint(200 * np.stack(waves, axis=1)).astype(np.int64)
    wfdb.wrsamp(
        *("a-record", 250, ["mV"] * 12, leads),
        d_signal=signal,
        fmt=["16"] * 12,
        adc_gain=[200.0] * 12,
        baseline=[0] * 12,
        write_dir=str(folder),
    )
    return [folder / "a-record.hea", folder / "a-record.dat"]
