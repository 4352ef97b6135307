"""What a card says of its run, in words: the run, its data, its training, what made it."""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.evaluation.subject import Subject
from pipeline.inputs.spec import describe_beat
from pipeline.machine.checkout import commit
from pipeline.runs.card import Card
from pipeline.runs.card_parts import OF_STEPS, TeacherCard
from pipeline.scoring.subjects import network_of

Facts = tuple[tuple[str, str], ...]
_KINDS = {"network": "one network", "members": "members of a k-fold run", "late": "late fusion"}


def facts_of_run(card: Card, folder: Path, subject: Subject | None) -> dict[str, Facts]:
    """Heading to what is known under it."""
    return {
        "The run": tuple(_of_run(card, folder)),
        "Its data": tuple(_of_data(card, subject)),
        "Its training": tuple(_of_training(card)),
        "Made with": tuple((name, str(each)) for name, each in card.versions.items()),
    }


def program() -> str:
    """This program, its version, and its commit where it is a checkout."""
    try:
        said = f"ecgfusion {version('ecgfusion')}"
    except PackageNotFoundError:
        said = "ecgfusion"
    made = commit()
    return f"{said}, git {made}" if made else said


def _of_run(card: Card, folder: Path) -> Iterator[tuple[str, str]]:
    yield "folder", str(folder)
    yield "network", network_of(card)
    yield "kind", _KINDS.get(card.run_kind, f"{card.run_kind} fusion")
    yield "task", f"{card.task}, {card.kind}, {len(card.classes)} classes"
    if card.options:
        yield "options", _pairs(card.options)
    if card.input:
        yield "sees", _seen(card)
    yield "seed", str(card.training.seed)


def _seen(card: Card) -> str:
    spec = card.spec
    what = f"{', '.join(spec.representations)} of " if spec.representations else ""
    length = f"{spec.n_samples / spec.sampling_rate:g} s" + (f" in crops of {spec.crop:g} s" if spec.crop else "")
    beat = f"the {describe_beat(spec)} of " if spec.beat else ""
    return f"{what}{beat}{', '.join(spec.leads)}; {length} at {spec.sampling_rate:g} Hz, normalised: {spec.normalise}"


def _of_data(card: Card, subject: Subject | None) -> Iterator[tuple[str, str]]:
    data = card.data
    yield "data set", f"{data.source} {data.source_version}"
    yield "stores", data.folder
    yield "folds", "; ".join(f"{name} {_ranges(folds)}" for name, folds in data.folds.items())
    if subject and subject.partition:
        yield "judged on", f"{subject.partition}, folds {subject.folds}"
    yield "training items", f"{data.n_train_items:,}"
    yield "dev items", f"{data.n_dev_items:,}"
    yield "filter", f"{data.band[0]:g}–{data.band[1]:g} Hz" if data.band else "none"
    if data.cut:
        yield "items", _pairs(data.cut)
    if data.scheme:
        yield "folds made by", data.scheme + (f", seed {data.scheme_seed}" if data.scheme_seed is not None else "")
    if data.intra_patient:
        yield "patients", "some are in train and in test"


def _ranges(folds: tuple[int, ...]) -> str:
    if len(folds) > 2 and list(folds) == list(range(folds[0], folds[-1] + 1)):
        return f"{folds[0]}–{folds[-1]}"
    return ", ".join(map(str, folds))


def _of_training(card: Card) -> Iterator[tuple[str, str]]:
    steps = ("optimizer", "learning_rate", "scheduler", "batch_size", "epochs", "loss")
    for name in (*steps, *OF_STEPS, "precision"):
        value = getattr(card.training, name)
        if value is not None:
            yield name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value)
    if card.training.augment:
        yield "augmented by", ", ".join(card.training.augment)
    if card.training.class_weights:
        yield "class weights", ", ".join(f"{each:.3g}" for each in card.training.class_weights)
    if card.fitted:
        yield "fitted", card.fitted
    if card.init:
        yield "begun with", card.init.folder
    if card.teacher:
        yield "taught by", f"{card.teacher.folder} (weight {card.teacher.weight:g}{_contrast(card.teacher)})"
    result = card.result
    if result:
        yield "macro-AUC of dev", f"{result.dev_macro_auroc:.4f}"
        if result.best_epoch is not None:
            yield "epoch kept", f"{result.best_epoch} of {result.epochs}"
        if result.seconds is not None:
            yield "time", f"{result.seconds / 60:.1f} min"


def _pairs(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _contrast(teacher: TeacherCard) -> str:
    return "" if teacher.contrast is None else f", contrast {teacher.contrast:g}"
