"""Trials are trainings: the same as train.py's, on train and dev alone, given up by epoch, gone on with if killed."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kills import Killed, kill_at_call
from made_stores import made_items, write_store

import train
from pipeline.commands.recipes import recipe_text
from pipeline.errors import EcgFusionError
from pipeline.listening import EpochEnded, Event, Remark
from pipeline.runs.card import LOG, WEIGHTS
from pipeline.runs.card_file import read_card
from pipeline.training import loop, search_trials
from pipeline.training.loop import DivergedError
from pipeline.training.options import TrainOptions
from pipeline.training.search_engine import Plan
from pipeline.training.search_space import read_space
from pipeline.training.search_study import SharedStudy, taking_part, what_came_of
from pipeline.training.search_trials import check_space, items_of, run_trials, trainings_of

pytestmark = pytest.mark.usefixtures("cpu_as_before")

GRU = {"model": "gru", "hidden_size": 3, "n_layers": 1, "batch_size": 16, "epochs": 3, "patience": 3}
TABLE = {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Train and dev, and no test, so that nothing can be read of it."""
    folder = tmp_path_factory.mktemp("stores")
    for partition, n_records in (("train", 30), ("dev", 15)):
        write_store(folder, partition, made_items(partition, n_records, seconds=(1.0,)))
    return str(folder)


class Search:
    """A study in a folder, and what takes part in it."""

    def __init__(self, folder: Path, data: str, table: Any = TABLE, options: Any = GRU, **how: Any) -> None:
        self.machine = {"data": data, "threads": 1}
        self.space = read_space(table, options, "r.toml")
        items = items_of(TrainOptions.of(**{**options, **self.machine}))
        self.plan, self.folder = Plan(options, table, items, **how), folder

    def run(self, most: int, minutes: float | None = None) -> SharedStudy:
        with taking_part(self.folder, self.plan, self.space) as shared:
            run_trials(shared, self.machine, most, minutes, lambda: None)
            return shared


@pytest.fixture(scope="module")
def whole(data: str, tmp_path_factory: pytest.TempPathFactory) -> SharedStudy:
    """Three trials of a search that nothing has stopped."""
    return Search(tmp_path_factory.mktemp("whole") / "study", data).run(3)


def test_a_trial_is_what_train_py_makes_of_its_recipe(whole: SharedStudy, data: str, tmp_path: Path):
    for trial in whole.trials:
        (options,) = trainings_of(whole, whole.chosen(trial))
        (tmp_path / "recipe.toml").write_text(recipe_text(options))
        where = tmp_path / str(trial.number)
        recipe = ["-config", str(tmp_path / "recipe.toml"), "-data", data, "-threads", "1"]
        train.main([*recipe, "-path_save_model", str(where)])
        assert (where / WEIGHTS).read_bytes() == (whole.runs_of(trial) / WEIGHTS).read_bytes()
        card = read_card(where)
        assert card.dev_macro_auroc == trial.value
        assert [*trial.intermediate_values] == [1, 2, 3]
        assert max(trial.intermediate_values.values()) == trial.value
    assert len({trial.value for trial in whole.trials}) > 1


@pytest.mark.parametrize("call", [2, 6])
def test_a_killed_trial_goes_on_and_comes_to_the_same_end(
    call: int, whole: SharedStudy, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    search = Search(tmp_path / "study", data)
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop.Steps, "epoch", call)
        with pytest.raises(Killed):
            search.run(2)
    heard = epochs_heard(monkeypatch)
    shared = search.run(2)
    same = whole.trials[:2]
    assert [(each.params, each.value) for each in shared.trials] == [(each.params, each.value) for each in same]
    assert [each.intermediate_values for each in shared.trials] == [each.intermediate_values for each in same]
    assert len(heard) == 6 - (call - 1), "an epoch that was over was run again"
    assert {read_card(shared.runs_of(each)).dev_macro_auroc for each in shared.trials} == {each.value for each in same}
    assert len([*(tmp_path / "study/trials").iterdir()]) == 2, "the second try has a run of its own"


def epochs_heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    heard: list[int] = []
    hear = search_trials._Watch.hear

    def counted(watch: Any, event: Event) -> None:
        if isinstance(event, EpochEnded):
            heard.append(event.epoch)
        hear(watch, event)

    monkeypatch.setattr(search_trials._Watch, "hear", counted)
    return heard


