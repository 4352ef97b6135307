"""What is known of a data set before it is opened: a line of the registry, light enough for ``--help``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SourceOption:
    """An option that one data set has and others need not; its default stands where the set is opened.

    Attributes:
        reads: makes the value of a typed word.
        help: what ``--help`` says of it.
        several: whether it takes several words, each of which is read.
    """

    reads: Callable[[str], Any]
    help: str
    several: bool = False


@dataclass(frozen=True)
class SourceEntry:
    """How a data set is opened, and what is usual for it.

    Attributes:
        opener: ``module:name`` of what opens it, called with its folder, ``sampling_rate`` (Hz) and its own options;
            imported only then, since a set's module may be heavy, and a command too.
        default_task: what is learnt of it where nobody chooses.
        default_leads: those that are drawn where nobody chooses; none stands for all of them.
        default_folds: which of its folds make which partition, or the scheme that makes them, as ``--folds`` has it.
        default_sampling_rate: Hz of the stored signals.
        default_band: what the filter lets through, Hz; None for no filter.
        default_cut: what its items are: ``whole`` records, or a way to cut heartbeats, as ``--beat`` has it.
        options: those that it has by itself, by name.
    """

    opener: str = ""
    default_task: str | None = None
    default_leads: tuple[str, ...] = ()
    default_folds: tuple[str, ...] = ("stratified",)
    default_sampling_rate: float = 100.0
    default_band: tuple[float, float] | None = (0.5, 40.0)
    default_cut: str = "whole"
    options: Mapping[str, SourceOption] = field(default_factory=dict)
