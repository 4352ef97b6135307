"""Two processes train what one trains: the same figures but for rounding, one writer, one voice, ends that are told."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cards import card_json, small_card
from signal_stores import make_signal_stores
from two_processes import run_both, words_of

import train
from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores
from pipeline.inputs.batches import Pick
from pipeline.inputs.spec import InputSpec
from pipeline.machine.group import Group
from pipeline.runs.card import CARD, DEV_SCORES, LOG, RESUME
from pipeline.runs.load import read_weights
from pipeline.signals.augmentations import AUGMENTATIONS, PartOfDraws
from pipeline.training import run, sharing
from pipeline.training.losses import LOSSES, make_loss
from pipeline.training.mixup import drawn_mix
from pipeline.training.sharing import Part, part_of

pytestmark = pytest.mark.usefixtures("cpu_as_before")


class Member(Group):
    """One of several, which speaks with nobody."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_signal_stores(tmp_path_factory.mktemp("shared"), 60)


@pytest.fixture(scope="module")
def both(stores: Path) -> list[tuple[int, str, str, dict[str, Any]]]:
    """What two processes have said and found; their runs lie beside the stores."""
    return run_both(stores.parent, stores)


@pytest.fixture(scope="module")
def alone(stores: Path) -> Path:
    """The same trainings in one process."""
    folder = stores.parent / "alone"
    for name in ("network", "interrupted"):
        train.main(words_of(name, stores, folder))
    return folder


def log_of(folder: Path) -> list[list[float]]:
    with (folder / LOG).open(newline="") as file:
        return [[float(value) for name, value in row.items() if name != "seconds"] for row in csv.DictReader(file)]


def assert_alike(ours: Path, theirs: Path) -> None:
    np.testing.assert_allclose(log_of(ours), log_of(theirs), rtol=2e-4)
    scores = [load_scores(folder / DEV_SCORES) for folder in (ours, theirs)]
    assert scores[0].item_id.tolist() == scores[1].item_id.tolist()
    np.testing.assert_allclose(scores[0].scores, scores[1].scores, atol=2e-4)
    weights = [read_weights(folder) for folder in (ours, theirs)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=1e-4)
    cards = [card_json(folder) for folder in (ours, theirs)]
    for name in ("data", "training", "input", "options", "classes"):
        assert cards[0][name] == cards[1][name], name


def test_layers_see_all_items(both):
    for _, _, _, found in both:
        layers = found["layers"]
        assert {name: x for name, x in layers.items() if name in ("gathered", "led")} == {"gathered": 2, "led": 0}
        far = {name: x for name, x in layers.items() if name not in ("gathered", "led") and x > 1e-12}
        assert not far


def test_two_processes_train_what_one_does(both, alone, stores):
    """With batch normalisation, dropout, crops, changes, mixed pairs, class weights and batches that do not divide."""
    assert [found["network"] for *_, found in both] == [["", ""]] * 2
    assert_alike(stores.parent / "network", alone / "network")


def test_one_speaks_and_writes(both):
    (_, said, _, _), (_, silent, _, _) = both
    assert said.splitlines()[0].startswith("2 processes train together")
    assert silent == ""


def test_a_signal_at_one_ends_both_and_one_goes_on(both, alone, stores):
    kinds = [found["interrupted"][0] for *_, found in both]
    assert kinds == ["KeyboardInterrupt", "ToldElsewhereError"]
    stopped = stores.parent / "interrupted"
    assert len(log_of(stopped)) == 1
    assert (stopped / RESUME).exists()
    train.main(["-resume", "-path_save_model", str(stopped)])
    np.testing.assert_allclose(log_of(stopped), log_of(alone / "interrupted"), rtol=1e-3)


def test_what_differs_is_named_once(both, stores):
    (_, _, _, first), (_, _, _, second) = both
    assert first["unlike"][0] == "EcgFusionError"
    assert "process 1 of 2 would train otherwise than the first (training.seed)" in first["unlike"][1]
    assert second["unlike"][0] == "ToldElsewhereError"
    assert not (stores.parent / "unlike").exists()


