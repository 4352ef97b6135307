"""Chunks and what is added up of them, the norm of an item, and the four parts of its time."""

import pytest
import torch
from torch import nn

from models import create_model
from models.signal.dual_path import DualPathRnn, ItemNorm, chunked, overlap_added


@pytest.fixture
def network() -> DualPathRnn:
    torch.manual_seed(0)
    network = create_model("dual_path_rnn", in_channels=2, n_classes=3, n_blocks=1, hidden_size=4, chunk=5).eval()
    assert isinstance(network, DualPathRnn)
    return network


def test_chunks_by_hand() -> None:
    chunks = chunked(torch.tensor([1.0, 2, 3, 4])[None, :, None], 3)[0, :, :, 0]
    expected = [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 0], [0, 0, 0]]
    assert chunks.tolist() == expected


@pytest.mark.parametrize("size", [2, 3, 4, 5, 45])
@pytest.mark.parametrize("time", [1, 2, 7, 60])
def test_chunks_are_laid_and_added_as_torch_does(size: int, time: int) -> None:
    frames = torch.randn(2, time, 3)
    how = {"kernel_size": (size, 1), "padding": (size, 0), "stride": (size // 2, 1)}
    theirs = nn.functional.unfold(frames.mT[..., None], **how)  # (2, 3 · size, chunks)
    chunks = chunked(frames, size)
    assert torch.equal(chunks, theirs.reshape(2, 3, size, -1).permute(0, 3, 2, 1))
    expected = nn.functional.fold(theirs.square(), (time, 1), **how)[..., 0].mT
    torch.testing.assert_close(overlap_added(chunks.square(), time), expected)


def test_the_norm_is_a_group_norm_of_one_group_over_what_is_an_items_own() -> None:
    x, norm = torch.randn(2, 6, 5, 4), ItemNorm(4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)

    def theirs(item: torch.Tensor) -> torch.Tensor:
        return nn.functional.group_norm(item.movedim(-1, 1), 1, norm.weight, norm.bias).movedim(1, -1)

    torch.testing.assert_close(norm(x, None), theirs(x))
    shorter = norm(x, torch.tensor([6, 2]))
    torch.testing.assert_close(shorter[1:, :2], theirs(x[1:, :2]))
    assert not shorter[1, 2:].any()


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 10])
def test_the_parts_of_time_are_torchs(network: DualPathRnn, n_frames: int) -> None:
    tokens = torch.randn(1, 12, 64)
    means = nn.functional.adaptive_avg_pool1d(tokens[:, :n_frames].mT, 4)
    expected = network.hidden(means.flatten(1))
    torch.testing.assert_close(network.pool(tokens, torch.tensor([4 * n_frames])), expected)
    torch.testing.assert_close(network.pool(tokens[:, :n_frames]), expected)


def test_a_block_carries_the_end_of_a_record_to_its_beginning(network: DualPathRnn) -> None:
    """What no recurrence within a chunk could: the first frame hears the last one, forty chunks away."""
    x = torch.randn(1, 2, 320, requires_grad=True)
    (gradient,) = torch.autograd.grad(network.tokens(x)[0, 0].sum(), x)
    assert gradient[0, :, -1].abs().min() > 0


def test_no_dropout_acts_while_scoring(network: DualPathRnn) -> None:
    x = torch.randn(2, 2, 60)
    assert torch.equal(network(x), network(x))
    network.train()
    assert not torch.equal(network(x), network(x))


@pytest.mark.parametrize(("option", "number", "least"), [("n_blocks", 0, 1), ("hidden_size", 0, 1), ("chunk", 1, 2)])
def test_a_number_too_small_is_refused(option: str, number: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"{option} is {number}; it is {least} or more"):
        create_model("dual_path_rnn", in_channels=2, n_classes=3, **{option: number})
