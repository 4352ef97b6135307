"""A WFDB header, every field of it checked: what is malformed is named by the field's own name.

wfdb takes of each field what it can and leaves the rest to the next one, so that ``204,8/mV`` is a gain of 204 and a
lead called ``,8/mV …``; no field is guessed here.

Reference: https://wfdb.io/spec/header-files.html
"""

import codecs
import math
import re
from dataclasses import dataclass

from pipeline.signals.leads import canonical_lead
from pipeline.sources.formats.recording import RecordError, content, shown

MOST_HEADER_BYTES = 2**20
MOST_LEADS = 1000
MOST_SEGMENTS = 1000
NO_SIGNAL = "0"
"""The format of a lead that has no samples, in a layout header."""
FORMATS = ("8", "16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524")
_USUAL_GAIN, _USUAL_RATE = 200.0, 250.0  # what the specification takes where nothing, or a gain of 0, is said
_NUMBER = r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,4})?"
_NAME = re.compile(r"(?P<name>[^/]+)(/(?P<n_segments>[0-9]{1,9}))?")
_RATE = re.compile(rf"(?P<rate>{_NUMBER})(/[^()]*)?(\(.*\))?")
_FORMAT = re.compile(r"(?P<format>[0-9]{1,4})(?P<rest>([x:+][0-9]{1,12})*)")
_GAIN = re.compile(rf"(?P<gain>{_NUMBER})(\((?P<baseline>[+-]?[0-9]{{1,10}})\))?(/(?P<unit>\S*))?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_FIELDS = ("ADC resolution", "ADC zero", "initial value", "checksum", "block size")


@dataclass(frozen=True)
class Signal:
    """One signal line.

    Attributes:
        file: its name, one plain component of a path.
        format: how samples are stored.
        samples_per_frame: how many samples it has where the sampling rate counts one.
        skew: how many frames late it is stored.
        offset: bytes (of FLAC: samples) before the first one.
        gain: counts to the unit.
        baseline: the count that stands for 0.
        unit: as written.
        initial: what the differences of format 8 begin with.
        checksum: None where nothing is said.
        lead: canonical name; its number where it has none.
    """

    file: str
    format: str
    samples_per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    initial: int
    checksum: int | None
    lead: str


@dataclass(frozen=True)
class Header:
    """A header: its ``signals``, or the ``segments`` (name, number of samples) whose headers have them.

    Attributes:
        n_leads: as the record line says.
        sampling_rate: in Hz.
        n_samples: of each lead; None where nothing is said, or 0, which means the same.
    """

    n_leads: int
    sampling_rate: float
    n_samples: int | None
    signals: tuple[Signal, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()


def header_lines(header: str) -> list[str]:
    """The lines of a header file that are neither empty nor comments."""
    return lines_of(content(header, MOST_HEADER_BYTES))


def lines_of(data: bytes) -> list[str]:
    """The same of a header's bytes."""
    return [line for line in map(str.strip, decoded(data).splitlines()) if line and line[0] != "#"]


def decoded(data: bytes) -> str:
    """The text of a header's bytes."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()  # the codec for both is written in Python
    except UnicodeDecodeError:
        return data.decode("latin-1")  # of old files: µV


def parse_header(header: str, lines: list[str]) -> Header:
    """Reads what :func:`header_lines` gives; ``header`` is what sentences name.

    Raises:
        RecordError: a field is missing or malformed.
    """
    if not lines:
        raise RecordError(f"{header} is empty")
    name, n_leads, *rest = [*lines[0].split(), ""][: max(2, len(lines[0].split()))]
    named = _NAME.fullmatch(name)
    if not named or not re.fullmatch("[0-9]{1,12}", n_leads):
        raise RecordError(
            f"{header} begins with {shown(lines[0])}, which is no record line "
            "(name, number of signals, sampling frequency, number of samples)"
        )
    if not 0 < int(n_leads) <= MOST_LEADS:
        raise RecordError(f"{header} announces {n_leads} signals, and can have 1 to {MOST_LEADS}")
    found = Header(int(n_leads), _sampling_rate(header, rest), _n_samples(header, rest))
    if named["n_segments"] is not None:
        return _with_segments(header, found, int(named["n_segments"]), lines[1:])
    if len(lines) - 1 != found.n_leads:
        raise RecordError(f"{header} announces {found.n_leads} signals and describes {len(lines) - 1}")
    signals = tuple(_signal(f"{header} gives lead {number}", number, line) for number, line in enumerate(lines[1:], 1))
    return Header(found.n_leads, found.sampling_rate, found.n_samples, signals)


def _sampling_rate(header: str, rest: list[str]) -> float:
    if not rest:
        return _USUAL_RATE
    match = _RATE.fullmatch(rest[0])
    rate = float(match["rate"]) if match else 0.0
    if not 1e-3 <= rate <= 1e9:
        raise RecordError(f"{header} gives {shown(rest[0])} as sampling frequency, which is none")
    return rate


def _n_samples(header: str, rest: list[str]) -> int | None:
    if len(rest) < 2:
        return None
    if not re.fullmatch(r"\+?[0-9]{1,18}", rest[1]):
        raise RecordError(f"{header} gives {shown(rest[1])} as number of samples, which is none")
    return int(rest[1]) or None


def _with_segments(header: str, found: Header, n_segments: int, lines: list[str]) -> Header:
    if not 0 < n_segments <= MOST_SEGMENTS:
        raise RecordError(f"{header} announces {n_segments} segments, and can have 1 to {MOST_SEGMENTS}")
    if len(lines) != n_segments:
        raise RecordError(f"{header} announces {n_segments} segments and names {len(lines)}")
    segments = []
    for line in lines:
        name, *rest = line.split()
        if len(rest) != 1 or not re.fullmatch("[0-9]{1,18}", rest[0]):
            raise RecordError(f"{header} has the line {shown(line)}, which is no segment (name, number of samples)")
        segments.append((plain_name(f"{header} names the segment", name), int(rest[0])))
    return Header(found.n_leads, found.sampling_rate, found.n_samples, segments=tuple(segments))


def plain_name(says: str, name: str) -> str:
    """The name of a file beside the header; ``says`` begins the sentence where it is none."""
    if name in (".", "..", "-") or "/" in name or "\\" in name or re.match("[A-Za-z]:", name):
        raise RecordError(f"{says} {shown(name)}, which is no name of a file beside it")
    return name


def _signal(says: str, number: int, line: str) -> Signal:
    file, *rest = line.split()
    file = plain_name(f"{says} the file", file)
    if not rest:
        raise RecordError(f"{says} a file and no format: {shown(line)}")
    kind = _FORMAT.fullmatch(rest[0])
    if not kind:
        raise RecordError(f"{says} the format {shown(rest[0])}, which is malformed (as in 16, 16x2, 16:3, 16+24)")
    if kind["format"] not in (*FORMATS, NO_SIGNAL):
        raise RecordError(f"{says} the format {kind['format']}, which is none of {', '.join(FORMATS)}")
    extra = {"x": 1, ":": 0, "+": 0} | {part[0]: int(part[1:]) for part in re.findall("[x:+][0-9]+", kind["rest"])}
    if not 0 < extra["x"] <= 10_000:
        raise RecordError(f"{says} {extra['x']} samples a frame, and a frame can have 1 to 10000")
    gain, baseline, unit = _gain(says, rest[1:])
    numbers, name = _numbers(says, rest[2:], line)
    return Signal(
        file,
        kind["format"],
        extra["x"],
        extra[":"],
        extra["+"],
        gain,
        baseline if baseline is not None else numbers.get("ADC zero", 0),
        unit,
        numbers.get("initial value", 0),
        numbers.get("checksum"),
        canonical_lead(name or str(number)),
    )


def _gain(says: str, words: list[str]) -> tuple[float, int | None, str]:
    """Gain, baseline and unit of the field that begins ``words``."""
    if not words:
        return _USUAL_GAIN, None, "mV"
    if len(words) > 1 and words[1].startswith(("(", "/")):
        raise RecordError(f"{says} the gain {shown(' '.join(words[:2]))}, which has a blank in it (as in 200(0)/mV)")
    match = _GAIN.fullmatch(words[0])
    if not match:
        raise RecordError(f"{says} the gain {shown(words[0])}, which is malformed (as in 200(0)/mV)")
    gain = float(match["gain"]) or _USUAL_GAIN
    if not is_gain(gain):
        raise RecordError(f"{says} the gain {shown(match['gain'])}, which no recording can have")
    return gain, None if match["baseline"] is None else int(match["baseline"]), match["unit"] or "mV"


def is_gain(gain: float) -> bool:
    """Whether counts can be divided by it, in any unit, and give a voltage."""
    return math.isfinite(gain) and 1e-9 <= abs(gain) <= 1e15


def _numbers(says: str, words: list[str], line: str) -> tuple[dict[str, int], str]:
    """The whole numbers behind the gain, by name, and the description behind them."""
    numbers: dict[str, int] = {}
    for name, word in zip(_FIELDS, words, strict=False):
        if not _INTEGER.fullmatch(word):
            description = words[len(numbers) :]
            # wfdb's own reader takes a name in place of the numbers, and files are written so
            if description[0][0].isalpha() and not any(map(_INTEGER.fullmatch, description)):
                return numbers, " ".join(description)
            raise RecordError(f"{says} the {name} {shown(word)}, which is no whole number")
        numbers[name] = int(word)
    n_before = 3 + len(_FIELDS)  # the file, the format and the gain come first; blanks in a description are kept
    return numbers, "".join(line.split(None, n_before)[n_before:])