def test_who_is_left_says_that_another_has_ended(both, stores):
    (status, _, _, found), (other, _, _, _) = both
    assert (status, other) == (0, 9)
    kind, sentence = found["lost"]
    assert kind == "LostError"
    assert "one of the 2 processes has ended" in sentence
    assert "-resume" in sentence
    assert (stores.parent / "lost" / CARD).exists()


@pytest.mark.parametrize(("n_items", "size"), [(7, 2), (8, 3), (3, 3)])
def test_parts_make_the_batch(n_items: int, size: int):
    rows, lengths = np.arange(n_items) * 3, np.arange(3 * n_items) + 50
    mix = drawn_mix(0.4, 0, 5, n_items)
    whole = Part(Pick(rows, np.zeros_like(rows)), mix, 1.0, 1.0, rows, mix, 0, n_items)
    numbers = torch.arange(3.0 * n_items)
    parts = [part_of(whole.pick, mix, lengths, Member(rank, size)) for rank in range(size)]
    own = [part.mix(numbers[torch.from_numpy(part.pick.rows)]) for part in parts if part.mix]
    torch.testing.assert_close(torch.cat(own), mix(numbers[torch.from_numpy(rows)]))
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert sum(part.of_whole for part in parts) == pytest.approx(1)
    assert {part.pick.longest for part in parts} == {int(lengths[rows].max())}


def test_a_batch_of_fewer_items_than_processes_is_computed_by_each():
    pick = Pick(np.array([4, 2]), np.array([0, 1]))
    for rank in range(3):
        part = part_of(pick, None, np.full(9, 30), Member(rank, 3))
        assert part.pick is pick
        assert (part.share, part.of_whole, part.places) == (1 / 3, 1 / 3, None)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0)])
def test_what_dropout_draws_from_lies_in_memory_as_the_batch_does(order: tuple[int, ...]):
    """Random numbers fall in the order of memory, so that a layer of transposed items draws as in one process."""
    whole = torch.randn([(6, 3, 5)[axis] for axis in order]).permute([order.index(axis) for axis in range(3)])
    ones = sharing._ones_as(whole[2:4], 6)
    assert (ones.shape, ones.stride()) == (whole.shape, whole.stride())
    torch.manual_seed(0)
    left = torch.nn.functional.dropout(whole, 0.5)
    torch.manual_seed(0)
    torch.testing.assert_close(whole * torch.nn.functional.dropout(ones, 0.5), left, rtol=0, atol=0)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_changes_are_those_that_an_item_has_in_its_batch(name: str):
    x = torch.randn(6, 2, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    length, places = torch.tensor([80, 60, 70, 80, 50, 80]), np.array([3, 4, 0])
    whole = AUGMENTATIONS[name](x, 100.0, torch.Generator().manual_seed(1), length=length)
    part = PartOfDraws(torch.Generator().manual_seed(1), places, 6)
    own = AUGMENTATIONS[name](x[places], 100.0, part, length=length[places])
    torch.testing.assert_close(own, whole[places], rtol=0, atol=0)
    assert not torch.equal(whole, x)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, loss in LOSSES.items() for kind in loss.kinds])
def test_the_loss_of_a_batch_is_that_of_its_parts_by_their_share(name: str, kind: str):
    """Whatever the class weights: every loss is a mean over items, so that shares by items are right."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    targets = torch.rand(7, 3, generator=generator, dtype=torch.float64)
    loss = make_loss(kind, (0.2, 3.0, 1.0), name).double()
    parts = [part_of(Pick(np.arange(7), np.zeros(7, np.int64)), None, np.ones(7), Member(rank, 2)) for rank in (0, 1)]
    shared = sum(part.share * loss(logits[part.pick.rows], targets[part.pick.rows]) for part in parts)
    torch.testing.assert_close(shared, loss(logits, targets))


def test_what_is_fitted_at_once_is_for_one_process(monkeypatch):
    monkeypatch.setattr(run, "the_group", lambda: Member(0, 2))
    spec = InputSpec(modality="signal", leads=("I",), sampling_rate=100.0, gain=1000.0, n_samples=80)
    card = small_card(spec, model="late", options={"combine": "mean"}, input=None)
    with pytest.raises(
        EcgFusionError, match="-combine mean is fitted on all items at once, in one process: start it with"
    ):
        run._agreed(card)
