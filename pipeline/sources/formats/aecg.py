"""Annotated ECGs of HL7: each lead is a list of digits with an origin and a scale, over a time that grows evenly.

Reference: ANSI/HL7 V3 ECG, R1-2004 (PORT_MT020001), and its implementation guide of 2005-03-21: a value is
origin + scale · digit.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, is_unit, millivolts_of, shown
from pipeline.sources.formats.xml_files import (
    number_of,
    numbers,
    opened_leads,
    parsed,
    rate_of,
    root_name,
    text_of,
    the_wanted,
)

_ROOT, _BEAT, _LEAD = "AnnotatedECG", "REPRESENTATIVE_BEAT", "_ECG_LEAD_"
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}


@dataclass(frozen=True)
class _Set:
    """Leads that were recorded together: names, values, units, what says when they begin, and the rate in Hz."""

    signals: tuple[tuple[str, np.ndarray], ...]
    units: tuple[str | None, ...]
    begin: str
    sampling_rate: float | None


def is_aecg(path: str) -> bool:
    """Whether a file is of this format, by its root."""
    return root_name(path) == _ROOT


def open_aecg(path: str, said: Said) -> OpenedFile:
    """The rhythm that was recorded, never a beat that stands for others; one that was derived only where it is alone.

    Raises:
        RecordError: it is damaged, holds no rhythm or several, or leads that were not recorded together.
    """
    root = parsed(path, _ROOT)
    recorded, derived = (
        [each for each in root.iterfind(place) if each.find("component/sequenceSet//digits") is not None]
        for place in ("component/series", "component/series/derivation/derivedSeries")
    )
    other = [each for each in recorded if _code(each) != _BEAT]
    rhythms = _rhythms(recorded) or other or _rhythms(derived)
    if not rhythms:
        beats = "beats that stand for others, and " if recorded or derived else ""
        raise RecordError(f"{path} holds {beats}no series of a rhythm: export the recording itself")
    chosen = the_wanted(path, rhythms, "rhythm series", said.array)
    sets = [_set_of(path, each) for each in chosen.iterfind("component/sequenceSet")]
    sets = [each for each in sets if each.signals]
    if not sets:
        raise RecordError(f"{path} has a rhythm without leads: export it again")
    if len({(each.begin, each.sampling_rate) for each in sets}) > 1:
        raise RecordError(f"{path} has leads that were not recorded at the same time and rate, which are not read")
    signals = [pair for each in sets for pair in each.signals]
    return opened_leads(path, signals, [unit for each in sets for unit in each.units], sets[0].sampling_rate, said)


def _code(element: Element) -> str:
    found = element.find("code")
    return "" if found is None else found.get("code", "").strip().upper()


def _rhythms(series: list[Element]) -> list[Element]:
    return [each for each in series if _code(each) == "RHYTHM"]


def _set_of(path: str, of: Element) -> _Set:
    begin, rate = "", None
    signals: list[tuple[str, np.ndarray]] = []
    units: list[str | None] = []
    for sequence in of.iterfind("component/sequence"):
        code, value = _code(sequence), sequence.find("value")
        if value is None:
            continue
        if code.startswith("TIME_"):
            begin, rate = _attribute(value, "head", "value"), _rate_of(path, value)
        elif _LEAD in code:
            lead = _lead(code)
            samples, unit = _samples(path, lead, value)
            signals.append((lead, samples))
            units.append(unit)
    return _Set(tuple(signals), tuple(units), begin, rate)


def _lead(code: str) -> str:
    """Of ``MDC_ECG_LEAD_AVF``: ``aVF``; the inverted lead of the Cabrera sequence is another one."""
    name = code[code.index(_LEAD) + len(_LEAD) :]
    return "-aVR" if name == "AVRNEG" else canonical_lead(name)


def _rate_of(path: str, value: Element) -> float | None:
    increment, unit = _attribute(value, "increment", "value"), _attribute(value, "increment", "unit")
    if not increment:
        return None
    if unit not in _PER_SECOND:
        raise RecordError(f"{path} has a time that grows in {shown(unit) or 'no unit'}, not in s, ms or us")
    step = number_of(path, "the step of its time", increment)
    if step <= 0:
        raise RecordError(f"{path} has {shown(increment)} as the step of its time, which must be above 0")
    return rate_of(path, repr(_PER_SECOND[unit] / step))


def _samples(path: str, lead: str, value: Element) -> tuple[np.ndarray, str | None]:
    """The values of a lead and their unit, which is that of its scale."""
    what = f"lead {shown(lead)}"
    digits = numbers(path, what, text_of(value, "digits"))
    scale, unit = _attribute(value, "scale", "value"), _attribute(value, "scale", "unit")
    if not scale:
        raise RecordError(f"{path} has {what} without a scale: export it again")
    origin, of_origin = _attribute(value, "origin", "value"), _attribute(value, "origin", "unit") or unit
    shift = number_of(path, f"the origin of {what}", origin) if origin else 0.0
    if shift and of_origin != unit:
        if not (is_unit(unit) and is_unit(of_origin)):
            raise RecordError(f"{path} has an origin of {what} in {shown(of_origin)} and a scale in {shown(unit)}")
        shift *= millivolts_of(of_origin) / millivolts_of(unit)
    return shift + number_of(path, f"the scale of {what}", scale) * digits, unit or None


def _attribute(value: Element, name: str, attribute: str) -> str:
    found = value.find(name)
    return "" if found is None else found.get(attribute, "").strip()
