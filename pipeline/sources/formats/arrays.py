"""Arrays of samples as people save them: which side is time, what unit, rate and leads they have; nothing guessed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.opened import NotSaidError, OpenedFile, Said, with_leads
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, Recording, checked_recording, is_unit, shown

MOST_LEADS = 1000
LEAST_RATE, MOST_RATE = 1e-3, 1e9  # Hz, as in a WFDB header


@dataclass(frozen=True)
class Own:
    """What a file says of its array.

    Attributes:
        units: one for all leads, or one a lead, None where it says none of it; none where it says nothing.
        sampling_rate: in Hz.
        leads: canonical names.
    """

    units: tuple[str | None, ...] = ()
    sampling_rate: float | None = None
    leads: tuple[str, ...] = ()


_OWN = {"unit": "unit", "units": "unit", "fs": "rate", "sampling_rate": "rate", "leads": "leads", "lead_names": "leads"}
"""The names, in lower case, of arrays that say what another one is."""


def says_something(name: str) -> bool:
    """Whether an array of this name in a file is no recording, but says something of one."""
    return name.lower() in _OWN


def own_of(file: str, arrays: Mapping[str, np.ndarray]) -> Own:
    """What a file says of itself in arrays with the names ``unit``, ``fs`` or ``sampling_rate``, and ``leads``.

    Raises:
        RecordError: one of them is no such thing.
    """
    units: tuple[str, ...] = ()
    rate: float | None = None
    leads: tuple[str, ...] = ()
    for name, array in arrays.items():
        flat, kind = np.asarray(array).reshape(-1), _OWN[name.lower()]
        if kind == "rate":
            if len(flat) != 1 or flat.dtype.kind not in "iuf" or not LEAST_RATE <= float(flat[0]) <= MOST_RATE:
                raise RecordError(f"{file} has the array {shown(name)}, which is no sampling rate in Hz")
            rate = float(flat[0])
        elif not len(flat) or flat.dtype.kind != "U" or len(flat) > MOST_LEADS:
            raise RecordError(f"{file} has the array {shown(name)}, which holds no text")
        elif kind == "leads":
            leads = tuple(canonical_lead(str(text)) for text in flat)
        else:
            units = tuple(str(text).strip() for text in flat)
    return Own(units, rate, leads)


def opened_array(
    file: str,
    shape: tuple[int, ...],
    own: Own,
    said: Said,
    values: Callable[[], np.ndarray],
    time_first: bool | None = None,
) -> OpenedFile:
    """The recording that an array is, once it is clear what it means.

    Args:
        file: what sentences name.
        shape: of the array; sides of length 1 before two others do not count.
        own: what the file says of it.
        said: what somebody says of it.
        values: reads it; called when samples are wanted.
        time_first: whether it is (time, leads); None where its shape must tell.

    Shape:
        (leads, time) or (time, leads), whichever fits the number of leads that have names; (time,) of one lead.

    Raises:
        RecordError: it has no such shape, its unit, rate or leads are not said, or it is not clear which side is time.
    """
    sides = _without_ones(file, shape)
    named, rate = own.leads or said.leads, own.sampling_rate or said.sampling_rate
    spoken = [unit or said.unit for unit in own.units or (None,)]
    _refuse_unsaid(file, named, spoken, rate, said.rate_option)
    if len(set(named)) != len(named):
        raise RecordError(f"{file} names a lead twice: {shown(', '.join(named))}")
    is_turned = _has_time_first(file, sides, len(named)) if time_first is None else time_first
    n_leads = sides[1 if is_turned else 0]
    if n_leads != len(named):
        raise RecordError(f"{file} has {n_leads} columns for the {len(named)} leads of --leads_of_file")
    units = _units(file, spoken, len(named))
    asked = {"sampling_rate"} if own.sampling_rate is None else set()
    asked |= {"unit"} if None in (own.units or (None,)) else set()

    def whole() -> Recording:
        signal = np.asarray(values()).reshape(sides)
        with np.errstate(invalid="ignore"):  # bits that are a signalling NaN: a missing sample, as any NaN
            signal = np.array(signal.T if is_turned else signal, np.float64, order="C")
        return checked_recording(file, signal, None, units, float(rate or 0), named)

    opened = OpenedFile(file, sides[0 if is_turned else 1], float(rate or 0), named, whole, asked=frozenset(asked))
    return with_leads(opened, said.leads) if own.leads else opened


def one_of_several(opened: OpenedFile) -> OpenedFile:
    """The same, of a format whose files may hold several arrays, so that somebody may have to say which."""
    return replace(opened, asked=opened.asked | {"array"})


def _refuse_unsaid(
    file: str, leads: tuple[str, ...], units: Sequence[str | None], rate: float | None, rate_option: str
) -> None:
    """Names all at once that nobody has said."""
    unsaid = {
        "leads": None if leads else "--leads_of_file I II V2",
        "unit": None if None not in units else "--unit mV or uV",
        "sampling rate": None if rate is not None else f"{rate_option} 500",
    }
    missing = {what: option for what, option in unsaid.items() if option}
    if missing:
        what, options = (" and ".join(each) for each in (missing, missing.values()))
        raise NotSaidError(f"{file} does not say its {what}: give {options}, with what is true of it")


def check_size(file: str, shape: tuple[int, ...]) -> None:
    """Refuses what has no or too many samples, before any is read."""
    count = math.prod(shape)
    if min(shape, default=1) < 0 or count > MOST_SAMPLES:
        raise RecordError(f"{file} has {count} samples, and more than {MOST_SAMPLES} are not read")
    if not count:
        raise RecordError(f"{file} holds no samples")


def _without_ones(file: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Two sides, of what may have more or fewer."""
    sides = shape
    while len(sides) > 2 and sides[0] == 1:
        sides = sides[1:]
    sides = (1, *sides) if len(sides) == 1 else sides
    if len(sides) != 2:
        raise RecordError(f"{file} has an array of {_sides(shape)}, not one of leads and time")
    return sides


def _has_time_first(file: str, shape: tuple[int, int], n_leads: int) -> bool:
    """Whether an array is (time, leads)."""
    fits = [side == n_leads for side in shape]
    counted = f"the {n_leads} leads that are named" if n_leads > 1 else "the one lead that is named"
    if all(fits) and n_leads > 1:
        raise RecordError(
            f"{file} is {_sides(shape)}, and either side may be {counted}: save it as CSV with the leads' names above"
        )
    if not any(fits):
        raise RecordError(f"{file} is {_sides(shape)}, and neither side is {counted}")
    return not fits[0]


def _units(file: str, units: Sequence[str | None], n_leads: int) -> list[str]:
    """One a lead, each a unit of voltage."""
    if len(units) not in (1, n_leads):
        raise RecordError(f"{file} has {len(units)} units for {n_leads} leads")
    found = [str(unit) for unit in units]
    foreign = [unit for unit in found if not is_unit(unit)]
    if foreign:
        raise RecordError(f"{file} is in {shown(foreign[0]) or 'no unit'}, not in mV, uV, nV or V")
    return found * (n_leads if len(found) == 1 else 1)


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
