"""Reading an .npz file of strangers: the wanted arrays alone, with bounds, and nothing unpickled."""

import errno
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError, file_errors_told, open_file

MOST_BYTES = 2**29
"""Of all wanted arrays together: scores and labels of 1.5 million items of 70 classes."""

_MOST_OF_A_DIRECTORY = 2**20  # of a zip file's list of contents, which is read whole
_END = b"PK\x05\x06"


class _TooLargeError(ValueError):
    pass


class _ObjectsError(ValueError):
    pass


def read_npz(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Those of the named arrays that a file has.

    Raises:
        EcgFusionError: it is missing, no file, damaged, too large, or holds Python objects.
    """
    try:
        with file_errors_told(path, "read"), open_file(path) as file:
            return _read(file, names)
    except FileNotFoundError:
        raise EcgFusionError(f"there is no scores file {path}: name an .npz file") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as problem:
        if "not a zip file" in str(problem):
            raise EcgFusionError(f"{path} cannot be read as a scores file: save it with numpy.savez") from None
        raise EcgFusionError(f"{path} is damaged ({problem}): make or copy it again") from None
    except (_TooLargeError, MemoryError):
        most = f"{MOST_BYTES / 2**20:g} MiB"
        raise EcgFusionError(f"{path} unpacks to more than {most}: save fewer items in a file") from None
    except _ObjectsError:
        raise EcgFusionError(
            f"{path} cannot be read as a scores file: it holds Python objects: save numpy arrays of strings"
        ) from None
    except FileError as problem:
        if problem.errno == errno.EISDIR:
            raise EcgFusionError(f"there is no scores file {path}, which is a folder: name an .npz file") from None
        raise
    except Exception:  # zipfile and numpy raise whatever their parsing meets
        raise EcgFusionError(f"{path} cannot be read as a scores file: save it with numpy.savez") from None


def _read(file: IO[bytes], names: Iterable[str]) -> dict[str, np.ndarray]:
    _check_directory(file)
    with zipfile.ZipFile(file) as archive:
        there = set(archive.namelist())
        members = {name: f"{name}.npy" for name in names if f"{name}.npy" in there}
        if sum(archive.getinfo(member).file_size for member in members.values()) > MOST_BYTES:
            raise _TooLargeError
        return {name: _array(archive, member) for name, member in members.items()}


def _check_directory(file: IO[bytes]) -> None:
    """Refuses a list of contents that would take long to read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 2**16 - 22))
    tail = file.read()
    place = tail.rfind(_END)
    if place >= 0 and int.from_bytes(tail[place + 12 : place + 16], "little") > _MOST_OF_A_DIRECTORY:
        raise zipfile.BadZipFile("its list of contents is too long")
    file.seek(0)


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """An array, whose header says no more than the file has."""
    size = archive.getinfo(member).file_size
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, is_fortran, dtype = read(stream)
        if dtype.hasobject:
            raise _ObjectsError
        count = 1
        for length in shape:
            count *= length
        if min(shape, default=0) < 0 or count * max(dtype.itemsize, 1) > size:
            raise zipfile.BadZipFile(f"{member} says that it is {shape}, and is shorter")
        data = stream.read(count * dtype.itemsize)
        stream.read(1)  # at the end its checksum is compared
    flat = np.frombuffer(bytearray(data), dtype, count) if data else np.zeros(count, dtype)
    return flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)
