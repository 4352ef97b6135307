"""What happens to a store: a value, a dataset, a link, an attribute becomes another."""

import random
from pathlib import Path
from typing import Any

from campaign.nasty import NASTY_WORDS


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
