"""What every registered network must do; a new network is tested by being registered."""

import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models import Network, create_model, describe_model

Example = Callable[..., Tensor]
IDLE = (".key.bias", "score.bias")  # the same for every key or step, which a softmax over them takes away
CHANNELS, CLASSES = 3, 4

# Trainable numbers with default options: 9 channels for images, 3 leads for signals, 4 classes.
PARAMETERS = {
    "alexnet": 46_334_468,
    "alexnet_attention": 46_335_880,
    "basic_cnn": 266_068,
    "beat_bigru": 407_108,
    "beat_bilstm": 539_972,
    "beat_cnn_lstm": 344_168,
    "beat_seq2seq": 335_964,
    "bigru": 399_620,
    "bilstm": 532_484,
    "cnet": 53_220,
    "cnn": 24_708,
    "cnn_gru": 61_584,
    "cnn_lstm": 81_296,
    "compact_transformer": 82_661,
    "convnext1d": 997_764,
    "db_ecgnet": 6_838_996,
    "dual_path_rnn": 667_972,
    "ecg_transformer": 2_682_052,
    "ecgnet": 7_404_740,
    "ecgtransform": 1_989_540,
    "fcn_wang": 300_420,
    "gru": 249_732,
    "gru_attention": 249_861,
    "heartbeat_cnn": 254_996,
    "identity_resnet_4x2": 171_860,
    "identity_resnet_8x2": 191_572,
    "im_ecg": 160_130,
    "inception1d": 505_796,
    "inception_former": 12_446_740,
    "lead_transformer": 800_772,
    "lightconv_transformer": 547_712,
    "lstm": 200_708,
    "lstm_bidir": 2_312_068,
    "lstm_pooled": 894_340,
    "meta_ecgnet": 7_758_040,
    "mobilenet_v2": 2_230_724,
    "mobilenet_v2_1d": 2_185_604,
    "mina": 132_000,
    "mpgt": 1_275_908,
    "mrtnet": 466_024,
    "mvms": 1_117_767,
    "rcnn": 99_716,
    "resnet": 1_494_356,
    "resnet18_1d": 3_846_852,
    "resnet1d_wang": 465_156,
    "resnet34_1d": 7_221_188,
    "resnet_like_x3": 327_388,
    "resnet_like_x4": 292_180,
    "rhythm_resnet": 280_908,
    "rhythm_transformer": 248_256,
    "s4d": 2_162_692,
    "se_ecgnet": 4_365_858,
    "seq": 394_150,
    "smaller_resnet_4x2": 120_012,
    "smaller_resnet_4x3": 121_740,
    "token_selection": 3_416_964,
    "vgg": 110_132,
    "xresnet1d101": 1_870_692,
}

