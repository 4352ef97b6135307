"""Libraries that only some formats need: imported when the first such file is met, asked for where they are absent."""

from types import ModuleType

from pipeline.machine.extras import NotInstalledError, required
from pipeline.sources.formats.opened import NotSaidError

EXTRA = "clinical"
"""The extra of setup.cfg that brings them all."""


class NoReaderError(NotSaidError):
    """What reads a file is not installed; others of its kind are not read either."""


def require(module: str, file: str) -> ModuleType:
    """A module of a library that reads a file.

    Args:
        module: as it is imported, ``pydicom`` or ``defusedxml.ElementTree``; its package is called as its first part.
        file: what a sentence names.

    Raises:
        NoReaderError: the library is not there.
    """
    try:
        return required(module, EXTRA, f"{file} is read by")
    except NotInstalledError as problem:
        raise NoReaderError(str(problem)) from None
