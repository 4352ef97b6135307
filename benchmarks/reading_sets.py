"""How long reading the other data sets takes beside numpy's reading of the same files, one thread each, in turn.

Of CinC 2017 numpy gets the samples behind each .mat's header and divides them to mV; we read the header file too, and
check what it says. Of a set with SNOMED CT codes numpy is told what the headers say, and gives each lead's samples side
by side, as we do; headers are read by us and by wfdb.rdheader. Of a table of one's own numpy's side reads the bytes of
the headers too. Of the CSV heartbeats numpy parses a file; we look through it for widths and labels, then parse it.
All files are in memory by then, and what both give is compared before.

    python -m benchmarks.reading_sets                            simulated recordings and beats
    python -m benchmarks.reading_sets -cinc2017 data/cinc2017    the real recordings
    python -m benchmarks.reading_sets -snomed data/cpsc2018      those of a folder, in format 16, with SNOMED CT codes
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

AIM = 1 / 1.5  # of numpy's speed, at the least


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratios."""
    parser = CommandParser(prog="python -m benchmarks.reading_sets", description=__doc__)
    parser.option("cinc2017", type=Path, help="the challenge's folder (default: simulated recordings)")
    parser.option("snomed", type=Path, help="a folder of such recordings (default: simulated recordings)")
    parser.option("records", type=positive_int, default=500, help="default %(default)s")
    parser.option("beats", type=positive_int, default=4000, help="default %(default)s")
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.cinc2017, options.records, options.beats, options.turns, options.snomed):
        print(row)


def measure(
    cinc2017: Path | None = None, n_records: int = 500, n_beats: int = 4000, turns: int = 7, snomed: Path | None = None
) -> list[Row]:
    """The claims, measured; times are those of one record, of one header, and of one beat."""
    with tempfile.TemporaryDirectory() as simulated:
        place, n_of_twelve = Path(simulated), min(n_records, 200)
        return [
            _cinc2017(cinc2017 or _simulate_cinc2017(place, n_records), n_records, turns),
            _heartbeats(place, n_beats, turns),
            _table(place / "table", n_of_twelve, turns),
            *_snomed(snomed or _simulate_snomed(place / "snomed", n_of_twelve), turns),
        ]


def _cinc2017(folder: Path, n_records: int, turns: int) -> Row:
    from pipeline.sources import open_source

    source = open_source("cinc2017", folder)
    records = source.records.iloc[:n_records]
    files = [f"{folder / file}.mat" for file in records["file"]]

    def by_numpy() -> list[np.ndarray]:
        return [np.fromfile(file, "<i2", offset=24) / 1000 for file in files]

    for ours, theirs in zip(source.read(records), by_numpy(), strict=True):
        if not isinstance(ours, np.ndarray) or not np.array_equal(ours[0], theirs):
            raise EcgFusionError(f"numpy reads other numbers from {folder}: there is nothing to compare")
    found = medians({"ours": partial(source.read, records), "numpy": by_numpy}, turns)
    ours_s, numpy_s = (found[name] / len(files) for name in ("ours", "numpy"))
    return Row("reading a record of cinc2017 (format 16), against numpy.fromfile", ours_s, numpy_s, AIM)


def _table(folder: Path, n_records: int, turns: int) -> Row:
    from benchmarks.simulated_store import simulate
    from pipeline.sources import open_source

    folder.mkdir()
    files = sorted(path.with_suffix("") for path in simulate(folder, n_records).rglob("*_lr.hea"))
    lines = [f"{file.relative_to(folder)}.hea,{number}" for number, file in enumerate(files)]
    (folder / "records.csv").write_text("\n".join(["file,patient_id", *lines]) + "\n")
    source = open_source("table", folder)
    records = [source.records.iloc[first : first + 32] for first in range(0, n_records, 32)]  # as a store reads them
    n_leads = len(source.leads)

    def by_numpy() -> list[np.ndarray]:
        found = []
        for file in files:
            Path(f"{file}.hea").read_bytes()
            found.append((np.fromfile(f"{file}.dat", "<i2").reshape(-1, n_leads) / 1000).T)
        return found

    for ours, theirs in zip(source.read(source.records), by_numpy(), strict=True):
        if not isinstance(ours, np.ndarray) or not np.array_equal(ours, theirs):
            raise EcgFusionError(f"numpy reads other numbers from {folder}: there is nothing to compare")
    found = medians({"ours": lambda: [source.read(some) for some in records], "numpy": by_numpy}, turns)
    ours_s, numpy_s = (found[name] / len(files) for name in ("ours", "numpy"))
    return Row("reading a record of a table (WFDB, format 16, 12 leads), against numpy.fromfile", ours_s, numpy_s, AIM)


def _heartbeats(folder: Path, n_beats: int, turns: int) -> Row:
    from pipeline.sources import open_source

    path, rng = folder / "mitbih_train.csv", np.random.default_rng(0)
    np.savetxt(path, np.column_stack([rng.random((n_beats, 187)), rng.integers(0, 5, n_beats)]), delimiter=",")

    def ours() -> object:
        source = open_source("heartbeat_csv", folder)
        return source.read(source.records)

    found = medians({"ours": ours, "numpy": partial(np.loadtxt, path, delimiter=",")}, turns)
    ours_s, numpy_s = (found[name] / n_beats for name in ("ours", "numpy"))
    return Row("reading a beat of heartbeat_csv, against numpy.loadtxt", ours_s, numpy_s, AIM)


def _simulate_cinc2017(folder: Path, n_records: int) -> Path:
    """Recordings of half a minute as the challenge lays them out; gives their folder."""
    rng, n_samples = np.random.default_rng(0), 9000
    head = np.array([30, 1, n_samples, 0, 4], "<i4").tobytes() + b"val\0"
    names = [f"A{number:05d}" for number in range(1, n_records + 1)]
    for name in names:
        counts = rng.integers(-900, 900, n_samples).astype("<i2")
        (folder / f"{name}.mat").write_bytes(head + counts.tobytes())
        (folder / f"{name}.hea").write_text(
            f"{name} 1 300 {n_samples} 05:05:15 1/05/2000 \n{name}.mat 16+24 1000/mV 16 0 {counts[0]} 0 0 ECG \n"
        )
    (folder / "REFERENCE-v3.csv").write_text("".join(f"{name},N\n" for name in names))
    return folder


def _simulate_snomed(folder: Path, n_records: int) -> Path:
    """Recordings as the challenges of 2020 and 2021 publish them: format 16 behind 24 bytes, codes in the header."""
    from pipeline.signals.leads import LEADS

    random = np.random.default_rng(0)
    for number in range(n_records):
        name, below = f"B{number:05d}", folder / f"g{number // 100}"
        below.mkdir(parents=True, exist_ok=True)
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
        Row("reading a record of a snomed source, against numpy alone", each["ours"], each["numpy"], AIM),
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
