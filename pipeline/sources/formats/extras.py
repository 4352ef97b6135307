"""Libraries that only some formats need: imported when the first such file is met, asked for where they are absent."""

from importlib import import_module
from types import ModuleType

from pipeline.sources.formats.opened import NotSaidError

EXTRA = "clinical"
"""The extra of setup.cfg that brings them all."""


class NotInstalledError(NotSaidError):
    """What reads a file is not installed; others of its kind are not read either."""


def require(module: str, file: str) -> ModuleType:
    """A module of a library that reads a file.

    Args:
        module: as it is imported, ``pydicom`` or ``defusedxml.ElementTree``; its package is called as its first part.
        file: what a sentence names.

    Raises:
        NotInstalledError: the library is not there.
    """
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or problem.name.partition(".")[0] != library:
            raise
        raise NotInstalledError(
            f'{file} is read by {library}, which is not installed: pip install "ecgfusion[{EXTRA}]"'
        ) from None
