"""The multiplex groups of a DICOM waveform, and which of them is the recording: a rhythm, not an averaged beat.

Reference: DICOM PS3.3 C.10.9 (Waveform Module), A.34.3 (12-lead ECG: up to five groups).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import Said
from pipeline.sources.formats.recording import RecordError, shown

_AVERAGED = re.compile(r"MEDIAN|AVERAGE|\bAVG\b|REPRESENT|TEMPLATE|\bBEATS?\b", re.IGNORECASE)
_MOST_NAMED = 12  # groups, in a sentence


@dataclass(frozen=True)
class Channel:
    """One channel of a group.

    Attributes:
        lead: canonical name, or as the file calls it.
        unit: as written; None where nothing is said.
        scale: by which a count is multiplied.
        baseline: what is added to that, in ``unit``.
    """

    lead: str
    unit: str | None
    scale: tuple[float, float] = (1.0, 1.0)
    baseline: float = 0.0


@dataclass(frozen=True)
class Group:
    """Channels that were sampled together.

    Attributes:
        number: its place among the groups, from 1.
        label: what it is called, as ``RHYTHM``.
        is_original: whether it is as it was measured.
        begins: ms after the acquisition.
        sampling_rate: Hz.
        channels: of which all are of a voltage, or of an unknown unit.
        n_samples: of each channel.
        counts: (channels, samples), float64, NaN where the file pads it.
    """

    number: int
    label: str
    is_original: bool
    begins: float
    sampling_rate: float
    channels: tuple[Channel, ...]
    counts: np.ndarray = field(repr=False)

    @property
    def leads(self) -> tuple[str, ...]:
        return tuple(channel.lead for channel in self.channels)

    @property
    def n_samples(self) -> int:
        return int(self.counts.shape[1])

    @property
    def is_averaged(self) -> bool:
        """Whether it is a beat that was made of many."""
        return bool(_AVERAGED.search(self.label))

    def __str__(self) -> str:
        name = f" ({shown(self.label)})" if self.label else ""
        return f"{self.number}{name}: {len(self.channels)} leads of {self.n_samples / self.sampling_rate:g} s"


def choose_groups(file: str, groups: Sequence[Group], said: Said) -> tuple[Group, ...]:
    """The group that is the recording, or those that are one together: of one time, with different leads.

    Of several the rhythm is taken (not an averaged beat), as it was measured rather than derived, that with most leads,
    and of those the longest.

    Args:
        file: what sentences name.
        groups: all that have samples, at least one.
        said: may name a group with ``array``, by its number or label, or leads that it must have.

    Raises:
        RecordError: none is a recording, or several are it alike.
    """
    if said.array is not None:
        return (_named(file, groups, said.array),)
    of_leads = [group for group in groups if set(group.leads) & set(LEADS)] or list(groups)
    rhythms = [group for group in of_leads if not group.is_averaged]
    if not rhythms:
        raise RecordError(f"{file} holds averaged beats and no rhythm ({_listed(of_leads)}): name one with --array")
    joined = _joined([group for group in rhythms if group.is_original] or rhythms)
    wanted = [each for each in joined if set(said.leads) <= set(_leads(each))] or joined
    best = max((len(_leads(each)), each[0].n_samples / each[0].sampling_rate) for each in wanted)
    found = [each for each in wanted if (len(_leads(each)), each[0].n_samples / each[0].sampling_rate) == best]
    if len(found) > 1:
        alike = [group for each in found for group in each]
        raise RecordError(
            f"{file} holds {len(alike)} groups that may be the recording ({_listed(alike)}): name one with --array"
        )
    return found[0]


def _joined(groups: Sequence[Group]) -> list[tuple[Group, ...]]:
    """Groups that are of one time with those of which no lead is in both."""
    found: list[tuple[Group, ...]] = []
    for group in groups:
        for place, others in enumerate(found):
            is_of_one_time = _time(group) == _time(others[0])
            if is_of_one_time and not set(group.leads) & set(_leads(others)):
                found[place] = (*others, group)
                break
        else:
            found.append((group,))
    return found


def _time(group: Group) -> tuple[float, float, int]:
    return group.begins, group.sampling_rate, group.n_samples


def _leads(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(lead for group in groups for lead in group.leads)


def _named(file: str, groups: Sequence[Group], name: str) -> Group:
    by_number = [group for group in groups if str(group.number) == name.strip()]
    found = by_number or [group for group in groups if group.label.strip().lower() == name.strip().lower()]
    if len(found) != 1:
        has = "has no group" if not found else f"has {len(found)} groups"
        raise RecordError(f"{file} {has} {shown(name)} (it has {_listed(groups)}): give another --array")
    return found[0]


def _listed(groups: Sequence[Group]) -> str:
    more = ", …" if len(groups) > _MOST_NAMED else ""
    return ", ".join(map(str, groups[:_MOST_NAMED])) + more
