"""The two stages that fill a store: what they write, what they call bad, and where they go on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.representations import ImageRecipe
from pipeline.signals.counts import PADDING
from pipeline.sources import BadRecord, Source
from pipeline.sources.items import Whole
from pipeline.store.division import Division
from pipeline.store.job import Job, SignalRecipe
from pipeline.store.stages import read_counts, store_images, store_signals
from pipeline.store.writing import Columns, StoreWriter, lay_out

SECONDS = (1.0, 2.0, 1.0, 2.0, 2.0)
SIGNALS = [np.random.default_rng(n).normal(0, 0.2, (2, round(100 * seconds))) for n, seconds in enumerate(SECONDS)]


class Several(Source):
    """Five records of unequal length, some of which a test may spoil."""

    name, version, sampling_rate, leads, gain = "several", "1", 100.0, ("I", "II"), 1000.0

    def __init__(self, spoiled=None):
        self.spoiled, self.asked, self.labels = spoiled or {}, [], {}
        ids = [str(number) for number in range(len(SECONDS))]
        columns = {"record_id": ids, "patient_id": ids, "length": SECONDS}
        self.records = pd.DataFrame({**columns, "fold": 1, "age": np.nan, "sex": -1})

    def read(self, records):
        self.asked += records["record_id"].tolist()
        return [self.spoiled.get(int(name), SIGNALS[int(name)]) for name in records["record_id"]]


def job_of(source: Source, **changed) -> Job:
    recipe = ImageRecipe(representations=("gaf",), size=8)
    rows, signal = np.arange(5), SignalRecipe(None, 100.0, 1000.0)
    cut = Whole()
    division = Division(source, cut, cut.table(source), {"train": [1]}, None, False, False, ("train",), None, 0)
    job = Job(division, "train", rows, signal, recipe, ("II",), {}, None, False, 1)
    return replace(job, **changed)


def laid_out(job: Job, path):
    attributes = {"gain": 1000.0, "images": {}, "tasks": []}
    lay_out(path, attributes, Columns(job.items, {}), (2, job.n_samples), job.image_shape, {"gaf": {"size": 8}})
    return StoreWriter(path)


def test_a_shorter_record_ends_in_padding():
    job = job_of(Several())
    rows, bad = read_counts(job, job.items)
    assert rows.shape == (5, 2, 200)
    assert bad == []
    for row, signal in zip(rows, SIGNALS, strict=True):
        np.testing.assert_array_equal(row[:, : signal.shape[1]], np.rint(signal * 1000))
        assert (row[:, signal.shape[1] :] == PADDING).all()


@pytest.mark.parametrize(
    ("spoiled", "problem"),
    [
        (BadRecord("1", "x.dat is missing"), "x.dat is missing"),
        (np.where(np.arange(200) == 3, np.nan, SIGNALS[1]), "it has a missing sample"),
        (SIGNALS[1] + 33, "it reaches 33."),
    ],
    ids=["unreadable", "missing", "too large"],
)
def test_a_bad_record_is_named_and_the_others_are_read(spoiled, problem):
    job = job_of(Several({1: spoiled}))
    rows, (bad,) = read_counts(job, job.items)
    assert bad.record_id == "1"
    assert bad.problem.startswith(problem)
    assert (rows[1] == PADDING).all()
    np.testing.assert_array_equal(np.delete(rows, 1, 0), np.delete(read_counts(job_of(Several()), job.items)[0], 1, 0))


def test_long_records_are_read_a_few_at_a_time(monkeypatch):
    rows, bad = read_counts(job_of(Several({1: BadRecord("1", "is gone")})), job_of(Several()).items)
    asked: list[int] = []
    usual = Several.read
    monkeypatch.setattr(Several, "read", lambda self, records: asked.append(len(records)) or usual(self, records))
    monkeypatch.setattr("pipeline.store.stages._SAMPLES_PREPARED_AT_ONCE", 1)
    few, again = read_counts(job_of(Several({1: BadRecord("1", "is gone")})), job_of(Several()).items)
    np.testing.assert_array_equal(rows, few)
    assert bad == again
    assert asked == [1] * len(rows)


def test_rows_behind_a_bad_record_never_count_as_finished(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.store.stages.RECORDS_READ_AT_ONCE", 2)
    job = job_of(Several({2: BadRecord("2", "is gone")}))
    with laid_out(job, tmp_path / "x.h5") as writer:
        assert store_signals(job, writer) == [BadRecord("2", "is gone")]
        assert writer.finished("signals") < 3


def test_a_stage_goes_on_behind_what_is_finished(tmp_path):
    source = Several()
    with laid_out(job_of(source), tmp_path / "x.h5") as writer:
        writer.mark_finished("signals", 3)
        assert store_signals(job_of(source), writer) == []
        assert source.asked == ["3", "4"]
        assert writer.finished("signals") == 5


def test_without_representations_the_images_are_finished_at_once(tmp_path):
    job = job_of(Several())
    with laid_out(job, tmp_path / "x.h5") as writer:
        store_images(replace(job, image_recipe=ImageRecipe(representations=())), writer)
        assert writer.finished("images") == 5
