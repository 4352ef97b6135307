"""What Optuna is told: distributions, samplers whose chance is of seed and position, and what gives up."""

import optuna
import pytest

from pipeline.errors import EcgFusionError
from pipeline.training.search_engine import Plan, decoded, distributions, grid_of, pruner_of, sampler_at
from pipeline.training.search_space import Choices, Range, Space

SPACE: Space = {
    "learning_rate": Range(1e-4, 1e-1, log=True),
    "dropout": Range(0.0, 0.4, step=0.1),
    "batch_size": Range(8, 32, step=8, whole=True),
    "augment": Choices((["noise"], ["noise", "scaling"], [])),
    "optimizer": Choices(("adam", "sgd")),
}


def proposed(sampler: str, seed: int, n: int = 14, skipped: int = 0) -> list[dict[str, object]]:
    """What is proposed to trials whose value is their dropout."""
    plan = Plan({}, {}, {}, sampler=sampler, sampler_seed=seed)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler())
    found = []
    for position in range(n):
        study.sampler = sampler_at(plan, SPACE, position + skipped)
        trial = study.ask(distributions(SPACE))
        study.tell(trial, trial.params["dropout"])
        found.append(trial.params)
    return found


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_one_seed_proposes_the_same_and_others_others(sampler: str):
    assert proposed(sampler, 0) == proposed(sampler, 0)
    assert proposed(sampler, 0) != proposed(sampler, 1)
    first = proposed(sampler, 0)
    assert len({tuple(map(str, each.values())) for each in first}) == len(first)
    assert proposed("random", 0, 3, skipped=2) == proposed("random", 0, 5)[2:], "its chance is not of the position"


def test_tpe_learns_what_is_better():
    late = [each["dropout"] for each in proposed("tpe", 0, 40)[20:]]
    assert sum(map(float, late)) / len(late) > 0.3  # type: ignore[arg-type]


def test_lists_come_back_as_they_were():
    for params in proposed("random", 0):
        assert decoded(SPACE["augment"], params["augment"]) in SPACE["augment"].tried
        assert decoded(SPACE["optimizer"], params["optimizer"]) == params["optimizer"]
        assert params["batch_size"] in (8, 16, 24, 32)


def test_a_grid_has_an_end():
    grid = grid_of({name: SPACE[name] for name in ("dropout", "batch_size", "optimizer")})
    assert grid == {
        "dropout": (0.0, 0.1, 0.2, 0.3, 0.4),
        "batch_size": (8, 16, 24, 32),
        "optimizer": ["adam", "sgd"],
    }
    with pytest.raises(EcgFusionError, match=r"grid tries all values, and \[search\] learning_rate has no end of them"):
        grid_of(SPACE)


@pytest.mark.parametrize(("pruner", "epoch"), [("median", 3), ("halving", 3), ("none", None)])
def test_what_is_worse_is_given_up_behind_the_epochs_that_all_are_given(pruner: str, epoch: int | None):
    study = optuna.create_study(direction="maximize", pruner=pruner_of(Plan({}, {}, {}, pruner=pruner, prune_after=3)))
    gone = {}
    for number in range(6):
        trial = study.ask()
        for step in range(1, 6):
            trial.report(0.9 - 0.1 * (number == 5), step)
            if trial.should_prune():
                gone[number] = step
                break
        study.tell(trial, 0.9)
    assert gone.get(5) == epoch