def test_an_epoch_that_was_not_reported_is_reported_before_the_next(
    whole: SharedStudy, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    search = Search(tmp_path / "study", data)
    with monkeypatch.context() as patch:
        kill_at_call(patch, search_trials._Watch, "_report", 2)
        with pytest.raises(Killed):
            search.run(1)
    assert len((tmp_path / "study/trials/0" / LOG).read_text().splitlines()) == 3
    (trial,) = search.run(1).trials
    assert trial.intermediate_values == whole.trials[0].intermediate_values


def test_what_is_worse_by_epoch_is_given_up(data: str, tmp_path: Path):
    search = Search(tmp_path / "study", data, {"learning_rate": [0.05, 1e-9]}, {**GRU, "epochs": 4, "patience": 4})
    search.plan = replace(search.plan, prune_after=2)
    with taking_part(search.folder, search.plan, search.space) as shared:
        for seed in range(5):  # as good as a high rate is
            shared.study.add_trial(_finished(shared, seed))
        shared.study.enqueue_trial({"learning_rate": 1e-9})
        run_trials(shared, search.machine, 6, None, lambda: None)
        trial = shared.trials[-1]
    assert (what_came_of(trial), [*trial.intermediate_values]) == ("given up", [1, 2])
    folder = shared.runs_of(trial)
    assert len((folder / LOG).read_text().splitlines()) == 3
    train.main(["-resume", "-path_save_model", str(folder)])  # it is a run like any other
    assert read_card(folder).complete


def _finished(shared: SharedStudy, number: int) -> Any:
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import create_trial

    values = dict.fromkeys(range(1, 5), 0.9 + number / 100)
    return create_trial(
        params={"learning_rate": 0.05},
        distributions={"learning_rate": CategoricalDistribution([0.05, 1e-9])},
        intermediate_values=values,
        value=0.95,
    )


def test_the_mean_over_seeds_counts(whole: SharedStudy, data: str, tmp_path: Path):
    (trial,) = (shared := Search(tmp_path / "study", data, seeds=2).run(1)).trials
    cards = [read_card(shared.runs_of(trial) / f"seed-{seed}") for seed in (0, 1)]
    assert [card.training.seed for card in cards] == [0, 1]
    assert trial.value == sum(card.dev_macro_auroc for card in cards) / 2
    assert cards[0].dev_macro_auroc == whole.trials[0].value
    assert trial.intermediate_values == whole.trials[0].intermediate_values, "those of the first seed"


def test_members_of_a_k_fold_run_are_one_trial(data: str, tmp_path: Path):
    (trial,) = (shared := Search(tmp_path / "study", data, options={**GRU, "kfold": 2}).run(1)).trials
    assert trial.value == read_card(shared.runs_of(trial)).dev_macro_auroc
    first = read_card(shared.runs_of(trial) / "members/1")
    assert max(trial.intermediate_values.values()) == first.dev_macro_auroc


def test_what_diverges_is_worse_than_all_that_ends(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def diverged(*_: object, **__: object) -> None:
        raise DivergedError("the loss is nan in epoch 1")

    search = Search(tmp_path / "study", data)
    monkeypatch.setattr(search_trials, "train_run", diverged)
    assert [what_came_of(each) for each in search.run(2).trials] == ["no result: the loss is nan in epoch 1"] * 2


@pytest.mark.parametrize("first", [1, 3], ids=["as the second", "as the first"])
def test_choices_that_do_not_go_together_are_refused(first: int, data: str, tmp_path: Path):
    """A warm-up that is as long as the training: the first trial ends the search, a later one itself alone."""
    search = Search(tmp_path / "study", data, {"warmup": [1, 3]}, {**GRU, "scheduler": "cosine"})
    with taking_part(search.folder, search.plan, search.space) as shared:
        for warmup in (first, 3):
            shared.study.enqueue_trial({"warmup": warmup})
        if first == 3:
            with pytest.raises(EcgFusionError, match="-warmup 3"):
                run_trials(shared, search.machine, 2, None, lambda: None)
            return
        run_trials(shared, search.machine, 2, None, lambda: None)
        trained, refused = shared.trials
    assert what_came_of(trained) == "complete"
    assert what_came_of(refused).startswith("refused: -warmup 3")


def test_other_stores_are_refused_before_a_trial_begins(data: str, tmp_path: Path):
    for partition in ("train", "dev"):
        write_store(tmp_path / "other", partition, made_items(partition, 12, seconds=(1.0,)))
    search = Search(tmp_path / "study", data)
    search.run(1)
    search.machine = {"data": str(tmp_path / "other"), "threads": 1}
    with pytest.raises(EcgFusionError, match="begun with other recordings in train or dev: name their stores"):
        search.run(2)
    search.machine = {"data": data, "threads": 1}
    assert len(search.run(2).trials) == 2


def test_when_the_minutes_are_over_no_trial_begins(data: str, tmp_path: Path, told: list[Event]):
    assert Search(tmp_path / "study", data).run(2, minutes=1e-9).trials == []
    assert told[-1] == Remark("1e-09 minutes are over: the same command goes on")


def test_the_recipes_of_the_page_are_searched_as_they_stand():
    page = (Path(__file__).parents[2] / "docs/search.md").read_text(encoding="utf-8")
    recipes = [tomllib.loads(text) for text in re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]
    assert len(recipes) == 2
    for recipe in recipes:
        table = recipe.pop("search")
        check_space(recipe, read_space(table, recipe, "docs/search.md"), "docs/search.md")


@pytest.mark.parametrize(
    ("options", "table", "said"),
    [
        ({"epochs": 2}, TABLE, 'r.toml names no network: write a line such as model = "resnet1d_wang"'),
        ({"model": "grv"}, TABLE, "grv"),
        ({"model": "gru"}, {"set": {"depth": [1, 2]}}, "r.toml, with set.depth 1: gru has no -depth"),
        ({"epochs": 2}, {"model": ["gru", "alexnett"]}, "r.toml, with model alexnett: "),
    ],
)
def test_what_no_network_takes_is_refused_before_anything_is_trained(options: Any, table: Any, said: str):
    with pytest.raises(EcgFusionError) as refused:
        check_space(options, read_space(table, options, "r.toml"), "r.toml")
    assert said in str(refused.value)
