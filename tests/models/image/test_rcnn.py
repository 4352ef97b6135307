"""A recurrence over the columns of a spectrogram, which knows how high a frequency is."""

import torch
from torch import nn

from models import ImageNetwork, create_model
from models.image.rcnn import OverTime, WithHeight


def network() -> ImageNetwork:
    torch.manual_seed(0)
    found = create_model("rcnn", in_channels=2, n_classes=3).eval()
    assert isinstance(found, ImageNetwork)
    return found


def test_rows_know_how_high_they_are() -> None:
    x = torch.rand(1, 2, 5, 3)
    out = WithHeight()(x)
    assert torch.equal(out[:, :2], x)
    assert torch.equal(out[0, 2, :, 0], torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    assert WithHeight()(x[:, :, :1])[0, 2].unique().tolist() == [0.0]


def test_the_same_pattern_at_another_frequency_is_another_answer() -> None:
    """Far from the borders, which convolutions see, too."""
    low, high = torch.zeros(2, 1, 2, 96, 96)
    low[:, :, 24:32, 40:48] = 1.0
    high[:, :, 56:64, 40:48] = 1.0
    with torch.no_grad():
        assert (network()(low) - network()(high)).abs().max() > 1e-4


def test_a_token_is_a_column_and_has_heard_those_on_both_sides() -> None:
    x = torch.rand(1, 2, 40, 80)
    other = x.clone()
    other[..., 40:48] += 0.5
    with torch.no_grad():
        before, after = network().tokens(x), network().tokens(other)
    assert before.shape == (1, 10, 128)
    assert (before != after).any(2).all()


def test_time_runs_over_the_columns() -> None:
    """What the forward direction says of a column is that of a cell which has read the columns up to it."""
    torch.manual_seed(0)
    layer = OverTime(3, 4)
    cell = nn.GRUCell(6, 4)
    weights = layer.recurrent.state_dict()
    cell.load_state_dict({key: weights[f"{key}_l0"] for key in cell.state_dict()})
    x = torch.randn(2, 3, 5, 7)
    state = torch.zeros(2, 4)
    said = layer(x)
    assert said.shape == (2, 8, 1, 7)
    for column in range(7):
        state = cell(torch.cat([x[..., column].mean(2), x[..., column].amax(2)], 1), state)
        torch.testing.assert_close(said[:, :4, 0, column], state)
