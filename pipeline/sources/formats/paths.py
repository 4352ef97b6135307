"""Which recording files somebody names: files, folders with all that lies below, globs, and a list to be read."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.machine.places import entries_of, is_remote, place
from pipeline.sources.formats.recording import shown
from pipeline.sources.formats.registry import known_by_bytes, known_endings
from pipeline.sources.formats.wfdb_opening import has_header

_LONGEST = 4096  # characters of a path
_MAGIC = "*?["
_DEEPEST = 30  # folders below one across a network


def recording_paths(words: Iterable[str], listed: Iterable[str] = ()) -> Iterator[str]:
    """The paths that words name, each once, in order.

    Args:
        words: paths; a folder stands for the recordings below it, in the order of their names, of WFDB the headers,
            and of names that say nothing (``IM000001``, ``1.2.840.1``) what is known by its first bytes; a glob
            (``*``, ``**``) for what it matches, of WFDB the headers where it matches them, too; ``-`` for ``listed``.
        listed: lines of a path each.

    Raises:
        EcgFusionError: a folder or a glob holds no recording, or a line is too long for a path.
    """
    told: set[str] = set()
    for word in words:
        for path in _listed(listed) if word == "-" else _named(word):
            if path not in told:
                told.add(path)
                yield path


def _listed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        path = line.rstrip("\r\n")
        if len(path) > _LONGEST:
            raise EcgFusionError(f"a line has {len(path):,} characters, which no path has: give a path a line")
        if path.strip():
            yield from _named(path)


def _named(word: str) -> Iterator[str]:
    if is_remote(word):
        yield from _named_in_place(place(word))
    elif os.path.isdir(word):
        found = sorted(_below(word))
        if not found:
            raise EcgFusionError(f"{shown(word)} holds no file that ends in {' '.join(known_endings())}: name another")
        yield from found
    elif any(each in word for each in _MAGIC) and not os.path.lexists(word):
        matched = sorted(glob.glob(word, recursive=True))
        if not matched:
            raise EcgFusionError(f"{shown(word)} matches nothing: name files that are there")
        headers = {path for path in matched if path.endswith(".hea")}
        for path in matched:
            if path not in headers and f"{os.path.splitext(path)[0]}.hea" in headers:
                continue
            yield from _named(path) if os.path.isdir(path) else [path]
    else:
        yield word


def _named_in_place(path: Path) -> Iterator[str]:
    """A file across a network, or the files below a folder there."""
    if path.is_file() or has_header(str(path)):  # of WFDB the name without an ending will do
        yield str(path)
        return
    if not path.is_dir():
        raise EcgFusionError(f"there is no {path}: name a file or folder that is there")
    found = sorted(_below_in_place(path, 0))
    if not found:
        raise EcgFusionError(f"{path} holds no file that ends in {' '.join(known_endings())}: name another")
    yield from found


def _below_in_place(folder: Path, depth: int) -> Iterator[str]:
    """As ``_below``; what has no ending that is known is not looked into, which would be an answer to wait for each."""
    if depth > _DEEPEST:
        raise EcgFusionError(f"{folder} lies {depth} folders deep: name a folder nearer the recordings")
    entries = [entry for entry in entries_of(folder) if not entry.name.startswith(".")]
    headers = {entry.name for entry in entries if entry.name.endswith(".hea")}
    for entry in entries:
        stem, ending = os.path.splitext(entry.name)
        if entry.is_folder:
            yield from _below_in_place(folder / entry.name, depth + 1)
        elif ending.lower() in known_endings() and not (
            ending.lower() in (".dat", ".mat") and f"{stem}.hea" in headers
        ):
            yield str(folder / entry.name)


def _below(folder: str) -> Iterator[str]:
    """The files below a folder that a format ends like; of WFDB, the header stands for all files beside it."""
    endings = set(known_endings())
    for inside, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path, ending = os.path.join(inside, name), os.path.splitext(name)[1].lower()
            if name.startswith("."):
                continue
            if ending in endings:
                if ending not in (".dat", ".mat") or not has_header(path):
                    yield path
            elif (not ending or ending[1:].isdigit()) and known_by_bytes(path):
                yield path
