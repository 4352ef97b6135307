"""Each kind of attention is full attention where it hides nothing, and hides what it says where it does."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from models.signal.attention_kinds import ATTENTIONS, Attention, CrossAttention, make_attention
from models.signal.heads import (
    Heads,
    PooledHeads,
    ReducedHeads,
    RoutedHeads,
    ShuntedHeads,
    StrideHeads,
    WindowHeads,
)

WIDTH, N_HEADS, TIME = 8, 4, 30
SMALL: dict[str, dict[str, int]] = {
    **{kind: {} for kind in ATTENTIONS},
    **{kind: {"window": 4} for kind in ("window", "shifted_window", "hilo", "stride_pooled")},
    "bi_level": {"window": 4, "top": 2},
}
"""Windows of which an item has several."""

pytestmark = pytest.mark.usefixtures("in_float64")
kinds = pytest.mark.parametrize("kind", ATTENTIONS)


def full() -> Attention:
    return make_attention("multi_head", WIDTH, N_HEADS)


def with_weights_of(whole: Attention, *groups: Heads) -> Attention:
    """Groups of heads that take over, one after the other, the weights of as many heads of full attention."""
    other, start = Attention(WIDTH, *groups), 0
    other.project.load_state_dict(whole.project.state_dict())
    theirs = whole.groups[0]
    assert isinstance(theirs, Heads)
    for group in groups:
        inner = group.query.out_features
        rows = torch.arange(start, start + inner)
        for mine, source, taken in (
            (group.query, theirs.query, rows),
            (group.key_value, theirs.key_value, torch.cat([rows, WIDTH + rows])),
        ):
            mine.load_state_dict({"weight": source.weight[taken], "bias": source.bias[taken]})
        start += inner
    assert start == WIDTH
    return other


HIDE_NOTHING: dict[str, Callable[[], list[Heads]]] = {
    "a window of the whole length": lambda: [WindowHeads(8, 8, 4, TIME)],
    "a longer window": lambda: [WindowHeads(8, 8, 4, TIME + 7)],
    "every step": lambda: [StrideHeads(8, 8, 4, 1)],
    "each step as one": lambda: [ReducedHeads(8, 8, 4, 1)],
    "all regions": lambda: [RoutedHeads(8, 8, 4, 10, 3)],
    "more regions than there are": lambda: [RoutedHeads(8, 8, 4, 7, 99)],
    "regions of the whole length": lambda: [RoutedHeads(8, 8, 4, TIME, 1)],
    "means of one": lambda: [PooledHeads(8, 8, 4, 1)],
    "heads of both frequencies": lambda: [WindowHeads(8, 4, 2, TIME), PooledHeads(8, 4, 2, 1)],
    "far heads and means of one": lambda: [StrideHeads(8, 4, 2, 1), PooledHeads(8, 4, 2, 1, mixed=True)],
    "shunted with all rates 1": lambda: [shunted_without_kernels(*each) for each in ((4, 2), (2, 1), (2, 1))],
}


def shunted_without_kernels(inner: int, n_heads: int) -> ShuntedHeads:
    heads = ShuntedHeads(WIDTH, inner, n_heads, 1)
    for numbers in heads.local.parameters():
        nn.init.zeros_(numbers)
    return heads


@pytest.mark.parametrize("steps", [None, [TIME, 17, 1]])
@pytest.mark.parametrize("name", HIDE_NOTHING)
def test_what_hides_nothing_is_full_attention(name: str, steps: list[int] | None) -> None:
    groups = HIDE_NOTHING[name]()
    whole, x = full(), torch.randn(3, TIME, WIDTH)
    own = None if steps is None else torch.tensor(steps)
    if own is not None:
        x = x * (torch.arange(TIME) < own[:, None])[..., None]
    found, wanted = with_weights_of(whole, *groups)(x, own), whole(x, own)
    for row, n in enumerate(steps or [TIME] * 3):
        torch.testing.assert_close(found[row, :n], wanted[row, :n])


def test_full_attention_is_torchs_own() -> None:
    ours, theirs, x = full(), nn.MultiheadAttention(WIDTH, N_HEADS, batch_first=True), torch.randn(2, TIME, WIDTH)
    heads = ours.groups[0]
    assert isinstance(heads, Heads)
    both = [(heads.query, heads.key_value, name) for name in ("weight", "bias")]
    for query, key_value, name in both:
        joined = torch.cat([getattr(query, name), getattr(key_value, name)])
        getattr(theirs, f"in_proj_{name}").data.copy_(joined)
    theirs.out_proj.load_state_dict(ours.project.state_dict())
    torch.testing.assert_close(ours(x, None), theirs(x, x, x, need_weights=False)[0])


def test_shifted_by_nothing_it_is_the_window() -> None:
    x = torch.randn(2, TIME, WIDTH)
    made = (("window", 1), ("shifted_window", 2), ("shifted_window", 3))  # kind and place
    window, shifted, moved = (make_attention(kind, WIDTH, N_HEADS, place, window=8) for kind, place in made)
    for other in (shifted, moved):
        other.load_state_dict(window.state_dict())
    assert torch.equal(window(x, None), shifted(x, None))
    assert not torch.allclose(window(x, None), moved(x, None))


@kinds
@pytest.mark.parametrize("place", [0, 1])
def test_masked_is_unpadded(kind: str, place: int) -> None:
    """Windows that hold nothing of an item, and regions that it has not, change nothing, whatever stands in them."""
    attention, x = make_attention(kind, WIDTH, N_HEADS, place, **SMALL[kind]), torch.randn(4, TIME, WIDTH)
    steps = torch.tensor([TIME, 19, 8, 1])
    x = x * (torch.arange(TIME) < steps[:, None])[..., None]
    found = attention(x, steps)
    assert found.isfinite().all()
    for row, n in enumerate(steps.tolist()):
        torch.testing.assert_close(found[row, :n], attention(x[row : row + 1, :n], None)[0])


@kinds
def test_a_gradient_reaches_every_weight_and_no_padding(kind: str) -> None:
    attention = make_attention(kind, WIDTH, N_HEADS, 1, **SMALL[kind])
    x, steps = torch.randn(2, TIME, WIDTH), torch.tensor([TIME, 11])
    x[1, 11:] = 0
    x.requires_grad_()
    found = attention(x, steps)
    (found[0].square().sum() + found[1, :11].square().sum()).backward()
    for name, numbers in attention.named_parameters():
        assert numbers.grad is not None, name
        assert numbers.grad.abs().max() > 0, name
    assert x.grad is not None
    assert x.grad.isfinite().all()


@kinds
def test_a_kind_says_what_it_does(kind: str) -> None:
    assert ATTENTIONS[kind].__doc__


def test_cross_attention_of_an_item_by_itself_is_full_attention_of_normed_steps() -> None:
    whole, cross, x = full(), CrossAttention(WIDTH, N_HEADS), torch.randn(2, TIME, WIDTH)
    cross.heads.load_state_dict(whole.groups[0].state_dict())
    cross.project.load_state_dict(whole.project.state_dict())
    normed = nn.functional.layer_norm(x, (WIDTH,))
    torch.testing.assert_close(cross(x, x, None), whole(normed, None))


@pytest.mark.parametrize(
    ("kind", "numbers", "sentence"),
    [
        ("full", {}, "attention is 'full'; it is one of multi_head, spatial_reduction, bi_level"),
        ("multi_head", {"window": 3}, "attention 'multi_head' does not take the option 'window'; it takes none"),
        ("window", {"top": 3}, "'window' does not take the option 'top'; it takes window"),
        ("window", {"window": 0}, "window is 0; it is a whole number, 1 or more"),
        ("bi_level", {"top": 1.5}, "top of attention 'bi_level' is 1.5; it is a whole number"),
        ("multi_head", {"n_heads": 3}, "n_heads is 3; it is a divisor of 8"),
        ("multi_head", {"n_heads": 0}, "n_heads is 0; it is a whole number, 1 or more"),
        ("shunted", {"n_heads": 2}, "n_heads is 2; shunted attention takes a multiple of 4"),
        ("hilo", {"n_heads": 1}, "n_heads is 1; hilo attention takes a multiple of 2"),
    ],
)
def test_what_is_no_attention_is_refused(kind: str, numbers: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make_attention(kind, WIDTH, **{"n_heads": N_HEADS, **numbers})
