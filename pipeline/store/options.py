"""What stores are to be made of a data set: the choices of ``create_images.py``, each with its default."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict

from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.errors import EcgFusionError
from pipeline.signals.filters import Band
from pipeline.sources import DEFAULT_SAMPLING_RATE, Source
from pipeline.store.partitions import PARTITIONS, format_folds
from pipeline.typed import near_names

if TYPE_CHECKING:
    Words = str | Sequence[str]


class StoreKeywords(TypedDict, total=False):
    """The keywords of ``create_stores``: fields of ``StoreOptions``, and how images are made (``ImageRecipe``)."""

    partition: "Words | None"
    folds: "Words | Mapping[str, Iterable[int]] | None"
    leads: "Words | None"
    sampling_rate: float
    band: "Band | Words | None"
    representations: "Words | None"
    workers: int | None
    limit: int | None
    skip_bad_records: bool
    size: int
    scale: Literal["record", "fixed"]
    range_mv: float
    gaf_method: Literal["summation", "difference"]
    mtf_bins: int
    mtf_strategy: Literal["quantile", "uniform"]
    rp_dimension: int
    rp_delay: int
    rp_threshold: float | str | None
    rp_percentage: float
    stft_window: float
    stft_hop: float
    stft_max_hz: float
    stft_db_range: tuple[float, float]


@dataclass(frozen=True)
class StoreOptions:
    """Which stores to make of a data set, and how.

    Attributes:
        source: the opened data set.
        out: folder for the stores.
        partition: which stores; None for all that the folds name.
        folds: of each partition, as ``train=1-8``; None for those that are usual for the data set.
        leads: those that are drawn, or all; None for those that are usual. Signals are stored of all leads.
        sampling_rate: of the stored signals, Hz.
        band: what the filter lets through, Hz; None for no filter.
        representations: what is drawn of each lead; ``none`` alone for nothing, None for everything.
        workers: threads; None for the cores that are free.
        limit: only so many records of each partition, a sample in the shares of the usual task's classes; None for all.
        skip_bad_records: whether bad records are left out instead of ending the work.
        image_options: fields of ``ImageRecipe`` that were chosen.

    Raises:
        EcgFusionError: a value is out of its range, whatever the data set.
    """

    source: Source
    out: Path
    partition: tuple[str, ...] | None = None
    folds: tuple[str, ...] | None = None
    leads: tuple[str, ...] | None = None
    sampling_rate: float = DEFAULT_SAMPLING_RATE
    band: Band | None = (0.5, 40.0)
    representations: tuple[str, ...] | None = None
    workers: int | None = None
    limit: int | None = None
    skip_bad_records: bool = False
    image_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("workers", "limit"):
            _check_count(name, getattr(self, name))
        rate = self.sampling_rate
        if not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise EcgFusionError(f"--sampling_rate {rate!r} is not a number above 0")
        strange = [name for name in self.partition or () if name not in PARTITIONS]
        if strange:
            raise EcgFusionError(f"there is no partition {strange[0]}: choose of {', '.join(PARTITIONS)}")

    @classmethod
    def of(cls, source: Source, out: Path | str, given: StoreKeywords) -> Self:
        """The options that somebody gives by name; the others have their defaults.

        Args:
            source: the opened data set.
            out: folder for the stores.
            given: fields of ``StoreOptions`` and of ``ImageRecipe``; words may come as one text, ``gaf rp``.

        Raises:
            EcgFusionError: there is no such option, or a value is not understood.
        """
        readers = {"partition": _words, "leads": _words, "representations": _words, "folds": _folds, "band": parse_band}
        own = [each.name for each in fields(cls) if each.name not in ("source", "out", "image_options")]
        chosen: dict[str, Any] = {}
        drawn: dict[str, Any] = {}
        for name, value in given.items():
            if name in own:
                chosen[name] = readers[name](value) if name in readers else value
            elif name in IMAGE_OPTIONS:
                drawn |= {} if value is None else {name: value}
            else:
                raise EcgFusionError(f"stores have no option {name}: {near_names(name, [*own, *IMAGE_OPTIONS])}")
        return cls(source, Path(out), **chosen, image_options=drawn)


def parse_band(value: Any) -> Band | None:
    """The edges of a band in Hz from ``0.5 40`` or two numbers; None for None and ``none``."""
    words = _words(value)
    if words is None or words == ("none",):
        return None
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise EcgFusionError(f"--band {' '.join(words)} is not understood: write 0.5 40, or none") from None
    return low, high


def _check_count(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise EcgFusionError(f"--{name} {value!r} is not a whole number of at least 1")


def _words(value: Any) -> tuple[str, ...] | None:
    """The words of one text, or of several; None stays."""
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(map(str, value if isinstance(value, Iterable) else [value]))


def _folds(value: Any) -> tuple[str, ...] | None:
    """As ``_words``; a mapping of partitions to fold numbers is written out."""
    if isinstance(value, Mapping):
        value = format_folds({name: list(numbers) for name, numbers in value.items()})
    return _words(value)
