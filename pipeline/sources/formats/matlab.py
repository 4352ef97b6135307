"""Arrays that MATLAB, Octave or scipy saved: MAT files of versions 4 to 7, decoded by scipy from bounded bytes.

scipy reads what a file announces, and a compressed variable of a few kilobytes can announce gigabytes: so variables
are unpacked here, up to what a recording can have, before it sees them. Cells, structures and objects are not looked
into.

Reference: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
"""

import io
import struct
import zlib
from typing import Any

import numpy as np

from pipeline.sources.formats.arrays import check_size, one_of_several, opened_array, own_of, says_something
from pipeline.sources.formats.numpy_files import chosen_array
from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import MOST_BYTES, RecordError, content, shown

_HEAD = 128  # bytes before the first variable of version 5 and later
_COMPRESSED, _MATRIX = 15, 14
_MOST_VARIABLES = 1000
_MOST_UNPACKED = 2 * MOST_BYTES  # bytes, of all variables together
_NUMBERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)) | {"double", "single"}
_REMEDY = "save it again with -v7, its samples as one array of numbers"


def open_mat(path: str, said: Said) -> OpenedFile:
    """One array of numbers of a MAT file, the only one or the one that is named.

    Other variables may say what it is, as in a .npz file; ``leads`` and ``unit`` are rows of characters.

    Raises:
        RecordError: it is damaged, of version 7.3, holds no such array, or what it means is not said.
    """
    data = _unpacked(path, content(path))
    listed = _scipy(path, "whosmat", data)
    found = {name: (shape, kind) for name, shape, kind in listed}
    if len(listed) > min(len(found), _MOST_VARIABLES):
        raise RecordError(f"{path} holds {len(listed)} variables, too many or two of one name: {_REMEDY}")
    numbers = [name for name, (_, kind) in found.items() if kind in _NUMBERS and not says_something(name)]
    if said.array in found and said.array not in numbers:
        raise RecordError(f"{path} has in {shown(str(said.array))} a {shown(found[said.array][1])}: {_REMEDY}")
    if not numbers and found:
        others = ", ".join(f"{name} ({kind})" for name, (_, kind) in found.items())
        raise RecordError(f"{path} holds no array of numbers but {shown(others)}: {_REMEDY}")
    name = chosen_array(path, numbers, said.array)
    small = {each for each, (shape, kind) in found.items() if says_something(each) and kind in _NUMBERS | {"char"}}
    for each in small:
        check_size(path, found[each][0])
    own = own_of(path, {each: _scipy(path, "loadmat", data, [each])[each] for each in small})
    shape = found[name][0]
    check_size(path, shape)

    def values() -> np.ndarray:
        array: np.ndarray = _scipy(path, "loadmat", data, [name])[name]
        if array.dtype.kind not in "iuf" or array.shape != shape:
            raise RecordError(f"{path} has complex or damaged numbers in {shown(name)}: {_REMEDY}")
        return array

    return one_of_several(opened_array(path, shape, own, said, values))


def _unpacked(path: str, data: bytes) -> bytes:
    """The same file with no compressed variable in it, and every variable within it."""
    if data[:1] and (b"MATLAB 7.3" in data[:116] or data[:8] == b"\x89HDF\r\n\x1a\n" or data[512:516] == b"\x89HDF"):
        raise RecordError(f"{path} is a MAT file of version 7.3 (HDF5), which is not read: save it with -v7")
    if len(data) < 20:
        raise RecordError(f"{path} is no MAT file, or is cut off")
    if 0 in data[:4]:  # version 4 begins with a number, later ones with text
        return data
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise RecordError(f"{path} is no MAT file: {_REMEDY}")
    parts, place, spent, n_variables = [data[:_HEAD]], _HEAD, 0, 0
    while place < len(data):
        kind, length = struct.unpack_from(f"{order}II", data[place : place + 8].ljust(8, b"\0"))
        element = data[place + 8 : place + 8 + length]
        if len(element) < length or kind not in (_COMPRESSED, _MATRIX):
            raise RecordError(f"{path} is damaged or cut off at byte {place}: make or copy it again")
        if kind == _COMPRESSED:
            element = _inflated(path, element, _MOST_UNPACKED - spent)
        else:
            element = data[place : place + 8] + element
        spent, n_variables = spent + len(element), n_variables + 1
        if n_variables > _MOST_VARIABLES:
            raise RecordError(f"{path} holds more than {_MOST_VARIABLES} variables")
        parts.append(element)
        place += 8 + length
    return b"".join(parts)


def _inflated(path: str, element: bytes, most: int) -> bytes:
    unpack = zlib.decompressobj()
    try:
        found = unpack.decompress(element, most + 1)
    except zlib.error:
        raise RecordError(f"{path} is damaged (a compressed variable cannot be unpacked): copy it again") from None
    if len(found) > most:
        raise RecordError(f"{path} unpacks to more than {_MOST_UNPACKED} bytes, which are not read")
    if not unpack.eof or len(found) < 8:
        raise RecordError(f"{path} is damaged (a compressed variable is cut off): copy it again")
    return found


def _scipy(path: str, call: str, data: bytes, names: list[str] | None = None) -> Any:
    """What a function of ``scipy.io`` finds in the bytes."""
    import scipy.io

    try:
        if names is None:
            return getattr(scipy.io, call)(io.BytesIO(data))
        return getattr(scipy.io, call)(io.BytesIO(data), variable_names=names, chars_as_strings=True)
    except Exception:  # scipy raises whatever its decoding meets
        raise RecordError(f"{path} cannot be decoded as a MAT file: {_REMEDY}") from None
