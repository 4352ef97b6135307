"""The formats in which recordings are read: a line each, whose module is imported when its first file is met."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pkgutil import resolve_name
from typing import Any

from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, shown


@dataclass(frozen=True)
class Format:
    """How files of one format are known, and what opens them.

    Attributes:
        title: as people call it.
        endings: of its files, in lower case; an empty one stands for a name without an ending.
        opener: ``module:name`` of what makes an :class:`OpenedFile` of a path and a :class:`Said`; raises RecordError.
        known_by: ``module:name`` of what looks whether a file (its path) is of this format, where others have the same
            ending or it has none that is known; the last format of an ending needs none.
    """

    title: str
    endings: tuple[str, ...]
    opener: str
    known_by: str | None = None


_HERE = "pipeline.sources.formats"

FORMATS = {
    "wfdb": Format(
        "WFDB", (".hea", ".dat", ".mat", ""), f"{_HERE}.wfdb_opening:open_wfdb", f"{_HERE}.wfdb_opening:has_header"
    ),
    "csv": Format("CSV", (".csv", ".tsv", ".txt"), f"{_HERE}.delimited:open_delimited"),
    "npy": Format("NPY", (".npy",), f"{_HERE}.numpy_files:open_npy"),
    "npz": Format("NPZ", (".npz",), f"{_HERE}.numpy_files:open_npz"),
    "dicom": Format("DICOM waveform", (".dcm", ".dicom"), f"{_HERE}.dicom:open_dicom", f"{_HERE}.dicom:is_dicom"),
    "edf": Format("EDF, EDF+ and BDF", (".edf", ".bdf"), f"{_HERE}.edf:open_edf", f"{_HERE}.edf:is_edf"),
    "mat": Format("MAT", (".mat",), f"{_HERE}.matlab:open_mat"),
    "aecg": Format("HL7 aECG", (".xml",), f"{_HERE}.aecg:open_aecg", f"{_HERE}.aecg:is_aecg"),
    "muse": Format("GE MUSE", (".xml",), f"{_HERE}.muse:open_muse", f"{_HERE}.muse:is_muse"),
    "cardiosoft": Format(
        "GE CardioSoft", (".xml",), f"{_HERE}.cardiosoft:open_cardiosoft", f"{_HERE}.cardiosoft:is_cardiosoft"
    ),
    "scp": Format("SCP-ECG", (".scp", ".ecg"), f"{_HERE}.scp:open_scp", f"{_HERE}.scp:is_scp"),
    "ishne": Format("ISHNE Holter", (".ecg",), f"{_HERE}.ishne:open_ishne", f"{_HERE}.ishne:is_ishne"),
    "philips": Format("Philips Sierra", (".xml",), f"{_HERE}.philips:open_philips", f"{_HERE}.philips:is_philips"),
}
"""What is read. Of formats with one ending the first that knows the file is taken."""


def open_file(path: str, said: Said | None = None) -> OpenedFile:
    """Opens a recording by its ending, or by its first bytes where the ending says nothing.

    Args:
        path: the file; of WFDB any of its files, or their name without an ending.
        said: what the file may not say itself.

    Raises:
        RecordError: no format has the ending, or the file is not what its format asks for.
    """
    ending = os.path.splitext(path)[1].lower()
    found = [each for each in FORMATS.values() if ending in each.endings]
    # a name without an ending, or with one of its own (of WFDB a dot in it), says nothing: the bytes may
    looked_at = found if ending and found else list(FORMATS.values())
    known = (each for each in looked_at if len(looked_at) > 1 and _knows(each, path))
    chosen = next(known, found[-1] if found else None)
    if chosen is None:
        raise RecordError(f"{path} ends in {shown(ending)}, which is none of {' '.join(known_endings())}")
    opened: OpenedFile = _named(chosen.opener)(path, said or Said())
    return opened


def _knows(format: Format, path: str) -> bool:
    """Whether it finds the file to be its own; what cannot be looked at is told of by who opens it."""
    try:
        return format.known_by is not None and bool(_named(format.known_by)(path))
    except RecordError:
        return False


def known_by_bytes(path: str) -> bool:
    """Whether a file whose name says nothing is of a format that its first bytes tell, as a DICOM file may be."""
    return any(_knows(each, path) for name, each in FORMATS.items() if name != "wfdb")


@lru_cache(maxsize=64)  # a set of many small files has one format
def _named(name: str) -> Any:
    return resolve_name(name)


def known_endings() -> list[str]:
    """The endings of all formats, each once."""
    return list(dict.fromkeys(ending for each in FORMATS.values() for ending in each.endings if ending))
