"""DeLong's variance of an AUROC, and his test of two of the same items, without any resampling."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pipeline.evaluation.proportions import Span, Z

_ROUNDING = 1e-24  # of a variance, which is a difference of sums of numbers from 0 to 1


@dataclass(frozen=True)
class Area:
    """One AUROC.

    Attributes:
        value: From 0 to 1.
        variance: By DeLong; NaN with one positive or one negative alone.
        span: The 95 % interval on the scale of logits, within 0 and 1; None where there is no variance.
    """

    value: float
    variance: float
    span: Span | None


@dataclass(frozen=True)
class AreaTest:
    """The AUROC of the first model minus that of the second.

    Attributes:
        value: From -1 to 1.
        variance: By DeLong.
        span: The 95 % interval; NaN where ``p`` is.
        p: Two-sided p-value of no difference; 1 for equal scores, NaN where areas differ and nothing varies, as with 1
            and 0.
    """

    value: float
    variance: float
    span: Span
    p: float


def delong_area(labels: np.ndarray, scores: np.ndarray) -> Area | None:
    """An AUROC with its variance; None without a positive or a negative.

    Args:
        labels: 1 where the item bears the class.
        scores: Any real numbers.

    Shape:
        ``(items,)`` both.

    Reference:
        See ``delong_covariance``; the logit as Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2.4.
    """
    if not 0 < np.sum(labels) < len(labels):
        return None
    areas, covariance = delong_covariance(labels, scores[None])
    value, variance = float(areas[0]), float(covariance[0, 0])
    if not variance > _ROUNDING or not 0 < value < 1:
        return Area(value, variance, None)
    half = Z * math.sqrt(variance) / (value * (1 - value))
    middle = math.log(value / (1 - value))
    low, high = (0.5 + 0.5 * math.tanh((middle + side * half) / 2) for side in (-1, 1))
    return Area(value, variance, (low, high))


def delong_test(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> AreaTest | None:
    """How far the AUROCs of two models differ on the same items; None with fewer than two of either side.

    Args:
        labels: 1 where the item bears the class.
        first: Any real numbers.
        second: Those of the other model.

    Shape:
        ``(items,)`` each.

    Reference:
        See ``delong_covariance``. Items are taken as independent: several of a patient make it too sure.
    """
    if not 2 <= np.sum(labels) <= len(labels) - 2:
        return None
    areas, covariance = delong_covariance(labels, np.stack([first, second]))
    value = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= _ROUNDING:
        same = abs(value) < math.sqrt(_ROUNDING)
        return AreaTest(value, 0.0, (0.0, 0.0) if same else (math.nan, math.nan), 1.0 if same else math.nan)
    half = Z * math.sqrt(variance)
    p = 2 * NormalDist().cdf(-abs(value) / math.sqrt(variance))
    return AreaTest(value, variance, (max(value - half, -1.0), min(value + half, 1.0)), p)


def delong_covariance(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The AUROCs of several models, and their covariance over items, in the time that sorting takes.

    Args:
        labels: 1 where the item bears the class; at least one 1 and one 0.
        scores: Any real numbers.

    Shape:
        ``(items,)`` and ``(models, items)`` to ``(models,)`` and ``(models, models)``; NaN with one of a side.

    Reference:
        DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
        characteristic curves, Biometrics 1988; Sun and Xu, Fast implementation of DeLong's algorithm, IEEE Signal
        Processing Letters 2014.
    """
    true = np.asarray(labels, bool)
    n_positive, n_negative = int(true.sum()), int((~true).sum())
    everywhere = np.stack([_midranks(each) for each in scores])
    among_positives = np.stack([_midranks(each[true]) for each in scores])
    among_negatives = np.stack([_midranks(each[~true]) for each in scores])
    # how large a part of the other side lies on the right side of each item
    of_positives = (everywhere[:, true] - among_positives) / n_negative  # (models, positives)
    of_negatives = 1 - (everywhere[:, ~true] - among_negatives) / n_positive  # (models, negatives)
    covariance = _covariance(of_positives) / n_positive + _covariance(of_negatives) / n_negative
    return of_positives.mean(1), covariance


def _midranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value from 1 on, equal ones sharing their mean."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(times) - (times - 1) / 2)[place.ravel()]
    return ranks


def _covariance(values: np.ndarray) -> np.ndarray:
    if values.shape[1] < 2:
        return np.full((len(values), len(values)), math.nan)
    centred = values - values.mean(1, keepdims=True)
    covariance: np.ndarray = centred @ centred.T / (values.shape[1] - 1)
    return covariance
