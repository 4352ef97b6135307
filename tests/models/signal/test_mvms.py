"""Which leads a view sees, what its gate does, and views that say nothing."""

import pytest
import torch
from torch import nn

from models import create_model
from models.signal.mvms import CoordinateAttention, Mvms


def network(leads: int, **options: object) -> Mvms:
    torch.manual_seed(0)
    found = create_model("mvms", in_channels=leads, n_classes=3, **options).eval()
    assert isinstance(found, Mvms)
    return found


def test_the_territories_are_those_of_the_walls_of_the_heart() -> None:
    names = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    views = [{names[lead] for lead in view} for view in network(12).views]
    assert views == [{"aVR"}, {"I", "aVL"}, {"V1", "V2"}, {"V3", "V4"}, {"V5", "V6"}, {"II", "III", "aVF"}]


@pytest.mark.parametrize(
    ("leads", "views", "sizes"),
    [(12, "auto", 6), (12, "leads", 12), (12, "one", 1), (3, "auto", 3), (3, "one", 1), (1, "auto", 1)],
)
def test_how_many_views_there_are(leads: int, views: str, sizes: int) -> None:
    found = network(leads, views=views)
    assert len(found.views) == len(found.encoders) == sizes
    assert sorted(lead for view in found.views for lead in view) == list(range(leads))
    assert len(found.gates) == (sizes if sizes > 1 else 0)


def test_a_view_hears_its_own_leads_alone() -> None:
    """V3 moves the tokens of the fourth view, and no others."""
    found = network(12)
    signal = torch.randn(2, 12, 100)
    other = signal.clone()
    other[:, 8] += 1.0
    with torch.no_grad():
        differs = (found.tokens(signal) != found.tokens(other)).any(1).any(0).unflatten(0, (6, 128)).any(1)
    assert differs.tolist() == [False, False, False, True, False, False]


def test_an_open_gate_lets_a_view_through_and_a_shut_one_does_not() -> None:
    found = network(3)
    tokens = torch.randn(2, 5, found.token_dim)
    for gate, bias in zip(found.gates, (50.0, -50.0, 50.0), strict=True):
        assert isinstance(gate, nn.Linear)
        nn.init.zeros_(gate.weight)
        nn.init.constant_(gate.bias, bias)
    first, _, third = tokens.mean(1).chunk(3, 1)
    torch.testing.assert_close(found.pool(tokens), first + third)


@pytest.mark.parametrize("training", [True, False])
def test_a_silent_view_breaks_nothing(training: bool) -> None:
    """As ``lead_dropout`` makes one, of one item or of all."""
    found = network(12).train(training)
    signal = torch.randn(3, 12, 100)
    signal[0, 6:8] = 0.0
    signal[:, 3] = 0.0
    answers = found(signal)
    answers.square().sum().backward()
    assert answers.isfinite().all()
    assert all(x.grad is not None and x.grad.isfinite().all() for x in found.parameters())


def test_coordinate_attention_with_nothing_to_say_is_a_quarter() -> None:
    """Both shares are then a half, at each step of every channel."""
    attention = CoordinateAttention(32).eval()
    for layer in (attention.of_channel, attention.of_step):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = torch.randn(2, 32, 7)
    torch.testing.assert_close(attention(x, None), x / 4)


def test_the_share_of_a_channel_is_of_an_items_own_mean() -> None:
    torch.manual_seed(0)
    attention = CoordinateAttention(8).eval()
    item = torch.randn(1, 8, 5)
    longer = torch.cat([item, torch.zeros(1, 8, 4)], 2)
    torch.testing.assert_close(attention(longer, torch.tensor([5]))[..., :5], attention(item, None))


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ("walls", "views is 'walls'; it is auto, territories, leads or one"),
        ("territories", "views is 'territories', which are of the 12 leads, and there are 3; it can be 'leads' or"),
    ],
)
def test_wrong_views_are_refused(views: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(3, views=views)
