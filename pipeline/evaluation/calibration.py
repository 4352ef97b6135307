"""Temperatures: how sure a model's probabilities are to be taken, fitted on dev and never on what is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import Thresholds

LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures that are looked at; where the best one is none between them, dev tells of none."""

_FURTHEST = 104.0  # of a logit, beyond which float32 has only 0 and 1


@dataclass(frozen=True)
class Temperatures:
    """One temperature a class, and where they come from.

    Attributes:
        values: Class name to temperature: above 1 the probabilities were too sure, below 1 not sure enough. Where
            classes exclude each other all have the same one.
        n_dev: The number of dev items that they were fitted on.
        without: Classes at 1, because dev has no positive or no negative of them.
        unbounded: Classes at 1, because dev has no best one from ``LOWEST`` to ``HIGHEST``: with a threshold of 0.5 it
            finds every item right, or the scores say nothing.
    """

    values: Mapping[str, float]
    n_dev: int
    without: tuple[str, ...] = ()
    unbounded: tuple[str, ...] = ()


def fit_temperatures(scores: Scores) -> Mapping[str, float]:
    """Class name to temperature, as of ``fitted_temperatures``."""
    return fitted_temperatures(scores).values


def fitted_temperatures(dev: Scores) -> Temperatures:
    """The temperatures with the least negative log likelihood, one a class, or one for all that exclude each other.

    In 1/T the likelihood is that of a logistic regression without intercept, which is convex, so its slope crosses 0
    at most once; it is looked for in log T.

    Args:
        dev: Scores of all dev items.

    Reference:
        Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017. One a class where an item
        may bear several, since each is a task of its own.
    """
    n = len(dev.labels)
    if dev.kind == "multiclass":
        found = _best(_slope_of_softmax(dev)) if len(dev.classes) > 1 else None
        unbounded = dev.classes if found is None else ()
        return Temperatures(dict.fromkeys(dev.classes, found or 1.0), n, unbounded=unbounded)
    bearers = dev.labels.sum(0, dtype=np.int64)
    fittable = (bearers > 0) & (bearers < n)
    logits = _special().logit(dev.scores.astype(np.float64)).clip(-_FURTHEST, _FURTHEST)
    best = [_best(_slope_of_sigmoid(logits[:, i], dev.labels[:, i])) if can else None for i, can in enumerate(fittable)]
    named = list(zip(dev.classes, best, fittable, strict=True))
    return Temperatures(
        {name: value or 1.0 for name, value, _ in named},
        n,
        without=tuple(name for name, _, can in named if not can),
        unbounded=tuple(name for name, value, can in named if can and value is None),
    )


def _special() -> Any:
    import scipy.special  # here, because a plain table needs none

    return scipy.special


Slope = Callable[[float], float]
"""How the negative log likelihood rises with 1/T, at a log T."""


def _slope_of_sigmoid(logits: np.ndarray, labels: np.ndarray) -> Slope:
    return lambda log_t: float(np.mean(logits * (_special().expit(logits * np.exp(-log_t)) - labels)))


def _slope_of_softmax(scores: Scores) -> Slope:
    logs = _logs(scores.scores)
    right = (logs * scores.labels).sum(1)
    return lambda log_t: float(np.mean((logs * _special().softmax(logs * np.exp(-log_t), axis=1)).sum(1) - right))


def _logs(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probabilities.astype(np.float64)), -_FURTHEST)


def _best(slope: Slope) -> float | None:
    """The temperature at which the slope is 0; None where it is so nowhere between the bounds."""
    from scipy.optimize import brentq

    ends = np.log([LOWEST, HIGHEST])
    if not slope(ends[0]) > 0 > slope(ends[1]):
        return None
    return float(np.exp(brentq(slope, *ends, xtol=1e-12)))


def apply_temperatures(
    probabilities: np.ndarray, classes: Sequence[str], temperatures: Mapping[str, float], kind: str
) -> np.ndarray:
    """Probabilities at other temperatures: the sigmoid, or softmax, of what stands behind them over T.

    Of ``multilabel`` each class keeps the order of its items, and 0, 0.5 and 1 stay what they are. Where classes
    exclude each other, each item keeps the order of its classes.

    Args:
        probabilities: As a network gives them.
        classes: Of the columns.
        temperatures: Class name to temperature, above 0.
        kind: ``multilabel`` or ``multiclass``.

    Shape:
        ``(items, classes)``, float64 back, so that no two of float32 become one.

    Raises:
        EcgFusionError: A class has no temperature, or of ``multiclass`` they differ.

    >>> hot = {"MI": 2.0, "CD": 0.5}
    >>> apply_temperatures(np.array([[0.9, 0.5], [0.1, 0.75]]), ("MI", "CD"), hot, "multilabel").round(3)
    array([[0.75, 0.5 ],
           [0.25, 0.9 ]])
    """
    lacking = [name for name in classes if name not in temperatures]
    if lacking:
        raise EcgFusionError(f"there is no temperature for {', '.join(lacking)}: fit one on dev")
    values = np.array([temperatures[name] for name in classes])
    of_all = np.asarray(probabilities, np.float64)
    if kind == "multilabel":
        found: np.ndarray = _special().expit(_special().logit(of_all) / values)
        return found
    if len({*values.tolist()}) > 1:
        raise EcgFusionError(f"{', '.join(classes)} exclude each other, and have several temperatures: fit one for all")
    found = _special().softmax(_logs(of_all) / values[0], axis=1)
    return found


def calibrated(
    scores: Scores, temperatures: Mapping[str, float], thresholds: Thresholds | None = None
) -> tuple[Scores, Thresholds | None]:
    """The same scores and thresholds at other temperatures, by which exactly the same is found.

    Args:
        scores: As a network gives them.
        temperatures: Class name to temperature.
        thresholds: Chosen on such scores, of ``multilabel``; None where the highest score wins, or where others will be
            chosen.
    """
    moved = apply_temperatures(scores.scores, scores.classes, temperatures, scores.kind)
    if thresholds is None:
        return replace(scores, scores=moved), None
    cuts = np.array([[thresholds.values[name] for name in scores.classes]])
    limits = apply_temperatures(cuts, scores.classes, temperatures, scores.kind)
    found = scores.scores >= cuts.astype(scores.scores.dtype)
    # rounding near 1 could make one of two, of which one alone was found
    moved = np.where(found, np.maximum(moved, limits), np.minimum(moved, np.nextafter(limits, -1).clip(0)))
    values = dict(zip(scores.classes, limits[0].tolist(), strict=True))
    return replace(scores, scores=moved), replace(thresholds, values=values)


def log_loss(scores: Scores) -> np.ndarray:
    """The mean negative log likelihood of each class; of all at once where they exclude each other.

    Shape:
        ``(classes,)``, or ``(1,)``.
    """
    if scores.kind == "multiclass":
        logs = _special().log_softmax(_logs(scores.scores), axis=1)
        return np.array([-np.mean((logs * scores.labels).sum(1))])
    logits = _special().logit(scores.scores.astype(np.float64)).clip(-_FURTHEST, _FURTHEST)
    losses: np.ndarray = np.logaddexp(0, np.where(scores.labels == 1, -logits, logits)).mean(0)
    return losses
