"""Items between items: SMOTE on signals as a network reads them, until every class has as many as the largest."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU, Pick
from pipeline.inputs.items import ResidentSignals
from pipeline.inputs.placement import fits, store_items
from pipeline.inputs.spec import InputSpec
from pipeline.listening import remark, warn
from pipeline.machine.extras import required
from pipeline.store.reading import Store

NEIGHBOURS = 5
_BYTES_AT_ONCE = 16  # a value of the largest class: what imbalanced-learn holds while it makes items of one class


def require_smote() -> None:
    """Refuses to go on where imbalanced-learn is not installed.

    Raises:
        NotInstalledError: with the command that installs it.
    """
    required("imblearn", "smote", "-sampling smote needs")


def bytes_of_smote(of_classes: np.ndarray, n_values: int) -> int:
    """The memory that real and synthetic items take together, with what it takes to make them.

    Args:
        of_classes: items of each class.
        n_values: samples of an item, of all leads.

    Shape:
        - of_classes: (classes,) integers
    """
    largest = int(of_classes.max(initial=0))
    n_items = largest * int((of_classes > 0).sum())
    return (n_items + int(of_classes.sum())) * n_values * 2 + largest * n_values * _BYTES_AT_ONCE


def synthetic_items(
    counts: np.ndarray, classes: np.ndarray, names: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """New items of each class that has fewer than the largest, and the numbers of their classes.

    Each lies on the line from an item to one of its five nearest neighbours of its class, over all leads together, and
    is rounded to whole counts, as every signal is. A class of five or fewer has as many neighbours as there are; of a
    single item nothing is made.

    Args:
        counts: the items, all of one length.
        classes: the number of each item's class.
        names: of the classes.
        seed: of the lines and the places on them.

    Shape:
        - counts: (items, leads, time) int16
        - classes: (items,) integers
        - output: (new items, leads, time) int16 and (new items,) int64

    Reference:
        Chawla et al., SMOTE: Synthetic Minority Over-sampling Technique, 2002, as imbalanced-learn has it.
    """
    require_smote()
    present, sizes = np.unique(classes, return_counts=True)
    flat = counts.reshape(len(counts), -1)
    made, made_classes = [np.zeros((0, flat.shape[1]), np.int16)], [np.zeros(0, np.int64)]
    for number, size in zip(present.tolist(), sizes.tolist(), strict=True):
        missing = int(sizes.max()) - size
        if missing and size == 1:
            warn(f"SMOTE: {names[number]} has a single training item, which has no neighbour: nothing is made of it")
            continue
        if not missing:
            continue
        if size <= NEIGHBOURS:
            remark(
                f"SMOTE: {names[number]} has {size} training items, so each has {size - 1} neighbours, not {NEIGHBOURS}"
            )
        other = int(np.flatnonzero(classes != number)[0])
        of_class = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
        made.append(_between(flat[classes == number], flat[other], missing, of_class))
        made_classes.append(np.full(missing, number, np.int64))
    return np.concatenate(made).reshape(-1, *counts.shape[1:]), np.concatenate(made_classes)


def _between(items: np.ndarray, other: np.ndarray, missing: int, seed: int) -> np.ndarray:
    """So many new items among those of a class; ``other`` is of another class, without which the library refuses."""
    from imblearn.over_sampling import SMOTE

    x = np.concatenate([items, other[None]]).astype(np.float32)
    y = np.append(np.zeros(len(items), np.int64), 1)
    maker = SMOTE(
        sampling_strategy={0: len(items) + missing}, k_neighbors=min(NEIGHBOURS, len(items) - 1), random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that one class will be the largest of the two
        resampled, _ = maker.fit_resample(x, y)
    new: np.ndarray = np.rint(resampled[len(x) :]).astype(np.int16)
    return new


def with_synthetic(
    store: Store,
    rows: np.ndarray,
    spec: InputSpec,
    classes: np.ndarray,
    names: Sequence[str],
    seed: int,
    device: torch.device = CPU,
) -> tuple[ResidentSignals, np.ndarray]:
    """Items of a store with synthetic ones behind them, and the number of each one's class.

    Args:
        store: the opened store.
        rows: row numbers of the real items.
        spec: what a network sees: whole items of one length.
        classes: the number of each real item's class.
        names: of the classes.
        seed: see ``synthetic_items``.
        device: where batches are needed.

    Raises:
        EcgFusionError: the memory does not suffice, or imbalanced-learn is not installed.
    """
    of_classes = np.bincount(classes, minlength=len(names))
    check_memory(of_classes, spec.n_rows * spec.n_samples)
    items = store_items(store, rows, spec, CPU)
    real = items[Pick(np.arange(len(rows)), np.zeros(len(rows), np.int64))].raw[..., : spec.n_samples]
    new, of_new = synthetic_items(real.numpy(), classes, names, seed)
    n_bytes = (len(real) + len(new)) * real[0].numel() * 2
    made = ", ".join(f"{names[number]} {n:,}" for number, n in enumerate(np.bincount(of_new).tolist()) if n)
    remark(
        f"-sampling smote: {len(new):,} synthetic items ({made or 'none'}) beside {len(real):,} real ones, "
        f"{n_bytes / 2**20:,.1f} MiB of signals, in training alone"
    )
    all_of_them = torch.cat([real, torch.from_numpy(new)]).to(device if fits(n_bytes, device) else CPU)
    lengths = np.full(len(all_of_them), spec.n_samples)
    return ResidentSignals(all_of_them, lengths, spec), np.concatenate([classes, of_new])


def check_memory(of_classes: np.ndarray, n_values: int) -> None:
    """Refuses what would take more than its share of the machine's memory.

    Args:
        of_classes: items of each class.
        n_values: samples of an item, of all leads.

    Raises:
        EcgFusionError: with the other way, and how items are fewer.
    """
    n_bytes = bytes_of_smote(of_classes, n_values)
    if not fits(n_bytes, CPU):
        raise EcgFusionError(
            f"-sampling smote would take {n_bytes / 2**30:.1f} GiB of memory, more than a quarter of this machine's: "
            f"take -sampling balanced, or fewer items with -limit"
        )
