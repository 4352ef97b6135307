"""Networks for whole records: as many stages as are asked for, within 150,000 to 300,000 parameters."""

import pytest

from models.registry import create_model
from models.signal.rhythm import residual_stages


@pytest.mark.parametrize("n_blocks", [5, 6])
def test_rhythm_resnet_is_small_with_five_stages_and_with_six(n_blocks):
    network = create_model("rhythm_resnet", in_channels=1, n_classes=3, n_blocks=n_blocks)
    assert 150_000 <= sum(parameter.numel() for parameter in network.parameters()) <= 300_000


def test_rhythm_transformer_is_small():
    network = create_model("rhythm_transformer", in_channels=1, n_classes=3)
    assert 150_000 <= sum(parameter.numel() for parameter in network.parameters()) <= 300_000


@pytest.mark.parametrize("n_blocks", range(1, 7))
def test_every_stage_and_the_stem_halve_the_steps(n_blocks):
    stages, _ = residual_stages(1, n_blocks, 0.0)
    assert stages.n_steps(4500) == -(-4500 // 2 ** (n_blocks + 1))


@pytest.mark.parametrize("n_blocks", [0, 7])
def test_no_other_number_of_stages_is_there(n_blocks):
    with pytest.raises(ValueError, match="it is 1 to 6"):
        residual_stages(1, n_blocks, 0.0)
