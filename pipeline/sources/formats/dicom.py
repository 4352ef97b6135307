"""DICOM waveforms, as carts and archives of hospitals write them: decoded by pydicom, checked and scaled here.

A count is ``sensitivity · correction · count + baseline`` in the channel's unit, as pydicom's ``multiplex_array`` has
it, whose samples are little-endian in every file; here they are as the file's transfer syntax has them.

Reference: DICOM PS3.3 C.10.9 (Waveform Module), PS3.5 annex A (transfer syntaxes).
"""

import io
import math
import threading
import warnings
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.arrays import LEAST_RATE, MOST_LEADS, MOST_RATE, check_size
from pipeline.sources.formats.dicom_groups import Channel, Group, choose_groups
from pipeline.sources.formats.dicom_leads import lead_of_code, lead_of_meaning
from pipeline.sources.formats.extras import require
from pipeline.sources.formats.opened import NotSaidError, OpenedFile, Said, with_leads
from pipeline.sources.formats.recording import (
    MOST_BYTES,
    RecordError,
    Recording,
    checked_recording,
    content,
    is_unit,
    shown,
)

_PREAMBLE = 128
_MAGIC = b"DICM"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_FIRST = frozenset([b"UL", b"UI", b"OB", b"CS", b"DA", b"TM", b"LO", b"SH", b"SQ"])  # kinds of a first element
_LONGEST_FIRST = 128  # bytes of it
_MOST_GROUPS = 100
_READ = ["SpecificCharacterSet", "SOPClassUID", "WaveformSequence"]  # neither who it is of nor annotations
_KINDS = {(8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "i2", (16, "US"): "u2"} | {
    (32, "SL"): "i4",
    (32, "UL"): "u4",
    (64, "SV"): "i8",
    (64, "UV"): "u8",
}
"""Bits of a sample and its interpretation → the type of numpy."""
_MEANINGS = {"microvolt": "uV", "millivolt": "mV", "volt": "V", "nanovolt": "nV"}
_LOCK = threading.Lock()  # what is warned of belongs to the process, not to a thread
Value = TypeVar("Value")


def is_dicom(path: str) -> bool:
    """Whether a file begins as DICOM does, with its preamble or without one."""
    try:
        begin = content(path, most=2**62, first=_PREAMBLE + len(_MAGIC))
    except RecordError:
        return False
    if begin[_PREAMBLE:] == _MAGIC:
        return True
    # without a preamble: an element of group 2 or 8, which say what a file is, and its kind or its short length
    is_short = len(begin) > 8 and int.from_bytes(begin[4:8], "little") <= _LONGEST_FIRST
    return begin[:2] in (b"\x02\0", b"\x08\0") and begin[3:4] == b"\0" and (begin[4:6] in _FIRST or is_short)


def open_dicom(path: str, said: Said) -> OpenedFile:
    """The rhythm of a file's multiplex groups, or the group that ``said.array`` names; see :func:`choose_groups`.

    Raises:
        RecordError: it is damaged, holds no waveform, or it is not clear which one is meant.
    """
    dataset = _dataset(path)
    groups = choose_groups(path, _quietly(path, lambda: _groups(path, dataset)), said)
    channels = [channel for group in groups for channel in group.channels]
    units = [channel.unit or said.unit for channel in channels]
    if None in units:
        raise NotSaidError(
            f"{path} does not say the unit of its samples: give --unit mV or uV, with what is true of it"
        )
    leads, rate = tuple(channel.lead for channel in channels), groups[0].sampling_rate

    def whole() -> Recording:
        signal = np.concatenate([_scaled(group) for group in groups])
        return checked_recording(path, signal, None, [str(unit) for unit in units], rate, leads)

    asked = {"array"} | ({"unit"} if any(channel.unit is None for channel in channels) else set())
    opened = OpenedFile(path, groups[0].n_samples, rate, leads, whole, asked=frozenset(asked))
    return with_leads(opened, said.leads)


def _scaled(group: Group) -> np.ndarray:
    """A group's samples (channels, samples) in its channels' units."""
    signal = group.counts.copy()
    for values, channel in zip(signal, group.channels, strict=True):
        for factor in channel.scale:  # one behind the other, as pydicom does
            values *= factor
        values += channel.baseline
    return signal


def _dataset(path: str) -> Any:
    """What pydicom makes of the bytes."""
    data = content(path)
    if len(data) < 8:
        raise RecordError(f"{path} is no DICOM file, or is cut off")
    pydicom = require("pydicom", path)
    _check_deflated(path, data)
    found = _quietly(path, lambda: pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=_READ))
    if not any(name in found for name in ("SOPClassUID", "WaveformSequence")):
        raise RecordError(f"{path} is no DICOM file, or is cut off before it says what it is: export or copy it again")
    return found


