"""Why a folder is not the data set that was meant: a level too high or too low, a file, another set's recordings."""

import itertools
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.machine.places import exists, is_folder, is_remote, may_be_read, names_in

_MOST_ENTRIES = 2000  # of a folder; what it is shows before that
_LOOKS = (
    (("REFERENCE-v3.csv", "training2017", "validation2017"), "the PhysioNet/CinC Challenge 2017"),
    (("mitdbdir", "100.atr", "101.atr", "200.atr"), "the MIT-BIH Arrhythmia Database"),
    (("patient001",), "the PTB Diagnostic ECG Database"),
    (("WFDBRecords", "ConditionNames_SNOMED-CT.csv"), "Chapman-Shaoxing (SNOMED-CT codes)"),
    (("exams.csv", "exams_part0.hdf5"), "CODE-15 %"),
    (("machine_measurements.csv", "record_list.csv"), "MIMIC-IV-ECG"),
    (("mitbih_train.csv", "ptbdb_normal.csv"), "the heartbeats of Kaggle"),
    (("train.h5", "dev.h5", "test.h5"), "stores that create_images.py made"),
    (("run.json", "weights.safetensors"), "a run of train.py"),
)
_KINDS = {
    ".hea": "WFDB recordings",
    ".mat": "WFDB recordings (.mat)",
    ".xml": "XML recordings",
    ".edf": "EDF recordings",
    ".dcm": "DICOM recordings",
    ".scp": "SCP-ECG recordings",
    ".h5": "HDF5 files",
    ".hdf5": "HDF5 files",
    ".npy": "numpy arrays",
    ".csv": "CSV tables",
}


def where_meant(folder: Path, table: str) -> Path | None:
    """The folder beside, above or below this one that holds a set's table; None where there is none.

    Args:
        folder: what somebody named.
        table: the file by which the set's folder is known.
    """
    if is_remote(folder):  # each look would be an answer to wait for
        return None
    above = [folder.absolute(), *itertools.islice(folder.absolute().parents, 3)]
    below = [folder / name for name in sorted(_entries(folder)) if (folder / name).is_dir()]
    below += [inner / name for inner in below[:20] for name in sorted(_entries(inner))[:100]]
    shown = [Path(os.path.relpath(place)) if not folder.is_absolute() else place for place in above]
    return next((place for place in (*below, *shown) if place != folder and _holds(place, table)), None)


def looks_like(folder: Path) -> str:
    """What a folder seems to hold, as the end of a sentence: ``is empty``, or ``looks like …``."""
    names = _entries(folder)
    if not names:
        return "is empty"
    for marks, what in _LOOKS:
        if set(marks) & names:
            return f"looks like {what}"
    zipped = sorted(name for name in names if name.lower().endswith(".zip"))
    if zipped:
        return f"holds {zipped[0]}, which is still packed: unpack it"
    kind = _commonest_kind(names)
    if kind:
        return f"holds {kind}"
    below = sorted(name for name in names if (folder / name).is_dir())[:20]
    kind = _commonest_kind(inner for name in below for inner in _entries(folder / name))
    return f"holds folders of {kind}" if kind else "holds nothing that is known here"


def _commonest_kind(names: Iterable[str]) -> str | None:
    kinds = Counter(_KINDS[ending] for name in names if (ending := os.path.splitext(name)[1].lower()) in _KINDS)
    return kinds.most_common(1)[0][0] if kinds else None


def _entries(folder: Path) -> set[str]:
    """Names of what lies in a folder, the first of them; none where it cannot be read."""
    try:
        if is_remote(folder):
            return set(names_in(folder)[:_MOST_ENTRIES])
        with os.scandir(folder) as found:
            return {entry.name for entry in itertools.islice(found, _MOST_ENTRIES)}
    except OSError:
        return set()


def _holds(place: Path, table: str) -> bool:
    try:
        return (place / table).is_file()
    except OSError:
        return False


def refuse_no_folder(folder: Path, what: str, remedy: str) -> None:
    """Refuses a data set's folder that is missing, is a file, or may not be read.

    Args:
        folder: what somebody named.
        what: which folder is meant, as ``the challenge's folder``.
        remedy: how one comes to it.

    Raises:
        EcgFusionError: it is none that can be read.
    """
    if not exists(folder):
        raise EcgFusionError(f"there is no folder {folder}: name {what} with --data, or {remedy}")
    if not is_folder(folder):
        raise EcgFusionError(f"{folder} is a file: name {what} with --data")
    if not may_be_read(folder):
        raise EcgFusionError(f"{folder} may not be read by this user (permission denied): see who may read it")
