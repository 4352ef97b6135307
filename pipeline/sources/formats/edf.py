"""EDF, EDF+ and BDF, as Holters, polysomnographs and archives write them: decoded by edfio, checked here.

Channels that are no ECG are passed over, as annotations are, whatever their rate.

Reference: https://www.edfplus.info/specs/edfplus.html
"""

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.machine.files import file_error, is_of_the_machine
from pipeline.sources.formats.arrays import LEAST_RATE, MOST_RATE, check_size
from pipeline.sources.formats.edf_channels import EdfChannel, choose_channels
from pipeline.sources.formats.edf_heads import BDF, EDF, EdfHead, check_gaps, read_edf_head
from pipeline.sources.formats.extras import require
from pipeline.sources.formats.opened import NotSaidError, OpenedFile, Said
from pipeline.sources.formats.recording import (
    MOST_BYTES,
    RecordError,
    Recording,
    checked_recording,
    content,
    is_unit,
    shown,
)

_LOCK = threading.Lock()  # what is warned of belongs to the process, not to a thread


def is_edf(path: str) -> bool:
    """Whether a file begins as EDF or BDF does."""
    try:
        return content(path, most=2**62, first=8) in (EDF, BDF)
    except RecordError:
        return False


def open_edf(path: str, said: Said) -> OpenedFile:
    """The channels of an ECG; see :func:`choose_channels`. ``said.unit`` is of channels without a unit.

    Raises:
        RecordError: it is damaged, has gaps, no channel of an ECG, or does not say what it must.
    """
    edfio = require("edfio", path)
    head = read_edf_head(path)
    check_gaps(path, head)
    numbers = [number for number in range(len(head.labels)) if number not in head.annotations]
    signals = dict(zip(numbers, _signals(path, edfio, head), strict=True))
    channels = [
        EdfChannel(number, head.labels[number], signal.physical_dimension.strip(), head.rate(head.per_record[number]))
        for number, signal in signals.items()
        if head.per_record[number]
    ]
    if not channels:
        raise RecordError(f"{path} holds annotations and no signal")
    chosen, leads = choose_channels(path, channels, said)
    units = _units(path, chosen, said)
    rate, n_samples = chosen[0].sampling_rate, head.n_records * head.per_record[chosen[0].number]
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise RecordError(f"{path} is at {rate:g} Hz, which is no sampling rate")
    check_size(path, (len(chosen), n_samples))
    scales = [_scale(path, signals[channel.number]) for channel in chosen]

    def whole() -> Recording:
        signal = np.empty((len(chosen), n_samples))
        for values, channel, (gain, offset) in zip(signal, chosen, scales, strict=True):
            values[:] = signals[channel.number].digital
            values += offset
            values *= gain
        return checked_recording(path, signal, None, units, rate, leads)

    asked = frozenset(["unit"]) if any(not channel.unit for channel in chosen) else frozenset()
    return OpenedFile(path, n_samples, rate, leads, whole, asked=asked)


def _signals(path: str, edfio: Any, head: EdfHead) -> Any:
    """All channels but annotations, as edfio has them; the samples of EDF stay in the file until they are wanted."""
    try:
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file that nobody closed
            if head.is_bdf:
                return edfio.read_bdf(content(path, MOST_BYTES), header_encoding=head.encoding).signals
            return edfio.read_edf(Path(path), header_encoding=head.encoding).signals
    except RecordError:
        raise
    except OSError as problem:
        if is_of_the_machine(problem):
            raise file_error(problem, path, "read") from None
        raise RecordError(f"{path} cannot be read ({problem.strerror})") from None
    except Exception:  # edfio raises whatever its decoding meets
        raise RecordError(f"{path} cannot be decoded as EDF or BDF: export or copy it again") from None


def _units(path: str, channels: list[EdfChannel], said: Said) -> list[str]:
    """One a channel, each of a voltage."""
    foreign = next((channel for channel in channels if channel.unit and not is_unit(channel.unit)), None)
    if foreign:
        raise RecordError(
            f"{path} has its channel {shown(foreign.label)} in {shown(foreign.unit)}, not in mV, uV, nV or V"
        )
    if said.unit is None and any(not channel.unit for channel in channels):
        raise NotSaidError(f"{path} does not say its unit: give --unit mV or uV, with what is true of it")
    return [channel.unit or str(said.unit) for channel in channels]


def _scale(path: str, signal: Any) -> tuple[float, float]:
    """Gain and offset, so that a value is ``(count + offset) · gain``."""
    try:
        lowest, highest = signal.physical_range
        first, last = signal.digital_range
        gain = (highest - lowest) / (last - first)
        offset = highest / gain - last
    except (ValueError, ZeroDivisionError):
        gain, offset = np.nan, np.nan
    if not np.isfinite(gain * offset):
        raise RecordError(f"{path} gives no scale of its channel {shown(signal.label)}: export it again")
    return gain, offset
