"""What an explanation says."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.scoring.answers import NOTICE


@dataclass(frozen=True)
class Strongest:
    """A part of one lead that moved the score.

    Attributes:
        lead: its name.
        start_s: where it begins.
        end_s: where it ends.
        change: by how much the log-odds fell when its middle was replaced; below zero, rose.
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
        window_s: what was replaced at once, s.
        signal: what the run saw: leads as they are filtered and resampled, mV.
        leads: their names.
        sampling_rate: of them, Hz.
        values: of each sample the mean fall of the log-odds over the windows that it lies in, each replaced in its lead
            alone; positive speaks for the class.
        moments: the same where a window is replaced in all leads together.
        remarks: what is to be said of how the recording was taken.

    Shape:
        signal and values (leads, time), moments (time,).
    """

    file: str
    record_id: str
    run: str
    class_name: str
    probability: float
    window_s: float
    signal: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    values: np.ndarray
    moments: np.ndarray
    remarks: tuple[str, ...] = ()
    notice: str = NOTICE

    @cached_property
    def strongest(self) -> tuple[Strongest, ...]:
        """The ten parts, each as long as a window and apart from the others, that moved the score most."""
        left, half = np.abs(self.values), max(1, round(self.window_s * self.sampling_rate / 2))
        left = left.copy()
        found: list[Strongest] = []
        while len(found) < _MOST and left.max() > 0:
            lead, middle = np.unravel_index(left.argmax(), left.shape)
            first, last = max(0, int(middle) - half), min(left.shape[1], int(middle) + half)
            change = float(self.values[lead, middle])
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
            "method": "occlusion",
            "window_s": self.window_s,
            "sampling_rate": self.sampling_rate,
            "leads": list(self.leads),
            "strongest": [vars(each) for each in self.strongest],
            "values": np.round(self.values, 4).tolist(),
            "moments": np.round(self.moments, 4).tolist(),
            "signal_mv": np.round(self.signal, 4).tolist(),
            "remarks": list(self.remarks),
            "notice": self.notice,
        }


_MOST = 10
