"""How fast a store is read: against plain arrays of the same file, shuffled against in order, stored against drawn.

Simulated recordings become a store of one form of twelve leads at 224 pixels (0.6 MB a record), and one of all forms
of three leads at 256 (0.8 MB). Both fit into the page cache, from which all sides read; no disk is measured here. One
thread, no worker processes; what is read is compared first.

    python -m benchmarks.loading -records 1000
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.ratio import Row, medians
from benchmarks.simulated_store import make_store, simulate
from pipeline.commands.parser import CommandParser, positive_int, run_command

if TYPE_CHECKING:
    from pipeline.inputs.batches import Pick
    from pipeline.inputs.items import StoreItems
    from pipeline.inputs.spec import InputSpec
    from pipeline.store.reading import Store

BATCH_SIZE = 64
TWELVE_LEADS = ("--leads", "all", "--size", "224", "--representations", "gaf")
THREE_LEADS = ("--leads", "I", "II", "V2", "--size", "256")


def main(words: Sequence[str] | None = None) -> None:
    """Times all in turn and prints a line for each claim."""
    parser = CommandParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.option("records", type=positive_int, default=400, help="simulated (default %(default)s)")
    parser.option("turns", type=positive_int, default=7, help="default %(default)s")
    options = parser.parse_args(words)
    for row in measure(options.records, options.turns):
        print(row, flush=True)


def measure(n_records: int = 400, turns: int = 7) -> list[Row]:
    """The claims of reading, measured on stores that are made for it."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        recordings = simulate(Path(folder), n_records)
        twelve = make_store(recordings, Path(folder) / "twelve", TWELVE_LEADS)
        three = make_store(recordings, Path(folder) / "three", THREE_LEADS)
        return [
            *_random_reads(twelve, turns),
            _checked(twelve, "12 × 224 × 224", turns),
            _checked(three, "12 × 256 × 256", turns),
            _shuffled(twelve, "12 × 224 × 224", turns),
            _shuffled(three, "12 × 256 × 256", turns),
            _drawn(twelve, "GAF of 12 leads at 224", turns),
            _drawn(three, "4 forms of 3 leads at 256", turns),
        ]


def _random_reads(store: "Store", turns: int) -> list[Row]:
    """Of one record's images, as an array and as a network's batch, and of a batch of them."""
    import h5py

    items, random = _items(store, on_the_fly=False), np.random.default_rng(0).permutation(store.n_items)
    (form,) = store.images
    ours = store.images[form].open()
    with h5py.File(store.path) as file:
        dataset = file[f"images/{form}"]
        mapped = np.memmap(store.path, np.uint8, "r", dataset.id.get_offset(), dataset.shape)
        _require_equal(mapped[random[0]], ours[random[0]], _record(items, random[0]), dataset[random[0]])
        found = medians(
            {
                "ours": lambda: _pass(np.array(ours[row]) for row in random),
                "our batches of one": lambda: _pass(_record(items, row) for row in random),
                "memmap": lambda: _pass(np.array(mapped[row]) for row in random),
                "h5py": lambda: _pass(dataset[row] for row in random),
                "our batches": partial(_read, items, _picks(random)),
                "memmap batches": lambda: _pass(_stack(mapped, pick.rows) for pick in _picks(random)),
            },
            turns,
        )
    each = {name: seconds / store.n_items for name, seconds in found.items()}
    what = "random reads of a record's images, 12 × 224 × 224"
    batched = f"{what}, in batches of {BATCH_SIZE}, against numpy.memmap"
    return [
        Row(f"{what}, as the store maps them, against numpy.memmap", each["ours"], each["memmap"], 0.9),
        Row(batched, each["our batches"], each["memmap batches"], 0.9),
        Row(f"{what}, in batches of one, against numpy.memmap", each["our batches of one"], each["memmap"], 0.9),
        Row(f"{what}, as the store maps them, against h5py's d[i]", each["ours"], each["h5py"]),
    ]


