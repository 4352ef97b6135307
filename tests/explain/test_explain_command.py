"""python -m pipeline.explain: a table, a page and JSON of a file, or of a record of the run's stores."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.explain.__main__ import main
from pipeline.signals.leads import LEADS
from pipeline.store.reading import open_partition

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture
def asked(earlier: Path, capsys: pytest.CaptureFixture[str]):
    def of(name: str, *words: object) -> str:
        main(["-run", str(earlier / "runs" / name), "-threads", "1", "-window", "0.6", *map(str, words)])
        return capsys.readouterr().out

    return of


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    signal = np.random.default_rng(0).normal(0, 0.2, (12, 300)).cumsum(1) / 10
    np.savetxt(tmp_path / "a.csv", signal.T, delimiter=",", header=",".join(LEADS), comments="", fmt="%.4f")
    return tmp_path / "a.csv"


def test_a_file_gives_a_table_a_page_and_json(asked, recording: Path, tmp_path: Path):
    words = ["-unit", "mV", "-sampling_rate", "100", "-class", "CD", "-out", tmp_path / "out", "-draw", "png"]
    said = asked("gru", recording, *words)
    assert "| lead | from, s | to, s | fall of its log-odds where the part is a straight line |" in said
    assert "- filtered to 0.5–40 Hz" in said
    assert "not a medical device" in said
    files = sorted(path.suffix for path in (tmp_path / "out").iterdir())
    assert files == [".json", ".png"]
    (kept,) = (tmp_path / "out").glob("*.json")
    found = json.loads(kept.read_text())
    assert (found["class"], found["method"], found["window_s"]) == ("CD", "occlusion", 0.6)
    assert np.shape(found["values"]) == np.shape(found["signal_mv"]) == (len(found["leads"]), 300)
    assert len(found["moments"]) == 300
    assert f"CD {found['probability']:.4f}: what moved it most" in said


@pytest.mark.parametrize("name", ["gru", "kfold", "stored"])
def test_a_record_of_the_stores_is_asked_as_the_run_saw_it(asked, earlier: Path, tmp_path: Path, name: str):
    store = open_partition(earlier / "stores", "test")
    record = str(store.columns["record_id"][1])
    asked(name, "-record", record, "-data", earlier / "stores", "-out", tmp_path, "-layout", "rows")
    (kept,) = tmp_path.glob("*.json")
    (page,) = tmp_path.glob("*.svg")
    assert 'id="trace-0"' in page.read_text()
    found = json.loads(kept.read_text())
    scores = np.load(earlier / "runs" / name / "evaluation" / "test" / "scores.npz")
    (row,) = np.flatnonzero(scores["item_id"] == store.columns["item_id"][1])
    expected = scores["scores"][row, list(scores["classes"]).index(found["class"])]
    assert found["probability"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "what is to be explained"),
        (["a.csv", "-record", "1"], "what is to be explained"),
        (["a.csv", "-partition", "dev"], "-partition is for a record of a store"),
        (["-record", "nobody"], "has no record nobody"),
    ],
)
def test_a_mistake_is_a_sentence(asked, earlier: Path, words: list[str], sentence: str):
    data = ["-data", earlier / "stores"] if words[:1] == ["-record"] else []
    with pytest.raises(EcgFusionError, match=sentence):
        asked("gru", *words, *data)
