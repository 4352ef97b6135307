"""Any classifier of torchvision, by ``torchvision:NAME``, with fresh weights or those of ImageNet.

torchvision's classifiers define their layers in the order of use: what makes the last map, a
pooling, and a classifier that ends in one linear layer. So they are cut there by one rule; what
differs from it is three lines below (densenet, squeezenet, and the vision transformers, whose
tokens are no map).
"""

import functools
import hashlib
import http.client
import io
import re
from collections import OrderedDict
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from models.base import ImageNetwork
from models.image.first_layer import adapt_first_layer
from models.registry import ModelEntry, register_collection, suggest

PREFIX = "torchvision"
FIXED_SIZE = ("vit", "maxvit")  # positions are learnt, or cut into windows, for one size of image
POOLING = ("avgpool", "classifier", "fc", "heads")  # the first of these follows the last map
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # heads that googlenet and inception have while they are trained
DENSENETS_FORMER = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")  # names of layers in its file
SMALLEST_SIZE = 32  # of which the last map of most is one position


class WeightsError(ValueError):
    """The weights of ``pretrained`` cannot be had."""


class Standardise(nn.Module):
    """Images in [0, 1] as ImageNet's weights know them: one mean and deviation for every channel, no colours."""

    def __init__(self, mean: float, deviation: float) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation

    def extra_repr(self) -> str:
        return f"{self.mean:.3f}, {self.deviation:.3f}"


class PatchTokens(nn.Module):
    """A vision transformer's tokens as a map of one column, the class token first.

    Shape:
        - input: (n, in_channels, size, size)
        - output: (n, d, 1 + (size / patch)², 1)
    """

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.conv_proj, self.encoder = transformer.conv_proj, transformer.encoder
        self.class_token = transformer.class_token

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1)
        y: Tensor = self.encoder(tokens).transpose(1, 2)[..., None]
        return y


class FirstToken(nn.Module):
    """The class token, (n, t, d) -> (n, d)."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0]


class ClassifierPool(nn.Module):
    """Tokens to features as the classifier does it: their mean, or all of a grid, and its hidden layers.

    Args:
        layers: what lies between the pooled map and the last linear layer.
        grid: rows and columns of tokens that the layers read; (1, 1) for the mean of any number.

    Shape:
        - input: (n, t, d)
        - output: (n, feature_dim)
    """

    def __init__(self, layers: list[nn.Module], grid: tuple[int, int]) -> None:
        super().__init__()
        if not any(isinstance(layer, nn.Flatten) for layer in layers):
            layers = [nn.Flatten(), *layers]
        self.layers = nn.Sequential(*layers)
        self.grid = grid

    def forward(self, tokens: Tensor) -> Tensor:
        if self.grid == (1, 1):
            tokens = tokens.mean(1, keepdim=True)
        y: Tensor = self.layers(torch.unflatten(tokens.transpose(1, 2), 2, self.grid))  # from (n, d, rows, columns)
        return y


def describe_classifier(name: str) -> ModelEntry:
    """The entry of ``torchvision:NAME``.

    Raises:
        ValueError: torchvision has no such classifier; the near ones are listed.
    """
    from torchvision import models

    names = [f"{PREFIX}:{known}" for known in models.list_models(module=models)]
    if name not in names:
        raise ValueError(f"no network is named {name!r}; {suggest(name, names)}")
    theirs = name.removeprefix(f"{PREFIX}:")
    options: dict[str, object] = {"pretrained": False}
    if theirs.startswith(FIXED_SIZE):
        options["size"] = 224
    return ModelEntry(
        name=name,
        modality="image",
        family="torchvision",
        paper=f"torchvision's {theirs}",
        options=MappingProxyType(options),
        build=functools.partial(build_classifier, theirs),
    )


def build_classifier(
    name: str, in_channels: int, n_classes: int, pretrained: bool = False, size: int = 224
) -> ImageNetwork:
    """A classifier of torchvision behind the contract of our networks.

    Tokens are the positions of the last map (for alexnet and vgg, of the grid that they average it
    to), and those of the encoder for a vision transformer. Images are standardised by torchvision's
    numbers whether or not its weights are asked for, so that a saved network needs to know nothing of it.

    Args:
        name: as torchvision calls it.
        in_channels: channels of the image; a number other than 3 adapts the first convolution.
        n_classes: logits that come out.
        pretrained: whether to start from torchvision's default weights, from its cache or its server.
        size: side of the images in pixels, for those of ``FIXED_SIZE``.

    Raises:
        WeightsError: the weights cannot be had.
        ValueError: the network takes no images of this size.
    """
    from torchvision import models

    weights = models.get_model_weights(name).DEFAULT
    backbone: Any = _backbone(name, weights if pretrained else None, size)
    adapt_first_layer(backbone, in_channels, keep_weights=pretrained)
    fixed = name.startswith(FIXED_SIZE)
    body, pooling, token_dim, feature_dim = _cut(backbone)
    return ImageNetwork(
        nn.Sequential(_standardise(backbone, weights), body),
        pooling,
        in_channels=in_channels,
        token_dim=token_dim,
        feature_dim=feature_dim,
        n_classes=n_classes,
        smallest_size=SMALLEST_SIZE if name.startswith("swin") else max(SMALLEST_SIZE, *weights.meta["min_size"]),
        only_size=size if fixed else None,
    )


def _backbone(name: str, weights: Any, size: int) -> nn.Module:
    """torchvision's own network; for one of a fixed size, with its weights carried over to ``size``."""
    from torchvision import models

    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": False}
    step, is_vit = 1, name.startswith("vit")
    if name.startswith(FIXED_SIZE):
        step = int(name.rpartition("_")[2]) if is_vit else 224  # a patch; windows of 7 after five halvings
        if size < step or size % step:
            raise ValueError(f"{name} takes images whose side is a multiple of {step} pixels, which {size} is not")
        options = {"image_size": size} if is_vit else {"input_size": (size, size)}
    backbone = _fresh(name, options)
    if weights:
        state = _published(weights)
        try:
            if is_vit:
                state = models.vision_transformer.interpolate_embeddings(size, step, state)
            backbone.load_state_dict(state)
        except (RuntimeError, KeyError, ValueError, AttributeError, TypeError):
            _refuse(weights, "are those of another network")
    return backbone