def _checked(store: "Store", what: str, turns: int) -> Row:
    """A first epoch, in which each item is compared with its sum, against a later one, in which none is."""
    from pipeline.store.reading import open_store

    picks = _picks(np.random.default_rng(0).permutation(store.n_items))
    later = _items(store, on_the_fly=False)
    _read(later, picks)
    found = medians(
        {
            "first": lambda: _read(_items(open_store(store.path), on_the_fly=False), picks),
            "later": lambda: _read(later, picks),
        },
        turns,
    )
    name = f"a first epoch of stored images, {what}, with its checksums against a later one, a record"
    return Row(name, found["first"] / store.n_items, found["later"] / store.n_items)


def _shuffled(store: "Store", what: str, turns: int) -> Row:
    items, rows = _items(store, on_the_fly=False), np.arange(store.n_items)
    random = np.random.default_rng(0).permutation(rows)
    runs = {"shuffled": partial(_read, items, _picks(random)), "in order": partial(_read, items, _picks(rows))}
    found = medians(runs, turns)
    name = f"an epoch of stored images, {what}, shuffled against in order, a record"
    return Row(name, found["shuffled"] / len(rows), found["in order"] / len(rows), 1)


def _drawn(store: "Store", what: str, turns: int) -> Row:
    """As a network takes them; both sides make the same float32 input, in memory that is kept as train.py keeps it."""
    from pipeline.inputs.maker import InputMaker
    from pipeline.machine.devices import keep_freed_memory

    keep_freed_memory()
    picks = _picks(np.random.default_rng(0).permutation(store.n_items))[:2]
    runs: dict[str, Callable[[], list[np.ndarray]]] = {}
    for name, on_the_fly in (("drawn", True), ("stored", False)):
        items = _items(store, on_the_fly)
        runs[name] = partial(_inputs, items, InputMaker(items.spec), picks)
    _require_equal(*(run()[0] for run in runs.values()))
    found = medians(runs, turns)
    name = f"a batch of {BATCH_SIZE} images drawn on the fly against stored ones, {what}"
    return Row(name, found["drawn"] / len(picks), found["stored"] / len(picks), 1)


def _items(store: "Store", on_the_fly: bool) -> "StoreItems":
    from pipeline.inputs.placement import store_items

    return store_items(store, np.arange(store.n_items), _spec(store, on_the_fly))


def _spec(store: "Store", on_the_fly: bool) -> "InputSpec":
    from pipeline.inputs.spec import InputSpec

    return InputSpec(
        modality="image",
        leads=tuple(store.image_leads),
        sampling_rate=store.sampling_rate,
        gain=store.gain,
        n_samples=int(store.lengths.max()),
        representations=store.image_parameters,
        on_the_fly=on_the_fly,
    )


def _picks(rows: np.ndarray) -> "list[Pick]":
    from pipeline.inputs.batches import Pick

    parts = [rows[first : first + BATCH_SIZE] for first in range(0, len(rows), BATCH_SIZE)]
    return [Pick(part, np.zeros(len(part), np.int64)) for part in parts]


def _pass(batches: Iterable[object]) -> None:
    """Goes through batches as a training does: each is let go when the next one is there."""
    for _ in batches:
        pass


def _record(items: "StoreItems", row: int) -> np.ndarray:
    from pipeline.inputs.batches import Pick

    found: np.ndarray = items[Pick(np.array([row]), np.zeros(1, np.int64))].raw.numpy()[0]
    return found


def _stack(mapped: np.ndarray, rows: np.ndarray) -> np.ndarray:
    stacked = np.empty((len(rows), *mapped.shape[1:]), np.uint8)
    for place, row in zip(stacked, rows, strict=True):
        place[:] = mapped[row]
    return stacked


def _read(items: "StoreItems", picks: "list[Pick]") -> None:
    from pipeline.inputs.batches import load

    _pass(load(items, picks))


def _inputs(items: "StoreItems", maker: Callable[..., "np.ndarray"], picks: "list[Pick]") -> list[np.ndarray]:
    from pipeline.inputs.batches import load

    return [maker(batch.raw, batch.length) for batch in load(items, picks)]


def _require_equal(first: np.ndarray, *others: np.ndarray) -> None:
    if not all(np.array_equal(first, other) for other in others):
        sys.exit("the two sides do not read the same: there is nothing to compare")


if __name__ == "__main__":
    run_command(main)
