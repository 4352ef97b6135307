"""What is particular to each fusion: whom a token asks, what a gate weighs, which branch is hidden."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from models import at_most
from models.fusion.branches import BranchDropout, draw_hidden

Build = Callable[..., Any]  # of a subclass of IntermediateFusion, whose own parts are asked for
Draw = Callable[..., dict[str, Tensor]]

NO_DRAWS = {"dropout": 0.0, "branch_dropout": 0.0}


def padded_tokens(
    draw: Draw, garbage: float, extra: int = 0
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[dict[str, Tensor]]]:
    """Tokens of four items with garbage behind their own, masks, and what each item is alone."""
    generator = torch.Generator().manual_seed(2)
    branches: dict[str, Tensor] = {}
    masks: dict[str, Tensor] = {}
    alone: list[dict[str, Tensor]] = [{} for _ in range(4)]
    for branch, x in draw("attention", n=4).items():
        n, t, d = x.shape
        length = torch.randint(1, t + 1, (n,), generator=generator)
        length[0] = t
        masks[branch] = torch.arange(t + extra) < length[:, None]
        branches[branch] = torch.cat([x, torch.zeros(n, extra, d)], 1).masked_fill(~masks[branch][..., None], garbage)
        for row in range(n):
            alone[row][branch] = x[row : row + 1, : length[row]]
    return branches, masks, alone


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("garbage", "extra"), [(0.0, 0), (1e3, 0), (float("nan"), 0), (-7.0, 41)])
def test_padding_never_changes_the_answer(garbage: float, extra: int, training: bool, build: Build, draw: Draw) -> None:
    fusion = build("attention", **NO_DRAWS).train(training)
    branches, masks, alone = padded_tokens(draw, garbage, extra)
    with torch.no_grad():
        logits, auxiliary = fusion.outputs(branches, masks)
        expected = [fusion.outputs(item) for item in alone]
    torch.testing.assert_close(logits, torch.cat([item[0] for item in expected]), atol=1e-5, rtol=1e-5)
    for branch in branches:
        of_each = torch.cat([item[1][branch] for item in expected])
        torch.testing.assert_close(auxiliary[branch], of_each, atol=1e-5, rtol=1e-5)


def test_garbage_gets_no_gradient(build: Build, draw: Draw) -> None:
    fusion = build("attention")
    branches, masks, _ = padded_tokens(draw, float("nan"))
    for x in branches.values():
        x.requires_grad_()
    fusion(branches, masks).square().sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in fusion.parameters())
    for branch, x in branches.items():
        assert not x.grad[~masks[branch]].any()


def test_a_full_mask_says_nothing_new(build: Build, draw: Draw) -> None:
    fusion, branches = build("attention").eval(), draw("attention")
    masks = {branch: torch.ones(x.shape[:2], dtype=torch.bool) for branch, x in branches.items()}
    torch.testing.assert_close(fusion(branches, masks), fusion(branches))
    masks.pop("stft")
    torch.testing.assert_close(fusion(branches, masks), fusion(branches))


def test_the_tokens_of_every_branch_read_those_of_every_other(build: Build) -> None:
    fusion = build("attention", **NO_DRAWS)
    own = [torch.randn(1, t, 16) for t in (3, 4, 2)]
    masks = [None] * 3
    with torch.no_grad():
        before = fusion.attend(own, masks)
        for changed in range(3):
            others = [x.clone() for x in own]
            others[changed][0, 1] += 1.0
            after = fusion.attend(others, masks)
            for asking in set(range(3)) - {changed}:
                difference = (after[asking] - before[asking]).abs().amax(2)[0]
                assert difference.min() > 1e-4  # every token has read it
            untouched = [t for t in range(own[changed].shape[1]) if t != 1]
            assert torch.equal(
                after[changed][0, untouched], before[changed][0, untouched]
            )  # which asked nobody of its own


def test_what_is_read_of_each_branch_is_the_mean_and_the_maximum(build: Build) -> None:
    fusion, own, masks = build("attention", **NO_DRAWS), [torch.randn(2, t, 16) for t in (3, 4, 2)], [None] * 3
    with torch.no_grad():
        pooled = torch.cat([part for x in fusion.attend(own, masks) for part in (x.mean(1), x.amax(1))], dim=1)
        torch.testing.assert_close(fusion.fuse(own, masks), fusion.hidden(pooled).relu())


@pytest.mark.parametrize("branch", ["runs/gru.v2", "Fusión 2", "stft"])
def test_the_order_of_tokens_matters_and_only_by_their_position(branch: str, build: Build, draw: Draw) -> None:
    fusion, branches = build("attention").eval(), draw("attention")
    turned = branches | {branch: branches[branch].flip(1)}
    with torch.no_grad():
        assert (fusion(turned) - fusion(branches)).abs().amax(1).min() > 1e-3
        fusion.position.mixture.weight.zero_()
        order = torch.arange(32).flip(0)
        few = branches | {"stft": branches["stft"][:, :32]}
        turned = few | {branch: few[branch][:, order[order < few[branch].shape[1]]]}
        torch.testing.assert_close(fusion(turned), fusion(few))


def test_tokens_at_one_time_have_one_position_however_many_there_are(build: Build) -> None:
    """The middle one of three is where the only one of one is."""
    position = build("attention").position
    middle = [position(torch.tensor([[(t + 0.5) / count]])) for t, count in [(0, 1), (1, 3), (15, 31)]]
    torch.testing.assert_close(middle[0], middle[1])
    torch.testing.assert_close(middle[0], middle[2], atol=1e-5, rtol=1e-5)
    # and 32 of them lie apart
    codes = position((torch.arange(32)[None] + 0.5) / 32)[0]
    assert torch.cdist(codes, codes).add(torch.eye(32) * 9).min() > 0.05


def test_tokens_that_were_averaged_before_give_the_same(build: Build, draw: Draw) -> None:
    """So that a store of tokens may keep no more than go in."""
    fusion = build("attention", max_tokens=4).eval()
    branches, masks, _ = padded_tokens(draw, float("nan"))
    fewer = {branch: at_most(x, masks[branch], 4) for branch, x in branches.items()}
    expected = fusion(branches, masks)
    got = fusion({b: x for b, (x, _) in fewer.items()}, {b: mask for b, (_, mask) in fewer.items()})
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"x": torch.ones(3, 5, dtype=torch.bool)}, "there is a mask of 'x'; the branches are runs/gru.v2, "),
        ({"stft": torch.ones(3, 5, dtype=torch.bool)}, "mask of branch 'stft' is .* must be bool \\(3, 40\\)"),
        ({"stft": torch.zeros(3, 40, dtype=torch.bool)}, "mask of branch 'stft' leaves item 0 without a token"),
    ],
)
def test_a_wrong_mask_is_refused(masks: dict[str, Tensor], message: str, build: Build, draw: Draw) -> None:
    with pytest.raises(ValueError, match=message):
        build("attention")(draw("attention"), masks)


def test_no_tokens_are_refused(build: Build, draw: Draw) -> None:
    branches = draw("attention")
    with pytest.raises(ValueError, match="'stft' has no tokens"):
        build("attention")(branches | {"stft": branches["stft"][:, :0]})


@pytest.mark.parametrize("name", ["concat", "gated"])
def test_masks_are_of_tokens_only(name: str, build: Build, draw: Draw) -> None:
    with pytest.raises(ValueError, match="this fusion reads features"):
        build(name)(draw(name), {"stft": torch.ones(3, 5, dtype=torch.bool)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 3}, "n_heads is 3; it must divide hidden_size, 16"),
        ({"n_heads": 0}, "n_heads is 0"),
        ({"max_tokens": 0}, "max_tokens is 0; a branch needs 1 or more"),
    ],
)
def test_options_of_attention_are_checked(options: dict[str, object], message: str, build: Build) -> None:
    with pytest.raises(ValueError, match=message):
        build("attention", **options)


def test_two_branches_are_the_bimodal_unit_of_the_paper(build: Build) -> None:
    """z = σ(W [x, y] + b) and h = z tanh x + (1 − z) tanh y, W the difference of our gates'."""
    fusion = build("gated", n_branches=2)
    x, y = torch.randn(2, 5, 16)
    weight, bias = (both[:16] - both[16:] for both in (fusion.gate.weight, fusion.gate.bias))
    z = torch.nn.functional.linear(torch.cat([x, y], 1), weight, bias).sigmoid()
    torch.testing.assert_close(fusion.fuse([x, y], [None, None]), z * x.tanh() + (1 - z) * y.tanh())


