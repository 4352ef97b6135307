"""Late fusions: means as numpy computes them, whatever the order of the branches."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models import BranchShape, create_fusion, list_fusions
from models.fusion.late import CERTAIN, LateFusion

LATE, KINDS, SCALES = list_fusions("late"), ("multilabel", "multiclass"), ("probabilities", "logits")
NAMES = ("runs/gru.v2", "Fusión 2", "")
AVERAGES = ("mean", "weighted")
C = 4


def build(name: str, kind: str, n_branches: int = 3, **options: object) -> LateFusion:
    """A fusion in evaluation mode, whose weights are no longer those that it begins with."""
    torch.manual_seed(0)
    branches = {NAMES[number % 3] + str(number): BranchShape(0, 0) for number in range(n_branches)}
    fusion = create_fusion(name, branches=branches, n_classes=C, kind=kind, **options)
    assert isinstance(fusion, LateFusion)
    for buffer in fusion.buffers():
        buffer.copy_(torch.rand_like(buffer))
    if name == "weighted":
        fusion.get_buffer("weights").div_(fusion.get_buffer("weights").sum())
    return fusion.eval()


def draw(kind: str, n: int = 6, seed: int = 0) -> Tensor:
    """Probabilities (n, C), the first rows of them certain."""
    logits = 3 * torch.randn(n, C, generator=torch.Generator().manual_seed(seed))
    certain = torch.eye(C)[:2]
    p = logits.sigmoid() if kind == "multilabel" else logits.softmax(1)
    return torch.cat([certain, p])


def probabilities(fusion: LateFusion, branches: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        logits = fusion(branches)
    return logits.sigmoid() if fusion.kind == "multilabel" else logits.softmax(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", AVERAGES)
def test_equal_branches_give_what_each_says(name: str, scale: str, kind: str) -> None:
    fusion, p = build(name, kind, fuse_on=scale), draw(kind)
    fused = probabilities(fusion, dict.fromkeys(fusion.branches, p))
    torch.testing.assert_close(fused, p.double(), atol=3 * CERTAIN, rtol=0)


@pytest.mark.parametrize("n_branches", range(2, 12))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", AVERAGES)
def test_branches_that_are_all_certain_leave_no_doubt(name: str, kind: str, n_branches: int) -> None:
    """However the weights' sum is rounded."""
    for seed in range(20):
        fusion = build(name, kind, n_branches)
        if name == "weighted":
            weights = torch.rand(n_branches, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
            fusion.weights.copy_(weights / weights.sum())
        fused = probabilities(fusion, dict.fromkeys(fusion.branches, torch.eye(C)))
        torch.testing.assert_close(fused, torch.eye(C).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_of_probabilities(kind: str) -> None:
    fusion = build("mean", kind)
    branches = {name: draw(kind, seed=number) for number, name in enumerate(fusion.branches)}
    expected = np.mean([p.double().numpy() for p in branches.values()], axis=0)
    np.testing.assert_allclose(probabilities(fusion, branches).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_weighted_mean_of_logits(kind: str) -> None:
    """Of labels the mean log odds; of classes the geometric mean, brought to a sum of 1."""
    fusion = build("weighted", kind, fuse_on="logits")
    branches = {name: draw(kind, seed=number)[2:] for number, name in enumerate(fusion.branches)}
    p = np.stack([each.double().numpy() for each in branches.values()])
    p = np.clip(p, CERTAIN, 1 - CERTAIN)
    weights = fusion.weights.numpy()
    if kind == "multilabel":
        expected = 1 / (1 + np.exp(-np.tensordot(weights, np.log(p / (1 - p)), 1)))
    else:
        product = np.exp(np.tensordot(weights, np.log(p), 1))
        expected = product / product.sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities(fusion, branches).numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LATE)
def test_probabilities_come_out_in_any_order_of_the_branches(name: str, kind: str, scale: str) -> None:
    fusion = build(name, kind, fuse_on=scale)
    branches = {each: draw(kind, seed=number) for number, each in enumerate(fusion.branches)}
    fused = probabilities(fusion, branches)
    assert fused.shape == (8, C)
    assert ((fused >= 0) & (fused <= 1)).all()
    if kind == "multiclass":
        torch.testing.assert_close(fused.sum(1), torch.ones(8, dtype=torch.float64))
    assert torch.equal(probabilities(fusion, dict(reversed(branches.items()))), fused)
    if name != "mean":  # and yet it is told which is which
        others = dict(zip(branches, reversed(branches.values()), strict=True))
        assert (probabilities(fusion, others) - fused).abs().max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LATE)
def test_an_item_is_fused_on_its_own(name: str, kind: str) -> None:
    fusion = build(name, kind)
    branches = {each: draw(kind, seed=number) for number, each in enumerate(fusion.branches)}
    alone = torch.cat([probabilities(fusion, {b: p[[row]] for b, p in branches.items()}) for row in range(8)])
    torch.testing.assert_close(alone, probabilities(fusion, branches), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LATE)
def test_its_state_is_all_it_has_learnt(name: str, kind: str) -> None:
    fusion = build(name, kind)
    torch.manual_seed(7)
    shapes = dict.fromkeys(fusion.branches, BranchShape(0, 0))
    other = create_fusion(name, branches=shapes, n_classes=C, kind=kind).eval()
    assert isinstance(other, LateFusion)
    other.load_state_dict(fusion.state_dict())
    branches = {each: draw(kind, seed=number) for number, each in enumerate(fusion.branches)}
    assert torch.equal(probabilities(other, branches), probabilities(fusion, branches))


@pytest.mark.parametrize("name", LATE)
def test_other_branches_are_refused(name: str) -> None:
    fusion = build(name, "multilabel")
    branches = dict.fromkeys(fusion.branches, draw("multilabel"))
    for wrong in (dict(list(branches.items())[:2]), branches | {"more": draw("multilabel")}, {}):
        with pytest.raises(ValueError, match=r"the branches given are .*; the fusion was built for runs/gru"):
            fusion(wrong)


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("option", [{"kind": "regression"}, {"fuse_on": "ranks"}])
def test_another_kind_or_scale_is_refused(name: str, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"'(regression|ranks)' is neither '.*' nor"):
        build(name, **({"kind": "multilabel"} | option))
