"""Thresholds, chosen on all dev scores at once and never on what is judged."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.confusion import taken
from pipeline.evaluation.metrics import Counts, f1
from pipeline.evaluation.scores import Scores

DEFAULT_CRITERION = "gmean"
FALLBACK = 0.5


def _gmean(counts: Counts) -> np.ndarray:
    values: np.ndarray = counts.tp * counts.tn
    return values


def _youden(counts: Counts) -> np.ndarray:
    values: np.ndarray = counts.tp * counts.negatives - counts.fp * counts.positives
    return values


Criterion = Callable[[Counts], np.ndarray]
"""Gives each cut of one class a value; the highest is best."""

CRITERIA: dict[str, Criterion] = {"gmean": _gmean, "f1": f1, "youden": _youden}
"""What a threshold maximises, each free of rounding, so that equal optima compare equal.

Over the cuts of one class the numbers of positives P and negatives N are fixed, so sqrt(sensitivity ×
specificity) orders them as TP × TN does, and Youden's sensitivity + specificity − 1 as TP × N − FP × P: whole
numbers. F1 is one division, and equal fractions have equal quotients.

Reference:
    Youden, Index for rating diagnostic tests, Cancer 1950.
"""


def _fbeta(beta: Fraction) -> Criterion:
    """(1 + β²) TP / (β² P + TP + FP), but for the constant: β above 1 is for finding more, below 1 for erring less."""
    square = float(beta) ** 2
    return lambda counts: counts.tp / (square * counts.positives + counts.tp + counts.fp)


def _wanted_sensitivity(wanted: Fraction) -> Criterion:
    """The fewest false positives among the cuts that find at least the wanted share of the positives."""

    def criterion(counts: Counts) -> np.ndarray:
        enough = math.ceil(wanted * int(counts.positives[0]))  # exact, where 0.55 × 20 in floats is above 11
        return np.where(counts.tp >= enough, counts.tn, -1)

    return criterion


_WITH_NUMBER: dict[str, tuple[Callable[[Fraction], Criterion], Fraction, str]] = {
    "fbeta": (_fbeta, Fraction(1000), "fbeta:2"),
    "sensitivity": (_wanted_sensitivity, Fraction(1), "sensitivity:0.9"),
}
"""Criteria that take a number above 0: how they are made, the highest number, and an example."""

EXAMPLES = (*CRITERIA, *(example for _, _, example in _WITH_NUMBER.values()))
"""What can be typed as a criterion."""


def help_of_choice(default: str) -> str:
    """What an option of a command says that takes a threshold's choice.

    Args:
        default: what holds where nothing is chosen.
    """
    return f"{', '.join(EXAMPLES)}: best on dev; or a number from 0 to 1 (default: {default})"


@dataclass(frozen=True)
class Thresholds:
    """One threshold a class, and where they come from.

    Attributes:
        values: Class name to threshold; positive is a score of at least it.
        choice: The criterion, the number that was given, or None: 0.5 for want of dev scores.
        n_dev: The number of dev items that they were chosen on, 0 if they were not chosen.
        not_chosen: Classes at 0.5, because dev has no positive or no negative of them.
    """

    values: Mapping[str, float]
    choice: str | float | None
    n_dev: int = 0
    not_chosen: tuple[str, ...] = ()


def threshold_choice(given: str | float) -> str | float:
    """A criterion as it is, anything else as the number that it must be.

    Raises:
        EcgFusionError: If it is neither a criterion nor a number from 0 to 1.
    """
    if isinstance(given, str) and (given in CRITERIA or given.partition(":")[0] in _WITH_NUMBER):
        _criterion(given)
        return given
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise EcgFusionError(f"{given} is no threshold: take {', '.join(EXAMPLES)} or a number from 0 to 1")
    return number


def _criterion(choice: str) -> Criterion:
    if choice in CRITERIA:
        return CRITERIA[choice]
    name, _, text = choice.partition(":")
    make, highest, example = _WITH_NUMBER[name]
    try:
        is_fine = 0 < float(text) <= highest
    except ValueError:
        is_fine = False
    if not is_fine:
        raise EcgFusionError(f"{choice} is no threshold: {name} takes a number above 0, up to {highest}: {example}")
    return make(Fraction(text))  # as it is typed, not as a float rounds it


def get_thresholds(classes: Sequence[str], dev: Scores | None, choice: str | float | None = None) -> Thresholds:
    """The thresholds of all classes: the number that is given, chosen on dev, or 0.5 for want of dev scores.

    Args:
        classes: Class names, those of ``dev``.
        dev: Scores of the dev items, all of them.
        choice: A criterion as in ``EXAMPLES``, a number from 0 to 1, or None for the default criterion.

    Raises:
        EcgFusionError: A criterion was asked for, and there is nothing to choose on.
    """
    if dev is None and choice is not None and not isinstance(threshold_choice(choice), float):
        raise EcgFusionError(
            f"-threshold {choice} chooses on dev scores, and there are none: give them with -dev_scores, or a number"
        )
    choice = threshold_choice(DEFAULT_CRITERION if choice is None else choice)
    if isinstance(choice, float):
        return Thresholds(dict.fromkeys(classes, choice), choice)
    if dev is None:
        return Thresholds(dict.fromkeys(classes, FALLBACK), None)
    positives = dev.labels.sum(0, dtype=np.int64)
    choosable = (positives > 0) & (positives < len(dev.labels))
    values = {
        name: choose_threshold(dev.labels[:, i], dev.scores[:, i], choice) if choosable[i] else FALLBACK
        for i, name in enumerate(classes)
    }
    not_chosen = tuple(name for name, can in zip(classes, choosable, strict=True) if not can)
    return Thresholds(values, choice, len(dev.labels), not_chosen)


def choose_threshold(labels: np.ndarray, scores: np.ndarray, criterion: str) -> float:
    """The score that is the best threshold for its own class; among equally good ones the highest.

    Args:
        labels: 1 where the item bears the class; at least one 1 and one 0.
        scores: Any real numbers; each distinct one is tried.
        criterion: As in ``EXAMPLES``.

    Shape:
        ``(items,)`` both.
    """
    order = np.argsort(-scores, kind="stable")
    falling, true = scores[order], labels[order].astype(np.int64)
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))  # the last item of each distinct score
    tp = np.cumsum(true)[last]
    fp = last + 1 - tp
    counts = Counts(tp, true.sum() - tp, fp, (1 - true).sum() - fp)
    return float(falling[last][_criterion(criterion)(counts).argmax()])


def decisions(scores: Scores, thresholds: Thresholds | None) -> np.ndarray:
    """True where a class is found: where its score reaches its threshold, or without thresholds, where it is highest.

    Of several highest scores the first class is found. With thresholds each class is judged against the rest, so that
    of classes that exclude each other an item may have several found, or none.

    Shape:
        ``(items, classes)``.
    """
    if thresholds is None:
        values: np.ndarray = taken(scores.scores)[:, None] == np.arange(len(scores.classes))
        return values
    return predict(scores.scores, [thresholds.values[name] for name in scores.classes])


def predict(scores: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """True where a score reaches its class's threshold.

    They are compared in the scores' own precision, so that a float32 score of 0.7 reaches a threshold of 0.7.

    Shape:
        ``(items, classes)`` and ``(classes,)``.

    Raises:
        ValueError: If there is not one number a class.
    """
    values = np.asarray(thresholds)
    if values.dtype.kind not in "fiu" or values.shape != scores.shape[1:]:
        raise ValueError(f"{scores.shape[1]} numbers are needed as thresholds, not {thresholds!r}")
    return scores >= values.astype(scores.dtype)
