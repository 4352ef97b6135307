"""What a run says of a recording file: probabilities, how sure they are, findings, and what is to be known of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.sources.formats.recording import Recording

NOTICE = "not a medical device: for research and teaching alone, no basis of a diagnosis"

Interval = tuple[float, float]
Images = tuple[np.ndarray, tuple[str, ...], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Beat:
    """What is said of one heartbeat of a recording: when its item begins, and each class's probability."""

    start_s: float
    finding: str | None
    probabilities: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a run says of one recording.

    Attributes:
        file: as it was given.
        record_id: the file's name without folder and ending.
        probabilities: of each class; calibrated, where the run's card has temperatures.
        thresholds: of each class, for these probabilities; None where classes exclude each other.
        findings: classes at or above their threshold; the highest one, where classes exclude each other.
        intervals: the least and the greatest that the members or branches of an ensemble say; None of one network.
        spreads: the least and the greatest of the windows, crops or heartbeats whose mean is the answer; where branches
            see crops of their own, of what would be answered if one crop stood for all of its branch; None where there
            is one alone.
        remarks: sentences on how the recording was made fit for the run, and on what is doubtful in it.
        seconds: its length.
        sampling_rate: of the file, Hz.
        leads: of the file, canonical names.
        run: the run's folder.
        notice: what no answer is.
        beats: of a run of single heartbeats, what it says of each.
    """

    file: str
    record_id: str
    probabilities: Mapping[str, float]
    thresholds: Mapping[str, float] | None
    findings: tuple[str, ...]
    intervals: Mapping[str, Interval] | None
    spreads: Mapping[str, Interval] | None
    remarks: tuple[str, ...]
    seconds: float
    sampling_rate: float
    leads: tuple[str, ...]
    run: str
    notice: str = NOTICE
    beats: tuple[Beat, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it: no tuples, and ``beats`` only where there are some."""
        found: dict[str, Any] = _plain(asdict(self))
        return found if self.beats is not None else {name: x for name, x in found.items() if name != "beats"}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A file that a run cannot answer, and what is wrong with it."""

    file: str
    problem: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run saw of a recording, for drawings.

    Attributes:
        signal: filtered and resampled, before it is cut, mV.
        leads: of ``signal``.
        sampling_rate: of ``signal``, Hz.
        recording: as the file has it.
        images: of each branch that sees images, its name (the network's, of a run without branches) to grey levels of
            the first that it sees, their leads, and the parameters of each representation.

    Shape:
        signal (leads, time) float32; images (leads, representations, height, width) uint8.
    """

    signal: np.ndarray
    leads: tuple[str, ...]
    sampling_rate: float
    recording: Recording
    images: Mapping[str, Images]


def _plain(x: Any) -> Any:
    """The same without tuples and numpy's numbers."""
    if isinstance(x, Mapping):
        return {str(name): _plain(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    return x.item() if isinstance(x, np.generic) else x
