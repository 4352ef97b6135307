"""Does an image network add to a signal network, and more than a second signal network does?

Trains, on stores of folds 1–7 with dev on fold 8, a signal network and an image network with several seeds each, fuses
them seed by seed, and beside each of these fusions makes the same fusion of two signal networks, which is its control:
what any second network adds, joined in that way. All are scored on the test partition. The p-values against the
controls are corrected for as many fusions as the table has (Holm), and the intervals with them, as `evaluate.py` does
it: 0 lies outside exactly where p is at most 0.05. One seed alone has no control. With `-screen`, every image form is
first trained briefly on a quarter of the items; with `-joint`, the signal and the beat network are also trained on
together.

    python create_images.py --representations none --folds train=1-7 dev=8 test=9 --out data/signals
    python -m benchmarks.does_fusion_help -data data/signals -screen

`-full` is the whole matrix, for a GPU: every form at 256 pixels of whole items (the beat as it is), each fused with the
signal network, and joint training too.
What is trained already is kept, so that the command may be stopped and typed again.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.seed_differences import differences, macro_auroc
from pipeline.commands.parser import CommandParser, positive_int, run_command

TASK = "superdiagnostic"
SIGNAL = "-model resnet1d_wang -crop 2.5"
SIGNAL_EPOCHS, IMAGE_EPOCHS = 12, 8
BEAT = "-beat -representation leads -size 80"  # all leads of the median beat as one picture
FORMS = {
    "stft": "-representation stft",
    "gaf": "-representation gaf -gaf_method difference -scale fixed -range_mv 2",
    "rp": "-representation rp",
    "mtf": "-representation mtf",
}
SMALL_IMAGES = {"beat": BEAT} | {form: f"-crop 2.5 -stride 2.5 -size 64 {how}" for form, how in FORMS.items()}
FULL_IMAGES = {"beat": BEAT} | {form: f"-on_the_fly -size 256 {how}" for form, how in FORMS.items()}
FUSIONS = {
    "late mean": "-model late -combine mean",
    "late weighted": "-model late -combine weighted",
    "late stacking": "-model late -combine stacking",
    "concat": "-model intermediate -combine concat",
    "gated": "-model intermediate -combine gated",
}
JOINT = {"joint": "-model intermediate -combine concat -finetune"}  # beats go with any crop of the signal network
SCREENED_ITEMS, SCREENED_EPOCHS = 3700, 4
RESAMPLES = 1000


def main(words: Sequence[str] | None = None) -> None:
    """Trains what is missing of the matrix and prints its table."""
    parser = CommandParser(prog="python -m benchmarks.does_fusion_help", description=__doc__)
    parser.option("data", default="data/signals", help="folder of the stores (default %(default)s)")
    parser.option("out", type=Path, default=Path("runs/does_fusion_help"), help="folder of the runs")
    parser.option("seeds", type=int, nargs="+", default=[0, 1, 2])
    which = "image forms (default beat; all with -full)"
    parser.option("forms", nargs="+", choices=list(SMALL_IMAGES), help=which)
    epochs = f"of each network (default {SIGNAL_EPOCHS}, and {IMAGE_EPOCHS} of an image network)"
    parser.option("epochs", type=positive_int, help=epochs)
    parser.option("limit", type=positive_int, help="training items, for a trial")
    parser.option("threads", type=positive_int, default=1)
    parser.option("screen", action="store_true", help="train each form on a quarter of the items first")
    parser.option("joint", action="store_true", help="train the branches on together, too")
    parser.option("full", action="store_true", help="the whole matrix at 256 pixels, for a GPU")
    options = parser.parse_args(words)
    if options.screen:
        _screen(options)
    _print_table(_matrix(options))


def _matrix(options: Any) -> dict[str, list[Path]]:
    """The runs of each row, one a seed, trained where they are not yet."""
    runs = {"signal": [_network(options, "signal", SIGNAL, SIGNAL_EPOCHS, seed) for seed in options.seeds]}
    for form in options.forms or (list(FULL_IMAGES) if options.full else ["beat"]):
        how = f"-model resnet -leads all {FULL_IMAGES[form]}" if options.full else _small(form)
        runs[form] = [_network(options, form, how, IMAGE_EPOCHS, seed) for seed in options.seeds]
        for fusion, combine in _fusions(options, form).items():
            runs[f"signal + {form}, {fusion}"] = _fused(
                options, f"{form}-{fusion}", combine, runs["signal"], runs[form]
            )
    if len(options.seeds) > 1:
        seconds = [*runs["signal"][1:], runs["signal"][0]]
        every = FUSIONS | {name: how for form in runs for name, how in _fusions(options, form).items()}
        for fusion, combine in every.items():
            name = "control" if fusion == "late mean" else f"control-{fusion}"
            runs[_control_of(fusion)] = _fused(options, name, combine, runs["signal"], seconds)
    return runs


def _fusions(options: Any, form: str) -> dict[str, str]:
    """The fusions of the signal network with a form, and how each is made."""
    return FUSIONS | (JOINT if form == "beat" and (options.joint or options.full) else {})


def _control_of(row: str) -> str:
    """The row of the control of a fused row, which joins two signal networks in the same way."""
    return f"control: two signal networks, {row.rpartition(', ')[2]}"


def _fused(options: Any, name: str, how: str, first: Sequence[Path], second: Sequence[Path]) -> list[Path]:
    """One fusion a seed."""
    pairs = zip(options.seeds, first, second, strict=True)
    return [_fusion(options, name, how, pair, seed) for seed, *pair in pairs]


def _screen(options: Any) -> None:
    """The dev macro-AUC of each form after a short training; nothing is read off the test partition."""
    from pipeline.runs.card_file import read_card

    print("| form, a quarter of the items | dev macro-AUC |\n| --- | ---: |")
    for form in SMALL_IMAGES:
        words = f"{_small(form)} -limit {SCREENED_ITEMS} -epochs {SCREENED_EPOCHS} -task {TASK} -seed 0"
        card = read_card(_train(options, f"screen-{form}", words))
        print(f"| {form} | {card.dev_macro_auroc:.4f} |", flush=True)


def _small(form: str) -> str:
    return f"-model resnet -nb_filters 8 -leads all {SMALL_IMAGES[form]}"


def _network(options: Any, name: str, how: str, epochs: int, seed: int) -> Path:
    limit = f"-limit {options.limit}" if options.limit else ""
    return _train(
        options, f"{name}-{seed}", f"{how} -task {TASK} -epochs {options.epochs or epochs} -seed {seed} {limit}"
    )


def _fusion(options: Any, name: str, how: str, branches: Sequence[Path], seed: int) -> Path:
    drawn = f"-seed {seed} -threads {options.threads}" if "intermediate" in how else ""
    words = f"{how} -branches {' '.join(map(str, branches))} {drawn}"
    return _train(options, f"{name.replace(' ', '-')}-{seed}", words, threads="")


def _train(options: Any, name: str, words: str, threads: str | None = None) -> Path:
    """The run of a command of train.py; one that is finished is not trained again."""
    import train
    from pipeline.runs.card import CARD
    from pipeline.runs.card_file import read_card

    folder = options.out / name
    if (folder / CARD).exists() and read_card(folder).complete:
        run: Path = folder
        return run
    threads = f"-threads {options.threads}" if threads is None else threads
    resume = "-resume" if (folder / CARD).exists() else ""
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = f"{words} {threads} {resume} -data {options.data} -path_save_model {folder}"
    with open(folder.with_suffix(".log"), "a") as log, contextlib.redirect_stdout(log):
        train.main(command.split())
    finished: Path = folder
    return finished


def _print_table(runs: dict[str, list[Path]]) -> None:
    """Mean test macro-AUC of the seeds, and what it has over the signal network and its control, with intervals."""
    from pipeline.evaluation.paired import resamples_for

    controls = {name: _control_of(name) for name in runs if name.startswith("signal + ") and _control_of(name) in runs}
    n_resamples = max(RESAMPLES, resamples_for(max(len(controls), 1)))
    values: dict[str, Any] = {}
    draws: dict[str, np.ndarray] = {}
    for name, folders in runs.items():
        values[name], drawn = zip(*(macro_auroc(folder, n_resamples) for folder in folders), strict=True)
        draws[name] = np.mean(drawn, 0)
    over_signal = {
        name: differences(values, draws, {name: (name, "signal")})[name] for name in runs if name != "signal"
    }
    over_control = differences(values, draws, {name: (name, control) for name, control in controls.items()})
    print(
        "| | seeds | mean | over the signal network | over its control, p by Holm |\n| --- | --- | ---: | --- | --- |"
    )
    for name in runs:
        each = " ".join(f"{value:.4f}" for value in values[name])
        over = [found.get(name, "") for found in (over_signal, over_control)]
        print(f"| {name} | {each} | {np.mean(values[name]):.4f} | {over[0]} | {over[1]} |", flush=True)
    if not controls:
        print("\nNo fusion has its control, which takes two signal networks: give two -seeds or more.")


if __name__ == "__main__":
    run_command(main)
