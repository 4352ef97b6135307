"""How well are classes read from outputs that tell more: from their own, from their statements, or from both?

Takes runs whose networks have outputs for statements beside those of the task that they answer (`-learn all
superdiagnostic`), has the outputs of each crop once, and reads the classes in several ways: from their own outputs, by
noisy-or over their statements, as the likeliest of their statements, and by the mean of the log-odds of the first two,
as the runs do. An item has the mean over its crops, as ever.

    python -m benchmarks.readings -run runs/ptbxl_signal -data data/signals
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.parser import CommandParser, run_command
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.runs.build import Run
    from pipeline.runs.card_parts import LearntCard
    from pipeline.store.reading import Store


def noisy_or(statements: np.ndarray) -> np.ndarray:
    """(crops, statements) to (crops,): that one of them is there, as if none knew of the others."""
    found: np.ndarray = 1 - np.prod(1 - statements, 1)
    return found


def mean_of_log_odds(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two probabilities that are neither 0 nor 1."""
    odds = np.sqrt(one / (1 - one) * other / (1 - other))
    found: np.ndarray = odds / (1 + odds)
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Reads the classes of each run in every way and prints the table.

    Raises:
        EcgFusionError: a run has no outputs of statements beside those of its classes.
    """
    parser = CommandParser(prog="python -m benchmarks.readings", description=__doc__)
    parser.option("run", type=Path, nargs="+", required=True, metavar="FOLDER", help="runs of one network each")
    parser.option("data", type=Path, default=Path("data/signals"), help="folder of the stores (default %(default)s)")
    options = parser.parse_args(words)

    from pipeline.runs.load import load_run
    from pipeline.store.reading import open_partition

    print("| run | read from | dev macro-AUC | test macro-AUC |\n| --- | --- | ---: | ---: |")
    for folder in options.run:
        run = load_run(folder)
        found = [_read(run, folder, open_partition(options.data, partition)) for partition in ("dev", "test")]
        for way in found[0]:
            print(f"| {folder.name} | {way} | {found[0][way]:.4f} | {found[1][way]:.4f} |", flush=True)


def _read(run: "Run", folder: Path, store: "Store") -> dict[str, float]:
    """The mean AUROC of each way to read the classes of a store's items."""
    from pipeline.evaluation.metrics import macro_auroc
    from pipeline.scoring.checks import check_fit

    check_fit(run.card, store, folder)
    labels = store.task(run.card.task)
    rows = np.flatnonzero(labels.labelled)
    learnt = run.card.learnt
    if learnt is None or all(len(lists) == 1 for lists in learnt.readings.values()):
        raise EcgFusionError(f"{folder} reads its classes in one way: train it with -learn all {run.card.task}")
    crops, of = _outputs(run, learnt, store, rows)
    n_crops = np.bincount(of, minlength=len(rows))
    found = {}
    for way, read in _ways(crops).items():
        of_crops = [read(lists[0], lists[-1]) for lists in (learnt.readings[name] for name in run.card.classes)]
        means = np.stack([np.bincount(of, each, len(rows)) / n_crops for each in of_crops], 1)
        found[way] = macro_auroc(labels.values[rows], means)
    return found


def _outputs(run: "Run", learnt: "LearntCard", store: "Store", rows: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
    """The probabilities of every output, by its name, (crops,), and the item of each crop."""
    from dataclasses import replace

    from pipeline.inputs.batches import CPU
    from pipeline.scoring.predict import probabilities

    as_they_are = replace(learnt, readings={name: ((name,),) for name in learnt.classes})
    bare = replace(run, card=replace(run.card, classes=learnt.classes, learnt=as_they_are))
    told: list[tuple[np.ndarray, np.ndarray]] = []
    probabilities(bare, store, rows, CPU, progress="scoring", tell_crops=lambda answers, of: told.append((answers, of)))
    answers, of = (np.concatenate(each) for each in zip(*told, strict=True))
    return dict(zip(learnt.classes, answers.astype(np.float64).T, strict=True)), of


def _ways(crops: dict[str, np.ndarray]) -> dict[str, Callable[..., np.ndarray]]:
    """How a class is read, by its own output and the names of its statements; that of one statement has one list."""

    def own(its: Sequence[str], statements: Sequence[str]) -> np.ndarray:
        return crops[its[0]]

    def of_statements(its: Sequence[str], statements: Sequence[str]) -> np.ndarray:
        return noisy_or(np.stack([crops[name] for name in statements], 1))

    def likeliest(its: Sequence[str], statements: Sequence[str]) -> np.ndarray:
        found: np.ndarray = np.max([crops[name] for name in statements], 0)
        return found

    def both(its: Sequence[str], statements: Sequence[str]) -> np.ndarray:
        return mean_of_log_odds(own(its, statements), of_statements(its, statements))

    return {
        "its own output": own,
        "its statements, noisy-or": of_statements,
        "its statements, the likeliest": likeliest,
        "both, as the run does": both,
    }


if __name__ == "__main__":
    run_command(main)
