"""A file of heartbeats: one beat a row, 187 samples from 0 to 1 and a label, with commas between them and no header."""

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import EcgFusionError

N_SAMPLES = 187
_MOST_BYTES, _LONGEST_ROW = 2**31, 2**16
_ROWS_AT_ONCE = 4096
_REMEDY = "take the published file"


class BeatFile:
    """The rows of a file: labels at once, samples when they are wanted, some thousand rows at a time.

    Attributes:
        path: the file.
        labels: of each row, (rows,) int64.
        lines: where each row stands, from 1, (rows,) int64.
    """

    def __init__(self, path: Path, known: Sequence[int]) -> None:
        """Looks through the file; ``known`` are the labels that a row may bear.

        Raises:
            EcgFusionError: it cannot be read, is empty, or a row has another width or a label that is none.
        """
        self.path = path
        labels, lines, places = [], [], []
        read: dict[bytes, int] = {}
        for number, place, row in _rows(path):
            if row.count(b",") != N_SAMPLES:
                raise EcgFusionError(
                    f"{path} line {number} has {row.count(b',') + 1:,} values, not {N_SAMPLES} samples and a "
                    f"label, with commas between them: {_REMEDY}"
                )
            text = row[row.rfind(b",") + 1 :]
            if text not in read:
                read[text] = _label(path, number, text, known)
            labels.append(read[text])
            lines.append(number)
            places.append((place, len(row)))
        if not labels:
            raise EcgFusionError(f"{path} is empty: {_REMEDY}")
        self.labels, self.lines = np.array(labels), np.array(lines)
        self._places = np.array(places)  # (rows, 2): first byte and number of bytes
        self._parts: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._lock = threading.Lock()

    def beat(self, row: int) -> np.ndarray | str:
        """Samples of a row, (1, 187) float64, or what is wrong with it."""
        part, within = divmod(row, _ROWS_AT_ONCE)
        with self._lock:
            if part not in self._parts:
                self._parts[part] = self._read(part)
        beats, good = self._parts[part]
        if good[within]:
            return beats[within, None].astype(np.float64)
        wrong = int(np.flatnonzero(~_is_amplitude(beats[within]))[0])
        text = _shown(self._texts(row, row + 1)[0].split(b",")[wrong])
        return f"{self.path} line {self.lines[row]} has {text} as sample {wrong + 1}, and amplitudes go from 0 to 1"

    def _read(self, part: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples of some thousand rows, (rows, 187) float32, NaN where one is no number, and which rows are good."""
        texts = self._texts(part * _ROWS_AT_ONCE, (part + 1) * _ROWS_AT_ONCE)
        try:
            beats = _numbers(texts)
        except (ValueError, pd.errors.ParserError):  # text in one of them
            beats = _numbers_or_nan(texts)
        return beats, np.asarray(_is_amplitude(beats).all(axis=1))

    def _texts(self, first: int, last: int) -> list[bytes]:
        places = self._places[first:last].tolist()
        start, end = places[0][0], sum(places[-1])
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                found = file.read(end - start)
        except OSError as problem:
            raise EcgFusionError(f"{self.path} cannot be read ({problem.strerror}): see who may read it") from None
        if len(found) != end - start:
            raise EcgFusionError(f"{self.path} has become shorter while it was read: give the same command again")
        return [found[place - start : place - start + n_bytes] for place, n_bytes in places]


def _rows(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Line number, first byte and text of each row that is not blank."""
    try:
        if not path.is_file():  # a pipe would wait for its writer
            raise EcgFusionError(f"{path} is no file: {_REMEDY}")
        if path.stat().st_size > _MOST_BYTES:
            raise EcgFusionError(f"{path} has more than {_MOST_BYTES / 2**30:g} GiB: {_REMEDY}")
        with path.open("rb") as file:
            place = number = 0
            while line := file.readline(_LONGEST_ROW):
                number += 1
                if len(line) == _LONGEST_ROW:
                    raise EcgFusionError(f"{path} line {number} has more than {_LONGEST_ROW:,} characters: {_REMEDY}")
                row = line.rstrip()
                if row:
                    yield number, place, row
                place += len(line)
    except OSError as problem:
        raise EcgFusionError(f"{path} cannot be read ({problem.strerror}): see who may read it") from None


def _label(path: Path, line: int, text: bytes, known: Sequence[int]) -> int:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number not in known:
        one_of = f"not one of {', '.join(map(str, known))}" if len(known) > 1 else f"not the {known[0]} of all its rows"
        names = " (a line of column names? the published files have none)" if line == 1 else ""
        raise EcgFusionError(f"{path} line {line} has the label {_shown(text)}, {one_of}{names}: {_REMEDY}")
    return int(number)


def _is_amplitude(beats: np.ndarray) -> np.ndarray:
    return (beats >= 0) & (beats <= 1)


def _numbers(texts: list[bytes]) -> np.ndarray:
    """Rows parsed by pandas, which takes half of the time that numpy's own reader takes.

    Raises:
        ValueError: a field is no number.
    """
    found = pd.read_csv(
        io.BytesIO(b"\n".join(texts)),
        header=None,
        names=range(N_SAMPLES + 1),
        usecols=range(N_SAMPLES),
        dtype=np.float64,
        quoting=csv.QUOTE_NONE,
    ).to_numpy()
    if found.shape != (len(texts), N_SAMPLES):
        raise ValueError(f"{found.shape} numbers")
    return _as_float32(found)


def _numbers_or_nan(texts: list[bytes]) -> np.ndarray:
    fields = [field for text in texts for field in text.decode("latin-1").split(",")[:N_SAMPLES]]
    found = pd.to_numeric(pd.Series(fields), errors="coerce").to_numpy(np.float64)
    return _as_float32(found.reshape(len(texts), N_SAMPLES))


def _as_float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is beyond it is no amplitude either way
        return values.astype(np.float32)


def _shown(text: bytes) -> str:
    """A field as a sentence can say it."""
    word = text.decode("latin-1").strip()
    return (word if word.isprintable() and len(word) <= 40 else f"{word[:40]!r}") or "nothing"
