"""What is trained and what scores: a network together with how it sees its items."""

from typing import Any

from torch import Tensor, nn

from models import Network
from pipeline.batches import Batch
from pipeline.inputs import InputMaker, InputSpec


class Learner(nn.Module):
    """Takes a batch of its items and gives logits.

    Attributes:
        network: what is trained, and whose state a run keeps.
    """

    network: nn.Module

    def forward(self, batch: Any) -> Tensor:
        """Logits, (n, n_classes)."""
        raise NotImplementedError

    def outputs(self, batch: Any) -> list[tuple[float, Tensor]]:
        """Logits that a training compares with the labels, each with its weight in the loss."""
        return [(1.0, self(batch))]

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """The parameters, each group with its own highest rate as ``lr``."""
        return [{"params": list(self.network.parameters()), "lr": learning_rate}]


class NetworkLearner(Learner):
    """One network on signals or pictures.

    Args:
        network: the network.
        spec: how its input is made of what a batch of ``StoreItems`` holds.
    """

    def __init__(self, network: Network, spec: InputSpec) -> None:
        super().__init__()
        self.network = network
        self._maker = InputMaker(spec)

    def forward(self, batch: Batch) -> Tensor:
        x = self._maker(batch.raw, batch.length)
        if batch.length is None or self._maker.spec.modality == "image":
            return self.network(x)
        return self.network(x, length=batch.length)  # of signals, where items are padded
