"""Weights of late fusions: what they find, and that no item has a part in its own score."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from cards import small_card
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from models import BranchShape, create_fusion
from models.fusion.late import LateFusion
from pipeline.errors import EcgFusionError
from pipeline.evaluation.metrics import macro_auroc
from pipeline.fusion import late
from pipeline.fusion.branch_scores import Answers, cross_fitting_folds
from pipeline.fusion.fitting import fit_stacking, fit_weights
from pipeline.fusion.late import cross_fitted, fit_late, fuse
from pipeline.inputs.spec import InputSpec


def build(name: str, n_branches: int, n_classes: int, kind: str = "multilabel", **options: object) -> Any:
    """The fusion, of the class that its name means."""
    shapes = {f"b{number}": BranchShape(0, 0) for number in range(n_branches)}
    return create_fusion(name, branches=shapes, n_classes=n_classes, kind=kind, **options)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def as_branches(*p: np.ndarray) -> dict[str, Tensor]:
    return {f"b{number}": torch.from_numpy(each) for number, each in enumerate(p)}


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def labels(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 2, (1500, 3))


def hearing(labels: np.ndarray, random: np.random.Generator, loudness: float = 2.0) -> np.ndarray:
    """Logits that know something of the labels."""
    return loudness * (labels - 0.5) + random.standard_normal(labels.shape)


@pytest.mark.parametrize("scale", ["probabilities", "logits"])
def test_noise_weighs_nothing(labels, random, scale):
    fusion = build("weighted", 2, 3, fuse_on=scale)
    noise = random.standard_normal(labels.shape)
    fit_weights(fusion, as_branches(sigmoid(hearing(labels, random)), sigmoid(noise)), labels)
    np.testing.assert_allclose(fusion.weights, [1, 0], atol=0.05)


@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_equal_branches_weigh_alike(labels, random, kind):
    one_hot = np.eye(3)[labels[:, 0]] if kind == "multiclass" else labels
    logits = hearing(one_hot, random)
    p = sigmoid(logits) if kind == "multilabel" else np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    fusion = build("weighted", 3, 3, kind)
    fit_weights(fusion, as_branches(p, p, p), one_hot)
    np.testing.assert_allclose(fusion.weights, np.full(3, 1 / 3), atol=1e-3)


def test_weights_are_shares_and_one_that_misleads_has_none(labels, random):
    fusion = build("weighted", 3, 3, fuse_on="logits")
    logits = [hearing(labels, random, loudness) for loudness in (2.0, 1.0, -2.0)]
    fit_weights(fusion, as_branches(*map(sigmoid, logits)), labels)
    assert fusion.weights.min() >= 0
    assert float(fusion.weights.sum()) == pytest.approx(1, abs=1e-12)
    assert fusion.weights[0] > fusion.weights[1] > 0.1
    assert fusion.weights[2] == 0


def test_where_no_branch_helps_all_weigh_alike(labels, random):
    fusion = build("weighted", 2, 3, fuse_on="logits")
    logits = [hearing(labels, random, -2.0) for _ in range(2)]
    fit_weights(fusion, as_branches(*map(sigmoid, logits)), labels)
    np.testing.assert_array_equal(fusion.weights, [0.5, 0.5])


def test_a_branch_that_calls_all_too_likely_keeps_its_weight(labels, random):
    first, second, found = hearing(labels, random), hearing(labels, random, 1.0), []
    for shift in (0.0, 3.0, np.array([2.0, -1.0, 0.5])):
        fusion = build("weighted", 2, 3, fuse_on="logits")
        fit_weights(fusion, as_branches(sigmoid(first + shift), sigmoid(second)), labels)
        found.append(fusion.weights.numpy())
    np.testing.assert_allclose(found, [found[0]] * 3, atol=0.01)


@pytest.mark.parametrize("scale", ["probabilities", "logits"])
def test_stacking_of_labels_is_a_logistic_regression_of_each(labels, random, scale):
    labels, p = labels[:200], [sigmoid(hearing(labels[:200], random, loudness)) for loudness in (2.0, 1.0)]
    fusion = build("stacking", 2, 3, fuse_on=scale)
    fit_stacking(fusion, as_branches(*p), labels)
    read = [each if scale == "probabilities" else np.log(each / (1 - each)) for each in p]
    fused = fusion(as_branches(*p)).sigmoid().numpy()
    for number in range(3):
        x = np.stack([each[:, number] for each in read], 1)
        model = LogisticRegression(max_iter=2000).fit(x, labels[:, number])
        np.testing.assert_allclose(fused[:, number], model.predict_proba(x)[:, 1], atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_stacking_of_classes_is_multinomial(random, n_classes):
    right = random.integers(0, n_classes, 200)
    one_hot = np.eye(n_classes)[right]
    odds = [np.exp(hearing(one_hot, random, loudness)) for loudness in (2.0, 1.0)]
    p = [each / each.sum(1, keepdims=True) for each in odds]
    fusion = build("stacking", 2, n_classes, "multiclass")
    fit_stacking(fusion, as_branches(*p), one_hot)
    x = np.log(np.concatenate(p, 1))
    model = LogisticRegression(max_iter=2000).fit(x, right)
    fused = fusion(as_branches(*p)).softmax(1).numpy()
    np.testing.assert_allclose(fused, model.predict_proba(x), atol=1e-9)


@pytest.mark.parametrize("scale", ["probabilities", "logits"])
@pytest.mark.parametrize("bearers", [0, 1])
def test_a_label_that_all_or_none_bear_is_ranked_by_the_mean_of_its_branches(labels, random, scale, bearers):
    p = [sigmoid(hearing(labels, random)) for _ in range(2)]
    given = labels.copy()
    given[:, 1] = bearers
    fusion = build("stacking", 2, 3, fuse_on=scale)
    fit_stacking(fusion, as_branches(*p), given)
    mean = build("mean", 2, 3, fuse_on=scale)
    expected, found = (each(as_branches(*p)).sigmoid()[:, 1] for each in (mean, fusion))
    assert torch.equal(found.argsort(), expected.argsort())
    if scale == "logits":
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    else:
        assert abs(found.mean() - bearers) < 0.05  # about as likely as it was


def test_a_class_that_no_item_has_gets_next_to_nothing(random):
    one_hot = np.eye(4)[random.integers(0, 3, 200)][:, [0, 3, 1, 2]]  # the second is never seen
    p = random.dirichlet(np.ones(4), 200)
    fusion = build("stacking", 2, 4, "multiclass", fuse_on="probabilities")
    fit_stacking(fusion, as_branches(p, p), one_hot)
    fused = fusion(as_branches(p, p)).softmax(1)
    assert fused[:, 1].max() < 1e-6
    assert fused[:, [0, 2, 3]].min() > 1e-3


def test_one_class_alone_is_refused(random):
    p = random.dirichlet(np.ones(3), 20)
    with pytest.raises(EcgFusionError, match="all items to fit it on have one class: take -combine mean"):
        fit_stacking(build("stacking", 2, 3, "multiclass"), as_branches(p, p), np.eye(3)[[1] * 20])


def noise(random: np.random.Generator, n_branches: int = 8, n_items: int = 120, n_classes: int = 6) -> Answers:
    """Branches that know nothing; each patient has two items."""
    branches = {f"b{number}": random.uniform(size=(n_items, n_classes)) for number in range(n_branches)}
    labels = random.integers(0, 2, (n_items, n_classes))
    return Answers(branches, labels, np.repeat([f"p{number}" for number in range(n_items // 2)], 2))


def fitting(name: str, answers: Answers) -> Callable[[Answers], LateFusion]:
    spec = InputSpec("signal", ("I",), 100.0, 1000.0, 1000)
    card = small_card(spec, options={"combine": name}).with_training(
        optimizer="adamw",
        learning_rate=1e-2,
        weight_decay=0.0,
        momentum=0.9,
        scheduler="none",
        clip_norm=1.0,
        batch_size=32,
        epochs=3,
        patience=3,
    )

    def fitted(some: Answers) -> LateFusion:
        torch.manual_seed(0)
        return fit_late(build(name, len(answers.probabilities), answers.labels.shape[1]), some, card)

    return fitted


@pytest.mark.parametrize("name", ["weighted", "stacking", "mlp"])
def test_the_labels_of_a_patient_have_no_part_in_his_scores(name, random, monkeypatch):
    """The folds are held fast: they are stratified by all labels."""
    answers = noise(random, 3)
    folds = cross_fitting_folds(answers, 0)
    monkeypatch.setattr(late, "cross_fitting_folds", lambda *_: folds)
    flipped, his = answers.labels.copy(), answers.patients == "p7"
    flipped[his] = 1 - flipped[his]
    before = cross_fitted(fitting(name, answers), answers, 0)
    after = cross_fitted(fitting(name, answers), Answers(answers.probabilities, flipped, answers.patients), 0)
    with_him = folds == folds[his][0]
    np.testing.assert_array_equal(after[with_him], before[with_him])
    assert (after[~with_him] != before[~with_him]).any()


def test_who_is_scored_was_never_fitted_on(random):
    answers, fitted_on = noise(random, 2), []
    inner = fitting("stacking", answers)

    def fitted(some: Answers) -> LateFusion:
        fitted_on.append(set(some.patients))
        return inner(some)

    fused = cross_fitted(fitted, answers, 0)
    assert np.isfinite(fused).all()
    left_out = [set(answers.patients) - each for each in fitted_on]
    assert len(left_out) == 5
    assert sorted(name for each in left_out for name in each) == sorted(set(answers.patients))


def test_one_patient_alone_is_refused(random):
    answers = noise(random, 2)
    with pytest.raises(EcgFusionError, match="and there is one alone: take -combine mean"):
        cross_fitting_folds(answers[answers.patients == "p7"], 0)


def test_scores_of_noise_are_not_flattered(random):
    answers = noise(random)
    fitted = fitting("stacking", answers)
    honest = macro_auroc(answers.labels, cross_fitted(fitted, answers, 0))
    flattered = macro_auroc(answers.labels, fuse(fitted(answers), answers.probabilities))
    assert abs(honest - 0.5) < 0.06
    assert flattered > 0.6
