"""The module that becomes a file: preparation, the run's graph, calibration; no answer to what no store would hold."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pipeline.export.form import Form
from pipeline.export.graph import Extent, graph_of
from pipeline.export.metadata import temperatures_of
from pipeline.export.preparation import Counts, preparation_matrix
from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.signals.counts import LARGEST_COUNT

_LEAST = 1e-300  # of a probability whose logarithm is taken, so that none is infinite


class Calibration(nn.Module):
    """Probabilities at the temperatures of a run's card, as ``evaluation.calibration`` has it; else as they are.

    Shape:
        (n, classes) float32 to the same.
    """

    temperatures: Tensor | None

    def __init__(self, card: Card) -> None:
        super().__init__()
        given, self.kind = temperatures_of(card), card.kind
        values = None if given is None else torch.tensor([given[name] for name in card.classes], dtype=torch.float64)
        self.register_buffer("temperatures", values)

    def forward(self, probabilities: Tensor) -> Tensor:
        if self.temperatures is None:
            return probabilities
        p = probabilities.double()
        if self.kind == "multilabel":
            return (p.logit() / self.temperatures).sigmoid().float()
        return (p.clamp(min=_LEAST).log() / self.temperatures).softmax(-1).float()


class WholeRun(nn.Module):
    """Millivolts, and numbers of each feature in the form's order, to probabilities.

    What a store refuses, a missing sample or a value beyond int16, has no answer: NaN.

    Args:
        run: loaded.
        form: what goes in.

    Shape:
        (n, leads, time) float64, and (n, numbers) float32 each, to (n, classes) float32.
    """

    def __init__(self, run: Run, form: Form) -> None:
        super().__init__()
        matrix = None
        if not form.prepared:
            matrix = preparation_matrix(form.n_samples, form.native_rate, form.band, form.sampling_rate)
        self.counts, self.names = Counts(matrix, form.gain), tuple(form.features)
        self.answers = graph_of(run, Extent(form.leads, form.n_seen))
        self.calibration = Calibration(run.card)
        self.eval()

    def forward(self, ecg_mv: Tensor, *features: Tensor) -> Tensor:
        counts = self.counts(ecg_mv)
        fits = counts.abs() <= LARGEST_COUNT  # false of NaN
        beside = dict(zip(self.names, features, strict=True))
        found = self.calibration(self.answers(torch.where(fits, counts, 0.0), beside))
        return torch.where(fits.flatten(1).all(1, keepdim=True), found, torch.nan)


def example_inputs(form: Form, n: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Noise of the size of an ECG, of the shapes that a file takes: (n, leads, time), and (n, numbers) a feature."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(n, len(form.leads), form.n_samples, dtype=torch.float64, generator=generator)
    walk = steps.cumsum(-1) / form.n_samples**0.5
    numbers = [torch.rand(n, k, generator=generator) + 0.5 for k in form.features.values()]
    return (walk, *numbers)


def named_inputs(form: Form, inputs: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
    """The inputs by the names that they have in a file."""
    return dict(zip(("ecg_mv", *form.features), inputs, strict=True))
