"""What records are cut into, and that an item is what the whole record has there."""

import numpy as np
import pytest
from toy_sources import Toy

from pipeline.errors import EcgFusionError
from pipeline.sources.items import Whole, Windows


def test_a_whole_record_is_an_item_of_its_own_name():
    source = Toy([3, 4, 5.5])
    items = Whole().table(source)
    assert items.rows["item_id"].tolist() == items.rows["record_id"].tolist() == ["r0", "r1", "r2"]
    assert items.rows["record"].tolist() == [0, 1, 2]
    assert items.rows["start"].tolist() == [0, 0, 0]
    assert items.rows["length"].tolist() == [3, 4, 5.5]
    assert items.labels == source.labels
    assert Whole().parameters() == {}
    signal = source.ramp("r1")
    assert Whole().cut(signal, 100, items.rows.iloc[1:2])[0] is signal


def test_windows_cover_each_record_and_bear_its_label():
    source = Toy([5, 2, 8.3])
    items = Windows(2.5, 2.5).table(source)
    rows = items.rows
    assert rows["record_id"].tolist() == ["r0"] * 2 + ["r2"] * 4
    assert rows["start"].tolist() == [0, 2.5, 0, 2.5, 5, 5.8]
    assert rows["item_id"].tolist() == ["r0_0", "r0_2500", "r2_0", "r2_2500", "r2_5000", "r2_5800"]
    assert (rows["length"] == 2.5).all()
    assert rows["item_id"].is_unique
    assert items.labels["rhythm"].values.tolist() == [[1, 0]] * 6  # r0 and r2
    assert items.remarks == ("1 records are shorter than a window of 2.5 s, and are left out",)


@pytest.mark.parametrize("rate", [100, 125, 360])
def test_a_window_is_what_the_record_has_there(rate):
    source = Toy([8.3], rates=[rate])
    rows = Windows(2.5, 1.0).table(source).rows
    signal = source.ramp("r0")
    cut = Windows(2.5, 1.0).cut(signal, rate, rows)
    for row, item in zip(rows.itertuples(), cut, strict=True):
        assert item.shape == (2, round(2.5 * rate))
        first = round(row.start * rate)
        np.testing.assert_array_equal(item, signal[:, first : first + item.shape[1]])


def test_overlapping_windows_leave_nothing_out():
    rows = Windows(2.0, 0.5).table(Toy([7.77])).rows
    starts = rows["start"].to_numpy()
    assert (np.diff(starts) <= 0.5 + 1e-9).all()
    assert starts[-1] + 2.0 == pytest.approx(7.77)


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (2, 0), (2, 3), (-1, 1), (float("nan"), 1)])
def test_a_window_must_be_a_window(window, stride):
    with pytest.raises(EcgFusionError, match="give seconds above 0, and no stride that is longer than the window"):
        Windows(window, stride)


def test_records_that_are_all_shorter_are_named_with_the_longest():
    with pytest.raises(EcgFusionError, match=r"no record of . is as long, the longest has 4 s: give a shorter one"):
        Windows(5, 5).table(Toy([3, 4]))


def test_a_mistyped_stride_is_refused_before_memory_is():
    with pytest.raises(EcgFusionError, match="makes more than 20,000,000 windows"):
        Windows(1, 1e-9).table(Toy([30, 40]))
