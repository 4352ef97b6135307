"""What happens to files whose meaning is known: a cell, a field, an attribute becomes another. One entry a format."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

from campaign.damage import Mutation

NASTY_WORDS = (
    *("", " ", "nan", "NaN", "inf", "-inf", "None", "null", "-1", "0", "1", "1.5", "300", "1e400", "-1e400", "1e18"),
    *(
        "99999999999999999999",
        "0x10",
        "1_000",
        "１２",
        "٣",
        "true",
        "..",
        "../../outside/canary.txt",
        "/etc/passwd",
        ".",
    ),
    *("a\tb", "a|b", "=1+1", "\x1b[31mred", "é", "\u202eabc", "'", '"', "{}", "[]", "{", "%s%n", "$HOME", "-" * 2000),
)
NASTY_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, 1e18, 10**30, -0.0, float("nan"), float("inf"), "", "..", "../../outside"),
    *("/etc/passwd", "\x1b[31m", "a\nb", "é", "x" * 3000, [], {}, [1, 2, 3], {"a": 1}, [[]], [None], "mi", "NORM"),
)


def change_a_cell(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    row, column = _cell(chance, rows)
    other = chance.choice(rows[1:])[column] if len(rows) > 1 and chance.random() < 0.3 else chance.choice(NASTY_WORDS)
    was, rows[row][column] = rows[row][column], other
    _write_rows(path, rows)
    return f"line {row + 1}, {rows[0][column] if row else 'head'}: {was!r} made {other[:60]!r}"


def move_a_row(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    row = chance.randrange(len(rows))
    how = chance.choice(("dropped", "doubled", "shortened", "lengthened"))
    new = {"dropped": [], "doubled": [rows[row]] * 2, "shortened": [rows[row][:-1]]}
    rows[row : row + 1] = new.get(how, [[*rows[row], "more"]])
    _write_rows(path, rows)
    return f"line {row + 1} {how}"


def move_a_column(chance: random.Random, path: Path) -> str:
    rows = _rows(path)
    column = chance.randrange(len(rows[0]))
    how = chance.choice(("dropped", "doubled", "renamed", "put first"))
    name = rows[0][column]
    for row in rows:
        if column < len(row):
            cell = row.pop(column)
            if how == "doubled":
                row[column:column] = [cell, cell]
            elif how == "renamed":
                row.insert(column, cell)
            elif how == "put first":
                row.insert(0, cell)
    if how == "renamed":
        rows[0][column] = chance.choice((name.upper(), f" {name}", f"{name}_2", ""))
    _write_rows(path, rows)
    return f"column {name!r} {how}"


def save_a_table_otherwise(chance: random.Random, path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    rows = _rows(path)
    how = chance.choice((";", "\t", "BOM", "UTF-16", "CRLF", "quoted", "index", "empty", "head only"))
    if how in (";", "\t"):
        _write_rows(path, rows, delimiter=how)
    elif how == "index":
        _write_rows(path, [[str(number - 1) if number else "", *row] for number, row in enumerate(rows)])
    elif how == "quoted":
        _write_rows(path, rows, quoting=csv.QUOTE_ALL)
    elif how in ("empty", "head only"):
        _write_rows(path, rows[: how == "head only"])
    else:
        encoding = {"BOM": "utf-8-sig", "UTF-16": "utf-16"}.get(how, "utf-8")
        text = text.replace("\n", "\r\n") if how == "CRLF" else text
        path.write_bytes(text.encode(encoding, errors="replace"))
    return f"saved with {how!r}"


def _rows(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    return list(csv.reader(io.StringIO(text, newline=""))) or [[""]]


def _cell(chance: random.Random, rows: list[list[str]]) -> tuple[int, int]:
    row = chance.randrange(len(rows))
    return row, chance.randrange(max(1, min(len(rows[row]), len(rows[0]))))


def _write_rows(path: Path, rows: list[list[str]], **how: Any) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n", **how).writerows(rows)
    path.write_bytes(written.getvalue().encode("utf-8", errors="surrogateescape"))


def change_a_field(chance: random.Random, path: Path) -> str:
    """Of JSON: another value, another order, another name, or none."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    holder, key, where = _leaf(chance, tree)
    how = chance.choice(("nasty", "near", "near", "dropped", "renamed", "doubled"))
    was = holder[key]
    if how == "nasty":
        holder[key] = chance.choice(NASTY_VALUES)
    elif how == "near":
        holder[key] = _near(chance, was)
    elif how == "dropped":
        del holder[key]
    elif isinstance(holder, dict):
        holder[f"{key}_2"] = holder[key] if how == "doubled" else holder.pop(key)
    else:
        holder.append(was)
    path.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")
    return f"{where}: {str(was)[:60]} {how}"