def test_gates_are_shares(build: Build) -> None:
    gates = build("gated").gates(torch.randn(5, 3, 16))
    assert gates.shape == (5, 3, 16)
    assert gates.min() > 0
    torch.testing.assert_close(gates.sum(1), torch.ones(5, 16))


def test_a_shut_gate_hides_its_branch(build: Build, draw: Draw) -> None:
    fusion, branches = build("gated").eval(), draw("gated")
    with torch.no_grad():
        fusion.gate.bias[:16] = 100.0  # all of it to the first
        others = {branch: x if branch == "runs/gru.v2" else -x for branch, x in branches.items()}
        torch.testing.assert_close(fusion(others), fusion(branches))
        fusion.gate.bias[:16] = 0.0
        assert (fusion(others) - fusion(branches)).abs().max() > 1e-3


def test_the_scale_of_a_branch_is_not_heard(build: Build, draw: Draw) -> None:
    """Features are normalised: those of one network may be a thousand times those of another."""
    fusion, branches = build("concat").eval(), draw("concat")
    louder = branches | {"stft": 1e3 * branches["stft"]}
    torch.testing.assert_close(fusion(louder), fusion(branches), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("n_branches", "probability"), [(2, 0.1), (2, 0.9), (3, 0.5), (4, 0.97), (3, 1.0)])
def test_a_branch_is_hidden_as_often_as_said_and_never_all(n_branches: int, probability: float) -> None:
    torch.manual_seed(0)
    n = 20_000
    hidden = draw_hidden(n, n_branches, probability)
    assert not hidden.all(1).any()
    expected = probability - probability**n_branches / n_branches
    assert (hidden.float().mean(0) - expected).abs().max() < 4 * 0.5 / n**0.5
    assert not draw_hidden(n, n_branches, 0.0).any()


def test_a_hidden_branch_is_its_learnt_vector_in_every_token() -> None:
    torch.manual_seed(0)
    dropout = BranchDropout(2, 4, 0.5)
    features, tokens = torch.randn(40, 4), torch.randn(40, 3, 4)
    seen, read = dropout([features, tokens])
    kept, stayed = (seen == features).all(1), (read == tokens).flatten(1).all(1)
    assert (kept | stayed).all()
    assert 0 < kept.sum() < 40
    assert 0 < stayed.sum() < 40
    assert (seen[~kept] == dropout.absent[0]).all()
    assert (read[~stayed] == dropout.absent[1]).all()
    dropout.eval()
    assert all(torch.equal(*pair) for pair in zip(dropout([features, tokens]), [features, tokens], strict=True))


def test_no_branch_dropout_has_no_parameter() -> None:
    """One that gets no gradient would stop a training on several GPUs."""
    assert list(BranchDropout(2, 4, 0.0).parameters()) == []
