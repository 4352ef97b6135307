"""Runs and recordings of which it is known what an explanation has to say."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from untrained_runs import FUSED, LEADS, REPRESENTED, fused_run, image_spec, network_run, signal_spec, simulated

from pipeline.representations import LEAD_MAP_KEY, LeadMapRecipe
from pipeline.runs.build import Run
from pipeline.signals.beats import BEAT_S, BEAT_VERSION
from pipeline.signals.peaks import r_peaks
from pipeline.sources.formats.opened import Said

SAID = Said("mV", 100.0, LEADS)
ST_LEADS = ("V2", "V3", "V4")
ST_S = (0.08, 0.22)  # after the R peak: from J to the T wave


def unfiltered(run: Run) -> Run:
    """The same run of stores that no filter has made."""
    parts = {name: unfiltered(part) for name, part in run.parts.items()}
    return replace(run, card=replace(run.card, data=replace(run.card.data, band=None)), parts=parts)


class Highest(nn.Module):
    """Says that the first class is there by the highest value that it sees, whatever that is of; with a slope."""

    hears_itself, n_class_tokens = False, 0
    smallest_size, only_samples = 1, None

    def __init__(self, at: float, sharpness: float = 60.0) -> None:
        super().__init__()
        self.at, self.sharpness = at, sharpness

    def tokens(self, x: Tensor, length: Tensor | None = None) -> Tensor:
        """Each place as it is, of an image as of a signal."""
        return x.flatten(2).transpose(1, 2)

    def pool(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        highest = (self.sharpness * tokens.flatten(1)).logsumexp(1, keepdim=True) / self.sharpness
        return highest - self.at

    def head(self, features: Tensor) -> Tensor:
        return features

    def features(self, x: Tensor, **_: object) -> Tensor:
        return self(x)

    def forward(self, x: Tensor, **_: object) -> Tensor:
        said = 5 * self.pool(self.tokens(x))
        return torch.cat([said, torch.zeros(len(x), 3)], 1)


def with_st_shift(signal: np.ndarray, mv: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """A recording whose ST segments are raised in V2 to V4, and where, (12, time) of true and false."""
    where = np.zeros(signal.shape, bool)
    for peak in r_peaks(signal, 100.0):
        for lead in ST_LEADS:
            where[LEADS.index(lead), peak + round(ST_S[0] * 100) : peak + round(ST_S[1] * 100)] = True
    return signal + mv * where, where


def run_that_knows_st_shifts() -> Run:
    """A small network that has learnt, on simulated hearts, to tell raised ST segments in V2 to V4."""
    run = network_run("resnet1d_wang", signal_spec(LEADS, scale_mv=1.0), options={"dropout": 0.0})
    plain = simulated(40)
    x = np.concatenate([plain, [with_st_shift(signal)[0] for signal in plain]]).round(3)
    y = torch.repeat_interleave(torch.tensor([0.0, 1.0], dtype=torch.float64), 40)
    # in double precision, so that how a machine rounds does not decide what is learnt
    given, network = torch.from_numpy(x).double(), run.network.double().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        rows = torch.randperm(80, generator=generator)[:16]
        loss = nn.functional.binary_cross_entropy_with_logits(network(given[rows, :, :500])[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():  # no surer than that a deletion can still be told from another
        factor = 3 / network(given)[:, 0].abs().mean()
        network.head.weight.mul_(factor)
        network.head.bias.mul_(factor)
    network.float()
    return unfiltered(run)


def beat_run() -> Run:
    drawn = {LEAD_MAP_KEY: LeadMapRecipe(size=80).parameters()}
    return network_run("resnet", image_spec(drawn, leads=LEADS, n_samples=80, beat=BEAT_S, beat_version=BEAT_VERSION))


def with_beat() -> Run:
    return fused_run("mean", {"beat": beat_run(), "signal": network_run("cnet", signal_spec(crop=2.5, stride=1.25))})


RUNS = {
    **REPRESENTED,
    **FUSED,
    "beat": beat_run,
    "beat and signal": with_beat,
    "by record": lambda: network_run("cnet", signal_spec(normalise="record")),
}
"""Of every representation, every fusion and every way of seeing."""
WITHOUT_SLOPE = [name for name in RUNS if any(part in name for part in ("mtf", "threshold", "all at 256"))]
