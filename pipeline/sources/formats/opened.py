"""What every reader gives of a file before its samples are read, and what is said of files that do not say it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.sources.formats.recording import RecordError, Recording, shown


@dataclass(frozen=True)
class Said:
    """What somebody says of files; what a file says itself counts more, but for its leads.

    Attributes:
        unit: of the samples, as ``mV`` or ``uV``.
        sampling_rate: in Hz.
        leads: canonical names; they name the leads of a file that names none, in their order, and choose those that are
            read of a file that names its own.
        array: which of several arrays in a file.
    """

    unit: str | None = None
    sampling_rate: float | None = None
    leads: tuple[str, ...] = ()
    array: str | None = None


@dataclass(frozen=True)
class OpenedFile:
    """A recording file of which all is known but the samples.

    Attributes:
        file: what sentences name.
        n_samples: of each lead.
        sampling_rate: in Hz.
        leads: canonical names of what ``read`` gives.
        whole: reads all leads and samples, NaN where one is missing.
        chosen: the numbers of ``leads`` among those that ``whole`` gives; None where they are the same.
        asked: the names of what was taken of ``Said``, since the file does not say it.
    """

    file: str
    n_samples: int
    sampling_rate: float
    leads: tuple[str, ...]
    whole: Callable[[], Recording]
    chosen: tuple[int, ...] | None = None
    asked: frozenset[str] = frozenset()

    @cached_property
    def _whole(self) -> Recording:
        return self.whole()

    def read(self, first: int = 0, last: int | None = None) -> Recording:
        """The samples from ``first`` up to ``last``; the file is read once, however often this is called.

        Raises:
            RecordError: it is damaged, or a sample among them is missing.
        """
        signal = self._whole.signal[:, first:last]
        if self.chosen is not None:
            signal = signal[list(self.chosen)]
        if not np.isfinite(signal).all():
            lead, sample = (int(places[0]) for places in np.nonzero(~np.isfinite(signal)))
            what = "a missing sample (NaN)" if np.isnan(signal[lead, sample]) else "an infinite sample"
            where = f"{(first + sample) / self.sampling_rate:.3f} s"
            raise RecordError(f"{self.file} has {what} in lead {shown(self.leads[lead])} at {where}")
        return Recording(signal, self.sampling_rate, self.leads)


def with_leads(opened: OpenedFile, wanted: tuple[str, ...]) -> OpenedFile:
    """The same file, whose own lead names have been chosen from, or given better ones.

    Args:
        opened: with the leads that it names itself.
        wanted: those of :class:`Said`.

    Raises:
        RecordError: it has not all that are wanted.
    """
    own = opened.leads
    if not wanted or wanted == own:
        return opened
    if not set(own) & set(wanted) and len(own) == len(wanted):  # ch1, ch2 …: names, but of no lead
        return replace(opened, leads=wanted)
    absent = [lead for lead in wanted if lead not in own]
    if absent:
        has = shown(" ".join(own))
        raise RecordError(f"{opened.file} has no lead {shown(', '.join(absent))} of --leads_of_file (it has {has})")
    return replace(opened, leads=wanted, chosen=tuple(own.index(lead) for lead in wanted))
