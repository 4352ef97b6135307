"""Small EDF and BDF files of nobody, to be read and damaged; by hand, as edfio writes no gaps and no mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Channel:
    """A channel: ``counts`` (time,) of all data records together."""

    label: str
    counts: np.ndarray
    unit: str = "uV"
    physical: tuple[str, str] = ("-3276.8", "3276.7")
    digital: tuple[str, str] = ("-32768", "32767")


N_RECORDS, PER_RECORD = 4, 250


def counts_of(
    seed: int = 0, per_record: int = PER_RECORD, n_records: int = N_RECORDS, largest: int = 9000
) -> np.ndarray:
    return np.random.default_rng(seed).integers(-largest, largest, per_record * n_records)


def leads(*labels: str, **changes) -> list[Channel]:
    return [Channel(label, counts_of(number), **changes) for number, label in enumerate(labels)]


def annotations(onsets: Sequence[float], width: int = 60, label: str = "EDF Annotations") -> tuple[str, list[bytes]]:
    """A channel of text: when each data record begins, and that somebody coughed."""
    return label, [f"+{onset:g}\x14\x14\0+{onset:g}\x14cough\x14\0".encode().ljust(width, b"\0") for onset in onsets]


def write(
    path: Path,
    channels: Sequence[Channel],
    text: tuple[str, list[bytes]] | None = None,
    *,
    seconds: str = "1",
    kind: str = "",
    announced: int | None = None,
    n_records: int = N_RECORDS,
) -> str:
    """EDF, or BDF by the path's ending; the text comes before the channels."""
    is_bdf = path.suffix == ".bdf"
    width = 3 if is_bdf else 2
    all_channels = [*([(text[0], "", ("-1", "1"), ("-32768", "32767"))] if text else [])]
    all_channels += [(each.label, each.unit, each.physical, each.digital) for each in channels]
    per_record = [*([len(text[1][0]) // width] if text else []), *(len(each.counts) // n_records for each in channels)]
    fields: list[list[str]] = [
        [each[0] for each in all_channels],
        ["" for _ in all_channels],
        [each[1] for each in all_channels],
        *([each[2][end] for each in all_channels] for end in (0, 1)),
        *([each[3][end] for each in all_channels] for end in (0, 1)),
        ["HP:0.05Hz" for _ in all_channels],
        list(map(str, per_record)),
        ["" for _ in all_channels],
    ]
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    count = n_records if announced is None else announced
    head = b"\xffBIOSEMI" if is_bdf else b"0       "
    for word, size in (
        ("X X X X", 80),
        ("Startdate X X X X", 80),
        ("01.01.00", 8),
        ("00.00.00", 8),
        (str(256 * (1 + len(all_channels))), 8),
        (kind, 44),
        (str(count), 8),
        (seconds, 8),
        (str(len(all_channels)), 4),
    ):
        head += word.encode().ljust(size)
    for column, size in zip(fields, widths, strict=True):
        head += b"".join(word.encode("latin-1").ljust(size) for word in column)
    data = b""
    for record in range(n_records):
        data += text[1][record] if text else b""
        for each in channels:
            part = each.counts.reshape(n_records, -1)[record].astype("<i4")
            data += part.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    path.write_bytes(head + data)
    return str(path)
