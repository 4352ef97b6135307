"""Several models on the same items: how much they differ, and which differences are within noise."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.agreement import agreement_figures
from pipeline.evaluation.class_tests import PairTests, class_tests
from pipeline.evaluation.differences import Difference, Sampled, compared, named
from pipeline.evaluation.equivalence import PairEquivalence, equivalences
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.metrics import FIGURES, RANKINGS
from pipeline.evaluation.resampling import columns
from pipeline.evaluation.scores import Scores

_ROWS = ("macro", "micro")


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
        tests: Class by class, the tests of the same two; none where the scores were not given.
        equivalences: Whether the same two are as good as each other; none where nobody asked.
        margin: How far two models may differ and be as good as each other; None where nobody asked.
    """

    models: dict[str, Evaluation]
    pairs: tuple[Pair, ...]
    tests: tuple[PairTests, ...] = ()
    equivalences: tuple[PairEquivalence, ...] = ()
    margin: float | None = None

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
            **({"class_tests": _tests_as_json(self.tests)} if self.tests else {}),
            **({"equivalence": self._equivalences_as_json()} if self.margin is not None else {}),
        }

    def _equivalences_as_json(self) -> dict[str, Any]:
        return {
            "margin": self.margin,
            "correction": "holm, macro over the pairs, classes over all classes of all pairs",
            "pairs": [
                {
                    "first": each.first,
                    "second": each.second,
                    "macro": each.macro.as_json() if each.macro else None,
                    "classes": {name: own.as_json() for name, own in each.classes.items()},
                }
                for each in self.equivalences
            ],
        }


def compare(
    models: dict[str, Evaluation], scores: Mapping[str, Scores] | None = None, margin: float | None = None
) -> Comparison:
    """The comparison of evaluations of aligned scores, whose intervals have one resampling or are all absent.

    Args:
        models: Name to evaluation.
        scores: What was evaluated, aligned, by the same names, for tests of each class; None for no such tests.
        margin: How far two models may differ in AUC and be as good as each other; None where that is not asked.

    Raises:
        EcgFusionError: The margin is none.
    """
    ranked = dict(sorted(models.items(), key=lambda model: -np.nan_to_num(macro_of(model[1]).figures["auroc"], nan=-1)))
    pairs = list(itertools.combinations(ranked, 2))
    tests = class_tests(pairs, ranked, scores) if scores else ()
    macro_and_micro = _sampled_rows(ranked)
    if not macro_and_micro:
        return Comparison(ranked, (), tests)
    of_rows = compared(pairs, macro_and_micro, _widest())
    names = [name for name in columns() if name in (*FIGURES, *RANKINGS)]
    kept = [columns().index(name) for name in names]
    rows = [{row: named(names, each[:, j, kept]) for j, row in enumerate(_ROWS)} for each in of_rows]
    for own, agreed in zip(rows, _agreements(pairs, ranked), strict=True):
        if agreed:
            own["agreement"] = agreed
    found = tuple(Pair(*pair, own) for pair, own in zip(pairs, rows, strict=True))
    if margin is None:
        return Comparison(ranked, found, tests)
    areas = {name: _macro_auroc(each) for name, each in macro_and_micro.items()}
    return Comparison(ranked, found, tests, equivalences(pairs, ranked, areas, margin), margin)


def _sampled_rows(models: Mapping[str, Evaluation]) -> dict[str, Sampled]:
    """The macro and the micro row of each model; none if nothing was resampled."""
    return {
        name: Sampled(_values(model), found.draws, found.left_out.rows if found.left_out else None)
        for name, model in models.items()
        if (found := model.intervals)
    }


def _macro_auroc(rows: Sampled) -> Sampled:
    column = columns().index("auroc")
    left_out = None if rows.left_out is None else rows.left_out[:, 0, column]
    return Sampled(rows.values[0, column], rows.draws[:, 0, column], left_out)


def _agreements(pairs: Sequence[tuple[str, str]], models: Mapping[str, Evaluation]) -> list[dict[str, Difference]]:
    """Of each pair, the differences of what follows from confusion matrices; none where there are no matrices."""
    figures = agreement_figures(tuple(next(iter(models.values())).classes))
    sampled = {
        name: Sampled(
            np.array([model.agreement[figure] for figure in figures]),
            found.agreement_draws,
            found.left_out.agreement if found.left_out else None,
        )
        for name, model in models.items()
        if (found := model.intervals) and found.agreement_draws is not None
    }
    if not sampled:
        return [{} for _ in pairs]
    widest = np.array([1 - figure.lowest for figure in figures.values()])
    return [named(list(figures), each) for each in compared(pairs, sampled, widest)]


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


def _as_json(pair: Pair) -> dict[str, Any]:
    rows = {row: {name: each.as_json() for name, each in differences.items()} for row, differences in pair.rows.items()}
    return {"first": pair.first, "second": pair.second} | rows


def _tests_as_json(tests: Sequence[PairTests]) -> dict[str, Any]:
    return {
        "correction": "holm, over all classes of all pairs, for each test",
        "pairs": [
            {
                "first": each.first,
                "second": each.second,
                "classes": {name: own.as_json() for name, own in each.classes.items()},
            }
            for each in tests
        ],
    }
