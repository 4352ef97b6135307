"""A finished store as a tree of files, as the older study laid them out, for programs that read no HDF5."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.commands.escaping import csv_cell
from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.machine.files import file_error
from pipeline.store.reading import Store


def export_store(store: Store, folder: Path) -> str:
    """Writes ``images/RECORD_LEAD_FORM.png`` and ``labels/TASK.csv``; gives a closing sentence.

    Each image is 8-bit grey, to the bit what the store holds. A table has one row for each item that its task
    labels: ``item_id``, then 0 or 1 for each class.

    Args:
        store: the store.
        folder: of this partition; must be empty or new.

    Raises:
        EcgFusionError: the folder holds something already, or the store holds no images.
    """
    if folder.exists() and any(folder.iterdir()):
        raise EcgFusionError(f"{folder} is not empty: name another folder with --export")
    if not store.images:
        raise EcgFusionError(f"{store.path} holds no images to export: make it with --representations gaf")
    try:
        _write_files(store, folder)
    except OSError as problem:
        told = file_error(problem, problem.filename or folder, "write")
        raise told.where_only_new(folder) from None
    n_images = store.n_items * len(store.image_leads) * len(store.images)
    return f"{folder}: {n_images} images, {len(store.labels)} tables of labels"


def _write_files(store: Store, folder: Path) -> None:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "labels").mkdir(exist_ok=True)
    for task, labels in store.labels.items():
        with open(folder / "labels" / f"{task}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["item_id", *map(csv_cell, labels.classes)])
            for item in np.flatnonzero(labels.labelled):
                writer.writerow([csv_cell(store.columns["item_id"][item]), *labels.values[item]])
    images = {name: mapped.open() for name, mapped in store.images.items()}
    for row, item_id in enumerate(progress_bar(store.columns["item_id"], f"export {folder}")):
        for name, of_items in images.items():
            store.images[name].check(np.array([row]), of_items)
            for lead, image in zip(store.image_leads, of_items[row], strict=True):
                Image.fromarray(image).save(folder / "images" / f"{item_id}_{lead}_{name}.png")
