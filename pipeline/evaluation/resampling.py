"""Resamples of patients, and every figure of a table on each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.metrics import FIGURES, RANKINGS, Counts
from pipeline.evaluation.ranking import Ranking

CELLS = ("TP", "FN", "FP", "TN")

MIN_PATIENTS = 5
"""A row needs as many patients with a positive, and with a negative, to have an interval."""

_BLOCK_BYTES = 2**21  # the weights of a block stay in the cache of one core


def columns() -> tuple[str, ...]:
    """What is resampled of each row: counts, figures and, for the macro row only, the older study's G-mean."""
    return (*CELLS, *FIGURES, *RANKINGS, "g_mean_of_means")


@dataclass(frozen=True, eq=False)
class Judged:
    """What a bootstrap sees of one model: the truth, the scores, and what was found at fixed thresholds.

    Attributes:
        labels: 1 where the item bears the class.
        scores: Its scores.
        found: True where the class was found.
        none_name: What "no class found" is called, where it is a row of its own.
        taken: The column of the highest score, where an item has one class; None where it may have several.

    Shape:
        ``(items, classes)`` each, ``taken`` ``(items,)``.
    """

    labels: np.ndarray
    scores: np.ndarray
    found: np.ndarray
    none_name: str | None = None
    taken: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """Which rows of a table can be resampled: the classes, ``micro``, then "no class found" if it has a name.

    Attributes:
        sides: 1 where an item has a positive of a row, then where it has a negative.
        few_positives: Rows with fewer than ``MIN_PATIENTS`` patients with a positive.
        few_negatives: Likewise with a negative, where positives are no matter.
        kept: The other rows.

    Shape:
        ``sides`` is ``(2, items, rows)``, the others ``(rows,)`` bool.
    """

    sides: np.ndarray
    few_positives: np.ndarray
    few_negatives: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """Rows that have an interval."""
        values: np.ndarray = ~(self.few_positives | self.few_negatives)
        return values


def rows_of(judged: Judged, patients: np.ndarray) -> Rows:
    """The rows that can be resampled, by the number of their patients.

    Args:
        judged: The truth is all that is looked at.
        patients: The patient of each item, numbered from 0.
    """
    true = np.asarray(judged.labels, bool)
    norm = [~true.any(1, keepdims=True)] if judged.none_name else []
    positive = np.hstack([true, true.any(1, keepdims=True), *norm])
    negative = np.hstack([~true, ~true.all(1, keepdims=True), *(~column for column in norm)])
    few = [_patients_with(side, patients) < MIN_PATIENTS for side in (positive, negative)]
    return Rows(np.stack([positive, negative]).astype(np.float64), few[0], few[1] & ~few[0])


