"""Data sets: where records, labels and the official folds come from. One module and one line each."""

from pathlib import Path
from pkgutil import resolve_name

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.sources.base import BadRecord, Source

__all__ = ["SOURCES", "BadRecord", "Labels", "Source", "open_source"]

SOURCES = {"ptbxl": "pipeline.sources.ptbxl:open_ptbxl"}
"""What opens each set. It is imported then, since a set's module may be a command too."""


def open_source(name: str, folder: Path | str, sampling_rate: float = 100, min_likelihood: float = 0) -> Source:
    """The data set in a folder.

    Args:
        name: a key of ``SOURCES``.
        folder: the folder as its publisher lays it out.
        sampling_rate: hertz that the signals are wanted at; where a set is published at several rates, the
            one to read is chosen by it. ``source.sampling_rate`` is the rate that ``read`` gives.
        min_likelihood: percent below which a diagnostic statement does not count; 0, "unknown", always does.

    Raises:
        EcgFusionError: the name, the folder or one of its tables is not what it should be.
    """
    if name not in SOURCES:
        raise EcgFusionError(f"there is no source {name}: choose one of {', '.join(SOURCES)}")
    opened: Source = resolve_name(SOURCES[name])(
        Path(folder), sampling_rate=sampling_rate, min_likelihood=min_likelihood
    )
    return opened
