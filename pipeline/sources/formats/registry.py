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
            ending; the last format of an ending needs none.
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
    "mat": Format("MAT", (".mat",), f"{_HERE}.matlab:open_mat"),
    "aecg": Format("HL7 aECG", (".xml",), f"{_HERE}.aecg:open_aecg", f"{_HERE}.aecg:is_aecg"),
    "muse": Format("GE MUSE", (".xml",), f"{_HERE}.muse:open_muse", f"{_HERE}.muse:is_muse"),
    "cardiosoft": Format(
        "GE CardioSoft", (".xml",), f"{_HERE}.cardiosoft:open_cardiosoft", f"{_HERE}.cardiosoft:is_cardiosoft"
    ),
    "philips": Format("Philips Sierra", (".xml",), f"{_HERE}.philips:open_philips", f"{_HERE}.philips:is_philips"),
}
"""What is read. Of formats with one ending the first that knows the file is taken."""


def open_file(path: str, said: Said | None = None) -> OpenedFile:
    """Opens a recording by its ending.

    Args:
        path: the file; of WFDB any of its files, or their name without an ending.
        said: what the file may not say itself.

    Raises:
        RecordError: no format has the ending, or the file is not what its format asks for.
    """
    ending = os.path.splitext(path)[1].lower()
    found = [each for each in FORMATS.values() if ending in each.endings]
    if not found and _named(FORMATS["wfdb"].known_by or "")(path):
        found = [FORMATS["wfdb"]]  # a name without an ending that has a dot in it
    if not found:
        raise RecordError(f"{path} ends in {shown(ending)}, which is none of {' '.join(known_endings())}")
    chosen = found[-1]
    if len(found) > 1:
        chosen = next((each for each in found[:-1] if each.known_by and _named(each.known_by)(path)), chosen)
    opened: OpenedFile = _named(chosen.opener)(path, said or Said())
    return opened


@lru_cache(maxsize=64)  # a set of many small files has one format
def _named(name: str) -> Any:
    return resolve_name(name)


def known_endings() -> list[str]:
    """The endings of all formats, each once."""
    return list(dict.fromkeys(ending for each in FORMATS.values() for ending in each.endings if ending))
