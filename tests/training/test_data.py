"""A sample of dev for quick trials: seeded, with the classes' shares, said in the card and in the log."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batches_of_stores import signal_spec
from cards import card_json, small_card

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.labels import Labels
from pipeline.listening import Remark, Warned
from pipeline.store.reading import Store, open_store
from pipeline.training.data import announce_limit, announce_sample, rows_of, sampled_dev, training_rows

QUICK = "-model gru -leads I -hidden_size 4 -n_layers 1 -epochs 2 -crop 2.5 -threads 1"


@pytest.fixture
def dev(small_store_folder: Path) -> Store:
    """A dev store with many labels: 1,000 of 1,100 items are labelled, 30 % bear a, 5 % b."""
    random = np.random.default_rng(0)
    values = (random.random((1100, 2)) < (0.3, 0.05)).astype(np.uint8)
    labelled = np.arange(1100) >= 100
    store = open_store(small_store_folder / "dev.h5")
    return replace(store, labels={"t": Labels(("a", "b"), "multilabel", values, labelled)})


def rows(store: Store) -> list[int]:
    return np.flatnonzero(store.task("t").labelled).tolist()


@pytest.mark.parametrize("limit", [1, 7, 100, 999])
def test_a_sample_has_so_many_labelled_items_and_the_classes_shares(dev: Store, limit: int):
    sample = sampled_dev("t", dev, limit, 0)
    chosen = rows(sample)
    assert len(chosen) == limit
    assert set(chosen) <= set(rows(dev))
    values = dev.task("t").values
    for column in range(2):
        share = values[100:, column].mean()
        assert abs(values[chosen, column].sum() - share * limit) <= max(2.0, 0.1 * share * limit)


def test_the_same_seed_takes_the_same_items_and_all_are_the_store_itself(dev: Store):
    assert (
        rows(sampled_dev("t", dev, 50, 3)) == rows(sampled_dev("t", dev, 50, 3)) != rows(sampled_dev("t", dev, 50, 4))
    )
    for limit in (None, 1000, 5000):
        assert sampled_dev("t", dev, limit, 0) is dev


def test_a_class_that_the_sample_lacks_is_named(dev: Store, told):
    announce_sample("t", dev, dev, 0)
    assert told == []
    values = dev.task("t").values.copy()
    values[:, 1] = 0
    values[500, 1] = 1
    rare = replace(dev, labels={"t": replace(dev.task("t"), values=values)})
    announce_sample("t", rare, sampled_dev("t", rare, 20, 0), 0)
    said = [event.sentence for event in told if isinstance(event, Remark)]
    assert said[0].startswith(
        "-dev_limit: epoch and thresholds are chosen on a sample of 20 of 1,000 dev items (seed 0)"
    )
    (warned,) = [event.sentence for event in told if isinstance(event, Warned)]
    assert warned.startswith("the sample of dev has no item of b, whose thresholds are 0.5")


@pytest.mark.usefixtures("cpu_as_before")
def test_a_quick_trial_says_so_goes_on_and_is_no_branch(workplace: Path, capsys):
    n_dev = int(open_store(Path("data/ptbxl-images/dev.h5")).task("disease").labelled.sum())
    train.main(f"{QUICK} -dev_limit 3 -path_save_model runs/quick".split())
    said = capsys.readouterr().out
    assert f"a sample of 3 of {n_dev} dev items" in said
    card = card_json(Path("runs/quick"))
    assert (card["data"]["dev_limit"], card["data"]["n_dev_items"]) == (3, 3)
    assert len(load_scores(Path("runs/quick/dev_scores.npz")).item_id) == 3
    train.main(f"{QUICK} -path_save_model runs/whole".split())
    assert "dev_limit" not in card_json(Path("runs/whole"))["data"]
    fuse = "-model late -combine mean -branches runs/whole runs/quick -path_save_model runs/fused"
    with pytest.raises(EcgFusionError, match=r"runs/quick was a quick trial, on a sample of 3 dev items"):
        train.main(fuse.split())
    with pytest.raises(EcgFusionError, match=r"-dev_limit does nothing in late fusion by mean: leave it out"):
        train.main(f"{fuse} -dev_limit 3".split())


@pytest.mark.usefixtures("cpu_as_before")
def test_a_stopped_quick_trial_goes_on_with_its_sample(workplace: Path, monkeypatch):
    from kills import Killed, kill_at_call

    import pipeline.training.loop as loop

    train.main(f"{QUICK} -dev_limit 3 -path_save_model runs/whole".split())
    with monkeypatch.context() as patch:
        kill_at_call(patch, loop, "write_log", 2)
        with pytest.raises(Killed):
            train.main(f"{QUICK} -dev_limit 3 -path_save_model runs/killed".split())
    train.main(["-resume", "-path_save_model", "runs/killed"])
    one, other = (load_scores(Path(f"runs/{name}/dev_scores.npz")) for name in ("whole", "killed"))
    assert np.array_equal(one.scores, other.scores)
    assert one.item_id.tolist() == other.item_id.tolist()


@pytest.mark.usefixtures("cpu_as_before")
def test_the_members_of_a_kfold_run_have_the_same_sample(workplace: Path):
    train.main(f"{QUICK} -epochs 1 -kfold 2 -dev_limit 4 -path_save_model runs/members".split())
    own = [load_scores(path).item_id.tolist() for path in sorted(Path("runs/members").rglob("dev_scores.npz"))]
    assert len(own) == 3
    assert own[0] == own[1] == own[2]
    assert len(own[0]) == 4


def test_training_items_are_sampled_alike(dev: Store):
    """Cards of before took the first ones, and still do."""
    labelled = np.flatnonzero(dev.task("t").labelled)
    assert training_rows("t", dev, 50, 3).tolist() == rows(sampled_dev("t", dev, 50, 3))
    assert training_rows("t", dev, 50, None).tolist() == labelled[:50].tolist()
    for limit in (None, 1000, 5000):
        assert training_rows("t", dev, limit, 3).tolist() == labelled.tolist()


@pytest.mark.parametrize("sampled", [True, None])
def test_which_items_are_trained_on_is_said(dev: Store, told, sampled):
    card = small_card(signal_spec(dev), task="t")
    card = replace(card, data=replace(card.data, limit=20, sampled=sampled))
    assert len(rows_of(card, dev)) == 20
    values = dev.task("t").values.copy()
    values[:, 1] = 0
    values[-1, 1] = 1
    announce_limit(card, replace(dev, labels={"t": replace(dev.task("t"), values=values)}))
    chosen, warned = told
    assert chosen.of == ("of train, a sample of 20 (-limit):" if sampled else "of train, the first 20:")
    assert warned.sentence == ("the sample of train has no item of b, which cannot be learnt: take a higher -limit")
    told.clear()
    announce_limit(replace(card, data=replace(card.data, limit=None)), dev)
    assert told == []
