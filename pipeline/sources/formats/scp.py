"""SCP-ECG, as electrocardiographs exchange resting recordings (EN 1064): the rhythm of section 6.

Read are samples that are written out or in Huffman codes, whole or as first or second differences, and those from
which a reference beat was taken away. Not read is bimodal compression, which keeps every fourth sample between beats.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.signals.limb_leads import all_twelve
from pipeline.sources.formats.arrays import Own, check_size, opened_array
from pipeline.sources.formats.opened import OpenedFile, Said, with_computed
from pipeline.sources.formats.recording import RecordError, content, shown
from pipeline.sources.formats.scp_beats import with_beats
from pipeline.sources.formats.scp_codes import Table, decoded, tables_of, undifferenced
from pipeline.sources.formats.scp_leads import Leads, leads_of
from pipeline.sources.formats.scp_sections import REMEDY, Sections, is_marked

_HUFFMAN, _LEADS, _BEATS, _BEAT, _RHYTHM, _LONG = 2, 3, 4, 5, 6, 12
_HEAD = struct.Struct("<HHBB")
_WITHOUT_BIMODAL = 30  # the version of the standard, times ten, in which the byte says nothing any more


@dataclass(frozen=True)
class Samples:
    """The head of section 5 or 6 and the bytes of each lead.

    Attributes:
        nanovolts: what a count is worth.
        interval: between samples, µs.
        order: of differences, 0 to 2.
        flag: in section 6 whether it is bimodal.
        of_leads: the bytes of each.
    """

    nanovolts: int
    interval: int
    order: int
    flag: int
    of_leads: tuple[bytes, ...]


def is_scp(path: str) -> bool:
    """Whether a file is of this format, by its first bytes."""
    return is_marked(content(path, first=64))


def open_scp(path: str, said: Said) -> OpenedFile:
    """The rhythm, with the limb leads that I and II give where the file has not kept them.

    Raises:
        RecordError: it is damaged, fails a checksum, or is compressed in a way that is not read.
    """
    sections = Sections(path, content(path))
    if _RHYTHM not in sections and _LONG in sections:
        raise RecordError(f"{path} holds a long recording (section 12), of which SCP-ECG is not read")
    leads = leads_of(path, sections.body(_LEADS, "leads"))
    rhythm = _samples_of(path, sections.body(_RHYTHM, "rhythm"), _RHYTHM, len(leads.names))
    if rhythm.flag and sections.protocol(_RHYTHM) < _WITHOUT_BIMODAL:
        raise RecordError(f"{path} has bimodal compression, which is not read: export it without")
    if len(set(leads.names)) != len(leads.names):
        raise RecordError(f"{path} names a lead twice: {shown(', '.join(leads.names))}")
    check_size(path, (len(leads.names), leads.n_samples))
    _, names = all_twelve(np.empty((len(leads.names), 0)), leads.names)

    def whole() -> np.ndarray:
        return all_twelve(_millivolts(path, sections, leads, rhythm), leads.names)[0]

    own = Own(("mV",), _rate(rhythm.interval), names)
    opened = opened_array(path, (len(names), leads.n_samples), own, said, whole, time_first=False)
    return with_computed(opened, leads.names)


def _samples_of(file: str, body: bytes, number: int, n_leads: int) -> Samples:
    """Head and bytes of section 5 or 6."""
    at = _HEAD.size + 2 * n_leads
    if len(body) < at:
        raise RecordError(f"{file} has section {number} that is cut off: {REMEDY}")
    nanovolts, interval, order, flag = _HEAD.unpack_from(body)
    sizes = struct.unpack_from(f"<{n_leads}H", body, _HEAD.size)
    if not nanovolts or not interval:
        what = "a sample interval" if nanovolts else "an amplitude of a count"
        raise RecordError(f"{file} has {what} of 0 in section {number}: {REMEDY}")
    if order > 2:
        raise RecordError(f"{file} has differences of order {order} in section {number}, and those of 0 to 2 are read")
    if at + sum(sizes) > len(body):
        raise RecordError(
            f"{file} announces {sum(sizes)} bytes of leads in section {number} and has {len(body) - at}: {REMEDY}"
        )
    ends = np.cumsum([at, *sizes]).tolist()
    return Samples(nanovolts, interval, order, flag, tuple(body[a:b] for a, b in pairwise(ends)))


def _rate(interval: int) -> float:
    """Hz of an interval in whole µs: of what it may be the rounding of, the whole rate where there is one.

    >>> _rate(2000), _rate(1667), round(_rate(3000), 3)
    (500.0, 600.0, 333.333)
    """
    nearest = round(1e6 / interval)
    return float(nearest) if round(1e6 / nearest) == interval else 1e6 / interval


def _millivolts(file: str, sections: Sections, leads: Leads, rhythm: Samples) -> np.ndarray:
    """Shape: (leads, time), as section 3 has the leads."""
    tables = tables_of(file, sections.body(_HUFFMAN, "codes")) if _HUFFMAN in sections else []
    signal = _counts(file, leads.names, rhythm, leads.n_samples, tables) * (rhythm.nanovolts * 1e-6)
    if not leads.lack_beats:
        return signal
    places = sections.body(_BEATS, "places of the beats that were taken away")
    beat = _samples_of(file, sections.body(_BEAT, "reference beat"), _BEAT, len(leads.names))
    if beat.interval != rhythm.interval:
        raise RecordError(f"{file} has a reference beat at another rate than the rhythm, which is not read")
    return with_beats(
        file,
        signal,
        leads.first,
        places,
        lambda ms: _counts(file, leads.names, beat, round(1000 * ms / beat.interval), tables) * (beat.nanovolts * 1e-6),
    )


def _counts(file: str, names: tuple[str, ...], samples: Samples, n_samples: int, tables: list[Table]) -> np.ndarray:
    """Shape: (leads, n_samples)."""
    rows = []
    for name, data in zip(names, samples.of_leads, strict=True):
        if tables:
            values = decoded(file, f"lead {name}", data, n_samples, tables)
        else:
            values = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int64)
            if len(values) < n_samples:
                raise RecordError(f"{file} has {len(values)} of {n_samples} samples of lead {name}: {REMEDY}")
        rows.append(undifferenced(values[:n_samples], samples.order))
    return np.stack(rows)
