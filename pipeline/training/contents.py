"""What the stores of a training hold, as digests in its card: it goes on with these labels and signals alone."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.store.mapped import Held, StoredArray
from pipeline.store.reading import Store

_MOST_BYTES = 2**30
"""Of signals, and of each representation, that are read for it: a second or two. Of more, evenly spaced items."""

_PIECE_BYTES = 2**24
_FEATURE = "feature "


def contents(store: Store, task: str, specs: Iterable[InputSpec], learnt: Iterable[str] = ()) -> dict[str, str]:
    """Digests of what a training takes from a store: its labels, with whose they are; signals, features and images.

    Args:
        store: of train or dev.
        task: whose labels say which items count.
        specs: what networks see of it; none where nothing but scores is read.
        learnt: tasks whose labels are learnt instead.
    """
    labels = store.task(task)
    rows = np.flatnonzero(labels.labelled)
    columns = [(name, store.columns[name][rows].tolist()) for name in sorted(store.columns)]
    digest = hashlib.sha256(repr((labels.kind, labels.classes, columns)).encode())
    digest.update(np.ascontiguousarray(labels.values[rows], np.uint8).data)
    for name in learnt:
        further = store.task(name)
        digest.update(repr((name, further.classes)).encode())
        digest.update(np.ascontiguousarray(further.values[rows], np.uint8).data)
    found = {"labels": digest.hexdigest()}
    specs = list(specs)
    if specs:  # images are of signals, which lie beside them and are smaller
        found["signals"] = _digest_of(store.signals, rows)
    for name in dict.fromkeys(name for spec in specs for name in spec.features or ()):
        if name in store.features:
            found[f"{_FEATURE}{name}"] = _digest_of(Held(store.features[name]), rows)
    stored = dict.fromkeys(name for spec in specs if not spec.takes_signals for name in spec.representations)
    return found | {name: _digest_of(store.images[name], rows) for name in stored if name in store.images}


def _digest_of(array: StoredArray, rows: np.ndarray) -> str:
    """Of some items, in their order; of evenly spaced ones where all are too many."""
    bytes_each = int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize
    step = max(1, -(-len(rows) * bytes_each // _MOST_BYTES))
    rows, values = rows[::step], array.open()
    digest = hashlib.sha256(repr((array.dtype.str, array.shape[1:])).encode())
    for piece in np.array_split(rows, max(1, len(rows) * bytes_each // _PIECE_BYTES)):
        array.read_ahead(piece)
        array.check(piece, values)
        digest.update(np.ascontiguousarray(values[piece]).data)
    return digest.hexdigest()


def check_contents(
    began_with: Mapping[str, str],
    store: Store,
    task: str,
    specs: Iterable[InputSpec],
    folder: Path,
    learnt: Iterable[str] = (),
) -> None:
    """Refuses a store that holds something else than the one that a training was begun with.

    Args:
        began_with: what ``contents`` gave then.
        store: of the same partition, now.
        task: as in ``contents``.
        specs: as in ``contents``.
        folder: of the run.
        learnt: as in ``contents``.

    Raises:
        EcgFusionError: labels, patients, signals, features or images are others.
    """
    now = contents(store, task, specs, learnt)
    other = [name for name, digest in began_with.items() if now.get(name) != digest]
    if other:
        named = {"labels": "labels or patients", "signals": "signals"}
        what = named.get(other[0], "features" if other[0].startswith(_FEATURE) else "images")
        raise EcgFusionError(
            f"{store.path} has other {what} than {folder} was begun with: name its store with -data, or train into "
            f"another folder"
        )
