"""Resting ECGs as GE's MUSE exports them (restecg.dtd): each lead in base64, with a checksum.

MUSE keeps eight leads, of which the other limb leads are computed by Einthoven's and Goldberger's sentences; what
it writes as ``Median`` is one beat that stands for all, and never read as a recording.
"""

import zlib
from xml.etree.ElementTree import Element

import numpy as np

from pipeline.signals.leads import canonical_lead
from pipeline.signals.limb_leads import all_twelve
from pipeline.sources.formats.opened import OpenedFile, Said, with_computed
from pipeline.sources.formats.recording import RecordError, shown
from pipeline.sources.formats.xml_files import (
    base64_bytes,
    base64_counts,
    check_count,
    number_of,
    opened_leads,
    parsed,
    rate_of,
    root_name,
    text_of,
    the_wanted,
)

_ROOT = "RestingECG"
_UNITS = {"MICROVOLTS": "uV", "MILLIVOLTS": "mV", "VOLTS": "V", "NANOVOLTS": "nV"}


def is_muse(path: str) -> bool:
    """Whether a file is of this format, by its root."""
    return root_name(path) == _ROOT


def open_muse(path: str, said: Said) -> OpenedFile:
    """The rhythm, with III, aVR, aVL and aVF computed of I and II where the file has not kept them.

    Raises:
        RecordError: it is damaged, fails a checksum, or holds no rhythm.
    """
    waveforms = parsed(path, _ROOT).findall("Waveform")
    rhythms = [each for each in waveforms if text_of(each, "WaveformType").lower() == "rhythm"]
    if not rhythms:
        beats = "median beats, and " if waveforms else ""
        raise RecordError(f"{path} holds {beats}no rhythm: export the recording itself")
    rhythm = the_wanted(path, rhythms, "rhythms", said.array)
    leads = rhythm.findall("LeadData")
    if not leads:
        raise RecordError(f"{path} has a rhythm without leads: export it again")
    check_count(path, "leads", text_of(rhythm, "NumberofLeads"), len(leads))
    if len({text_of(each, "LeadOffsetFirstSample") or "0" for each in leads}) > 1:
        raise RecordError(f"{path} has leads that do not begin at the same time, which are not read")
    signals = [(canonical_lead(text_of(each, "LeadID")), _samples(path, each)) for each in leads]
    units = {_unit(path, each) for each in leads}
    if len(units) > 1:
        raise RecordError(f"{path} has leads in different units, which are not read")
    opened = opened_leads(path, _with_computed(signals), list(units), _rate_of(path, rhythm), said)
    return with_computed(opened, [name for name, _ in signals])


def _samples(path: str, lead: Element) -> np.ndarray:
    """In the lead's unit."""
    what = f"lead {shown(text_of(lead, 'LeadID'))}"
    size = text_of(lead, "LeadSampleSize") or "2"
    if size != "2":
        raise RecordError(f"{path} has {what} in samples of {shown(size)} bytes, and those of 2 are read")
    if number_of(path, f"the baseline of {what}", text_of(lead, "FirstSampleBaseline") or "0"):
        raise RecordError(f"{path} has a baseline of {what}, which no document explains: it is not read")
    text = text_of(lead, "WaveFormData")
    counts = base64_counts(path, what, text)
    check_count(path, f"samples of {what}", text_of(lead, "LeadSampleCountTotal"), len(counts))
    checksum = text_of(lead, "LeadDataCRC32")
    if checksum.isdecimal() and int(checksum) and int(checksum) != zlib.crc32(base64_bytes(path, what, text)):
        raise RecordError(f"{path} has {what} that fails its checksum: it is damaged, copy it again")
    per_bit = text_of(lead, "LeadAmplitudeUnitsPerBit")
    return counts * number_of(path, f"the units per bit of {what}", per_bit)


def _unit(path: str, lead: Element) -> str | None:
    name = text_of(lead, "LeadAmplitudeUnits")
    if name and name.upper() not in _UNITS:
        raise RecordError(f"{path} has a lead in {shown(name)}, not in {', '.join(_UNITS)}")
    return _UNITS[name.upper()] if name else None


def _rate_of(path: str, rhythm: Element) -> float | None:
    """The sample base times ten to its exponent."""
    base, exponent = text_of(rhythm, "SampleBase"), text_of(rhythm, "SampleExponent") or "0"
    if not base:
        return None
    power = number_of(path, "the exponent of its sampling rate", exponent)
    if abs(power) > 9:
        raise RecordError(f"{path} has {shown(exponent)} as the exponent of its sampling rate, which no recording has")
    return rate_of(path, repr(number_of(path, "its sampling rate", base) * 10.0**power))


def _with_computed(signals: list[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
    """The twelve leads in their usual order, and others behind them."""
    there = dict(signals)
    if len(there) != len(signals) or len({len(samples) for samples in there.values()}) > 1:
        return signals  # which are refused
    signal, leads = all_twelve(np.stack(list(there.values())), list(there))
    return list(zip(leads, signal, strict=True))
