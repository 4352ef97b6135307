"""Recording files: what a run says of one is what evaluate.py says of the record, alone and in batches, by any kind."""

from pathlib import Path

import numpy as np
import pytest
from explained_runs import beat_run, with_beat
from machine_recordings import counts_of, muse, muse_file

from pipeline import load_run, predict_files
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.listening import Event, Remark
from pipeline.scoring.answers import NOTICE, Answer, Refused
from pipeline.scoring.files import Reader
from pipeline.signals.counts import to_millivolts
from pipeline.sources.formats.opened import Said
from pipeline.store.reading import Store, open_store

NAMES = ("gru", "stored", "beat", "drawn", "kfold", "stacking", "weighted", "concat", "nested")
CROPPED = ("gru", "drawn", "kfold", "stacking", "weighted", "nested")
SAID = Said("mV", 100.0)


@pytest.fixture(scope="module")
def judged(earlier: Path) -> Store:
    return open_store(earlier / "stores" / "test.h5")


@pytest.fixture(scope="module")
def folder(judged: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of each of the test records, by its name, in CSV, whose columns name the leads."""
    place = tmp_path_factory.mktemp("files")
    for row, name in enumerate(judged.columns["item_id"]):
        signal = to_millivolts(judged.signals.open()[row], judged.gain)
        header = ",".join(f"Lead {lead.upper()}" for lead in judged.leads)
        np.savetxt(place / f"{name}.csv", signal.T, delimiter=",", header=header, comments="", fmt="%.9f")
    return place


@pytest.fixture
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store holds filtered signals; to filter them once more would be another recording."""
    monkeypatch.setattr("pipeline.store.job.band_pass", lambda x, *_: np.asarray(x, np.float64))


def scores_of(earlier: Path, name: str) -> Scores:
    return load_scores(earlier / "runs" / name / "evaluation/test/scores.npz")


@pytest.mark.usefixtures("unfiltered")
@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_scored_as_in_a_store_alone_and_in_a_batch(earlier: Path, folder: Path, name: str):
    reader, scores = Reader(load_run(earlier / "runs" / name), SAID), scores_of(earlier, name)
    files = [str(folder / f"{item}.csv") for item in scores.item_id]
    answers = list(reader.answers(files))
    assert [answer.record_id for answer in answers] == list(scores.item_id)
    found = np.array([list(answer.probabilities.values()) for answer in answers])
    np.testing.assert_allclose(found, scores.scores, atol=1e-6)
    alone = reader.answer(files[1])
    np.testing.assert_allclose(list(alone.probabilities.values()), scores.scores[1], atol=1e-6)
    assert alone.file == files[1]
    assert (alone.seconds, alone.sampling_rate, alone.notice) == (10.0, 100.0, NOTICE)


@pytest.mark.usefixtures("unfiltered")
@pytest.mark.parametrize("name", NAMES)
def test_an_ensemble_says_within_which_limits_it_is_and_crops_how_far_they_spread(earlier: Path, folder: Path, name):
    run = load_run(earlier / "runs" / name)
    answer = Reader(run, SAID).answer(str(sorted(folder.iterdir())[0]))
    assert (answer.intervals is not None) == (run.card.run_kind in ("members", "late"))
    assert (answer.spreads is not None) == (name in CROPPED)
    if run.card.run_kind == "members":
        for said, (low, high) in zip(answer.probabilities.values(), answer.intervals.values(), strict=True):
            assert low <= said + 1e-6
            assert said <= high + 1e-6
    for name_of_class, (low, high) in (answer.spreads or {}).items():
        assert low < high
        if run.card.run_kind != "late":  # a fusion may answer beyond what it says of each crop
            assert low < answer.probabilities[name_of_class] < high


@pytest.mark.parametrize("name", NAMES)
def test_what_was_seen_is_there_to_be_drawn(earlier: Path, folder: Path, name: str):
    run = load_run(earlier / "runs" / name)
    seen = Reader(run, SAID).seen(str(sorted(folder.iterdir())[0]))
    assert seen.signal.shape == (len(seen.leads), 1000)
    assert seen.signal.dtype == np.float32
    assert seen.recording.signal.shape == (12, 1000)
    for images, leads, parameters in seen.images.values():
        assert images.dtype == np.uint8
        assert images.shape[:2] == (len(leads), len(parameters))
        assert images.std() > 0
    assert bool(seen.images) == (name in ("stored", "drawn", "nested", "beat", "stacking", "weighted", "concat"))


def test_leads_that_a_file_has_not_kept_are_told(earlier: Path, tmp_path: Path):
    counts = counts_of(("aVF", "III", "V1"))
    (tmp_path / "x.xml").write_text(muse_file(muse(counts)))
    remarks = Reader(load_run(earlier / "runs" / "gru")).answer(str(tmp_path / "x.xml")).remarks
    assert "lead I, II is not kept in the file, and is computed from the limb leads that are" in remarks


@pytest.mark.parametrize("run", [beat_run, with_beat])
def test_the_answer_says_that_the_median_beat_of_a_file_is_doubtful(
    run, folder: Path, tmp_path: Path, told: list[Event]
):
    """And nobody is told it by a number that no user knows."""
    sure = sorted(folder.iterdir())[:2]
    header = sure[0].read_text().splitlines()[0]
    noise = np.random.default_rng(0).normal(size=(1000, 12))
    np.savetxt(tmp_path / "noise.csv", noise, delimiter=",", header=header, comments="")
    answers = list(Reader(run(), SAID).answers([str(file) for file in (sure[0], tmp_path / "noise.csv", sure[1])]))
    doubts = [[each for each in answer.remarks if "its median beat is doubtful" in each] for answer in answers]
    assert [len(each) for each in doubts] == [0, 1, 0]
    assert not any(isinstance(event, Remark) for event in told)


def test_bad_files_do_not_stop_the_others(earlier: Path, folder: Path, tmp_path: Path):
    good = sorted(folder.iterdir())[:2]
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY")
    files = [good[0], tmp_path / "torn.npy", tmp_path / "none.csv", good[1]]
    found = predict_files(earlier / "runs" / "gru", files, unit="mV", sampling_rate=100)
    assert [type(each) for each in found] == [Answer, Refused, Refused, Answer]
    assert "torn.npy" in found[1].problem
    assert "missing" in found[2].problem
    assert found[2].to_json() == {"file": str(files[2]), "problem": found[2].problem}
