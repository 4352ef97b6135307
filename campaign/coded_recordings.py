"""Recordings with SNOMED CT codes in their headers: how they come to be, and an independent reader of what they say."""

import csv
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER, CLASSES, FOLDS = "data/coded", "classes.csv", "folds.csv"
_CODES = {  # code → classes of cinc2021 and of cpsc9
    "426783006": ("NSR", "Normal"),
    "164889003": ("AF", "AF"),
    "59118001": ("CRBBB|RBBB", "RBBB"),
    "426177001": ("SB", None),
    "39732003": ("LAD", None),
    "429622005": (None, "STD"),
}
_OWN = {"426783006": "sinus", "426177001": "sinus", "164889003": "fibrillation"}
_DIVIDED = "--partition train dev test --representations none --workers 1 --out out"

CREATE = f"create_images --source snomed --data {FOLDER} --folds kfold:3 {_DIVIDED}"
WITH_CLASSES = f"{CREATE} --classes {CLASSES}"
WITH_FOLDS = (
    f"create_images --source snomed --data {FOLDER} --folds_file {FOLDS} --folds train=1 dev=2 test=3 {_DIVIDED}"
)


def write_coded(place: Path) -> None:
    """Twelve of the simulated recordings with codes, a table of classes and one of folds."""
    codes = list(_CODES)
    for number in range(1, 13):
        name, below = f"{number:05d}_lr", place / FOLDER / f"g{number % 3}"
        below.mkdir(parents=True, exist_ok=True)
        for ending in (".hea", ".dat"):
            shutil.copy(place / "data/ptbxl/records100/00000" / f"{name}{ending}", below)
        said = [codes[number % len(codes)], codes[number * 5 % len(codes)]]
        with (below / f"{name}.hea").open("a", encoding="utf-8") as header:
            header.write(f"#Age: {40 + number}\n#Sex: {'Male' if number % 2 else 'Female'}\n#Dx: {','.join(said)}\n")
    (place / CLASSES).write_text("code,name\n" + "".join(f"{code},{name}\n" for code, name in _OWN.items()))
    folds = "".join(f"{number:05d}_lr,{number % 3 + 1}\n" for number in range(1, 13))
    (place / FOLDS).write_text(f"record_id,fold\n{folds}")


def tables(place: Path) -> Mapping[str, Any]:
    """What the stores say of each recording: its partition, age, sex and the classes that it bears of each task."""
    import h5py

    found: dict[str, Any] = {}
    for path in sorted((place / "out").glob("*.h5")):
        with h5py.File(path) as file:
            ids, ages, sexes = file["item_id"].asstr()[()], file["age"][()], file["sex"][()]
            for row, name in enumerate(ids):
                borne = {}
                for task, labels in file["labels"].items():
                    names = list(labels.attrs["classes"])
                    classes = [names[column] for column in np.flatnonzero(labels[row])]
                    borne[task] = classes if file[f"labelled/{task}"][row] else None
                age = None if np.isnan(ages[row]) else round(float(ages[row]), 3)
                if name in found:
                    raise AssertionError(f"{name} is in two partitions")
                found[name] = (path.stem, age, int(sexes[row]), borne)
    return found


def stores_are_as_the_headers_say(place: Path, result: Mapping[str, Any]) -> str | None:
    """None where every recording is labelled as the comments of its header are; else what differs."""
    own = _own_classes(place / CLASSES)
    folds = _folds(place / FOLDS)
    headers = {path.name.removesuffix(".hea"): path for path in (place / FOLDER).glob("**/*.hea")}
    of_file = "folds_file" in _given(place)
    wanted = {name for name in headers if not of_file or folds.get(name) in ("1", "2", "3")}
    if wanted != result.keys():
        return f"items {sorted(wanted ^ result.keys())[:3]} are in one of both only"
    for name in wanted:
        partition, age, sex, borne = result[name]
        if of_file and partition != {"1": "train", "2": "dev", "3": "test"}[folds[name]]:
            return f"{name} is in {partition}"
        said = _comments(headers[name])
        codes = _known(said.get("dx", []))
        expected = {
            "cinc2021": None if codes is None else {_CODES[code][0] for code in codes if code in _CODES} - {None},
            "cpsc9": None if codes is None else {_CODES[code][1] for code in codes if code in _CODES} - {None},
            "classes": None if codes is None else {own[code] for code in codes if code in own},
        }
        expected["cpsc9"] = expected["cpsc9"] or None
        for task, classes in borne.items():
            if task in expected and (None if classes is None else set(classes)) != expected[task]:
                return f"{name} bears {classes} of {task}, not {expected[task]}"
        if age != _age(said.get("age", [""])[0]) or sex != _sex(said.get("sex", [""])[0]):
            return f"{name} is {age} years old, of sex {sex}, not {said}"
    return None


def _given(place: Path) -> str:
    """How the folds were made, as the first store says it."""
    import h5py

    for path in sorted((place / "out").glob("*.h5")):
        with h5py.File(path) as file:
            return "folds_file" if "file" in str(file.attrs["scheme"]) else "drawn"
    return "drawn"


def _comments(header: Path) -> dict[str, list[str]]:
    data = header.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = re.match(r"\s*#([^:]*):(.*)", line, re.DOTALL)
        if match:
            said.setdefault(match[1].strip().lower(), []).append(match[2].strip())
    return said


def _known(lines: list[str]) -> list[str] | None:
    """The codes of a record's diagnoses; None where there are none, or one is no code."""
    words = [word.strip() for line in lines for word in line.split(",")]
    words = [word for word in words if word.lower() not in ("", "unknown", "nan", "none", "n/a")]
    codes = [match[1] for word in words if (match := re.fullmatch(r"([1-9][0-9]{5,17})(?:\.0*)?", word, re.ASCII))]
    return codes if codes and len(codes) == len(words) else None


def _age(text: str) -> float | None:
    try:
        age = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        return None
    return 90.0 if age == 300 else round(age, 3) if 0 <= age <= 130 else None


def _sex(text: str) -> int:
    known = {"0": 0, "1": 1, "male": 0, "female": 1, "m": 0, "f": 1, "man": 0, "woman": 1}
    return known.get(text.lower().removesuffix(".0"), -1)


def _rows(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "latin-1"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    separator = max(",;\t", key=text.split("\n")[0].count)
    rows = csv.DictReader(text.splitlines(), delimiter=separator)
    return [{(key or "").strip(): (value or "").strip() for key, value in row.items()} for row in rows]


def _own_classes(path: Path) -> dict[str, str]:
    return {row["code"].split(".")[0]: row["name"] for row in _rows(path) if row.get("code")}


def _folds(path: Path) -> dict[str, str]:
    return {row["record_id"]: row["fold"].split(".")[0] for row in _rows(path) if row.get("fold")}
