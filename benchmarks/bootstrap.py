"""How much faster a bootstrap of macro-AUC is than a loop over scikit-learn's roc_auc_score.

Both resample the same number of records of the same size of table, as many records and classes as fold 10 of PTB-XL
has for the task "all", with classes from rare to common; they take turns, and the ratio is that of their medians. The
loop is timed over fewer resamples and counted up to as many as ours.

    python -m benchmarks.bootstrap
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.ratio import Row, medians
from pipeline.commands.parser import CommandParser, natural_number, positive_int, run_command
from pipeline.evaluation.ranking import Ranking
from pipeline.evaluation.resampling import Judged, Resampler, rows_of


def main(words: Sequence[str] | None = None) -> None:
    """Times both in turn and prints the ratio."""
    parser = CommandParser(prog="python -m benchmarks.bootstrap", description=__doc__)
    parser.option("records", type=positive_int, default=2158, help="default %(default)s")
    parser.option("classes", type=positive_int, default=71, help="default %(default)s")
    parser.option("resamples", type=positive_int, default=1000, help="default %(default)s")
    parser.option("loop", type=positive_int, default=10, help="resamples of the loop (default %(default)s)")
    parser.option("turns", type=positive_int, default=5, help="default %(default)s")
    parser.option("seed", type=natural_number, default=0, help="default %(default)s")
    options = parser.parse_args(words)
    chosen = {name: value for name, value in vars(options).items() if name != "typed"}
    for row in measure(**chosen):
        print(row)


def measure(
    records: int = 2158, classes: int = 71, resamples: int = 1000, loop: int = 10, turns: int = 5, seed: int = 0
) -> list[Row]:
    """The claim, measured; ``loop`` is the number of resamples of the rival, counted up to ``resamples``."""
    labels, scores = simulated(records, classes, seed)
    runs = {
        "ours": partial(bootstrap, labels, scores, resamples, seed),
        "loop": partial(by_loop, labels, scores, loop, seed),
    }
    found = medians(runs, turns)
    what = f"{resamples} resamples of macro-AUC of {records} records and {classes} classes"
    return [Row(f"{what} against roc_auc_score", found["ours"], found["loop"] * resamples / loop, 50)]


def simulated(n_records: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of classes from seven records to two fifths of all."""
    draw = np.random.default_rng(seed)
    sizes = np.geomspace(min(7, n_records // 3), 0.4 * n_records, n_classes).astype(int)
    labels = np.stack([draw.permutation(n_records) < size for size in sizes], 1)
    return labels, (draw.random(labels.shape) + 0.5 * labels).astype(np.float32) / 1.5


def bootstrap(labels: np.ndarray, scores: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """The macro-AUC of each resample, as evaluate.py draws it, every record a patient."""
    patients = np.arange(len(labels))
    resampler = Resampler(patients, rows_of(Judged(labels, scores, labels), patients), seed)
    rankings = [Ranking(*pair) for pair in zip(labels.T, scores.T, strict=True)]
    blocks = resampler.blocks(n_resamples)
    return np.concatenate([np.mean([each.curve(weights).auroc() for each in rankings], 0) for weights in blocks])


def by_loop(labels: np.ndarray, scores: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """The same, a resample at a time."""
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(seed)
    found: list[float] = []
    while len(found) < n_resamples:
        rows = draw.integers(len(labels), size=len(labels))
        if labels[rows].sum(0).min() > 0 and labels[rows].sum(0).max() < len(labels):
            found.append(float(roc_auc_score(labels[rows], scores[rows])))
    return np.array(found)


if __name__ == "__main__":
    run_command(main)
