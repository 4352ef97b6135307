"""A network that begins with another run's weights, and what is trained of it."""

from pathlib import Path
from typing import Any

import torch

from models import Network
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.listening import remark
from pipeline.runs.build import answers_of
from pipeline.runs.card import WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import InitCard
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import read_weights
from pipeline.runs.seals import digest_of_file
from pipeline.training.transfer import HEAD, alike, first_few, named_alike


def announce_init(card: Card) -> None:
    """Says what a training has taken over, and what not."""
    init = card.init
    if init is None:
        return
    n_all = len(init.taken) + len(init.fresh)
    how = "and keeps them as they are" if init.freeze else f"at a highest learning rate of {init.learning_rate:g}"
    of_what = f"{init.sha256[:12]}" + (f", pretrained by {init.pretraining}" if init.pretraining else "")
    remark(f"begins with {len(init.taken)} of {n_all} tensors of {Path(init.folder).name} ({of_what}), {how}")
    if init.fresh:
        remark(f"fresh, since nothing there fits or is for this task: {first_few(init.fresh)}")
    unused = [name for name in init.left if name not in init.fresh]
    if unused:
        remark(f"left there: {first_few(unused)}")


def begin_with(network: Network, card: Card) -> None:
    """Puts the weights that a card names, if it does, into its network.

    Raises:
        EcgFusionError: the run is gone, damaged, or another one than the card was made with.
    """
    init = card.init
    if init is None:
        return
    folder = Path(init.folder)
    gone = EcgFusionError(
        f"{folder} is not there as it was when this training was begun with its weights: put it back and go on with "
        f"-resume, or train anew into another folder"
    )
    try:
        same = digest_of_file(folder / WEIGHTS) == init.sha256
        origin = read_card(folder)
        tensors = named_alike(read_weights(folder, origin), origin.spec)
    except (EcgFusionError, OSError, ValueError):
        raise gone from None
    state = named_alike(network.state_dict(), card.spec)  # which shares the network's memory
    fits = all(name in state and name in tensors and alike(tensors[name], state[name]) for name in init.taken)
    if not same or not fits:
        raise gone
    for name in init.taken:
        state[name].copy_(tensors[name])


class TransferLearner(NetworkLearner):
    """A network some of whose weights are another run's.

    Args:
        network: the network.
        spec: how its input is made.
        init: what was taken over; frozen weights get no gradient, and what lies before the head is in evaluation mode
            in training, too, so that no statistic of it moves and nothing is dropped.
    """

    def __init__(
        self, network: Network, spec: InputSpec, init: InitCard, answers: torch.nn.Module | None = None
    ) -> None:
        super().__init__(network, spec, answers)
        self._init, self._spec = init, spec
        if init.freeze:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name.startswith(HEAD))

    def train(self, mode: bool = True) -> "TransferLearner":
        super().train(mode)
        if mode and self._init.freeze:
            self.network.eval()
            head: torch.nn.Module = self.network.get_submodule(HEAD.rstrip("."))
            head.train()
        return self

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        taken = {*self._init.taken} if not self._init.freeze else set()
        named = named_alike(dict(self.network.named_parameters()), self._spec)
        learning = {name: x for name, x in named.items() if x.requires_grad}
        fresh = [x for name, x in learning.items() if name not in taken]
        others = [x for name, x in learning.items() if name in taken]
        groups = [(fresh, learning_rate), (others, self._init.learning_rate)]  # the log has the rate of the first
        return [{"params": parameters, "lr": rate} for parameters, rate in groups if parameters]


def learner_of(card: Card, network: Network) -> NetworkLearner:
    """What the card of a network trains."""
    answers = answers_of(card)
    if card.init is None:
        return NetworkLearner(network, card.spec, answers)
    return TransferLearner(network, card.spec, card.init, answers)
