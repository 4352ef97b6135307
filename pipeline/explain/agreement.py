"""How far explanations agree: of several methods, and of runs that differ by their seed."""

import numpy as np


def agreement(first: np.ndarray, second: np.ndarray, width: int) -> float | None:
    """The rank correlation of two maps over parts of each lead; None where one of them is the same everywhere.

    Ranks, since methods count in units of their own, and parts, since one says what a sample is worth and another what
    a window is.

    Args:
        first: a map.
        second: another, of the same recording.
        width: samples of a part.

    Shape:
        both (leads, time).

    Reference:
        Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, who compare maps by ranks.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(in_parts(values, width)) for values in (first, second)]
    if any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def in_parts(values: np.ndarray, width: int) -> np.ndarray:
    """Means over parts of each lead, one after the other, the last one shorter: (leads, time) to (leads · parts,)."""
    starts = np.arange(0, values.shape[1], width)
    sizes = np.diff(np.append(starts, values.shape[1]))
    found: np.ndarray = np.add.reduceat(values, starts, axis=1) / sizes
    return found.ravel()
