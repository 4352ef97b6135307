"""One's own recordings, a table and a file of each format that says nothing of itself; and how others read them."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "data/own"
FILES = ("a.csv", "b.tsv", "c.npy", "d.npz", "e.mat", "f.mat", "g.txt")
LEADS = ("I", "II", "V2")
N_SAMPLES = 200
_HELD = "out/own.npz"


def write_own(place: Path) -> None:
    """The table and its files, in every format but WFDB, which other recordings of the place have."""
    import scipy.io

    folder = place / FOLDER
    folder.mkdir(parents=True)
    chance = np.random.default_rng(5)
    lines = ["file,patient_id,age,sex,label"]
    for number, name in enumerate(FILES):
        signal, path = chance.normal(size=(len(LEADS), N_SAMPLES)).round(4), folder / name
        lines.append(f"{name},p{number},{40 + number},{number % 2},{'AF' if number % 2 else 'SR'}")
        if path.suffix in (".csv", ".tsv", ".txt"):
            mark = {".csv": ",", ".tsv": "\t", ".txt": ";"}[path.suffix]
            head = [] if path.suffix == ".txt" else [mark.join(LEADS)]
            path.write_text("\n".join([*head, *(mark.join(map(str, row)) for row in signal.T.tolist())]) + "\n")
        elif path.suffix == ".npy":
            np.save(path, signal.T.astype(np.float32))
        elif path.suffix == ".npz":
            np.savez_compressed(path, ecg=signal)
        else:
            scipy.io.savemat(path, {"val": signal if name == "e.mat" else signal.T}, do_compression=name == "f.mat")
    (folder / "records.csv").write_text("\n".join(lines) + "\n")


def read_own() -> None:
    """Reads all of them through the program's own door, in the current folder."""
    from pipeline.commands.parser import run_command

    run_command(_read_own)


def _read_own(words: object) -> None:
    from pipeline import open_source
    from pipeline.errors import EcgFusionError
    from pipeline.sources import BadRecord

    source = open_source("table", FOLDER, unit="mV", sampling_rate_of_files=100.0, leads_of_file=LEADS)
    found = source.read(source.records)
    bad = [each for each in found if isinstance(each, BadRecord)]
    if bad:
        raise EcgFusionError(f"record {bad[0].record_id} is bad: {bad[0].problem}")
    labels, records = source.labels.get("label"), source.records
    named = (labels.classes, labels.values) if labels else ((), np.zeros((len(records), 0)))
    borne = ["".join(np.array(named[0], "U")[row > 0]) for row in named[1]]
    columns = {name: records[name].to_numpy(str) for name in ("record_id", "patient_id")}
    numbers = {name: records[name].to_numpy(float) for name in ("age", "sex", "fold")}
    signals = {f"signal_{number}": signal for number, signal in enumerate(found)}
    Path("out").mkdir()
    np.savez(_HELD, **columns, **numbers, label=np.array(borne, "U"), **signals)  # type: ignore[arg-type]


def own(place: Path) -> Mapping[str, Any]:
    with np.load(place / _HELD, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def own_are_as_others_read_them(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every line is what csv makes of it, and every signal what numpy, scipy and csv read.

    A class that a table calls otherwise has another name, and a column that is renamed to nothing known says nothing.
    """
    rows = [row for row in _rows_of(place / FOLDER / "records.csv") if any(row.values())]
    if len(rows) != len(result["record_id"]):
        return f"there are {len(result['record_id'])} records of {len(rows)} lines"
    for number, row in enumerate(rows):
        if result["patient_id"][number] != row["patient_id"]:
            return f"record {number} is of {result['patient_id'][number]!r}, not {row['patient_id']!r}"
        if row.get("label", "") != result["label"][number]:
            return f"record {number} is {result['label'][number]!r}, not {row.get('label')!r}"
        age = row.get("age", "")
        if not np.isnan(result["age"][number]) and min(float(age), 90.0) != result["age"][number]:
            return f"record {number} has age {result['age'][number]}, not {age}"
        expected = _signal(place / FOLDER / row["file"].replace("\\", "/"))
        if expected.shape != result[f"signal_{number}"].shape:
            return f"record {number} has {result[f'signal_{number}'].shape}, not {expected.shape}"
        if not np.array_equal(expected, result[f"signal_{number}"]):
            return f"record {number} is not what others read in {row['file']}"
    return None


def _signal(path: Path) -> np.ndarray:
    """(leads, time) by another reader."""
    import scipy.io

    if path.suffix == ".npy":
        found = np.load(path, allow_pickle=False)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            (name,) = file.files
            found = file[name]
    elif path.suffix == ".mat":
        variables = scipy.io.loadmat(path)
        (found,) = (value for name, value in variables.items() if not name.startswith("__"))
    else:
        return _signal_of_text(path)
    found = np.asarray(found, np.float64)
    return found if found.shape[0] == len(LEADS) else found.T


def _signal_of_text(path: Path) -> np.ndarray:
    lines = [line for line in _text_of(path).splitlines() if line.strip()]
    separator = max(",;\t", key=lines[-1].count)
    rows = list(csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=separator))
    head = [cell.strip() for cell in rows[0]]
    if {*LEADS} <= {*head}:
        return np.array([[float(row[head.index(lead)]) for row in rows[1:]] for lead in LEADS])
    found = np.array([[float(cell) for cell in row] for row in rows])
    return found.T if found.shape[1] == len(LEADS) else found


def _rows_of(path: Path) -> list[dict[str, str]]:
    text = _text_of(path)
    separator = max(",;\t", key=text.split("\n")[0].count)
    rows = csv.DictReader(text.splitlines(), delimiter=separator)
    return [{(key or "").strip(): (value or "").strip() for key, value in row.items()} for row in rows]


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
