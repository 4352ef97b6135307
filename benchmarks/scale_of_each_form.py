"""Which amplitude scale, and which bins, suit each image form: the evidence behind their defaults.

Trains a slim ResNet on one form of all leads at a time, pictures of 64 × 64 of random crops of 2.5 s (40 ms a pixel, as
256 pixels have of the whole 10 s), and compares the dev macro-AUC. Dev must be a fold that no result is reported on:

    python create_images.py --representations none --folds train=1-7 dev=8 test=9 --out data/signals
    python -m benchmarks.scale_of_each_form -data data/signals
"""

import contextlib
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.commands.parser import CommandParser, positive_int, run_command

TRIALS: dict[str, tuple[str, dict[str, Any]]] = {
    "gaf, record": ("gaf", {"scale": "record"}),
    "gaf, fixed ±1 mV": ("gaf", {"scale": "fixed", "range_mv": 1.0}),
    "rp, record": ("rp", {"scale": "record"}),
    "rp, fixed ±1 mV": ("rp", {"scale": "fixed", "range_mv": 1.0}),
    "rp, fixed ±2 mV": ("rp", {"scale": "fixed", "range_mv": 2.0}),
    "mtf, quantile bins": ("mtf", {"mtf_strategy": "quantile"}),
    "mtf, uniform bins, record": ("mtf", {"mtf_strategy": "uniform", "scale": "record"}),
    "mtf, uniform bins, fixed ±1 mV": ("mtf", {"mtf_strategy": "uniform", "scale": "fixed", "range_mv": 1.0}),
    "stft, record": ("stft", {"scale": "record"}),
    "stft, fixed": ("stft", {"scale": "fixed"}),
}


def main(words: Sequence[str] | None = None) -> None:
    """Trains every trial with every seed and prints the table."""
    parser = CommandParser(prog="python -m benchmarks.scale_of_each_form", description=__doc__)
    parser.option("data", default="data/signals", help="folder of the stores (default %(default)s)")
    parser.option("out", type=Path, default=Path("runs/scale_of_each_form"), help="folder of the runs")
    parser.option("seeds", type=int, nargs="+", default=[0])
    parser.option("epochs", type=positive_int, default=4)
    parser.option("limit", type=positive_int, default=6000, help="training items (default %(default)s)")
    parser.option("threads", type=positive_int, default=1)
    arguments = parser.parse_args(words)
    print("| form | dev macro-AUC | AUC of HYP | macro-AUC of each seed |\n| --- | ---: | ---: | --- |")
    for name, (form, image_options) in TRIALS.items():
        found = [_train(arguments, name, form, image_options, seed) for seed in arguments.seeds]
        macro, of_hyp = (statistics.mean(aucs) for aucs in zip(*found, strict=True))
        each = " ".join(f"{auc:.4f}" for auc, _ in found)
        print(f"| {name} | {macro:.4f} | {of_hyp:.4f} | {each} |", flush=True)


def _train(arguments: Any, name: str, form: str, image_options: dict[str, Any], seed: int) -> tuple[float, float]:
    """The dev macro-AUC of one training and its AUC of HYP; one that is there already is not trained again."""
    from pipeline.evaluation.metrics import auroc
    from pipeline.evaluation.scores import load_scores
    from pipeline.runs.card import CARD, DEV_SCORES
    from pipeline.runs.card_file import read_card
    from pipeline.training.options import TrainOptions
    from pipeline.training.run import train_run

    folder = arguments.out / f"{name.replace(', ', '-').replace(' ', '_')}-{seed}"
    if not (folder / CARD).exists() or not read_card(folder).complete:
        options = TrainOptions.of(
            model="resnet",
            nb_filters=8,
            leads=["all"],
            representation=[form],
            data=arguments.data,
            crop=2.5,
            stride=2.5,
            epochs=arguments.epochs,
            limit=arguments.limit,
            seed=seed,
            threads=arguments.threads,
            path_save_model=str(folder),
            size=64,
            **image_options,
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.with_suffix(".log"), "w") as log, contextlib.redirect_stdout(log):
            train_run(options)
    dev = load_scores(folder / DEV_SCORES)
    column = dev.classes.index("HYP")
    return float(read_card(folder).dev_macro_auroc), auroc(dev.labels[:, column], dev.scores[:, column])


if __name__ == "__main__":
    run_command(main)
