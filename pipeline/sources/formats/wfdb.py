"""One recording in WFDB files, checked as it is read.

The header is read here, and format 16 (nearly all of PhysioNet's ECG sets, those in .mat files too), more than 50 times
as fast as by wfdb (`python -m benchmarks.reading`), and format 212; wfdb decodes the other formats. Headers that are
written as nearly all are take a short way, see :mod:`wfdb_usual`.

Reference: https://wfdb.io/spec/header-files.html
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from pipeline.sources.formats.recording import RecordError, Recording, content
from pipeline.sources.formats.wfdb_headers import MOST_HEADER_BYTES, Header, lines_of, parse_header
from pipeline.sources.formats.wfdb_segments import read_segments
from pipeline.sources.formats.wfdb_signals import read_signals
from pipeline.sources.formats.wfdb_usual import none_of, usual_header

__all__ = ["RecordError", "Recording", "read_recording"]


def read_recording(path: str | Path, zero_is_no_checksum: bool = False, files_of: Collection[str] = ()) -> Recording:
    """Reads the recording whose header is ``path`` plus ``.hea``, and verifies its checksums.

    Args:
        path: the header's, without its ending.
        zero_is_no_checksum: whether a checksum of 0 says that none was made, as in a set whose headers all say 0;
            any other is verified all the same.
        files_of: leads one of which a file must have to be read, with the other leads in it; of a recording without
            segments. All files are read where none is given.

    Raises:
        RecordError: a file is missing, short or long, its header malformed, a checksum fails, a sample is missing, a
            unit is foreign, or no file has a lead that is asked for.
    """
    return _read(str(path), zero_is_no_checksum, files_of, is_segment=False)


def _read(path: str, zero_is_none: bool, files_of: Collection[str], is_segment: bool) -> Recording:
    header = f"{path}.hea"
    data = content(header, MOST_HEADER_BYTES)
    usual = usual_header(header, data)
    if usual:
        return usual.read(zero_is_none, files_of)
    found = parse_header(header, lines_of(data))
    if files_of:
        files = {signal.file for signal in found.signals if signal.lead in files_of}
        if not files:
            raise RecordError(none_of(header, files_of))
        found = replace(found, signals=tuple(signal for signal in found.signals if signal.file in files))
    if not found.segments:
        return read_signals(path, _without_zeros(found) if zero_is_none else found)
    if is_segment:
        raise RecordError(f"{header} is a segment that has segments itself, which a segment cannot have")
    return read_segments(path, found, lambda segment: _read(segment, zero_is_none, (), is_segment=True))


def _without_zeros(header: Header) -> Header:
    """The header with no checksum where it says 0."""
    return replace(header, signals=tuple(replace(one, checksum=one.checksum or None) for one in header.signals))
