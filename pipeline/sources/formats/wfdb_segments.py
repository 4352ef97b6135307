"""A WFDB record in segments, each a recording of its own, one behind the other.

Reference: https://wfdb.io/spec/header-files.html (multi-segment records)
"""

import os
from collections.abc import Callable

import numpy as np

from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, Recording, shown
from pipeline.sources.formats.wfdb_headers import Header, header_lines, parse_header

_GAP = "~"


def read_segments(path: str, header: Header, read: Callable[[str], Recording]) -> Recording:
    """Reads all segments of a header that has them.

    Args:
        path: the header's, without its ending.
        header: what it says.
        read: reads one segment.

    Raises:
        RecordError: there is a gap, a segment is missing, or is not what the header says of it.
    """
    segments, leads = header.segments, None
    if segments[0][1] == 0 and segments[0][0] != _GAP:  # a header without samples that says which leads there are
        layout = os.path.join(os.path.dirname(path), f"{segments[0][0]}.hea")
        found = parse_header(layout, header_lines(layout))
        leads, segments = tuple(signal.lead for signal in found.signals), segments[1:]
    segments = tuple((name, length) for name, length in segments if length)
    _check_lengths(path, header, segments)
    parts = [_read_one(path, header, name, length, read) for name, length in segments]
    leads = leads or parts[0].leads
    if len(leads) != header.n_leads or len(set(leads)) != len(leads):
        raise RecordError(f"{path}.hea announces {header.n_leads} signals, and its segments have {len(leads)}")
    signals = []
    for (name, _), part in zip(segments, parts, strict=True):
        absent = [lead for lead in leads if lead not in part.leads]
        if absent:
            raise RecordError(f"{path}.hea has no lead {shown(absent[0])} in its segment {name}")
        signals.append(part.signal[[part.leads.index(lead) for lead in leads]])
    return Recording(np.concatenate(signals, axis=1), header.sampling_rate, leads)


def _check_lengths(path: str, header: Header, segments: tuple[tuple[str, int], ...]) -> None:
    total = sum(length for _, length in segments)
    if not total:
        raise RecordError(f"{path}.hea has no segment with samples")
    gaps = [length for name, length in segments if name == _GAP]
    if gaps:
        raise RecordError(f"{path}.hea has a gap of {gaps[0]} samples between its segments")
    if header.n_samples not in (None, total):
        raise RecordError(f"{path}.hea announces {header.n_samples} samples, and its segments have {total}")
    if total * header.n_leads > MOST_SAMPLES:
        raise RecordError(f"{path}.hea has {total * header.n_leads} samples, and more than {MOST_SAMPLES} are not read")


def _read_one(path: str, header: Header, name: str, length: int, read: Callable[[str], Recording]) -> Recording:
    part = read(os.path.join(os.path.dirname(path), name))
    if part.signal.shape[1] != length:
        raise RecordError(
            f"{path}.hea says that its segment {name} has {length} samples, and it has {part.signal.shape[1]}"
        )
    if part.sampling_rate != header.sampling_rate:
        raise RecordError(
            f"{path}.hea is at {header.sampling_rate:g} Hz, and its segment {name} at {part.sampling_rate:g} Hz"
        )
    return part
