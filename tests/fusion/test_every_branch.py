"""Every network on signals, alone and beside features, is a branch that every intermediate fusion reads and trains."""

import pytest
import torch
from smaller_networks import SMALLER
from torch import Tensor

from models import (
    BranchShape,
    Network,
    beside_features,
    create_fusion,
    create_model,
    describe_fusion,
    list_fusions,
    list_models,
)
from pipeline.fusion.branch_reading import read_branch
from pipeline.inputs.batches import Batch
from pipeline.inputs.features import FeatureScale
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec

CLASSES, OWN = 3, {"attention": {"n_heads": 2, "max_tokens": 4}}
READ = [name for name in list_fusions("intermediate") if describe_fusion(name).fitting == "gradient"]


def branch(name: str, n_numbers: int) -> tuple[Network, InputMaker, Batch]:
    """A network, a large one made smaller, and four items, some of them padded."""
    torch.manual_seed(0)
    network = create_model(name, in_channels=2, n_classes=CLASSES, **SMALLER.get(name, {}))
    n, features, scale = max(90, network.smallest_size + 40), None, None
    if n_numbers:
        network = beside_features(network, n_numbers, CLASSES)
        features, scale = torch.rand(4, n_numbers), {"rr": FeatureScale("log", (0.0,) * n_numbers, (1.0,) * n_numbers)}
    spec = InputSpec("signal", ("I", "II"), 100.0, 1000.0, n, normalise="none", features=scale)
    raw: Tensor = torch.randint(-900, 900, (4, 2, n), dtype=torch.int16)
    return network, InputMaker(spec), Batch(raw, torch.tensor([n, n - 40, n, n - 13]), torch.arange(4), features)


@pytest.mark.parametrize("n_numbers", [0, 3])
@pytest.mark.parametrize("name", list_models("signal"))
def test_it_is_read_and_trained_on(name: str, n_numbers: int):
    network, maker, batch = branch(name, n_numbers)
    other, other_maker, _ = branch("cnn_gru", 0)
    other_batch = Batch(torch.randint(-9, 9, (4, 2, 90), dtype=torch.int16), None, torch.arange(4))
    shapes = {
        "one": BranchShape(network.token_dim, network.feature_dim),
        "other": BranchShape(other.token_dim, other.feature_dim),
    }
    for combine in READ:
        reads = describe_fusion(combine).reads
        fusion = create_fusion(combine, branches=shapes, n_classes=CLASSES, hidden_size=8, **OWN.get(combine, {}))
        read = {
            "one": read_branch(network, maker, batch, reads),
            "other": read_branch(other, other_maker, other_batch, reads),
        }
        masks = {which: mask for which, (_, mask) in read.items() if mask is not None}
        logits = fusion({which: x for which, (x, _) in read.items()}, masks)
        assert logits.shape == (4, CLASSES)
        network.zero_grad()
        logits.square().sum().backward()
        reached = [each.grad for each in network.parameters() if each.grad is not None and each.grad.any()]
        assert reached, f"{combine} trains nothing of {name}"
