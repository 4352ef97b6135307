"""The transformer that mixes neighbouring steps by shares learnt once."""

import pytest
import torch

from models import create_model
from models.signal.lightconv_transformer import LightConvolution


@pytest.fixture
def convolution() -> LightConvolution:
    torch.manual_seed(0)
    return LightConvolution(8, 2, 5)


def test_the_shares_of_a_head_are_positive_and_sum_to_one(convolution: LightConvolution) -> None:
    shares = convolution.shares()
    assert shares.shape == (2, 5)
    assert bool((shares > 0).all())
    torch.testing.assert_close(shares.sum(1), torch.ones(2))


def test_a_kernel_of_one_step_mixes_nothing() -> None:
    convolution = LightConvolution(8, 2, 1)
    x = torch.randn(2, 8, 6)
    assert torch.equal(convolution.mixed(x), x)
    gated = torch.nn.functional.glu(convolution.gate(x, None), 1)
    torch.testing.assert_close(convolution(x, None), convolution.out(gated, None))


def test_what_does_not_change_stays_but_at_the_ends(convolution: LightConvolution) -> None:
    mixed = convolution.mixed(torch.ones(1, 8, 9))
    torch.testing.assert_close(mixed[..., 2:-2], torch.ones(1, 8, 5))
    first = convolution.shares()[:, 2:].sum(1).repeat_interleave(4)  # its own share and those of the two behind
    torch.testing.assert_close(mixed[0, :, 0], first)


def test_channels_of_a_head_have_one_kernel_and_heads_have_others(convolution: LightConvolution) -> None:
    impulse = torch.zeros(1, 8, 5)
    impulse[..., 2] = 1.0
    kernels = convolution.mixed(impulse)[0].flip(1)
    torch.testing.assert_close(kernels, convolution.shares().repeat_interleave(4, 0))
    assert not torch.allclose(kernels[3], kernels[4])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"width": 4}, "width is 4; it is 8 or more"),
        ({"n_layers": 0}, "n_layers is 0; it is 1 or more"),
        ({"n_heads": 3}, "n_heads is 3; it is a divisor of 128"),
        ({"n_heads": 0}, "n_heads is 0; it is a divisor of 128"),
        ({"kernel": 4}, "kernel is 4; it is an odd number, 1 or more"),
        ({"kernel": -1}, "kernel is -1; it is an odd number, 1 or more"),
    ],
)
def test_wrong_numbers_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_model("lightconv_transformer", in_channels=3, n_classes=2, **options)
