"""How fast the recordings of a data set are read, checksums verified, against numpy alone reading the same numbers.

numpy is told where the samples lie and what they are divided by: it opens no header and verifies nothing. Both give
(leads, time) float64 in mV, equal to the last bit, each lead's samples side by side, as filters want them. Headers are
read by us and by wfdb.rdheader. The files are in memory by then; one thread each, in turn.

    python -m benchmarks.reading_snomed                      simulated recordings of 10 s at 500 Hz
    python -m benchmarks.reading_snomed -data SAMPLES        a folder of WFDB recordings with SNOMED CT codes
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, positive_int, run_command
from pipeline.errors import EcgFusionError

_MOST = 1 / 1.5
"""Numpy's time over ours, at least."""


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratios."""
    parser = CommandParser(prog="python -m benchmarks.reading_snomed", description=__doc__)
    parser.option("data", type=Path, help="a folder of WFDB recordings in format 16 (default: simulated ones)")
    parser.option("records", type=positive_int, default=200, help="simulated (default %(default)s)")
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.data, options.records, options.turns):
        print(row)


def measure(folder: Path | None = None, n_records: int = 200, turns: int = 7) -> list[Row]:
    """The claims, measured; times are those of one record."""
    if folder is None:
        with tempfile.TemporaryDirectory() as simulated:
            return _snomed(simulated_recordings(Path(simulated), n_records), turns)
    return _snomed(folder, turns)


def simulated_recordings(folder: Path, n_records: int) -> Path:
    """Recordings as the challenges of 2020 and 2021 publish them: format 16 behind 24 bytes, codes in the header."""
    from pipeline.signals.leads import LEADS

    random = np.random.default_rng(0)
    for number in range(n_records):
        name, below = f"B{number:05d}", folder / f"g{number // 100}"
        below.mkdir(exist_ok=True)
        counts = random.integers(-2000, 2000, (5000, len(LEADS)), dtype=np.int16)
        (below / f"{name}.mat").write_bytes(bytes(24) + counts.astype("<i2").tobytes())
        sums = counts.sum(axis=0, dtype=np.int16).tolist()
        lines = [
            f"{name}.mat 16x1+24 1000.0(0)/mV 16 0 {first} {total} 0 {lead}"
            for first, total, lead in zip(counts[0].tolist(), sums, LEADS, strict=True)
        ]
        comments = ["#Age: 50", "#Sex: Male", "#Dx: 426783006,39732003", "#Rx: Unknown"]
        (below / f"{name}.hea").write_text("\n".join([f"{name} 12 500 5000", *lines, *comments, ""]))
    return folder


def _snomed(folder: Path, turns: int) -> list[Row]:
    from pipeline.sources import open_source

    source = open_source("snomed", folder)
    headers = [str(folder / name) for name in source.records["file"]]
    numbers, known = [_samples_of(header) for header in headers], _known_to_wfdb(headers)
    for ours, theirs in zip(source.read(source.records), _read_by_numpy(numbers), strict=True):
        if not np.array_equal(ours, theirs):  # type: ignore[arg-type]
            raise EcgFusionError(f"numpy reads other numbers from {folder}: there is nothing to compare")
    found = medians(
        {
            "ours": partial(source.read, source.records),
            "numpy": partial(_read_by_numpy, numbers),
            "our headers": partial(open_source, "snomed", folder),
            "wfdb": partial(_known_to_wfdb, known),
        },
        turns,
    )
    each = {name: seconds / len(known if name == "wfdb" else headers) for name, seconds in found.items()}
    return [
        Row("reading a record of a snomed source, against numpy alone", each["ours"], each["numpy"], _MOST),
        Row("reading a header of a snomed source, against wfdb.rdheader", each["our headers"], each["wfdb"], 5),
    ]


def _known_to_wfdb(headers: Sequence[str]) -> list[str]:
    """The headers that wfdb reads: it refuses some whose record has a dot in its name."""
    import wfdb

    known = []
    for header in headers:
        with suppress(wfdb.io.header.HeaderSyntaxError):
            wfdb.rdheader(header)
            known.append(header)
    return known


def _samples_of(header: str) -> tuple[Path, int, np.ndarray]:
    """File, bytes before the first sample, and counts to the millivolt (leads, 1)."""
    from pipeline.sources.formats.wfdb_headers import header_lines, parse_header

    path = f"{header}.hea"
    signals = parse_header(path, header_lines(path)).signals
    return Path(path).with_name(signals[0].file), signals[0].offset, np.array([[signal.gain] for signal in signals])


def _read_by_numpy(numbers: Sequence[tuple[Path, int, np.ndarray]]) -> list[np.ndarray]:
    return [
        np.ascontiguousarray(np.fromfile(path, "<i2", offset=offset).reshape(-1, len(gains)).T) / gains
        for path, offset, gains in numbers
    ]


if __name__ == "__main__":
    run_command(main)
