"""The age and the sex of a patient: asked for and used where a run sees them, and nowhere else."""

from collections.abc import Iterator

import pytest
from serving import HERE, Tags
from starlette.testclient import TestClient
from untrained_runs import measuring_run

from pipeline.scoring.files import Reader
from pipeline.server.app import create_app
from pipeline.server.limits import Limits
from pipeline.server.served import Served
from pipeline.server.service import Service
from pipeline.sources.formats.opened import Said

OLD = {"age": "88", "sex": "female"}


@pytest.fixture(scope="module")
def tabular() -> Served:
    run = measuring_run("tabular")
    return Served("tabular", run, Reader(run), lambda said: Reader(run, said))


@pytest.fixture
def both(tabular: Served, served: list[Served], cpu_as_before: None) -> Iterator[TestClient]:
    """A client of a run that sees them and of one that does not."""
    app = create_app(Service([tabular, served[0]], Limits(), threads=1))
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as client:
        yield client


def test_they_move_the_answer_of_the_run_that_sees_them_alone(both, example, tabular: Served):
    bare, told = (both.post("/predict", files={"file": example}, data=data).json() for data in ({}, OLD))
    assert [each["run"] for each in told] == ["tabular", "gru"]
    assert told[0]["probabilities"] != pytest.approx(bare[0]["probabilities"], abs=1e-4)
    assert told[1] == bare[1]


def test_the_answer_is_the_readers(both, example, tabular: Served, tmp_path):
    path = tmp_path / example[0]
    path.write_bytes(example[1])
    wanted = Reader(tabular.run, Said(age=88.0, sex=1)).answer(str(path)).probabilities
    told = both.post("/predict", files={"file": example}, data=OLD).json()
    assert told[0]["probabilities"] == pytest.approx(wanted, abs=1e-6)


def test_what_moved_an_answer_is_of_that_patient(both, example):
    pictures = {both.post("/explain", files={"file": example}, data=data).content for data in ({}, OLD)}
    assert len(pictures) == 2


def test_the_page_asks_for_them_where_a_run_sees_them(both, client):
    asked, not_asked = (Tags(each.get("/").text).tags for each in (both, client))
    fields = [
        {attributes.get("name") for tag, attributes in tags if tag in ("input", "select")}
        for tags in (asked, not_asked)
    ]
    assert fields[0] - fields[1] == {"age", "sex"}
    assert [each["sees_patient"] for each in both.get("/runs").json()] == [True, False]


def test_told_to_runs_that_see_neither_they_are_refused(both, example):
    answer = both.post("/predict", files={"file": example}, data={**OLD, "run": "gru"})
    assert answer.status_code == 400
    assert answer.json()["problem"] == "age and sex are seen by no run that is asked (gru): leave them out"