def _check_deflated(path: str, data: bytes) -> None:
    """Refuses what unpacks to more than a file may have: pydicom unpacks it whole."""
    if data[_PREAMBLE : _PREAMBLE + 4] != _MAGIC or _DEFLATED not in data[:4096]:
        return
    start = _PREAMBLE + 16 + int.from_bytes(data[_PREAMBLE + 12 : _PREAMBLE + 16], "little")  # behind group 2
    unpack, spent, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, data[start:]
    try:
        while rest and not unpack.eof and spent <= MOST_BYTES:
            spent += len(unpack.decompress(rest, 2**20))
            rest = unpack.unconsumed_tail
    except zlib.error:
        raise RecordError(f"{path} is damaged (its data cannot be unpacked): export or copy it again") from None
    if spent > MOST_BYTES:
        raise RecordError(f"{path} unpacks to more than {MOST_BYTES} bytes, which are not read")


def _quietly(path: str, read: Callable[[], Value]) -> Value:
    """What pydicom reads; what it warns of is not told, and what it raises is a RecordError."""
    try:
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except RecordError:
        raise
    except Exception:  # pydicom raises whatever its decoding meets
        raise RecordError(f"{path} is damaged, or is no DICOM file: export or copy it again") from None


def _groups(path: str, dataset: Any) -> list[Group]:
    sequence = dataset.get("WaveformSequence") or ()
    if not len(sequence):
        kind = str(getattr(dataset.get("SOPClassUID"), "name", "") or "")
        named = f" ({shown(kind)})" if kind else ""
        raise RecordError(f"{path} is DICOM without a waveform{named}: export the ECG as a DICOM waveform")
    if len(sequence) > _MOST_GROUPS:
        raise RecordError(f"{path} holds {len(sequence)} multiplex groups, and can have {_MOST_GROUPS}")
    is_little = dataset.original_encoding[1] is not False
    groups = [_group(f"{path} (group {number})", number, item, is_little) for number, item in enumerate(sequence, 1)]
    found = [group for group in groups if group is not None]
    if not found:
        raise RecordError(f"{path} has no channel in mV, uV, nV or V: it is no ECG")
    return found


def _group(says: str, number: int, item: Any, is_little: bool) -> Group | None:
    """A group whose channels are of a voltage or of no unit; None where it has none of those."""
    n_channels, n_samples = (_whole(says, item, f"NumberOfWaveform{what}") for what in ("Channels", "Samples"))
    if not 0 < n_channels <= MOST_LEADS:
        raise RecordError(f"{says} announces {n_channels} channels, and can have 1 to {MOST_LEADS}")
    definitions = item.get("ChannelDefinitionSequence") or ()
    if len(definitions) != n_channels:
        raise RecordError(f"{says} announces {n_channels} channels and describes {len(definitions)}")
    check_size(says, (n_channels, n_samples))
    rate = _number(says, item, "SamplingFrequency")
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise RecordError(f"{says} gives {rate:g} as sampling frequency, which is none")
    channels = [_channel(f"{says} channel {place}", place, each) for place, each in enumerate(definitions, 1)]
    taken = [place for place, each in enumerate(channels) if each.unit is None or is_unit(each.unit)]
    if not taken:
        return None
    counts = _counts(says, item, (n_samples, n_channels), is_little)[taken]
    padded = np.isnan(counts).all(axis=0)
    n_there = n_samples - int(padded[::-1].argmin()) if not padded.all() else 0  # what pads its end is none of it
    if not n_there:
        raise RecordError(f"{says} holds no samples but padding")
    return Group(
        number,
        str(item.get("MultiplexGroupLabel") or "").strip(),
        str(item.get("WaveformOriginality") or "ORIGINAL").strip().upper() == "ORIGINAL",
        _number(says, item, "MultiplexGroupTimeOffset", 0.0),
        rate,
        tuple(channels[place] for place in taken),
        counts[:, :n_there],
    )


