"""The list of networks."""

import torch

from models import create_model, describe_model, list_models

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
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    rows = [
        f"{name:<{widths[0]}}  {modality:<{widths[1]}}  {parameters:>{widths[2]}}  {paper}"
        for name, modality, parameters, paper in lines
    ]
    return "\n".join([*rows, *_NOTES])
