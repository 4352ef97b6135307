"""Filter, resampling, leads and rounding, by their physics."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from pipeline.signals.counts import LARGEST_COUNT, PADDING, to_counts, to_millivolts
from pipeline.signals.filters import FILTER_ORDER, band_pass, check_band, resample
from pipeline.signals.leads import LEADS, choose_leads
from pipeline.signals.windows import crop_starts
from pipeline.sources.formats.wfdb import read_recording

BAND = (0.5, 40.0)


def tone(frequency: float, sampling_rate: float = 100, duration: float = 10) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(duration * sampling_rate)) / sampling_rate)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x[..., len(x) // 5 : -len(x) // 5] ** 2)))


# filter


@pytest.mark.parametrize(("frequency", "share"), [(0.5, 0.5), (5, 1.0), (10, 1.0), (40, 0.5), (0.1, 0.01), (0, 0.001)])
def test_a_tone_in_the_band_survives_and_outside_it_dies(frequency, share):
    # run both ways, a Butterworth filter halves its edges
    x = tone(frequency, 500, 60) if frequency else np.ones(30_000)
    passed = rms(band_pass(x, 500, BAND)) / rms(x)
    if share < 0.1:
        assert passed < share
    else:
        assert passed == pytest.approx(share, abs=0.01)


def test_mains_hum_dies_at_500_hz():
    assert rms(band_pass(tone(100, 500), 500, BAND)) < 0.03 * rms(tone(100, 500))


@pytest.mark.parametrize("band", [BAND, (1.0, 45.0), (0.0, 40.0)])
def test_a_symmetric_pulse_stays_symmetric_and_in_its_place(band):
    time = np.arange(1001) - 500
    pulse = np.exp(-0.5 * (time / 3) ** 2)
    filtered = band_pass(pulse, 100, band)
    assert filtered.argmax() == 500
    np.testing.assert_allclose(filtered, filtered[::-1], atol=1e-6)


def test_the_order_in_time_does_not_matter():
    x = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(
        band_pass(x[::-1], 100, BAND)[::-1][200:-200], band_pass(x, 100, BAND)[200:-200], atol=1e-3
    )


@pytest.mark.parametrize(("band", "sampling_rate"), [(BAND, 100), (BAND, 500), ((1.0, 45.0), 100), ((0.05, 30.0), 250)])
def test_it_is_scipys_filter_run_both_ways(band, sampling_rate):
    x = np.random.default_rng(1).normal(size=(3, 12, 1000))
    sos = butter(FILTER_ORDER, band, "bandpass", fs=sampling_rate, output="sos")
    expected = sosfiltfilt(sos, x, padlen=min(999, int(sampling_rate / band[0])))
    np.testing.assert_array_equal(band_pass(x, sampling_rate, band), expected)


def test_a_filter_of_fixed_length_is_a_matrix():
    x = np.random.default_rng(2).normal(size=(12, 500))
    matrix = band_pass(np.eye(500), 100, BAND)
    np.testing.assert_allclose(x @ matrix, band_pass(x, 100, BAND), atol=1e-12)


def test_no_transient_remains_of_an_offset_and_a_slope():
    slope = 3 + np.linspace(0, 2, 1000)
    assert np.abs(band_pass(slope, 100, BAND)).max() < 0.05
    assert np.abs(band_pass(np.full(1000, 7.0), 100, BAND)).max() < 1e-9


@pytest.mark.parametrize("shape", [(0,), (0, 500), (3, 0), (2, 0, 500)])
def test_nothing_filtered_is_nothing(shape):
    for band in (BAND, (0, 40)):
        filtered = band_pass(np.empty(shape, np.float32), 100, band)
        assert (filtered.shape, filtered.dtype) == (shape, np.float64)
    assert resample(np.empty(shape), 500, 100).shape == (*shape[:-1], shape[-1] // 5)
    assert to_millivolts(to_counts(np.empty(shape), 1000), 1000).shape == shape


def test_no_band_is_no_filter():
    x = np.random.default_rng(3).normal(size=(2, 100)).astype(np.float32)
    np.testing.assert_array_equal(band_pass(x, 100, None), x)


@pytest.mark.parametrize("n_samples", [1, 2, 20, 150])
def test_short_signals_are_filtered_too(n_samples):
    assert np.isfinite(band_pass(np.random.default_rng(0).normal(size=n_samples), 100, BAND)).all()


@pytest.mark.parametrize(
    ("band", "sentence"),
    [
        ((40, 0.5), "a band from 40 to 0.5 Hz is empty"),
        ((5, 5), "is empty"),
        ((-1, 40), "is empty"),
        ((np.nan, 40), "is empty"),
        ((0.5, np.nan), "is empty"),
        ((0.5, 50), "needs more than 100 samples a second, and the signal has 100"),
        ((0.5, np.inf), "needs more than inf samples"),
    ],
)
def test_a_band_that_cannot_be_is_refused(band, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_band(band, 100)
    with pytest.raises(ValueError, match=sentence):
        band_pass(np.zeros(100), 100, band)


# resampling


@pytest.mark.parametrize("wanted", [100, 250, 128, 360])
def test_a_tone_below_the_new_limit_survives(wanted):
    resampled = resample(tone(10, 500), 500, wanted)
    expected = tone(10, wanted)
    assert resampled.shape == expected.shape
    np.testing.assert_allclose(resampled[wanted:-wanted], expected[wanted:-wanted], atol=0.01)


@pytest.mark.parametrize("frequency", [60, 70, 90, 120, 190])
def test_a_tone_above_the_new_limit_dies_instead_of_folding_back(frequency):
    x = tone(frequency, 500)
    assert rms(x[::5]) > 0.1  # every fifth sample alone would show it at another frequency
    assert rms(resample(x, 500, 100)) < 0.01


def test_resampling_shifts_nothing_and_keeps_an_offset():
    time = np.arange(5000) - 2500
    pulse = 2 + np.exp(-0.5 * (time / 20) ** 2)
    resampled = resample(pulse, 500, 100)
    assert resampled.argmax() == 500
    np.testing.assert_allclose(resampled, pulse[::5], atol=1e-3)


def test_the_same_rate_changes_nothing():
    x = np.random.default_rng(0).normal(size=(2, 77))
    np.testing.assert_array_equal(resample(x, 500, 500.0), x)


@pytest.mark.parametrize("wanted", [99.9, 62.45, 33.3, 1, 7])
@pytest.mark.parametrize("n_samples", [1000, 5000, 999])
def test_the_length_is_the_nearest_whole_number(wanted, n_samples):
    assert resample(np.zeros((2, n_samples)), 500, wanted).shape[-1] == round(n_samples * wanted / 500)


@pytest.mark.realdata
def test_a_real_recording_at_500_hz_becomes_its_twin_at_100_hz(data_folder, ptbxl_folder):
    fast = sorted((data_folder / "samples" / "ptbxl500").rglob("*_hr.hea"))
    pairs = [(path.with_suffix(""), ptbxl_folder / "records100" / "00000" / f"{path.stem[:5]}_lr") for path in fast]
    pairs = [(hr, lr) for hr, lr in pairs if lr.with_suffix(".hea").exists()]
    if not pairs:
        pytest.skip("no record is at hand at both rates")
    shifts, errors = range(-4, 5), []
    for hr, lr in pairs[:20]:
        theirs = band_pass(read_recording(lr).signal, 100, (0.5, 20))
        ours = [resample(np.roll(read_recording(hr).signal, shift, axis=1), 500, 100) for shift in shifts]
        differences = (band_pass(np.array(ours), 100, (0.5, 20)) - theirs)[..., 100:-100]
        errors.append(np.sqrt(np.mean(differences**2, axis=(1, 2))) / theirs.std())
    typical = dict(zip(shifts, np.median(errors, axis=0), strict=True))
    # the publisher's own slow files lie a millisecond early, half a sample of the fast ones
    assert min(typical, key=typical.__getitem__) in (-1, 0)
    assert typical[-1] < 0.06
    assert typical[0] < 0.1


# leads


def test_leads_are_chosen_by_name_in_the_order_asked_for():
    assert choose_leads(LEADS, ["V2", "I"]) == [7, 0]
    assert choose_leads(LEADS, ["all"]) == list(range(12))
    with pytest.raises(ValueError, match="there is no lead V7, V8: the leads are I II"):
        choose_leads(LEADS, ["V7", "I", "V8"])
    with pytest.raises(ValueError, match="name one twice"):
        choose_leads(LEADS, ["I", "I"])
    with pytest.raises(ValueError, match="there is no lead all"):
        choose_leads(LEADS, ["all", "I"])


# rounding


def test_counts_are_rounded_thousandths_and_come_back():
    x = np.array([0.0, 1.0, -1.2344, 1.2346, 32.767, -32.767])
    counts = to_counts(x, 1000)
    assert counts.dtype == np.int16
    assert counts.tolist() == [0, 1000, -1234, 1235, 32767, -32767]
    assert to_millivolts(counts, 1000).dtype == np.float64
    assert np.abs(to_millivolts(counts, 1000) - x).max() <= 0.0005


def test_every_count_survives_its_round_trip():
    counts = np.arange(-LARGEST_COUNT, LARGEST_COUNT + 1, dtype=np.int16)
    for gain in (200.0, 1000.0, 4880.0):
        np.testing.assert_array_equal(to_counts(to_millivolts(counts, gain), gain), counts)


@pytest.mark.parametrize("value", [32.7676, -32.768, 1e9])
def test_nothing_is_clipped(value):
    with pytest.raises(ValueError, match=r"reaches .* mV, beyond the ±32.8 mV of int16"):
        to_counts(np.array([0.0, value]), 1000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_sample_is_refused(value):
    with pytest.raises(ValueError, match="has a missing sample"):
        to_counts(np.array([0.0, value]), 1000)


def test_padding_becomes_silence():
    np.testing.assert_array_equal(to_millivolts(np.array([1000, PADDING], np.int16), 1000), [1.0, 0.0])


# crops


@pytest.mark.parametrize(
    ("n_samples", "crop", "stride", "starts"),
    [
        (1000, 250, 250, [0, 250, 500, 750]),
        (1000, 300, 300, [0, 300, 600, 700]),
        (100, 100, 10, [0]),
        (50, 100, 10, [0]),
    ],
)
def test_crops_cover_the_signal_to_its_end(n_samples, crop, stride, starts):
    assert crop_starts(n_samples, crop, stride) == starts


@pytest.mark.parametrize(
    ("hertz", "least", "most"),
    [(20, 0.99, 1.01), (40, 0.99, 1.01), (42, 0.99, 1.01), (51, 0.37, 0.41), (60, 0.0, 0.01)],
)
def test_what_comes_through_to_100_hz_is_what_the_guide_says(hertz: float, least: float, most: float):
    tone = np.sin(2 * np.pi * hertz * np.arange(10_000) / 500)
    inner = resample(tone, 500, 100)[200:-200]  # the filter's ends are another matter
    assert least <= np.sqrt(2 * np.mean(inner**2)) <= most
