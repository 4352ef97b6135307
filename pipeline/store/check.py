"""Whether what lies on the disk is what was written: stores by their checksums, a source by its list of sums."""

from collections.abc import Iterator
from pathlib import Path

import h5py

from pipeline.listening import progress_bar
from pipeline.store.checksums import SUMS, sums_of
from pipeline.store.reading import open_store


def damage_of_store(path: Path) -> Iterator[str]:
    """A sentence for each item whose signals or images are not what was written.

    Raises:
        EcgFusionError: the store is refused already when it is opened, as where its tables are damaged.
    """
    store = open_store(path)
    with h5py.File(path, "r") as file:
        known = {
            name: file[f"{SUMS}/{name}"][()]
            for name in ("signals", *(f"images/{each}" for each in store.images))
            if SUMS in file
        }
    for name, sums in known.items():
        rows = (store.signals if name == "signals" else store.images[name.removeprefix("images/")]).open()
        for row in progress_bar(range(store.n_items), f"check {path.stem} {name}"):
            if sums_of(rows[row : row + 1])[0] != sums[row]:
                yield f"{path}: {name} of {store.columns['item_id'][row]} are damaged: make the store anew"
