"""Joint-embedding prediction: of a part of a recording, what another network says of the rest."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.pretraining.method import Method, Outcome, fewest_samples_of, in_range, on_device, own_tokens
from models.pretraining.registry import register_method
from models.pretraining.visible import Visible
from models.signal.padding import within
from models.signal.patch_transformer import PatchTransformer, layer, sinusoids

_EPS = 1e-4  # of a variance; that of a normalised token's numbers is about 1


@register_method("jepa", paper="Assran et al. 2023; Weimann & Conrad 2024", model="ecg_transformer")
class Jepa(Method):
    """Of the tokens that are seen, a predictor says what a copy of the encoder, which follows it, makes of the others.

    The hidden ones are some spans in time, of all leads. The copy sees whole signals, gets no gradient, and is in
    evaluation mode. A transformer over patches does not compute the hidden tokens at all; of any other network the
    samples of the spans are zero. What is hidden is to be told as a shape that is likely there, not as samples: noise
    need not be predicted.

    The copy's tokens are compared once each is normalised, and then each of their numbers over an item's time. Without
    the latter all tokens soon became nearly the same on PTB-XL, which is easily predicted and worth nothing.

    Args:
        encoder: what is trained.
        n_spans: spans that are hidden; they may overlap.
        span: of each, as a part of an item's own tokens; together less than all.
        momentum: how much of the copy stays in a step.
        width: of the predictor's tokens.
        n_layers: of the predictor.
        n_heads: of each of its layers, a divisor of ``width``.

    The loss is the mean absolute difference of a number of a hidden token. Beside it there is ``token_deviation``: how
    far the copy's normalised tokens are from their mean, 1 where they share nothing, and 0 where all are the same, so
    that they are easily predicted and worth nothing.

    Reference:
        Assran et al., Self-supervised learning from images with a joint-embedding predictive architecture, CVPR 2023.
        Weimann and Conrad, Self-supervised pre-training with joint-embedding predictive architecture boosts ECG
        classification performance, 2024. There the momentum rises over the training to 1, and tokens are normalised
        alone. Over time: Baevski et al., data2vec, ICML 2022.
    """

    FEWEST = 2  # tokens that are not hidden, at the least

    def __init__(
        self,
        encoder: SignalNetwork,
        n_spans: int = 4,
        span: float = 0.15,
        momentum: float = 0.996,
        width: int = 96,
        n_layers: int = 3,
        n_heads: int = 4,
    ) -> None:
        super().__init__()
        for what, number in (("n_spans", n_spans), ("width", width), ("n_layers", n_layers), ("n_heads", n_heads)):
            in_range(what, number, 1, torch.inf)
        in_range("momentum", momentum, 0, 1)
        if not 0 < span * n_spans < 1:
            raise ValueError(f"span is {span:g} and n_spans {n_spans}; together they are above 0 and below 1")
        if width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of width, {width}")
        self.encoder, self.n_spans, self.span, self.momentum = encoder, n_spans, span, momentum
        self.copy = deepcopy(encoder).requires_grad_(False).eval()
        self.enter = nn.Linear(encoder.token_dim, width)
        self.hidden = nn.Parameter(torch.randn(width) * 0.02)
        self.layers = nn.ModuleList(layer(width, n_heads, 0.0) for _ in range(n_layers))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, encoder.token_dim))

    def train(self, mode: bool = True) -> "Jepa":
        super().train(mode)
        self.copy.eval()
        return self

    def fewest_samples(self) -> int:
        return fewest_samples_of(self.encoder, self._per_step * (self.n_spans + self.FEWEST))

    @property
    def _per_step(self) -> int:
        return self.encoder.per_step if isinstance(self.encoder, PatchTransformer) else 1

    def forward(self, x: Tensor, length: Tensor | None = None, patients: Tensor | None = None) -> Outcome:
        if self.training:
            self.follow()
        with torch.no_grad():
            said = self.copy.tokens(x, length).float()
        said = nn.functional.layer_norm(said, said.shape[2:])
        own = own_tokens(self.encoder, x, length, said.shape[1])
        wanted = standardised_in_time(said, own)
        hidden = self.draw_spans(own, said.shape[1])
        predicted = self.predict(x, length, own, hidden)
        differences = (predicted.float() - wanted).abs().mean(2)
        hidden = on_device(hidden, x)
        loss = (differences * hidden).sum() / hidden.sum()
        return Outcome(loss, {"token_deviation": token_deviation(said, on_device(own, x))})

    @torch.no_grad()
    def follow(self) -> None:
        """Has the copy follow the encoder: m of itself, 1 - m of the encoder; whole numbers are taken as they are."""
        theirs = self.encoder.state_dict()
        for name, tensor in self.copy.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], 1 - self.momentum)
            else:
                tensor.copy_(theirs[name])

    def draw_spans(self, own: Tensor, n_tokens: int) -> Tensor:
        """Which tokens are hidden, (n, t) bool on the host; all leads of a time together.

        Args:
            own: (n,) tokens of each item, on the host.
            n_tokens: of the padded batch.
        """
        steps = own // self._per_step
        wide = (self.span * steps).long().clamp(min=1)  # (n,)
        starts = (torch.rand(len(own), self.n_spans) * (steps - wide + 1)[:, None]).long()
        time = torch.arange(n_tokens // self._per_step)
        behind = time - starts[..., None]  # (n, spans, steps)
        hidden = ((behind >= 0) & (behind < wide[:, None, None])).any(1)
        return hidden.repeat_interleave(self._per_step, 1)

    def predict(self, x: Tensor, length: Tensor | None, own: Tensor, hidden: Tensor) -> Tensor:
        """What the predictor says of every token, the hidden ones among them, (n, t, token_dim)."""
        inside = within(own, hidden.shape[1])
        places = self._places(hidden.shape[1], x.device)
        masked = self.hidden.expand(len(x), hidden.shape[1], -1)
        if isinstance(self.encoder, PatchTransformer):
            on_it = None if length is None else on_device(length, x)
            seen = Visible.of(inside & ~hidden, x)
            tokens = seen.take(self.encoder.embed(self.encoder.patches(x, on_it)))
            entered = seen.put(self.enter(self.encoder.encode(tokens, seen.padded)), masked)
        else:
            of_sample = torch.arange(x.shape[2]) // -(-x.shape[2] // hidden.shape[1])
            blank = hidden[:, of_sample.clamp(max=hidden.shape[1] - 1)]  # (n, time)
            seen_tokens = self.enter(self.encoder.tokens(x.masked_fill(on_device(blank, x)[:, None], 0.0), length))
            entered = torch.where(on_device(hidden, x)[..., None], masked, seen_tokens.to(masked.dtype))
        padded = None if bool(inside.all()) else on_device(~inside, x)
        steps = entered + places
        for each in self.layers:
            steps = each(steps, src_key_padding_mask=padded)
        y: Tensor = self.leave(steps)
        return y

    def _places(self, n_tokens: int, device: torch.device) -> Tensor:
        """Where each token stands in time; tokens of several leads at one time are told apart by a second rate."""
        width, each = self.hidden.shape[0], self._per_step
        places = sinusoids(n_tokens // each, width, device).repeat_interleave(each, 0)
        if each == 1:
            return places
        return places + sinusoids(each, width, device).flip(1).repeat(n_tokens // each, 1)


def standardised_in_time(tokens: Tensor, own: Tensor) -> Tensor:
    """Each number of mean 0 and deviation 1 over an item's own tokens; padding is 0.

    Args:
        tokens: (n, t, d).
        own: (n,) tokens that are an item's own, on the host.
    """
    inside = on_device(within(own, tokens.shape[1]), tokens)[..., None]
    n_tokens = on_device(own, tokens)[:, None, None]
    mean = (tokens * inside).sum(1, keepdim=True) / n_tokens
    centred = (tokens - mean) * inside
    return centred / (centred.square().sum(1, keepdim=True) / n_tokens + _EPS).sqrt()


def token_deviation(tokens: Tensor, own: Tensor) -> Tensor:
    """The root of the mean variance of a number over all tokens of all items; padding is left out.

    Args:
        tokens: (n, t, d), each normalised, so that the sum of its squares is d.
        own: (n,) tokens that are an item's own.
    """
    inside = within(own, tokens.shape[1])[..., None]
    n_tokens = own.sum()
    mean = (tokens * inside).sum((0, 1)) / n_tokens
    variance = ((tokens - mean) * inside).square().sum((0, 1)) / n_tokens
    return variance.mean().sqrt()
