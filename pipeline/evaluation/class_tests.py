"""Class by class, whether two models differ: the bootstrap and DeLong's test of AUROCs, McNemar's of decisions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.delong import AreaTest, delong_test
from pipeline.evaluation.differences import Difference, Sampled, compared, named
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.mcnemar import McNemar, mcnemar
from pipeline.evaluation.paired import holm
from pipeline.evaluation.resampling import columns
from pipeline.evaluation.scores import Scores
from pipeline.evaluation.thresholds import decisions


@dataclass(frozen=True)
class ClassTests:
    """One class of two models.

    Attributes:
        auroc: The difference of AUROCs by the bootstrap over patients; None where nothing was resampled, or a model
            has too few patients.
        delong: The same by DeLong, over items; None with fewer than two of either side.
        delong_p_holm: Its p-value, corrected for all classes of all pairs; NaN where it has none.
        mcnemar: Of the decisions at each model's thresholds, over items.
        mcnemar_p_holm: Its p-value, likewise.
    """

    auroc: Difference | None
    delong: AreaTest | None
    delong_p_holm: float
    mcnemar: McNemar
    mcnemar_p_holm: float

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded; None for what it has not."""
        return {
            "auroc": self.auroc.as_json() if self.auroc else None,
            "delong": None
            if self.delong is None
            else {
                "difference": self.delong.value,
                "standard_error": math.sqrt(self.delong.variance),
                "interval": [_plain(end) for end in self.delong.span],
                "p": _plain(self.delong.p),
                "p_holm": _plain(self.delong_p_holm),
            },
            "mcnemar": {
                "first_only_right": self.mcnemar.first_only,
                "second_only_right": self.mcnemar.second_only,
                "method": self.mcnemar.method,
                "p": self.mcnemar.p,
                "p_holm": self.mcnemar_p_holm,
            },
        }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True)
class PairTests:
    """Two models and, class by class, their tests."""

    first: str
    second: str
    classes: dict[str, ClassTests]


def class_tests(
    pairs: Sequence[tuple[str, str]], models: Mapping[str, Evaluation], scores: Mapping[str, Scores]
) -> tuple[PairTests, ...]:
    """The tests of every class of every pair, each kind corrected for all of them by Holm.

    Args:
        pairs: Names of two models each.
        models: Their evaluations.
        scores: What was evaluated, aligned; temperatures come from the evaluation.
    """
    judged = {name: each.calibration.scores if each.calibration else scores[name] for name, each in models.items()}
    found = {name: decisions(each, models[name].thresholds) for name, each in judged.items()}
    classes = tuple(next(iter(models.values())).classes)
    of_areas = class_differences(pairs, models)
    areas, answers = [], []
    for first, second in pairs:
        for i in range(len(classes)):
            labels = judged[first].labels[:, i]
            areas.append(delong_test(labels, judged[first].scores[:, i], judged[second].scores[:, i]))
            answers.append(mcnemar(labels, found[first][:, i], found[second][:, i]))
    p_areas = _holm([math.nan if each is None else each.p for each in areas])
    p_answers = _holm([each.p for each in answers])
    tests = []
    for j, (first, second) in enumerate(pairs):
        own = {
            name: ClassTests(of_areas.get((first, second, name)), areas[k], p_areas[k], answers[k], p_answers[k])
            for k, name in enumerate(classes, j * len(classes))
        }
        tests.append(PairTests(first, second, own))
    return tuple(tests)


def class_samples(models: Mapping[str, Evaluation]) -> dict[tuple[str, str], Sampled]:
    """Model and class to the class's AUROC and its resamples, where the class has any."""
    found, column = {}, columns().index("auroc")
    for name, model in models.items():
        kept = model.intervals
        if kept is None or kept.class_draws is None:
            continue
        for i, (label, row) in enumerate(model.classes.items()):
            left_out = None if kept.left_out is None else kept.left_out.classes[:, i, column]
            each = Sampled(np.asarray(row.figures["auroc"]), kept.class_draws[:, i, column], left_out)
            if not np.isnan(each.draws).any():
                found[name, label] = each
    return found


def class_pairs(
    pairs: Sequence[tuple[str, str]], samples: Mapping[tuple[str, str], Sampled]
) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Every class of every pair, of which both models have resamples, as two keys of ``class_samples``."""
    classes = list(dict.fromkeys(label for _, label in samples))
    return [
        ((first, label), (second, label))
        for first, second in pairs
        for label in classes
        if (first, label) in samples and (second, label) in samples
    ]


def class_differences(
    pairs: Sequence[tuple[str, str]], models: Mapping[str, Evaluation]
) -> dict[tuple[str, str, str], Difference]:
    """First model, second model and class to the difference of AUROCs; Holm's correction is for all of them."""
    samples = class_samples(models)
    both = class_pairs(pairs, samples)
    found: dict[tuple[str, str, str], Difference] = {}
    for ((first, label), (second, _)), each in zip(both, compared(both, samples, 1.0), strict=True):
        if difference := named(["auroc"], each[:, None]).get("auroc"):
            found[first, second, label] = difference
    return found


def _holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values; what has none stays NaN and counts for nothing."""
    p = np.array(p_values, float)
    there = ~np.isnan(p)
    if there.any():
        p[there] = holm(p[there])
    corrected: list[float] = p.tolist()
    return corrected
