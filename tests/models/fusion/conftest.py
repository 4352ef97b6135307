"""Small branches for any intermediate fusion, and fusions over them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models import BranchShape, IntermediateFusion, create_fusion, describe_fusion, list_fusions

CLASSES = 4
SHAPES = {  # names as folders have them
    "runs/gru.v2": BranchShape(token_dim=6, feature_dim=5),
    "Fusión 2": BranchShape(token_dim=4, feature_dim=7),
    "stft": BranchShape(token_dim=3, feature_dim=6),
    "": BranchShape(token_dim=8, feature_dim=3),
}
N_TOKENS = (9, 5, 40, 1)  # of each, where 32 go in


LEARNT = [name for name in list_fusions("intermediate") if describe_fusion(name).fitting == "gradient"]
"""Step by step; ``svm`` is the one that is not, and has a file of its own."""


@pytest.fixture(params=LEARNT)
def name(request: pytest.FixtureRequest) -> str:
    """The name of every intermediate fusion that is learnt step by step, in turn."""
    return request.param


@pytest.fixture
def build() -> Callable[..., IntermediateFusion]:
    return build_fusion


@pytest.fixture
def draw() -> Callable[..., dict[str, Tensor]]:
    return draw_branches


def build_fusion(name: str, n_branches: int = 3, hidden_size: int = 16, **options: object) -> IntermediateFusion:
    """A fusion with the same fresh weights each time."""
    torch.manual_seed(0)
    shapes = dict(list(SHAPES.items())[:n_branches])
    fusion = create_fusion(name, branches=shapes, n_classes=CLASSES, hidden_size=hidden_size, **options)
    assert isinstance(fusion, IntermediateFusion)
    return fusion


def draw_branches(name: str, n: int = 3, n_branches: int = 3) -> dict[str, Tensor]:
    """Features or tokens of ``n`` items, whichever the fusion reads."""
    generator = torch.Generator().manual_seed(1)
    branches = {}
    for (branch, shape), t in list(zip(SHAPES.items(), N_TOKENS, strict=True))[:n_branches]:
        size = (n, shape.feature_dim) if describe_fusion(name).reads == "features" else (n, t, shape.token_dim)
        branches[branch] = torch.randn(*size, generator=generator)
    return branches
