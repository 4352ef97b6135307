"""Networks for images and signals of the electrocardiogram, by name.

Example:
    >>> import torch
    >>> from models import create_model, describe_model, list_models
    >>> "gru" in list_models("signal")
    True
    >>> dict(describe_model("gru").options)
    {'hidden_size': 128, 'n_layers': 3, 'dropout': 0.0}
    >>> network = create_model("gru", in_channels=3, n_classes=4, hidden_size=64)
    >>> signals = torch.zeros(2, 3, 1000)
    >>> network.tokens(signals).shape, network.features(signals).shape, network(signals).shape
    (torch.Size([2, 1000, 64]), torch.Size([2, 64]), torch.Size([2, 4]))
"""

from models import image as image
from models import signal as signal
from models.base import ImageNetwork, Network, SignalNetwork
from models.registry import ModelEntry, create_model, describe_model, list_models, register

__all__ = [
    "ImageNetwork",
    "ModelEntry",
    "Network",
    "SignalNetwork",
    "create_model",
    "describe_model",
    "list_models",
    "register",
]
