"""What stores are to be made of a data set: the choices of ``create_images.py``, each with its default."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict

from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.errors import EcgFusionError
from pipeline.machine.limits import MOST_THREADS
from pipeline.machine.places import local
from pipeline.signals.filters import Band
from pipeline.sources import Source, SourceEntry
from pipeline.sources.cuts import CUTS, RATES
from pipeline.store.partitions import PARTITIONS, format_folds
from pipeline.typed import near_names

if TYPE_CHECKING:
    Words = str | Sequence[str]


class StoreKeywords(TypedDict, total=False):
    """The keywords of ``create_stores``: fields of ``StoreOptions``, and how images are made (``ImageRecipe``)."""

    partition: "Words | None"
    folds: "Words | Mapping[str, Iterable[int]] | None"
    fold: int | None
    folds_file: "Path | str | None"
    folds_seed: int
    window: float | None
    stride: float | None
    beat: str | None
    beat_extent: "tuple[float, float] | None"
    beats: int | None
    leads: "Words | None"
    sampling_rate: float | None
    band: "Band | Words | None"
    representations: "Words | None"
    workers: int | None
    limit: int | None
    skip_bad_records: bool
    scheduler: str | None
    merge: bool
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
    stft_taper: Literal["hann", "hamming"]


@dataclass(frozen=True)
class StoreOptions:
    """Which stores to make of a data set, and how.

    Attributes:
        source: the opened data set.
        out: folder for the stores.
        partition: which stores; None for all that the folds name.
        folds: of each partition, as ``train=1-8``, or the scheme that makes them, alone or before such words; None for
            what is usual for the data set.
        fold: of the scheme ``kfold``, which fold is test.
        folds_file: a table of the fold of each record or patient, instead of the data set's own.
        folds_seed: of a scheme that draws.
        window: items are windows of so many seconds; None for whole records, or what is usual for the data set.
        stride: from one window to the next, s; None for the window's length.
        beat: items are heartbeats, cut in this way.
        beat_extent: of a heartbeat, how many seconds before and after its R peak.
        beats: how many heartbeats an item shows, an odd number.
        leads: those that are drawn, or all; None for those that are usual. Signals are stored of all leads.
        sampling_rate: of the stored signals, Hz.
        band: what the filter lets through, Hz; None for no filter.
        representations: what is drawn of each lead; ``none`` alone for nothing, None for everything.
        workers: threads; None for the cores that are free, and for one of each worker of a scheduler.
        limit: only so many records of each partition, a sample in the shares of the usual task's classes; None for all.
        skip_bad_records: whether bad records are left out instead of ending the work.
        scheduler: who has shards of the stores made: ``local:2`` or an address of Dask's; None for this process.
        merge: whether shards become one file when they are complete.
        image_options: fields of ``ImageRecipe`` that were chosen.

    Raises:
        EcgFusionError: a value is out of its range, whatever the data set.
    """

    source: Source
    out: Path
    partition: tuple[str, ...] | None = None
    folds: tuple[str, ...] | None = None
    fold: int | None = None
    folds_file: Path | None = None
    folds_seed: int = 0
    window: float | None = None
    stride: float | None = None
    beat: str | None = None
    beat_extent: tuple[float, float] | None = None
    beats: int | None = None
    leads: tuple[str, ...] | None = None
    sampling_rate: float = SourceEntry.default_sampling_rate
    band: Band | None = SourceEntry.default_band
    representations: tuple[str, ...] | None = None
    workers: int | None = None
    limit: int | None = None
    skip_bad_records: bool = False
    scheduler: str | None = None
    merge: bool = False
    image_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("workers", "limit", "fold"):
            _check_count(name, getattr(self, name))
        for name in ("window", "stride"):
            _check_seconds(name, getattr(self, name))
        for seconds in self.beat_extent or ():
            _check_seconds("beat_extent", seconds)
        if isinstance(self.folds_seed, bool) or not isinstance(self.folds_seed, int) or self.folds_seed < 0:
            raise EcgFusionError(f"--folds_seed {self.folds_seed!r} is not a whole number of at least 0")
        if self.stride is not None and self.window is None:
            raise EcgFusionError("--stride is the step between windows: give --window too, or leave it out")
        if self.beat is not None and self.beat not in CUTS:
            raise EcgFusionError(f"there is no way to cut heartbeats {self.beat}: {near_names(self.beat, CUTS)}")
        if self.scheduler is not None:
            check_scheduler(self.scheduler)
        elif self.merge:
            raise EcgFusionError("--merge makes one file of the shards that --scheduler makes: give that too")
        if self.window is not None and self.beat is not None:
            raise EcgFusionError("--window and --beat are two ways to cut records: leave one of them out")
        rate = self.sampling_rate
        if not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise EcgFusionError(f"--sampling_rate {rate!r} is not a number above 0")
        if rate != RATES.get(self.beat or "", rate):
            raise EcgFusionError(
                f"--sampling_rate {rate:g} does not go with --beat {self.beat}, which is at {RATES[str(self.beat)]:g} "
                f"Hz: leave it out"
            )
        strange = [name for name in self.partition or () if name not in PARTITIONS]
        if strange:
            raise EcgFusionError(f"there is no partition {strange[0]}: choose from {', '.join(PARTITIONS)}")

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
        readers: dict[str, Callable[[Any], Any]]
        readers = {"partition": _words, "leads": _words, "representations": _words, "folds": _folds, "band": parse_band}
        readers |= {"folds_file": lambda value: None if value is None else Path(value), "beat_extent": _two_numbers}
        own = [each.name for each in fields(cls) if each.name not in ("source", "out", "image_options")]
        # what is usual for the data set, where nobody chooses; a band of None is one that somebody chose
        usual_rate = RATES.get(str(given.get("beat")), source.entry.default_sampling_rate)
        chosen: dict[str, Any] = {"band": source.entry.default_band, "sampling_rate": usual_rate}
        drawn: dict[str, Any] = {}
        for name, value in given.items():
            if name == "sampling_rate" and value is None:
                continue
            if name in own:
                chosen[name] = readers[name](value) if name in readers else value
            elif name in IMAGE_OPTIONS:
                drawn |= {} if value is None else {name: value}
            else:
                raise EcgFusionError(f"stores have no option {name}: {near_names(name, [*own, *IMAGE_OPTIONS])}")
        return cls(source, local(out), **chosen, image_options=drawn)


_LOCAL = re.compile(r"local:(\d{1,9})")


def local_workers(scheduler: str) -> int | None:
    """How many workers on this machine a scheduler's name asks for; None of one that runs elsewhere."""
    match = _LOCAL.fullmatch(scheduler)
    return int(match[1]) if match else None


def check_scheduler(name: str) -> None:
    """Refuses what can name no scheduler.

    Raises:
        EcgFusionError: it is neither ``local:2`` nor an address.
    """
    n_workers = local_workers(name)
    if n_workers is not None and not 1 <= n_workers <= MOST_THREADS:
        raise EcgFusionError(f"--scheduler {name} does not work: take from 1 to {MOST_THREADS} workers")
    if n_workers is None and not re.fullmatch(r"([a-z]+://)?[^\s/]+:\d{1,5}", name):
        raise EcgFusionError(
            f"--scheduler {name} is not understood: write local:2 for two workers on this machine, or the address of a "
            f"running one, such as tcp://10.0.0.1:8786"
        )


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


def _check_seconds(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise EcgFusionError(f"--{name} {value!r} is not a number of seconds above 0")


def _two_numbers(value: Any) -> tuple[float, float] | None:
    words = _words(value)
    if words is None:
        return None
    try:
        before, after = (float(word) for word in words)
    except ValueError:
        raise EcgFusionError(f"--beat_extent {' '.join(words)} is not understood: write 0.25 0.45") from None
    return before, after


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
