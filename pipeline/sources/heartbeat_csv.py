"""The heartbeats of Kachuee, Fazeli and Sarrafzadeh as four CSV files: a beat a row, 187 samples at 125 Hz and a label.

Beats of MIT-BIH (mitbih_train.csv and mitbih_test.csv, five classes) and of the PTB Diagnostic database
(ptbdb_normal.csv and ptbdb_abnormal.csv), each scaled to amplitudes from 0 to 1 and filled up with zeros. Which patient
a beat is of is not said, and the published parts were drawn beat by beat.

Reference: Kachuee et al., ECG heartbeat classification: a deep transferable representation, ICHI 2018.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.machine.places import exists
from pipeline.sources.base import BadRecord, Source
from pipeline.sources.folders import looks_like, refuse_no_folder, where_meant
from pipeline.sources.formats.beat_files import N_SAMPLES, BeatFile
from pipeline.sources.schemes import Scheme

if TYPE_CHECKING:
    from pipeline.sources.items import ItemTable

SAMPLING_RATE = 125.0
GAIN = 28_000.0  # counts to 1; what lies above is for the overshoot of beats that are resampled
AAMI5 = ("N", "S", "V", "F", "Q")
MI = ("MI", "HC")  # as the PTB Diagnostic database's own task is called: infarction, healthy control
LABELS = {
    "mitbih_train": (0, 1, 2, 3, 4),
    "mitbih_test": (0, 1, 2, 3, 4),
    "ptbdb_normal": (0,),
    "ptbdb_abnormal": (1,),
}
"""Name of each file, without its ending → the labels that its rows may bear."""
PUBLISHED = {
    "mitbih_train": [72_471, 2223, 5788, 641, 6431],
    "mitbih_test": [18_118, 556, 1448, 162, 1608],
    "ptbdb_normal": [4046],
    "ptbdb_abnormal": [0, 10_506],
}
"""How many rows of each label the published files have, from label 0."""
N_FOLDS = 10
"""Folds of what is no test, numbered from 1; the test's own has the number behind them."""
_GET_IT = "unpack archive.zip of https://www.kaggle.com/datasets/shayanfazeli/heartbeat there"
REMARK = "Its amplitudes go from 0 to 1 and are no millivolts, and which beats are of one patient is not known."


class HeartbeatCsv(Source):
    """The opened set; see ``Source``."""

    name = "heartbeat_csv"
    patients_known = False
    sampling_rate = SAMPLING_RATE
    leads = ("II",)
    gain = GAIN
    holds_beats = True
    intra_patient = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths, told = _paths(folder)
        self._files = {name: BeatFile(path, LABELS[name]) for name, path in paths.items()}
        labels = np.concatenate([file.labels for file in self._files.values()])
        stems = np.repeat(list(self._files), [len(file.labels) for file in self._files.values()])
        counts = {name: np.bincount(file.labels).tolist() for name, file in self._files.items()}
        digest = hashlib.sha256(labels.tobytes()).hexdigest()[:12]
        is_published = all(PUBLISHED[name] == counted for name, counted in counts.items())
        self.version = "as published" if is_published else f"unknown (labels {digest})"
        self.remarks = (REMARK, *told)
        self.records = _records(self._files)
        self.labels = _labels(stems, labels)
        self.schemes = {
            "intra_patient": Scheme(
                (f"train=1-{N_FOLDS - 1}", f"dev={N_FOLDS}", f"test={N_FOLDS + 1}"), as_published, True
            )
        }

    def read(self, records: pd.DataFrame) -> list[np.ndarray | BadRecord]:
        found: list[np.ndarray | BadRecord] = []
        for record_id, name, row in zip(records["record_id"], records["file"], records["row"], strict=True):
            beat = self._files[name].beat(row)
            found.append(BadRecord(record_id, beat) if isinstance(beat, str) else beat)
        return found


def open_heartbeat_csv(folder: Path, sampling_rate: float | None = None) -> HeartbeatCsv:
    """Opens the folder of the four files, or of those of one database alone.

    Args:
        folder: where they lie.
        sampling_rate: of what is wanted, in Hz; the set has 125 alone.

    Raises:
        EcgFusionError: the folder is not what it should be, or a row has another width or a label that is none.
    """
    refuse_no_folder(folder, "the folder with mitbih_train.csv", _GET_IT)
    return HeartbeatCsv(folder)


