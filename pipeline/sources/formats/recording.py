"""What every file format gives, and how the bytes of a file come into memory: whole, bounded, from ordinary files."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.machine.files import file_error, is_of_the_machine
from pipeline.machine.places import first_bytes, is_remote

MOST_BYTES = 2**27
MOST_SAMPLES = 2**25
"""Of all leads together: a day of three leads at 125 Hz; reading it takes less than 1 GB of memory."""
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3, "nv": 1e-6}


class RecordError(Exception):
    """What is wrong with one recording, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Recording:
    """One recording: ``signal`` (leads, time) float64 in mV, hertz, canonical lead names."""

    signal: np.ndarray
    sampling_rate: float
    leads: tuple[str, ...]


def content(file: str, most: int = MOST_BYTES, first: int | None = None) -> bytes:
    """All bytes of an ordinary file, or the first so many.

    Raises:
        RecordError: it is missing, no ordinary file, not readable, or longer than ``most`` bytes.
        FileError: the machine cannot open it now, which makes no record bad.
    """
    if is_remote(file):
        return _content_of_place(file, most, first)
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a third of pathlib's time
        try:
            found = os.fstat(descriptor)
            # a pipe would wait for its writer, and a device like /dev/zero has no end
            if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
                raise RecordError(f"{file} is no ordinary file")
            size = found.st_size
            if size > most:
                raise RecordError(f"{file} has {size} bytes, and more than {most} are not read")
            size = size if first is None else min(size, first)
            data = os.read(descriptor, size)  # of a folder: the system's own error
            while len(data) < size and (more := os.read(descriptor, size - len(data))):
                data += more
            return data
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise RecordError(f"{file} is missing") from None
    except OSError as problem:
        if is_of_the_machine(problem):
            raise file_error(problem, file, "read") from None
        raise RecordError(f"{file} cannot be read ({problem.strerror})") from None
    except ValueError as problem:  # a byte 0 in the name
        raise RecordError(f"{file!r} cannot be read ({problem})") from None


def _content_of_place(file: str, most: int, first: int | None) -> bytes:
    """The same across a network; what fails there makes no record bad, but that a file is missing or too long."""
    try:
        data = first_bytes(file, most + 1 if first is None else min(first, most))
    except FileNotFoundError:
        raise RecordError(f"{file} is missing") from None
    if len(data) > most:
        raise RecordError(f"{file} has more than {most} bytes, which are not read")
    return data


def shown(text: str, most: int = 60) -> str:
    """What a file says, fit for a sentence: no control characters, and not the whole of it where it is long."""
    printable = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[: most + 1])
    return printable if len(text) <= most else printable[:most] + "…"


def is_unit(unit: str) -> bool:
    """Whether it is one of voltage that is read, however it is spelled."""
    return unit.lower() in _MILLIVOLTS


def millivolts_of(unit: str) -> float:
    """What one of a unit that is read (:func:`is_unit`) is in mV."""
    return _MILLIVOLTS[unit.lower()]


def checked_recording(
    file: object,
    signal: np.ndarray,
    missing: np.ndarray | None,
    units: Sequence[str],
    sampling_rate: float,
    leads: tuple[str, ...],
) -> Recording:
    """The recording in mV.

    Args:
        file: what a sentence names.
        signal: in ``units``; it may be written into.
        missing: whether a sample of the lead is missing; None where none is.
        units: as the file spells them, one a lead.
        sampling_rate: in Hz.
        leads: canonical names.

    Shape:
        signal (leads, time), missing (leads,).

    Raises:
        RecordError: a lead is named twice, a sample is missing, the unit is none of voltage.
    """
    if len(set(leads)) != len(leads):
        raise RecordError(f"{file} names a lead twice: {shown(', '.join(leads))}")
    if missing is not None and missing.any():
        raise RecordError(f"{file} has a missing sample in lead {shown(leads[int(missing.argmax())])}")
    if set(units) != {"mV"}:
        foreign = [unit for unit in units if not is_unit(unit)]
        if foreign:
            raise RecordError(f"{file} is in {shown(foreign[0])}, not in mV, uV, nV or V")
        signal *= np.array([[_MILLIVOLTS[unit.lower()]] for unit in units])
    return Recording(signal, sampling_rate, leads)
