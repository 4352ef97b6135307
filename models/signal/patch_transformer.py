"""Transformers over patches of the signal, whose weights may be learnt of recordings without labels first."""

import math

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.registry import register
from models.signal.padding import blank, within


def sinusoids(time: int, width: int, device: torch.device | None = None) -> Tensor:
    """Where a step stands, (time, width): sines of it in the first half, cosines in the second.

    Any number of steps has its places, so that a network takes items longer than those that it has learnt from.

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017.
    """
    half = (width + 1) // 2
    rates = torch.exp(torch.arange(half, device=device) * (-math.log(10_000.0) / max(half - 1, 1)))
    angles = torch.arange(time, device=device)[:, None] * rates  # (time, half)
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]


def layer(width: int, n_heads: int, dropout: float) -> nn.TransformerEncoderLayer:
    """A transformer layer that normalises before it acts, with a hidden layer four times as wide."""
    return nn.TransformerEncoderLayer(width, n_heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True)


class PatchTransformer(SignalNetwork):
    """Patches of a few samples, a linear layer, places, transformer layers, and the mean of the tokens.

    The steps between are methods of their own, since a pretraining leaves out some of the tokens between them:
    ``tokens`` is ``encode(embed(patches(x, length)), …)``.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        patch: samples of a patch; an item's last one is filled up with zeros.
        width: of a token.
        n_layers: transformer layers.
        n_heads: heads of each, a divisor of ``width``.
        dropout: probability in a layer and before the head, in [0, 1).
        each_lead: whether a token is the patch of one lead, with a learnt vector of the lead added; else of all leads.

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Raises:
        ValueError: a number is too small, or ``n_heads`` does not divide ``width``.
    """

    smallest_size = 1

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        *,
        patch: int,
        width: int,
        n_layers: int,
        n_heads: int,
        dropout: float,
        each_lead: bool,
    ) -> None:
        super().__init__()
        for what, number in (("patch", patch), ("width", width), ("n_layers", n_layers), ("n_heads", n_heads)):
            if number < 1:
                raise ValueError(f"{what} is {number}; it is 1 or more")
        if width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of {width}")
        self.in_channels, self.patch, self.each_lead = in_channels, patch, each_lead
        self.token_dim = self.feature_dim = width
        self.project = nn.Linear(patch if each_lead else in_channels * patch, width)
        self.leads = nn.Parameter(torch.randn(in_channels, width) * 0.02) if each_lead else None
        self.layers = nn.ModuleList(layer(width, n_heads, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, n_classes)

    @property
    def per_step(self) -> int:
        """Tokens of one patch of time: one, or one a lead."""
        return self.in_channels if self.each_lead else 1

    def patches(self, x: Tensor, length: Tensor | None) -> Tensor:
        """The samples of each token; those of one time stand side by side, lead after lead.

        Args:
            x: the signals.
            length: samples of each item, on the same device; None where all are whole.

        Shape:
            - x: (n, leads, time)
            - returns: (n, t, patch) with each lead's own, else (n, t, leads · patch)
        """
        if length is not None:
            x = x.masked_fill(~within(length, x.shape[2])[:, None], 0.0)
        x = nn.functional.pad(x, (0, -x.shape[2] % self.patch))
        cut: Tensor = x.reshape(x.shape[0], x.shape[1], -1, self.patch).transpose(1, 2)  # (n, steps, leads, patch)
        return cut.flatten(1, 2) if self.each_lead else cut.flatten(2)

    def embed(self, patches: Tensor) -> Tensor:
        """The tokens before they see each other: what a patch holds, where it stands, and of which lead it is."""
        steps = patches.shape[1] // self.per_step
        places = sinusoids(steps, self.token_dim, patches.device)
        if self.leads is not None:
            places = (places[:, None] + self.leads).flatten(0, 1)
        y: Tensor = self.project(patches) + places
        return y

    def encode(self, tokens: Tensor, padded: Tensor | None) -> Tensor:
        """What is said of tokens in the light of the others.

        Args:
            tokens: embedded ones, all or some.
            padded: those that are none, and that no other one sees; None where all are.

        Shape:
            - tokens: (n, t, width)
            - padded: (n, t) bool
            - returns: (n, t, width)
        """
        for each in self.layers:
            tokens = each(tokens, src_key_padding_mask=padded)
        y: Tensor = self.norm(tokens)
        return y

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """What is said of each patch in the light of the others, zero where an item has ended."""
        length = self.check(x, length)
        if length is None:
            return self.encode(self.embed(self.patches(x, None)), None)
        length = length.to(x.device, non_blocking=True)
        tokens, own = self.embed(self.patches(x, length)), self.token_length(length)
        return blank(self.encode(tokens, ~within(own, tokens.shape[1])), own)

    def token_length(self, length: Tensor) -> Tensor:
        return -(-length // self.patch) * self.per_step

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean of an item's own tokens."""
        if length is None:
            mean = tokens.mean(1)
        else:
            own = self.token_length(length.to(tokens.device, non_blocking=True))
            mean = blank(tokens, own).sum(1) / own[:, None]
        y: Tensor = self.dropout(mean)
        return y


@register(
    "ecg_transformer",
    modality="signal",
    family="transformer",
    paper="after Dosovitskiy et al. 2021 and Weimann & Conrad 2024",
)
class EcgTransformer(PatchTransformer):
    """Transformer layers over patches of all leads; made to be pretrained first (``jepa``).

    Options, their ranges and shapes are those of ``PatchTransformer``. A patch of 20 samples is 0.2 s at 100 Hz.

    Reference:
        Weimann and Conrad, Self-supervised pre-training with joint-embedding predictive architecture boosts ECG
        classification performance, 2024: a vision transformer over patches of all leads in time. Theirs has 12 or more
        layers; half of them are enough for one processor, and a smaller ``patch`` costs more.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        patch: int = 20,
        width: int = 192,
        n_layers: int = 6,
        n_heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            in_channels,
            n_classes,
            patch=patch,
            width=width,
            n_layers=n_layers,
            n_heads=n_heads,
            dropout=dropout,
            each_lead=False,
        )


@register("lead_transformer", modality="signal", family="transformer", paper="after Na et al. 2024")
class LeadTransformer(PatchTransformer):
    """Transformer layers over patches of each lead; made to be pretrained first (``st_mem``).

    The options, their ranges and the shapes are those of ``PatchTransformer``. Twelve leads are twelve times as many
    tokens, so that a patch is longer and the layers are fewer; tokens are ordered by time, then by lead.

    Reference:
        Na et al., Guiding masked representation learning to capture spatio-temporal relationship of
        electrocardiograms, ICLR 2024: patches of 75 samples at 250 Hz, 30 a lead, the size of ViT-B. Here no token
        marks the ends of a lead, since each lead has its own vector.
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,
        patch: int = 50,
        width: int = 128,
        n_layers: int = 4,
        n_heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            in_channels,
            n_classes,
            patch=patch,
            width=width,
            n_layers=n_layers,
            n_heads=n_heads,
            dropout=dropout,
            each_lead=True,
        )
