"""Windows around the same places, and norms that see the windows of items alone."""

import pytest
import torch
from torch import nn

from models import create_model
from models.signal.mrtnet import MrtNet, Scale, windows


def test_windows_by_hand() -> None:
    x = torch.arange(1.0, 6)[None, None]
    assert windows(x, 2, 2)[0, :, 0].tolist() == [[1, 2], [3, 4], [5, 0]]
    assert windows(x, 4, 2)[0, :, 0].tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 0]]


@pytest.mark.parametrize("time", [1, 15, 16, 17, 90])
def test_a_narrow_window_is_the_middle_of_a_wide_one(time: int) -> None:
    x = torch.randn(2, 3, time)
    narrow, wide = windows(x, 16, 16), windows(x, 64, 16)
    assert narrow.shape == (2, -(-time // 16), 3, 16)
    assert torch.equal(wide[..., 24:40], narrow)


def test_padding_changes_no_running_figure() -> None:
    torch.manual_seed(0)
    whole, padded = (create_model("mrtnet", in_channels=2, n_classes=3, dropout=0.0) for _ in range(2))
    padded.load_state_dict(whole.state_dict())
    x = torch.randn(2, 2, 100)
    behind = nn.functional.pad(x, (0, 430), value=1e3)
    torch.testing.assert_close(padded(behind, length=torch.tensor([100, 100])), whole(x))
    for (name, expected), got in zip(whole.named_buffers(), padded.buffers(), strict=True):
        torch.testing.assert_close(got, expected, msg=name)


def test_a_wide_window_sees_what_a_narrow_one_does_not() -> None:
    """Without a transformer's help: the first place hears of samples no further than half its window is wide."""
    network = create_model("mrtnet", in_channels=1, n_classes=2).eval()
    assert isinstance(network, MrtNet)
    for scale, heard in zip(network.scales, (50, 75, 125), strict=True):  # the middle of the place is sample 25
        assert isinstance(scale, Scale)
        x = torch.randn(1, 1, 300, requires_grad=True)
        said = scale.encoded(windows(x, scale.size, scale.hop)[:, 0], None)
        (gradient,) = torch.autograd.grad(said.square().sum(), x)
        assert gradient[0, 0, heard - 10 : heard].any()
        assert not gradient[0, 0, heard:].any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": 15}, "window is 15; it is an even number of samples, 16 or more"),
        ({"window": 33}, "window is 33; it is an even number of samples, 16 or more"),
        ({"n_scales": 0}, "n_scales is 0; it is 1 or more"),
        ({"n_heads": 3}, "n_heads is 3; it is a divisor of 64"),
    ],
)
def test_wrong_numbers_are_refused(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_model("mrtnet", in_channels=2, n_classes=3, **options)
