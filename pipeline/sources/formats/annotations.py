"""Annotations of a WFDB recording (``.atr``): what happens at which sample, in PhysioNet's own binary format.

Of a whole file it gives what wfdb's ``rdann`` gives, which takes one that is cut, or is none, for a shorter one; here
every byte is accounted for.

Reference: https://wfdb.io/spec/annotation-files.html (MIT format)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pipeline.sources.formats.recording import RecordError, content

MOST_BYTES = 2**23
"""A day's beats, each with a word to it, take less than a third of it."""
LAST_SAMPLE = 2**40
_NOTHING, _SKIP, _TEXT = 0, 59, 63
_SAYS_MORE = (60, 61, 62)  # number, subtype and channel of the annotation before them
_MOST_CODE = 49
_RATE = re.compile(r"## time resolution: ([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*")
_NOTE = '"'
# code → mnemonic
_MNEMONICS = dict(enumerate("NLRaVFJASEj/Q~", start=1)) | {16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: _NOTE}
_MNEMONICS |= dict(enumerate("=pB^t+u?![]en@xf()r", start=23))
_SYMBOLS = [_MNEMONICS.get(code, f"[{code}]") for code in range(_MOST_CODE + 1)]


@dataclass(frozen=True)
class Annotations:
    """What is annotated, in the order of time.

    Attributes:
        samples: of each annotation, from 0; (annotations,) int64.
        symbols: its mnemonic, as ``N``, ``V``, ``+`` or ``~``; ``[15]`` of a code that has none.
        texts: what is written to it, as ``(AFIB`` to ``+``; empty of most.
        sampling_rate: Hz that samples are counted at, where the file says it.
    """

    samples: np.ndarray
    symbols: tuple[str, ...]
    texts: tuple[str, ...]
    sampling_rate: float | None = None


class _Run(NamedTuple):
    """Annotations that lie one behind the other, most of a file: where they begin, their codes and their steps."""

    place: int
    codes: list[int]
    steps: list[int]


class _Word(NamedTuple):
    """Any other word: place, code, value (of a skip that of the four bytes behind) and text."""

    place: int
    code: int
    value: int
    text: str


def read_annotations(file: str) -> Annotations:
    """Reads an annotation file, its whole name given.

    Raises:
        RecordError: it is missing, cut, goes back in time, or is no annotation file.
    """
    samples: list[int] = []
    symbols: list[str] = []
    texts: list[str] = []
    time = 0
    for found in _words(file, content(file, MOST_BYTES)):
        if isinstance(found, _Run):
            times = list(accumulate(found.steps, initial=time))[1:]
            # steps go forward: what is before them may have gone back
            if (samples and times[0] < samples[-1]) or times[0] < 0 or times[-1] > LAST_SAMPLE:
                raise RecordError(_wrong_time(file, times, found.place))
            time = times[-1]
            samples += times
            symbols += [_SYMBOLS[code] for code in found.codes]
            texts += [""] * len(times)
        elif found.code in (_NOTHING, _SKIP):
            time += found.value
        else:
            if not samples:
                raise RecordError(f"{file} says more of an annotation before the first one: it is no annotation file")
            if found.code == _TEXT:
                texts[-1] = found.text
    return _without_definitions(samples, symbols, texts)


def _wrong_time(file: str, times: list[int], place: int) -> str:
    beyond = next((time for time in times if time > LAST_SAMPLE), None)
    if beyond is not None:
        return f"{file} has an annotation at sample {beyond}, which no recording has"
    return f"{file} goes back in time, to sample {times[0]} at byte {place}"


def _words(file: str, data: bytes) -> Iterator[_Run | _Word]:
    """The words of a file up to the one that ends it."""
    words = np.frombuffer(data, "<u2", len(data) // 2)  # a text of even length leaves them where they are
    codes, values = words >> 10, words & 1023
    others = [*np.flatnonzero((codes == 0) | (codes > _MOST_CODE)).tolist(), len(words)]
    codes, values = codes.tolist(), values.tolist()
    place = n_others = 0
    while place + 2 <= len(data):
        begin, number = place, place >> 1
        while others[n_others] < number:  # within a text
            n_others += 1
        if number < others[n_others]:
            place = 2 * others[n_others]
            yield _Run(begin, codes[number : place >> 1], values[number : place >> 1])
            continue
        code, value, text = codes[number], values[number], ""
        place += 2
        if not code and not value:
            if data[place:].strip(b"\0"):
                raise RecordError(f"{file} goes on behind its end, which is at byte {begin}: it is no annotation file")
            return
        if code == _SKIP:  # the upper half first, each half with its lower byte first
            behind, place = data[place : place + 4], place + 4
            value = (int.from_bytes(behind[:2], "little", signed=True) << 16) + int.from_bytes(behind[2:], "little")
        elif code == _TEXT:
            text, place = data[place : place + value].rstrip(b"\0").decode("latin-1"), place + value + value % 2
        elif not _known(code, value):
            raise RecordError(f"{file} has the code {code} at byte {begin}, which no annotation has")
        if place > len(data):
            break
        yield _Word(begin, code, value, text)
    raise RecordError(f"{file} ends at byte {len(data)} without its end: it is cut, or no annotation file")


def _known(code: int, value: int) -> bool:
    # wfdb ends what it says of the file itself by a step back of one sample and one forward that annotates nothing
    return code in _SAYS_MORE or (code, value) == (_NOTHING, 1)


def _without_definitions(samples: list[int], symbols: list[str], texts: list[str]) -> Annotations:
    """What remains without the notes at sample 0 that are of the file itself: its rate, its own codes."""
    rate = None
    at_zero = next((number for number, sample in enumerate(samples) if sample), len(samples))
    definitions = [n for n in range(at_zero) if symbols[n] == _NOTE and texts[n].startswith("## ")]
    for number in definitions:
        found = _RATE.fullmatch(texts[number])
        rate = float(found[1]) if found else rate
    for number in reversed(definitions):
        del samples[number], symbols[number], texts[number]
    return Annotations(np.array(samples, np.int64), tuple(symbols), tuple(texts), rate)