def as_published(source: Source, items: "ItemTable", seed: int) -> np.ndarray:
    """The fold of each item: the published test has one of its own, the rest is dealt out, each class evenly.

    Of PTB no test is published: every fifth of its beats is one, drawn by chance, each class evenly.

    Shape:
        (items,) int64, from 1 to ``N_FOLDS`` + 1.
    """
    return np.asarray(_folds(source.records, seed)[items.rows["record"].to_numpy()])


def _folds(records: pd.DataFrame, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    folds = np.full(len(records), N_FOLDS + 1, np.int64)
    file, label = records["file"], records["label"].to_numpy()
    train = np.flatnonzero(file == "mitbih_train")
    folds[train] = 1 + _dealt(label[train], N_FOLDS, rng)
    ptb = np.flatnonzero(file.str.startswith("ptbdb"))
    ptb = ptb[_dealt(label[ptb], 5, rng) > 0]
    folds[ptb] = 1 + _dealt(label[ptb], N_FOLDS, rng)
    return folds


def _dealt(classes: np.ndarray, n_parts: int, rng: np.random.Generator) -> np.ndarray:
    """The part of each, from 0, by chance; parts differ by one at most, in all and in every class."""
    order = np.lexsort((rng.random(len(classes)), classes))
    parts = np.empty(len(classes), np.int64)
    parts[order] = np.arange(len(classes)) % n_parts
    return parts


# the folder


def _paths(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Each file that is read, by its name without ending, and what is to be said of those that are not there."""
    there = {name: folder / f"{name}.csv" for name in LABELS if exists(folder / f"{name}.csv")}
    told = []
    one = [name for name in there if name.startswith("ptbdb")]
    if len(one) == 1:
        (other,) = {"ptbdb_normal", "ptbdb_abnormal"} - set(one)
        alone = f"{other}.csv is not in {folder}, and {one[0]}.csv alone has no two classes: it is left out"
        if len(there) == 1:
            raise EcgFusionError(f"{alone}, and nothing is left: put {other}.csv there")
        del there[one[0]]
        told.append(f"{alone}.")
    if not there:
        meant = where_meant(folder, "mitbih_train.csv") or where_meant(folder, "ptbdb_normal.csv")
        remedy = (
            f"and {meant} has one: give --data {meant}" if meant else f"and {folder} {looks_like(folder)}: {_GET_IT}"
        )
        raise EcgFusionError(f"{folder / 'mitbih_train.csv'} is missing, as the three others are, {remedy}")
    for name, what in (("mitbih_train", "train nor dev"), ("mitbih_test", "test")):
        if name not in there and any(other.startswith("mitbih") for other in there):
            told.append(f"{name}.csv is not in {folder}: no beat of aami5 is in {what}.")
    return there, told


def _records(files: Mapping[str, BeatFile]) -> pd.DataFrame:
    parts = []
    for name, file in files.items():
        ids = [f"{name}_{line}" for line in file.lines.tolist()]
        known = {"record_id": ids, "patient_id": ids, "file": name, "row": np.arange(len(ids)), "label": file.labels}
        parts.append(pd.DataFrame(known))
    records = pd.concat(parts, ignore_index=True)
    records = records.assign(length=N_SAMPLES / SAMPLING_RATE, age=np.nan, sex=-1)
    return records.assign(fold=_folds(records, seed=0))


def _labels(stems: np.ndarray, labels: np.ndarray) -> dict[str, Labels]:
    """The tasks that the files have rows of."""
    is_ptb = np.char.startswith(stems, "ptbdb")
    tasks = {}
    if not is_ptb.all():
        values = ((labels[:, None] == np.arange(5)) & ~is_ptb[:, None]).astype(np.uint8)
        tasks["aami5"] = Labels(AAMI5, "multiclass", values, ~is_ptb)
    if is_ptb.any():
        values = ((labels[:, None] == (1, 0)) & is_ptb[:, None]).astype(np.uint8)
        tasks["mi"] = Labels(MI, "multiclass", values, is_ptb)
    return tasks
