"""Every figure of calibrated scores: how far the probabilities were off before and after, class by class."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.calibration import Temperatures
from pipeline.evaluation.reliability import (
    N_BINS,
    Bins,
    bins_of,
    brier,
    calibration_error,
    equal_width,
    top_label_error,
)
from pipeline.evaluation.scores import Scores


@dataclass(frozen=True, eq=False)
class Probabilities:
    """How far the probabilities of one set of scores are what they say.

    Attributes:
        said: Class name to mean probability, which is the share that bears it where none is off as a whole.
        brier: Class name to Brier score.
        ece: Class name to calibration error, in bins of one width.
        adaptive_ece: The same, in bins of as many items each.
        top_label_ece: Of the highest score of each item; None where an item may bear several classes.
        bins: Class name to bins of one width.
    """

    said: Mapping[str, float]
    brier: Mapping[str, float]
    ece: Mapping[str, float]
    adaptive_ece: Mapping[str, float]
    top_label_ece: float | None
    bins: Mapping[str, Bins]

    def as_json(self) -> dict[str, Any]:
        """Plain dicts, without the bins."""
        names = ("said", "brier", "ece", "adaptive_ece")
        top = {} if self.top_label_ece is None else {"top_label_ece": self.top_label_ece}
        return {name: dict(getattr(self, name)) for name in names} | top


@dataclass(frozen=True, eq=False)
class Calibration:
    """Temperatures, and what they did to the scores that are judged.

    Attributes:
        temperatures: From dev.
        scores: With the temperatures.
        before: Of the scores as they were.
        after: Of those with the temperatures.
    """

    temperatures: Temperatures
    scores: Scores
    before: Probabilities
    after: Probabilities

    def as_json(self) -> dict[str, Any]:
        """All of it but the scores, unrounded."""
        found = self.temperatures
        return {
            "temperatures": dict(found.values),
            "fitted_on": "dev",
            "n_dev_items": found.n_dev,
            "without_positives_or_negatives": list(found.without),
            "not_fitted": list(found.unbounded),
            "n_bins": N_BINS,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
        }


def probabilities_of(scores: Scores) -> Probabilities:
    """How far they are what they say."""
    labels, values, patients = scores.labels, scores.scores, scores.patient_id

    def named(figures: np.ndarray) -> dict[str, float]:
        return dict(zip(scores.classes, figures.tolist(), strict=True))

    return Probabilities(
        said=named(values.mean(0, dtype=np.float64)),
        brier=named(brier(labels, values)),
        ece=named(calibration_error(labels, values)),
        adaptive_ece=named(calibration_error(labels, values, "adaptive_ece")),
        top_label_ece=top_label_error(labels, values) if scores.kind == "multiclass" else None,
        bins={
            name: bins_of(labels[:, i], values[:, i], equal_width(values), patients)
            for i, name in enumerate(scores.classes)
        },
    )