def _fresh(name: str, options: dict[str, Any]) -> nn.Module:
    from torchvision import models

    device = torch.empty(
        0
    ).device  # what `with torch.device` says, of which torch 2.6's get_default_device knows nothing
    # A regnet computes its widths with tensors, which hold no numbers on the meta device.
    with torch.device("cpu" if name.startswith("regnet") else device):
        network: nn.Module = models.get_model(name, weights=None, **options).to(device)
        return network


def _published(weights: Any) -> dict[str, Tensor]:
    """The tensors of torchvision's weights by the names that its networks give them, from its cache or its server.

    The hash in the file's name is checked before anything is read of it, and nothing but tensors is unpickled:
    torchvision's own reading does the first for downloads alone, and the second never.
    """
    file = _cache_of(weights)
    if not file.is_file():
        _download(weights, file)
    try:
        content = file.read_bytes()
    except OSError as problem:
        _refuse(weights, f"cannot be read ({problem.strerror})")
    if not hashlib.sha256(content).hexdigest().startswith(_hash_in(file.name)):
        _refuse(weights, "are damaged")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # torch raises whatever its parsing meets
        _refuse(weights, "are damaged")
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        _refuse(weights, "are no tensors by name")
    for old in [key for key in state if key.startswith(AUXILIARY)]:
        del state[old]
    for old in [key for key in state if DENSENETS_FORMER.match(key)]:
        state[DENSENETS_FORMER.sub(r"\1\2", old)] = state.pop(old)
    return state


def _cache_of(weights: Any) -> Path:
    return Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)


def _hash_in(name: str) -> str:
    """The first digits of the SHA-256 of a file, as torchvision's names end in them; none where they do not."""
    found = re.search(r"-([0-9a-f]+)\.[^.]+$", name)
    return found[1] if found else ""


def _download(weights: Any, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(weights.url, str(file), hash_prefix=_hash_in(file.name) or None)
    except (OSError, http.client.HTTPException) as problem:
        _refuse(weights, f"are not at hand and could not be downloaded from {weights.url} ({problem})")
    except RuntimeError:  # as torch says that the hash is another
        _refuse(weights, f"came damaged from {weights.url}")


def _refuse(weights: Any, what: str) -> NoReturn:
    raise WeightsError(f"the weights {weights} {what}: put a whole copy at {_cache_of(weights)}") from None


def _standardise(backbone: nn.Module, weights: Any) -> Standardise:
    if hasattr(backbone, "transform_input"):  # googlenet and inception, which undo what others are fed
        return Standardise(0.5, 0.5)
    preset = weights.transforms()
    return Standardise(sum(preset.mean) / 3, sum(preset.std) / 3)


def _cut(backbone: Any) -> tuple[nn.Module, nn.Module, int, int]:
    """Body, pooling, width of a token and width of the features."""
    if hasattr(backbone, "class_token"):
        width = backbone.hidden_dim
        return PatchTokens(backbone), FirstToken(), width, width
    children = OrderedDict(backbone.named_children())
    names = list(children)
    at = next(number for number, name in enumerate(names) if name in POOLING)
    body = OrderedDict((name, _in_order(children[name])) for name in names[:at])
    if type(backbone).__name__ == "DenseNet":
        body["relu"] = nn.ReLU()
    after = [layer for name in names[at:] for layer in _layers(children[name])]
    grid = (1, 1)
    if isinstance(after[0], nn.AdaptiveAvgPool2d):
        pooling = after.pop(0)
        if isinstance(pooling.output_size, tuple):
            grid = pooling.output_size
            if grid != (1, 1):
                body["avgpool"] = pooling
    # a squeezenet classifies by a convolution of 1 × 1, which behind the mean is a linear layer
    linear = [number for number, layer in enumerate(after) if isinstance(layer, nn.Linear | nn.Conv2d)]
    token_dim, feature_dim = _width(after[linear[0]]) // (grid[0] * grid[1]), _width(after[linear[-1]])
    return nn.Sequential(body), ClassifierPool(after[: linear[-1]], grid), token_dim, feature_dim


def _in_order(module: nn.Module) -> nn.Module:
    return nn.Sequential(*module) if isinstance(module, nn.ModuleList) else module


def _layers(module: nn.Module) -> list[nn.Module]:
    return list(module) if isinstance(module, nn.Sequential) else [module]


def _width(layer: Any) -> int:
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


register_collection(PREFIX, describe_classifier)
