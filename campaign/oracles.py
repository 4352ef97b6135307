"""Independent readers: where a damaged file is still a valid one, the result must be what these find in it."""

import ast
import csv
import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RECORDINGS = tuple(f"{number:05d}_lr" for number in range(1, 7))
_HELD = "out/recordings.npz"


def read_recordings() -> None:
    """Reads the first recordings through the program's own door, in the current folder."""
    from pipeline.commands.parser import run_command

    run_command(_read_recordings)


def _read_recordings(words: object) -> None:
    from pipeline import open_source
    from pipeline.errors import EcgFusionError
    from pipeline.sources import BadRecord

    source = open_source("ptbxl", "data/ptbxl")
    wanted = source.records["record_id"].isin([str(number) for number in range(1, len(RECORDINGS) + 1)])
    found = source.read(source.records[wanted])
    bad = [each for each in found if isinstance(each, BadRecord)]
    if bad:
        raise EcgFusionError(f"record {bad[0].record_id} is bad: {bad[0].problem}")
    Path("out").mkdir()
    np.savez(_HELD, **dict(zip(RECORDINGS, found, strict=True)))  # type: ignore[arg-type]


def recordings(place: Path) -> Mapping[str, Any]:
    with np.load(place / _HELD, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def recordings_are_as_wfdb_reads_them(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every signal is what wfdb reads, in the order of the leads; else what differs."""
    import wfdb

    from pipeline.signals.leads import LEADS

    factors = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "V": 1e3, "nV": 1e-6}
    for name, signal in result.items():
        record = wfdb.rdrecord(str(place / "data/ptbxl/records100/00000" / name))
        names = [lead.upper().strip() for lead in record.sig_name]
        order = [names.index(lead.upper()) for lead in LEADS]
        factor = np.array([factors[record.units[number]] for number in order])
        expected = (record.p_signal[:, order] * factor).T
        if expected.shape != signal.shape or not np.allclose(signal, expected, rtol=0, atol=1e-9):
            return f"{name} is not what wfdb reads"
    return None


def tables(place: Path) -> Mapping[str, Any]:
    """Who is in which store, of which patient, with which labels."""
    import h5py

    found: dict[str, Any] = {}
    for path in sorted((place / "out").glob("*.h5")):
        with h5py.File(path) as file:
            ids = file["item_id"].asstr()[()]
            patients, ages, sexes = file["patient_id"].asstr()[()], file["age"][()], file["sex"][()]
            classes = {task: list(file[f"labels/{task}"].attrs["classes"]) for task in file["labels"]}
            labels = {task: file[f"labels/{task}"][()] for task in file["labels"]}
        for row, name in enumerate(ids):
            borne = {
                task: sorted(cls for cls, one in zip(classes[task], labels[task][row], strict=True) if one)
                for task in classes
            }
            age = None if np.isnan(ages[row]) else round(float(ages[row]), 4)
            found[name] = (path.stem, patients[row], age, int(sexes[row]), borne)
    return found


def stores_are_as_csv_reads_them(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every item is a line of the table as Python's csv reads it; else what differs."""
    rows = _dict_rows(place / "data/ptbxl/ptbxl_database.csv")
    statements = _dict_rows(place / "data/ptbxl/scp_statements.csv")
    code = next(iter(statements[0]))
    for statement in statements:
        statement["code"] = statement[code].strip() if statement[code].strip() else statement.get("", "").strip()
    folds = {**dict.fromkeys(range(1, 7), "train"), 7: "dev", 8: "dev", 9: "test", 10: "test"}
    expected = {}
    for row in rows:
        partition = folds.get(int(float(row["strat_fold"])))
        if partition:
            expected[_plain(row["ecg_id"])] = (partition, row)
    if expected.keys() != result.keys():
        return f"items {sorted(expected.keys() ^ result.keys())[:3]} are in one of both only"
    for name, (partition, row) in expected.items():
        found = result[name]
        if found[0] != partition or found[1] != _plain(row["patient_id"]):
            return f"item {name} is in {found[0]}, of patient {found[1]}"
        if not _same_age(found[2], row.get("age", "")) or not _same_sex(found[3], row.get("sex", "")):
            return f"item {name} has age {found[2]} and sex {found[3]}, not {row.get('age')!r} and {row.get('sex')!r}"
        borne = _borne(row["scp_codes"], statements)
        if any(found[4][task] != borne[task] for task in borne):
            return f"item {name} bears {found[4]}, not {borne}"
    return None


def _dict_rows(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    separator = max(",;\t", key=text.split("\n")[0].count)
    lines = text.splitlines()
    rows = list(csv.DictReader(lines, delimiter=separator))
    return [{(key or "").strip(): (value or "").strip() for key, value in row.items()} for row in rows]


def _plain(text: str) -> str:
    text = text.strip()
    whole, point, rest = text.partition(".")
    return whole if point and set(rest) <= {"0"} else text


def _same_age(found: float | None, text: str) -> bool:
    try:
        age = float(text)
    except ValueError:
        return found is None
    if not 0 <= age < float("inf"):
        return found is None
    return found is not None and (found == round(min(age, 90.0), 4) or abs(found - age) < 1e-3)


def _same_sex(found: int, text: str) -> bool:
    known = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "male": 0, "female": 1, "m": 0, "f": 1}
    return found == known.get(text.strip().lower(), -1)


def _borne(text: str, statements: list[dict[str, str]]) -> dict[str, list[str]]:
    codes = set(ast.literal_eval(text))
    classes: dict[str, set[str]] = {"superdiagnostic": set(), "form": set(), "rhythm": set()}
    for statement in statements:
        if statement["code"] in codes:
            if statement["diagnostic"].startswith("1"):
                classes["superdiagnostic"].add(statement["diagnostic_class"])
            for task in ("form", "rhythm"):
                if statement[task].startswith("1"):
                    classes[task].add(statement["code"])
    return {task: sorted(found) for task, found in classes.items()}


def counts_are_as_numpy_counts_them(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where TP, FN, FP and TN at 0.5 are those of the file's own arrays; else what differs."""
    with np.load(place / "test.npz", allow_pickle=False) as file:
        scores, labels, classes = file["scores"], file["labels"], [str(name) for name in file["classes"]]
    if str(classes) == "[]" or scores.shape != labels.shape:
        return "scores and labels of other shapes were counted"
    marked = scores.astype(np.float64) >= 0.5
    if "multiclass" in str(result):
        return "a multiclass file was counted"
    rows = {row["class"].lstrip("'"): row for row in csv.DictReader(result["counts"].splitlines())}
    for column, name in enumerate(classes):
        truth = labels[:, column].astype(bool)
        expected = {
            "TP": (marked[:, column] & truth).sum(),
            "FN": (~marked[:, column] & truth).sum(),
            "FP": (marked[:, column] & ~truth).sum(),
            "TN": (~marked[:, column] & ~truth).sum(),
        }
        if any(int(float(rows[name][cell])) != number for cell, number in expected.items()):
            return f"{name} has {rows[name]}, not {expected}"
    return None


def content_of(name: str) -> Callable[[Path], Mapping[str, Any]]:
    """Reads all datasets and attributes of a store, wherever in the file they lie."""

    def read(place: Path) -> Mapping[str, Any]:
        import h5py

        found: dict[str, Any] = {}

        def keep(path: str, item: Any) -> None:
            found[path] = repr(sorted((key, str(value)) for key, value in item.attrs.items()))
            if isinstance(item, h5py.Dataset):
                found[f"{path}: values"] = item.asstr()[()].tolist() if item.dtype.kind == "O" else item[()]

        with h5py.File(place / name) as file:
            keep("", file)
            file.visititems(keep)
        return found

    return read


def store_is_one_made_anew(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where the store that was gone on with is the one that the recordings of today make."""
    from campaign.children import watched
    from campaign.place import COMMANDS, run

    shutil.rmtree(place / "anew", ignore_errors=True)
    outcome = watched(lambda: run(COMMANDS["go on"].replace("data/stores", "anew")), place)
    if outcome.code:
        return "it was made although the recordings are refused"
    made = content_of("anew/train.h5")(place)
    alike = made.keys() == result.keys() and all(_bits(made[name]) == _bits(result[name]) for name in made)
    return None if alike else "it is a mixture of the recordings before and after"


def _bits(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.ndarray) else value


def given(place: Path) -> Mapping[str, Any]:
    """The options that a run's card says were given."""
    found: Mapping[str, Any] = json.loads((place / "out/run.json").read_text(encoding="utf-8"))["given"]
    return found


def card_is_as_tomllib_reads_the_recipe(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every option of the recipe is in the card with its value; else which is not."""
    recipe = tomllib.loads((place / "recipe.toml").read_text(encoding="utf-8"))
    for name, value in recipe.items():
        if name in ("path_save_model", "epochs", "resume", "config"):
            continue
        kept = result.get(name, result.get(name.replace("-", "_")))
        if not _alike(kept, value):
            return f"{name} is {kept!r} in the card, {value!r} in the recipe"
    return None


def _alike(kept: Any, value: Any) -> bool:
    kept, value = ([each] if not isinstance(each, list) else each for each in (kept, value))
    return [str(each) for each in kept] == [str(each) for each in value] or kept == value
