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
        EcgFusionError: it is there, and cannot be imported, since it lacks something itself.
    """
    library = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as problem:
        called, command = _CALLED.get(library, library), f'"ecgfusion[{extra}]"'
        if isinstance(problem, ModuleNotFoundError) and (problem.name or "").partition(".")[0] == library:
            raise NotInstalledError(f"{needed} {called}, which is not installed: pip install {command}") from None
        why = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise EcgFusionError(
            f"{needed} {called}, which is installed and cannot be imported ({why}): "
            f"pip install --force-reinstall {command}"
        ) from problem
