"""Contrastive learning of views of patients: which views there are, and that every pair of them is learnt from."""

import math
from itertools import combinations
from typing import Any

import pytest
import torch

from models import SignalNetwork, create_model
from models.pretraining.clocs import Clocs, patient_nce


def small(leads: int = 4, **options: Any) -> Clocs:
    torch.manual_seed(0)
    encoder = create_model("resnet1d_wang", in_channels=leads, n_classes=1, dropout=0.0)
    assert isinstance(encoder, SignalNetwork)
    return Clocs(encoder, **options)


def directions(n_views: int, n: int, width: int = 8) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.normalize(torch.randn(n_views, n, width), dim=2)


def test_views_are_the_halves():
    x = torch.randn(3, 4, 21)
    views, length = small().views(x, None)
    assert length is None
    torch.testing.assert_close(views[:3], x[..., :10])
    torch.testing.assert_close(views[3:], x[..., 10:20])


def test_halves_of_padded_items_are_of_their_own_samples():
    x = torch.randn(3, 4, 20)
    views, length = small().views(x, torch.tensor([20, 12, 7]))
    assert length is not None
    assert length.tolist() == [10, 6, 3, 10, 6, 3]
    for row, half in enumerate((10, 6, 3)):
        torch.testing.assert_close(views[row, :, :half], x[row, :, :half])
        torch.testing.assert_close(views[3 + row, :, :half], x[row, :, half : 2 * half])


def test_each_lead_is_in_one_group_and_groups_are_about_as_large():
    method = small(5, lead_groups=2)
    drawn = set()
    for seed in range(20):
        torch.manual_seed(seed)
        groups = method.draw_groups(5)
        assert groups.sum(0).tolist() == [1] * 5
        assert sorted(groups.sum(1).tolist()) == [2, 3]
        drawn.add(tuple(groups[0].tolist()))
    assert len(drawn) > 5


def test_leads_of_other_groups_are_zero():
    method = small(4, lead_groups=4)
    x = torch.randn(2, 4, 20)
    views, _ = method.views(x, None)
    seen = views.view(2, 4, 2, 4, 10).abs().sum(-1) > 0  # (halves, groups, n, leads)
    assert (seen.sum(-1) == 1).all()
    assert (seen.sum(1) == 1).all()


def test_equal_views_lose_the_logarithm_of_the_batch():
    same = torch.ones(2, 6, 8) / 8**0.5
    assert small().compare(same, torch.eye(6, dtype=torch.bool)).loss.item() == pytest.approx(math.log(6), abs=1e-5)


def test_aligned_views_lose_less_than_shuffled_ones():
    method, one = small(), directions(1, 6)[0]
    own = torch.eye(6, dtype=torch.bool)
    aligned, shuffled = (
        method.compare(torch.stack([one, one]), own),
        method.compare(torch.stack([one, one.roll(1, 0)]), own),
    )
    assert aligned.loss < shuffled.loss
    assert (aligned.figures["found"], shuffled.figures["found"]) == (1, 0)


@pytest.mark.parametrize("n_views", [2, 4, 6])
def test_every_pairs_loss_counts(n_views: int):
    """The published program kept the last pair's loss, over the number of pairs."""
    method, said = small(), directions(n_views, 5).requires_grad_()
    own = torch.eye(5, dtype=torch.bool)
    loss = method.compare(said, own).loss
    losses, right = [], torch.arange(5)
    for one, other in combinations(range(n_views), 2):
        logits = said[one] @ said[other].T / 0.1
        both = [torch.nn.functional.cross_entropy(each, right) for each in (logits, logits.T)]
        losses.append(torch.stack(both).mean())
    torch.testing.assert_close(loss, torch.stack(losses).mean())
    assert (loss - losses[-1] / len(losses)).abs() > 1e-3 or n_views == 2
    loss.backward()
    assert said.grad is not None
    assert said.grad.abs().amax((1, 2)).min() > 1e-4, "a view that nothing is learnt from"


def test_items_of_one_patient_are_alike():
    logits = torch.randn(1, 4, 4)
    alike = torch.tensor([0, 1, 0, 2])
    got = patient_nce(logits, alike[:, None] == alike)
    likely = logits[0].log_softmax(1)
    expected = [(likely[0, 0] + likely[0, 2]) / 2, likely[1, 1], (likely[2, 0] + likely[2, 2]) / 2, likely[3, 3]]
    torch.testing.assert_close(got[0], -torch.stack(expected).mean())


def test_the_patients_of_a_batch_are_heard():
    method, x = small().eval(), torch.randn(4, 4, 60)
    alone = method(x).loss
    torch.testing.assert_close(method(x, None, torch.tensor([3, 9, 4, 7])).loss, alone)
    assert (method(x, None, torch.tensor([3, 9, 3, 7])).loss - alone).abs() > 1e-3


def test_a_network_of_one_length_is_refused():
    encoder = create_model("basic_cnn", in_channels=1, n_classes=1, head="flatten", n_samples=1500)
    assert isinstance(encoder, SignalNetwork)
    with pytest.raises(ValueError, match="built for 1500 samples: take head=mean"):
        Clocs(encoder)
