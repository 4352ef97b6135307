"""Losses: what they are by algebra, that no logit breaks them, and what is refused."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.errors import EcgFusionError
from pipeline.training.loss_modules import Asymmetric, Focal, LargeMargin
from pipeline.training.losses import LOSSES, make_loss, smoothed

WEIGHTS = [2.0, 1.0, 5.0]
CASES = [(name, kind) for name, loss in LOSSES.items() for kind in loss.kinds]


def drawn(kind: str, n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and targets (items, 3)."""
    draw = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n, 3, generator=draw)
    if kind == "multilabel":
        return logits, torch.randint(0, 2, (n, 3), generator=draw).float()
    return logits, functional.one_hot(torch.randint(0, 3, (n,), generator=draw), 3).float()


def test_the_names_are_known_without_torch():
    """They stand in train.py's help, which waits for nothing."""
    code = "import sys, train; train.parse([]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_default_is_torchs_cross_entropy_to_the_bit(weights):
    given = None if weights is None else torch.tensor(weights)
    for kind, theirs in (
        ("multilabel", nn.BCEWithLogitsLoss(pos_weight=given)),
        ("multiclass", nn.CrossEntropyLoss(weight=given)),
    ):
        assert torch.equal(make_loss(kind, weights)(*drawn(kind)), theirs(*drawn(kind)))
        assert torch.equal(make_loss(kind, weights, "cross_entropy")(*drawn(kind)), theirs(*drawn(kind)))


@pytest.mark.parametrize("weights", [None, torch.tensor(WEIGHTS)])
@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_focal_without_focus_is_the_cross_entropy(kind, weights):
    expected = make_loss(kind, None if weights is None else weights.tolist())(*drawn(kind))
    torch.testing.assert_close(Focal(kind, weights, gamma=0.0)(*drawn(kind)), expected)


@pytest.mark.parametrize("weights", [None, torch.tensor(WEIGHTS)])
def test_asymmetric_without_parameters_is_the_binary_cross_entropy(weights):
    expected = nn.BCEWithLogitsLoss(pos_weight=weights)(*drawn("multilabel"))
    torch.testing.assert_close(Asymmetric(weights, 0.0, 0.0, 0.0)(*drawn("multilabel")), expected)


@pytest.mark.parametrize("weights", [None, torch.tensor(WEIGHTS)])
def test_large_margin_without_margin_is_the_cross_entropy(weights):
    expected = make_loss("multiclass", None if weights is None else weights.tolist())(*drawn("multiclass"))
    torch.testing.assert_close(LargeMargin(weights, 0.0)(*drawn("multiclass")), expected)


def test_large_margin_of_two_classes_is_the_cross_entropy():
    logits, targets = torch.randn(8, 2), torch.eye(2).repeat(4, 1)
    torch.testing.assert_close(LargeMargin(None)(logits, targets), nn.CrossEntropyLoss()(logits, targets))


def test_large_margin_by_hand():
    probabilities = torch.tensor([[0.5, 0.4, 0.1]])
    value = LargeMargin(None, 0.3)(probabilities.log(), torch.tensor([[1.0, 0.0, 0.0]]))
    unlike = 0.3 * torch.tensor(0.8).log() - 0.3 * torch.tensor(0.2).log()  # 0.8 - 1/2 and 0.2 - 1/2
    torch.testing.assert_close(value, -torch.tensor(0.5).log() + 0.15 * unlike)


def test_large_margin_asks_that_the_other_classes_are_alike():
    alike, unlike = torch.tensor([[0.6, 0.2, 0.2]]).log(), torch.tensor([[0.6, 0.35, 0.05]]).log()
    plain, margin, target = make_loss("multiclass", None), LargeMargin(None), torch.tensor([[1.0, 0.0, 0.0]])
    torch.testing.assert_close(plain(alike, target), plain(unlike, target))
    torch.testing.assert_close(margin(alike, target), plain(alike, target))
    assert margin(unlike, target) > margin(alike, target)


