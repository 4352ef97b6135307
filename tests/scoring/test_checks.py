"""Which stores a run takes: every earlier run the one that it was scored on, whatever it is made of."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.runs.card import DEV_SCORES
from pipeline.runs.card_file import read_card
from pipeline.scoring.checks import check_fit, refuse_dev_items, refuse_training_items
from pipeline.store.reading import digest_of_items, open_store


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


@pytest.fixture
def without_dev_scores(earlier: Path, tmp_path: Path) -> Path:
    run = shutil.copytree(earlier / "runs" / "gru", tmp_path / "gru")
    (run / DEV_SCORES).unlink()
    return run


def test_without_dev_scores_the_folds_tell_what_thresholds_were_chosen_on(earlier: Path, without_dev_scores: Path):
    store, card = open_store(earlier / "stores" / "test.h5"), read_card(without_dev_scores)
    refuse_dev_items(card, without_dev_scores, store)
    folds = store.columns["fold"].copy()
    folds[-1] = card.data.folds["dev"][0]
    other = replace(store, columns={**store.columns, "fold": folds})
    with pytest.raises(EcgFusionError, match=r"holds fold 7, which the thresholds of .*gru were chosen on: name"):
        refuse_dev_items(card, without_dev_scores, other)
    elsewhere = replace(other, attributes={**other.attributes, "source": "another"})
    refuse_dev_items(card, without_dev_scores, elsewhere)


def test_without_dev_scores_and_folds_the_digest_tells(earlier: Path, without_dev_scores: Path):
    store, card = open_store(earlier / "stores" / "test.h5"), read_card(without_dev_scores)
    folds = np.zeros_like(store.columns["fold"])
    items = store.columns["item_id"][store.task(card.task).labelled]
    unfolded = replace(store, columns={**store.columns, "fold": folds})
    refuse_dev_items(card, without_dev_scores, unfolded)
    known = replace(card, data=replace(card.data, dev_items_digest=digest_of_items(items)))
    with pytest.raises(EcgFusionError, match=r"holds the very items that the thresholds of .*gru were chosen on"):
        refuse_dev_items(known, without_dev_scores, unfolded)


def test_with_dev_scores_the_items_tell_whatever_their_folds(earlier: Path):
    run, store = earlier / "runs" / "gru", open_store(earlier / "stores" / "test.h5")
    items = store.columns["item_id"].copy()
    items[2] = load_scores(run / DEV_SCORES).item_id[0]
    with pytest.raises(EcgFusionError, match=r"holds 1 items, '.*' first, that the thresholds of .*gru were chosen on"):
        refuse_dev_items(read_card(run), run, replace(store, columns={**store.columns, "item_id": items}))
