"""What every intermediate fusion that is learnt by gradient must do; a new one is tested by being registered."""

import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models import BranchShape, IntermediateFusion, create_fusion, describe_fusion

Build = Callable[..., IntermediateFusion]
Draw = Callable[..., dict[str, Tensor]]

CLASSES = 4
NO_DRAWS = {"dropout": 0.0, "branch_dropout": 0.0}

# Trainable numbers with default options, over a GRU and an AlexNet, 4 classes.
PARAMETERS = {"attention": 1_422_860, "concat": 696_844, "gated": 828_172, "mamil": 431_116, "modules": 1_356_300}
GRU_AND_ALEXNET = {"gru": BranchShape(128, 128), "alexnet": BranchShape(256, 2048)}


def test_parameter_count_is_golden(name: str) -> None:
    assert name in PARAMETERS, f"add the parameter count of {name} to PARAMETERS"
    with torch.device("meta"):
        fusion = create_fusion(name, branches=GRU_AND_ALEXNET, n_classes=4)
    assert sum(parameter.numel() for parameter in fusion.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("n_branches", [2, 3, 4])
def test_shapes(name: str, n_branches: int, build: Build, draw: Draw) -> None:
    fusion, branches = build(name, n_branches).eval(), draw(name, n_branches=n_branches)
    logits, auxiliary = fusion.outputs(branches)
    assert logits.shape == (3, CLASSES)
    assert list(auxiliary) == list(fusion.branches) == list(branches)
    assert {single.shape for single in auxiliary.values()} == {logits.shape}
    assert fusion.n_classes == CLASSES
    assert torch.equal(fusion(branches), logits)


def test_nothing_is_computed_on_meta(name: str, build: Build, draw: Draw) -> None:
    with torch.device("meta"):
        fusion = build(name)
    on_meta = {branch: x.to("meta") for branch, x in draw(name).items()}
    assert fusion(on_meta).shape == (3, CLASSES)
    assert fusion(on_meta).is_meta


def test_a_gradient_reaches_every_branch_of_every_item(name: str, build: Build, draw: Draw) -> None:
    branches = {branch: x.requires_grad_() for branch, x in draw(name).items()}
    build(name, **NO_DRAWS)(branches).square().sum().backward()
    for branch, x in branches.items():
        assert x.grad.isfinite().all()
        assert x.grad.flatten(1).abs().amax(1).min() > 0, branch


def test_a_gradient_reaches_every_parameter(name: str, build: Build, draw: Draw) -> None:
    fusion = build(name, branch_dropout=0.5)
    logits, auxiliary = fusion.outputs(draw(name, n=32))
    (logits.square().sum() + sum(single.square().sum() for single in auxiliary.values())).backward()
    for parameter_name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("training", [False, True])
def test_an_item_does_not_depend_on_its_batch(name: str, training: bool, build: Build, draw: Draw) -> None:
    """In training neither, but for what is drawn: nothing is normalised over the batch."""
    fusion, branches = build(name, **NO_DRAWS).train(training), draw(name, n=4)
    with torch.no_grad():
        together = fusion(branches)
        alone = torch.cat([fusion({branch: x[[row]] for branch, x in branches.items()}) for row in range(4)])
        shuffled = fusion({branch: x[[2, 0, 3, 1]] for branch, x in branches.items()})
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[[2, 0, 3, 1]], shuffled, atol=1e-5, rtol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3, "the fusion does not see its input"


@pytest.mark.parametrize("training", [False, True])
def test_an_item_does_not_see_the_others(name: str, training: bool, build: Build, draw: Draw) -> None:
    branches = {branch: x.requires_grad_() for branch, x in draw(name).items()}
    logits, auxiliary = build(name).train(training).outputs(branches)
    (logits[0].sum() + sum(single[0].sum() for single in auxiliary.values())).backward()
    for x in branches.values():
        assert x.grad[0].any()
        assert not x.grad[1:].any()


def test_branches_go_by_name_not_by_order(name: str, build: Build, draw: Draw) -> None:
    fusion, branches = build(name).eval(), draw(name)
    backwards = dict(reversed(branches.items()))
    assert torch.equal(fusion(backwards), fusion(branches))
    assert list(fusion.outputs(backwards)[1]) == list(branches)


def test_weights_do_not_know_the_names(name: str) -> None:
    """So that a fused run can be moved, and any name of a folder will do."""
    shapes = [BranchShape(4, 5), BranchShape(6, 7)]
    first, second = (
        create_fusion(name, branches=dict(zip(names, shapes, strict=True)), n_classes=2).state_dict()
        for names in [("a.b/c", ""), ("forward", "0")]
    )
    assert {key: value.shape for key, value in first.items()} == {key: value.shape for key, value in second.items()}


def test_auxiliary_logits_depend_on_their_own_branch_only(name: str, build: Build, draw: Draw) -> None:
    branches = {branch: x.requires_grad_() for branch, x in draw(name).items()}
    _, auxiliary = build(name, branch_dropout=0.5).outputs(branches)
    for branch, single in auxiliary.items():
        gradients = torch.autograd.grad(
            single.sum(), list(branches.values()), allow_unused=True, materialize_grads=True, retain_graph=True
        )
        reached = {other: bool(gradient.any()) for other, gradient in zip(branches, gradients, strict=True)}
        assert reached == {other: other == branch for other in branches}


def test_auxiliary_logits_do_not_know_what_is_hidden(name: str, build: Build, draw: Draw) -> None:
    fusion, branches = build(name, branch_dropout=1.0), draw(name)
    training = fusion.train().outputs(branches)[1]
    evaluated = fusion.eval().outputs(branches)[1]
    for branch, logits in training.items():
        torch.testing.assert_close(logits, evaluated[branch])


def test_a_hidden_branch_is_silent_and_one_always_speaks(name: str, build: Build, draw: Draw) -> None:
    """With probability 1 each item is answered from one branch, and each branch answers some."""
    n = 24
    fusion = build(name, dropout=0.0, branch_dropout=1.0).train()
    heard = heard_branches(fusion, draw(name, n=n))  # (n, branches)
    assert (heard.sum(1) == 1).all()
    assert heard.any(0).all()
    assert heard_branches(fusion.eval(), draw(name, n=n)).all()


def heard_branches(fusion: IntermediateFusion, branches: dict[str, Tensor]) -> Tensor:
    branches = {branch: x.requires_grad_() for branch, x in branches.items()}
    fusion(branches).square().sum().backward()
    return torch.stack([x.grad.flatten(1).abs().amax(1) > 0 for x in branches.values()], dim=1)


@pytest.mark.parametrize("option", ["dropout", "branch_dropout"])
def test_dropout_acts_in_training_only(name: str, option: str, build: Build, draw: Draw) -> None:
    fusion, branches = build(name, **(NO_DRAWS | {option: 0.5})), draw(name, n=8)
    with torch.no_grad():
        assert not torch.equal(fusion(branches), fusion(branches))
        fusion.eval()
        assert torch.equal(fusion(branches), fusion(branches))


def test_no_dropout_draws_nothing(name: str, build: Build, draw: Draw) -> None:
    """So that training is the same with and without."""
    fusion, branches = build(name, **NO_DRAWS), draw(name)
    before = torch.get_rng_state()
    fusion(branches)
    assert torch.equal(torch.get_rng_state(), before)


def test_state_dict_round_trip(name: str, build: Build, draw: Draw) -> None:
    fusion, branches, file = build(name).eval(), draw(name), io.BytesIO()
    torch.save(fusion.state_dict(), file)
    file.seek(0)
    other = build(name).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
        assert not torch.equal(other(branches), fusion(branches))
        other.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(other(branches), fusion(branches))


def test_runs_in_bfloat16_autocast(name: str, build: Build, draw: Draw) -> None:
    fusion, branches = build(name).eval(), draw(name)
    with torch.no_grad():
        exact = fusion(branches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = fusion(branches).float()
            fusion.train()(branches)
    torch.testing.assert_close(rounded, exact, atol=0.05 * float(exact.abs().max()), rtol=0)


def test_runs_in_float64(name: str, build: Build, draw: Draw) -> None:
    fusion, branches = build(name).eval(), draw(name)
    exact = fusion.double()({branch: x.double() for branch, x in branches.items()})
    torch.testing.assert_close(fusion.float()(branches), exact.float(), atol=1e-5, rtol=1e-5)


def test_learns_what_no_branch_knows_alone(name: str) -> None:
    """Whether two numbers, one in each branch, have one sign: from either alone, that is a coin."""
    torch.manual_seed(0)
    signs = {side: torch.randn(512, 1).sign() for side in ("left", "right")}
    same = (signs["left"] * signs["right"] > 0).float()
    branches = {side: torch.randn(512, 2) + 3 * sign * torch.tensor([1.0, -1.0]) for side, sign in signs.items()}
    if describe_fusion(name).reads == "tokens":
        branches = {side: x[:, None] for side, x in branches.items()}  # one of each
    shapes = dict.fromkeys(branches, BranchShape(2, 2))
    fusion = create_fusion(name, branches=shapes, n_classes=1, hidden_size=16)
    optimizer = torch.optim.Adam(fusion.parameters(), lr=0.01)
    for _ in range(100):
        loss = functional.binary_cross_entropy_with_logits(fusion(branches), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right_answers = (fusion.eval()(branches) > 0) == (same > 0)
    assert right_answers.float().mean() > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda branches: branches.pop("stft"), "given are runs/gru.v2, Fusión 2; the fusion was built for runs/gru"),
        (lambda branches: branches.update(x=branches["stft"]), "the branches given are .*, x; "),
        (lambda branches: branches.clear(), "the branches given are none"),
        (lambda branches: branches.update(stft=branches["stft"][:2]), r"items \(runs/gru.v2 3, Fusión 2 3, stft 2\)"),
        (lambda branches: branches.update(stft=branches["stft"][..., :2]), "'stft' has shape .*; the fusion was built"),
        (lambda branches: branches.update(stft=branches["stft"][0]), "'stft' has shape .* built for \\(n, .*[36]\\)"),
    ],
)
def test_wrong_branches_are_refused(
    name: str, change: Callable[[dict[str, Tensor]], object], message: str, build: Build, draw: Draw
) -> None:
    branches = draw(name)
    change(branches)
    with pytest.raises(ValueError, match=message):
        build(name)(branches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 1}, "hidden_size is 1; a fusion needs 2 or more"),
        ({"branch_dropout": 1.5}, "branch_dropout is 1.5; a probability is from 0 to 1"),
        ({"branch_dropout": -0.1}, "branch_dropout is -0.1"),
        ({"dropout": 1.5}, "1.5"),
    ],
)
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, object], message: str, build: Build) -> None:
    with pytest.raises(ValueError, match=message):
        build(name, **options)


def test_a_branch_of_one_number_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="'b' is 1 wide; a fusion needs 2 or more"):
        create_fusion(name, branches={"a": BranchShape(2, 2), "b": BranchShape(1, 1)}, n_classes=2)
