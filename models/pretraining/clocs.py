"""Contrastive learning of cardiac signals: views of one patient are alike, in time and over leads."""

from itertools import combinations

import torch
from torch import Tensor, nn

from models.base import SignalNetwork
from models.pretraining.method import Method, Outcome, in_range, on_device
from models.pretraining.registry import register_method


@register_method("clocs", paper="Kiyasseh et al. 2021", model="resnet1d_wang")
class Clocs(Method):
    """What an encoder says of the halves of a recording, and of some of its leads, is alike for one patient alone.

    A view is one of two halves in time and one of some groups of leads, the others of which are zero. Every pair of
    views is compared over the batch, in both directions, and the loss is the mean over all pairs. Items of one patient
    are alike, too, whichever of their records they are of.

    Args:
        encoder: what is trained, up to its features.
        lead_groups: groups that the leads are dealt to at random in each step; 1 shows all of them in every view, so
            that only the halves differ.
        temperature: by which likenesses, from −1 to 1, are divided.

    Beside the loss there is ``found``: the share of items whose likest other view is one of their own patient.

    Reference:
        Kiyasseh, Zhu and Clifton, CLOCS: Contrastive learning of cardiac signals across space, time, and patients,
        ICML 2021: with one group CMSC, their best; with more CMSMLC. There a network sees one lead; here it keeps its
        leads, since it is to be trained on with all of them. Their program keeps the last pair's loss alone.
    """

    fewest_items = 2

    def __init__(self, encoder: SignalNetwork, lead_groups: int = 1, temperature: float = 0.1) -> None:
        super().__init__()
        in_range("lead_groups", lead_groups, 1, encoder.in_channels + 1)
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature:g}; it is above 0")
        if encoder.only_samples is not None:
            raise ValueError(
                f"clocs shows halves of the signal, and this network was built for {encoder.only_samples} samples: "
                f"take head=mean, which takes any number"
            )
        self.encoder, self.lead_groups, self.temperature = encoder, lead_groups, temperature

    def fewest_samples(self) -> int:
        return 2 * self.encoder.smallest_size

    def forward(self, x: Tensor, length: Tensor | None = None, patients: Tensor | None = None) -> Outcome:
        views, of_view = self.views(x, length)
        features = self.encoder.features(views, of_view).float()
        directions = nn.functional.normalize(features, dim=1).view(-1, len(x), features.shape[1])  # (views, n, d)
        numbers = torch.arange(len(x), device=x.device) if patients is None else patients
        alike = numbers[:, None] == numbers
        with torch.autocast(x.device.type, enabled=False):  # a tenth as temperature makes much of what bf16 rounds off
            return self.compare(directions, alike)

    def views(self, x: Tensor, length: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """All views of a batch, one view of all items after the other, and their samples.

        An item's halves have as many samples; of an odd number the last is left out.

        Shape:
            - x: (n, leads, time)
            - length: (n,) on the host
            - returns: (views · n, leads, half), (views · n,) or None
        """
        whole = torch.full((len(x),), x.shape[2]) if length is None else length.cpu()
        half = whole // 2
        width = int(half.max())
        time = torch.arange(width)
        first = time.expand(len(x), -1)
        # behind its own end a half shows what is left of the signal, or the last sample: the encoder leaves it out
        second = (time + half[:, None]).clamp(max=x.shape[2] - 1)
        at = on_device(torch.stack([first, second]), x)  # (2, n, width)
        halves = x.expand(2, -1, -1, -1).gather(3, at[:, :, None].expand(-1, -1, x.shape[1], -1))
        groups = on_device(self.draw_groups(x.shape[1]), x)  # (groups, leads)
        views = (halves[:, None] * groups[:, None, :, None]).flatten(0, 2)
        of_view = None if bool((half == width).all()) else half.repeat(2 * len(groups))
        return views, of_view

    def draw_groups(self, n_leads: int) -> Tensor:
        """Which leads each group has, (groups, leads) of 0 and 1 on the host: about as many, and each lead once."""
        of_lead = torch.randperm(n_leads) % self.lead_groups
        return (of_lead == torch.arange(self.lead_groups)[:, None]).float()

    def compare(self, directions: Tensor, alike: Tensor) -> Outcome:
        """The mean over all pairs of views, each in both directions.

        Args:
            directions: what is said of each view of each item, of length 1.
            alike: which items are of one patient.

        Shape:
            - directions: (views, n, d)
            - alike: (n, n) bool
        """
        pairs = torch.tensor(list(combinations(range(len(directions)), 2)), device=directions.device)
        logits = directions[pairs[:, 0]] @ directions[pairs[:, 1]].mT / self.temperature  # (pairs, n, n)
        losses = patient_nce(logits, alike) + patient_nce(logits.mT, alike)
        right = alike[torch.arange(len(alike), device=alike.device), logits.detach().argmax(2)]
        return Outcome(losses.mean() / 2, {"found": right.float().mean()})


def patient_nce(logits: Tensor, alike: Tensor) -> Tensor:
    """The cross-entropy of the items of one's own patient among all, the mean over them and over rows, of each pair.

    Shape:
        - logits: (pairs, n, n)
        - alike: (n, n) bool, true on the diagonal
        - returns: (pairs,)
    """
    of_own = (logits.log_softmax(2) * alike).sum(2) / alike.sum(1)
    return -of_own.mean(1)
