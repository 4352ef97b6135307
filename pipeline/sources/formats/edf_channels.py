"""Which channels of an EDF file are leads of an ECG, by their labels, and what the leads are called.

Reference: https://www.edfplus.info/specs/edftexts.html (standard labels: ``ECG I``, ``ECG V2``)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.signals.leads import LEADS, canonical_lead
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError, is_unit, shown

# a word of its own, though digits, or a side of the body, may follow: ECG1, EKG-Ref, POL ECG, ECGL; not ECGHR
_TYPE = re.compile(r"(?<![A-Za-z])(?:ECG|EKG)(?:[LR](?![A-Za-z])|(?![A-Za-z]))", re.IGNORECASE)
_REFERENCE = re.compile(r"\s*[-–]\s*(?:ref(?:erence)?|wct|gnd|g)$", re.IGNORECASE)
# leads that are named without the type of their signal
_LEAD = re.compile(r"-?(?:V[1-9]R?|ML(?:I{1,3}|V[1-6]))", re.IGNORECASE)
_MOST_LISTED = 200  # letters of labels in a sentence


@dataclass(frozen=True)
class EdfChannel:
    """A channel.

    Attributes:
        number: its place, from 0.
        label: as written.
        unit: as written; empty where nothing is.
        sampling_rate: Hz.
    """

    number: int
    label: str
    unit: str
    sampling_rate: float

    @property
    def lead(self) -> str:
        return lead_of_label(self.label)

    @property
    def is_ecg(self) -> bool:
        """Whether its label says that it is a lead, and its unit does not say that it is something else."""
        name = self.lead
        is_named = bool(_TYPE.search(self.label)) or name in LEADS or bool(_LEAD.fullmatch(name))
        return is_named and (not self.unit or is_unit(self.unit))


def lead_of_label(label: str) -> str:
    """The lead's canonical name without the type of its signal and its reference; other labels as they stand there.

    >>> lead_of_label("ECG I"), lead_of_label("ECG V2-Ref"), lead_of_label("EEG EKG-Ref"), lead_of_label("EEG Fpz-Cz")
    ('I', 'V2', 'EKG', 'EEG Fpz-Cz')
    >>> lead_of_label("ECG1-ECG2"), lead_of_label("aVR-Ref"), lead_of_label("ECG MLII")
    ('ECG1-ECG2', 'aVR', 'MLII')
    """
    label = label.strip()
    typed = _TYPE.search(label)
    bare = _REFERENCE.sub("", label[typed.start() :] if typed else label)
    lead = canonical_lead(bare)
    if lead in LEADS:
        return lead
    short = re.sub(r"^(?:ECG|EKG)[\s_.:]+", "", lead, flags=re.IGNORECASE)
    return (short or lead) if typed else label


def choose_channels(file: str, channels: Sequence[EdfChannel], said: Said) -> tuple[list[EdfChannel], tuple[str, ...]]:
    """The channels that are read, and their leads: those of the ECG, or those named by ``said.leads``, lead or label.

    Where as many leads are said as there are channels of an ECG, and no label says a lead (``ECG``, ``ECG L``), they
    name these channels in order.

    Raises:
        RecordError: none is of an ECG, one that is wanted is not there, or two are called alike or have other rates.
    """
    found = [channel for channel in channels if channel.is_ecg]
    labels = shown(", ".join(channel.label for channel in channels), _MOST_LISTED)
    names = [channel.lead for channel in found]
    if said.leads and not set(said.leads) <= set(names):
        bare = not any(name in LEADS or _LEAD.fullmatch(name) for name in names)
        if bare and len(names) == len(said.leads) and not set(said.leads) & {each.label for each in channels}:
            return _of_one_rate(file, found), said.leads
        found, names = list(channels), [channel.lead for channel in channels]
    if not found:
        raise RecordError(
            f"{file} has no channel of an ECG by its labels ({labels}): name the channels to read with --leads_of_file"
        )
    wanted = said.leads or tuple(names)
    absent = [lead for lead in wanted if lead not in names]
    if absent:
        raise RecordError(f"{file} has no lead {shown(', '.join(absent))} of --leads_of_file (it has {labels})")
    twice = next((lead for lead in wanted if names.count(lead) > 1), None)
    if twice is not None:
        raise RecordError(f"{file} has several channels that are lead {shown(twice)} ({labels}): name others")
    return _of_one_rate(file, [found[names.index(lead)] for lead in wanted]), wanted


def _of_one_rate(file: str, channels: list[EdfChannel]) -> list[EdfChannel]:
    rates = {channel.sampling_rate: channel.label for channel in channels}
    if len(rates) > 1:
        said = ", ".join(f"{shown(label)} at {rate:g} Hz" for rate, label in rates.items())
        raise RecordError(f"{file} has leads of several rates ({said}): choose those of one with --leads_of_file")
    return channels
