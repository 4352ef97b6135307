"""Recurrent networks over the samples, read at the step where each direction has seen all of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.padding import blank, last_step


class Recurrent(SignalNetwork):
    """A stack of recurrent layers; every sample is a step and gives a token.

    Args:
        layer: ``nn.GRU`` or ``nn.LSTM``.
        in_channels: leads of the signal.
        n_classes: logits that come out.
        hidden_size: neurons of a direction.
        n_layers: layers on top of each other.
        dropout: probability between the layers, in [0, 1).
        bidirectional: whether a second recurrence runs from the end to the start.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: there is a dropout and one layer, so that it would act nowhere.
    """

    smallest_size = 1

    def __init__(
        self,
        layer: type[nn.GRU] | type[nn.LSTM],
        in_channels: int,
        n_classes: int,
        *,
        hidden_size: int,
        n_layers: int,
        dropout: float,
        bidirectional: bool,
    ) -> None:
        super().__init__()
        if dropout and n_layers == 1:
            raise ValueError(f"dropout {dropout} acts between layers and there is one; set it to 0 or add layers")
        self.in_channels = in_channels
        self.hidden_size = hidden_size
        self.token_dim = self.feature_dim = hidden_size * (1 + bidirectional)
        # One direction runs its layers in one call, which lets a GPU overlap them. Two directions go
        # layer by layer, since each needs both halves of the last, put right where items are padded;
        # and so does a dropout, since cuDNN's own is set up anew, and waited for, whenever it is seeded.
        n_calls, depth = (n_layers, 1) if bidirectional or dropout else (1, n_layers)
        self.layers = nn.ModuleList(
            layer(
                self.token_dim if call else in_channels,
                hidden_size,
                depth,
                batch_first=True,
                bidirectional=bidirectional,
            )
            for call in range(n_calls)
        )
        self.register_load_state_dict_pre_hook(_give_each_layer_its_own)  # type: ignore[no-untyped-call]
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The recurrent output at every sample, the backward direction in the second half."""
        length = self.check(x, length)
        steps = x.transpose(1, 2)  # (n, time, leads)
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            steps = blank(steps, length)
        for call, layer in enumerate(self.layers):
            steps = self._run(layer, self.dropout(steps) if call else steps, length)
        return steps

    def _run(self, layer: nn.Module, steps: Tensor, length: Tensor | None) -> Tensor:
        if self.token_dim > self.hidden_size:
            return run_both_ways(layer, steps, length)
        y: Tensor = layer(steps)[0]
        return y if length is None else blank(y, length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The forward direction at the last sample and the backward one at the first."""
        last = last_step(tokens, length)
        return torch.cat([last[:, : self.hidden_size], tokens[:, 0, self.hidden_size :]], dim=1)


def run_both_ways(layer: nn.Module, steps: Tensor, length: Tensor | None) -> Tensor:
    """What a layer of both directions says at each step, the backward one begun at each item's own end.

    (Packing is quadratic in time on a CPU in training, and runs of one length each are many.)

    Shape:
        - steps: (n, t, d), zero where an item has ended
        - length: (n,) steps, on the same device; None where all items are whole
        - returns: (n, t, 2 · hidden_size), zero where an item has ended
    """
    if length is None:
        y: Tensor = layer(steps)[0]
        return y
    h, padding = layer.get_parameter("weight_hh_l0").shape[1], steps.shape[1] - length
    # The backward direction is right where all items end together.
    at_start, at_end = layer(torch.cat([steps, _roll(steps, padding)]))[0].chunk(2)
    return blank(torch.cat([at_start[..., :h], _roll(at_end[..., h:], -padding)], dim=2), length)


def _give_each_layer_its_own(network: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Takes the weights of older runs, which kept all layers of one direction as one stack, with a dropout too."""
    if len(network.get_submodule("layers")) == 1:  # type: ignore[arg-type]
        return
    for key in list(state):
        found = re.fullmatch(rf"{re.escape(prefix)}layers\.0\.(\w+)_l([1-9]\d*)", key)
        if found:
            state[f"{prefix}layers.{found[2]}.{found[1]}_l0"] = state.pop(key)


def _roll(steps: Tensor, by: Tensor) -> Tensor:
    """Each item moved towards the end by its own number of steps, (n, time, d) and (n,)."""
    time = steps.shape[1]
    source = (torch.arange(time, device=steps.device) - by[:, None]) % time
    return steps.gather(1, source[..., None].expand_as(steps))


@dataclass(frozen=True)
class Row:
    """A recurrent network of the comparative study.

    Attributes:
        layer: what remembers.
        bidirectional: whether it reads the signal from its end, too; each half is read where it has seen all of it.
        n_layers: layers on top of each other, where nobody says.
        dropout: probability between the layers, where nobody says.
        after: whom the study follows.
        what: the network in a sentence.
    """

    layer: type[nn.GRU] | type[nn.LSTM]
    bidirectional: bool
    n_layers: int
    dropout: float
    after: str
    what: str

    def builder(self) -> Callable[..., Recurrent]:
        """What builds it, with its options and their defaults."""

        def build(
            in_channels: int,
            n_classes: int,
            hidden_size: int = 128,
            n_layers: int = self.n_layers,
            dropout: float = self.dropout,
        ) -> Recurrent:
            return Recurrent(
                self.layer,
                in_channels,
                n_classes,
                hidden_size=hidden_size,
                n_layers=n_layers,
                dropout=dropout,
                bidirectional=self.bidirectional,
            )

        build.__doc__ = self.what
        return build


_GRU, _LSTM, _BOTH = "Cho et al. 2014", "Hochreiter & Schmidhuber 1997", "Schuster & Paliwal 1997"

ROWS = {
    "gru": Row(nn.GRU, False, 3, 0.0, _GRU, "Gated recurrent units, read at the last sample: the study's best."),
    "bigru": Row(nn.GRU, True, 2, 0.5, f"{_BOTH} and {_GRU}", "Gated recurrent units in both directions."),
    "lstm": Row(nn.LSTM, False, 2, 0.0, _LSTM, "Long short-term memory, read at the last sample."),
    "bilstm": Row(nn.LSTM, True, 2, 0.5, f"{_BOTH} and {_LSTM}", "Long short-term memory in both directions."),
}
"""The study's fusion read the backward half at the last sample, where it has seen one; ours is read at the first."""

for _name, _row in ROWS.items():
    _paper = f"Narotamo et al. 2024, after {_row.after}"
    register(_name, modality="signal", family="recurrent", paper=_paper)(_row.builder())
