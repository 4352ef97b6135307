"""Annotated heartbeats: two records of MIT-BIH's layout, read through the program's own door, and by wfdb."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

RECORDS = (101, 114)
FOLDER = "data/mitdb"
_SYMBOLS = "NNNVNLRejAaJSVEF/fQN+N~N|N"
_HELD = "out/heartbeats.npz"


def write_heartbeats(folder: Path) -> None:
    """Records of 20 s and two leads, noise with a beat every 0.7 s."""
    import wfdb

    folder.mkdir(parents=True)
    n_samples = 20 * 360
    for number in RECORDS:
        rng = np.random.default_rng(number)
        counts = rng.integers(900, 1150, (n_samples, 2))
        samples = 180 + np.arange(len(_SYMBOLS)) * 252 + rng.integers(-40, 40, len(_SYMBOLS))
        keywords = {"units": ["mV"] * 2, "sig_name": ["MLII", "V1"], "fmt": ["212"] * 2, "adc_gain": [200.0] * 2}
        keywords |= {"baseline": [1024] * 2, "comments": ["75 F 1011 654 x1"], "d_signal": counts}
        wfdb.wrsamp(str(number), fs=360, write_dir=str(folder), **keywords)
        texts = ["(N" if symbol == "+" else "" for symbol in _SYMBOLS]
        wfdb.wrann(str(number), "atr", samples, list(_SYMBOLS), aux_note=texts, write_dir=str(folder))


def read_heartbeats() -> None:
    """Opens the data set and reads its records, in the current folder."""
    from pipeline.commands.parser import run_command

    run_command(_read)


def _read(words: object) -> None:
    from pipeline import open_source
    from pipeline.errors import EcgFusionError

    source = open_source("mitdb", FOLDER)
    held: dict[str, Any] = {}
    for row, (name, signal) in enumerate(zip(source.records["record_id"], source.read(source.records), strict=True)):
        if not isinstance(signal, np.ndarray):
            raise EcgFusionError(f"record {name} is bad: {signal.problem}")
        mine = source.beats.record == row if source.beats else np.empty(0, bool)
        held[f"{name} signal"] = signal
        if source.beats:
            held[f"{name} samples"] = source.beats.sample[mine]
            held[f"{name} classes"] = source.beats.labels["aami5"].values[mine].argmax(axis=1)
    Path("out").mkdir()
    np.savez(_HELD, **held)


def heartbeats(place: Path) -> Mapping[str, Any]:
    with np.load(place / _HELD, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def heartbeats_are_as_wfdb_reads_them(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every record that is there has the signals and beats that wfdb reads; else what differs."""
    import wfdb

    classes = {**dict.fromkeys("NLRej", 0), **dict.fromkeys("AaJS", 1), "V": 2, "E": 2, "F": 3}
    classes |= dict.fromkeys("/fQ", 4)
    for number in RECORDS:
        path = place / FOLDER / str(number)
        if not path.with_suffix(".hea").exists():
            if f"{number} signal" in result:
                return f"{number} is not there, and has been read"
            continue
        record, marks = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
        signal = record.p_signal.T[::-1] if record.sig_name[1] == "MLII" else record.p_signal.T
        beats = [(s, classes[name]) for s, name in zip(marks.sample, marks.symbol, strict=True) if name in classes]
        found = list(zip(result[f"{number} samples"], result[f"{number} classes"], strict=True))
        if not np.allclose(result[f"{number} signal"], signal, rtol=0, atol=1e-9) or found != beats:
            return f"{number} is not what wfdb reads"
    return None