def test_focal_by_hand():
    logits = torch.tensor([[0.8, 0.3]]).logit()
    value = Focal("multilabel", None)(logits, torch.tensor([[1.0, 0.0]]))
    expected = -(0.2**2 * torch.tensor(0.8).log() + 0.3**2 * torch.tensor(0.7).log()) / 2
    torch.testing.assert_close(value, expected)
    probabilities = torch.tensor([[0.7, 0.2, 0.1]])
    value = Focal("multiclass", None)(probabilities.log(), torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(value, -(0.8**2) * torch.tensor(0.2).log())


def test_asymmetric_by_hand():
    logits = torch.tensor([[0.8, 0.35]]).logit()
    value = Asymmetric(None, 1.0, 4.0, 0.05)(logits, torch.tensor([[1.0, 0.0]]))
    expected = -(0.2 * torch.tensor(0.8).log() + 0.3**4 * torch.tensor(0.7).log()) / 2
    torch.testing.assert_close(value, expected)


def test_asymmetric_forgets_negatives_below_the_margin():
    logits = torch.tensor([[0.04, 0.01, 0.049]]).logit().requires_grad_()
    value = Asymmetric(None)(logits, torch.zeros(1, 3))
    value.backward()
    assert value.item() < 1e-12
    assert not logits.grad.any()


def test_the_more_focus_the_less_counts_what_is_right():
    right, wrong = (torch.full((1, 3), logit) for logit in (3.0, -3.0))
    shares = []
    for gamma in (0.0, 1.0, 2.0, 5.0):
        loss = Focal("multilabel", None, gamma)
        shares.append(loss(right, torch.ones(1, 3)) / loss(wrong, torch.ones(1, 3)))
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_weights_are_honoured(name, kind):
    logits, targets = drawn(kind)
    plain, weighted = make_loss(kind, None, name), make_loss(kind, WEIGHTS, name)
    torch.testing.assert_close(make_loss(kind, [1.0] * 3, name)(logits, targets), plain(logits, targets))
    for column, weight in enumerate(WEIGHTS):
        rows = (targets.sum(1) == 1) & (targets[:, column] == 1)  # whose only positive is of that class
        chosen, own = logits[rows].requires_grad_(), targets[rows]
        ratio = [torch.autograd.grad(loss(chosen, own), chosen)[0][:, column] for loss in (weighted, plain)]
        torch.testing.assert_close(ratio[0], weight * ratio[1])


@pytest.mark.parametrize("logit", [-200.0, -50.0, 0.0, 50.0, 200.0])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_gradients_are_finite_whatever_the_logits(name, kind, logit):
    logits = torch.tensor([[logit, 0.0, -logit], [0.0, logit, 1.0]]).requires_grad_()
    for targets in (torch.eye(3)[:2], torch.eye(3)[1:]):
        value = make_loss(kind, WEIGHTS, name)(logits, targets)
        (gradient,) = torch.autograd.grad(value, logits)
        assert torch.isfinite(value)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_gradients_are_finite_whatever_the_focus(gamma):
    logits = torch.tensor([[-300.0, 50.0, 0.0], [300.0, -50.0, 0.0]]).requires_grad_()
    targets = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    modules = [Focal(kind, None, gamma) for kind in ("multilabel", "multiclass")]
    for loss in (*modules, Asymmetric(None, gamma, gamma, 0.0), Asymmetric(None, gamma, gamma, 0.1)):
        (gradient,) = torch.autograd.grad(loss(logits, targets), logits)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_of_targets_between_two_a_loss_is_between_theirs(name, kind, weights):
    """So it takes mixed and smoothed targets, and is of them what the mixture of both losses is."""
    (logits, first), loss = drawn(kind), make_loss(kind, weights, name)
    second = first.roll(1, 0)
    assert (first != second).any()
    expected = 0.3 * loss(logits, first) + 0.7 * loss(logits, second)
    torch.testing.assert_close(loss(logits, 0.3 * first + 0.7 * second), expected)


@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_the_cross_entropy_of_soft_targets_is_least_at_them(kind):
    targets = torch.tensor([[0.2, 0.7, 0.1]])
    logits = (targets.logit() if kind == "multilabel" else targets.log()).requires_grad_()
    (gradient,) = torch.autograd.grad(make_loss(kind, None)(logits, targets), logits)
    torch.testing.assert_close(gradient, torch.zeros(1, 3), atol=1e-6, rtol=0)


def test_smoothed_targets_by_hand():
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(smoothed(targets, "multilabel", 0.1), torch.tensor([[0.95, 0.05, 0.05, 0.05]]))
    torch.testing.assert_close(smoothed(targets, "multiclass", 0.1), torch.tensor([[0.925, 0.025, 0.025, 0.025]]))
    assert torch.equal(smoothed(targets, "multilabel", 0.0), targets)


def test_smoothing_of_exclusive_classes_is_torchs():
    logits, targets = drawn("multiclass")
    theirs = nn.CrossEntropyLoss(label_smoothing=0.2)(logits, targets)
    torch.testing.assert_close(make_loss("multiclass", None)(logits, smoothed(targets, "multiclass", 0.2)), theirs)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_right_answer_costs_less_than_the_wrong_one_and_weights_move_with_the_module(name, kind):
    targets = torch.eye(3)
    loss = make_loss(kind, WEIGHTS, name)
    assert loss(5 * (2 * targets - 1), targets) < loss(-5 * (2 * targets - 1), targets)
    assert loss.double()(targets.double(), targets.double()).dtype == torch.float64


def test_an_unknown_loss_and_one_for_another_kind_are_refused():
    with pytest.raises(EcgFusionError, match=r"there is no loss focl: did you mean focal\?"):
        make_loss("multilabel", None, "focl")
    with pytest.raises(EcgFusionError, match=r"asymmetric is for multilabel tasks, .* multiclass: take cross_entropy"):
        make_loss("multiclass", None, "asymmetric")
