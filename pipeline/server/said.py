"""What the sender of a recording says of it and of its patient, where its file does not: the fields of the form."""

import math

from pipeline.server.limits import Problem
from pipeline.server.uploads import Form
from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.arrays import LEAST_RATE, MOST_RATE
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import is_unit, shown
from pipeline.sources.formats.said import OLDEST, SEXES


def said_in(form: Form) -> Said:
    """What a form says; an empty field says nothing.

    Raises:
        Problem: a field is not what it can be.
    """
    unit = form.one("unit")
    if unit and not is_unit(unit):
        raise Problem(400, f"the unit {shown(unit)} is none of mV, uV, V and nV")
    return Said(
        unit=unit or None,
        sampling_rate=_rate(form.one("sampling_rate")),
        leads=_leads(form.one("leads_of_file")),
        array=form.one("array") or None,
        age=_age(form.one("age")),
        sex=_sex(form.one("sex")),
    )


def _rate(text: str) -> float | None:
    if not text:
        return None
    rate = _number(text)
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise Problem(400, f"the sampling rate {shown(text)} is none: write a number of Hz, such as 500")
    return rate


def _age(text: str) -> float | None:
    if not text:
        return None
    age = _number(text)
    if not 0 <= age <= OLDEST:
        raise Problem(400, f"the age {shown(text)} is none: write years from 0 to {OLDEST}")
    return age


def _sex(text: str) -> int | None:
    if text and text not in SEXES:
        raise Problem(400, f"the sex {shown(text)} is neither {' nor '.join(SEXES)}")
    return SEXES.index(text) if text else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _leads(text: str) -> tuple[str, ...]:
    leads = tuple(canonical_lead(word) for word in text.replace(",", " ").split())
    if len(set(leads)) != len(leads):
        raise Problem(400, f"a lead is named twice: {shown(text)}")
    return leads
