"""Any network, and beside it a few numbers that are known of each item, such as the RR intervals around a heartbeat."""

import torch
from torch import Tensor, nn

from models.base import Network, SignalNetwork
from models.signal.padding import blank

WIDTH, HIDDEN = 16, 32


class BesideFeatures(Network):
    """A network whose head also reads an embedding of each item's numbers; what else it does stays as it is.

    Every token carries its item's embedding behind what the network says of that place, so that fusions see it too,
    whether they read features or tokens, and whether or not these are averaged.

    Args:
        network: whose head is taken from it.
        n_numbers: of an item.
        n_classes: logits that come out.

    Shape:
        - input: what ``network`` takes, and ``numbers`` (n, n_numbers), standardised, 0 where one is missing
        - output: (n, n_classes)

    Raises:
        ValueError: ``n_numbers`` is less than 1.
    """

    def __init__(self, network: Network, n_numbers: int, n_classes: int) -> None:
        super().__init__()
        if n_numbers < 1:
            raise ValueError(f"n_numbers is {n_numbers}; a network beside which there are none needs no embedding")
        self.in_channels, self.smallest_size, self.n_numbers = network.in_channels, network.smallest_size, n_numbers
        self.token_dim, self.feature_dim = network.token_dim + WIDTH, network.feature_dim + WIDTH
        self.n_class_tokens = network.n_class_tokens
        if not network.hears_itself:
            del network.head  # its weights would never be trained
        self.network = network
        # tanh: a number that no training item had moves the logits no further than the largest that one had
        self.embedding = nn.Sequential(nn.Linear(n_numbers, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH), nn.Tanh())
        self.head = nn.Linear(self.feature_dim, n_classes)

    def tokens(self, x: Tensor, *, numbers: Tensor | None = None) -> Tensor:
        """Those of the network, each with the embedding behind it, (n, t, token_dim)."""
        return self._beside_each(self.network.tokens(x), self.embed(numbers, len(x)))

    def pool(self, tokens: Tensor) -> Tensor:
        """What the network makes of its part of the tokens, and the embedding, (n, feature_dim)."""
        of_network, embedded = self._parted(tokens)
        return torch.cat([self.network.pool(of_network), embedded], 1)

    def features(self, x: Tensor, *, numbers: Tensor | None = None) -> Tensor:
        return torch.cat([self.network.features(x), self.embed(numbers, len(x))], 1)

    def forward(self, x: Tensor, *, numbers: Tensor | None = None) -> Tensor:
        y: Tensor = self.head(self.features(x, numbers=numbers))
        return y

    def penalty(self, features: Tensor) -> Tensor | None:
        return self.network.penalty(features[:, : self.network.feature_dim])

    def embed(self, numbers: Tensor | None, n_items: int) -> Tensor:
        """(n, WIDTH), from -1 to 1.

        Raises:
            ValueError: there are no numbers, or not so many of each item.
        """
        if numbers is None or numbers.shape != (n_items, self.n_numbers):
            found = "none" if numbers is None else tuple(numbers.shape)
            raise ValueError(f"the numbers beside the items are {found}; they must be {(n_items, self.n_numbers)}")
        embedded: Tensor = self.embedding(numbers)
        return embedded

    def _beside_each(self, tokens: Tensor, embedded: Tensor) -> Tensor:
        return torch.cat([tokens, embedded[:, None].expand(-1, tokens.shape[1], -1).to(tokens.dtype)], 2)

    def _parted(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        of_network = self.network.token_dim
        return tokens[..., :of_network], tokens[:, 0, of_network:]


class SignalBesideFeatures(BesideFeatures, SignalNetwork):
    """The same of a network on signals, which may carry items of unequal length."""

    def __init__(self, network: SignalNetwork, n_numbers: int, n_classes: int) -> None:
        super().__init__(network, n_numbers, n_classes)
        self.network: SignalNetwork = network
        self.only_samples = network.only_samples

    def tokens(self, x: Tensor, length: Tensor | None = None, *, numbers: Tensor | None = None) -> Tensor:
        """Those of the network, each with the embedding behind it, zero where an item has ended."""
        embedded, tokens = self.embed(numbers, len(x)), self.network.tokens(x, length)
        both = self._beside_each(tokens, embedded)
        if length is None:
            return both
        return blank(both, self.token_length(length).to(both.device, non_blocking=True))

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        of_network, embedded = self._parted(tokens)  # an item's first token is never padding
        return torch.cat([self.network.pool(of_network, length), embedded], 1)

    def token_length(self, length: Tensor) -> Tensor:
        return self.network.token_length(length)

    def features(self, x: Tensor, length: Tensor | None = None, *, numbers: Tensor | None = None) -> Tensor:
        return torch.cat([self.network.features(x, length), self.embed(numbers, len(x))], 1)

    def forward(self, x: Tensor, length: Tensor | None = None, *, numbers: Tensor | None = None) -> Tensor:
        y: Tensor = self.head(self.features(x, length, numbers=numbers))
        return y


def beside_features(network: Network, n_numbers: int, n_classes: int) -> BesideFeatures:
    """The network with so many numbers of each item beside its input, and a new head.

    Args:
        network: any; its own head is taken from it.
        n_numbers: of an item, 1 or more.
        n_classes: logits that come out.
    """
    if isinstance(network, SignalNetwork):
        return SignalBesideFeatures(network, n_numbers, n_classes)
    return BesideFeatures(network, n_numbers, n_classes)
