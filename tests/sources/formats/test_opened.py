"""A file that is open: its leads by name, a part of it, and each sample that is missing."""

import numpy as np
import pytest

from pipeline.sources.formats.opened import OpenedFile, choose_leads_of, with_computed, with_leads
from pipeline.sources.formats.recording import RecordError, Recording

SIGNAL = np.arange(30.0).reshape(3, 10)


def opened(signal: np.ndarray = SIGNAL, leads: tuple[str, ...] = ("I", "II", "V1")) -> OpenedFile:
    return OpenedFile("a", signal.shape[1], 10.0, leads, lambda: Recording(signal, 10.0, leads))


def test_leads_come_in_the_order_in_which_they_are_wanted():
    found = with_leads(opened(), ("V1", "I"))
    assert found.leads == ("V1", "I")
    assert found.read().leads == ("V1", "I")
    np.testing.assert_array_equal(found.read().signal, SIGNAL[[2, 0]])
    np.testing.assert_array_equal(choose_leads_of(found, ("I",), "me").read().signal, SIGNAL[[0]])
    assert with_leads(opened(), ()).leads == ("I", "II", "V1")


@pytest.mark.parametrize("names", [("ch1", "ch2", "ch3"), ("1", "2", "3"), ("Column 0", "Column 1", "Column 2")])
def test_names_that_say_nothing_are_replaced(names):
    found = with_leads(opened(leads=names), ("I", "II", "V2"))
    np.testing.assert_array_equal(found.read().signal, SIGNAL)
    assert found.read().leads == ("I", "II", "V2")


def test_leads_that_the_file_has_not_kept_are_known():
    assert with_computed(opened(leads=("I", "II", "III")), ("V1", "II", "I")).computed == ("III",)


@pytest.mark.parametrize("name", ["ECG", "ekg"])
def test_the_one_lead_of_a_small_recorder_is_named(name):
    one = opened(SIGNAL[:1], (name,))
    assert with_leads(one, ("I",)).read().leads == ("I",)
    assert with_leads(one, (name,)).leads == (name,)


@pytest.mark.parametrize("names", [("MLII", "V5", "V1"), ("V3", "V4", "V5"), ("ch1", "ch2", "III")])
def test_other_names_never_are(names):
    with pytest.raises(RecordError, match="a has no lead I, II of --leads_of_file"):
        with_leads(opened(leads=names), ("I", "II", "V1"[: len(names)])[:2] + names[2:])


def test_a_part_is_read_and_the_file_once():
    calls = []
    found = OpenedFile("a", 10, 10.0, ("I",), lambda: calls.append(1) or Recording(SIGNAL[:1], 10.0, ("I",)))
    assert found.read(2, 5).signal.tolist() == [[2, 3, 4]]
    assert found.read(5).signal.tolist() == [[5, 6, 7, 8, 9]]
    assert calls == [1]


def test_a_missing_sample_counts_where_it_is_read():
    signal = SIGNAL.copy()
    signal[1, 3], signal[2, 7] = np.nan, np.inf
    with pytest.raises(RecordError, match=r"a has a missing sample \(NaN\) in lead II at 0.300 s"):
        opened(signal).read()
    with pytest.raises(RecordError, match=r"a has an infinite sample in lead V1 at 0.700 s"):
        opened(signal).read(4)
    assert opened(signal).read(4, 7).signal.shape == (3, 3)
    assert with_leads(opened(signal), ("I",)).read().signal.shape == (1, 10)
