"""How well are classes read from outputs that tell more: from their own, from their statements, or from both?

Takes runs whose networks have outputs for statements beside those of the task that they answer (`-learn all
superdiagnostic`), has the outputs of each crop once, and reads the classes in several ways: from their own outputs, by
noisy-or over their statements, as the likeliest of their statements, and by the mean of the log-odds of the first two,
as the runs do. An item has the mean over its crops, as ever.

    python -m benchmarks.readings -run runs/ptbxl_signal -data data/signals
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.commands.parser import CommandParser, run_command
from pipeline.errors import EcgFusionError

if TYPE_CHECKING:
    from pipeline.runs.build import Run
    from pipeline.runs.card_parts import LearntCard
    from pipeline.store.reading import Store


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
    n_crops, found = np.bincount(of, minlength=len(rows)), {}
    for way, of_crops in _ways(crops, run, learnt).items():
        means = np.stack([np.bincount(of, each, len(rows)) / n_crops for each in of_crops.T], 1)
        found[way] = macro_auroc(labels.values[rows], means)
    return found


def _outputs(run: "Run", learnt: "LearntCard", store: "Store", rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of every output, (crops, outputs), and the item of each crop, (crops,)."""
    from dataclasses import replace

    from pipeline.inputs.batches import CPU
    from pipeline.scoring.predict import probabilities

    as_they_are = replace(learnt, readings={name: ((name,),) for name in learnt.classes})
    bare = replace(run, card=replace(run.card, classes=learnt.classes, learnt=as_they_are))
    told: list[tuple[np.ndarray, np.ndarray]] = []
    probabilities(bare, store, rows, CPU, progress="scoring", tell_crops=lambda answers, of: told.append((answers, of)))
    answers, of = (np.concatenate(each) for each in zip(*told, strict=True))
    return answers, of


def _ways(crops: np.ndarray, run: "Run", learnt: "LearntCard") -> dict[str, np.ndarray]:
    """The probabilities of the classes, (crops, classes), by each way to read them of (crops, outputs)."""
    import torch

    from models.noisy_or import NoisyOr

    column = {name: number for number, name in enumerate(learnt.classes)}
    lists = [[[column[name] for name in names] for names in learnt.readings[of]] for of in run.card.classes]
    logits = torch.logit(torch.from_numpy(crops).double(), eps=1e-9)

    def read(readings: list[list[list[int]]]) -> np.ndarray:
        found: np.ndarray = NoisyOr(readings, len(column))(logits).sigmoid().numpy()
        return found

    return {
        "its own output": read([[of_class[0]] for of_class in lists]),
        "its statements, noisy-or": read([[of_class[-1]] for of_class in lists]),  # one statement has one list
        "its statements, the likeliest": np.stack([crops[:, of_class[-1]].max(1) for of_class in lists], 1),
        "both, as the run does": read(lists),
    }


if __name__ == "__main__":
    run_command(main)
