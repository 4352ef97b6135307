"""What happens to files of arrays: recordings, scores, weights, and what a training goes on from."""

import random
from pathlib import Path
from typing import Any

from campaign.mutate_trees import near


def change_an_array(chance: random.Random, path: Path) -> str:
    import numpy as np

    arrays = _arrays_in(path)
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
    _save_arrays(path, arrays)
    return f"{name}: {how}"


def _arrays_in(path: Path) -> dict[str, Any]:
    import numpy as np
    import scipy.io

    if path.suffix == ".npy":
        return {path.stem: np.load(path, allow_pickle=False)}
    if path.suffix == ".mat":
        return {name: value for name, value in scipy.io.loadmat(path).items() if not name.startswith("__")}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    import numpy as np
    import scipy.io

    with open(path, "wb") as out:
        if path.suffix == ".npy":
            np.save(out, next(iter(arrays.values()), np.zeros(0)))
        elif path.suffix == ".mat":
            scipy.io.savemat(out, arrays)
        else:
            np.savez(out, **arrays)


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
        holder[key] = chance.choice((near(chance, value), None, "x", -1))
    torch.save(state, path)
    return f"{where} changed"
