"""A token a branch: whose it is, and what is refused."""

import pytest
import torch
from torch import nn

from models import BranchShape, create_fusion
from models.fusion.modules import ModulesFusion

SHAPES = {name: BranchShape(4, 4) for name in ("signal", "spectrogram", "other")}


def fusion(**options: object) -> ModulesFusion:
    torch.manual_seed(0)
    found = create_fusion("modules", branches=SHAPES, n_classes=2, hidden_size=8, **options).eval()
    assert isinstance(found, ModulesFusion)
    return found


def test_what_a_token_says_counts_by_whose_it_is() -> None:
    """Without the vectors of the branches a transformer that is averaged sees a set."""
    found, own = fusion(n_layers=2), list(torch.randn(3, 2, 8))
    swapped = [own[1], own[0], own[2]]
    assert not torch.allclose(found.fuse(own, [None] * 3), found.fuse(swapped, [None] * 3), atol=1e-5)
    nn.init.zeros_(found.module)
    torch.testing.assert_close(found.fuse(own, [None] * 3), found.fuse(swapped, [None] * 3))


def test_every_token_hears_the_others() -> None:
    found = fusion()
    own = [x.requires_grad_() for x in torch.randn(3, 2, 8)]
    found.layers[0](torch.stack(own, 1))[0, 0].square().sum().backward()
    for x in own:
        assert x.grad is not None
        assert x.grad[0].any()
        assert not x.grad[1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 3}, "n_heads is 3; it must divide hidden_size, 8"),
        ({"n_heads": 0}, "n_heads is 0; it must divide hidden_size, 8"),
        ({"n_layers": 0}, "n_layers is 0; a transformer needs 1 or more"),
    ],
)
def test_wrong_numbers_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fusion(**options)