def _patients_with(side: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The number of patients with at least one such item, of each row."""
    return np.array([len(np.unique(patients[column])) for column in side.T])


class Resampler:
    """Draws patients with replacement, each with all of its items; the draws depend on the seed and nothing else.

    A resample in which a kept row has no positive or no negative is drawn again.

    Args:
        patients: The patient of each item, numbered from 0.
        rows: What a resample must hold.
        seed: Of the draws.

    Attributes:
        n_redrawn: How many resamples were drawn again so far.
    """

    def __init__(self, patients: np.ndarray, rows: Rows, seed: int) -> None:
        self._patients = patients
        self._n_patients = int(patients.max()) + 1
        self._sides = rows.sides[:, :, rows.kept]
        self._draw = np.random.default_rng(seed)
        self.n_redrawn = 0

    def blocks(self, n_resamples: int) -> Iterator[np.ndarray]:
        """Weights that say how often each item stands in each resample, a block of resamples at a time.

        Shape:
            ``(items, resamples of the block)`` float64.
        """
        at_once = int(np.clip(_BLOCK_BYTES // (8 * len(self._patients)), 8, 256))
        missing = n_resamples
        while missing:
            weights = self._draw_patients(min(at_once, missing))[self._patients]
            weights = weights[:, self._is_complete(weights)]
            missing -= weights.shape[1]
            if weights.shape[1]:
                yield weights

    def _draw_patients(self, n: int) -> np.ndarray:
        drawn = self._draw.integers(self._n_patients, size=(n, self._n_patients))  # (n, patients) who is drawn
        # each resample counts in a range of its own, so that one bincount counts all of them
        drawn += self._n_patients * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * self._n_patients).reshape(n, -1)
        return times.T.astype(np.float64, order="C")  # (patients, n)

    def _is_complete(self, weights: np.ndarray) -> np.ndarray:
        # (resamples,) whether every kept row has some weight on positives and on negatives
        holds: np.ndarray = np.all([(side.T @ weights > 0).all(0) for side in self._sides], 0)
        self.n_redrawn += int((~holds).sum())
        return holds


class TableMeasurer:
    """Measures whole tables of one model under many weightings; its scores are sorted once.

    Args:
        judged: The model's items.
        kept: The classes that the macro row is the mean of.

    Shape:
        ``kept`` is ``(classes,)`` bool.
    """

    def __init__(self, judged: Judged, kept: np.ndarray) -> None:
        n_items, n_classes = judged.labels.shape
        self._judged, self._kept = judged, kept
        self._classes = [Ranking(*pair) for pair in zip(judged.labels.T, judged.scores.T, strict=True)]
        items = np.repeat(np.arange(n_items), n_classes)
        self._pairs = Ranking(judged.labels.ravel(), judged.scores.ravel(), items)

    def measure(self, weights: np.ndarray) -> np.ndarray:
        """The table of each weighting; NaN where a row has no such figure.

        Shape:
            ``(items, weightings)`` to ``(weightings, rows, columns)``: the classes, micro, "no class found" if
            it has a name, and macro, which is last; columns are ``columns()``.
        """
        labels, found = self._judged.labels, self._judged.found
        counts = _weighted_counts(labels, found, weights)
        classes = _with_counts(counts, _ranked(self._classes, weights))
        rows = [classes, _with_counts(counts.pooled, _ranked([self._pairs], weights)[:, 0])[:, None]]
        if self._judged.none_name:
            normal, called_normal = (side.max(1, keepdims=True) == 0 for side in (labels, found))
            unranked = np.full((weights.shape[1], 1, len(RANKINGS)), np.nan)
            rows.append(_with_counts(_weighted_counts(normal, called_normal, weights), unranked))
        return np.concatenate([*rows, _macro(classes, self._kept)[:, None]], 1)


def _weighted_counts(labels: np.ndarray, found: np.ndarray, weights: np.ndarray) -> Counts:
    """The counts of each weighting: ``(weightings, classes)``."""
    true, found = np.asarray(labels, bool), np.asarray(found, bool)
    cells = (true & found, true & ~found, ~true & found, ~true & ~found)
    return Counts(*(weights.T @ cell.astype(np.float64) for cell in cells))


def _ranked(rankings: list[Ranking], weights: np.ndarray) -> np.ndarray:
    """What follows from the order, ``(weightings, rankings, figures)``."""
    curves = (ranking.curve(weights) for ranking in rankings)
    return np.stack([np.stack([each.of_curves(curve) for each in RANKINGS.values()], -1) for curve in curves], 1)


def _with_counts(counts: Counts, ranked: np.ndarray) -> np.ndarray:
    """All columns of rows that have counts; ``(..., columns)``."""
    cells = (counts.tp, counts.fn, counts.fp, counts.tn)
    figures = [figure(counts) for figure in FIGURES.values()]
    empty = np.full((*ranked.shape[:-1], 1), np.nan)
    return np.concatenate([np.stack([*cells, *figures], -1), ranked, empty], -1)


def _macro(classes: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The mean over the kept classes, which has no counts; ``(weightings, columns)``."""
    means = np.full((len(classes), len(columns())), np.nan)
    if kept.any():
        means[:, len(CELLS) :] = classes[:, kept, len(CELLS) :].mean(1)
        both = means[:, columns().index("sensitivity")] * means[:, columns().index("specificity")]
        means[:, -1] = np.sqrt(both)
    return means
