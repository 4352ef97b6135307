"""The first column of a text of samples, where it is time or counts them: the rate, and that none is left out."""

import re
from dataclasses import dataclass

import numpy as np

from pipeline.sources.formats.recording import RecordError, shown

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "microsecond", "microseconds"), 1e-6),
}
_TIMES = frozenset(["time", "t", "elapsed time", "elapsed", "timestamp", "times"])
_COUNTS = frozenset(["", "index", "sample", "samples", "sample #", "sample number", "n", "#", "no", "unnamed: 0"])
_WITH_UNIT = re.compile(r"(?P<name>[^(\[]*?)\s*(?:[(\[]\s*(?P<bracketed>[^)\]]+?)\s*[)\]]|[\s_](?P<behind>[^\s_]+))")
_ROUND = (1000, 250, 128, 100, 60, 50, 10, 1)  # Hz; rates are multiples of these, of the first rather than the last
_COARSEST = 2e-3  # of a rate, by which two may differ and look the same
_PLAUSIBLE = (20.0, 20_000.0)  # Hz, where a column does not say its unit


@dataclass(frozen=True)
class Clock:
    """What the first column is.

    Attributes:
        seconds: that one of its units takes; None where it counts samples.
        is_said: whether the file says the unit.
    """

    seconds: float | None
    is_said: bool = True


def is_of_time(unit: str) -> bool:
    """Whether it is a unit of time, or says that samples are counted."""
    return unit.lower() in _SECONDS or unit.lower() in _COUNTS - {""}


def clock_of(name: str, unit: str = "") -> Clock | None:
    """What a column is by its name, and by what stands below it in a line of units; None where it is a lead.

    >>> clock_of("time (ms)"), clock_of("t_s").seconds, clock_of("V1")
    (Clock(seconds=0.001, is_said=True), 1.0, None)
    """
    name, unit = name.lower().replace("_", " ").strip(), unit.lower().strip()
    found = _WITH_UNIT.fullmatch(name)
    if found and found["name"] in _TIMES:
        unit, name = unit or found["bracketed"] or found["behind"], found["name"]
    if name in _SECONDS:
        return Clock(_SECONDS[name])
    if name in _COUNTS or (name in _TIMES and unit in _COUNTS - {""}):
        return Clock(None)
    if name not in _TIMES:
        return None
    return Clock(_SECONDS.get(unit, 1.0), unit in _SECONDS)


def rate_of(file: str, clock: Clock, first: str, last: str, n_samples: int) -> float | None:
    """The rate (Hz) of samples from the first to the last time; whole and round where the times' decimals allow it.

    None where they are too few to tell it.

    >>> rate_of("a.csv", Clock(1.0), "0.000", "9.997", 3600)
    360.0

    Raises:
        RecordError: the times are none, or their unit cannot be what it seems.
    """
    if clock.seconds is None or n_samples < 2:
        return None
    try:
        begin, end = float(first), float(last)
    except ValueError:
        wrong = first if _is_no_number(first) else last
        raise RecordError(
            f"{file} has {shown(wrong)!r} in its column of time, which is no number of seconds: leave the column out "
            "and say the sampling rate"
        ) from None
    span = (end - begin) * clock.seconds
    if not 0 < span < np.inf:
        raise RecordError(f"{file} has a column of time that goes from {shown(first)} to {shown(last)}: mend it")
    rate = (n_samples - 1) / span
    if not clock.is_said and not _PLAUSIBLE[0] <= rate <= _PLAUSIBLE[1]:
        raise RecordError(
            f"{file} has a column of time by which it would be at {rate:.6g} Hz: say its unit, as in time (ms)"
        )
    share = max(1e-6, min(resolution(first), resolution(last)) * clock.seconds / span)
    if share > _COARSEST:
        return None
    near = (step * round(rate / step) for step in _ROUND)
    return float(next((whole for whole in near if whole and abs(rate - whole) <= share * rate), rate))


def check_steps(file: str, clock: Clock, times: np.ndarray, rate: float, decimals: float, first_line: int) -> None:
    """Refuses times of which some are left out or out of order.

    Args:
        file: what sentences name.
        clock: what the times are.
        times: (samples,) as they are written.
        rate: of the samples, Hz.
        decimals: the least difference that they can show, as :func:`resolution` has it.
        first_line: where in the file the first one stands.

    Raises:
        RecordError: with the line.
    """
    step, decimals = (1.0, 0.0) if clock.seconds is None else (1 / rate / clock.seconds, decimals)
    with np.errstate(invalid="ignore"):  # an infinite one
        steps = np.diff(times)
        finite = steps[np.isfinite(steps)]
        usual = np.median(finite) if len(finite) else step  # a gap makes the mean longer
        is_even = (np.abs(steps - usual) <= 0.3 * step + decimals) & (steps >= 0)
        is_near = np.abs(times - times[0] - step * np.arange(len(times))) < 2 * step + decimals  # none has crept in
    bad = np.flatnonzero(~(is_even & is_near[1:]))
    if len(bad):
        before, here = times[bad[0]], times[bad[0] + 1]
        raise RecordError(
            f"{file} line {first_line + int(bad[0]) + 1}: its first column goes from {before:.9g} to {here:.9g}, where "
            f"a step is {step:.6g}: make a file of each part without a gap, or leave that column out"
        )


def resolution(text: str) -> float:
    """The least difference that the decimals of a number can show."""
    decimals = re.fullmatch(r"\s*[+-]?\d*(?:\.(\d*))?\s*", text)
    return 10.0 ** -len(decimals[1] or "") if decimals else 0.0


def _is_no_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False
