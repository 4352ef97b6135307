"""Runs are seeds of one recipe or are not, which their cards say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cards import small_card

from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import BranchCard
from pipeline.runs.seeds import check_seeds, recipe_of


def card(**training: Any) -> Card:
    return small_card(InputSpec("signal", ("I",), 100.0, 1000.0, 1000)).with_training(**training)


def written(folder: Path, *cards: Card) -> list[Path]:
    folders = [folder / f"run-{i}" for i in range(len(cards))]
    for place, each in zip(folders, cards, strict=True):
        place.mkdir()
        write_card(place, each)
    return folders


def test_runs_may_differ_in_seed_threads_and_place(tmp_path: Path):
    elsewhere = card(seed=2, threads=8, workers=2)
    elsewhere = replace(elsewhere, data=replace(elsewhere.data, folder="there"), given={"seed": 2})
    check_seeds(written(tmp_path, card(seed=0), card(seed=1), elsewhere))


def test_branches_are_compared_by_what_they_are_not_by_their_names(tmp_path: Path):
    def fused(name: str, seed: int, model: str = "gru") -> Card:
        branch = BranchCard(
            folder=name, model=model, options={}, seed=seed, dev_macro_auroc=0.9, sha256={"run.json": "0" * 64}
        )
        return replace(card(seed=seed), branches={name: branch})

    check_seeds(written(tmp_path, fused("gru-0", 0), fused("gru-1", 1)))
    place = tmp_path / "others"
    place.mkdir()
    with pytest.raises(EcgFusionError, match=r"run-1 has branches\.1\.model lstm, but .*run-0 gru: "):
        check_seeds(written(place, fused("a", 0), fused("b", 1, "lstm")))


def test_a_recipe_that_differs_is_named(tmp_path: Path):
    for i, (other, field) in enumerate(
        [
            (card(seed=1, epochs=9), "training.epochs 9"),
            (replace(card(seed=1), model="lstm"), "model lstm"),
            (replace(card(seed=1), options={"nb_filters": 8}), "options.nb_filters 8"),
            (replace(card(seed=1), data=replace(card().data, limit=5)), "data.limit 5"),
        ]
    ):
        place = tmp_path / str(i)
        place.mkdir()
        with pytest.raises(EcgFusionError, match=f"run-1 has {field}, but .*run-0 .*: group runs that differ in their"):
            check_seeds(written(place, card(seed=0), other))


def test_one_seed_twice_is_refused(tmp_path: Path):
    with pytest.raises(EcgFusionError, match=r"run-0 and .*run-1 both have the seed 3: train each with another -seed"):
        check_seeds(written(tmp_path, card(seed=3), card(seed=3)))


def test_nothing_that_came_of_it_is_in_the_recipe():
    names = recipe_of(card()).keys()
    assert not {"training.seed", "result", "thresholds", "sha256", "data.folder", "given", "versions"} & names
    assert {"model", "training.learning_rate", "input.leads", "data.train_items_digest"} <= names
