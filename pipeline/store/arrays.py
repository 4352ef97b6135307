"""The face of a store over arrays in memory, so that whatever takes a store takes recordings that lie in no file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.signals.counts import PADDING
from pipeline.signals.filters import Band, check_band
from pipeline.signals.leads import LEADS, canonical_lead
from pipeline.signals.windows import window_starts, windows_at
from pipeline.sources import SourceEntry
from pipeline.sources.items import window_name
from pipeline.store.job import LEAST_GAIN, SignalRecipe
from pipeline.store.mapped import Held
from pipeline.store.reading import Store, digest_of_items

_FEWEST_SAMPLES = 2  # of an item, at the rate of the store


class ArrayStore(Store):
    """Recordings in memory as a store; made by ``of``. It holds no images.

    Example:
        >>> store = ArrayStore.of(np.zeros((3, 2, 1000)), 500, ["I", "Lead II"])
        >>> store.signals.shape, store.sampling_rate, store.leads
        ((3, 2, 200), 100.0, ['I', 'II'])
    """

    @classmethod
    def of(
        cls,
        signals: np.ndarray | Sequence[np.ndarray],
        sampling_rate: float,
        leads: Sequence[str],
        *,
        stored_rate: float = SourceEntry.default_sampling_rate,
        band: Band | None = SourceEntry.default_band,
        gain: float = LEAST_GAIN,
        item_ids: Sequence[str] | None = None,
        patient_ids: Sequence[str] | None = None,
        labels: Mapping[str, Labels] | None = None,
        features: Mapping[str, np.ndarray | Sequence[Sequence[float]]] | None = None,
        further_leads: Sequence[str] = (),
        name: str = "the array",
    ) -> Self:
        """A store of recordings, filtered, resampled and rounded as ``create_images.py`` does it.

        Args:
            signals: millivolts, one array of all items, or one for each; these may be of unequal length.
            sampling_rate: of the arrays, Hz.
            leads: their names, in the order of the arrays, however they are spelled.
            stored_rate: hertz that the signals are wanted at, no more than they have.
            band: what the filter lets through, Hz; None for no filter.
            gain: counts to the millivolt.
            item_ids: one for each item; None for their numbers from 0.
            patient_ids: one for each item; None for a patient an item.
            labels: task name to labels of these items, if there are any.
            features: name to numbers of each item, as ``Store.features``; NaN where one is missing.
            further_leads: canonical names that leads may have beside the usual twelve, as ``MLII``.
            name: what messages call it.

        Shape:
            signals (items, leads, time), or each (leads, time); features (items, numbers) each.

        Raises:
            EcgFusionError: the arrays are no such signals, or cannot be prepared so.
        """
        canonical = checked_leads(leads, (*LEADS, *further_leads), name)
        items = checked_items(signals, len(canonical), name)
        recipe = SignalRecipe(band, float(stored_rate), float(gain))
        _check_rates(recipe, sampling_rate, name)
        ids = _checked_ids(item_ids, len(items), "item", name)
        if len(set(ids)) != len(ids):
            twice = next(each for each in ids if ids.count(each) > 1)
            raise EcgFusionError(f"{name} names the item {twice} twice: give each its own name")
        for task, given in (labels or {}).items():
            if len(given.values) != len(items):
                raise EcgFusionError(f"{name} has {len(items)} items and {len(given.values)} labels of {task}")
        return cls.of_counts(
            _counts(items, recipe, float(sampling_rate), name),
            canonical,
            recipe,
            float(sampling_rate),
            item_ids=ids,
            patient_ids=_checked_ids(patient_ids, len(items), "patient", name),
            labels=labels,
            features={of: _numbers(given, len(items), of, name) for of, given in (features or {}).items()},
            name=name,
        )

    @classmethod
    def of_counts(
        cls,
        counts: Sequence[np.ndarray],
        leads: Sequence[str],
        recipe: SignalRecipe,
        source_rate: float,
        *,
        item_ids: Sequence[str],
        record_ids: Sequence[str] | None = None,
        patient_ids: Sequence[str] | None = None,
        labels: Mapping[str, Labels] | None = None,
        features: Mapping[str, np.ndarray] | None = None,
        name: str = "the array",
    ) -> Self:
        """A store of what is filtered, resampled and rounded already.

        Args:
            counts: of each item, (leads, time) int16.
            leads: canonical names.
            recipe: how they were made.
            source_rate: of what they were made of, Hz.
            item_ids: different names.
            record_ids: of the record that each is of; None for its own.
            patient_ids: of each; None for its own.
            labels: as in ``of``.
            features: name to (items, numbers) float32.
            name: what messages call it.
        """
        lengths, ids = np.array([x.shape[1] for x in counts]), np.array(list(item_ids), object)
        return cls(
            path=Path(name),
            attributes={
                "source": name,
                "partition": name,
                "folds": {},
                "leads": list(leads),
                "image_leads": [],
                "source_sampling_rate": source_rate,
                **recipe.attributes(),
                "images": {},
                "tasks": list(labels or {}),
                "items_digest": digest_of_items(ids),
            },
            columns={
                "item_id": ids,
                "record_id": ids if record_ids is None else np.array(list(record_ids), object),
                "patient_id": ids if patient_ids is None else np.array(list(patient_ids), object),
                "fold": np.zeros(len(ids), np.int32),
                "start": np.zeros(len(ids)),
                "length": lengths / recipe.sampling_rate,
                "age": np.full(len(ids), np.nan, np.float32),
                "sex": np.full(len(ids), -1, np.int8),
            },
            labels=dict(labels or {}),
            signals=Held(_padded(counts, int(lengths.max()))),
            features=dict(features or {}),
        )

    def in_windows(self, window_s: float, stride_s: float) -> Self:
        """The same recordings in windows, as ``create_images.py --window`` cuts them; without labels.

        Args:
            window_s: length, s.
            stride_s: from the start of one to that of the next, s.

        Raises:
            EcgFusionError: a recording is shorter than a window.
        """
        held, signals = self.signals.open(), []
        rows: list[int] = []
        starts: list[float] = []
        for row, n_samples in enumerate(self.lengths.tolist()):
            seconds = n_samples / self.sampling_rate
            of_row = window_starts(seconds, window_s, stride_s)
            if not len(of_row):
                raise EcgFusionError(
                    f"{self.path} has {seconds:g} s, less than a window of {window_s:g} s: give a longer recording"
                )
            signals += windows_at(held[row, :, :n_samples], self.sampling_rate, of_row, window_s)
            rows, starts = rows + [row] * len(of_row), starts + of_row.tolist()
        columns = {name: values[rows] for name, values in self.columns.items()}
        ids = [window_name(*pair) for pair in zip(columns["record_id"], starts, strict=True)]
        return replace(
            self,
            attributes={
                **self.attributes,
                "cut": {"kind": "windows", "window_s": window_s, "stride_s": stride_s},
                "tasks": [],
                "items_digest": digest_of_items(ids),
            },
            columns=columns
            | {
                "item_id": np.array(ids, object),
                "start": np.array(starts),
                "length": np.full(len(rows), signals[0].shape[1] / self.sampling_rate),
            },
            labels={},
            signals=Held(np.stack(signals)),
            features={name: numbers[rows] for name, numbers in self.features.items()},
        )

    def task(self, name: str) -> Labels:
        """The labels of a task; where there are none at all, those of a task without classes, so that all are scored.

        Raises:
            EcgFusionError: there are labels, and none of that task.
        """
        if self.labels:
            return super().task(name)
        return Labels((), "multilabel", np.zeros((self.n_items, 0), np.uint8), np.ones(self.n_items, bool))


def checked_leads(leads: Sequence[str], known: Sequence[str], name: str) -> list[str]:
    """Canonical names; an unknown one, or one named twice, is refused. ``name`` is what messages call the array."""
    canonical = [canonical_lead(lead) for lead in ([leads] if isinstance(leads, str) else leads)]
    unknown = [lead for lead in canonical if lead not in known]
    if unknown:
        among = " ".join(dict.fromkeys(known))
        raise EcgFusionError(f"{name}: there is no lead {', '.join(unknown)}: the leads are {among}")
    if len(set(canonical)) != len(canonical):
        raise EcgFusionError(f"{name}: the leads {' '.join(canonical)} name one twice")
    return canonical


def checked_items(signals: np.ndarray | Sequence[np.ndarray], n_leads: int, name: str) -> list[np.ndarray]:
    """Each item's (leads, time) floating-point mV; others are refused, as what ``name`` says."""
    if isinstance(signals, np.ndarray) and signals.ndim != 3:
        raise EcgFusionError(
            f"{name} has the shape {signals.shape}: give (items, leads, time), or a list of (leads, time)"
        )
    items = [np.asarray(x) for x in signals]
    if not items:
        raise EcgFusionError(f"{name} holds no item: give at least one")
    for number, x in enumerate(items):
        which = f"item {number} of {name}"
        if x.ndim != 2:
            raise EcgFusionError(f"{which} has the shape {x.shape}: give (leads, time)")
        if x.dtype.kind != "f":
            raise EcgFusionError(f"{which} is {x.dtype}: give millivolts as floating-point numbers")
        if len(x) != n_leads:
            raise EcgFusionError(f"{which} has {len(x)} rows for {n_leads} leads: give (leads, time), a name a row")
    return items


