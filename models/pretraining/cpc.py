"""Contrastive predictive coding: which of many recordings goes on like that."""

import math

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.pretraining.contrast import found, info_nce
from models.pretraining.method import Method, Outcome, fewest_samples_of, in_range, on_device, own_tokens
from models.pretraining.registry import register_method


@register_method("cpc", paper="van den Oord et al. 2018; Mehari & Strodthoff 2022", model="resnet1d_wang")
class Cpc(Method):
    """A recurrence hears the tokens up to a time, and finds the tokens that come next among those of the whole batch.

    The recurrence goes forward in time, and so must the tokens: a network whose tokens hear a whole item would only
    have to remember what is to come, and is refused.

    Args:
        encoder: what is trained; its tokens see a part of the signal.
        n_ahead: how many tokens ahead are predicted, each by a linear layer of its own.
        n_times: times of a batch from which it is predicted, drawn anew in each step; all where there are fewer.
        hidden_size: of the recurrence.
        n_layers: of the recurrence.

    Beside the loss, the mean of the logarithmic ones of all times and tokens ahead, there is ``found``: the share of
    items whose own future was the likeliest of the batch.

    Reference:
        Van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding, 2018. Mehari and
        Strodthoff, Self-supervised representation learning from 12-lead ECG data, Comput. Biol. Med. 2022: there the
        wrong futures are of other times of the same recording, here of other recordings at the same time, and all
        times and tokens ahead are one product. Likenesses are divided by the root of the width of a token.
    """

    fewest_items = 2

    def __init__(
        self, encoder: SignalNetwork, n_ahead: int = 12, n_times: int = 16, hidden_size: int = 256, n_layers: int = 1
    ) -> None:
        super().__init__()
        numbers = (("n_ahead", n_ahead), ("n_times", n_times), ("hidden_size", hidden_size), ("n_layers", n_layers))
        for what, number in numbers:
            in_range(what, number, 1, torch.inf)
        if hears_whole_items(encoder):
            raise ValueError(
                "cpc predicts what comes next, and a token of this network hears all of an item, or what comes next: "
                "take one whose tokens see a part of it, such as resnet1d_wang"
            )
        self.encoder, self.n_ahead, self.n_times = encoder, n_ahead, n_times
        self.recurrent = nn.GRU(encoder.token_dim, hidden_size, n_layers, batch_first=True)
        self.ahead = nn.Linear(hidden_size, n_ahead * encoder.token_dim)

    def fewest_samples(self) -> int:
        return fewest_samples_of(self.encoder, self.n_ahead + 1)

    def forward(self, x: Tensor, length: Tensor | None = None, patients: Tensor | None = None) -> Outcome:
        tokens = self.encoder.tokens(x, length)
        own = own_tokens(self.encoder, x, length, tokens.shape[1])
        times = self.draw_times(int(own.max()))
        valid = times[:, None, None] + torch.arange(1, self.n_ahead + 1)[:, None] < own  # (times, ahead, n)
        logits = self.logits(tokens, on_device(times, x))
        there = None if bool(valid.all()) else on_device(valid, x)
        return Outcome(info_nce(logits, there), {"found": found(logits, there)})

    def draw_times(self, n_tokens: int) -> Tensor:
        """After which tokens it is predicted, sorted, on the host; the longest item has ``n_tokens``."""
        return torch.randperm(n_tokens - self.n_ahead)[: self.n_times].sort().values

    def logits(self, tokens: Tensor, times: Tensor) -> Tensor:
        """How likely each item's future is that of each item: row i is what is predicted of item i.

        Shape:
            - tokens: (n, t, d)
            - times: (times,), on the same device
            - returns: (times, n_ahead, n, n)
        """
        heard = self.recurrent(tokens)[0][:, times]  # (n, times, hidden_size)
        predicted = self.ahead(heard).unflatten(2, (self.n_ahead, -1))  # (n, times, ahead, d)
        future = tokens[:, times[:, None] + torch.arange(1, self.n_ahead + 1, device=tokens.device)]
        alike: Tensor = predicted.permute(1, 2, 0, 3) @ future.permute(1, 2, 3, 0)
        return alike / math.sqrt(tokens.shape[2])


@torch.no_grad()
def hears_whole_items(encoder: SignalNetwork) -> bool:
    """Whether its first token changes where the second half of a signal does, so that nothing is left to predict."""
    training = [module for module in encoder.modules() if module.training]
    encoder.eval()
    device = next(encoder.parameters()).device
    n_samples = max(64 * encoder.smallest_size, 1024) if encoder.only_samples is None else encoder.only_samples
    waves = torch.arange(n_samples, device=device).mul(0.3).sin()
    x = torch.stack([waves, waves])[:, None].repeat(1, encoder.in_channels, 1)
    x[1, :, n_samples // 2 :] += 10.0
    tokens = encoder.tokens(x)
    for module in training:
        module.training = True
    return bool((tokens[0, 0] - tokens[1, 0]).abs().max() > 0)
