"""The list of networks, and that of fusions."""

from collections.abc import Sequence

import torch

from models import create_model, describe_fusion, describe_model, list_fusions, list_models

_NOTES = (
    "torchvision:NAME is any classifier of torchvision, such as torchvision:resnet18; -pretrained takes its weights",
    "parameters: of 9 channels of an image, or 3 leads of a signal, and 4 classes",
)
_IN_CHANNELS, _N_CLASSES = {"image": 9, "signal": 3}, 4


def describe_networks() -> str:
    """All networks with modality, parameters (at 9 channels or 3 leads, 4 classes) and paper."""
    lines = [("network", "modality", "parameters", "paper")]
    for name in list_models():
        entry = describe_model(name)
        with torch.device("meta"):
            network = create_model(name, in_channels=_IN_CHANNELS[entry.modality], n_classes=_N_CLASSES)
        lines.append((name, entry.modality, f"{sum(p.numel() for p in network.parameters()):,}", entry.paper))
    return "\n".join([*_columns(lines, "<<><"), *_NOTES])


def describe_fusions() -> str:
    """All fusions with the level they are of and what they do."""
    entries = [describe_fusion(name) for name in list_fusions()]
    lines = [("fusion", "level", "what it is"), *((each.name, each.level, each.summary) for each in entries)]
    return "\n".join([*_columns(lines, "<<<"), "name it with -combine, and its level with -model"])


def _columns(lines: Sequence[Sequence[str]], sides: str) -> list[str]:
    """The lines with their words below each other, each column at its side, ``<`` or ``>``."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    row = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return [row.format(*line).rstrip() for line in lines]