# The same as published, where that is not the default.
PUBLISHED = [
    ("alexnet", 9, 4, {"nb_filters": 16}, 46_569_476),
    ("alexnet_attention", 9, 4, {"nb_filters": 16}, 46_575_018),
    ("cnn_gru", 12, 4, {}, 117_708),
    ("cnn_lstm", 12, 4, {}, 146_636),
    ("lstm", 3, 4, {"hidden_size": 256}, 794_628),
    ("vgg", 9, 4, {"head": "flatten"}, 285_347_124),
    ("cnn", 9, 4, {"head": "flatten"}, 505_969_540),
    ("resnet1d_wang", 12, 9, {}, 473_865),
    ("resnet1d_wang", 12, 5, {}, 473_349),
    ("resnet18_1d", 12, 9, {}, 3_853_449),
    ("resnet34_1d", 12, 9, {}, 7_227_785),
    ("mobilenet_v2_1d", 12, 9, {}, 2_192_873),
    ("im_ecg", 12, 9, {"width": 32, "n_blocks": 5, "separable": False}, 25_439_649),
    ("se_ecgnet", 8, 34, {"width": 256}, 17_018_496),
    ("ecgnet", 12, 9, {}, 7_419_953),
    ("ecgtransform", 12, 9, {}, 1_997_385),
    ("lightconv_transformer", 12, 5, {}, 549_857),
    ("mpgt", 12, 5, {}, 1_301_925),
    ("fcn_wang", 12, 5, {}, 309_765),
    ("fcn_wang", 12, 71, {}, 318_279),
    ("inception1d", 12, 5, {}, 507_653),
    ("inception1d", 12, 71, {}, 516_167),
    ("xresnet1d101", 12, 5, {}, 1_872_261),
    ("xresnet1d101", 12, 71, {}, 1_880_775),
    ("lstm_bidir", 12, 5, {}, 2_330_629),
    ("lstm_bidir", 12, 71, {}, 2_339_143),
    ("lstm_pooled", 12, 5, {}, 903_685),
    ("lstm_pooled", 12, 71, {}, 912_199),
    ("s4d", 12, 5, {}, 2_167_813),
    ("s4d", 12, 71, {}, 2_201_671),
    ("mina", 1, 4, {}, 115_292),
    ("dual_path_rnn", 1, 4, {}, 666_948),
    ("mrtnet", 12, 5, {}, 472_265),
    ("mvms", 12, 9, {}, 2_245_263),
    ("heartbeat_cnn", 1, 5, {}, 254_901),
    ("cnet", 1, 5, {"head": "flatten"}, 53_957),
    ("seq", 1, 5, {"steps": "beat"}, 599_513),
    ("beat_bilstm", 1, 5, {"steps": "beat"}, 728_453),
    ("beat_bilstm", 1, 5, {}, 537_989),
    ("beat_bigru", 1, 5, {"steps": "beat"}, 548_485),
    ("beat_bigru", 1, 5, {}, 405_637),
    ("beat_cnn_lstm", 1, 5, {"head": "flatten"}, 1_462_292),
    ("beat_cnn_lstm", 1, 5, {"head": "flatten", "n_beats": 21}, 1_462_292),
    ("basic_cnn", 1, 3, {"head": "flatten"}, 284_467),
    ("resnet_like_x3", 1, 3, {"head": "flatten"}, 344_259),
    ("resnet_like_x4", 1, 3, {"head": "flatten"}, 309_051),
    ("smaller_resnet_4x2", 1, 3, {"head": "flatten"}, 147_811),
    ("smaller_resnet_4x3", 1, 3, {"head": "flatten"}, 151_451),
    ("identity_resnet_4x2", 1, 3, {"head": "flatten"}, 200_611),
    ("identity_resnet_8x2", 1, 3, {"head": "flatten"}, 213_123),
    ("compact_transformer", 1, 3, {}, 82_308),
    ("db_ecgnet", 12, 9, {}, 6_907_185),
    ("meta_ecgnet", 12, 9, {}, 7_763_373),
    ("inception_former", 12, 9, {}, 12_451_321),
    ("inception_former", 12, 9, {"variant": "three_stages"}, 3_644_153),
    ("inception_former", 12, 9, {"variant": "short"}, 8_245_753),
    ("inception_former", 12, 9, {"variant": "tiny"}, 3_130_945),
]


def count_parameters(name: str, channels: int, classes: int, **options: object) -> int:
    with torch.device("meta"):
        network = create_model(name, in_channels=channels, n_classes=classes, **options)
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_count_is_golden(name: str) -> None:
    assert name in PARAMETERS, f"add the parameter count of {name} to PARAMETERS"
    channels = 9 if describe_model(name).modality == "image" else 3
    assert count_parameters(name, channels, 4) == PARAMETERS[name]


@pytest.mark.parametrize(("published", "channels", "classes", "options", "count"), PUBLISHED)
def test_parameter_count_is_the_published_one(
    published: str, channels: int, classes: int, options: dict[str, object], count: int
) -> None:
    assert count_parameters(published, channels, classes, **options) == count


