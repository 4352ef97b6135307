"""A run as one function with a slope, from a recording's millivolts to the log-odds of a class."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.errors import EcgFusionError
from pipeline.explain.smooth import Smooth
from pipeline.explain.subject import Subject
from pipeline.export.graph import Extent, Joined, Reading, beat_name, graph_of
from pipeline.export.whole import Calibration
from pipeline.inputs.beats import median_beats
from pipeline.inputs.spec import InputSpec, describe_beat
from pipeline.scoring.asking import store_of
from pipeline.scoring.fitting import Fitted
from pipeline.scoring.needs import Needs

SURE = 1e-7  # probabilities are no nearer to 0 and 1, where log-odds have no number
SIGNAL = "signal"


@dataclass(frozen=True)
class Places:
    """Where in a recording the samples of an input come from.

    Attributes:
        begins: the sample of the recording at which each of the parts begins that the input is made of.
        n_samples: of each part.
    """

    begins: np.ndarray
    n_samples: int

    def spread(self, values: np.ndarray, n_samples: int) -> np.ndarray:
        """What an input's samples are worth, shared out alike over those of the recording that they were made of.

        Shape:
            values (leads, time of the input) to (leads, n_samples).
        """
        found = np.zeros((len(values), n_samples))
        for begin in self.begins:
            # beyond an end a beat repeats the last sample, whose worth that is
            places = np.clip(int(begin) + np.arange(self.n_samples), 0, n_samples - 1)
            for lead, worth in zip(found, values, strict=True):
                np.add.at(lead, places, worth / len(self.begins))
        return found


class Path(nn.Module):
    """What a run says of a recording, for gradients.

    Args:
        needs: of the run.
        subject: the recording.
        number: of the class.

    Attributes:
        inputs: the recording's own: ``signal``, and each median beat that a network sees, (leads, time) mV.
        places: where each input's samples come from.

    Shape:
        inputs by name, (n, leads, time) mV each, to (n,) log-odds.

    Raises:
        EcgFusionError: an item is no part of the recording as it is, or a representation has no gradient.
    """

    def __init__(self, needs: Needs, subject: Subject, number: int) -> None:
        super().__init__()
        fitted = subject.items(subject.prepared)
        self.leads, self.gain = fitted.leads, needs.recipe.gain
        self.number, self.n_classes = number, len(needs.run.card.classes)
        counts, starts, width = _cut(needs, subject, fitted)
        self.starts, self.width = starts, width
        self.inputs = {SIGNAL: torch.from_numpy(counts / self.gain)}
        self.places = {SIGNAL: Places(np.zeros(1, np.int64), counts.shape[1])}
        for spec in {beat_name(part.spec): part.spec for part in needs.networks if part.spec.beat is not None}.values():
            self._add_beat(needs, fitted, spec)
        self.graph = graph_of(needs.run, Extent(fitted.leads, width, beats_beside=True, seeing=Smooth))
        self.calibration = Calibration(needs.run.card)
        for name, values in fitted.features.items():
            if not np.array_equal(values, np.broadcast_to(values[:1], values.shape), equal_nan=True):
                raise EcgFusionError(
                    f"{needs.run.folder} sees another {name} beside each part of {subject.name}, for which there is no "
                    f"one slope: occlusion explains it (-method occlusion)"
                )
        self.features = {name: torch.from_numpy(values).float() for name, values in fitted.features.items()}
        self.eval().requires_grad_(False)
        with self._holding():
            self(self.batch(self.inputs))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        p = self.probabilities(inputs)[:, self.number].double().clamp(SURE, 1 - SURE)
        return p.log() - (-p).log1p()

    def probabilities(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Of all classes, (n, classes)."""
        signal = inputs[SIGNAL] * self.gain
        n = len(signal)
        beside = {name: x * self.gain for name, x in inputs.items() if name != SIGNAL}
        beside |= {name: values[:1].expand(n, -1) for name, values in self.features.items()}
        parts = torch.cat([signal[..., start : start + self.width] for start in self.starts])
        several = {name: torch.cat([x] * len(self.starts)) for name, x in beside.items()}
        said = self.graph(parts, several).double().reshape(len(self.starts), n, -1).mean(0)
        found: Tensor = self.calibration(said)
        return found

    @property
    def n_seen(self) -> int:
        """The most parts of one recording that a network sees at once."""
        cuts = ((len(each.starts) for each in self.modules() if isinstance(each, kind)) for kind in (Reading, Joined))
        return len(self.starts) * math.prod(max(each, default=1) for each in cuts)

    def batch(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inputs of one recording as a batch of one."""
        return {name: x[None] for name, x in inputs.items()}

    def _add_beat(self, needs: Needs, fitted: Fitted, spec: InputSpec) -> None:
        assert spec.beat is not None
        if spec.beat_channels or spec.strip:
            raise EcgFusionError(
                f"{needs.run.folder} sees the {describe_beat(spec)}, through which no gradient goes: occlusion "
                f"explains it (-method occlusion)"
            )
        (found,) = median_beats(store_of(needs, [fitted]), np.zeros(1, np.int64), spec.beat, spec.beat_version)
        name = str(beat_name(spec))
        self.inputs[name] = torch.from_numpy(np.rint(found.mv * self.gain) / self.gain)
        self.places[name] = Places(found.begins, found.mv.shape[1])

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """Scales of what is seen meanwhile are kept."""
        seeing = [module for module in self.modules() if isinstance(module, Smooth)]
        for each in seeing:
            each.holding = True
        with torch.no_grad():
            yield
        for each in seeing:
            each.holding = False


def _cut(needs: Needs, subject: Subject, fitted: Fitted) -> tuple[np.ndarray, Sequence[int], int]:
    """Counts of the whole recording, first samples of the items that are answered one by one, and their length."""
    prepared = subject.prepared
    order = [prepared.leads.index(lead) for lead in fitted.leads]
    counts = np.rint(prepared.signal[order] * needs.recipe.gain)
    inner = fitted.items.shape[2]
    if needs.crops or (fitted.what == "windows" and needs.run.card.join is not None):
        return counts, [0], counts.shape[1]  # the graph cuts them itself
    starts = np.rint(fitted.starts * needs.recipe.sampling_rate).astype(int).tolist()
    same = fitted.what != "heartbeats" and all(
        np.array_equal(counts[:, start : start + inner], item) for start, item in zip(starts, fitted.items, strict=True)
    )
    if not same or (len(starts) > 1 and needs.sees_beats):
        raise EcgFusionError(
            f"{subject.name}: what {needs.run.folder} sees of it is cut and made anew, through which no gradient goes: "
            f"occlusion explains it (-method occlusion)"
        )
    return counts, starts, inner
