"""Decision curves: whether acting on a probability does more good than acting on everybody, or on nobody."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.intervals import LEVEL, Resampling, numbered
from pipeline.evaluation.proportions import Span
from pipeline.evaluation.resampling import Judged, Resampler, rows_of
from pipeline.evaluation.scores import Scores

GRID = np.arange(1, 100) / 100
"""Probabilities from which on somebody would act."""

AT = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Those of them that have an interval."""


@dataclass(frozen=True)
class Point:
    """One threshold of one class.

    Attributes:
        threshold: From 0 to 1.
        benefit: Net benefit of the model, in true positives an item.
        span: Its interval; None where nothing was resampled, or the class has too few patients.
        of_all: Net benefit of acting on everybody; of acting on nobody it is 0.
        gain: What the model has over the better of both.
        gain_span: Its interval, as of ``span``.
    """

    threshold: float
    benefit: float
    span: Span | None
    of_all: float
    gain: float
    gain_span: Span | None

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded."""
        return {
            "threshold": self.threshold,
            "net_benefit": self.benefit,
            "interval": list(self.span) if self.span else None,
            "treat_all": self.of_all,
            "gain": self.gain,
            "gain_interval": list(self.gain_span) if self.gain_span else None,
        }


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """One class.

    Attributes:
        model: Net benefit at each of ``GRID``.
        of_all: That of acting on everybody.
        points: At each of ``AT``.

    Shape:
        ``(thresholds,)`` both.
    """

    model: np.ndarray
    of_all: np.ndarray
    points: tuple[Point, ...]


@dataclass(frozen=True, eq=False)
class Decisions:
    """The curves of every class.

    Attributes:
        curves: By class.
        is_calibrated: Whether temperatures were applied to the probabilities.
        n_resamples: Of patients; 0 for none.
    """

    curves: dict[str, DecisionCurve]
    is_calibrated: bool
    n_resamples: int

    def as_json(self) -> dict[str, Any]:
        """All of it as plain lists, unrounded."""
        return {
            "calibrated": self.is_calibrated,
            "resamples": self.n_resamples,
            "thresholds": GRID.tolist(),
            "classes": {
                name: {
                    "net_benefit": each.model.tolist(),
                    "treat_all": each.of_all.tolist(),
                    "points": [point.as_json() for point in each.points],
                }
                for name, each in self.curves.items()
            },
        }


def net_benefit(labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """TP / n − FP / n × p / (1 − p) at each threshold p, at which whoever acts weighs harm against good as 1 − p to p.

    Args:
        labels: 1 where the item bears the class.
        scores: Its probability.
        thresholds: Above 0 and below 1.

    Shape:
        ``(items,)`` both, to ``(thresholds,)``.

    Reference:
        Vickers and Elkin, Decision curve analysis: a novel method for evaluating prediction models, Medical Decision
        Making 2006.
    """
    benefits: np.ndarray = _contributions(labels, scores, thresholds).mean(0)
    return benefits


def decision_curves(scores: Scores, resampling: Resampling | None = None, is_calibrated: bool = False) -> Decisions:
    """The curves of every class, with percentiles of resamples of patients at a few thresholds.

    Args:
        scores: What is judged.
        resampling: How to draw intervals, or None for none.
        is_calibrated: Whether temperatures were applied to them.
    """
    at = np.array(AT)
    draws, kept = _draws(scores, at, resampling) if resampling else (None, np.zeros(len(scores.classes), bool))
    curves = {}
    for i, name in enumerate(scores.classes):
        labels, values = scores.labels[:, i], scores.scores[:, i]
        own = draws[:, i] if draws is not None and kept[i] else None
        points = _points(net_benefit(labels, values, at), net_benefit(labels, np.ones(len(labels)), at), own)
        of_all = net_benefit(labels, np.ones(len(labels)), GRID)
        curves[name] = DecisionCurve(net_benefit(labels, values, GRID), of_all, points)
    return Decisions(curves, is_calibrated, resampling.n if resampling else 0)


def _contributions(labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """What each item adds at each threshold, ``(items, thresholds)``; their mean is the net benefit."""
    true = np.asarray(labels, bool)[:, None]
    found = scores[:, None] >= thresholds.astype(scores.dtype)
    values: np.ndarray = np.where(found, np.where(true, 1.0, -thresholds / (1 - thresholds)), 0.0)
    return values


def _draws(scores: Scores, at: np.ndarray, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
    """Net benefit of the model and of acting on all, ``(resamples, classes, 2, thresholds)``, and the classes kept."""
    patients, _ = numbered(scores.item_id, scores.patient_id)
    rows = rows_of(Judged(scores.labels, scores.scores, scores.labels), patients)
    everybody = np.ones(len(scores.labels))
    parts = [
        _contributions(labels, values, at)
        for labels, column in zip(scores.labels.T, scores.scores.T, strict=True)
        for values in (column, everybody)
    ]
    stacked = np.concatenate(parts, 1)  # (items, classes × 2 × thresholds)
    blocks = Resampler(patients, rows, resampling.seed).blocks(resampling.n)
    found = np.concatenate([weights.T @ stacked / weights.sum(0)[:, None] for weights in blocks])
    return found.reshape(len(found), len(scores.classes), 2, len(at)), rows.kept[: len(scores.classes)]


def _points(model: np.ndarray, of_all: np.ndarray, draws: np.ndarray | None) -> tuple[Point, ...]:
    gains = model - np.maximum(of_all, 0)
    spans: list[Span | None] = [None] * len(AT)
    gain_spans: list[Span | None] = [None] * len(AT)
    if draws is not None:
        spans = _percentiles(draws[:, 0])
        gain_spans = _percentiles(draws[:, 0] - np.maximum(draws[:, 1], 0))
    return tuple(
        Point(threshold, float(model[i]), spans[i], float(of_all[i]), float(gains[i]), gain_spans[i])
        for i, threshold in enumerate(AT)
    )


def _percentiles(draws: np.ndarray) -> list[Span | None]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [(float(one), float(other)) for one, other in zip(low, high, strict=True)]