def test_shapes(network: Network, batch: Tensor) -> None:
    tokens = network.tokens(batch)
    assert tokens.ndim == 3
    assert (tokens.shape[0], tokens.shape[2]) == (3, network.token_dim)
    assert network.features(batch).shape == (3, network.feature_dim)
    assert network(batch).shape == (3, CLASSES)


def test_forward_is_head_of_pool_of_tokens(network: Network, batch: Tensor) -> None:
    features = network.features(batch)
    assert torch.equal(network.pool(network.tokens(batch)), features)
    assert isinstance(network.head, nn.Linear)
    assert network.head.in_features == network.feature_dim
    assert torch.equal(network.head(features), network(batch))


@pytest.mark.parametrize("training", [True, False])
def test_a_gradient_reaches_every_parameter(
    name: str, training: bool, example: Example, open_gates: Callable[[nn.Module], None]
) -> None:
    torch.manual_seed(0)
    network = create_model(name, in_channels=CHANNELS, n_classes=CLASSES).train(training)
    open_gates(network)
    network(example(name, n=4)).square().sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        # In training a batch norm takes away what a bias before it adds.
        if parameter.ndim > 1 or not (training or parameter_name.endswith(IDLE)):
            assert parameter.grad.abs().max() > 0, parameter_name


def test_an_item_does_not_depend_on_its_batch(network: Network, batch: Tensor) -> None:
    with torch.no_grad():
        together = network(batch)
        alone = torch.cat([network(item) for item in batch.split(1)])
        backwards = network(batch.flip(0)).flip(0)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together, backwards, atol=1e-5, rtol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3, "the network does not see its input"


def test_an_item_does_not_see_the_others(network: Network, batch: Tensor) -> None:
    batch = batch.clone().requires_grad_()
    network(batch)[0].sum().backward()
    assert batch.grad is not None
    assert batch.grad[0].abs().max() > 0
    assert not batch.grad[1:].any()


def test_dropout_acts_in_training_only(name: str, example: Example) -> None:
    if "dropout" not in describe_model(name).options:
        pytest.skip(f"{name} has no dropout")
    network = create_model(name, in_channels=CHANNELS, n_classes=CLASSES, dropout=0.5)
    batch = example(name, n=4)
    with torch.no_grad():
        assert not torch.equal(network(batch), network(batch))
        network.eval()
        assert torch.equal(network(batch), network(batch))


@pytest.mark.parametrize("channels", [1, 2, 12])
def test_any_number_of_channels(name: str, channels: int, example: Example) -> None:
    network = create_model(name, in_channels=channels, n_classes=2).eval()
    assert network(example(name, n=1, channels=channels)).shape == (1, 2)


def test_other_channels_are_refused(network: Network, name: str, example: Example) -> None:
    with pytest.raises(ValueError, match="built for 3"):
        network.tokens(example(name, n=1, channels=2))


def test_another_shape_is_refused(network: Network, batch: Tensor) -> None:
    with pytest.raises(ValueError, match="must be"):
        network.tokens(batch[0])


def test_smallest_size_goes_in_and_smaller_does_not(network: Network, name: str, example: Example) -> None:
    smallest = network.smallest_size
    example_batch = example(name, n=2, size=smallest)
    assert network(example_batch).isfinite().all()
    with pytest.raises(ValueError, match=rf"{smallest - 1}.*{smallest}"):
        network.tokens(example_batch[..., :-1])


def test_state_dict_round_trip(network: Network, name: str, batch: Tensor) -> None:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other = create_model(name, in_channels=CHANNELS, n_classes=CLASSES).eval()
    with torch.no_grad():
        assert not torch.equal(other(batch), network(batch))
        other.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(other(batch), network(batch))


def test_runs_in_bfloat16_autocast(network: Network, batch: Tensor) -> None:
    with torch.no_grad():
        exact = network(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network(batch).float()
    torch.testing.assert_close(rounded, exact, atol=0.05 * float(exact.abs().max()), rtol=0)
