"""InceptionFormer: every option builds what it says, at the published sizes, for items of unequal length."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.registry import create_model, describe_model
from models.signal.attention_kinds import ATTENTIONS, Attention
from models.signal.heads import Heads
from models.signal.inception_former import LAYOUTS, InceptionFormer
from models.signal.masked import Residual
from models.signal.mixers import CHANNEL_MIXERS, GATES, TOKEN_MIXERS, Modulation, MultiScale, OverTime


def network_of(**options: object) -> InceptionFormer:
    torch.manual_seed(0)
    network = create_model("inception_former", in_channels=2, n_classes=3, **{"variant": "tiny", **options})
    assert isinstance(network, InceptionFormer)
    return network.eval()


def count(module: nn.Module) -> int:
    return sum(numbers.numel() for numbers in module.parameters())


@pytest.fixture(scope="module")
def base() -> InceptionFormer:
    with torch.device("meta"):
        return InceptionFormer(12, 9)


def test_parts_have_as_many_weights_as_published(base: InceptionFormer) -> None:
    assert count(base.stem) == 36_720
    assert [count(stage) for stage in base.stages] == [35_072, 271_360, 3_175_424, 8_411_136]
    assert count(base.shorter) == 516_992
    assert count(base.head) == 4_617


MIXED: dict[type, str] = {OverTime: "c", Attention: "a"}


def letters(network: InceptionFormer) -> list[str]:
    """What the blocks of each stage mix their steps with: c, m (modulation) or a."""
    found = []
    for blocks in network.stages:
        assert isinstance(blocks, nn.ModuleList)
        over_steps = [added.get_submodule("mixer") for added in list(blocks)[::2]]
        modulated = [isinstance(getattr(mixer, "layer", None), Modulation) for mixer in over_steps]
        found.append("".join("m" if m else MIXED[type(each)] for each, m in zip(over_steps, modulated, strict=True)))
    return found


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["cc", "cccc", "cacacaca", "aaaa"]),
        ({"variant": "three_stages"}, ["cc", "cccc", "cacacaca"]),
        ({"variant": "short"}, ["cc", "cccc", "cacacaca", "aa"]),
        ({"layout": "local_first"}, ["cc", "cccc", "ccccaaaa", "aaaa"]),
        ({"layout": "modulated"}, ["cc", "cmcm", "mamamama", "aaaa"]),
        ({"mixer": "modulation"}, ["mm", "mmmm", "mamamama", "aaaa"]),
    ],
)
def test_blocks_stand_where_they_are_said_to(options: dict[str, object], wanted: list[str]) -> None:
    assert letters(network_of(**options)) == wanted


def test_every_other_attention_is_shifted() -> None:
    network = network_of(attention="shifted_window", window=6)
    before = [heads.before for heads in network.modules() if isinstance(heads, Heads)]
    assert before == [0, 3] * 4


TABLES: dict[str, Iterable[str]] = {
    "attention": ATTENTIONS,
    "layout": LAYOUTS,
    "mixer": TOKEN_MIXERS,
    "gate": GATES,
    "channel_mixer": CHANNEL_MIXERS,
}
COMBINED = {"layout": "modulated", "pooling": "cls", "attention": "shunted", "gate": "se", "channel_mixer": "glu"}
EACH: list[dict[str, Any]] = [
    *({option: word} for option, table in TABLES.items() for word in table),
    {"pooling": "cls"},
    {"attention": "bi_level", "window": 3, "top": 2},
    {**COMBINED},
]


@pytest.mark.parametrize("options", EACH, ids=str)
def test_every_option_keeps_items_apart_from_their_padding(options: dict[str, object]) -> None:
    network, x = network_of(**options).double(), torch.randn(2, 2, 130, dtype=torch.float64)
    length = torch.tensor([130, 61])
    with torch.no_grad():
        together = network(x, length)
        alone = torch.cat([network(item[None, :, :n]) for item, n in zip(x, length, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-9, rtol=1e-9)


def test_no_option_is_without_effect() -> None:
    """With weights of one seed, each gives an answer of its own."""
    x, answers = torch.randn(1, 2, 450), []  # of 12 regions at the third stage
    defaults = {**describe_model("inception_former").options, "variant": "tiny"}
    changes = [options for options in EACH if any(defaults[name] != word for name, word in options.items())]
    for options in [{}, *changes]:
        with torch.no_grad():
            answers.append(network_of(**options)(x))
    answer = torch.cat(answers)
    apart = (answer[:, None] - answer).abs().amax(2)
    assert (apart[~torch.eye(len(answer), dtype=torch.bool)] > 1e-5).all()


def test_a_token_is_eight_samples() -> None:
    for time in (1, 8, 9, 100):
        assert network_of().tokens(torch.randn(1, 2, time)).shape == (1, -(-time // 8), 256)
    assert network_of(variant="three_stages").tokens(torch.randn(1, 2, 9)).shape == (1, 3, 256)


def test_the_stem_is_as_published() -> None:
    """Convolutions of 7 and 5, an inception block with a shortcut, layer by layer."""
    network, x = network_of(variant="tiny"), torch.randn(2, 2, 50)
    layers: dict[str, Tensor] = dict(network.stem.named_parameters())
    weights = [name for name, numbers in layers.items() if numbers.ndim == 3]
    assert [tuple(layers[name].shape) for name in weights] == [
        (16, 2, 7),
        (32, 16, 5),
        (8, 32, 1),
        *((8, 8, kernel) for kernel in (39, 19, 9)),
        (8, 32, 1),
        (32, 32, 1),
    ]
    first, _, second, _, residual, _ = network.stem.layers
    assert isinstance(residual, Residual)
    assert residual.shortcut is not None
    y = x
    for convolution, side in ((first, 3), (second, 2)):
        weight, bias = (convolution.get_parameter(f"convolution.{name}") for name in ("weight", "bias"))
        y = nn.functional.conv1d(y, weight, bias, padding=side).relu()
    wanted = (residual.body(y, None) + residual.shortcut(y, None)).relu()
    torch.testing.assert_close(network.stem(x, None), wanted)


def test_the_token_is_told_of_the_last_map() -> None:
    network = network_of(pooling="cls")
    tokens = torch.randn(1, 7, 256, requires_grad=True)
    (slope,) = torch.autograd.grad(network.pool(tokens, torch.tensor([40])).sum(), tokens)
    assert slope[0].abs().sum(1).gt(0).tolist() == [True] * 5 + [False] * 2
    assert network_of().read is None


def test_a_gate_stands_behind_the_kernels_of_local_blocks() -> None:
    gated = [layer.gate is not None for layer in network_of(gate="se").modules() if isinstance(layer, MultiScale)]
    assert gated == [True] * 10


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"variant": "large"}, "variant is 'large'; it is one of base, three_stages, short, tiny"),
        ({"attention": 3}, "attention of network 'inception_former' is 3; it is a word"),
        ({"attention": [1]}, r"attention of network 'inception_former' is \[1\]; it is a word"),
        ({"layout": "x"}, "layout is 'x'; it is one of interleaved, local_first, modulated"),
        ({"mixer": "x"}, "mixer is 'x'; it is one of convolution, modulation, sandwich"),
        ({"gate": "x"}, "gate is 'x'; it is one of none, se, coordinate"),
        ({"channel_mixer": "x"}, "channel_mixer is 'x'; it is one of ffn, glu, depthwise_ffn"),
        ({"pooling": "max"}, "pooling is 'max'; it is one of mean, cls"),
        ({"window": 5}, "attention 'multi_head' does not take the option 'window'; it takes none"),
        ({"attention": "hilo", "top": 5}, "attention 'hilo' does not take the option 'top'; it takes window"),
        ({"attention": "window", "window": 0}, "window is 0; it is a whole number, 1 or more"),
        ({"attention": "window", "window": "x"}, "window of attention 'window' is 'x'; it is a whole number"),
        ({"n_heads": 3}, "n_heads is 3; it is a divisor of 128"),
    ],
)
def test_what_is_no_network_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        network_of(**options)
