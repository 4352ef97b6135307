"""A recording → its heartbeats, found in it and cut as a run's store was, with the numbers that it sees beside each."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.scoring.fitting import Fitted, Prepared, check_length
from pipeline.scoring.needs import Needs
from pipeline.signals.counts import to_counts
from pipeline.sources.base import BadRecord, Beats, Source
from pipeline.sources.cuts import choose_cut
from pipeline.sources.detected_beats import peaks_of
from pipeline.sources.formats.recording import Recording


class _OneRecording(Source):
    """A data set of one recording, with the heartbeats that were found in it."""

    name = "recording"

    def __init__(self, recording: Recording, file: str, peaks: np.ndarray) -> None:
        self.folder, self.version, self.gain, self.labels = Path(file), "unknown", 1000.0, {}
        self.sampling_rate, self.leads = recording.sampling_rate, recording.leads
        self._signal = recording.signal
        seconds = recording.signal.shape[1] / recording.sampling_rate
        one = {"record_id": ["0"], "patient_id": ["0"], "fold": [0], "length": [seconds], "age": [np.nan], "sex": [-1]}
        self.records = pd.DataFrame(one)
        self.beats = Beats(np.zeros(len(peaks), np.int64), peaks, {})

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        return [self._signal for _ in range(len(records))]


def heartbeats(needs: Needs, recording: Recording, prepared: Prepared, file: str) -> Fitted:
    """The heartbeats of a recording as a run of single heartbeats sees them.

    They are found as ``create_images.py --beat`` finds those of a set that nobody has annotated.

    Args:
        needs: of the run.
        recording: as the file has it.
        prepared: as the run's store would hold it.
        file: what sentences name.

    Raises:
        EcgFusionError: no heartbeat is found that can be cut so.
    """
    cut, rate, recipe = dict(needs.card.data.cut or {}), needs.recipe.sampling_rate, needs.recipe
    seen = [number for number, lead in enumerate(recording.leads) if lead in needs.known_leads]
    peaks = peaks_of(recording.signal[seen], recording.sampling_rate)
    if peaks is None or not len(peaks):
        raise EcgFusionError(f"{file} has no heartbeat that was found: give a longer or a clearer recording")
    source = _OneRecording(recording, file, peaks)
    extent = cut.get("beat_extent")
    way = choose_cut(
        source,
        beat=str(cut["beat"]),
        beat_extent=None if extent is None else (float(extent[0]), float(extent[1])),
        beats=int(cut.get("beats", 1)),
    )
    try:
        table = way.table(source)
        items = np.stack([to_counts(x, recipe.gain) for x in way.cut(prepared.signal, rate, table.rows)])
    except ValueError as problem:
        raise EcgFusionError(f"{file} {problem}: is its unit right (-unit)?") from None
    for part in needs.networks:
        check_length(needs, part, items.shape[2], prepared.signal.shape[1], file)
    features = {name: table.features[name] for name in needs.features}
    notes = (f"its {len(peaks)} heartbeats were found by the program", *table.remarks)
    starts = table.rows["start"].to_numpy(float)
    return Fitted(items, starts, "heartbeats", prepared.leads, rate, features, notes)
