"""Several models on the same items: how much they differ, and which differences are within noise."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.agreement import agreement_figures
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import LEVEL, Span
from pipeline.evaluation.metrics import FIGURES, RANKINGS
from pipeline.evaluation.paired import holm, paired_interval, paired_p_value
from pipeline.evaluation.resampling import columns

_ROWS = ("macro", "micro")


@dataclass(frozen=True)
class Difference:
    """One figure of the first model minus that of the second, on the same resamples of patients.

    Attributes:
        value: The difference itself, from -1 to 1.
        span: Its interval; it leaves out 0 exactly where ``p`` is at most 0.05.
        p: p-value of no difference.
        p_holm: The same, corrected for all pairs of the comparison.
        span_holm: The interval, widened as p is raised; it leaves out 0 exactly where ``p_holm`` is at most 0.05.
    """

    value: float
    span: Span
    p: float
    p_holm: float
    span_holm: Span

    @property
    def is_within_noise(self) -> bool:
        """Whether other patients might well have turned it round."""
        return self.span_holm[0] <= 0 <= self.span_holm[1]


@dataclass(frozen=True)
class Pair:
    """Two models and their differences: ``macro``, ``micro`` or ``agreement`` (of confusion matrices) to figures."""

    first: str
    second: str
    rows: dict[str, dict[str, Difference]]


@dataclass(frozen=True)
class Comparison:
    """Models and their differences.

    Attributes:
        models: Name to evaluation, by falling macro-AUC.
        pairs: Every two of them, the better one first; none if nothing was resampled.
    """

    models: dict[str, Evaluation]
    pairs: tuple[Pair, ...]

    def pair(self, first: str, second: str) -> Pair | None:
        """The pair of these two, in the order of the comparison; None if nothing was resampled."""
        return next((pair for pair in self.pairs if (pair.first, pair.second) == (first, second)), None)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain dicts, unrounded."""
        return {
            "models": {name: evaluation.as_json() for name, evaluation in self.models.items()},
            "differences": [_as_json(pair) for pair in self.pairs],
            "level": LEVEL,
            "correction": "holm, over the pairs, for each figure",
        }


def compare(models: dict[str, Evaluation]) -> Comparison:
    """The comparison of evaluations of aligned scores, whose intervals have one resampling or are all absent."""
    ranked = dict(sorted(models.items(), key=lambda model: -np.nan_to_num(macro_of(model[1]).figures["auroc"], nan=-1)))
    pairs = list(itertools.combinations(ranked, 2))
    draws = {name: model.intervals.draws for name, model in ranked.items() if model.intervals}
    if not draws:
        return Comparison(ranked, ())
    of_rows = _compared(pairs, {name: _values(model) for name, model in ranked.items()}, draws, _widest())
    names = [name for name in columns() if name in (*FIGURES, *RANKINGS)]
    kept = [columns().index(name) for name in names]
    rows = [{row: _named(names, each[:, j, kept]) for j, row in enumerate(_ROWS)} for each in of_rows]
    for own, agreed in zip(rows, _agreements(pairs, ranked), strict=True):
        if agreed:
            own["agreement"] = agreed
    return Comparison(ranked, tuple(Pair(*pair, own) for pair, own in zip(pairs, rows, strict=True)))


def _compared(
    pairs: Sequence[tuple[str, str]],
    values: Mapping[str, np.ndarray],
    draws: Mapping[str, np.ndarray],
    widest: np.ndarray,
) -> list[np.ndarray]:
    """What is known of the differences of each pair.

    Shape:
        ``values`` (...) of each model, ``draws`` (resamples, ...), ``widest`` as their last axis, to (value, both ends,
        both ends by Holm, p and p by Holm; ...) of each pair.
    """
    changes = [draws[first] - draws[second] for first, second in pairs]
    p = np.stack([paired_p_value(change) for change in changes]) if pairs else np.empty(0)
    corrected = holm(p)
    found = []
    for i, (first, second) in enumerate(pairs):
        spans = [paired_interval(changes[i], times, widest) for times in (1.0, corrected[i] / p[i])]
        found.append(np.stack([values[first] - values[second], *spans[0], *spans[1], p[i], corrected[i]]))
    return found


def _agreements(pairs: Sequence[tuple[str, str]], models: Mapping[str, Evaluation]) -> list[dict[str, Difference]]:
    """Of each pair, the differences of what follows from confusion matrices; none where there are no matrices."""
    draws = {
        name: model.intervals.agreement_draws
        for name, model in models.items()
        if model.intervals and model.intervals.agreement_draws is not None
    }
    if not draws:
        return [{} for _ in pairs]
    figures = agreement_figures(tuple(next(iter(models.values())).classes))
    values = {name: np.array([model.agreement[figure] for figure in figures]) for name, model in models.items()}
    widest = np.array([1 - figure.lowest for figure in figures.values()])
    return [_named(list(figures), each) for each in _compared(pairs, values, draws, widest)]


def macro_of(evaluation: Evaluation) -> Row:
    """The macro row that is compared: over the classes that have an interval, over all if there are no intervals."""
    values = evaluation.intervals.macro_values if evaluation.intervals else {}
    return Row(evaluation.macro.figures | values)


def _values(evaluation: Evaluation) -> np.ndarray:
    """The figures that are compared; ``(macro and micro, columns)``."""
    rows = (macro_of(evaluation), evaluation.micro)
    return np.array([[row.figures.get(name, np.nan) for name in columns()] for row in rows])


def _widest() -> np.ndarray:
    """The most that two figures can differ; ``(columns,)``."""
    figures = FIGURES | RANKINGS
    return np.array([1 - figures[name].lowest if name in figures else 1.0 for name in columns()])


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, Difference]:
    """Figure to difference, where it has one; ``values`` as of ``_compared``, of these figures."""
    named = zip(names, values.T.tolist(), strict=True)
    return {
        name: Difference(value, (low, high), p, p_holm, (lowest, highest))
        for name, (value, low, high, lowest, highest, p, p_holm) in named
        if not np.isnan([value, low]).any()
    }


def _as_json(pair: Pair) -> dict[str, Any]:
    rows = {
        row: {
            name: {
                "difference": each.value,
                "interval": list(each.span),
                "interval_holm": list(each.span_holm),
                "p": each.p,
                "p_holm": each.p_holm,
                "within_noise": each.is_within_noise,
            }
            for name, each in differences.items()
        }
        for row, differences in pair.rows.items()
    }
    return {"first": pair.first, "second": pair.second} | rows
