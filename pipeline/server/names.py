"""What an uploaded file is called on the disk: one plain name in the folder of its request, whatever is sent."""

import os
import re

from pipeline.commands.escaping import file_name, one_line

_PLAIN = re.compile(r"\w[\w .+()-]*", re.ASCII)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_MOST_BYTES = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
"""Names of devices on Windows, with any ending."""


def plain_name(uploaded: str) -> str:
    """The name under which an uploaded file is written; a usual one is kept, since a header names its signal files.

    >>> plain_name("00001_lr.hea"), plain_name("../../etc/passwd"), plain_name("nul.dat"), plain_name("a?.edf")
    ('00001_lr.hea', 'passwd', '_nul.dat', 'a.edf')
    """
    last = re.split(r"[/\\]", uploaded)[-1]
    stem, ending = os.path.splitext(last)
    if not (_PLAIN.fullmatch(last) and len(last) <= _MOST_BYTES and last[-1] not in ". "):
        stem, ending = file_name(stem), ending if _ENDING.fullmatch(ending) else ""
        while len(stem.encode()) > _MOST_BYTES:
            stem = stem[:-1]
    return f"{'_' if stem.partition('.')[0].rstrip().lower() in _RESERVED else ''}{stem}{ending}"


def shown_name(uploaded: str, most: int = 100) -> str:
    """What an uploaded file is called before its sender: no folders, no control characters, no more than fits."""
    last = one_line(re.split(r"[/\\]", uploaded)[-1])
    return last if len(last) <= most else f"{last[:most]}…"
