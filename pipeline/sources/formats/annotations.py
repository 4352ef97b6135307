"""Annotations of a WFDB recording (``.atr``): what happens at which sample, in PhysioNet's own binary format.

Of a whole file it gives what wfdb's ``rdann`` gives, which takes one that is cut, or is none, for a shorter one; here
every byte is accounted for.

Reference: https://wfdb.io/spec/annotation-files.html (MIT format)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

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


def read_annotations(file: str) -> Annotations:
    """Reads an annotation file, its whole name given.

    Raises:
        RecordError: it is missing, cut, goes back in time, or is no annotation file.
    """
    samples: list[int] = []
    symbols: list[str] = []
    texts: list[str] = []
    time = last = 0
    mnemonic = _MNEMONICS.get
    for place, code, value, text in _words(file, content(file, MOST_BYTES)):
        if 0 < code <= _MOST_CODE:
            time += value
            if not last <= time <= LAST_SAMPLE:
                raise RecordError(_wrong_time(file, time, place))
            last = time
            samples.append(time)
            symbols.append(mnemonic(code) or f"[{code}]")
            texts.append("")
        elif code in (_NOTHING, _SKIP):
            time += value
        elif code == _TEXT or code in _SAYS_MORE:
            if not samples:
                raise RecordError(f"{file} says more of an annotation before the first one: it is no annotation file")
            if code == _TEXT:
                texts[-1] = text
    return _without_definitions(samples, symbols, texts)


def _wrong_time(file: str, time: int, place: int) -> str:
    if time > LAST_SAMPLE:
        return f"{file} has an annotation at sample {time}, which no recording has"
    return f"{file} goes back in time, to sample {time} at byte {place}"


def _words(file: str, data: bytes) -> Iterator[tuple[int, int, int, str]]:
    """Place, code, value and text of each word, to the end's; the value of a skip is that of the four bytes behind."""
    place = 0
    words = np.frombuffer(data, "<u2", len(data) // 2).tolist()  # a text of even length leaves them where they are
    while place + 2 <= len(data):
        begin, word = place, words[place >> 1]
        code, value, text = word >> 10, word & 1023, ""
        if 0 < code <= _MOST_CODE:
            place += 2
            yield begin, code, value, ""
            continue
        place += 2
        if not word:
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
        yield begin, code, value, text
    raise RecordError(f"{file} ends at byte {len(data)} without its end: it is cut, or no annotation file")


def _known(code: int, value: int) -> bool:
    # wfdb ends what it says of the file itself by a step back of one sample and one forward that annotates nothing
    return 0 < code <= _MOST_CODE or code in _SAYS_MORE or (code, value) == (_NOTHING, 1)


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
