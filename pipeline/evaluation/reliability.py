"""How far probabilities are what they say: the Brier score, the calibration error, and the bins of a diagram."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.shares import share_span

N_BINS = 15
"""Bins of the calibration error and of the diagram, as Guo et al. 2017 have them."""


def brier(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The mean squared difference of label and probability, of each class; 0 is best.

    Shape:
        ``(items, classes)`` both, to ``(classes,)``.

    Reference:
        Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 1950.

    >>> brier(np.array([[1], [0]]), np.array([[0.8], [0.4]])).round(3).tolist()
    [0.1]
    """
    found: np.ndarray = ((scores.astype(np.float64) - labels) ** 2).mean(0)
    return found


def equal_width(_: np.ndarray) -> np.ndarray:
    """The inner edges of bins of one width from 0 to 1."""
    return np.linspace(0, 1, N_BINS + 1)[1:-1]


def equal_mass(scores: np.ndarray) -> np.ndarray:
    """The inner edges of bins that hold as many items each, but that equal scores stay together.

    Of a rare class nearly all scores lie in the first bin of one width; these bins tell them apart.
    """
    return np.unique(np.percentile(scores.astype(np.float64), 100 * np.linspace(0, 1, N_BINS + 1)[1:-1]))


BINNINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"ece": equal_width, "adaptive_ece": equal_mass}
"""Name of a calibration error → its bins, each without its lower edge, as ``calibration_curve`` of scikit-learn."""


@dataclass(frozen=True, eq=False)
class Bins:
    """What lies in the bins of one class that hold anything.

    Attributes:
        n: Items in each.
        said: Mean probability in each.
        borne: Share of them that bears the class.
        spans: 95 % interval of that share, over patients where they are known.

    Shape:
        ``(bins,)``; spans ``(bins, 2)``.
    """

    n: np.ndarray
    said: np.ndarray
    borne: np.ndarray
    spans: np.ndarray

    @property
    def error(self) -> float:
        """The mean difference of what is said and what is borne, by the items in each bin: the calibration error."""
        return float((self.n * np.abs(self.said - self.borne)).sum() / self.n.sum())


def bins_of(labels: np.ndarray, scores: np.ndarray, inner: np.ndarray, patients: np.ndarray | None = None) -> Bins:
    """The bins of a class.

    Args:
        labels: 1 where an item bears it, else 0.
        scores: Its probabilities.
        inner: The edges between the bins.
        patients: Of each item; None where each is its own.

    Shape:
        ``(items,)``; inner ``(bins - 1,)``.
    """
    places = np.searchsorted(inner, scores)
    held = np.unique(places)
    masks = [places == place for place in held]
    spans = [share_span(labels[mask], None if patients is None else patients[mask]) for mask in masks]
    return Bins(
        n=np.array([mask.sum() for mask in masks]),
        said=np.array([scores[mask].mean(dtype=np.float64) for mask in masks]),
        borne=np.array([labels[mask].mean() for mask in masks]),
        spans=np.array(spans),
    )


def calibration_error(labels: np.ndarray, scores: np.ndarray, binning: str = "ece") -> np.ndarray:
    """The expected calibration error of each class against the rest; 0 is best.

    Args:
        labels: 1 where an item bears the class, else 0.
        scores: Probabilities.
        binning: One of ``BINNINGS``.

    Shape:
        ``(items, classes)`` both, to ``(classes,)``.

    Reference:
        Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015; by
        class as Kull et al., Beyond temperature scaling, NeurIPS 2019; bins of equal mass as Nguyen and O'Connor 2015.
    """
    errors = []
    for truth, values in zip(labels.T, scores.T, strict=True):
        places = np.searchsorted(BINNINGS[binning](values), values)
        gaps = np.bincount(places, values.astype(np.float64) - truth)
        errors.append(float(np.abs(gaps).sum() / len(values)))
    return np.array(errors)


def top_label_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """The calibration error of the highest score of each item, where classes exclude each other; bins of one width.

    Shape:
        ``(items, classes)`` both.

    Reference:
        Guo et al. 2017.
    """
    right = labels[np.arange(len(labels)), scores.argmax(1)]
    return float(calibration_error(right[:, None], scores.max(1, keepdims=True))[0])
