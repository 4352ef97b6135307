"""What a WFDB header says of its recording: rate, length, and the comments behind the signal lines (age, diagnosis).

The samples are not looked at, so that the headers of 45,000 recordings are read in seconds.

Reference: https://wfdb.io/spec/header-files.html (comment lines)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.sources.formats.recording import content
from pipeline.sources.formats.wfdb_headers import MOST_HEADER_BYTES, decoded, parse_header

_RECORD_LINE = re.compile(
    r"[^\s/]+\s+([1-9][0-9]{0,2})\s+([1-9][0-9]{0,8}(?:\.[0-9]{0,9})?)\s+([1-9][0-9]{0,14})(?:\s|$)"
)


@dataclass(frozen=True)
class HeaderFacts:
    """What the header of a recording says.

    Attributes:
        n_leads: as its record line announces them.
        sampling_rate: Hz.
        n_samples: of each lead; None where nothing is said.
        comments: its comment lines, without the blanks around them, with their ``#``.
    """

    n_leads: int
    sampling_rate: float
    n_samples: int | None
    comments: tuple[str, ...]

    @cached_property
    def said(self) -> Mapping[str, Sequence[str]]:
        """What the comments say of each thing (``# Dx: 426783006``), by its name in small letters."""
        found: dict[str, list[str]] = {}
        for line in self.comments:
            name, colon, value = line[1:].partition(":")
            if colon:
                found.setdefault(name.strip().lower(), []).append(value.strip())
        return found


def read_facts(header: str) -> HeaderFacts:
    """Reads a header file.

    Raises:
        RecordError: it cannot be read, or its record line or one of its signal lines is malformed.
    """
    lines = [line for line in map(str.strip, decoded(content(header, MOST_HEADER_BYTES)).splitlines()) if line]
    comments = tuple(line for line in lines if line[0] == "#")
    record = _RECORD_LINE.match(lines[0]) if lines else None
    if record:
        return HeaderFacts(int(record[1]), float(record[2]), int(record[3]), comments)
    found = parse_header(header, [line for line in lines if line[0] != "#"])
    return HeaderFacts(found.n_leads, found.sampling_rate, found.n_samples, comments)
