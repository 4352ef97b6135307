"""torchvision's classifiers behind our contract: the same numbers, any channels, weights from a cache or a server."""

import hashlib
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision import models as theirs

from models import create_model, describe_model, list_models
from models.image.first_layer import adapt_first_layer
from models.image.torchvision_classifiers import SMALLEST_SIZE, Standardise, _hash_in

# The smallest of each family, with the tokens at the side that is tried.
FAMILIES = {
    "alexnet": (80, 36),
    "convnext_tiny": (64, 4),
    "densenet121": (64, 4),
    "efficientnet_b0": (64, 4),
    "googlenet": (64, 4),
    "inception_v3": (80, 1),
    "maxvit_t": (224, 49),
    "mnasnet0_5": (64, 4),
    "mobilenet_v2": (64, 4),
    "mobilenet_v3_small": (64, 4),
    "regnet_y_400mf": (64, 4),
    "resnet18": (64, 4),
    "resnext50_32x4d": (64, 4),
    "shufflenet_v2_x0_5": (64, 4),
    "squeezenet1_1": (64, 9),
    "swin_t": (64, 4),
    "swin_v2_t": (64, 4),
    "vgg11": (64, 49),
    "vit_b_32": (64, 5),
    "wide_resnet50_2": (64, 4),
}
SMALL = "shufflenet_v2_x0_5"

families = pytest.mark.parametrize("family", FAMILIES)


def build(name: str, channels: int = 3, **options: object) -> Any:
    if "size" in describe_model(f"torchvision:{name}").options:
        options.setdefault("size", FAMILIES[name][0])
    return create_model(f"torchvision:{name}", in_channels=channels, n_classes=4, **options).eval()


def build_theirs(name: str, **options: object) -> Any:
    size = FAMILIES[name][0]
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False, "transform_input": False}
    if name.startswith("vit"):
        options["image_size"] = size
    return theirs.get_model(name, **options).eval()


