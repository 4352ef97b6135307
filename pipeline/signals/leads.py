"""Leads: their canonical names, and which of them are chosen."""

from collections.abc import Sequence

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_CANONICAL = {lead.upper(): lead for lead in LEADS}
IMAGE_LEADS = ("I", "II", "V2")


def canonical_lead(name: str) -> str:
    """The lead's canonical name, however a file spells it (``AVR``, ``avr``, ``Lead aVR``); others as given."""
    bare = name.strip()
    if bare.lower().startswith("lead "):
        bare = bare[5:].strip()
    return _CANONICAL.get(bare.upper(), bare)


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