def _leaf(chance: random.Random, tree: Any) -> tuple[Any, Any, str]:
    """Somewhere in a tree: what holds the value, under which key, and the way to it."""
    holder, where = tree, ""
    while True:
        key = chance.choice(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
        where = f"{where}.{key}".lstrip(".")
        if not isinstance(holder[key], (dict, list)) or not holder[key] or chance.random() < 0.25:
            return holder, key, where
        holder = holder[key]


def _near(chance: random.Random, value: Any) -> Any:
    """What a hand might have typed instead."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return chance.choice((value + 1, value * 2, value / 2, -value, value + 1e-6, str(value)))
    if isinstance(value, str):
        return chance.choice((value[::-1], f"{value} ", value.upper(), value[:-1]))
    if isinstance(value, list):
        return chance.choice((value[::-1], value[1:], [*value, *value[:1]], value[1:] + value[:1]))
    if isinstance(value, dict):
        return dict(zip(value, [*value.values()][::-1], strict=True))
    return chance.choice((0, "", []))


def change_a_token(chance: random.Random, path: Path) -> str:
    """Of a text of lines and words, as a WFDB header or a recipe."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() or [""]
    number = chance.randrange(len(lines))
    words = lines[number].split(" ")
    place = chance.randrange(len(words))
    how = chance.choice(("nasty", "cut", "doubled", "number", "line dropped", "line doubled", "lines exchanged"))
    was = words[place]
    if how.startswith("line"):
        if how == "lines exchanged":
            other = chance.randrange(len(lines))
            lines[number], lines[other] = lines[other], lines[number]
        else:
            lines[number : number + 1] = [lines[number]] * (2 * (how == "line doubled"))
        was = lines[min(number, len(lines) - 1)] if lines else ""
    else:
        digits = str(chance.choice((0, 1, -1, 2, 17, 65536, 2**31, 10**12, 0.5)))
        new = {"nasty": chance.choice(NASTY_WORDS).replace("\n", " "), "cut": was[:-1], "number": digits}
        words[place] = new.get(how, f"{was} {was}")
        lines[number] = " ".join(words)
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", errors="surrogateescape"))
    return f"line {number + 1}: {was[:60]!r} {how}"


def change_a_value_of_hdf5(chance: random.Random, path: Path) -> str:
    import h5py
    import numpy as np

    with h5py.File(path, "r+") as file:
        dataset = file[chance.choice(_datasets(file))]
        if not dataset.size:
            return f"{dataset.name}: nothing, it is empty"
        place = tuple(chance.randrange(length) for length in dataset.shape)
        if dataset.dtype.kind == "O":
            dataset[place] = chance.choice(NASTY_WORDS)
        elif len(dataset) > 1 and chance.random() < 0.3:
            dataset[place[0]], dataset[place[0] - 1] = dataset[place[0] - 1], dataset[place[0]]
        elif chance.random() < 0.3:
            dataset[place[0]] = np.zeros_like(dataset[place[0]])
        else:
            dataset[place] = dataset[place] + dataset.dtype.type(1)
        return f"{dataset.name}: a value at {place} changed"


def remake_a_dataset_of_hdf5(chance: random.Random, path: Path) -> str:
    import h5py

    with h5py.File(path, "r+") as file:
        name = chance.choice(_datasets(file))
        how = chance.choice(("dropped", "float64", "big-endian", "shorter", "reversed", "gzip", "chunks", "renamed"))
        values, attributes = file[name][()], dict(file[name].attrs)
        kind = h5py.string_dtype() if file[name].dtype.kind == "O" else values.dtype
        if how == "renamed":
            file.move(name, f"{name}_2")
            return f"{name} renamed"
        del file[name]
        packed: dict[str, dict[str, Any]] = {"gzip": {"compression": "gzip"}, "chunks": {"chunks": True}}
        if how == "float64" and kind == values.dtype:
            values, kind = values.astype("f8"), "f8"
        elif how == "big-endian" and kind == values.dtype:
            kind = values.dtype.newbyteorder(">")
        elif how in ("shorter", "reversed"):
            values = values[:-1] if how == "shorter" else values[::-1]
        if how != "dropped":
            new = file.create_dataset(name, data=values, dtype=kind, **packed.get(how, {}))
            for key, value in attributes.items():
                new.attrs[key] = value
        return f"{name} {how}"


def link_in_hdf5(chance: random.Random, path: Path) -> str:
    import h5py

    with h5py.File(path, "r+") as file:
        name = chance.choice(_datasets(file))
        how = chance.choice(("soft", "external", "virtual", "dangling", "external storage"))
        shape, dtype, values = file[name].shape, file[name].dtype, file[name][()]
        file.move(name, "moved")
        if how == "soft":
            file[name] = h5py.SoftLink("/moved")
        elif how == "external":
            file[name] = h5py.ExternalLink("../outside/other.h5", "/signals")
        elif how == "dangling":
            file[name] = h5py.SoftLink("/nowhere")
        elif dtype.kind == "O":
            file[name] = h5py.SoftLink("/moved")
        elif how == "virtual":
            layout = h5py.VirtualLayout(shape, dtype)
            layout[...] = h5py.VirtualSource(file["moved"])
            file.create_virtual_dataset(name, layout)
        else:
            outside = path.with_name("signals.raw")
            outside.write_bytes(values.tobytes())
            file.create_dataset(name, shape, dtype, external=[(outside.name, 0, values.nbytes)])
        return f"{name} made a link: {how}"


def change_an_attribute_of_hdf5(chance: random.Random, path: Path) -> str:
    import h5py
    import numpy as np

    with h5py.File(path, "r+") as file:
        holder = chance.choice([file, *(file[name] for name in _datasets(file) if file[name].attrs)])
        key = chance.choice(sorted(holder.attrs))
        how = chance.choice(("nasty", "near", "dropped", "array"))
        value = holder.attrs[key]
        if how == "dropped":
            del holder.attrs[key]
        elif how == "array":
            holder.attrs[key] = np.zeros((3, 0, 2))
        elif how == "near" and isinstance(value, (str, int, float, np.number)):
            holder.attrs[key] = f"{value[:-1]}x" if isinstance(value, str) else value + 1
        else:
            holder.attrs[key] = chance.choice(("", "[1", "[" * 3000, "é", "null", "{}", 3.5, -1))
        return f"attribute {key} of {holder.name}: {how}"


def _datasets(file: Any) -> list[str]:
    import h5py

    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(names)


def change_an_array(chance: random.Random, path: Path) -> str:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    name = chance.choice(sorted(arrays))
    array = arrays[name]
    how = chance.choice(
        (
            "dropped",
            "renamed",
            "reversed",
            "doubled",
            "shorter",
            "nan",
            "float64",
            "int64",
            "text",
            "flat",
            "huge",
            "one",
        )
    )
    if how in ("dropped", "renamed"):
        taken = arrays.pop(name)
        arrays |= {f"{name}_2": taken} if how == "renamed" else {}
    elif how in ("reversed", "doubled", "shorter") and array.ndim:
        arrays[name] = {"reversed": array[::-1], "doubled": np.concatenate([array, array]), "shorter": array[:-1]}[how]
    elif how in ("nan", "huge", "one") and array.dtype.kind in "fiu" and array.size:
        changed = array.astype(np.float64)
        changed.reshape(-1)[chance.randrange(array.size)] = {"nan": np.nan, "huge": 1e300, "one": 1.0}[how]
        arrays[name] = changed
    elif how in ("float64", "int64") and array.dtype.kind in "fiu":
        arrays[name] = array.astype(how)
    elif how == "text":
        arrays[name] = array.astype(str)
    else:
        arrays[name] = array.reshape(-1)
    with open(path, "wb") as out:
        np.savez(out, **arrays)
    return f"{name}: {how}"


def exchange_tensors(chance: random.Random, path: Path) -> str:
    """Two tensors of one shape change places, or one value becomes another; the header stays."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    names = sorted(tensors)
    name = chance.choice(names)
    alike = [other for other in names if other != name and tensors[other].shape == tensors[name].shape]
    if alike and chance.random() < 0.5:
        other = chance.choice(alike)
        tensors[name], tensors[other] = tensors[other].clone(), tensors[name].clone()
        said = f"{name} and {other} exchanged"
    elif chance.random() < 0.2:
        metadata, said = None, "its header forgotten"
    elif chance.random() < 0.2:
        del tensors[name]
        said = f"{name} dropped"
    else:
        tensors[name] = tensors[name] * 1.5
        said = f"{name} times 1.5"
    save_file(tensors, path, metadata=metadata)
    return said


def change_a_state(chance: random.Random, path: Path) -> str:
    """Of a resume file: another epoch, another number, another moment."""
    import torch

    state = torch.load(path, weights_only=True)
    holder: Any = state
    where = ""
    while True:
        key = chance.choice(sorted(holder, key=str) if isinstance(holder, dict) else range(len(holder)))
        where = f"{where}.{key}"
        if not isinstance(holder[key], (dict, list)) or not holder[key]:
            break
        holder = holder[key]
    value = holder[key]
    if isinstance(value, torch.Tensor):
        holder[key] = value * 2 + 1
    elif isinstance(holder, tuple):
        return f"{where}: nothing, it is fixed"
    else:
        holder[key] = chance.choice((_near(chance, value), None, "x", -1))
    torch.save(state, path)
    return f"{where} changed"


OF_FORMAT: dict[str, tuple[Mutation, ...]] = {
    ".csv": (change_a_cell, change_a_cell, change_a_cell, move_a_row, move_a_column, save_a_table_otherwise),
    ".json": (change_a_field,),
    ".hea": (change_a_token,),
    ".toml": (change_a_token,),
    ".h5": (
        *(change_a_value_of_hdf5, change_a_value_of_hdf5, remake_a_dataset_of_hdf5),
        *(link_in_hdf5, change_an_attribute_of_hdf5),
    ),
    ".part": (change_a_value_of_hdf5, remake_a_dataset_of_hdf5, change_an_attribute_of_hdf5),
    ".npz": (change_an_array,),
    ".safetensors": (exchange_tensors,),
    ".pt": (change_a_state,),
}
"""What may happen to a file of each ending. A new format is a line here."""
