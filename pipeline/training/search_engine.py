"""What is Optuna's in a search: what may be chosen as its distributions, what proposes, and what gives up."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.training.search_space import Choices, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("median", "halving", "none")
SPARED = 5
"""Trials that the median is of at least, before it prunes any."""


@dataclass(frozen=True)
class Plan:
    """What a study was begun with, and all that take part in it have.

    Attributes:
        options: those of the recipe, which every trial has.
        space: the table ``[search]``, as it was given.
        items: the digests of the items of train and dev.
        seeds: trainings of a trial, whose mean counts.
        sampler: of ``SAMPLERS``.
        sampler_seed: of what it proposes.
        pruner: of ``PRUNERS``.
        prune_after: epochs that every trial is given.
        data: folder of the stores; it may be another one elsewhere.
    """

    options: Mapping[str, Any]
    space: Mapping[str, Any]
    items: Mapping[str, str]
    seeds: int = 1
    sampler: str = SAMPLERS[0]
    sampler_seed: int = 0
    pruner: str = PRUNERS[0]
    prune_after: int = 2
    data: str | None = None


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """What may be chosen, as Optuna says it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for name, entry in space.items():
        if isinstance(entry, Choices):
            found[name] = CategoricalDistribution([_encoded(entry, value) for value in entry.all])
        elif entry.whole:
            found[name] = IntDistribution(int(entry.low), int(entry.high), log=entry.log, step=int(entry.step or 1))
        else:
            found[name] = FloatDistribution(entry.low, entry.high, log=entry.log, step=entry.step)
    return found


def _encoded(entry: Choices, value: Any) -> Any:
    """A choice as Optuna keeps it: words, numbers, true or false, or their JSON where some are lists."""
    plain = all(isinstance(each, str | int | float) for each in entry.all)
    return value if plain else json.dumps(value, sort_keys=True)


def decoded(entry: Any, value: Any) -> Any:
    """What Optuna keeps of a choice, as it was listed."""
    if not isinstance(entry, Choices):
        return value
    return next(
        each for each in entry.all if _encoded(entry, each) == value and type(_encoded(entry, each)) is type(value)
    )


def grid_of(space: Space) -> dict[str, Sequence[Any]]:
    """All values of each choice.

    Raises:
        EcgFusionError: one has no end of them.
    """
    found: dict[str, Sequence[Any]] = {}
    for name, entry in space.items():
        values = entry.values()
        if values is None:
            raise EcgFusionError(
                f"-sampler grid tries all values, and [search] {name} has no end of them: list them, "
                "give a step, or take another sampler"
            )
        found[name] = [_encoded(entry, value) for value in values] if isinstance(entry, Choices) else values
    return found


def sampler_at(plan: Plan, space: Space, position: int) -> "BaseSampler":
    """What proposes the trial behind so many: its chance is of seed and position, so that a kill changes none."""
    from optuna.samplers import GridSampler, RandomSampler, TPESampler

    if plan.sampler == "grid":
        return GridSampler(grid_of(space), seed=plan.sampler_seed)
    seed = int(np.random.SeedSequence([plan.sampler_seed, position]).generate_state(1)[0])
    if plan.sampler == "random":
        return RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its being an experiment, before Optuna 5
        return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def no_sampler() -> "BaseSampler":
    """For the time between proposals: does nothing when a trial ends, where a grid would stop a loop of Optuna's."""
    from optuna.samplers import RandomSampler

    return RandomSampler()


def pruner_of(plan: Plan) -> "BasePruner":
    """What gives trials up."""
    from optuna.pruners import MedianPruner, NopPruner, SuccessiveHalvingPruner

    if plan.pruner == "none":
        return NopPruner()
    if plan.pruner == "halving":
        return SuccessiveHalvingPruner(min_resource=plan.prune_after, reduction_factor=3)
    return MedianPruner(n_startup_trials=SPARED, n_warmup_steps=plan.prune_after)
