"""Many at once: every one is answered, in the same words, and memory does not grow by them."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from serving import listening

from benchmarks.serving import _body, post, resident, serving
from pipeline.errors import EcgFusionError
from pipeline.server.limits import Limits
from pipeline.server.served import Served
from pipeline.server.service import Service

pytestmark = pytest.mark.usefixtures("cpu_as_before")

MB = 2**20


def test_sixteen_at_once_are_all_answered_and_nothing_is_kept(served: list[Served], wfdb_files: list[Path]):
    body = _body(wfdb_files[0])
    service = Service(served[:1], Limits(), threads=1)
    with listening(service) as address, ThreadPoolExecutor(16) as pool:
        port = urlsplit(address).port or 0
        list(pool.map(lambda _: post(port, body), range(80)))
        before = resident(os.getpid())
        list(pool.map(lambda _: post(port, body), range(240)))
        grown = resident(os.getpid()) - before
    assert service.n_inside == 0
    assert grown < 40 * MB  # a recording that is kept, as sent and in float64, would take 240 times 0.3 MB


def test_a_post_that_is_refused_is_told(served: list[Served], wfdb_files: list[Path]):
    body = _body(wfdb_files[0]).replace(b"a-record 12", b"a-record 13")
    with listening(Service(served[:1], Limits(), threads=1)) as address, pytest.raises(EcgFusionError, match="422"):
        post(urlsplit(address).port or 0, body)


def test_the_command_serves_until_it_is_interrupted(earlier: Path, wfdb_files: list[Path]):
    with serving(earlier / "runs" / "gru") as (process, port):
        post(port, _body(wfdb_files[0]))
    assert process.returncode == 0
