"""The column of time: its unit, the rate that it gives, and what is left out of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.time_columns import Clock, check_steps, clock_of, rate_of, resolution


@pytest.mark.parametrize(
    ("name", "unit", "clock"),
    [
        ("time", "", Clock(1.0, is_said=False)),
        ("Time (s)", "", Clock(1.0)),
        ("time [ms]", "", Clock(1e-3)),
        ("t_us", "", Clock(1e-6)),
        ("Elapsed time", "seconds", Clock(1.0)),
        ("time", "ms", Clock(1e-3)),
        ("ms", "", Clock(1e-3)),
        ("", "", Clock(None)),
        ("Unnamed: 0", "", Clock(None)),
        ("sample_number", "", Clock(None)),
        ("V1", "", None),
        ("I (mV)", "", None),
    ],
)
def test_what_a_first_column_is(name, unit, clock):
    assert clock_of(name, unit) == clock


@given(
    st.sampled_from([50, 100, 125, 128, 200, 250, 256, 257, 300, 360, 500, 512, 1000, 2000]),
    st.integers(3, 6),
    st.integers(0, 10**5),
)
def test_a_whole_rate_is_found_in_rounded_times(rate, decimals, start):
    times = [round((start + number) / rate, decimals) for number in range(2 * rate)]
    first, last = (f"{time:.{decimals}f}" for time in (times[0], times[-1]))
    assert rate_of("a.csv", Clock(1.0), first, last, len(times)) == rate
    check_steps("a.csv", Clock(1.0), np.array(times), rate, resolution(first), 2)


@given(st.integers(5, 995))
def test_a_sample_that_is_left_out_is_seen(place):
    times = np.delete(np.arange(1000) / 500, place)
    rate = rate_of("a.csv", Clock(1.0), f"{times[0]:.3f}", f"{times[-1]:.3f}", len(times))
    with pytest.raises(RecordError, match=f"line {place + 2}: its first column goes from"):
        check_steps("a.csv", Clock(1.0), times, rate, 1e-3, 2)


def test_times_out_of_order_or_that_are_none():
    times = np.arange(100) / 100
    times[[30, 31]] = times[[31, 30]]
    with pytest.raises(RecordError, match="line 32: its first column goes from"):
        check_steps("a.csv", Clock(1.0), times, 100.0, 1e-3, 2)
    times[30] = np.nan
    with pytest.raises(RecordError, match="line 32: its first column goes from"):
        check_steps("a.csv", Clock(1.0), times, 100.0, 1e-3, 2)


@pytest.mark.parametrize(("text", "step"), [("0.000", 1e-3), ("12", 1), ("1.", 1), ("1e-3", 0), ("x", 0)])
def test_the_least_difference_that_decimals_show(text, step):
    assert resolution(text) == step


def test_times_with_few_decimals_say_no_rate():
    assert rate_of("a.csv", Clock(1.0), "0.00", "0.99", 100) is None
    assert rate_of("a.csv", Clock(1.0), "0.00", "9.99", 1000) == 100


def test_one_sample_has_no_rate():
    assert rate_of("a.csv", Clock(1.0), "0", "0", 1) is None
    assert rate_of("a.csv", Clock(None), "0", "9", 10) is None
