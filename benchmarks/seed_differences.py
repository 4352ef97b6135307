"""Differences of macro-AUC between rows of a table, each the mean of several seeds, over the same patients."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline.evaluation.scores import Scores


def macro_auroc(folder: Path, n_resamples: int) -> tuple[float, np.ndarray]:
    """The test macro-AUC of a run, and that of resamples of patients, the same ones for every run."""
    from pipeline.evaluation.scores import load_scores, save_scores
    from pipeline.scoring.partition import score_partition

    file = folder / "evaluation" / "test" / "scores.npz"
    if not file.exists():
        save_scores(file, score_partition(folder, None, "test"))
    return resampled_macro_auroc(load_scores(file), n_resamples)


def resampled_macro_auroc(scores: "Scores", n_resamples: int) -> tuple[float, np.ndarray]:
    """The macro-AUC of some scores, and that of resamples of patients, the same ones for every run.

    Both are over the classes that an interval can be had of; there must be one.
    """
    from pipeline.evaluation.figures import evaluate
    from pipeline.evaluation.intervals import Resampling
    from pipeline.evaluation.resampling import columns

    intervals = evaluate(scores, resampling=Resampling(n_resamples, 0)).intervals
    assert intervals is not None
    return intervals.macro_values["auroc"], intervals.draws[:, 0, columns().index("auroc")]


def differences(
    values: Mapping[str, Sequence[float]], draws: Mapping[str, np.ndarray], against: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Means of the seeds less those of others, with paired intervals over patients and p-values, both by Holm.

    Args:
        values: of each row, a macro-AUC a seed.
        draws: the mean of the seeds on each resample.
        against: by what a difference is called, the row and that which it is compared with; all are one family.
    """
    from pipeline.evaluation.paired import holm, paired_interval, paired_p_value

    if not against:
        return {}
    changes = [draws[name] - draws[other] for name, other in against.values()]
    p = np.array([paired_p_value(change) for change in changes])
    corrected, found = holm(p), {}
    for i, (called, (name, other)) in enumerate(against.items()):
        low, high = paired_interval(changes[i], corrected[i] / p[i])
        noise = ", within noise" if low <= 0 <= high else ""
        difference = np.mean(values[name]) - np.mean(values[other])
        found[called] = f"{difference:+.4f} ({low:+.4f} to {high:+.4f}), p {corrected[i]:.3f}{noise}"
    return found
