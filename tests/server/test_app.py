"""The JSON of the server from end to end: what is answered, and what it says of itself."""

import json
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from serving import NAMES, sent

from pipeline.scoring.answers import NOTICE, Answer
from pipeline.scoring.files import Reader
from pipeline.server.served import load_served
from pipeline.sources.formats.opened import Said


def test_the_answer_is_the_readers(client, served, wfdb_files: list[Path]):
    answer = client.post("/predict", files=sent(wfdb_files))
    assert answer.status_code == 200
    for each, of_run in zip(served, answer.json(), strict=True):
        wanted = Reader(each.run).answer(str(wfdb_files[0])).to_json()
        remarks = [remark.replace(str(each.run.folder), each.name) for remark in wanted["remarks"]]
        assert of_run == {**wanted, "file": "a-record.hea", "run": each.name, "remarks": remarks}
    assert [each["run"] for each in answer.json()] == list(NAMES)
    assert all(each["notice"] == NOTICE for each in answer.json())


def test_findings_are_judged_by_the_thresholds_that_the_server_was_started_with(earlier: Path, wfdb_files: list[Path]):
    low, high = (
        load_served([earlier / "runs" / "gru"], threshold=threshold)[0].reader_of(Said()) for threshold in (0.0, 1.0)
    )
    assert low.answer(str(wfdb_files[0])).findings == low.run.card.classes
    assert high.answer(str(wfdb_files[0])).findings == ()
    remade = load_served([earlier / "runs" / "gru"], threshold=0.0)[0].reader_of(Said(unit="mV"))
    assert remade.answer(str(wfdb_files[0])).findings == remade.run.card.classes


def test_the_runs_that_are_named_are_asked(client, example):
    answer = client.post("/predict", files={"file": example}, data={"run": ["kfold", "gru", "kfold"]})
    assert [each["run"] for each in answer.json()] == ["kfold", "gru"]
    assert answer.json()[0]["intervals"]
    refused = client.post("/predict", files={"file": example}, data={"run": "<b>"})
    assert refused.status_code == 404
    assert refused.json()["problem"] == "there is no run <b>: ask one of gru, stored, kfold"


def test_the_example_is_answered_without_a_file(client, example):
    by_name = client.post("/predict", files={"file": example}, data={"run": "gru"}).json()
    by_field = client.post("/predict", files={"example": (None, "1")}, data={"run": "gru"}).json()
    assert by_field[0]["probabilities"] == by_name[0]["probabilities"]
    assert client.get("/example.csv").content == example[1]


def test_what_the_file_does_not_say_is_taken_from_the_form(client):
    samples = np.sin(np.arange(2 * 5000).reshape(5000, 2) / 30)
    bare = ("bare.csv", "\n".join(f"{x:.0f},{y:.0f}" for x, y in 1000 * samples).encode())
    refused = client.post("/predict", files={"file": bare}, data={"run": "gru"})
    assert refused.status_code == 422
    assert "bare.csv" in refused.json()["problem"]
    said = {"run": "gru", "unit": "uV", "sampling_rate": "500", "leads_of_file": "I II"}
    found = client.post("/predict", files={"file": bare}, data=said)
    assert found.json()[0]["sampling_rate"] == 500
    assert found.json()[0]["leads"] == ["I", "II"]


def test_a_run_that_cannot_see_the_recording_says_why_beside_those_that_can(client):
    time = np.arange(0, 10, 0.01)
    rows = "\n".join(f"{t:.2f},{np.sin(6 * t):.3f},{np.cos(5 * t):.3f}" for t in time)
    two = ("two.csv", f"time (s),I (mV),II (mV)\n{rows}\n".encode())
    answer = client.post("/predict", files={"file": two})
    said = {each["run"]: each for each in answer.json()}
    assert "probabilities" in said["gru"]
    assert "V2" in said["stored"]["problem"]
    page = client.post("/", files={"file": two})
    assert page.status_code == 200
    assert "V2" in page.text
    alone = client.post("/predict", files={"file": two}, data={"run": "stored"})
    assert (alone.status_code, "V2" in alone.json()["problem"]) == (422, True)


def test_the_drawing_is_a_picture_without_scripts_or_foreign_addresses(client, example):
    answer = client.post("/draw", files={"file": example})
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''example.svg"
    root = ElementTree.fromstring(answer.text)
    assert root.get("width", "").endswith("mm")
    assert not [each for each in root.iter() if each.tag.endswith("}script")]
    for each in root.iter():
        for name, value in each.attrib.items():
            assert not name.endswith("href") or value.startswith(("#", "data:")), value


def test_what_is_said_of_the_server(client):
    runs = client.get("/runs").json()
    assert [each["run"] for each in runs] == list(NAMES)
    assert runs[0]["classes"] == ["MI", "STTC", "CD", "HYP"]
    assert runs[1]["representations"] == ["gaf", "mtf"]
    assert runs[0]["leads"] == ["I", "II"]
    assert client.get("/health").json()["status"] == "ok"
    assert str(Path.home()) not in json.dumps(runs)
    assert tempfile.gettempdir() not in json.dumps(runs)


def test_the_schema_says_all_that_an_answer_has_and_the_page_of_it_needs_nobody(client, example):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {"/predict", "/draw", "/explain", "/runs", "/health", "/example.csv"}
    said = set(schema["components"]["schemas"]["Answer"]["properties"])
    assert said == set(Answer.__dataclass_fields__)
    found = client.post("/predict", files={"file": example}).json()[0]
    assert set(found) <= said
    page = client.get("/docs").text
    for path in schema["paths"]:
        assert path in page
    for name in said:
        assert f"<code>{name}</code>" in page
    assert not re.search(r"https?://(?!127\.0\.0\.1)", page)
