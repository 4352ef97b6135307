"""In which order items come in an epoch whose classes are to be drawn equally often."""

import numpy as np


def balanced_order(classes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many draws as there are items, each class as often as every other, or once more where that does not divide.

    No item of a class comes once more before all others of it have come as often: of a rare class each is drawn several
    times, of a frequent one some are left to another epoch. Classes without an item are not drawn.

    Args:
        classes: the number of each item's class.
        random: where the order comes from.

    Shape:
        - classes: (items,) integers
        - output: (items,) int64, item numbers
    """
    there = np.unique(classes)
    draws = np.full(len(there), len(classes) // max(len(there), 1))
    draws[random.permutation(len(there))[: len(classes) - draws.sum()]] += 1
    drawn = [_drawn(np.flatnonzero(classes == name), n, random) for name, n in zip(there, draws.tolist(), strict=True)]
    return random.permutation(np.concatenate([np.zeros(0, np.int64), *drawn]))


def _drawn(rows: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    times, rest = divmod(n, len(rows))
    return np.concatenate([np.tile(rows, times), random.permutation(rows)[:rest]])
