"""What every reader gives of a file before its samples are read, and what is said of files that do not say it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.sources.formats.recording import RecordError, Recording, shown

# what stands above a column that has no name, or of the one lead of a small recorder
_SAYS_NOTHING = re.compile(
    r"ecg|ekg|(?:ch|chan|channel|lead|ecg|ekg|sig|signal|col|column|x)?[\s_.-]*[0-9]+", re.IGNORECASE
)


class NotSaidError(RecordError):
    """A file does not say what it must, and nobody else does; others of its kind will not either."""


@dataclass(frozen=True)
class Said:
    """What somebody says of files; what a file says itself counts more, but for its leads.

    Attributes:
        unit: of the samples, as ``mV`` or ``uV``.
        sampling_rate: in Hz.
        leads: canonical names; they name the leads of a file that names none, in their order, and choose those that are
            read of a file that names its own.
        array: which of several arrays, or groups of leads, in a file.
        rate_option: what the option is called that says ``sampling_rate``, for sentences.
        zero_is_no_checksum: whether a checksum of 0 stands for none, as in a set whose headers all say 0.
        age: of the patient, years, which no file is asked for.
        sex: 0 male, 1 female; the same.
    """

    unit: str | None = None
    sampling_rate: float | None = None
    leads: tuple[str, ...] = ()
    array: str | None = None
    rate_option: str = "--sampling_rate_of_files"
    zero_is_no_checksum: bool = False
    age: float | None = None
    sex: int | None = None


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
        asked: the names of what is to be taken of ``Said``, since the file does not say it: ``unit``,
            ``sampling_rate``, ``array`` where it can hold several, and ``checksum`` where all of its checksums are 0.
        is_checked: whether ``whole`` refuses a missing sample itself.
        computed: leads among ``leads`` that the file has not kept, since two others give them.
    """

    file: str
    n_samples: int
    sampling_rate: float
    leads: tuple[str, ...]
    whole: Callable[[], Recording]
    chosen: tuple[int, ...] | None = None
    asked: frozenset[str] = frozenset()
    is_checked: bool = False
    computed: tuple[str, ...] = ()

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
        if not self.is_checked and not np.isfinite(signal).all():
            lead, sample = (int(places[0]) for places in np.nonzero(~np.isfinite(signal)))
            what = "a missing sample (NaN)" if np.isnan(signal[lead, sample]) else "an infinite sample"
            where = f"{(first + sample) / self.sampling_rate:.3f} s"
            raise RecordError(f"{self.file} has {what} in lead {shown(self.leads[lead])} at {where}")
        return Recording(signal, self.sampling_rate, self.leads)


def with_computed(opened: OpenedFile, kept: Sequence[str]) -> OpenedFile:
    """The same file, which says what of its leads is computed of those that it has kept."""
    return replace(opened, computed=tuple(lead for lead in opened.leads if lead not in kept))


def with_leads(opened: OpenedFile, wanted: tuple[str, ...]) -> OpenedFile:
    """The same file, of whose leads those are chosen that are wanted, or which are named so.

    Args:
        opened: with the leads that it names itself.
        wanted: those of :class:`Said`.

    Raises:
        RecordError: it has not all that are wanted.
    """
    if len(opened.leads) == len(wanted) and all(map(_SAYS_NOTHING.fullmatch, opened.leads)):
        return replace(opened, leads=wanted)
    return choose_leads_of(opened, wanted, "--leads_of_file")


def choose_leads_of(opened: OpenedFile, wanted: tuple[str, ...], whose: str) -> OpenedFile:
    """The same file, of whose leads those are chosen that are wanted; all of them where none is.

    Args:
        opened: the file.
        wanted: canonical names.
        whose: who wants them, as a sentence has it.

    Raises:
        RecordError: it has not all that are wanted.
    """
    if not wanted or wanted == opened.leads:
        return opened
    absent = [lead for lead in wanted if lead not in opened.leads]
    if absent:
        has = shown(" ".join(opened.leads))
        raise RecordError(f"{opened.file} has no lead {shown(', '.join(absent))} of {whose} (it has {has})")
    before = range(len(opened.leads)) if opened.chosen is None else opened.chosen
    chosen = tuple(before[opened.leads.index(lead)] for lead in wanted)
    return replace(opened, leads=wanted, chosen=chosen)