def _counts(says: str, item: Any, shape: tuple[int, int], is_little: bool) -> np.ndarray:
    """The samples (channels, samples) float64, NaN where they are the padding value."""
    bits, kind = _whole(says, item, "WaveformBitsAllocated"), str(item.get("WaveformSampleInterpretation") or "")
    if (bits, kind) not in _KINDS:
        raise RecordError(f"{says} has samples of {bits} bits as {shown(kind) or 'nothing'}, which are not read")
    dtype = np.dtype(_KINDS[bits, kind]).newbyteorder("<" if is_little else ">")
    data = bytes(item.get("WaveformData") or b"")
    expected = math.prod(shape) * dtype.itemsize
    if not expected <= len(data) <= expected + 1:  # an odd one is filled up
        raise RecordError(
            f"{says} has {len(data)} bytes of samples where {shape[0]} of {shape[1]} channels take {expected}: it is "
            "cut off or damaged, export or copy it again"
        )
    if bits == 8 and not is_little and item["WaveformData"].VR == "OW":  # two samples are one big-endian word
        words = np.frombuffer(data[: len(data) // 2 * 2], ">u2")
        data = words.astype("<u2").tobytes()
    raw = np.frombuffer(data, dtype, math.prod(shape)).reshape(shape).transpose()
    counts = np.array(raw, np.float64, order="C")
    padding = bytes(item.get("WaveformPaddingValue") or b"")
    if len(padding) >= dtype.itemsize:
        counts[raw == np.frombuffer(padding, dtype, 1)[0]] = np.nan
    return counts


def _channel(says: str, place: int, item: Any) -> Channel:
    lead = _lead(says, place, item)
    if abs(_number(says, item, "ChannelSampleSkew", 0.0)) >= 1:
        raise RecordError(f"{says} ({shown(lead)}) is skewed by samples, which is not undone: export it without")
    unit, sensitivity = _unit(item), item.get("ChannelSensitivity")
    if unit is not None and is_unit(unit) and sensitivity is None:
        raise RecordError(f"{says} ({shown(lead)}) is in {shown(unit)} and has no sensitivity: export it again")
    scale = tuple(_number(says, item, f"ChannelSensitivity{what}", 1.0) for what in ("", "CorrectionFactor"))
    if not all(map(math.isfinite, scale)) or 0 in scale:
        raise RecordError(f"{says} ({shown(lead)}) has the sensitivity {scale[0]:g} times {scale[1]:g}")
    return Channel(lead, unit, (scale[0], scale[1]), _number(says, item, "ChannelBaseline", 0.0))


def _lead(says: str, place: int, item: Any) -> str:
    """By its code, by the code's meaning, by its label; its number where it has none of them."""
    source = (item.get("ChannelSourceSequence") or [{}])[0]
    meaning = str(source.get("CodeMeaning") or "").strip()
    code = str(source.get("CodeValue") or source.get("LongCodeValue") or "")
    by_code = lead_of_code(code, str(source.get("CodingSchemeDesignator") or ""))
    label = str(item.get("ChannelLabel") or "").strip()
    by_name = next((lead_of_meaning(text) for text in (meaning, label) if text), str(place))
    if by_code and by_name in LEADS and by_name != by_code:
        raise RecordError(
            f"{says} has the code of lead {by_code} and is called {shown(meaning or label)}: mend the file"
        )
    return by_code or by_name


def _unit(item: Any) -> str | None:
    """As its code has it, or the code's meaning."""
    source = (item.get("ChannelSensitivityUnitsSequence") or [{}])[0]
    code, meaning = (str(source.get(name) or "").strip() for name in ("CodeValue", "CodeMeaning"))
    if is_unit(code):
        return code
    words = meaning.lower().rstrip("s")
    return _MEANINGS.get(words) or (meaning if is_unit(meaning) else code or meaning or None)


def _number(says: str, item: Any, name: str, default: float | None = None) -> float:
    """A number that an element holds."""
    value = item.get(name)
    if value is None or value == "":
        if default is not None:
            return default
        raise RecordError(f"{says} does not say its {name}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise RecordError(f"{says} gives {shown(str(value))} as {name}, which is no number") from None


def _whole(says: str, item: Any, name: str) -> int:
    number = _number(says, item, name)
    return int(number) if math.isfinite(number) else -1
