"""The diagonal state-space network for electrocardiograms."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.masked import Convolution, blanked
from models.signal.padding import blank
from models.signal.state_space import DiagonalStateSpace


class ChannelDropout(nn.Dropout):
    """Drops whole channels of an item, at all its steps, (n, t, d)."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        return x * super().forward(torch.ones_like(x[:, :1]))


class Layer(nn.Module):
    """State spaces of both directions, GELU, a gated linear layer; what went in is added, and the sum normed.

    Shape:
        - x: (n, t, d_model), zero where an item has ended
        - returns: the same shape, anything where an item has ended
    """

    def __init__(self, d_model: int, d_state: int, dropout: float) -> None:
        super().__init__()
        self.state_space = DiagonalStateSpace(d_model, d_state)
        self.inner, self.outer = ChannelDropout(dropout), ChannelDropout(dropout)
        self.linear = nn.Linear(d_model, 2 * d_model)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x: Tensor) -> Tensor:
        said = nn.functional.gelu(self.state_space(x.transpose(1, 2))).transpose(1, 2)
        gated = nn.functional.glu(self.linear(self.inner(said)), dim=-1)
        y: Tensor = self.norm(x + self.outer(gated))
        return y


@register("s4d", modality="signal", family="s4", paper="Mehari & Strodthoff 2023, after Gu et al. 2022")
class S4D(SignalNetwork):
    """Layers of diagonal state spaces that run forward and backward over all samples, and their mean over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        d_model: channels, each a linear system in every layer.
        n_layers: layers on top of each other.
        d_state: state of a system, counted with the conjugates; an even number.
        stem_stride: samples of a token: 1 as published; with more, a convolution over 2 · ``stem_stride`` - 1 samples
            makes them, which a CPU is glad of (4, and ``d_model`` 256).
        dropout: probability with which whole channels are dropped, before the gated layer and behind it, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: a number is below 1, or ``d_state`` is odd.

    Reference:
        Mehari and Strodthoff, Towards quantitative precision for ECG analysis: leveraging state space models,
        self-supervision and patient metadata, IEEE J. Biomed. Health Inform. 27 (2023) 5326: four layers of 512
        channels with a state of 8, layer norm behind each sum. Theirs are S4, whose state matrix has a correction of
        low rank beside the diagonal; these are S4D (Gu et al. 2022), found to be as good. With 12 leads and 5 classes
        it has 2,167,813 weights: 6,656 of the stem, 539,648 of each layer (512 · (1 + 2 · 4 + 4 · 4 + 1) of the state
        spaces, 525,312 of the gate, 1,024 of the norm), 2,565 of the head.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        d_model: int = 512,
        n_layers: int = 4,
        d_state: int = 8,
        stem_stride: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        for what, number in (("n_layers", n_layers), ("stem_stride", stem_stride)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        self.in_channels = in_channels
        self.token_dim = self.feature_dim = d_model
        self.smallest_size = 1
        self.layers = nn.ModuleList(Layer(d_model, d_state, dropout) for _ in range(n_layers))
        self.stem = Convolution(in_channels, d_model, 2 * stem_stride - 1, stem_stride)
        self.head = nn.Linear(d_model, n_classes)

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """The last layer at every step, zero where an item has ended."""
        length = self.check(x, length)
        steps = None
        if length is not None:
            length = length.to(x.device, non_blocking=True)
            x, steps = blanked(x, length), self.token_length(length)
        x = self.stem(x, length).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
            x = x if steps is None else blank(x, steps)
        return x

    def token_length(self, length: Tensor) -> Tensor:
        return self.stem.n_steps(length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean over an item's own steps."""
        if length is None:
            return tokens.mean(1)
        steps = self.token_length(length.to(tokens.device, non_blocking=True))
        return blank(tokens, steps).sum(1) / steps[:, None]
