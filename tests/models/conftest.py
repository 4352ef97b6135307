"""Small inputs for any network, and each network built once."""

import functools
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from models import Network, create_model, describe_model, list_models
from models.image.self_attention import SelfAttention
from models.signal.attention_kinds import CrossAttention
from models.signal.masked import Residual
from models.signal.mixers import Added
from models.signal.staged import Staged

CHANNELS, CLASSES = 3, 4  # of ``network``, ``batch`` and ``example``


@pytest.fixture
def in_float64() -> Iterator[None]:
    """Numbers of one seed in float64, so that a leak is no rounding."""
    torch.manual_seed(0)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


@pytest.fixture(params=list_models())
def name(request: pytest.FixtureRequest) -> str:
    """Every network's name in turn."""
    return request.param


@functools.cache
def samples_of(name: str) -> int:
    """Samples of the examples: 90, or so many more than must go in that maps have several steps."""
    with torch.device("meta"):
        smallest = create_model(name, in_channels=CHANNELS, n_classes=CLASSES).smallest_size
    return 90 if smallest < 80 else min(round(2.5 * smallest), smallest + 400)


@functools.cache
def evaluated(name: str) -> Network:
    """A network in evaluation mode, shared by the tests that leave it as it is.

    Fresh weights shrink the input from layer to layer until items hardly differ, and fresh batch
    norms do nothing: the weights here are He's and the norms have a mean and a variance.
    """
    torch.manual_seed(0)
    network = create_model(name, in_channels=CHANNELS, n_classes=CLASSES).eval()
    let_attention_act(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(std=0.2)
            layer.running_var.uniform_(0.8, 1.2)
            # a residual network's output grows with its depth, that of linear bottlenecks shrinks
            nn.init.constant_(layer.weight, 0.8 if name.startswith("mobilenet_v2") else 0.5)
            nn.init.normal_(layer.bias, std=0.2)
    damp_blocks_without_norms(network)
    return network


def damp_blocks_without_norms(network: nn.Module) -> None:
    """Keeps what residual blocks add from growing with the depth, where no norm does."""
    for block in network.modules():
        without = not any(isinstance(layer, nn.BatchNorm1d) for layer in block.modules())
        if isinstance(block, Residual | Added | CrossAttention) and without:
            for layer in block.modules():
                if isinstance(layer, nn.Conv1d | nn.Linear):
                    layer.weight.data.mul_(0.5)
    if isinstance(network, Staged):
        for shorter in network.shorter:
            shorter.get_parameter("convolution.weight").data.mul_(0.5)


def let_attention_act(network: nn.Module) -> None:
    """Opens the gates of attention, which are shut at first."""
    for layer in network.modules():
        if isinstance(layer, SelfAttention):
            nn.init.constant_(layer.gamma, 0.5)


@pytest.fixture
def open_gates() -> Callable[[nn.Module], None]:
    return let_attention_act


@pytest.fixture
def network(name: str) -> Network:
    return evaluated(name)


@pytest.fixture
def example() -> Callable[..., Tensor]:
    return make_example


@pytest.fixture
def time(name: str) -> int:
    """Samples of the examples."""
    return samples_of(name)


@pytest.fixture
def batch(name: str) -> Tensor:
    return make_example(name, n=3)


def make_example(name: str, n: int, channels: int = CHANNELS, size: int | None = None) -> Tensor:
    """Images of 80 pixels in [0, 1], each darker than the last, or signals of 90 samples or more around 0 mV."""
    generator = torch.Generator().manual_seed(1)
    if describe_model(name).modality == "image":
        brightness = 1 / torch.arange(1, n + 1)[:, None, None, None]
        return brightness * torch.rand(n, channels, size or 80, size or 80, generator=generator)
    return torch.randn(n, channels, size or samples_of(name), generator=generator)
