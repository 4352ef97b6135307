"""Arrays: which side is time, and what nobody has said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.formats.arrays import Own, check_size, opened_array, own_of, says_something
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError

LEADS = ("I", "II", "V1")
SAID = Said("mV", 250.0, LEADS)
SIGNAL = np.arange(30.0).reshape(3, 10)


def opened(array: np.ndarray, said: Said = SAID, own: Own = Own(), **how):  # noqa: B008
    return opened_array("a", array.shape, own, said, lambda: array, **how)


@pytest.mark.parametrize("array", [SIGNAL, SIGNAL.T, SIGNAL[None], SIGNAL.T[None, None], SIGNAL.astype(">i2")])
def test_time_is_the_side_that_is_not_the_leads(array):
    found = opened(array)
    assert (found.n_samples, found.leads, found.sampling_rate) == (10, LEADS, 250.0)
    np.testing.assert_array_equal(found.read().signal, SIGNAL)
    assert found.read().signal.dtype == np.float64


@pytest.mark.parametrize("array", [SIGNAL[0], SIGNAL[:1], SIGNAL[:1].T])
def test_one_lead(array):
    np.testing.assert_array_equal(opened(array, Said("mV", 250.0, ("II",))).read().signal, SIGNAL[:1])


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_a_side_is_never_guessed(n_leads, height, width):
    said = Said("mV", 100.0, tuple(f"L{number}" for number in range(n_leads)))
    fits = [height == n_leads, width == n_leads]
    if sum(fits) == 1 or (n_leads == 1 and any(fits)):
        found = opened(np.zeros((height, width)), said)
        assert found.n_samples == (width if fits[0] else height)
    else:
        with pytest.raises(RecordError, match=r"either side may be|neither side is"):
            opened(np.zeros((height, width)), said)


@pytest.mark.parametrize(
    ("array", "said", "sentence"),
    [
        (SIGNAL[:, :3], SAID, "a is 3 x 3, and either side may be the 3 leads that are named: save it as CSV"),
        (SIGNAL[:2], SAID, "a is 2 x 10, and neither side is the 3 leads that are named"),
        (SIGNAL, Said("mV", 250.0, ("I",)), "a is 3 x 10, and neither side is the one lead that is named"),
        (SIGNAL[:, :, None, None], SAID, "a has an array of 3 x 10 x 1 x 1, not one of leads and time"),
        (np.array(1.0), SAID, "a has an array of a single number"),
        (SIGNAL, Said("mmHg", 250.0, LEADS), "a is in mmHg, not in mV, uV, nV or V"),
        (SIGNAL, Said("mV", 250.0, ("I", "II", "I")), "a names a lead twice: I, II, I"),
    ],
)
def test_what_is_no_recording(array, said, sentence):
    with pytest.raises(RecordError, match=sentence):
        opened(array, said)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (Said(), "its leads and unit and sampling rate: give --leads_of_file I II V2 and --unit mV or uV and"),
        (Said(None, 250.0, LEADS), "its unit: give --unit mV or uV, with what is true of it"),
        (Said("mV", None, LEADS), "its sampling rate: give --sampling_rate_of_files 500"),
        (Said("mV", 250.0), "its leads: give --leads_of_file I II V2"),
    ],
)
def test_all_that_nobody_says_is_asked_at_once(said, sentence):
    with pytest.raises(NotSaidError, match=f"a does not say {sentence}"):
        opened(SIGNAL, said)


def test_what_the_file_says_counts_more():
    own = Own(("uV",), 500.0, ("V1", "II", "I"))
    found = opened(SIGNAL, SAID, own)
    assert (found.sampling_rate, found.leads, found.asked) == (500.0, LEADS, frozenset())
    np.testing.assert_allclose(found.read().signal, SIGNAL[::-1] / 1000)
    assert opened(SIGNAL).asked == {"unit", "sampling_rate"}


def test_units_of_some_leads():
    own = Own(("uV", None, "V"), 500.0, LEADS)
    np.testing.assert_allclose(opened(SIGNAL, SAID, own).read().signal, SIGNAL * [[1e-3], [1], [1e3]])
    with pytest.raises(RecordError, match="a has 2 units for 3 leads"):
        opened(SIGNAL, SAID, Own(("uV", "mV")))


def test_columns_that_are_leads_for_sure():
    np.testing.assert_array_equal(opened(SIGNAL[:, :3], time_first=True).read().signal, SIGNAL[:, :3].T)
    with pytest.raises(RecordError, match="a has 10 columns for the 3 leads of --leads_of_file"):
        opened(SIGNAL, time_first=True)


def test_what_other_arrays_say():
    assert [name for name in ("Fs", "leads", "unit", "val", "sampling_rate") if not says_something(name)] == ["val"]
    arrays = {"Fs": np.array([[300]]), "leads": np.array(["i  ", "avr"]), "unit": np.array("uV")}
    assert own_of("a", arrays) == Own(("uV",), 300.0, ("I", "aVR"))
    for name, array, sentence in (
        ("fs", np.array([1, 2]), "fs, which is no sampling rate in Hz"),
        ("fs", np.array(np.nan), "fs, which is no sampling rate in Hz"),
        ("fs", np.array("x"), "fs, which is no sampling rate in Hz"),
        ("leads", np.array([1, 2]), "leads, which holds no text"),
        ("unit", np.array([], "U1"), "unit, which holds no text"),
    ):
        with pytest.raises(RecordError, match=f"a has the array {sentence}"):
            own_of("a", {name: array})


def test_sizes_that_no_recording_has():
    with pytest.raises(RecordError, match=f"and more than {MOST_SAMPLES} are not read"):
        check_size("a", (10**6, 10**6))
    with pytest.raises(RecordError, match="a holds no samples"):
        check_size("a", (12, 0))
    check_size("a", (12, 5000))
