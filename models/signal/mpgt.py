"""Two scales of the signal, transformer layers over each, and a gate by which the coarse one enters the fine one."""

from torch import Tensor, nn

from models.registry import register
from models.signal.lead_maps import SideBySide
from models.signal.masked import Chain, Convolution, MaxPool, MeanOfTwo, Norm, TimeLayer, blanked
from models.signal.mixing import MixingLayer
from models.signal.padding import blank, within
from models.signal.patch_transformer import layer, sinusoids
from models.signal.rhythm import RhythmNetwork

COARSE, FINE = 25, 5  # kernels of the embeddings
KERNEL = 3  # of the temporal convolutions


class CausalConvolution(TimeLayer):
    """A convolution of a step and of those before it, ``dilation`` apart; zeros stand before the first.

    Shape:
        (n, width, t) to (n, width, t).
    """

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.before = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(width, width, kernel, dilation=dilation)

    def forward(self, x: Tensor, length: Tensor | None) -> Tensor:
        y: Tensor = self.convolution(nn.functional.pad(x, (self.before, 0)))
        return y if length is None else blanked(y, length)


class ProgressiveGate(nn.Module):
    """The one scale, each number by the share that it finds of itself, added to the other: x₁ σ(tanh(W x₁ + b)) + x₂.

    Shares lie between σ(-1) and σ(1), 0.27 and 0.73: nothing is shut out, nothing goes through whole.

    Shape:
        - one, other: (n, t, width)
        - returns: (n, t, width)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.share = nn.Linear(width, width)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        y: Tensor = one * self.share(one).tanh().sigmoid() + other
        return y


class ScaleLayer(nn.Module):
    """Attention and a hidden layer, then two causal convolutions and another hidden layer.

    Args:
        width: of a step.
        n_heads: of the attention, a divisor of ``width``.
        dilation: steps between those that a convolution sees.
        dropout: probability in each, in [0, 1).

    Shape:
        - steps: (n, t, width)
        - own: (n,) steps of each item, on the same device; None where all are
        - returns: (n, t, width); where an item has ended it says nothing
    """

    def __init__(self, width: int, n_heads: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.attention = layer(width, n_heads, dropout)
        convolutions = [CausalConvolution(width, KERNEL, dilation) for _ in range(2)]
        mixer = Chain(convolutions[0], nn.ReLU(), nn.Dropout(dropout), convolutions[1])
        self.convolutions = MixingLayer(mixer, width, 4 * width, dropout)

    def forward(self, steps: Tensor, own: Tensor | None) -> Tensor:
        padded = None if own is None else ~within(own, steps.shape[1])
        y: Tensor = self.convolutions(self.attention(steps, src_key_padding_mask=padded), own)
        return y


def _embedding(in_channels: int, width: int, kernel: int) -> Chain:
    """An eighth of the steps."""
    first = [Convolution(in_channels, width, kernel, 2, bias=False), Norm(width), nn.ReLU(), MaxPool(2)]
    return Chain(*first, Convolution(width, width, kernel, bias=False), Norm(width), nn.ReLU(), MeanOfTwo())


@register("mpgt", modality="signal", family="transformer", paper="after MPGT, ACML 2022")
class Mpgt(RhythmNetwork):
    """A coarse and a fine embedding, layers over each, and a gate after each layer from the coarse into the fine.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        width: of a step of each scale, 1 or more.
        n_layers: layers over each scale, 1 or more; the steps that their convolutions see lie 1, 2, 4, … apart.
        n_heads: of the attention, a divisor of ``width``.
        dropout: probability in a layer and before the head, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each; a token is 8 samples
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small, or ``n_heads`` does not divide ``width``.

    Reference:
        Multi-scale progressive gated transformer for physiological signal classification (MPGT), ACML 2022. No code of
        it is public, so that widths, kernels and count are of our own: with 12 leads and 5 classes 1,301,925 weights
        (derived: 259,584 and 52,224 of the embeddings, w (12 k + w k + 4) for w = 96 and k = 25 and 5; in each of two
        layers of each scale 111,840 of attention and hidden layer, 55,488 of the convolutions and 74,592 of the second
        hidden layer with both norms; 9,312 of each gate, 192 of the last norm, 3,136 of the weighted mean, 485 of the
        head). Both scales have the same steps, since the gate adds them up, and differ in what their kernels see; the
        coarse scale goes on ungated, and the fine one, which has heard all of it, is read. There one lead is heard.
        Padded items, which it does not know, give what they would give alone.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        width: int = 96,
        n_layers: int = 2,
        n_heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        for what, number in (("width", width), ("n_layers", n_layers)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        if n_heads < 1 or width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
        embeddings = SideBySide([_embedding(in_channels, width, kernel) for kernel in (COARSE, FINE)])
        super().__init__(Chain(embeddings), in_channels, width, n_classes, dropout)
        self.coarse, self.fine = (
            nn.ModuleList(ScaleLayer(width, n_heads, 2**depth, dropout) for depth in range(n_layers)) for _ in range(2)
        )
        self.gates = nn.ModuleList(ProgressiveGate(width) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)

    def _follow(self, steps: Tensor, length: Tensor | None) -> Tensor:
        places = sinusoids(steps.shape[1], self.token_dim, steps.device)
        coarse, fine = (scale + places for scale in steps.chunk(2, 2))
        for of_coarse, of_fine, gate in zip(self.coarse, self.fine, self.gates, strict=True):
            coarse, fine = of_coarse(coarse, length), of_fine(fine, length)
            fine = gate(coarse, fine)
        normed: Tensor = self.norm(fine)
        return normed if length is None else blank(normed, length)
