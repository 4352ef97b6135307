"""A finding planted in a simulated recording holds the maximum, for signals and for every representation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from explained_runs import SAID, unfiltered
from torch import Tensor, nn
from untrained_runs import LEADS, drawn, image_spec, network_run, signal_spec, simulated

from pipeline.explain.occlusion import occlude
from pipeline.explain.subject import of_file
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.representations import LEAD_MAP_KEY, REPRESENTATIONS, LeadMapRecipe
from pipeline.scoring.needs import Needs
from pipeline.signals.peaks import r_peaks

pytestmark = pytest.mark.usefixtures("cpu_as_before")
N = 400  # samples, of 10 ms
SLACK = 8  # samples beside a finding: windows are 12 long, and an image's pixels some
V2 = LEADS.index("V2")


class Away(nn.Module):
    """Says by how far its input has gone from one recording's to another's that the first class is there."""

    hears_itself, n_class_tokens = False, 0
    smallest_size, only_samples = 1, None

    def __init__(self, usual: Tensor, unusual: Tensor) -> None:
        super().__init__()
        self.usual, self.direction = usual, (unusual - usual) / (unusual - usual).square().sum()

    def head(self, features: Tensor) -> Tensor:
        return features

    def features(self, x: Tensor, **_: object) -> Tensor:
        return self(x)

    def forward(self, x: Tensor, **_: object) -> Tensor:
        gone = ((x - self.usual) * self.direction).flatten(1).sum(1, keepdim=True)
        return torch.cat([4 * gone - 2, torch.zeros(len(x), 3)], 1)


def st_shift(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    where = np.zeros(signal.shape, bool)
    for peak in peaks:
        where[V2, peak + 8 : peak + 22] = True
    signal += 0.3 * where
    return where


def ectopic_beat(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    where, between = np.zeros(signal.shape, bool), (peaks[1] + peaks[2]) // 2
    wave = np.hanning(24) * np.sin(np.linspace(0, 1.5 * np.pi, 24))
    signal[:, between - 12 : between + 12] += np.linspace(0.6, 1.2, len(signal))[:, None] * wave
    where[:, between - 12 : between + 12] = True
    return where


def wide_qrs(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    where, peak = np.zeros(signal.shape, bool), peaks[1]
    narrow = signal[V2, peak - 5 : peak + 6].copy()
    signal[V2, peak - 10 : peak + 11] = np.interp(np.arange(21) / 2, np.arange(11), narrow)
    where[V2, peak - 10 : peak + 11] = True
    return where


def lead_map_spec() -> InputSpec:
    return image_spec({LEAD_MAP_KEY: LeadMapRecipe(size=96).parameters()}, leads=("I", "V2"), n_samples=N)


def spec_of(name: str) -> InputSpec:
    if name == "signal":
        return signal_spec(("I", "V2"), n_samples=N)
    return lead_map_spec() if name == "lead map" else replace(drawn(name), n_samples=N)


@pytest.mark.parametrize("finding", [st_shift, ectopic_beat, wide_qrs])
@pytest.mark.parametrize("name", ["signal", "lead map", *REPRESENTATIONS])
def test_it_holds_the_maximum(tmp_path: Path, name: str, finding: Callable[..., np.ndarray]):
    spec, usual = spec_of(name), simulated(1)[0][:, 100 : 100 + N].round(3)
    peaks = r_peaks(usual, 100.0)
    peaks = peaks[(peaks > 30) & (peaks < N - 40)]
    changed = usual.copy()
    where = finding(changed, peaks)
    seen = [_seen(spec, signal) for signal in (usual, changed.round(3))]
    run = replace(network_run("cnet" if name == "signal" else "resnet", spec), network=Away(*seen))
    np.save(tmp_path / "a.npy", changed.round(3))
    needs = Needs.of(unfiltered(run))
    subject = of_file(needs, str(tmp_path / "a.npy"), SAID)
    values, moments = occlude(needs, subject, 0, 12)
    lead, middle = np.unravel_index(values.argmax(), values.shape)
    if (name, finding) == ("mtf", wide_qrs):  # one complex changes the chances of the whole lead, and no place of it
        assert subject.prepared.leads[lead] == "V2"
        return
    inside = np.asarray(where[LEADS.index(subject.prepared.leads[lead])])
    assert _near(inside)[middle], f"{subject.prepared.leads[lead]} at {middle}"
    assert _near(np.asarray(where.any(0)))[moments.argmax()]


def _near(inside: np.ndarray) -> np.ndarray:
    return np.convolve(inside, np.ones(2 * SLACK + 1), "same") > 0


def _seen(spec: InputSpec, signal: np.ndarray) -> Tensor:
    counts = np.rint(signal[[LEADS.index(lead) for lead in spec.leads]] * spec.gain).astype(np.int16)
    return InputMaker(spec)(torch.from_numpy(counts[None]))
