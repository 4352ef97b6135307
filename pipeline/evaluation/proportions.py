"""Intervals of figures from 0 to 1 that hold for few patients: Wilson's, a smoothed logit, and that of a product."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
"""The share of intervals that are to hold the truth."""

Z = NormalDist().inv_cdf((1 + LEVEL) / 2)

Span = tuple[float, float]
"""The lower and the upper end of an interval."""

_CENTRE, _SPREAD = 0.25, 0.1
"""Of a patient who is wrong and one who is right, what is added to an area: to its value, and to its variance.

Chosen by `benchmarks/coverage.py` alone, among 42 pairs: from 10 patients on, 93 to 97 of 100 intervals hold the truth.
"""


_TINY = 1e-300


def wilson(share: float, n: float) -> Span:
    """Wilson's interval of a share of ``n`` independent cases; it is never of no width.

    Args:
        share: From 0 to 1.
        n: Any number above 0, such as ``effective_number`` gives.

    Reference:
        Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
    """
    half = Z * np.sqrt(share * (1 - share) / n + (Z / (2 * n)) ** 2)
    low, high = (float((share + Z**2 / (2 * n) + side * half) / (1 + Z**2 / n)) for side in (-1, 1))
    return min(max(low, 0.0), share), max(min(high, 1.0), share)  # 0 and 1 to the last digit


def effective_number(share: float, variance: float, n_patients: int, n_moving: int | None = None) -> float:
    """How many independent cases would give a share this variance: fewer than items, where a patient has several.

    Args:
        share: From 0 to 1.
        variance: Of the share over resamples of patients.
        n_patients: Those that the share is of. A variance of 0 says nothing of how far the share may move, and each of
            them is a case then.
        n_moving: Those of them whose drawing moves it, such as the few who have a class; None for all.

    Reference:
        Kish, Survey Sampling, 1965, section 8.2 (the design effect); Kott and Liu, One-sided coverage intervals for a
        proportion estimated from a stratified simple random sample, International Statistical Review 2009.
    """
    spread = share * (1 - share)
    whole = _of_all(variance, n_patients if n_moving is None else n_moving)
    return spread / whole if variance > 0 and spread > 0 else float(n_patients)


def whole_of_mean(numbers: Sequence[int]) -> float:
    """How many times the variance of a mean over classes is what resamples show of it on average.

    Args:
        numbers: The patients whose drawing moves each class's figure; its part of the variance is taken as 1 over them.
    """
    n = np.maximum(np.array(numbers, float), 2)
    return float((1 / (n - 1)).sum() / (1 / n).sum())


def inflation_of_mean(numbers: Sequence[int]) -> float:
    """As ``whole_of_mean``, and times what makes up for a variance that few patients tell only roughly.

    That is the square of Student's quantile over the normal one, as the beginning of its series has it, for as many
    degrees of freedom as the parts have together. So one class of five patients among many larger ones is not lost.

    Args:
        numbers: As of ``whole_of_mean``.

    Reference:
        Satterthwaite, An approximate distribution of estimates of variance components, Biometrics Bulletin 1946.
    """
    n = np.maximum(np.array(numbers, float), 2)
    freedom = (1 / n).sum() ** 2 / (1 / (n**2 * (n - 1))).sum()
    return whole_of_mean(numbers) * float(1 + (Z**2 + 1) / (2 * freedom))


def smoothed_logit(area: float, variance: float, n_positive: int, n_negative: int) -> Span:
    """The interval of a figure that follows from the order of scores, on the scale of logits.

    Near 1 the few positives that lie low decide on both the area and its variance, and where the sample has none,
    both are too favourable. So a fraction of a patient at either end is added to both; it is gone where there are many.

    Args:
        area: From 0 to 1.
        variance: Over resamples of patients.
        n_positive: Patients with a positive.
        n_negative: Patients with a negative.

    Reference:
        Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2.4 (the logit); Agresti and Coull,
        Approximate is better than "exact", American Statistician 1998 (what is added).
    """
    n = min(n_positive, n_negative)
    centre = (area * n + _CENTRE) / (n + 2 * _CENTRE)
    added = _SPREAD * ((1 - area) ** 2 + area**2) * (n_positive**-2.0 + n_negative**-2.0)
    half = Z * np.sqrt(_of_all(variance, n) + added) / (centre * (1 - centre))
    middle = np.log(centre / (1 - centre))
    low, high = (float(0.5 + 0.5 * np.tanh((middle + side * half) / 2)) for side in (-1, 1))
    return (min(low, area) if area > 0 else 0.0), (max(high, area) if area < 1 else 1.0)


def geometric_mean(values: tuple[float, float], spans: tuple[Span, Span]) -> Span:
    """The interval of the geometric mean of two figures of different items, from the intervals of both.

    Args:
        values: From 0 to 1.
        spans: Their intervals; upper ends above 0.

    Reference:
        Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 2008.
    """
    if min(values) < _TINY:
        ends = [span[1] if value < _TINY else value for value, span in zip(values, spans, strict=True)]
        return 0.0, float(np.sqrt(ends[0] * ends[1]))
    middle = float(np.sqrt(values[0] * values[1]))
    # on the scale of logarithms, where the mean is one of sums
    steps = np.log(np.maximum(spans, _TINY)) - np.log(np.array(values))[:, None]  # (figures, low and high)
    down, up = np.hypot(*steps) / 2
    return middle * float(np.exp(-down)), min(middle * float(np.exp(up)), 1.0)


def mean_of_several(values: np.ndarray, spans: np.ndarray, draws: np.ndarray) -> Span:
    """The interval of the mean of figures that go together more or less, from the intervals of all of them.

    Each end of it is as far from the mean as the ends of the others are, added like standard deviations. So a class
    of few patients that was found without a miss, and has no variance over resamples, widens it all the same.

    Args:
        values: The figures.
        spans: Their intervals.
        draws: The figures of every resample, which tell how they go together.

    Shape:
        ``(figures,)``, ``(figures, 2)`` and ``(resamples, figures)``.

    Reference:
        Zou, Toward using confidence intervals to compare correlations, Psychological Methods 2007. We take negative
        correlations for none.
    """
    centred = draws - draws.mean(0)
    spread = np.sqrt((centred**2).sum(0))
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    # correlations; what goes against each other is not trusted to narrow the interval
    together = np.maximum(scaled.T @ scaled, 0.0)
    np.fill_diagonal(together, 1.0)
    down, up = values - spans[:, 0], spans[:, 1] - values
    middle, n = float(values.mean()), len(values)
    low, high = (math.sqrt(max(float(side @ together @ side), 0.0)) / n for side in (down, up))
    return middle - low, middle + high


def _of_all(variance: float, n: int) -> float:
    """What resamples of ``n`` patients show of the variance, made whole: they show (n - 1) / n of it."""
    return variance * n / max(n - 1, 1)
