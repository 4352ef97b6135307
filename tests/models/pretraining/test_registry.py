"""Every method of the registry: its loss, its gradients, padding, one item's figures, and what it refuses."""

from typing import Any

import pytest
import torch
from torch import Tensor

from models import SignalNetwork, create_model
from models import pretraining as pretraining
from models.pretraining.method import Method, in_range
from models.pretraining.registry import create_method, describe_method, list_methods, register_method

LEADS, TIME = 3, 240
NETWORKS: dict[str, dict[str, Any]] = {
    "ecg_transformer": {"patch": 10, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.0},
    "lead_transformer": {"patch": 10, "width": 16, "n_layers": 1, "n_heads": 2, "dropout": 0.0},
    "resnet1d_wang": {"dropout": 0.0},
    "gru": {"hidden_size": 6, "n_layers": 1},
    "cnn_gru": {},
}
GO_TOGETHER = [
    *(("jepa", name) for name in NETWORKS),
    *(("cpc", name) for name in ("resnet1d_wang", "gru", "cnn_gru")),
    *(("clocs", name) for name in NETWORKS),
    ("st_mem", "lead_transformer"),
]
FEW = {
    "cpc": {"n_ahead": 3, "hidden_size": 8},
    "jepa": {"width": 8, "n_layers": 1},
    "st_mem": {"width": 8},
    "clocs": {},
}

pairs = pytest.mark.parametrize(("method", "network"), GO_TOGETHER)


def encoder(network: str) -> SignalNetwork:
    torch.manual_seed(0)
    made = create_model(network, in_channels=LEADS, n_classes=1, **NETWORKS[network])
    assert isinstance(made, SignalNetwork)
    return made


def made(method: str, network: str, **options: Any) -> Method:
    return create_method(method, encoder=encoder(network), **{**FEW[method], **options})


def signals(n: int = 6, time: int = TIME) -> Tensor:
    return torch.randn(n, LEADS, time, generator=torch.Generator().manual_seed(1))


def test_each_method_is_tried_here():
    assert {name for name, _ in GO_TOGETHER} == {*list_methods()}
    assert {name for name, _ in GO_TOGETHER if describe_method(name).model == _} == {*list_methods()}


@pairs
def test_the_encoder_and_the_method_learn(method: str, network: str):
    trained = made(method, network).train()
    outcome = trained(signals())
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(not value.requires_grad for value in outcome.figures.values())
    of_encoder = [name for name, x in trained.encoder.named_parameters() if x.grad is not None and x.grad.any()]
    assert of_encoder
    assert not {"head.weight", "head.bias"} & {*of_encoder}
    for name, parameter in trained.named_parameters():
        if parameter.requires_grad and not name.startswith("encoder."):
            assert parameter.grad is not None, name


@pairs
def test_a_step_in_the_direction_of_the_gradient_makes_the_loss_less(method: str, network: str):
    trained = made(method, network).train()
    optimizer = torch.optim.Adam([x for x in trained.parameters() if x.requires_grad], 3e-3)
    losses = []
    for _ in range(25):
        torch.manual_seed(5)  # the same is hidden or drawn
        loss = trained(signals(), None, None).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pairs
def test_padding_never_changes_the_loss(method: str, network: str):
    """Whatever stands behind the ends, and however far they are padded."""
    trained = made(method, network).eval()
    length = torch.tensor([TIME, 160, 200, 150, TIME, 170])
    x = signals()
    for row, end in enumerate(length.tolist()):
        x[row, :, end:] = 0
    other = x.clone()
    for row, end in enumerate(length.tolist()):
        other[row, :, end:] = 7e2
    losses = []
    for each in (x, other):
        torch.manual_seed(3)
        losses.append(trained(each, length).loss)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-4, atol=1e-5)
    torch.manual_seed(3)
    assert (trained(x).loss - losses[0]).abs() > 1e-6, "it does not hear of lengths"


@pairs
def test_full_lengths_say_nothing_new(method: str, network: str):
    trained = made(method, network).eval()
    losses = []
    for length in (None, torch.full((6,), TIME)):
        torch.manual_seed(3)
        losses.append(trained(signals(), length).loss)
    torch.testing.assert_close(*losses)


@pairs
def test_randomness_is_torchs_own(method: str, network: str):
    trained = made(method, network).eval()
    losses = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        losses.append(trained(signals()).loss.item())
    assert losses[0] == losses[1]
    if method != "clocs":  # whose one group of leads leaves nothing to chance
        assert losses[0] != losses[2]


@pairs
def test_the_shortest_item_goes_in(method: str, network: str):
    trained = made(method, network).train()
    fewest = trained.fewest_samples()
    assert fewest <= TIME
    loss = trained(signals(time=fewest)).loss
    assert loss.isfinite()
    length = torch.tensor([TIME, fewest, TIME, fewest, TIME, TIME])
    assert trained(signals(), length).loss.isfinite()


@pairs
def test_runs_in_bfloat16_autocast(method: str, network: str):
    trained = made(method, network).train()
    torch.manual_seed(3)
    exact = trained(signals()).loss
    again = made(method, network).train()
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = again(signals()).loss
    rounded.backward()
    torch.testing.assert_close(rounded.float(), exact, rtol=0.1, atol=0.05)


def test_an_unknown_method_or_option_is_one_sentence():
    with pytest.raises(ValueError, match="no method is named 'jeppa'; did you mean jepa"):
        describe_method("jeppa")
    with pytest.raises(ValueError, match="method 'clocs' does not take the option 'n_ahead'; it takes lead_groups"):
        made("clocs", "gru", n_ahead=3)


@pytest.mark.parametrize(
    ("method", "network", "options", "said"),
    [
        ("jepa", "gru", {"span": 0.3}, "span is 0.3 and n_spans 4; together they are above 0 and below 1"),
        ("jepa", "gru", {"momentum": 1.0}, "momentum is 1; it is at least 0 and below 1"),
        ("jepa", "gru", {"n_heads": 3}, "n_heads is 3; it is a divisor of width, 8"),
        ("cpc", "gru", {"n_ahead": 0}, "n_ahead is 0; it is at least 1"),
        ("clocs", "gru", {"temperature": 0.0}, "temperature is 0; it is above 0"),
        ("clocs", "gru", {"lead_groups": 4}, "lead_groups is 4; it is at least 1 and below 4"),
        ("st_mem", "lead_transformer", {"hidden": 1.0}, "hidden is 1; it is above 0 and below 1"),
        ("st_mem", "ecg_transformer", {}, "hides patches of each lead, .* take lead_transformer"),
        ("st_mem", "gru", {}, "hides patches of each lead"),
        ("cpc", "ecg_transformer", {}, "hears all of an item, .* take one whose tokens see a part"),
    ],
)
def test_what_does_not_work_is_one_sentence(method: str, network: str, options: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        made(method, network, **options)


def test_a_taken_name_is_refused():
    with pytest.raises(ValueError, match="a method named 'jepa' is already registered"):
        register_method("jepa", paper="", model="gru")(Method)


def test_a_number_out_of_its_range_is_named():
    with pytest.raises(ValueError, match="width is 0; it is at least 1 and below 3"):
        in_range("width", 0, 1, 3)
