"""Leads: their canonical names, and which of them are chosen."""

import re
from collections.abc import Sequence

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_CANONICAL = {lead.upper(): lead for lead in LEADS}
IMAGE_LEADS = ("I", "II", "V2")
_REMARK = re.compile(r"\s+#.*", re.DOTALL)
# a minus sign behind a blank is part of the name: -aVR is another lead
_PREFIX = re.compile(r"(?:(?:ECG|EKG)(?:[\s_.:]+|-))?(?:LEAD(?:[\s_.:]+|-))?", re.IGNORECASE)
_PARTED = re.compile(r"(V|aV)[\s_-]([1-6RLF])", re.IGNORECASE)


def canonical_lead(name: str) -> str:
    """The lead's canonical name, however a file spells it; others as given, but for ``Lead`` and a remark.

    ``AVR``, ``avr``, ``Lead aVR``, ``ECG aVR``, ``lead_aVR``, ``aV-R`` and ``aVR # noisy`` are one lead; ``-aVR`` is
    another.
    """
    bare = _REMARK.sub("", name.strip())
    short = _PREFIX.sub("", bare, count=1)
    known = _CANONICAL.get(_PARTED.sub(r"\1\2", short).upper())
    if known:
        return known
    return bare[5:].strip() if bare.lower().startswith("lead ") else bare


def choose_leads(available: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Positions of the wanted leads; ``all`` alone stands for every one. Names are canonical.

    Raises:
        ValueError: a lead is not there, or is named twice.
    """
    if list(wanted) == ["all"]:
        return list(range(len(available)))
    absent = [lead for lead in wanted if lead not in available]
    if absent:
        raise ValueError(f"there is no lead {', '.join(absent)}: the leads are {' '.join(available)}")
    if len(set(wanted)) != len(wanted):
        raise ValueError(f"the leads {' '.join(wanted)} name one twice")
    return [list(available).index(lead) for lead in wanted]
