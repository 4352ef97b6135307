"""What is timed against our epoch does the same work: it learns the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import training
from benchmarks.older_way import Tiffs
from benchmarks.training_setup import DRAWN_ALL, SIGNALS, STORED, STORED_ALL, Setup, set_up
from pipeline.inputs.batches import training_picks
from pipeline.store.reading import open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture
def setup(small_store_folder: Path) -> Setup:
    store = open_store(small_store_folder / "train.h5")
    return set_up(replace(SIGNALS, steps=(2, 2)), store, torch.device("cpu"), epochs=2, batch_size=8)


def test_the_bare_loop_learns_what_ours_does(setup):
    torch.set_num_threads(1)
    training._require_agreement(setup, setup.ready_batches())


def test_a_bare_loop_on_other_batches_ends_the_benchmark(setup):
    with pytest.raises(SystemExit, match="do not learn the same"):
        training._require_agreement(setup, setup.ready_batches()[::-1])


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (6, 5), (64, 8)])
def test_the_rival_reads_with_all_cores_but_one(monkeypatch, cores, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert training.stored_workers() == expected


def test_drawn_and_stored_pictures_are_the_same(small_store_folder):
    store = open_store(small_store_folder / "train.h5")
    cases = [replace(case, steps=(1, 1)) for case in (DRAWN_ALL, STORED_ALL)]
    made = [set_up(case, store, torch.device("cpu"), epochs=1, batch_size=8).ready_batches() for case in cases]
    (drawn, _), (stored, _) = (batches[0] for batches in made)
    assert drawn.shape == (8, 12, 32, 32)
    assert torch.equal(drawn, stored)


def test_the_older_way_sees_the_pictures_of_the_store(small_store_folder, tmp_path):
    store = open_store(small_store_folder / "train.h5")
    setup = set_up(replace(STORED, steps=(1, 1)), store, torch.device("cpu"), epochs=1, batch_size=40)
    tiffs = Tiffs(setup, tmp_path)
    assert len(tiffs) == 40 > len(list(tmp_path.iterdir()))
    [(x, _)] = setup.ready_batches()
    [pick] = training_picks(setup.items, 40, setup.settings.seed, 0)
    for place, item in enumerate(pick.rows[:5]):
        pictures, labels = tiffs[item]
        assert torch.equal(pictures, x[place])
        assert (labels.numpy() == setup.labels[item]).all()
