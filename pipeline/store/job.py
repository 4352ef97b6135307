"""What is to be stored of one partition: which records, how their signals and images are made, and where."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.representations import ImageRecipe
from pipeline.signals.counts import to_counts
from pipeline.signals.filters import FILTER_ORDER, Band, band_pass, resample
from pipeline.signals.windows import samples_of
from pipeline.sources import Labels, Source
from pipeline.store.division import Division
from pipeline.store.reading import digest_of_items, store_path

RECORDS_DRAWN_AT_ONCE = 8  # by one thread
LEAST_GAIN = 1000.0  # counts to the millivolt; a source that is finer keeps its own


@dataclass(frozen=True)
class SignalRecipe:
    """How signals are prepared: ``band`` and ``sampling_rate`` in Hz, ``gain`` in counts to the millivolt."""

    band: Band | None
    sampling_rate: float
    gain: float

    def prepared(self, signal: np.ndarray, native_rate: float) -> np.ndarray:
        """(..., leads, time) mV at the native rate to mV at the store's, filtered.

        Raises:
            ValueError: a sample is missing.
        """
        if not np.isfinite(signal).all():
            raise ValueError("has a missing sample")
        return resample(band_pass(signal, native_rate, self.band), native_rate, self.sampling_rate)

    def counts(self, signal: np.ndarray, native_rate: float) -> np.ndarray:
        """(..., leads, time) mV at the native rate to int16 at the store's.

        Raises:
            ValueError: see ``to_counts``.
        """
        return to_counts(self.prepared(signal, native_rate), self.gain)

    def attributes(self) -> dict[str, Any]:
        """What a store says of it."""
        return {
            "sampling_rate": float(self.sampling_rate),
            "band": list(self.band) if self.band else None,
            "filter": f"Butterworth, order {FILTER_ORDER}, forward and backward" if self.band else "none",
            "gain": float(self.gain),
        }


@dataclass(frozen=True)
class Job:
    """One partition to be stored: which rows of which source, how, and where.

    Attributes:
        division: what the opened data set is cut into, and the folds of each partition, whichever is stored here.
        partition: ``train``, ``dev`` or ``test``.
        rows: row numbers of ``division.items``.
        signal_recipe: how signals are prepared.
        image_recipe: how images are made of them.
        image_leads: of which leads.
        extra: further attributes that make the store what it is.
        out: the stores' folder.
        skip_bad_records: whether bad records are left out instead of ending the work.
        workers: threads.
        name: of the file, without its ending, where it is a shard of the partition.
        longest: of all items of the partition, s, where this is a shard of it.
    """

    division: Division
    partition: str
    rows: np.ndarray
    signal_recipe: SignalRecipe
    image_recipe: ImageRecipe
    image_leads: tuple[str, ...]
    extra: dict[str, Any]
    out: Path
    skip_bad_records: bool
    workers: int
    name: str | None = None
    longest: float | None = None

    @property
    def path(self) -> Path:
        return store_path(self.out, self.name or self.partition)

    @property
    def source(self) -> Source:
        return self.division.source

    @cached_property
    def items(self) -> pd.DataFrame:
        return self.division.items.rows.iloc[self.rows]

    @property
    def labels(self) -> dict[str, Labels]:
        return {task: labels.rows(self.rows) for task, labels in self.division.items.labels.items()}

    @property
    def features(self) -> dict[str, np.ndarray]:
        return {name: values[self.rows] for name, values in self.division.items.features.items()}

    @cached_property
    def n_samples(self) -> int:
        """Samples of the longest item."""
        longest = self.items["length"].max() if self.longest is None else self.longest
        return int(samples_of(longest, self.signal_recipe.sampling_rate))

    @property
    def extent(self) -> str:
        """How much it is, in words."""
        if not self.division.cut.parameters():
            return f"{len(self.rows)} records"
        return f"{len(self.rows)} items of {self.items['record'].nunique()} records"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return len(self.image_leads), self.image_recipe.size, self.image_recipe.size

    @property
    def image_bytes(self) -> int:
        """Bytes of one item's images."""
        return int(np.prod(self.image_shape)) * len(self.image_recipe.representations)

    @property
    def bytes_to_come(self) -> int:
        """Bytes of the finished store, its small tables aside."""
        return len(self.rows) * (2 * len(self.source.leads) * self.n_samples + self.image_bytes)

    def recipe(self) -> dict[str, Any]:
        """What makes the store what it is: its attributes, and what a second run is compared with."""
        return {
            "source": self.source.name,
            "source_version": self.source.version,
            "partition": self.partition,
            "folds": self.division.folds,
            "leads": list(self.source.leads),
            "image_leads": list(self.image_leads) if self.image_recipe.representations else [],
            "source_sampling_rate": float(self.source.sampling_rate),
            **self.signal_recipe.attributes(),
            "images": {name: self.image_recipe.parameters(name) for name in self.image_recipe.representations},
            "tasks": list(self.division.items.labels),
            "items_digest": digest_of_items(self.items["item_id"]),
            **self.division.attributes(),
            **self.extra,
        }

    def usual(self) -> dict[str, Any]:
        """What is usual for the data set, for those who train on the store.

        Attributes too, but nothing that a second run is compared with: older stores do not say it.
        """
        entry, task = self.source.entry, self.division.sampled_task
        return ({} if task is None else {"default_task": task}) | {
            "default_leads": list(entry.default_leads or self.source.leads)
        }
