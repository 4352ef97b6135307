"""Machines on features: scikit-learn's answers, and probabilities that dev has no hand in where it is scored."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor

from models import BranchShape, create_fusion
from models.fusion.svm import LinearMachine
from pipeline.errors import EcgFusionError
from pipeline.fusion import machines
from pipeline.fusion.machines import fit_logits, fit_machine

WIDTHS = {"gaf": 3, "rp": 4, "mtf": 2}


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def machine(kind: str, n_classes: int, C: float = 1.0) -> LinearMachine:
    shapes = {name: BranchShape(width, width) for name, width in WIDTHS.items()}
    made = create_fusion("svm", branches=shapes, n_classes=n_classes, kind=kind, C=C)
    assert isinstance(made, LinearMachine)
    return made


def items(random: np.random.Generator, n: int = 300, n_classes: int = 4) -> tuple[dict[str, Tensor], np.ndarray]:
    """Features of very unlike scales, and which class each item is of, which they half tell."""
    right = random.integers(0, n_classes, n)
    centres = random.normal(size=(n_classes, sum(WIDTHS.values())))
    x = (centres[right] + random.normal(size=(n, sum(WIDTHS.values())))) * 10.0 ** np.arange(-4, 5) + 3
    parts = np.split(x.astype(np.float32), np.cumsum(list(WIDTHS.values()))[:-1], 1)
    return dict(zip(WIDTHS, map(torch.from_numpy, parts), strict=True)), right


def theirs(branches: dict[str, Tensor], right: np.ndarray, **options: object) -> tuple[LinearSVC, np.ndarray]:
    x = StandardScaler().fit_transform(np.concatenate([x.double().numpy() for x in branches.values()], 1))
    return LinearSVC(dual=False, **options).fit(x, right), x


@pytest.mark.parametrize("C", [1e-3, 1.0])
@pytest.mark.parametrize("weights", [None, (1.0, 3.0, 0.5, 2.0)])
def test_answers_to_classes_are_scikit_learns(random, C, weights):
    branches, right = items(random)
    made, one_hot = machine("multiclass", 4, C), np.eye(4, dtype=np.uint8)[right]
    fit_machine(made, branches, one_hot, weights)
    model, x = theirs(branches, right, C=C, class_weight=None if weights is None else dict(enumerate(weights)))
    decisions = made.decide(branches)
    np.testing.assert_allclose(decisions, model.decision_function(x), atol=1e-6)
    fit_logits(made, decisions, one_hot)
    assert len(made.slopes.unique()) == 1
    np.testing.assert_array_equal(made(branches).argmax(1), model.predict(x))  # a temperature changes no class


def test_answers_to_two_classes_are_scikit_learns_one_and_its_opposite(random):
    branches, right = items(random, n_classes=2)
    made = machine("multiclass", 2)
    fit_machine(made, branches, np.eye(2, dtype=np.uint8)[right])
    model, x = theirs(branches, right)
    both = np.stack([-model.decision_function(x), model.decision_function(x)], 1)
    np.testing.assert_allclose(made.decide(branches), both, atol=1e-6)


@pytest.mark.parametrize("weights", [None, (5.0, 1.0, 2.0)])
def test_answers_to_labels_are_a_machine_of_each(random, weights):
    branches, right = items(random)
    labels = np.stack([right < 2, right % 2 == 0, right == 3], 1).astype(np.uint8)
    made = machine("multilabel", 3)
    fit_machine(made, branches, labels, weights)
    decisions = made.decide(branches).numpy()
    for number in range(3):
        class_weight = None if weights is None else {1: weights[number]}
        model, x = theirs(branches, labels[:, number], class_weight=class_weight)
        np.testing.assert_allclose(decisions[:, number], model.decision_function(x), atol=1e-6)


def drawn_so_far() -> np.ndarray:
    """Where the generator is that scikit-learn draws from where it has no other."""
    state: Any = np.random.get_state()  # noqa: NPY002
    return np.array(state[1])


def test_a_second_time_is_the_same_and_nothing_is_drawn(random):
    branches, right = items(random)
    one_hot, states = np.eye(4, dtype=np.uint8)[right], []
    for _ in range(2):
        made, drawn = machine("multiclass", 4), drawn_so_far()
        fit_machine(made, branches, one_hot)
        np.testing.assert_array_equal(drawn_so_far(), drawn)
        states.append(made.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_feature_that_never_changes_is_no_division_by_zero(random):
    branches, right = items(random)
    branches["rp"][:, 1] = 7.0
    branches["rp"][:, 2] = torch.from_numpy(np.where(right == 1, np.float32(0.3), np.nextafter(np.float32(0.3), 1)))
    made = machine("multiclass", 4)
    fit_machine(made, branches, np.eye(4, dtype=np.uint8)[right])
    assert made.deviations[4:6].tolist() == [1, 1]
    assert made.coefficients[:, 4:6].abs().max() < 1e-5  # nor is one that differs by a rounding listened to
    assert made(branches).isfinite().all()


def test_features_that_are_no_numbers_are_refused(random):
    branches, right = items(random)
    branches["rp"][7, 1] = float("nan")
    with pytest.raises(EcgFusionError, match="the features of the branch rp are no finite numbers: train it anew"):
        fit_machine(machine("multiclass", 4), branches, np.eye(4, dtype=np.uint8)[right])


def test_a_class_that_no_item_bears_is_next_to_never_named(random):
    branches, right = items(random)
    labels = np.insert(np.eye(4, dtype=np.uint8)[right], 2, 0, axis=1)
    made = machine("multiclass", 5)
    fit_machine(made, branches, labels)
    fit_logits(made, made.decide(branches), labels)
    p = made(branches).softmax(1)
    assert p[:, 2].max() < 1e-9
    assert p[:, [0, 1, 3, 4]].max(0).values.min() > 0.5


@pytest.mark.parametrize("bearers", [0, 1])
def test_a_label_that_all_or_none_bear_is_said_of_all(random, bearers):
    branches, right = items(random)
    labels = np.stack([right < 2, np.full(len(right), bearers)], 1).astype(np.uint8)
    made = machine("multilabel", 2)
    fit_machine(made, branches, labels)
    fit_logits(made, made.decide(branches), labels)
    assert made(branches).sigmoid()[:, 1].round().unique().tolist() == [bearers]


def odds_of(random: np.random.Generator, slope: float, offset: float) -> tuple[Tensor, np.ndarray]:
    """Answers of a machine, and labels whose logits are a straight line of them."""
    decisions = torch.from_numpy(random.normal(size=(20_000, 1))).float()
    p = (slope * decisions + offset).sigmoid().numpy()
    return decisions, (random.random(p.shape) < p).astype(np.uint8)


def test_probabilities_of_labels_are_those_of_the_items(random):
    made = machine("multilabel", 1)
    fit_logits(made, *odds_of(random, 3.0, -1.0))
    assert float(made.slopes[0]) == pytest.approx(3.0, abs=0.1)
    assert float(made.offsets[0]) == pytest.approx(-1.0, abs=0.1)


def test_the_temperature_is_that_of_the_items(random):
    decisions = torch.from_numpy(random.normal(size=(20_000, 3))).float()
    right = [random.choice(3, p=p) for p in (2.5 * decisions).double().softmax(1).numpy()]
    made = machine("multiclass", 3)
    fit_logits(made, decisions, np.eye(3)[right])
    np.testing.assert_allclose(made.slopes, 2.5, atol=0.1)


def test_answers_are_never_turned_round(random):
    """Not where dev says the opposite of train: the order of the items is the machine's."""
    made = machine("multilabel", 1)
    fit_logits(made, *odds_of(random, -3.0, 0.0))
    assert 0 < float(made.slopes[0]) < 0.01


def test_what_was_fitted_before_leaves_nothing(random):
    decisions, labels = odds_of(random, 3.0, -1.0)
    made = machine("multilabel", 1)
    fit_logits(made, decisions, labels)
    fit_logits(made, decisions, np.zeros_like(labels))
    assert (made.slopes.tolist(), made.offsets.tolist()) == ([1.0], [0.0])


def test_no_end_is_warned_of(random, monkeypatch):
    warned: list[str] = []
    monkeypatch.setattr(machines, "warn", warned.append)
    monkeypatch.setattr(machines, "_STEPS", 1)
    branches, right = items(random)
    fit_machine(machine("multiclass", 4), branches, np.eye(4, dtype=np.uint8)[right])
    assert warned == ["svm came to no end in 1 steps: take a smaller C (-set C=0.1)"]