@families
def test_logits_are_torchvisions_own(family: str) -> None:
    """The body, the pooling and the head, cut apart, are its classifier."""
    torch.manual_seed(0)
    original = build_theirs(family, num_classes=4)
    if family == "maxvit_t":  # whose last layer has no bias
        original.classifier[-1].bias = nn.Parameter(torch.zeros(4))
    if family == "squeezenet1_1":  # whose ReLU would hide negative logits
        original.classifier[2] = nn.Identity()
    network, size = build(family), FAMILIES[family][0]
    images = torch.rand(4, 3, size, size)
    images[1:] *= 0.3
    _make_it_act(original, network.body[0](images))
    _copy(original, network)
    with torch.no_grad():
        got, expected = network(images), original(network.body[0](images))
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def _make_it_act(network: nn.Module, images: Tensor) -> None:
    """He's weights, and norms that know the images: fresh ones let nothing through so many layers."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    network.eval()


def _copy(original: nn.Module, network: nn.Module) -> None:
    """Weights by their shapes, in order: ours are cut from the same layers."""
    left = list(original.state_dict().values())
    for mine in network.state_dict().values():
        at = next(number for number, other in enumerate(left) if other.numel() == mine.numel())
        mine.copy_(left.pop(at).reshape(mine.shape))
    assert not left


@families
def test_a_family_keeps_the_contract(family: str) -> None:
    size, n_tokens = FAMILIES[family]
    network = build(family, channels=5)
    images = torch.rand(2, 5, size, size)
    with torch.no_grad():
        tokens = network.tokens(images)
        features = network.features(images)
        assert tokens.shape == (2, n_tokens, network.token_dim)
        assert features.shape == (2, network.feature_dim)
        assert torch.equal(network.pool(tokens), features)
        assert torch.equal(network.head(features), network(images))
        alone = torch.cat([network(image) for image in images.split(1)])
    torch.testing.assert_close(network(images), alone, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="built for 5"):
        network(images[:, :3])
    with pytest.raises(ValueError, match="smallest side is"):
        network(images[..., : network.smallest_size - 1])


@families
def test_a_gradient_reaches_every_parameter(family: str) -> None:
    size = FAMILIES[family][0]
    network = build(family)
    network(torch.rand(2, 3, size, size)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("known", theirs.list_models(module=theirs))
def test_every_classifier_can_be_built(known: str) -> None:
    if known == "regnet_y_128gf":
        pytest.skip("it needs 2.6 GB even without weights")
    entry = describe_model(f"torchvision:{known}")
    assert (entry.modality, entry.family) == ("image", "torchvision")
    with torch.device("meta"):
        network = create_model(entry.name, in_channels=9, n_classes=4)
        size = network.smallest_size
        assert network(torch.empty(2, 9, size, size)).shape == (2, 4)
    assert all(parameter.is_meta for parameter in network.parameters())


def test_parameters_are_those_of_the_same_network_by_its_own_name() -> None:
    with torch.device("meta"):
        ours = create_model("mobilenet_v2", in_channels=9, n_classes=4)
        named = create_model("torchvision:mobilenet_v2", in_channels=9, n_classes=4)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in named.parameters()) == 2_230_724


def test_swin_takes_less_than_it_was_trained_on() -> None:
    assert build("swin_t").smallest_size == SMALLEST_SIZE


@pytest.mark.parametrize(("name", "size", "step"), [("vit_b_32", 100, 32), ("vit_b_32", 0, 32), ("maxvit_t", 256, 224)])
def test_a_size_that_does_not_divide_is_refused(name: str, size: int, step: int) -> None:
    with pytest.raises(ValueError, match=f"{name} takes images .* multiple of {step} pixels, which {size} is not"):
        build(name, size=size)


def test_options_and_near_names() -> None:
    assert dict(describe_model("torchvision:resnet18").options) == {"pretrained": False}
    assert dict(describe_model("torchvision:vit_b_16").options) == {"pretrained": False, "size": 224}
    with pytest.raises(ValueError, match=r"'torchvision:resnt18'; did you mean torchvision:resnet18 or "):
        describe_model("torchvision:resnt18")
    with pytest.raises(ValueError, match="'torchvision:fcn_resnet50'"):  # segments, does not classify
        describe_model("torchvision:fcn_resnet50")
    with pytest.raises(ValueError, match="does not take the option 'size'; it takes pretrained"):
        create_model("torchvision:resnet18", in_channels=3, n_classes=4, size=64)
    with pytest.raises(ValueError, match="no network is named 'timm:resnet18'"):
        describe_model("timm:resnet18")
    assert not any(":" in name for name in list_models())


def test_torchvision_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, models; models.list_models(); sys.exit('torchvision' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("channels", [1, 3, 9])
def test_equal_channels_give_what_equal_colours_gave(channels: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=1))
    image = torch.rand(2, 1, 20, 20)
    expected = network(image.expand(-1, 3, -1, -1))
    adapt_first_layer(network, channels, keep_weights=True)
    torch.testing.assert_close(network(image.expand(-1, channels, -1, -1)), expected)
    weights = next(network.parameters())
    if channels != 3:  # whose weights stay as they are
        assert torch.equal(weights, weights[:, :1].expand_as(weights))


def test_fresh_channels_differ() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 5, bias=False))
    adapt_first_layer(network, 9, keep_weights=False)
    weights = next(network.parameters())
    assert weights.shape == (8, 9, 5, 5)
    assert not torch.equal(weights[:, 0], weights[:, 1])


def test_pictures_are_standardised_as_torchvisions_weights_know_them() -> None:
    layers = [build(name).body[0] for name in ("resnet18", "googlenet")]
    assert [(round(layer.mean, 3), round(layer.deviation, 3)) for layer in layers] == [(0.449, 0.226), (0.5, 0.5)]
    assert Standardise(0.5, 0.25)(torch.tensor([0.5, 1.0])).tolist() == [0.0, 2.0]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, Tensor], Path, list[str]]]:
    """Weights of a small classifier on a server of our own: the weights, the empty cache, and what was asked for."""
    torch.manual_seed(3)
    state = theirs.get_model(SMALL).state_dict()
    (tmp_path / "server").mkdir()
    torch.save(state, tmp_path / "server" / "weights")
    digest = hashlib.sha256((tmp_path / "server" / "weights").read_bytes()).hexdigest()
    file = (tmp_path / "server" / "weights").rename(tmp_path / "server" / f"small-{digest[:8]}.pth")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(file.parent))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/{file.name}"
        monkeypatch.setattr(theirs.get_model_weights(SMALL).DEFAULT.value, "url", url)
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
        yield state, tmp_path / "cache" / "hub" / "checkpoints" / file.name, asked
        server.shutdown()
        thread.join()


def test_weights_are_downloaded_once(served: tuple[dict[str, Tensor], Path, list[str]]) -> None:
    state, cached, asked = served
    first, second = build(SMALL, channels=9, pretrained=True), build(SMALL, pretrained=True)
    assert cached.exists()
    assert asked == [f"/{cached.name}"]
    stem = state["conv1.0.weight"]
    assert torch.equal(second.body[1].conv1[0].weight, stem)
    torch.testing.assert_close(first.body[1].conv1[0].weight, stem.mean(1, keepdim=True).expand(-1, 9, -1, -1) / 3)
    for network in (first, second):
        assert torch.equal(network.body[1].conv5[0].weight, state["conv5.0.weight"])
        assert network.head.weight.shape == (4, 1024)


def test_without_pretrained_nothing_is_asked_for(served: tuple[dict[str, Tensor], Path, list[str]]) -> None:
    _, cached, asked = served
    build(SMALL, pretrained=False)
    assert not asked
    assert not cached.exists()


def test_weights_that_are_nowhere_are_one_sentence(
    served: tuple[dict[str, Tensor], Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = theirs.get_model_weights(SMALL).DEFAULT
    missing = weights.url.replace("small", "missing")
    for url in (missing, "http://127.0.0.1:9/weights-00000000.pth"):
        monkeypatch.setattr(weights.value, "url", url)
        with pytest.raises(ValueError, match=r"could not be downloaded .*: put a whole copy at .*\.pth$") as p:
            build(SMALL, pretrained=True)
        assert url in str(p.value)
        assert "\n" not in str(p.value)


def test_weights_that_come_damaged_are_one_sentence(
    served: tuple[dict[str, Tensor], Path, list[str]], tmp_path: Path
) -> None:
    _, cached, _ = served
    file = tmp_path / "server" / cached.name
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="came damaged from http://127"):
        build(SMALL, pretrained=True)
    assert not cached.exists()


@pytest.mark.parametrize("kept", [0, 100, 100_000])
def test_a_damaged_cache_is_one_sentence(
    served: tuple[dict[str, Tensor], Path, list[str]], tmp_path: Path, kept: int
) -> None:
    _, cached, _ = served
    cached.parent.mkdir(parents=True)
    cached.write_bytes((tmp_path / "server" / cached.name).read_bytes()[:kept])
    with pytest.raises(ValueError, match=f"are damaged: put a whole copy at {cached}"):
        build(SMALL, pretrained=True)


class _Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("saved", ["by pickle", "by torch", "by torch as it once was"])
@pytest.mark.parametrize("place", ["cache", "server"])
@pytest.mark.parametrize("named", ["as its hash is", "as another's is"])
def test_weights_are_never_unpickled(
    tmp_path: Path, served: tuple[dict[str, Tensor], Path, list[str]], monkeypatch, saved: str, place: str, named: str
) -> None:
    """What a pickle would run on being read is not run, whether or not it bears its own hash in its name."""
    _, cached, _ = served
    evil, touched = tmp_path / "evil", tmp_path / "touched"
    if saved == "by pickle":
        evil.write_bytes(pickle.dumps(_Touch(touched)))
    else:
        torch.save({"weight": _Touch(touched)}, evil, _use_new_zipfile_serialization=saved == "by torch")
    name = cached.name
    if named == "as its hash is":
        name = f"small-{hashlib.sha256(evil.read_bytes()).hexdigest()[:8]}.pth"
        weights = theirs.get_model_weights(SMALL).DEFAULT
        monkeypatch.setattr(weights.value, "url", weights.url.replace(cached.name, name))
    folder = cached.parent if place == "cache" else tmp_path / "server"
    folder.mkdir(parents=True, exist_ok=True)
    evil.rename(folder / name)
    with pytest.raises(ValueError, match=rf"(are|came) damaged.*: put a whole copy at {cached.parent / name}$"):
        build(SMALL, pretrained=True)
    assert not touched.exists()


@pytest.mark.parametrize("held", [[1, 2], {"weight": 1}, {"weight": torch.zeros(2)}, torch.zeros(2), {}])
def test_what_holds_no_weights_of_this_network_is_one_sentence(
    served: tuple[dict[str, Tensor], Path, list[str]], monkeypatch, held: object
) -> None:
    _, cached, _ = served
    cached.parent.mkdir(parents=True)
    torch.save(held, cached.with_name("small.pth"))  # a name without a hash
    weights = theirs.get_model_weights(SMALL).DEFAULT
    monkeypatch.setattr(weights.value, "url", weights.url.replace(cached.name, "small.pth"))
    with pytest.raises(ValueError, match=r"are (no tensors by name|those of another network): put a whole copy at"):
        build(SMALL, pretrained=True)


def test_a_flipped_bit_in_the_cache_is_noticed(
    served: tuple[dict[str, Tensor], Path, list[str]], tmp_path: Path
) -> None:
    _, cached, _ = served
    cached.parent.mkdir(parents=True)
    content = bytearray((tmp_path / "server" / cached.name).read_bytes())
    content[len(content) // 2] ^= 1
    cached.write_bytes(content)
    with pytest.raises(ValueError, match=f"are damaged: put a whole copy at {cached}"):
        build(SMALL, pretrained=True)


def test_every_file_of_torchvision_bears_its_hash() -> None:
    """So that there is always something to check."""
    names = theirs.list_models(module=theirs)
    files = [Path(theirs.get_model_weights(name).DEFAULT.url).name for name in names]
    assert all(len(_hash_in(file)) >= 8 for file in files), files
    assert (_hash_in("vit.pth"), _hash_in("small-1f.tar.pth"), _hash_in("b-f-0a.pth")) == ("", "", "0a")


@pytest.mark.parametrize("family", ["googlenet", "inception_v3", "densenet121"])
def test_weights_that_torchvision_keeps_otherwise_are_taken(tmp_path: Path, monkeypatch, family: str) -> None:
    """Two have heads for training alone, and densenet's file has former names."""
    torch.manual_seed(5)
    options = {} if family == "densenet121" else {"init_weights": False}
    state = theirs.get_model(family, **options).state_dict()
    expected = {name: value.clone() for name, value in state.items()}
    former = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): state[name] for name in state}
    assert (former.keys() == state.keys()) == (family != "densenet121")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(former, tmp_path / "hub" / "checkpoints" / "file.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(theirs.get_model_weights(family).DEFAULT.value, "url", "http://127.0.0.1:9/file.pth")
    found = {name: value for name, value in build(family, pretrained=True).state_dict().items() if value.dim() > 1}
    theirs_by_shape = [value for value in expected.values() if value.dim() == 4]
    ours = [value for value in found.values() if value.dim() == 4]
    assert all(any(torch.equal(value, other) for other in theirs_by_shape) for value in ours)


def test_a_transformers_positions_are_carried_over_to_another_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    original = theirs.vit_b_32()
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(original.state_dict(), tmp_path / "hub" / "checkpoints" / "vit.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(theirs.ViT_B_32_Weights.DEFAULT.value, "url", "http://127.0.0.1:9/vit.pth")
    native, small = (build("vit_b_32", pretrained=True, size=size) for size in (224, 64))
    positions = original.encoder.pos_embedding
    assert torch.equal(native.body[1].encoder.pos_embedding, positions)
    assert small.body[1].encoder.pos_embedding.shape == (1, 5, 768)
    assert torch.equal(small.body[1].encoder.pos_embedding[:, 0], positions[:, 0])
    assert torch.equal(small.body[1].conv_proj.weight, original.conv_proj.weight)
