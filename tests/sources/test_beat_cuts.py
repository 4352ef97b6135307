"""Heartbeats are cut where they are; those that cannot be are counted, and each bears its rhythm."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.sources.base import BadRecord, Beats, Source
from pipeline.sources.beat_cuts import KACHUEE_SAMPLES, BeatWindows, Kachuee
from pipeline.sources.cuts import choose_cut


class Hearts(Source):
    """Records of two leads whose signal is the time in s, and the same negative."""

    name, version, leads, gain, sampling_rate = "hearts", "1", ("II", "V1"), 1000.0, 360.0

    def __init__(self, peaks, seconds=30.0, rates=None):
        ids = [f"h{number}" for number in range(len(peaks))]
        self.records = pd.DataFrame({"record_id": ids, "patient_id": ids, "fold": 1, "length": seconds})
        self.records = self.records.assign(age=np.nan, sex=-1)
        if rates is not None:
            self.records["sampling_rate"] = rates
        record = np.repeat(np.arange(len(peaks)), [len(each) for each in peaks])
        sample = np.concatenate([np.empty(0, np.int64), *map(np.asarray, peaks)]).astype(np.int64)
        values = np.eye(2, dtype=np.uint8)[np.arange(len(sample)) % 2]
        self.labels = {}
        self.beats = Beats(
            record, sample, {"kind": Labels(("a", "b"), "multiclass", values, np.ones(len(sample), bool))}
        )

    def read(self, records):
        return [BadRecord(name, "is never read") for name in records["record_id"]]


def signal_at(rate, seconds=30.0):
    times = np.arange(round(seconds * rate)) / rate
    return np.stack([times, -times])


def of_record(items, record=0):
    return items.rows[items.rows["record"] == record]


def test_a_window_begins_before_the_peak_and_ends_after_it():
    cut = BeatWindows()
    items = cut.table(Hearts([[360, 720, 1081]]))
    assert items.rows["item_id"].tolist() == ["h0_360", "h0_720", "h0_1081"]
    np.testing.assert_allclose(items.rows["start"], np.array([360, 720, 1081]) / 360 - 0.25)
    np.testing.assert_allclose(items.rows["length"], 0.7)
    assert items.labels["kind"].values.tolist() == [[1, 0], [0, 1], [1, 0]]
    found = cut.cut(signal_at(360), 360, items.rows)
    assert [each.shape for each in found] == [(2, 252)] * 3
    np.testing.assert_allclose(found[2][0], (1081 - 90 + np.arange(252)) / 360)
    np.testing.assert_array_equal(found[2][1], -found[2][0])


@pytest.mark.parametrize("rate", [100.0, 125.0, 250.0, 360.0, 499.5])
@pytest.mark.parametrize("beats", [1, 3, 9])
@pytest.mark.parametrize("extent", [(0.25, 0.45), (0.1, 0.333), (1.0, 0.001)])
def test_each_item_has_the_samples_that_the_store_lays_out(rate, beats, extent):
    from pipeline.signals.windows import samples_of

    cut = BeatWindows(beat_extent=extent, beats=beats)
    items = cut.table(Hearts([[400, 800, 1203, 3000, 4000, 5000, 6000, 7000, 8000, 10_000]]))
    wanted = samples_of(items.rows["length"].to_numpy(), rate)
    found = cut.cut(signal_at(rate), rate, items.rows)
    assert len(found) == len(items.rows)
    assert [each.shape[1] for each in found] == wanted.tolist()


def test_a_rate_of_its_own_says_where_a_record_beats():
    cut = BeatWindows()
    items = cut.table(Hearts([[500, 1000], [250, 500]], rates=[500.0, 250.0]))
    np.testing.assert_allclose(items.rows["start"], [0.75, 1.75, 0.75, 1.75])
    for record in (0, 1):
        found = cut.cut(signal_at(250), 250, of_record(items, record))
        np.testing.assert_allclose([each[0, 0] for each in found], [0.75, 1.75], atol=1 / 250)


def test_beats_too_near_an_end_are_left_out_and_counted():
    last = 30 * 360
    peaks = [[89, 90, 91, 5000, last - 162, last - 161]]
    items = BeatWindows().table(Hearts(peaks))
    assert items.rows["item_id"].tolist() == ["h0_90", "h0_91", "h0_5000", f"h0_{last - 162}"]
    assert items.remarks == ("2 heartbeats are left out: too near an end of a record",)
    for each in BeatWindows().cut(signal_at(360), 360, items.rows):
        assert each.shape == (2, 252)


def test_three_beats_are_three_segments_in_the_order_of_time():
    cut = BeatWindows(beats=3)
    items = cut.table(Hearts([[360, 760, 1200, 1600], [400, 800]]))
    assert items.rows["item_id"].tolist() == ["h0_760", "h0_1200"]
    assert items.remarks == ("4 heartbeats are left out: a neighbour is missing",)
    assert items.labels["kind"].values.tolist() == [[0, 1], [1, 0]]  # of the middle ones
    first, second = cut.cut(signal_at(360), 360, items.rows)
    expected = np.concatenate([np.arange(252) + peak - 90 for peak in (360, 760, 1200)]) / 360
    np.testing.assert_allclose(first[0], expected)
    np.testing.assert_allclose(second[0], expected + np.repeat([400, 440, 400], 252) / 360)


def test_a_neighbour_too_near_an_end_takes_its_beat_along():
    items = BeatWindows(beats=3).table(Hearts([[20, 360, 760, 1200]]))
    assert items.rows["item_id"].tolist() == ["h0_760"]
    assert set(items.remarks) == {
        "1 heartbeat is left out: too near an end of a record",
        "2 heartbeats are left out: a neighbour is missing",
    }


def test_the_rhythm_of_each_beat():
    items = BeatWindows().table(Hearts([[360, 720, 1260, 1620], [400, 580]]))
    expected = [
        [1.0, 1.0, 1.0],  # the first has none before: that behind it
        [1.0, 1.5, 1.0],
        [1.5, 1.0, 1.5],
        [1.0, 1.0, 1.0],  # the last has none behind: that before it
        [0.5, 0.5, 1.0],
        [0.5, 0.5, 1.0],
    ]
    np.testing.assert_allclose(items.features["rr"], expected)
    assert items.features["rr"].dtype == np.float32


def test_two_annotations_at_one_sample_have_a_finite_rhythm():
    items = BeatWindows().table(Hearts([[400, 400, 400]]))
    np.testing.assert_array_equal(items.features["rr"], [[0, 0, 1]] * 3)


def test_a_beat_alone_in_its_record_has_no_rhythm_and_is_left_out():
    items = BeatWindows().table(Hearts([[400], [360, 720]]))
    assert items.rows["record_id"].tolist() == ["h1", "h1"]
    assert items.remarks == ("1 heartbeat is left out: alone in a record",)


@pytest.mark.parametrize("cut", [BeatWindows(), Kachuee(), BeatWindows(beat_extent=(20, 20))])
def test_no_beat_at_all_is_a_sentence(cut):
    with pytest.raises(EcgFusionError, match=r"has no heartbeat that can be cut so \(1 are known"):
        cut.table(Hearts([[400]]))


def test_what_a_store_says_of_it():
    assert BeatWindows().parameters() == {
        "kind": "beats",
        "beat": "window",
        "beat_extent": [0.25, 0.45],
        "beats": 1,
    }
    assert Kachuee(beats=3).parameters() == {"kind": "beats", "beat": "kachuee", "beats": 3}


# as the well-known files have them


def waves(seconds=30.0):
    """One lead whose height in each window of 10 s is another."""
    times = np.arange(round(seconds * 125)) / 125
    return (np.sin(2 * np.pi * times) * (1 + np.floor(times / 10)) + 3)[None]


def every_second(seconds=30):
    return [360 * second + 90 for second in range(seconds)]


def test_a_beat_begins_at_its_peak_and_is_as_long_as_the_rhythm_has_it():
    cut = Kachuee()
    items = cut.table(Hearts([every_second()]))
    assert items.remarks == ("1 heartbeat is left out: the last of each record",)
    assert len(items.rows) == 29
    found = np.stack(cut.cut(waves(), 125, items.rows))
    assert found.shape == (29, 1, KACHUEE_SAMPLES)
    assert found.min() == 0
    assert found.max() == 1
    assert (found[:, :, 150:] == 0).all()  # 1.2 · 1 s at 125 Hz
    for second in range(25):
        window = waves()[0, 1250 * (second // 10) : 1250 * (second // 10 + 1)]
        part = waves()[0, second * 125 + 31 : second * 125 + 31 + 150]
        low, high = min(window.min(), part.min()), max(window.max(), part.max())
        np.testing.assert_allclose(found[second, 0, :150], (part - low) / (high - low))


def test_a_beat_goes_on_beyond_its_window_and_stays_within_0_and_1():
    """The window behind is twice as high."""
    found = Kachuee().cut(waves(), 125, Kachuee().table(Hearts([every_second()])).rows)
    assert found[9][0, :150].max() == pytest.approx(1)
    assert found[8][0, :150].max() < found[9][0, :150].max() + 1e-12
    assert found[9].min() >= 0


def test_zeros_follow_where_the_record_ends():
    cut = Kachuee()
    items = cut.table(Hearts([[360 * 28, 360 * 29, 360 * 30 - 40, 360 * 30 - 20]]))
    found = cut.cut(np.full((1, 3750), 1.0) + np.arange(3750) / 3750, 125, items.rows)
    last = found[-1][0]  # 40 samples of 360 Hz before the end: 14 at 125
    assert (last[:13] > 0).all()
    assert (last[14:] == 0).all()


def test_a_window_with_one_beat_takes_the_median_of_the_record():
    cut = Kachuee()
    items = cut.table(Hearts([[360 * second for second in (1, 2, 3, 4, 14, 22, 23, 24)]]))
    shown = dict(zip(items.rows["item_id"], items.rows["shown+0"], strict=True))
    assert shown["h0_360"] == pytest.approx(1.2)
    assert shown[f"h0_{360 * 4}"] == pytest.approx(1.2)  # the long interval is of two windows
    assert shown[f"h0_{360 * 14}"] == pytest.approx(1.2 * 1.0)


def test_a_slow_heart_is_cut_at_187_samples():
    cut = Kachuee()
    items = cut.table(Hearts([[360 * second for second in range(0, 30, 2)]]))
    beat = cut.cut(waves(), 125, items.rows)[1]
    assert (beat[0, KACHUEE_SAMPLES - 10 :] > 0).any()


def test_three_beats_of_the_well_known_files():
    cut, one = Kachuee(beats=3), Kachuee()
    source = Hearts([every_second()])
    items, single = cut.table(source), one.table(source)
    assert len(items.rows) == 28
    assert items.rows["length"].iloc[0] == pytest.approx(3 * 187 / 125)
    three = cut.cut(waves(), 125, items.rows)[4]
    ones = one.cut(waves(), 125, single.rows)
    assert three.shape == (1, 3 * KACHUEE_SAMPLES)
    np.testing.assert_array_equal(three, np.concatenate(ones[4:7], axis=1))


@pytest.mark.parametrize("beats", [5, 9, 21])
def test_a_longer_sequence_has_as_many_beats_on_either_side(beats):
    """In the order of time, the beat whose label it is in the middle; none reaches into another record."""
    half = beats // 2
    peaks = [360 * second + 3 * second % 7 for second in range(1, 28)]
    source = Hearts([peaks, peaks[:half], peaks])
    for cut, rate in ((BeatWindows(beats=beats), 360.0), (Kachuee(beats=beats), 125.0)):
        items, singles = cut.table(source), type(cut)().table(source)
        middles = range(half, 27 - half)
        expected = [f"{record}_{peaks[middle]}" for record in ("h0", "h2") for middle in middles]
        assert items.rows["item_id"].tolist() == expected
        labelled = singles.rows["item_id"].isin(expected).to_numpy()
        np.testing.assert_array_equal(items.labels["kind"].values, singles.labels["kind"].values[labelled])
        np.testing.assert_array_equal(items.features["rr"], singles.features["rr"][labelled])
        signal = signal_at(rate)[:, ::-1]
        found = cut.cut(signal, rate, of_record(items))
        alone = type(cut)().cut(signal, rate, of_record(singles))
        ones = dict(zip(of_record(singles)["item_id"], alone, strict=True))
        for item, middle in zip(found, middles, strict=True):
            around = peaks[middle - half : middle + half + 1]
            if rate == 125 and around[-1] == peaks[-1]:
                continue  # the last of a record is no item of its own
            np.testing.assert_array_equal(item, np.concatenate([ones[f"h0_{peak}"] for peak in around], axis=1))


def test_longer_sequences_leave_more_beats_out():
    items = BeatWindows(beats=5).table(Hearts([[360, 760, 1200, 1600, 2000], [400, 800]]))
    assert items.rows["item_id"].tolist() == ["h0_1200"]
    assert items.remarks == ("6 heartbeats are left out: a neighbour is missing",)


def test_a_flat_lead_is_zeros():
    items = Kachuee().table(Hearts([every_second()]))
    assert not np.stack(Kachuee().cut(np.full((2, 3750), 0.7), 125, items.rows)).any()


def test_another_rate_is_refused():
    items = Kachuee().table(Hearts([every_second()]))
    with pytest.raises(ValueError, match="is at 360 Hz, and kachuee's beats are at 125"):
        Kachuee().cut(signal_at(360), 360, items.rows)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"beat": "window", "beats": 2}, "--beats 2 has no heartbeat in the middle: give an odd number from 1 to 101"),
        ({"beat": "kachuee", "beats": 8}, "--beats 8 has no heartbeat in the middle"),
        ({"beat": "window", "beats": 0}, "--beats 0 is not within 1 to 101"),
        ({"beat": "window", "beats": 103}, "--beats 103 is not within 1 to 101: give an odd number of these"),
        ({"beat": "kachuee", "beat_extent": (0.2, 0.4)}, "--beat_extent is of --beat window"),
        ({"beats": 3}, "--beats is for heartbeats: give --beat too"),
    ],
)
def test_options_that_do_not_go_together(options, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        choose_cut(Hearts([[400]]), **options)


def test_options_reach_the_cut():
    cut = choose_cut(Hearts([[400]]), beat="window", beat_extent=(0.1, 0.2), beats=3)
    assert cut == BeatWindows(beat_extent=(0.1, 0.2), beats=3)
    assert choose_cut(Hearts([[400]]), beat="kachuee") == Kachuee()
