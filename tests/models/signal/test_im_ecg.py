"""The network of dual kernels on the map of leads × time."""

import pytest
import torch

from models import create_model


def test_separable_kernels_and_whole_ones_make_maps_of_the_same_size() -> None:
    x = torch.randn(2, 4, 90)
    tokens = [
        create_model("im_ecg", in_channels=4, n_classes=3, n_blocks=1, separable=separable).eval().tokens(x)
        for separable in (True, False)
    ]
    assert tokens[0].shape == tokens[1].shape == (2, 6, 3 * 8 * 8)  # three branches, eight times as wide as the stem


def test_it_sees_the_order_of_the_leads() -> None:
    """The first two leads in the other order are other neighbours of the third."""
    torch.manual_seed(0)
    network, x = create_model("im_ecg", in_channels=4, n_classes=3).eval(), torch.randn(1, 4, 90)
    assert not torch.allclose(network(x), network(x[:, [1, 0, 2, 3]]), atol=1e-6)


@pytest.mark.parametrize(("option", "value", "least"), [("width", 7, 8), ("n_blocks", 0, 1)])
def test_too_small_a_number_is_refused(option: str, value: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"{option} is {value}; it is {least} or more"):
        create_model("im_ecg", in_channels=4, n_classes=3, **{option: value})
