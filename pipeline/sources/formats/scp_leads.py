"""The numbers of leads in SCP-ECG, and what section 3 says of each lead of a file.

Reference: EN 1064, section 3 and its table of lead codes.
"""

import struct
from dataclasses import dataclass

from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.scp_sections import REMEDY

_FIRST = "I II V1 V2 V3 V4 V5 V6 V7 V2R V3R V4R V5R V6R V7R X Y Z CC5 CM5 LA RA LL fI fE fC fA fM fF fH"
_LATER = "III aVR aVL aVF -aVR V8 V9 V8R V9R D A J Defib ExtPace A1 A2 A3 A4"
NAMES = {
    **dict(enumerate(_FIRST.split(), 1)),
    **{
        30 + number: f"{name}-cal" for number, name in enumerate(_FIRST.split(), 1)
    },  # calibration, no recording of the lead
    **dict(enumerate(_LATER.split(), 61)),
}
"""Of each number, canonical where they are."""

_DEFINITION = struct.Struct("<IIB")


@dataclass(frozen=True)
class Leads:
    """What section 3 says.

    Attributes:
        names: canonical where they are.
        first: the first sample of each, counted from 1.
        n_samples: of each lead.
        lack_beats: whether a reference beat was taken away from the recording.
    """

    names: tuple[str, ...]
    first: int
    n_samples: int
    lack_beats: bool


def lead_name(code: int, place: int) -> str:
    """The lead of a number; one that the standard does not know, or leaves open, is a channel.

    >>> lead_name(3, 0), lead_name(64, 0), lead_name(31, 0), lead_name(0, 4), lead_name(200, 0)
    ('V1', 'aVF', 'I-cal', 'channel 5', 'code 200')
    """
    return NAMES.get(code) or (f"code {code}" if code else f"channel {place + 1}")


def leads_of(file: str, body: bytes) -> Leads:
    """The leads of section 3.

    Raises:
        RecordError: it is cut off, or its leads are not of one time.
    """
    if len(body) < 2 or not body[0] or len(body) < 2 + _DEFINITION.size * body[0]:
        n_there = max(len(body) - 2, 0) // _DEFINITION.size
        raise RecordError(f"{file} announces {body[0] if body else 0} leads in section 3 and has {n_there}: {REMEDY}")
    found = [_DEFINITION.unpack_from(body, 2 + _DEFINITION.size * place) for place in range(body[0])]
    times = {(first, last) for first, last, _ in found}
    if len(times) > 1:
        raise RecordError(f"{file} has leads that were not recorded at the same time, which are not read")
    first, last = times.pop()
    if not 1 <= first <= last:
        raise RecordError(f"{file} has leads from sample {first} to {last}, which is no time: {REMEDY}")
    names = tuple(lead_name(code, place) for place, (_, _, code) in enumerate(found))
    return Leads(names, first, last - first + 1, bool(body[1] & 1))
