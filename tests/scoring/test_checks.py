"""Which stores a run takes: every earlier run the one that it was scored on, whatever it is made of."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.runs.card import read_card
from pipeline.scoring.checks import check_fit, refuse_training_items
from pipeline.store.reading import open_store


def test_every_earlier_run_takes_the_store_that_it_was_scored_on(earlier: Path):
    store = open_store(earlier / "stores" / "test.h5")
    for folder in sorted((earlier / "runs").iterdir()):
        check_fit(read_card(folder), store, folder)
        refuse_training_items(read_card(folder), folder, store)


def test_a_fusion_is_refused_for_the_branch_that_does_not_fit(earlier: Path):
    folder, store = earlier / "runs" / "weighted", open_store(earlier / "stores" / "test.h5")
    other = replace(store, attributes={**store.attributes, "gain": 2000.0})
    with pytest.raises(
        EcgFusionError, match=r"has gain 2000.0 and .*weighted/branches/\w+ is for 1000.0: make a store"
    ):
        check_fit(read_card(folder), other, folder)


@pytest.mark.parametrize("name", ["gru", "kfold", "weighted", "concat"])
def test_a_fold_that_any_part_was_trained_on_is_refused(earlier: Path, name: str):
    folder, store = earlier / "runs" / name, open_store(earlier / "stores" / "test.h5")
    folds = store.columns["fold"].copy()
    folds[0] = 1
    with pytest.raises(EcgFusionError, match=rf"holds fold 1, which .*{name} was trained on: choose a store of other"):
        refuse_training_items(read_card(folder), folder, replace(store, columns={**store.columns, "fold": folds}))
