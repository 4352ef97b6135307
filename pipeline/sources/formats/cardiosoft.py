"""Resting ECGs as GE's CardioSoft exports them: the strip of ten seconds, lead by lead.

The file may also hold median beats, vector loops, and a full disclosure in which nothing says how leads and seconds
follow each other; none of them is read as the recording.
"""

import re

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, shown
from pipeline.sources.formats.xml_files import (
    base64_counts,
    check_count,
    number_of,
    numbers,
    opened_leads,
    parsed,
    rate_of,
    root_name,
    text_of,
    the_wanted,
)

_ROOT = "CardiologyXML"
_NUMBERS = re.compile(r"[-+\d\s,.]*")
_PER_COUNT = re.compile(r"(\w+)perLsb", re.IGNORECASE)


def is_cardiosoft(path: str) -> bool:
    """Whether a file is of this format, by its root."""
    return root_name(path) == _ROOT


def open_cardiosoft(path: str, said: Said) -> OpenedFile:
    """The strip, each lead in numbers with commas or in base64.

    Raises:
        RecordError: it is damaged, or has no strip.
    """
    strips = [each for each in parsed(path, _ROOT).iterfind("StripData") if each.find("WaveformData") is not None]
    if not strips:
        raise RecordError(f"{path} holds no strip (StripData with WaveformData): export the resting ECG itself")
    strip = the_wanted(path, strips, "strips", said.array)
    resolution, unit = strip.find("Resolution"), None
    per_count = number_of(path, "its resolution", text_of(resolution))
    if resolution is not None and resolution.get("units"):
        spelled = resolution.get("units", "").strip()
        found = _PER_COUNT.fullmatch(spelled)
        if found is None:
            raise RecordError(f"{path} has a resolution in {shown(spelled)}, not in uVperLsb")
        unit = found[1]
    announced = text_of(strip, "ChannelSampleCountTotal")
    signals: list[tuple[str, np.ndarray]] = []
    for each in strip.iterfind("WaveformData"):
        lead = canonical_lead(each.get("lead", ""))
        counts = _counts(path, f"lead {shown(lead)}", text_of(each))
        check_count(path, f"samples of lead {shown(lead)}", announced, len(counts))
        signals.append((lead, counts * per_count))
    check_count(path, "leads", text_of(strip, "NumberOfLeads"), len(signals))
    return opened_leads(path, signals, [unit], rate_of(path, text_of(strip, "SampleRate")), said)


def _counts(path: str, what: str, text: str) -> np.ndarray:
    read = numbers if _NUMBERS.fullmatch(text) else base64_counts
    return read(path, what, text)
