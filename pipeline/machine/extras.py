"""Libraries that only some work needs, each brought by an extra of setup.cfg: asked for where that work begins."""

from importlib import import_module
from types import ModuleType

from pipeline.errors import EcgFusionError

_CALLED = {"distributed": "dask.distributed", "imblearn": "imbalanced-learn", "python_multipart": "python-multipart"}
"""Modules whose library has another name."""


class NotInstalledError(EcgFusionError):
    """A library is absent; the sentence says which, what for, and the command that brings it."""


def required(module: str, extra: str, needed: str) -> ModuleType:
    """A module of a library that an extra brings, imported.

    Args:
        module: as it is imported, ``pydicom`` or ``defusedxml.ElementTree``; its library is called as its first part.
        extra: of setup.cfg.
        needed: what the sentence begins with, such as ``a search needs``.

    Raises:
        NotInstalledError: the library is not there.
    """
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or problem.name.partition(".")[0] != library:
            raise  # it is there, and lacks another one itself
        called = _CALLED.get(library, library)
        raise NotInstalledError(
            f'{needed} {called}, which is not installed: pip install "ecgfusion[{extra}]"'
        ) from None
