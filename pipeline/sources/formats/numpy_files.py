"""Arrays that numpy saved, .npy and .npz: bounded by what their heads say before they are read, and never unpickled.

Reference: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import ast
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from pipeline.sources.formats.arrays import Own, check_size, one_of_several, opened_array, own_of, says_something
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, content, shown

_MAGIC, _LONGEST_HEAD = b"\x93NUMPY", 10_000
_MOST_MEMBERS, _LONGEST_LIST = 1000, 2**20  # of a .npz file; bytes of its list of contents
_END = b"PK\x05\x06"
_KIND = re.compile(r"[<>|=]?(?:[iu][1248]|f[248]|b1|U[0-9]{1,3})")


@dataclass(frozen=True)
class _Head:
    """What stands before the samples of an array."""

    dtype: np.dtype
    is_fortran: bool
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return int(np.prod(self.shape, dtype=object))


def open_npy(path: str, said: Said) -> OpenedFile:
    """One array of numbers, (leads, time) or (time, leads); see :func:`~.arrays.opened_array`.

    Raises:
        RecordError: it is damaged, holds no numbers or too many, or what it means is not said.
    """
    head = _head(path, io.BytesIO(content(path, first=_LONGEST_HEAD + 12)))
    _check_numbers(path, head)

    def values() -> np.ndarray:
        data = io.BytesIO(content(path))
        return _array(path, _head(path, data), data)

    return opened_array(path, head.shape, Own(), said, values)


def open_npz(path: str, said: Said) -> OpenedFile:
    """One of the arrays in a file, the only one or the one that is named.

    Others may say what it is: ``fs`` or ``sampling_rate`` (Hz), ``unit``, ``leads`` (text).

    Raises:
        RecordError: it is damaged, or it is not clear which array is meant; else as :func:`open_npy`.
    """
    archive = _archive(path)
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    name = chosen_array(path, (each for each in members if not says_something(each)), said.array)
    own = own_of(path, {each: _small(path, archive, info) for each, info in members.items() if says_something(each)})
    with _told(path), archive.open(members[name]) as stream:
        head = _head(f"{path} ({shown(name)})", stream)
    _check_numbers(path, head)

    def values() -> np.ndarray:
        with _told(path), archive.open(members[name]) as stream:
            return _array(path, _head(path, stream), stream)

    return one_of_several(opened_array(path, head.shape, own, said, values))


def chosen_array(path: str, there: Iterable[str], wanted: str | None) -> str:
    """Which of the arrays of a file is the recording.

    Raises:
        RecordError: there is none, not the wanted one, or more than one and none is wanted.
    """
    names = list(there)
    listed = shown(", ".join(names), 200)
    if wanted is not None and wanted not in names:
        raise RecordError(f"{path} has no array {shown(wanted)} (it has {listed or 'none'}): give another --array")
    if not names:
        raise RecordError(f"{path} holds no array")
    if wanted is None and len(names) > 1:
        raise RecordError(f"{path} holds {len(names)} arrays, {listed}: say which is the recording with --array")
    return names[0] if wanted is None else wanted


def _archive(path: str) -> zipfile.ZipFile:
    data = content(path)
    end = data.rfind(_END, max(0, len(data) - 2**16 - 22))
    if end < 0:
        raise RecordError(f"{path} is no .npz file, or is cut off: save it with numpy.savez")
    if int.from_bytes(data[end + 12 : end + 16], "little") > _LONGEST_LIST:
        raise RecordError(f"{path} has a list of contents that is too long for a recording")
    with _told(path):
        archive = zipfile.ZipFile(io.BytesIO(data))
    if len(archive.infolist()) > _MOST_MEMBERS:
        raise RecordError(f"{path} holds {len(archive.infolist())} arrays, and can hold {_MOST_MEMBERS}")
    return archive


def _small(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """An array that says something of another one."""
    with _told(path), archive.open(info) as stream:
        head = _head(path, stream)
        if head.count > _MOST_MEMBERS:
            raise RecordError(f"{path} has the array {shown(info.filename)}, which is too long to say something")
        return _array(path, head, stream)


def _check_numbers(path: str, head: _Head) -> None:
    if head.dtype.kind not in "iuf":
        what = "text" if head.dtype.kind == "U" else "true and false"
        raise RecordError(f"{path} is an array of {what}, not of numbers")
    check_size(path, head.shape)


def _head(path: str, stream: IO[bytes]) -> _Head:
    """What the bytes before the samples say; nothing but plain numbers and text is accepted."""
    begin = stream.read(8)
    if len(begin) < 8 or begin[:6] != _MAGIC or begin[6] not in (1, 2, 3):
        raise RecordError(f"{path} does not begin as an array of numpy does: save it with numpy.save")
    length = int.from_bytes(stream.read(2 if begin[6] == 1 else 4), "little")
    text = stream.read(length) if length <= _LONGEST_HEAD else b""
    if len(text) < length or not length:
        raise RecordError(f"{path} is cut off, or has a head of {length} bytes")
    try:
        found = ast.literal_eval(text.decode("latin-1").strip())
        descr, is_fortran, shape = found["descr"], found["fortran_order"], found["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise RecordError(f"{path} has a damaged head: save it again with numpy.save") from None
    if isinstance(descr, str) and descr.lstrip("|<>=").startswith("O"):
        raise RecordError(f"{path} holds Python objects, which are never unpickled: save an array of numbers")
    if not isinstance(descr, str) or not _KIND.fullmatch(descr):
        raise RecordError(f"{path} is an array of {shown(str(descr))}, not of real numbers")
    sides = isinstance(shape, tuple) and all(type(side) is int and 0 <= side < 2**63 for side in shape)
    if not sides or len(shape) > 32 or not isinstance(is_fortran, bool):
        raise RecordError(f"{path} has a damaged head: save it again with numpy.save")
    return _Head(np.dtype(descr), is_fortran, shape)


def _array(path: str, head: _Head, stream: IO[bytes]) -> np.ndarray:
    """The samples behind a head; to the end, where the checksum of a .npz file is compared."""
    expected = head.count * head.dtype.itemsize
    data = stream.read(expected)
    if len(data) != expected or stream.read(1):
        there = "more" if len(data) == expected else len(data)
        raise RecordError(f"{path} has {there} bytes of samples where its head says {expected}")
    flat = np.frombuffer(data, head.dtype)
    return flat.reshape(head.shape[::-1]).T if head.is_fortran else flat.reshape(head.shape)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Tells of damage in an archive as a RecordError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as problem:
        raise RecordError(f"{path} is damaged ({shown(str(problem))}): make or copy it again") from None
