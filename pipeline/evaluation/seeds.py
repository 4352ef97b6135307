"""Several seeds of one recipe: the mean of a figure, its spread, and an interval over patients and seeds together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.agreement import agreement_figures
from pipeline.evaluation.comparison import macro_of
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.intervals import LEVEL, Intervals, Key
from pipeline.evaluation.metrics import FIGURES, RANKINGS
from pipeline.evaluation.proportions import Span
from pipeline.evaluation.resampling import columns
from pipeline.evaluation.scores import Scores

FEW_SEEDS = 10
"""Of fewer, the interval is a rough one: their spread is itself hardly known."""


@dataclass(frozen=True)
class Spread:
    """One figure of several seeds.

    Attributes:
        mean: Over the seeds.
        sd: Their standard deviation, with n − 1.
        lowest: Of the seeds.
        highest: Of the seeds.
        span: The 95 % interval of the mean, for other patients and other seeds; None where nothing was resampled.
    """

    mean: float
    sd: float
    lowest: float
    highest: float
    span: Span | None

    def as_json(self) -> dict[str, Any]:
        """All of it, unrounded; None for NaN."""
        ends = {"mean": self.mean, "sd": self.sd, "min": self.lowest, "max": self.highest}
        plain = {name: None if math.isnan(value) else value for name, value in ends.items()}
        return plain | {"interval": list(self.span) if self.span else None}


@dataclass(frozen=True)
class SeedGroup:
    """Several seeds.

    Attributes:
        models: Name to evaluation.
        rows: ``macro``, ``micro``, ``class`` or ``agreement``, and the class's name, to figure to spread.
    """

    models: dict[str, Evaluation]
    rows: dict[Key, dict[str, Spread]]

    @property
    def first(self) -> Evaluation:
        """One of them, which tells what all share."""
        return next(iter(self.models.values()))

    def as_json(self) -> dict[str, Any]:
        """All of it as plain dicts, unrounded."""
        rows = {key: {name: each.as_json() for name, each in own.items()} for key, own in self.rows.items()}
        return {
            "n_seeds": len(self.models),
            "level": LEVEL,
            "method": "percentiles of resamples of patients and, within each, of seeds",
            **{kind: own for (kind, _), own in rows.items() if kind != "class"},
            "classes": {name: own for (kind, name), own in rows.items() if kind == "class"},
            "models": {name: model.as_json() for name, model in self.models.items()},
        }


def group_seeds(models: Mapping[str, Evaluation], scores: Mapping[str, Scores]) -> SeedGroup:
    """What several seeds of one recipe have in common, and how far they are apart.

    Args:
        models: Name to evaluation of aligned scores, whose intervals have one resampling or are all absent.
        scores: What was evaluated, by the same names.

    Raises:
        EcgFusionError: There is only one, or two have the same scores.
    """
    _check(scores)
    kept = [model.intervals for model in models.values() if model.intervals]
    return SeedGroup(dict(models), {key: _spreads(key, models, kept) for key in _keys(models)})


def _check(scores: Mapping[str, Scores]) -> None:
    if len(scores) < 2:
        raise EcgFusionError("-group takes several seeds of one recipe: name two or more with -run or -scores")
    seen: dict[bytes, str] = {}
    for name, each in scores.items():
        earlier = seen.setdefault(sha256(each.scores.tobytes()).digest(), name)
        if earlier != name:
            raise EcgFusionError(f"{earlier} and {name} have the same scores, so are not two seeds: name each once")


def _keys(models: Mapping[str, Evaluation]) -> list[Key]:
    first = next(iter(models.values()))
    agreement = [("agreement", "")] if first.agreement else []
    return [("macro", ""), ("micro", ""), *agreement, *(("class", name) for name in first.classes)]


def _spreads(key: Key, models: Mapping[str, Evaluation], kept: list[Intervals]) -> dict[str, Spread]:
    """The spread of every figure of a row."""
    names, all_draws = _draws(key, models, kept)
    of_seeds = [_figures(key, model) for model in models.values()]
    sampled = None if all_draws is None else hierarchical(all_draws, kept[0].resampling.seed)
    found = {}
    for i, name in enumerate(names):
        values = np.array([figures.get(name, math.nan) for figures in of_seeds])
        span = None
        if sampled is not None and not np.isnan(sampled[:, i]).any():
            low, high = np.quantile(sampled[:, i], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            span = (float(low), float(high))
        sd = float(values.std(ddof=1))
        found[name] = Spread(float(values.mean()), sd, float(values.min()), float(values.max()), span)
    return found


def _figures(key: Key, model: Evaluation) -> Mapping[str, float]:
    rows = {"macro": macro_of(model).figures, "micro": model.micro.figures, "agreement": model.agreement}
    return model.classes[key[1]].figures if key[0] == "class" else rows[key[0]]


def _draws(key: Key, models: Mapping[str, Evaluation], kept: list[Intervals]) -> tuple[list[str], np.ndarray | None]:
    """The figures of a row, and their resamples, ``(seeds, resamples, figures)``."""
    kind, label = key
    first = next(iter(models.values()))
    if kind == "agreement":
        found = [each.agreement_draws for each in kept if each.agreement_draws is not None]
        return [*agreement_figures(tuple(first.classes))], np.stack(found) if found else None
    names = [name for name in columns() if name in FIGURES | RANKINGS]
    places = [columns().index(name) for name in names]
    if not kept:
        return names, None
    if kind == "class":
        i = list(first.classes).index(label)
        return names, np.stack([each.class_draws[:, i, places] for each in kept if each.class_draws is not None])
    return names, np.stack([each.draws[:, ("macro", "micro").index(kind), places] for each in kept])


def hierarchical(draws: np.ndarray, seed: int) -> np.ndarray:
    """The mean over seeds in every resample of patients, the seeds drawn with replacement in each.

    Draws of n seeds show (n − 1) / n of the variance of their mean, so what they add to it is made whole.

    Args:
        draws: Figures of each seed on the same resamples of patients.
        seed: Of the draws of seeds.

    Shape:
        ``(seeds, resamples, ...)`` to ``(resamples, ...)``.

    Reference:
        Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (two levels of resampling).
    """
    n, n_resamples = draws.shape[:2]
    chosen = np.random.default_rng(seed).integers(n, size=(n_resamples, n))
    of_all = draws.mean(0)
    of_chosen = draws[chosen, np.arange(n_resamples)[:, None]].mean(1)
    means: np.ndarray = of_all + (of_chosen - of_all) * math.sqrt(n / (n - 1))
    return means
