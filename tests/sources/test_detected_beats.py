"""Heartbeats that nobody annotated: found in each record, whatever its rate; what cannot be read is told of later."""

import numpy as np
import pandas as pd
import pytest
from heartbeat_sets import heart

from pipeline.labels import Labels
from pipeline.listening import Listener, listening
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.beat_cuts import BeatWindows
from pipeline.sources.detected_beats import detected_beats

PEAKS_S = np.arange(0.6, 19.5, 0.85)


class Hearts(Source):
    """One record at each rate, of two leads; what is no number is bad."""

    name, version, leads, gain = "hearts", "1", ("II", "V1"), 1000.0

    def __init__(self, rates, bad=(), flat=(), seconds=20.0):
        ids = [f"h{number}" for number in range(len(rates))]
        self.records = pd.DataFrame({"record_id": ids, "patient_id": ids, "fold": 1, "length": seconds})
        self.records = self.records.assign(age=np.nan, sex=-1, sampling_rate=rates)
        self.sampling_rate, self.bad, self.flat, self.n_read = min(rates), bad, flat, 0
        values = np.eye(2, dtype=np.uint8)[np.arange(len(ids)) % 2]
        self.labels = {"kind": Labels(("a", "b"), "multiclass", values, np.ones(len(ids), bool))}

    def read(self, records):
        self.n_read += len(records)
        return [self._one(*row) for row in zip(records["record_id"], records["sampling_rate"], strict=True)]

    def _one(self, name, rate):
        if name in self.bad:
            return BadRecord(name, "is broken")
        lead = heart(PEAKS_S * rate, round(20 * rate), rate) * (name not in self.flat)
        return np.stack([lead, -lead])


@pytest.mark.parametrize("rate", [100.0, 250.0, 300.0, 500.0, 1000.0, 1024.0])
def test_beats_are_found_at_any_rate(rate):
    beats, bad = detected_beats(Hearts([rate]))
    assert len(bad) == 0
    np.testing.assert_allclose(beats.sample / rate, PEAKS_S, atol=0.02)
    assert beats.sample.dtype == np.int64


def test_each_record_is_read_once_and_gives_its_label_to_its_beats():
    source = Hearts([250.0, 500.0, 125.0, 250.0, 250.0, 1000.0])
    beats, _ = detected_beats(source)
    assert source.n_read == 6
    np.testing.assert_array_equal(beats.record, np.repeat(np.arange(6), len(PEAKS_S)))
    np.testing.assert_array_equal(beats.labels["kind"].values[:, 1], beats.record % 2)


def test_a_bar_is_moved_by_records():
    class Watching(Listener):
        def bar(self, iterable, name, **keywords):
            self.bar_ = super().bar(iterable, name, **keywords)
            self.asked = name, keywords["total"]
            return self.bar_

    with listening(Watching()) as _, listening(watching := Watching()):
        detected_beats(Hearts([250.0] * 6))
    assert watching.asked == ("heartbeats", 6)


def test_items_of_beats_that_were_found():
    items = BeatWindows().table(Hearts([250.0, 500.0]))
    assert len(items.rows) == 2 * len(PEAKS_S)
    assert items.rows["item_id"].is_unique
    np.testing.assert_allclose(items.features["rr"], [[0.85, 0.85, 1]] * len(items.rows), atol=0.02)


def test_a_record_that_cannot_be_read_stands_for_an_item_that_is_told_of():
    source = Hearts([250.0] * 4, bad=("h0", "h2"))
    items = BeatWindows().table(source)
    assert items.rows["item_id"].iloc[0] == "h0_0"
    assert (np.diff(items.rows["record"]) >= 0).all()
    counts = items.rows["record_id"].value_counts()
    assert counts.to_dict() == {"h0": 1, "h1": len(PEAKS_S), "h2": 1, "h3": len(PEAKS_S)}
    np.testing.assert_array_equal(items.labels["kind"].values[:, 1], items.rows["record"] % 2)
    assert len(items.features["rr"]) == len(items.rows)
    assert np.isfinite(items.features["rr"]).all()
    assert not items.remarks


def test_a_record_without_a_beat_is_left_out_and_counted():
    items = BeatWindows().table(Hearts([250.0] * 3, flat=("h1",)))
    assert set(items.rows["record_id"]) == {"h0", "h2"}
    assert items.remarks == ("1 records are left out: no heartbeat was found in them",)
