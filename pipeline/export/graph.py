"""A loaded run as one module of operations that a graph can hold: counts in, probabilities out, for every kind."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import at_most, describe_fusion
from models.fusion.late import mean_logits
from pipeline.export.convolution import convolve_by_products
from pipeline.export.pooling import with_averages_as_products
from pipeline.export.seeing import Seeing, numbers_beside
from pipeline.inputs.spec import InputSpec
from pipeline.runs.build import Run, answers_of
from pipeline.runs.card import Card
from pipeline.signals.windows import window_starts, windows_at

Beside = dict[str, Tensor]
Told = Callable[[Beside], object]
"""Is told what a fusion reads of each branch, before it is read."""
_LEAST = 1e-9  # of a probability in a geometric mean, as in ``evaluation.joining``


@dataclass(frozen=True)
class Extent:
    """What goes in: counts of these leads at the run's rate, so many samples of each.

    Attributes:
        leads: their names.
        n_samples: of each.
        beats_beside: whether median beats come beside the counts, each under its ``beat_name``, for networks that see
            beats; else the counts are such a beat.
        seeing: what makes a network's input of counts.
    """

    leads: tuple[str, ...]
    n_samples: int
    beats_beside: bool = False
    seeing: type[Seeing] = Seeing


def beat_name(spec: InputSpec) -> str | None:
    """What the median beat that a network sees is called beside counts; None where it sees none."""
    return None if spec.beat is None else f"median beat {spec.beat} {spec.beat_version}"


def graph_of(run: Run, extent: Extent) -> nn.Module:
    """A module from (n, leads, time) counts and features by name to (n, classes) float32 probabilities."""
    kind = run.card.run_kind
    if kind == "members":
        return _Mean([graph_of(member, extent) for member in run.parts.values()])
    if kind == "late":
        return _Late(run, {name: graph_of(part, extent) for name, part in run.parts.items()})
    cut = run.card.data.cut or {}
    if run.card.join is None or not cut:
        return _answering(run, extent)
    sampling_rate = _first_spec(run).sampling_rate
    seconds = extent.n_samples / sampling_rate
    starts = window_starts(seconds, cut["window_s"], cut["stride_s"])
    windows = windows_at(np.arange(extent.n_samples), sampling_rate, starts, cut["window_s"])
    inner = _answering(run, Extent(extent.leads, len(windows[0])))
    return Joined(inner, [int(window[0]) for window in windows], len(windows[0]), run.card)


def _first_spec(run: Run) -> InputSpec:
    return run.spec if run.spec is not None else _first_spec(next(iter(run.parts.values())))


def _answering(run: Run, extent: Extent) -> nn.Module:
    if run.card.run_kind == "network":
        return _Network(run, extent)
    if run.card.options.get("finetune"):
        return _Finetuned(run, extent)
    return _Frozen(run, extent)


def _answers(logits: Tensor, kind: str) -> Tensor:
    logits = logits.float()
    return logits.sigmoid() if kind == "multilabel" else logits.softmax(-1)


def _mean_over(answers: Tensor, n_crops: int) -> Tensor:
    """(crops · n, classes), crop by crop, to (n, classes)."""
    total = answers.reshape(n_crops, -1, answers.shape[-1]).sum(0)
    return (total / n_crops).clamp(0, 1)


def _cropped(x: Tensor, starts: Sequence[int], width: int) -> Tensor:
    """(n, leads, time) to (crops · n, leads, width), crop by crop."""
    return torch.cat([x[..., start : start + width] for start in starts])


def _repeated(beside: Beside, times: int) -> Beside:
    return {name: torch.cat([numbers] * times) for name, numbers in beside.items()}


class Reading(nn.Module):
    """A network on the crops of its input: what it says of each, crop by crop."""

    def __init__(
        self,
        network: nn.Module,
        spec: InputSpec,
        extent: Extent,
        starts: Sequence[int] | None = None,
        answers: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.network: Any = with_averages_as_products(network)
        self.answers = answers
        convolve_by_products(self.network)
        self.seeing, self.spec = extent.seeing(spec, extent.leads), spec
        self.beat = beat_name(spec) if extent.beats_beside else None
        n_samples = extent.n_samples if self.beat is None else spec.n_samples
        self.starts = spec.crop_starts(n_samples) if starts is None else list(starts)
        self.width = n_samples if spec.crop is None else min(spec.crop_samples, n_samples)

    def forward(self, counts: Tensor, beside: Beside, reads: str = "logits") -> Tensor:
        counts = counts if self.beat is None else beside[self.beat]
        x = self.seeing(_cropped(counts, self.starts, self.width))
        numbers = numbers_beside(self.spec, _repeated(beside, len(self.starts)))
        if reads == "logits":
            logits: Tensor = self.network(x, **numbers)
            return logits if self.answers is None else self.answers(logits)
        tokens: Tensor = self.network.tokens(x, **numbers)
        return tokens if reads == "tokens" else self.network.pool(tokens)


class _Network(nn.Module):
    def __init__(self, run: Run, extent: Extent) -> None:
        super().__init__()
        self.reading = Reading(run.network, run.spec, extent, answers=answers_of(run.card))
        self.kind = run.card.kind

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        return _mean_over(_answers(self.reading(counts, beside), self.kind), len(self.reading.starts))


class _Mean(nn.Module):
    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        said = [member(counts, beside).double() for member in self.members]
        return torch.stack(said).mean(0).float()


class _Late(nn.Module):
    told: Told | None = None

    def __init__(self, run: Run, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.fusion, self.names, self.kind = copy.deepcopy(run.network), tuple(parts), run.card.kind
        self.parts = nn.ModuleList(parts.values())

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        said = {name: part(counts, beside) for name, part in zip(self.names, self.parts, strict=True)}
        if self.told is not None:
            self.told(said)
        logits = self.fusion(said)
        fused: Tensor = logits.sigmoid() if self.kind == "multilabel" else logits.softmax(-1)
        return fused.float()


class _Frozen(nn.Module):
    """An intermediate fusion of frozen branches: one head, or one a member of each k-fold branch."""

    told: Told | None = None

    def __init__(self, run: Run, extent: Extent) -> None:
        super().__init__()
        self.names, self.kind = tuple(run.parts), run.card.kind
        self.reads = describe_fusion(run.card.options["combine"]).reads
        out_of_fold = run.card.is_fitted_out_of_fold
        numbers = list(next(iter(run.parts.values())).parts) if out_of_fold else [None]
        heads = run.network if out_of_fold else [run.network]
        self.heads = nn.ModuleList(copy.deepcopy(head) for head in heads)
        self.readings = nn.ModuleList(
            nn.ModuleList(
                _reading_of(part if number is None else part.parts[number], extent) for part in run.parts.values()
            )
            for number in numbers
        )

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        kept = [self._kept(*pair, counts, beside) for pair in zip(self.heads, self.readings, strict=True)]
        if self.told is not None:
            together = {name: torch.stack([of[name] for of in kept], 1) for name in self.names}
            self.told(together)
            kept = [{name: together[name][:, head] for name in self.names} for head in range(len(kept))]
        logits = [head(of) for head, of in zip(self.heads, kept, strict=True)]
        fused = logits[0] if len(logits) == 1 else mean_logits(torch.stack(logits), self.kind)
        return _answers(fused, self.kind).clamp(0, 1)

    def _kept(self, head: Any, readings: Any, counts: Tensor, beside: Beside) -> Beside:
        kept = {}
        for name, reading in zip(self.names, readings, strict=True):
            said, n_crops = reading(counts, beside, self.reads), len(reading.starts)
            kept[name] = (
                _side_by_side(said, n_crops, head.max_tokens)
                if self.reads == "tokens"
                else _mean_features(said, n_crops)
            )
        return kept


def _reading_of(run: Run, extent: Extent) -> Reading:
    return Reading(run.network, run.spec, extent)


def _mean_features(features: Tensor, n_crops: int) -> Tensor:
    return features.double().reshape(n_crops, -1, features.shape[-1]).mean(0).float()


def _side_by_side(tokens: Tensor, n_crops: int, most: int) -> Tensor:
    """(crops · n, t, d) to (n, crops · t', d): of each crop its share of ``most`` tokens, in time order."""
    fewer = at_most(tokens, None, max(1, most // n_crops))[0]
    if n_crops == 1:
        return fewer
    by_crop = fewer.reshape(n_crops, -1, *fewer.shape[1:])
    return by_crop.transpose(0, 1).flatten(1, 2)


class _Finetuned(nn.Module):
    """An intermediate fusion whose branches were trained on: all see the same crop, and answers are averaged."""

    told: Told | None = None

    def __init__(self, run: Run, extent: Extent) -> None:
        super().__init__()
        self.names, self.kind = tuple(run.parts), run.card.kind
        self.reads = describe_fusion(run.card.options["combine"]).reads
        self.fusion = copy.deepcopy(run.network["fusion"])
        specs = [part.spec for part in run.parts.values()]
        timed = [spec for spec in specs if spec.takes_signals]
        starts = (timed or specs)[0].crop_starts(extent.n_samples)
        # a stored image shows the whole item, whichever crop the others see
        own = [starts if spec.takes_signals and spec.beat is None else [0] * len(starts) for spec in specs]
        self.readings = nn.ModuleList(
            Reading(network, spec, extent, at)
            for network, spec, at in zip(run.network["branches"], specs, own, strict=True)
        )
        self.n_crops = len(starts)

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        said = {name: each(counts, beside, self.reads) for name, each in zip(self.names, self.readings, strict=True)}
        if self.told is not None:
            self.told(said)
        return _mean_over(_answers(self.fusion(said), self.kind), self.n_crops)


class Joined(nn.Module):
    """The windows of a record, each answered, and their answers joined as the run joins them."""

    def __init__(self, inner: nn.Module, starts: Sequence[int], width: int, card: Card) -> None:
        super().__init__()
        self.inner, self.starts, self.width, self.how, self.kind = inner, starts, width, card.join, card.kind

    def forward(self, counts: Tensor, beside: Beside) -> Tensor:
        of_windows = self.inner(_cropped(counts, self.starts, self.width), _repeated(beside, len(self.starts)))
        said = of_windows.double().reshape(len(self.starts), -1, of_windows.shape[-1])
        if self.how == "max":
            joined = said.amax(0)
        elif self.how == "geometric":
            joined = said.clamp(min=_LEAST).log().mean(0).exp()
        else:
            joined = said.mean(0)
        if self.kind == "multiclass":
            joined = joined / joined.sum(1, keepdim=True)
        found: Tensor = joined.clamp(0, 1).float()
        return found
