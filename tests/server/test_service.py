"""Who is let in, how long it may take, and that nothing is left behind."""

import asyncio
import glob
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.server.limits import Limits, Problem
from pipeline.server.service import Asked, Service

BODY = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2\r\n--b--\r\n'


TYPE = "multipart/form-data; boundary=b"


async def sent(body: bytes = BODY, pause: float = 0.0) -> AsyncIterator[bytes]:
    await asyncio.sleep(pause)
    yield body


def never(_: Asked) -> None:
    pytest.fail("it is worked on")


def service(**limits: Any) -> Service:
    return Service([], Limits(**limits), threads=1)


def folders() -> list[str]:
    return glob.glob(f"{tempfile.gettempdir()}/ecgfusion-server-*")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch, cpu_as_before):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_folder_is_there_while_it_is_read_and_gone_when_it_is_answered():
    ours = service()

    def work(asked: Asked):
        assert Path(asked.path).read_text() == "1,2"
        return len(folders()), asked.name, asked.sentence(f"{asked.path} is bad, {asked.folder}/b too")

    assert asyncio.run(ours.answer(TYPE, sent(), work)) == (1, "a.csv", "a.csv is bad, b too")
    assert (folders(), ours.n_inside) == ([], 0)


@pytest.mark.parametrize("problem", [ValueError("oh"), Problem(422, "bad")])
def test_it_is_gone_when_it_fails(problem: Exception):
    ours = service()

    def work(_: Asked):
        raise problem

    with pytest.raises(type(problem)):
        asyncio.run(ours.answer(TYPE, sent(), work))
    assert (folders(), ours.n_inside) == ([], 0)


def test_it_is_gone_when_the_form_is_bad():
    ours = service()
    with pytest.raises(Problem, match="too early"):
        asyncio.run(ours.answer(TYPE, sent(BODY[:-10]), never))
    assert (folders(), ours.n_inside) == ([], 0)


def test_one_too_many_is_asked_to_come_again_and_all_others_are_answered():
    ours, go_on = service(most_at_once=3), threading.Event()

    async def ask():
        asked = [asyncio.ensure_future(ours.answer(TYPE, sent(), lambda _: go_on.wait(60))) for _ in range(3)]
        while ours.n_inside < 3:
            await asyncio.sleep(0.01)
        with pytest.raises(Problem, match="3 recordings are being answered already") as problem:
            await ours.answer(TYPE, sent(), never)
        go_on.set()
        return problem.value, await asyncio.gather(*asked)

    problem, answers = asyncio.run(ask())
    assert (problem.status, problem.headers) == (503, {"Retry-After": "1"})
    assert answers == [True] * 3
    assert (folders(), ours.n_inside) == ([], 0)


def test_who_waits_too_long_hears_so_and_what_still_runs_keeps_its_folder():
    ours, go_on = service(most_seconds=0.2), threading.Event()
    ended = threading.Event()

    def work(asked: Asked):
        go_on.wait(60)
        assert Path(asked.path).read_text()
        ended.set()

    with pytest.raises(Problem, match=r"longer than 0\.2 s") as problem:
        asyncio.run(ours.answer(TYPE, sent(), work))
    assert problem.value.status == 504
    assert len(folders()) == ours.n_inside == 1
    with pytest.raises(Problem, match=r"longer than 0\.2 s"):  # behind it; never begun
        asyncio.run(ours.answer(TYPE, sent(), never))
    go_on.set()
    ours.close()
    assert ended.is_set()
    assert (folders(), ours.n_inside) == ([], 0)


def test_what_arrives_too_slowly_is_given_up():
    ours = service(most_seconds=0.1)
    start = time.monotonic()
    with pytest.raises(Problem, match=r"longer than 0\.1 s") as problem:
        asyncio.run(ours.answer(TYPE, sent(pause=60), never))
    assert problem.value.status == 408
    assert time.monotonic() - start < 50
    assert ours.n_inside == 0


def test_a_full_disk_is_said(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    with pytest.raises(Problem, match="the disk is full") as problem:
        asyncio.run(service().answer(TYPE, sent(), never))
    assert problem.value.status == 507


def test_all_is_computed_in_one_thread():
    ours = service()

    async def ask():
        return await asyncio.gather(*(ours.answer(TYPE, sent(), lambda _: threading.get_ident()) for _ in range(5)))

    (only,) = set(asyncio.run(ask()))
    assert only != threading.get_ident()