def _check_rates(recipe: SignalRecipe, sampling_rate: float, name: str) -> None:
    for rate in (sampling_rate, recipe.sampling_rate, recipe.gain):
        if not 0 < rate < np.inf:
            raise EcgFusionError(f"{name}: {rate} is not a number above 0: give sampling rates in Hz")
    if recipe.sampling_rate > sampling_rate:
        raise EcgFusionError(
            f"{name} is at {sampling_rate:g} Hz and {recipe.sampling_rate:g} are wanted: give a recording of that rate"
        )
    if recipe.band:
        try:
            check_band(recipe.band, sampling_rate)
        except ValueError as problem:
            raise EcgFusionError(f"{name}: {problem}") from None


def _checked_ids(ids: Sequence[str] | None, n_items: int, of: str, name: str) -> list[str]:
    found = [str(number) for number in range(n_items)] if ids is None else [str(each) for each in ids]
    if len(found) != n_items:
        raise EcgFusionError(f"{name} has {n_items} items and {len(found)} {of} names: give one for each")
    return found


def _numbers(given: np.ndarray | Sequence[Sequence[float]], n_items: int, of: str, name: str) -> np.ndarray:
    """A feature's (items, numbers) float32."""
    try:
        numbers = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        numbers = np.empty(0, np.float32)
    if numbers.ndim != 2 or len(numbers) != n_items:
        raise EcgFusionError(f"{name}: the feature {of} is no table of numbers with a row for each of {n_items} items")
    return numbers


def _counts(items: Sequence[np.ndarray], recipe: SignalRecipe, sampling_rate: float, name: str) -> list[np.ndarray]:
    """Each item's (leads, time) int16."""
    counts = []
    for number, x in enumerate(items):
        which = f"item {number} of {name}"
        # before the filter, which has nothing to reflect at the end of nothing
        if round(x.shape[1] * recipe.sampling_rate / sampling_rate) < _FEWEST_SAMPLES:
            raise EcgFusionError(f"{which} has {x.shape[1]} samples, too few at {recipe.sampling_rate:g} Hz")
        try:
            counts.append(recipe.counts(x, sampling_rate))
        except ValueError as problem:
            raise EcgFusionError(f"{which} {problem}: mend it, or leave it out") from None
    return counts


def _padded(counts: Sequence[np.ndarray], width: int) -> np.ndarray:
    """(items, leads, time) int16; what is shorter than ``width`` ends in padding."""
    padded = np.full((len(counts), len(counts[0]), width), PADDING, np.int16)
    for place, x in zip(padded, counts, strict=True):
        place[:, : x.shape[1]] = x
    return padded
