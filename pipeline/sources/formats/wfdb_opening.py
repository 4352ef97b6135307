"""A WFDB recording opened by any of its files' names."""

import os

from pipeline.machine.places import is_file
from pipeline.sources.formats.opened import OpenedFile, Said, with_leads
from pipeline.sources.formats.recording import MOST_SAMPLES, RecordError, content
from pipeline.sources.formats.wfdb import read_recording
from pipeline.sources.formats.wfdb_headers import MOST_HEADER_BYTES, lines_of, parse_header
from pipeline.sources.formats.wfdb_usual import usual_header

_NO_SUMS = frozenset(["checksum"])
_ENDINGS = (".hea", ".dat", ".mat")


def open_wfdb(path: str, said: Said) -> OpenedFile:
    """Reads the header; it says all, so that ``said`` is asked for the leads alone.

    Raises:
        RecordError: the header is missing or malformed, or has not the leads that are wanted.
    """
    record = record_name(path)
    data = content(f"{record}.hea", MOST_HEADER_BYTES)
    usual = usual_header(f"{record}.hea", data)
    if usual:
        sums = usual.has_checksums
        opened = OpenedFile(
            path,
            usual.n_samples,
            usual.sampling_rate,
            usual.leads,
            lambda: usual.read(said.zero_is_no_checksum and not sums),
            asked=frozenset() if sums else _NO_SUMS,
            is_checked=True,
        )
        return with_leads(opened, said.leads)
    header = parse_header(f"{record}.hea", lines_of(data))
    if header.n_samples is None or header.segments:
        found = read_recording(record, said.zero_is_no_checksum)
        opened = OpenedFile(path, found.signal.shape[1], found.sampling_rate, found.leads, lambda: found)
        return with_leads(opened, said.leads)
    if header.n_samples * header.n_leads > MOST_SAMPLES:
        raise RecordError(f"{record}.hea announces more than the {MOST_SAMPLES} samples that are read")
    leads = tuple(signal.lead for signal in header.signals)
    has_sums = any(signal.checksum for signal in header.signals)
    zero_is_none = said.zero_is_no_checksum and not has_sums
    opened = OpenedFile(
        path,
        header.n_samples,
        header.sampling_rate,
        leads,
        lambda: read_recording(record, zero_is_none),
        asked=frozenset() if has_sums else _NO_SUMS,
        is_checked=True,
    )
    return with_leads(opened, said.leads)


def has_header(path: str) -> bool:
    """Whether a header lies beside a file."""
    return is_file(header_of(path))


def header_of(path: str) -> str:
    """Where the header of a file lies, if it has one."""
    return f"{record_name(path)}.hea"


def record_name(path: str) -> str:
    """The path as WFDB's programs call it, without its ending."""
    stem, ending = os.path.splitext(path)
    return stem if ending.lower() in _ENDINGS else path
