"""Networks for images and signals of the electrocardiogram, and fusions of them, by name.

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
    >>> from models import BranchShape, create_fusion, list_fusions
    >>> list_fusions("intermediate")
    ['attention', 'concat', 'gated', 'mamil', 'modules', 'svm']
    >>> shape = BranchShape(network.token_dim, network.feature_dim)
    >>> fusion = create_fusion("gated", branches={"runs/one": shape, "runs/two": shape}, n_classes=4)
    >>> logits, of_each = fusion.outputs({name: network.features(signals) for name in fusion.branches})
    >>> logits.shape, list(of_each)
    (torch.Size([2, 4]), ['runs/one', 'runs/two'])
"""

from models import fusion as fusion
from models import image as image
from models import signal as signal
from models.base import ImageNetwork, Network, SignalNetwork
from models.beside_features import BesideFeatures, beside_features
from models.fusion.branches import BranchShape
from models.fusion.intermediate import IntermediateFusion
from models.fusion.registry import FusionEntry, create_fusion, describe_fusion, list_fusions, register_fusion
from models.fusion.tokens import at_most
from models.registry import ModelEntry, create_model, describe_model, list_models, register

__all__ = [
    "BesideFeatures",
    "BranchShape",
    "FusionEntry",
    "ImageNetwork",
    "IntermediateFusion",
    "ModelEntry",
    "Network",
    "SignalNetwork",
    "at_most",
    "beside_features",
    "create_fusion",
    "create_model",
    "describe_fusion",
    "describe_model",
    "list_fusions",
    "list_models",
    "register",
    "register_fusion",
]
