"""Small sets in other layouts than PTB-XL's, what is stored of them, and what independent readers find in them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

CINC2017, HEARTBEATS = "data/cinc2017", "data/heartbeats"
STORED = "--out out --workers 1 --representations none --band none"
CREATE = {
    CINC2017: f"create_images --source cinc2017 --data {CINC2017} --folds shuffle74 {STORED}",
    HEARTBEATS: f"create_images --source heartbeat_csv --data {HEARTBEATS} {STORED}",
}
"""What stores each set."""
_LABELS = ("N", "O", "A", "~", "N", "A", "O", "N")
_RHYTHMS, _BEATS = ("N", "O", "A", "~"), ("N", "S", "V", "F", "Q")
_GAIN = {CINC2017: 1000, HEARTBEATS: 28_000}


def write_other_sets(place: Path) -> None:
    """Writes both sets into the place."""
    chance = np.random.default_rng(5)
    folder = place / CINC2017
    folder.mkdir(parents=True)
    for number, _ in enumerate(_LABELS, start=1):
        name, counts = f"A{number:05d}", chance.integers(-900, 900, 2700 + 30 * number).astype("<i2")
        head = np.array([30, 1, len(counts), 0, 4], "<i4").tobytes() + b"val\0"
        (folder / f"{name}.mat").write_bytes(head + counts.tobytes())
        (folder / f"{name}.hea").write_text(
            f"{name} 1 300 {len(counts)} 05:05:15 1/05/2000 \n{name}.mat 16+24 1000/mV 16 0 {counts[0]} 0 0 ECG \n"
        )
    lines = [f"A{number:05d},{label}\n" for number, label in enumerate(_LABELS, start=1)]
    (folder / "REFERENCE-v3.csv").write_text("".join(lines))
    folder = place / HEARTBEATS
    folder.mkdir(parents=True)
    for file, n_rows in (("mitbih_train", 30), ("mitbih_test", 6)):
        rows = np.column_stack([chance.random((n_rows, 187)), np.arange(n_rows) % 5])
        np.savetxt(folder / f"{file}.csv", rows, delimiter=",")


def stored(task: str) -> Any:
    """What reads, of each item, its partition, class and counts."""

    def read(place: Path) -> Mapping[str, Any]:
        import h5py

        found: dict[str, Any] = {}
        for path in sorted((place / "out").glob("*.h5")):
            with h5py.File(path) as file:
                classes = list(file[f"labels/{task}"].attrs["classes"])
                labels, signals = file[f"labels/{task}"][()], file["signals"][()]
                ids = file["item_id"].asstr()[()]
            for name, label, signal in zip(ids, labels, signals[:, 0], strict=True):
                borne = [each for each, one in zip(classes, label, strict=True) if one]
                found[name] = (path.stem, borne, signal[signal != -32768].tolist())
        return found

    return read


def cinc2017_is_as_wfdb_reads_it(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where each record that is there is stored as csv and wfdb read it; else what differs."""
    import wfdb

    folder = place / CINC2017
    with open(folder / "REFERENCE-v3.csv", newline="", encoding="utf-8-sig") as file:
        text = file.read()
    rows = [row for row in csv.reader(text.splitlines(), delimiter=max(",;\t", key=text.count)) if any(row)]
    label = {row[0].strip(): row[1].strip() for row in rows}
    expected = {name for name in label if (folder / f"{name}.mat").exists()}
    if expected != result.keys():
        return f"records {sorted(expected ^ result.keys())[:3]} are in one of both only"
    factors = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "V": 1e3, "nV": 1e-6}
    for name, (_, borne, counts) in result.items():
        record = wfdb.rdrecord(str(folder / name))
        signal = np.rint(record.p_signal[:, 0] * factors[record.units[0]] * _GAIN[CINC2017])
        if borne != [label[name]] or signal.tolist() != counts:
            return f"record {name} is {borne}, or not what wfdb reads"
    return None


def heartbeats_are_as_written(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where each row is stored as Python's own numbers of its cells; else what differs."""
    expected = {}
    for path in (place / HEARTBEATS).glob("*.csv"):
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if line.strip():
                *samples, label = map(float, line.decode("ascii").split(","))
                expected[f"{path.stem}_{number}"] = (_BEATS[int(label)], np.array(samples))
    if expected.keys() != result.keys():
        return f"rows {sorted(expected.keys() ^ result.keys())[:3]} are in one of both only"
    for name, (partition, borne, counts) in result.items():
        known, amplitudes = expected[name]
        if borne != [known] or (partition == "test") != name.startswith("mitbih_test"):
            return f"row {name} is {borne} in {partition}"
        if len(counts) != 187 or np.abs(amplitudes * _GAIN[HEARTBEATS] - counts).max() > 0.51:
            return f"row {name} has other amplitudes"
    return None
