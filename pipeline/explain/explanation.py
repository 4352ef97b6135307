"""What an explanation says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.scoring.answers import NOTICE
from pipeline.signals.leads import canonical_lead


@dataclass(frozen=True)
class Strongest:
    """A part of one lead that moved the score.

    Attributes:
        lead: its name.
        start_s: where it begins.
        end_s: where it ends.
        change: what it is worth: by occlusion, by how much the log-odds fell when its middle was replaced; by others,
            the sum of the values in it.
    """

    lead: str
    start_s: float
    end_s: float
    change: float


@dataclass(frozen=True)
class Explanation:
    """Which samples of which lead moved the score of a class.

    Attributes:
        file: the recording, or the store and record, that was asked about.
        record_id: of it.
        run: the folder of the run that was asked.
        class_name: whose score it is.
        probability: of the class, as ``predict.py`` gives it.
        method: one of ``METHODS``.
        window_s: how long a part is: what occlusion replaced at once, s.
        signal: what the run saw: leads as they are filtered and resampled, mV.
        leads: their names.
        sampling_rate: of them, Hz.
        values: what each sample of each lead is worth; positive speaks for the class. By occlusion, the mean fall of
            the log-odds over the windows that it lies in, each replaced in its lead alone; by gradients, what it adds
            to the log-odds on the way from the baseline; by gradcam, the same unit without such a sum.
        moments: the same of all leads together.
        remarks: what is to be said of how the recording was taken, and of how far the values are to be trusted.
        baseline: of gradients, one of ``BASELINES``; None of others.
        score: of gradients, the log-odds of the recording.
        at_baseline: of gradients, those of the baseline; the values' sum is the difference.
        shares: of gradients of a fusion, what each branch adds to the log-odds; together the same difference.
        agreements: with other methods and other runs, the rank correlation over parts of half a window; None where one
            of the two says the same everywhere.

    Shape:
        signal and values (leads, time), moments (time,).
    """

    file: str
    record_id: str
    run: str
    class_name: str
    probability: float
    method: str
    window_s: float
    signal: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    values: np.ndarray
    moments: np.ndarray
    remarks: tuple[str, ...] = ()
    baseline: str | None = None
    score: float | None = None
    at_baseline: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    agreements: Mapping[str, float | None] = field(default_factory=dict)
    notice: str = NOTICE

    def of_leads(self, names: Sequence[str]) -> "Explanation":
        """The same of some leads, in this order; ``moments`` stay those of all.

        Raises:
            EcgFusionError: one of them is not there.
        """
        wanted = [canonical_lead(name) for name in names]
        absent = [name for name in wanted if name not in self.leads]
        if absent:
            raise EcgFusionError(f"{self.run} sees no lead {', '.join(absent)}: choose from {' '.join(self.leads)}")
        order = [self.leads.index(name) for name in dict.fromkeys(wanted)]
        leads = tuple(self.leads[place] for place in order)
        return replace(self, signal=self.signal[order], values=self.values[order], leads=leads)

    @cached_property
    def strongest(self) -> tuple[Strongest, ...]:
        """The ten parts, each as long as a window and apart from the others, that moved the score most."""
        half = max(1, round(self.window_s * self.sampling_rate / 2))
        worth = self.values if self.method == "occlusion" else _sums(self.values, half)
        left = np.abs(worth)
        found: list[Strongest] = []
        while len(found) < _MOST and left.max() > 0:
            lead, middle = np.unravel_index(left.argmax(), left.shape)
            first, last = max(0, int(middle) - half), min(left.shape[1], int(middle) + half)
            change = float(worth[lead, middle])
            found.append(Strongest(self.leads[lead], first / self.sampling_rate, last / self.sampling_rate, change))
            left[lead, max(0, first - half) : last + half] = 0
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """As ``explanation.json`` has it: numbers rounded to what they mean."""
        return {
            "file": self.file,
            "record_id": self.record_id,
            "run": self.run,
            "class": self.class_name,
            "probability": self.probability,
            "method": self.method,
            "baseline": self.baseline,
            "score": self.score,
            "at_baseline": self.at_baseline,
            "shares": dict(self.shares),
            "agreements": dict(self.agreements),
            "window_s": self.window_s,
            "sampling_rate": self.sampling_rate,
            "leads": list(self.leads),
            "strongest": [vars(each) for each in self.strongest],
            "values": np.round(self.values, 6).tolist(),
            "moments": np.round(self.moments, 6).tolist(),
            "signal_mv": np.round(self.signal, 4).tolist(),
            "remarks": list(self.remarks),
            "notice": self.notice,
        }


_MOST = 10


def _sums(values: np.ndarray, half: int) -> np.ndarray:
    """Over the samples from ``half`` before each to ``half`` after it: (leads, time) to the same."""
    total = np.cumsum(np.pad(values, ((0, 0), (half + 1, half))), axis=1)
    n = values.shape[1]
    found: np.ndarray = total[:, 2 * half + 1 : 2 * half + 1 + n] - total[:, :n]
    return found
