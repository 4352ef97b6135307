"""A masked autoencoder over time and leads: a quarter of the patches says what the others hold."""

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.pretraining.method import Method, Outcome, fewest_samples_of, in_range, on_device, own_tokens
from models.pretraining.registry import register_method
from models.pretraining.visible import Visible
from models.signal.padding import within
from models.signal.patch_transformer import PatchTransformer, layer, sinusoids

_EPS = 1e-6


@register_method("st_mem", paper="Na et al. 2024", model="lead_transformer")
class StMem(Method):
    """An encoder sees some patches of each lead, and a small decoder draws the rest, lead by lead, of what it said.

    Args:
        encoder: ``lead_transformer``, or another transformer over patches of each lead.
        hidden: share of an item's patches that the encoder does not see, of each lead as many.
        width: of the decoder's tokens.
        n_layers: of the decoder.
        n_heads: of each of its layers, a divisor of ``width``.

    The loss is the mean squared difference of the patches that are hidden, each of which is less its mean and over its
    deviation: a patch of which nothing is known but that gives 1.

    Reference:
        Na et al., Guiding masked representation learning to capture spatio-temporal relationship of
        electrocardiograms, ICLR 2024. The decoder of theirs goes through the leads one by one; here they are one batch.
    """

    FEWEST = 4  # patches of a lead

    def __init__(
        self, encoder: SignalNetwork, hidden: float = 0.75, width: int = 64, n_layers: int = 2, n_heads: int = 4
    ) -> None:
        super().__init__()
        if not isinstance(encoder, PatchTransformer) or not encoder.each_lead:
            raise ValueError("st_mem hides patches of each lead, which this network has not: take lead_transformer")
        for what, number in (("width", width), ("n_layers", n_layers), ("n_heads", n_heads)):
            in_range(what, number, 1, torch.inf)
        if not 0 < hidden < 1:
            raise ValueError(f"hidden is {hidden:g}; it is above 0 and below 1")
        if width % n_heads:
            raise ValueError(f"n_heads is {n_heads}; it is a divisor of width, {width}")
        self.encoder: PatchTransformer = encoder
        self.share = hidden
        self.enter = nn.Linear(encoder.token_dim, width)
        self.hidden = nn.Parameter(torch.randn(width) * 0.02)
        self.layers = nn.ModuleList(layer(width, n_heads, 0.0) for _ in range(n_layers))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, encoder.patch))

    def fewest_samples(self) -> int:
        return fewest_samples_of(self.encoder, self.encoder.per_step * self.FEWEST)

    def forward(self, x: Tensor, length: Tensor | None = None, patients: Tensor | None = None) -> Outcome:
        on_it = None if length is None else on_device(length, x)
        patches = self.encoder.patches(x, on_it)
        own = own_tokens(self.encoder, x, length, patches.shape[1])
        hidden = self.draw_hidden(own, patches.shape[1])
        drawn = self.draw(patches, own, hidden)
        return Outcome(masked_error(drawn, patches, on_device(hidden, x)))

    def draw_hidden(self, own: Tensor, n_tokens: int) -> Tensor:
        """Which patches are hidden, (n, t) bool on the host: of each lead of an item as many, at random.

        Args:
            own: (n,) tokens of each item, on the host.
            n_tokens: of the padded batch.
        """
        each = self.encoder.per_step
        steps, n_steps = own // each, n_tokens // each
        inside = within(steps, n_steps)[..., None]
        ranks = torch.rand(len(own), n_steps, each).masked_fill(~inside, 2.0).argsort(1).argsort(1)
        n_hidden = (self.share * steps).round().long().clamp(min=1)
        n_hidden = torch.minimum(n_hidden, steps - 1)
        return (ranks < n_hidden[:, None, None]).flatten(1)

    def draw(self, patches: Tensor, own: Tensor, hidden: Tensor) -> Tensor:
        """What the decoder makes of all patches, of those that are not hidden.

        Shape:
            - patches: (n, t, patch)
            - own: (n,) on the host
            - hidden: (n, t) bool on the host
            - returns: (n, t, patch)
        """
        each, n_tokens = self.encoder.per_step, patches.shape[1]
        inside = within(own, n_tokens)
        seen = Visible.of(inside & ~hidden, patches)
        said = self.encoder.encode(seen.take(self.encoder.embed(patches)), seen.padded)
        steps = seen.put(self.enter(said), self.hidden.expand(len(patches), n_tokens, -1))
        of_leads = steps.reshape(len(steps), -1, each, steps.shape[2])  # (n, steps, leads, width)
        of_leads = of_leads.transpose(1, 2).flatten(0, 1)  # (n · leads, steps, width)
        of_leads = of_leads + sinusoids(of_leads.shape[1], of_leads.shape[2], patches.device)
        padded = None
        if not bool(inside.all()):
            padded = on_device(~within(own // each, n_tokens // each).repeat_interleave(each, 0), patches)
        for each_layer in self.layers:
            of_leads = each_layer(of_leads, src_key_padding_mask=padded)
        drawn: Tensor = self.leave(of_leads)
        return drawn.view(len(patches), each, *drawn.shape[1:]).transpose(1, 2).flatten(1, 2)


def masked_error(drawn: Tensor, patches: Tensor, hidden: Tensor) -> Tensor:
    """The mean squared difference over the hidden patches, each normalised; the others do not enter.

    Shape:
        - drawn, patches: (n, t, patch)
        - hidden: (n, t) bool
    """
    patches = patches.float()
    centred = patches - patches.mean(2, keepdim=True)
    wanted = centred / (centred.square().mean(2, keepdim=True) + _EPS).sqrt()
    squares = (drawn.float() - wanted).square().mean(2)
    return squares.masked_fill(~hidden, 0.0).sum() / hidden.sum()
