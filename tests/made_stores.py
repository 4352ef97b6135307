"""Stores of any kind, made of arrays: classes that exclude each other, items of unequal length, windows, other leads.

What a class looks like is its pitch, so that a small network learns it in a few epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch

from pipeline.labels import Labels
from pipeline.representations import ImageRecipe, draw_images
from pipeline.signals.counts import PADDING, to_counts
from pipeline.store.reading import digest_of_items
from pipeline.store.writing import Columns, StoreWriter, complete, lay_out, part_path

GAIN, RATE = 1000.0, 100.0
FOLDS = {"train": [1], "dev": [2], "test": [3]}


@dataclass
class Made:
    """What a store is to hold; one entry an item in each.

    Attributes:
        signals: (leads, time) mV each.
        right: the number of each item's class; -1 where the task says nothing of it.
        records: names; several items may be windows of one.
        patients: names.
        features: name to (items, numbers).
    """

    signals: list[np.ndarray]
    right: np.ndarray
    records: list[str]
    patients: list[str]
    classes: tuple[str, ...]
    starts: list[float] = field(default_factory=list)
    features: dict[str, np.ndarray] = field(default_factory=dict)


def made_items(
    partition: str,
    n_records: int,
    classes: Sequence[str] = ("N", "O", "A"),
    *,
    seconds: Sequence[float] = (4.0,),
    n_leads: int = 1,
    missing: Sequence[str] = (),
    unlabelled: int = 0,
    windows: int = 1,
) -> Made:
    """Records of sines whose pitch is their class, each its own patient.

    Args:
        partition: where they belong; others have other records.
        n_records: how many.
        classes: names.
        seconds: lengths that take turns.
        n_leads: of each.
        missing: classes that no record has.
        unlabelled: so many of the last records bear no label.
        windows: items that each record is cut into.
    """
    random = np.random.default_rng([*FOLDS].index(partition))
    there = [number for number, name in enumerate(classes) if name not in missing]
    made = Made([], np.zeros(0, np.int64), [], [], tuple(classes))
    right = []
    for record in range(n_records):
        number = there[record % len(there)]
        time = np.arange(round(seconds[record % len(seconds)] * windows * RATE)) / RATE
        pitch = 1 + 20 * (number + 1) / len(classes)
        waves = np.stack([np.sin(2 * np.pi * (pitch * time + random.random())) for _ in range(n_leads)])
        whole = waves + 0.3 * random.standard_normal(waves.shape)
        for number_of_window, window in enumerate(np.split(whole, windows, axis=1)):
            made.signals.append(window)
            right.append(number if record < n_records - unlabelled else -1)
            made.records.append(f"{partition}{record:03d}")
            made.patients.append(f"of-{partition}{record:03d}")
            made.starts.append(number_of_window * window.shape[1] / RATE)
    made.right = np.array(right)
    return made


def write_store(
    folder: Path,
    partition: str,
    made: Made,
    *,
    leads: Sequence[str] = ("I",),
    task: str = "rhythm",
    kind: str = "multiclass",
    images: ImageRecipe | None = None,
    folds: Mapping[str, Sequence[int]] = FOLDS,
    fold: int | None = None,
    **attributes: Any,
) -> Path:
    """Writes a store as ``create_images.py`` would have; ``attributes`` are further ones, None leaves one out."""
    recipe = images or ImageRecipe(representations=())
    n_items, one_hot = len(made.signals), np.eye(len(made.classes), dtype=np.uint8)
    cut = len(set(made.records)) < n_items
    ids = [
        f"{record}_{round(start * 1000)}" if cut else record
        for record, start in zip(made.records, made.starts, strict=True)
    ]
    items = pd.DataFrame(
        {
            "item_id": ids,
            "record_id": made.records,
            "patient_id": made.patients,
            "fold": np.full(n_items, folds[partition][0] if fold is None else fold),
            "start": made.starts,
            "length": [x.shape[1] / RATE for x in made.signals],
            "age": np.full(n_items, np.nan),
            "sex": np.full(n_items, -1),
        }
    )
    values = np.where(made.right[:, None] >= 0, one_hot[made.right], 0).astype(np.uint8)
    labels = {task: Labels(made.classes, kind, values, made.right >= 0)}
    counts = np.full((n_items, len(leads), max(x.shape[1] for x in made.signals)), PADDING, np.int16)
    for place, x in zip(counts, made.signals, strict=True):
        place[:, : x.shape[1]] = to_counts(x, GAIN)
    said: dict[str, Any] = {
        "source": "made",
        "source_version": "1",
        "partition": partition,
        "folds": {name: list(numbers) for name, numbers in folds.items()},
        "leads": list(leads),
        "image_leads": list(leads) if recipe.representations else [],
        "source_sampling_rate": RATE,
        "sampling_rate": RATE,
        "band": None,
        "filter": "none",
        "gain": GAIN,
        "images": {name: recipe.parameters(name) for name in recipe.representations},
        "tasks": [task],
        "items_digest": digest_of_items(ids),
        "default_task": task,
        "default_leads": list(leads),
        **({"cut": {"kind": "windows", "window_s": 4.0, "stride_s": 4.0}} if cut else {}),
    } | attributes
    path = folder / f"{partition}.h5"
    folder.mkdir(parents=True, exist_ok=True)
    part = part_path(path)
    drawn = {name: recipe.parameters(name) for name in recipe.representations}
    shape = (len(leads), recipe.size, recipe.size)
    kept = {name: value for name, value in said.items() if value is not None or name == "band"}
    lay_out(part, kept, Columns(items, labels, made.features), counts.shape[1:], shape, drawn)
    with StoreWriter(part) as writer:
        writer.write("signals", 0, counts)
        mv = torch.from_numpy(np.where(counts == PADDING, 0, counts) / GAIN)
        grey = draw_images(mv, RATE, recipe) if drawn else None  # (items, leads, representations, size, size)
        for number, name in enumerate(drawn):
            writer.write(name, 0, grey[:, :, number].numpy())
        writer.mark_finished("signals", n_items)
        writer.mark_finished("images", n_items)
    complete(part, path, lambda made_path: h5py.File(made_path, "r").close())
    return path


def write_stores(
    folder: Path, classes: Sequence[str] = ("N", "O", "A"), n_train: int = 48, n_dev: int = 24, **how: Any
) -> Path:
    """Train, dev and test of ``made_items``; ``how`` is of either function. Gives the stores' folder."""
    of_items = {name: how.pop(name) for name in ("seconds", "unlabelled", "windows") if name in how}
    lacking = {name: how.pop(f"{name}_lacks", ()) for name in FOLDS}
    leads = how.setdefault("leads", ("I",))
    for partition, n_records in (("train", n_train), ("dev", n_dev), ("test", n_dev)):
        made = made_items(partition, n_records, classes, n_leads=len(leads), missing=lacking[partition], **of_items)
        write_store(folder, partition, made, **how)
    return folder
