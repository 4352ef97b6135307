"""What is trained and what scores: a network together with how it sees its items."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models import Network
from models.fusion.intermediate import BranchReader
from pipeline.inputs.batches import Batch, on
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.signals.augmentations import PartOfDraws


@dataclass(frozen=True)
class Mix:
    """How a training step mixes the items of a batch in pairs.

    Attributes:
        weight: of each item itself, from 0 to 1; its partner has the rest.
        partners: (n,) int64, the place of each item's partner in the batch; it may be its own. They lie on the host, as
            lengths do, which networks read there. A batch may have further items behind the n, which are partners only.
    """

    weight: float
    partners: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Numbers of each item, (n, …), mixed with those of its partner; of inputs and of targets alike."""
        return self.weight * x[: len(self.partners)] + (1 - self.weight) * x[on(x.device, self.partners)]

    def longer(self, length: Tensor) -> Tensor:
        """(n,) samples of each mixed item: those of the longer of both, since behind its end a signal is 0."""
        return torch.maximum(length[: len(self.partners)], length[self.partners])


@dataclass(frozen=True)
class Change:
    """How a training step changes what is seen at random.

    Attributes:
        names: of signals, in ``AUGMENTATIONS``; none leaves them.
        generator: where their randomness comes from.
        mix: how inputs are then mixed in pairs; None leaves each what it is.
    """

    names: tuple[str, ...]
    generator: torch.Generator | PartOfDraws
    mix: Mix | None = None


class Learner(nn.Module):
    """Takes a batch of its items and gives logits.

    Attributes:
        network: what is trained, and whose state a run keeps.
    """

    network: nn.Module

    def forward(self, batch: Any) -> Tensor:
        """Logits, (n, n_classes)."""
        raise NotImplementedError

    def outputs(self, batch: Any, change: Change | None = None) -> list[tuple[float, Tensor]]:
        """Logits that a training compares with the labels, each with its weight in the loss.

        Args:
            batch: of its items.
            change: how what is seen is changed at random; None leaves it.
        """
        return [(1.0, self(batch))]

    def learnt(self, batch: Any, change: Change | None = None) -> tuple[Tensor | None, list[tuple[float, Tensor]]]:
        """What one network's head reads, (n, feature_dim), None of a fusion; and the ``outputs`` made of it."""
        return None, self.outputs(batch, change)

    def penalty(self, features: Tensor) -> Tensor | None:
        """What is added to the loss whatever the labels, (), of what ``learnt`` says that the head reads."""
        return None

    def answered(self, logits: Tensor) -> Tensor:
        """The logits of the classes that are answered for, of those that ``outputs`` gives."""
        return logits

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """The parameters, each group with its own highest rate as ``lr``."""
        return [{"params": list(self.network.parameters()), "lr": learning_rate}]


class NetworkLearner(Learner):
    """One network on signals or images.

    Args:
        network: the network.
        spec: how its input is made of what a batch of ``store_items`` holds.
        answers: what reads the classes from the network's outputs, which training leaves out; None where they are them.
    """

    def __init__(self, network: Network, spec: InputSpec, answers: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        self._maker = InputMaker(spec)
        self._answers = answers

    def forward(self, batch: Batch) -> Tensor:
        return self.answered(self._said(batch, *self._seen(batch, None))[1])

    def answered(self, logits: Tensor) -> Tensor:
        if self._answers is None:
            return logits
        found: Tensor = self._answers(logits)
        return found

    def outputs(self, batch: Batch, change: Change | None = None) -> list[tuple[float, Tensor]]:
        return self.learnt(batch, change)[1]

    def learnt(self, batch: Batch, change: Change | None = None) -> tuple[Tensor, list[tuple[float, Tensor]]]:
        features, logits = self._said(batch, *self._seen(batch, change))
        return features, [(1.0, logits)]

    def penalty(self, features: Tensor) -> Tensor | None:
        network: Any = self.network
        found: Tensor | None = network.penalty(features) if features.requires_grad else None  # frozen weights have none
        return found

    def _seen(self, batch: Batch, change: Change | None) -> tuple[Tensor, Mix | None]:
        """The items of a batch as the network sees them, before they are mixed, and how they are."""
        if change is None:
            return self._maker(batch.raw, batch.length), None
        return self._maker.augmented(batch.raw, change.generator, change.names, batch.length), change.mix

    def _said(self, batch: Batch, x: Tensor, mix: Mix | None = None) -> tuple[Tensor, Tensor]:
        """What the head reads of a batch, (n, feature_dim), and the logits that it makes of it."""
        beside = beside_input(self._maker, batch)
        if mix:
            x = mix(x)
            beside = {name: mix.longer(values) if name == "length" else mix(values) for name, values in beside.items()}
        network: Any = self.network  # of which some take a length, and some numbers beside the items
        features: Tensor = network.features(x, **beside)
        return features, network.head(features)


def beside_input(maker: InputMaker, batch: Batch) -> dict[str, Tensor]:
    """What a network takes of a batch beside its input, by the names of its arguments.

    These are the ``length`` of signals, where items are padded, and ``numbers``, where the spec has features.
    """
    beside = {}
    if batch.length is not None and maker.spec.modality == "signal":
        beside["length"] = batch.length
    if batch.features is not None:
        beside["numbers"] = maker.beside(batch.features)
    return beside


class FusionLearner(Learner):
    """A fusion of what several networks say of an item.

    Args:
        fusion: the fusion; also what is trained, unless a subclass trains more.
        auxiliary: weight of the branches' own losses together; 0 for none.
    """

    def __init__(self, fusion: BranchReader, auxiliary: float = 0.0) -> None:
        super().__init__()
        self.fusion = fusion
        self.network: nn.Module = fusion
        self._auxiliary = auxiliary

    def read(self, batch: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What the fusion takes of a batch: features or tokens, and the masks of those that are padded."""
        raise NotImplementedError

    def forward(self, batch: Any) -> Tensor:
        logits: Tensor = self.fusion(*self.read(batch))
        return logits

    def outputs(self, batch: Any, change: Change | None = None) -> list[tuple[float, Tensor]]:
        if change is not None:
            raise ValueError("a fusion does not change what its branches see")
        fused, alone = self.fusion.outputs(*self.read(batch))
        if not self._auxiliary:
            return [(1.0, fused)]
        return [(1.0, fused), *((self._auxiliary / len(alone), logits) for logits in alone.values())]
