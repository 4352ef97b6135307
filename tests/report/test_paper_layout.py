"""Rows of paper: which part of which lead stands where, and that none touches another's."""

import itertools

import numpy as np
import pytest

from pipeline.report.paper_layout import Sheet, lay_out
from pipeline.signals.leads import LEADS

RATE = 100.0
TWELVE = np.stack([np.sin(2 * np.pi * (1 + number / 10) * np.arange(1000) / RATE) for number in range(12)])


def laid(x: np.ndarray, leads, layout=None, rhythm="II", speed=25.0) -> Sheet:
    return lay_out(x, RATE, leads, layout, rhythm, speed, 10.0)


def test_columns_follow_each_other_in_time_above_the_rhythm():
    sheet = laid(TWELVE[::-1], LEADS[::-1])  # the usual order, however the file has them
    assert [strip.lead for strip in sheet.strips] == [*LEADS, "II"]
    assert [strip.row for strip in sheet.strips] == [0, 1, 2] * 4 + [3]
    assert [len(strip.x) for strip in sheet.strips] == [250] * 12 + [1000]
    assert np.diff([strip.x[0] for strip in sheet.strips[:12:3]]) == pytest.approx([62.5] * 3)
    np.testing.assert_allclose(sheet.strips[3].y, 10 * TWELVE[::-1][8, 250:500])  # aVR, in the second quarter


def test_six_rows_of_two_and_leads_beyond_them():
    sheet = laid(np.concatenate([TWELVE, TWELVE[:1]]), [*LEADS, "V7"], "6x2", None)
    assert [strip.row for strip in sheet.strips] == [*range(6), *range(6), 6]
    assert sheet.strips[-1].lead == "V7"


def test_long_recordings_go_on_below_and_end_with_a_note():
    sheet = laid(TWELVE[:2].repeat(3, axis=1), ["MLII", "V1"])
    assert [(strip.lead, strip.row) for strip in sheet.strips] == [
        ("MLII", 0), ("V1", 1), ("MLII", 2), ("V1", 3), ("MLII", 4), ("V1", 5)
    ]  # fmt: skip
    assert sheet.notes == ()
    assert laid(np.zeros((1, 100_000)), ["I"]).notes == ("The first 360 s of 1000 s.",)
    assert laid(TWELVE.repeat(2, axis=1), LEADS).notes == ("The first 10 s of 20 s.",)


@pytest.mark.parametrize("factor", [0.0, 1.0, 5.0, 9.0])
def test_rows_do_not_touch(factor: float):
    sheet = laid(TWELVE * np.where(np.arange(12) % 2, factor, 1)[:, None], LEADS, "rows")
    spans = sorted((sheet.zeros[s.row] - s.y.max(), sheet.zeros[s.row] - s.y.min()) for s in sheet.strips)
    assert spans[0][0] > 0
    assert spans[-1][1] < sheet.height
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_what_is_not_as_one_would_think_is_said():
    x = TWELVE[:4].copy()
    x[0] += 5
    x[1] *= 30
    x[2, 10] = np.nan
    sheet = laid(x, ["a", "b", "c", "d"])
    assert sheet.notes[0].startswith("a is drawn about its median, 5")
    assert sheet.notes[1:] == ("b is cut off at 10 mV.", "c: samples are missing.")
    assert np.isnan(sheet.strips[2].y).sum() == 1
    assert np.abs(sheet.strips[0].y).max() < 11
    assert np.abs(sheet.strips[1].y).max() == 100


@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_a_few_samples_are_drawn(n_samples: int):
    sheet = laid(TWELVE[:, :n_samples], LEADS)
    assert sum(len(strip.x) for strip in sheet.strips if strip.row == 3) == n_samples
