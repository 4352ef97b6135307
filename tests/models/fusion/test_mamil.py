"""A bag of one instance, the order of instances, and which one is critical."""

import pytest
import torch
from torch import Tensor, nn

from models import BranchShape, create_fusion
from models.fusion.mamil import MamilFusion, critical

SHAPES = {"signal": BranchShape(4, 4), "image": BranchShape(6, 6)}


def fusion(**options: object) -> MamilFusion:
    torch.manual_seed(0)
    found = create_fusion("mamil", branches=SHAPES, n_classes=3, hidden_size=8, **options).eval()
    assert isinstance(found, MamilFusion)
    return found


def test_the_critical_instance_is_the_one_with_the_largest_logit_of_any_class() -> None:
    head = nn.Linear(2, 2)
    nn.init.zeros_(head.bias)
    head.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    bag = torch.tensor([[[1.0, 2.0], [3.0, 0.0], [2.0, 2.5]], [[1.0, 2.0], [9.0, 0.0], [0.0, 8.0]]])
    assert critical(bag, None, head).tolist() == [[3.0, 0.0], [9.0, 0.0]]
    mask = torch.tensor([[True, True, True], [True, False, True]])
    assert critical(bag, mask, head).tolist() == [[3.0, 0.0], [0.0, 8.0]]


def test_of_a_bag_of_one_instance_its_own_value_is_added() -> None:
    """The same instance in both branches, alone: nothing else is there to be read."""
    found, one = fusion(), torch.randn(2, 1, 8)
    for own in found.attend([one, one], [None, None]):
        torch.testing.assert_close(own, (one + found.value(one))[:, 0])


def test_a_query_without_an_opinion_reads_the_mean_of_all_instances_of_all_branches() -> None:
    found = fusion()
    nn.init.zeros_(found.query.weight)
    own = [torch.randn(2, 3, 8), torch.randn(2, 5, 8)]
    read = found.value(torch.cat(own, 1)).mean(1)
    for x, head, got in zip(own, found.auxiliary_heads, found.attend(own, [None, None]), strict=True):
        torch.testing.assert_close(got, critical(x, None, head) + read)


def bags(n: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(n, t, shape.token_dim, generator=generator)
        for (name, shape), t in zip(SHAPES.items(), (7, 5), strict=True)
    }


def test_the_order_of_instances_does_not_count() -> None:
    found, given = fusion(), bags()
    shuffled = {name: x[:, torch.randperm(x.shape[1])] for name, x in given.items()}
    torch.testing.assert_close(found(shuffled), found(given))


@pytest.mark.parametrize("garbage", [0.0, 1e3])
def test_an_instance_that_is_none_is_neither_critical_nor_read(garbage: float) -> None:
    found, given = fusion(), bags()
    longer = {name: torch.cat([x, torch.full_like(x, garbage)], 1) for name, x in given.items()}
    masks = {name: torch.arange(longer[name].shape[1]).expand(2, -1) < x.shape[1] for name, x in given.items()}
    torch.testing.assert_close(found(longer, masks), found(given))


def test_a_branch_alone_is_judged_by_its_critical_instance() -> None:
    found, given = fusion(), bags()
    _, alone = found.outputs(given)
    for name, project, head in zip(SHAPES, found.projections, found.auxiliary_heads, strict=True):
        logits = head(project(given[name]))  # (n, t, classes)
        best = logits.amax(2).argmax(1)
        torch.testing.assert_close(alone[name], logits[torch.arange(2), best])


@pytest.mark.parametrize("name", ["mamil", "attention"])
def test_too_few_tokens_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="max_tokens is 0; a branch needs 1 or more"):
        create_fusion(name, branches=SHAPES, n_classes=3, hidden_size=8, max_tokens=0)
    fused = create_fusion(name, branches=SHAPES, n_classes=3, hidden_size=8)
    with pytest.raises(ValueError, match="branch 'image' has no tokens; give it 1 or more"):
        fused(bags() | {"image": torch.zeros(2, 0, 6)})
