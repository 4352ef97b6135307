"""Gated recurrent units whose steps are weighed by attention instead of read at the last one."""

from torch import Tensor, nn

from models.registry import register
from models.signal.padding import shares
from models.signal.recurrent import Recurrent


@register(
    "gru_attention",
    modality="signal",
    family="recurrent",
    paper="Narotamo et al. 2024, after Cho et al. 2014 and Yang et al. 2016",
)
class AttentionPooledGru(Recurrent):
    """A stack of gated recurrent units and the weighted mean of its outputs over time.

    Args:
        in_channels: leads of the signal.
        n_classes: logits that come out.
        hidden_size: neurons of a layer.
        n_layers: layers on top of each other.
        dropout: probability between the layers, in [0, 1).

    Shape:
        - input: (n, in_channels, time), and (n,) samples of each
        - output: (n, n_classes)

    Reference:
        Narotamo et al. 2024 (see ``alexnet``): one linear layer scores a step, where Yang et al.,
        Hierarchical attention networks, NAACL 2016, have a hidden layer before.
    """

    def __init__(
        self, in_channels: int, n_classes: int, hidden_size: int = 128, n_layers: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__(
            nn.GRU,
            in_channels,
            n_classes,
            hidden_size=hidden_size,
            n_layers=n_layers,
            dropout=dropout,
            bidirectional=False,
        )
        self.score = nn.Linear(hidden_size, 1)

    def attention(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The weight of each step, in [0, 1], which sum to 1 over an item's own steps.

        Shape:
            - tokens: (n, t, token_dim)
            - length: (n,) samples
            - returns: (n, t), zero where an item has ended
        """
        return shares(self.score(tokens).squeeze(2), length)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """The mean of the steps, weighted by ``attention``."""
        return (self.attention(tokens, length)[..., None] * tokens).sum(1)
