"""Writes the model card of trained weights: README.md in the run's folder, from its card and from its scores of dev.

What it says of figures comes from evaluate.py with the stores that are named: every class with its counts and
intervals, and groups of age and sex. They are of dev, on which the epoch and the thresholds were chosen; what the same
recipe reached on records that nothing was chosen on stands in docs/results.md.

    python -m benchmarks.model_cards weights/signal weights/fused -data data/signals
"""

import contextlib
import io
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import evaluate
from pipeline.commands.parser import CommandParser, run_command
from pipeline.machine.files import replace_atomically
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import TrainingCard
from pipeline.runs.folder import leaves

CARD_FILE = "README.md"
_FEW = 8
SOURCES = {
    "ptbxl": """\
PTB-XL (Wagner et al., Scientific Data 2020; PhysioNet, doi 10.13026/kfzx-aw45): 21,799 recordings of 10 s of 18,869
patients of one institute in Germany, 1989 to 1996, under Creative Commons Attribution 4.0. Labels are statements of one
or two cardiologists, or of a machine."""
}
TEXT = """\
# {name}: {task}, {classes}

A {kind} run of ecgfusion. From the repository's folder:

    python predict.py -run {run} patient.xml
    python evaluate.py -run {run} -data data/signals{further}

{networks}

`run.json` is the whole card; it was made by commit {commit}. Weights are of half precision where that holds them.

## Data and licence

{source}

Trained on folds {train}; the epoch and the thresholds were chosen on fold {dev}; nothing has seen fold 10. The
weights are under the licence of this repository (MIT); who uses them cites PTB-XL.

## What it must not be used for

- **It is not a medical device.** No diagnosis, no triage, no monitoring and no decision about a person may rest on it.
- Not for recordings unlike those that it has learnt from: children (PTB-XL has few), paced hearts, monitoring leads,
  exercise, paper tracings.
- Its probabilities are those of one hospital's patients, with their shares of the classes; among others they are too
  high or too low, and so are the thresholds.
- What no statement of PTB-XL names, it cannot find. An answer without a finding does not say that a heart is healthy.
- Groups differ, as the tables below show; of origin, device and other illness nobody has measured it.

## Figures of dev, with intervals and groups

The epoch and the thresholds were chosen on these records, so that their figures are optimistic. What the recipe reached
on records that nothing was chosen on: [Results](../../docs/results.md).

{tables}
"""


def main(words: Sequence[str] | None = None) -> None:
    """Writes the card of each run."""
    parser = CommandParser(prog="python -m benchmarks.model_cards", description=__doc__)
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folders of finished runs")
    parser.option("data", type=Path, metavar="FOLDER", required=True, help="the stores whose dev they were chosen on")
    options = parser.parse_args(words)
    for run in options.runs:
        text = model_card(run, tables_of(run, options.data))
        replace_atomically(run / CARD_FILE, partial(Path.write_text, data=text, encoding="utf-8"))
        print(run / CARD_FILE)


def tables_of(run: Path, data: Path) -> str:
    """What evaluate.py says of dev, with groups of age and sex, as Markdown."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        asked = ["-run", str(run), "-data", str(data), "-partition", "dev", "-subgroups", "age", "sex"]
        evaluate.main([*asked, "-threads", "1", "-out", folder])
        return Path(folder, "table.md").read_text(encoding="utf-8")


def model_card(run: Path, tables: str) -> str:
    """The model card of a run whose dev scores have these tables, as Markdown."""
    card = read_card(run)
    n_classes = len(card.classes)
    begin = ""
    if card.run_kind == "network":
        begin = f"\n    python train.py -init {run} -data data/mine -path_save_model runs/mine"
    return TEXT.format(
        name=run.name,
        run=run,
        task=card.task,
        classes=" ".join(card.classes) if n_classes < _FEW else f"{n_classes} classes",
        kind=card.run_kind,
        further=begin,
        networks="\n".join(_network(inner, run, place) for inner, place in leaves(card, run)),
        commit=card.versions.get("git", "unknown"),
        source=SOURCES[card.data.source],
        train=" ".join(map(str, card.data.folds["train"])),
        dev=" ".join(map(str, card.data.folds["dev"])),
        tables=tables.strip().replace(f"{run.parent}/", ""),
    )


def _network(card: Card, run: Path, place: Path) -> str:
    """What one network is and how it was trained, as an entry of a list."""
    spec, training = card.spec, card.training
    seen = "their median beat" if spec.beat else f"{spec.crop:g} s of them" if spec.crop else "all of them"
    drawn = f" drawn as {' '.join(spec.representations)}" if spec.modality == "image" else ""
    beside = f", and numbers of the whole record (`-features {' '.join(spec.features)}`)" if spec.features else ""
    learnt = f", {len(card.outputs)} outputs for {' and '.join(card.learnt_tasks)}" if card.learnt else ""
    teacher, taught = card.teacher, ""
    if teacher is not None:
        taught = (
            f";\n  taught by `{Path(teacher.folder).name}`, a `{teacher.model}` run that knows the same records (its "
            f"seal: {teacher.seal[:12]}), with a weight of {teacher.weight:g} beside their labels"
        )
    name = "" if place == run else f"{place.name}: "
    return (
        f"- {name}`{card.model}`, sees the leads {' '.join(spec.leads)} at {spec.sampling_rate:g} Hz, "
        f"{seen}{drawn}{beside}{learnt};\n"
        f"  {training.epochs} epochs of {card.data.n_train_items:,} records, {training.optimizer}, rate "
        f"{training.learning_rate:g}, batches of {training.batch_size}, {training.precision}, seed {training.seed}"
        f"{_changed(training)}{taught}"
    )


def _changed(training: TrainingCard) -> str:
    """How the items, and the weights, were changed beside the steps; nothing where they were not."""
    words = [f"-augment {' '.join(training.augment)}"] if training.augment else []
    words += [f"-{name} {value:g}" for name in ("mixup", "ema") if (value := getattr(training, name))]
    return f";\n  `{' '.join(words)}`" if words else ""


if __name__ == "__main__":
    run_command(main)
