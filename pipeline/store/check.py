"""Whether what lies on the disk is what was written: stores by their checksums."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.store.mapped import Mapped
from pipeline.store.reading import open_store
from pipeline.store.sharded import Sharded


class UncheckedError(EcgFusionError):
    """A store that cannot be checked."""


def damage_of_store(path: Path) -> Iterator[str]:
    """A sentence for each item whose signals or images are not what was written.

    Raises:
        EcgFusionError: the store is refused already when it is opened, as where its tables are damaged.
        UncheckedError: it was made by an earlier program and bears no sums, so that nothing can be said.
    """
    store = open_store(path)
    for array in (store.signals, *store.images.values()):
        if not isinstance(array, Mapped | Sharded) or array.sums is None:
            raise UncheckedError(f"{path} bears no checksums, so that damage to it cannot be told: make it anew")
        opened = array.open()
        for row in progress_bar(range(store.n_items), f"check {path.stem} {array.sums.name}"):
            array.read_ahead(np.array([row]))
            if array.sums.differs(row, opened):
                yield f"{array.sums.sentence(row)}: make it anew"
