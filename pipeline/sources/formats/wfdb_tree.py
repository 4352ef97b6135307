"""The WFDB headers that lie below a folder, at any depth, each once.

Links are followed to files of the folder alone, and never to folders: a recording that is found twice could be in two
partitions, and one from elsewhere is none of this data set.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.machine.places import entries_of, is_remote
from pipeline.sources.formats.recording import shown

ENDING = ".hea"
MOST_HEADERS = 200_000
_DEEPEST = 30
_LONGEST_NAME = 1000


@dataclass(frozen=True)
class HeaderTree:
    """What was found.

    Attributes:
        names: of the headers below the folder, with ``/`` and without their ending, sorted.
        n_links_left_out: how many links lead to folders, out of the folder, nowhere, or to what is found anyway.
    """

    names: tuple[str, ...]
    n_links_left_out: int


@dataclass
class _Found:
    names: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)  # name → where it leads
    n_left_out: int = 0


def headers_below(folder: Path) -> HeaderTree:
    """The headers below a folder; what is hidden (``._A0001.hea``, ``.git``) is passed over.

    Raises:
        EcgFusionError: a folder cannot be read, a name cannot be printed, or there are more than a data set has.
    """
    found, root = _Found(), os.path.realpath(folder)
    folders = [("", 0)]
    while folders:
        inside, depth = folders.pop()
        if depth > _DEEPEST:
            raise EcgFusionError(f"{folder / inside} lies {depth} folders deep: name a folder nearer the recordings")
        folders += [(name, depth + 1) for name in _look_into(folder, inside, root, found)]
    ordinary = {os.path.realpath(folder / f"{name}{ENDING}") for name in found.names} if found.links else set()
    names = list(found.names)
    for name, target in sorted(found.links.items()):
        if target not in ordinary:
            ordinary.add(target)
            names.append(name)
    return HeaderTree(tuple(sorted(names)), found.n_left_out + len(found.names) + len(found.links) - len(names))


def _look_into(folder: Path, inside: str, root: str, found: _Found) -> list[str]:
    """Notes the headers in one folder and gives the folders in it."""
    deeper = []
    if is_remote(folder):
        return _look_into_place(folder, inside, found)
    try:
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                is_header = entry.name.endswith(ENDING)
                is_folder = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
                if entry.name.startswith(".") or not (is_header or is_folder):
                    continue
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_symlink():
                    _note_link(folder, entry, name, root, found)
                elif is_folder:
                    deeper.append(name)
                elif is_header and entry.is_file():
                    found.names.append(_checked(folder, name))
                _check_number(folder, found)
    except OSError as problem:
        raise EcgFusionError(
            f"{folder / inside} cannot be read ({problem.strerror}): see who may read it, or move it out of {folder}"
        ) from None
    return deeper


def _look_into_place(folder: Path, inside: str, found: _Found) -> list[str]:
    """The same across a network, where nothing is a link."""
    deeper = []
    for entry in entries_of(folder / inside):
        name = f"{inside}/{entry.name}" if inside else entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_folder:
            deeper.append(name)
        elif entry.name.endswith(ENDING):
            found.names.append(_checked(folder, name))
            _check_number(folder, found)
    return deeper


def _check_number(folder: Path, found: _Found) -> None:
    if len(found.names) + len(found.links) > MOST_HEADERS:
        raise EcgFusionError(f"{folder} holds more than {MOST_HEADERS:,} headers: name a folder with fewer recordings")


def _note_link(folder: Path, entry: os.DirEntry[str], name: str, root: str, found: _Found) -> None:
    target = os.path.realpath(entry.path)
    if name.endswith(ENDING) and os.path.isfile(target) and os.path.commonpath([root, target]) == root:
        found.links[_checked(folder, name)] = target
    else:
        found.n_left_out += 1


def _checked(folder: Path, name: str) -> str:
    if not name.isprintable() or "\\" in name or len(name) > _LONGEST_NAME:
        raise EcgFusionError(f"{folder} holds a file {shown(name)}, whose name no record can have: rename it")
    return name.removesuffix(ENDING)
