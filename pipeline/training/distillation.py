"""A training that learns from another run beside the labels: which run may teach it, what that says, and the loss.

The teacher says once, before the first epoch, what it finds in each training item; the run is then asked no more.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.errors import EcgFusionError
from pipeline.evaluation.npz import read_npz
from pipeline.evaluation.scores import load_scores, save_scores
from pipeline.listening import remark
from pipeline.machine.files import replace_atomically
from pipeline.machine.group import the_group
from pipeline.runs.build import Run, build_network
from pipeline.runs.card import TEACHER_FEATURES, TEACHER_SCORES, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import DataCard, TeacherCard
from pipeline.runs.folder import check_files, leaves, refuse_unfinished
from pipeline.runs.load import load_run
from pipeline.runs.seals import digest_of_file
from pipeline.scoring.checks import check_fit, check_lengths, refuse_items_of
from pipeline.scoring.features import features_of
from pipeline.scoring.partition import as_scores
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.data import rows_of
from pipeline.training.options import TrainOptions
from pipeline.training.transfer import bare, refuse_seen


def check_teacher(options: TrainOptions) -> None:
    """Refuses options of a teacher that have no effect, or do not go together, and a run that cannot teach.

    Raises:
        EcgFusionError: with the remedy.
    """
    if options.teacher is None:
        for name in ("distill", "temperature", "contrast", "contrast_temperature"):
            if name in options.given:
                raise EcgFusionError(f"-{name} is of what a -teacher says: give that too, or leave it out")
        return
    if options.contrast is None and options.contrast_temperature is not None:
        raise EcgFusionError("-contrast_temperature is of -contrast: give that too, or leave it out")
    if options.contrast is not None and options.freeze is not None:
        raise EcgFusionError(
            "-contrast moves what lies before the head, which -freeze features keeps as it is: leave one of them out"
        )
    if options.distill is not None and not 0 <= options.distill <= 1:
        raise EcgFusionError(f"-distill {options.distill} does not work: take a number from 0 to 1")
    if options.sampling == "smote":
        raise EcgFusionError(
            "-sampling smote makes items that no store holds, of which a -teacher says nothing: leave one of them out, "
            "or take -sampling balanced"
        )
    _read_teacher(Path(options.teacher))


def _read_teacher(folder: Path) -> Card:
    card = read_card(folder)
    refuse_unfinished(card, folder)
    return card


def plan_teacher(options: TrainOptions, card: Card, train: Store, dev: Store) -> TeacherCard | None:
    """What a card says of the run that is to teach; None where the options name none.

    Args:
        options: what the user chose.
        card: of the run to be trained.
        train: the training store.
        dev: the dev store.

    Raises:
        EcgFusionError: the run is of other classes, cannot score the training items, is damaged, or has seen what is to
            be judged.
    """
    if options.teacher is None:
        return None
    folder = Path(options.teacher)
    teacher = _read_teacher(folder)
    _check_classes(teacher, folder, card)
    check_files(teacher, folder)
    check_fit(teacher, train, folder)
    rows, way = rows_of(card, train), f"leave -teacher out, or name one that sees items such as those of {train.path}"
    for inner, _ in leaves(teacher, folder):
        with torch.device("meta"):  # no memory is needed to see what it takes
            network = build_network(inner)
        check_lengths(inner.model, inner.spec, network, train, rows, way)
    seen = tuple(_learnt_from(teacher, folder))
    for data in seen:
        refuse_items_of(data, folder, dev)
    if options.kfold is not None:
        refuse_seen(seen, folder, train)
    if options.contrast is not None and card.batch_size < 2:
        raise EcgFusionError("-contrast compares the items of a batch with each other: take a -batch_size of 2 or more")
    temperature = (
        defaults.CONTRAST_TEMPERATURE if options.contrast_temperature is None else options.contrast_temperature
    )
    return TeacherCard(
        folder=str(folder.resolve()),
        model=teacher.model,
        seal=teacher.seal,
        weight=defaults.DISTILL if options.distill is None else options.distill,
        temperature=defaults.TEMPERATURE if options.temperature is None else options.temperature,
        contrast=options.contrast,
        contrast_temperature=None if options.contrast is None else temperature,
        trained_on=seen,
    )


def _check_classes(teacher: Card, folder: Path, card: Card) -> None:
    if teacher.kind != card.kind:
        raise EcgFusionError(
            f"-teacher {folder} is a run of a {teacher.kind} task, and {card.task} is {card.kind}: name one of that "
            f"kind"
        )
    if {*teacher.classes} != {*card.classes}:
        raise EcgFusionError(
            f"-teacher {folder} knows the classes {', '.join(teacher.classes)}, and {card.task} has "
            f"{', '.join(card.classes)}: name a run of these"
        )


def _learnt_from(teacher: Card, folder: Path) -> Iterator[DataCard]:
    """The items that any network of a run has learnt from, by itself or from others; each only once."""
    told: list[DataCard] = []
    for inner, _ in leaves(teacher, folder):
        for data in map(bare, inner.learnt_from):
            if data not in told:
                told.append(data)
                yield data


def announce_teacher(card: Card) -> None:
    """Says who teaches, and how much that counts."""
    teacher = card.teacher
    if teacher is None:
        return
    remark(
        f"learns from {Path(teacher.folder).name} ({teacher.model}, {teacher.seal[:12]}) with a weight of "
        f"{teacher.weight:g} beside the labels, at a temperature of {teacher.temperature:g}"
    )
    if teacher.contrast is not None:
        remark(
            f"compares its features with those of {Path(teacher.folder).name} with a weight of {teacher.contrast:g}, "
            f"at a temperature of {teacher.contrast_temperature:g}"
        )


def taught_by(
    card: Card, train: Store, rows: np.ndarray, folder: Path, device: torch.device
) -> tuple[Card, np.ndarray | None]:
    """What the teacher of a card says of the training items, and the card with the digest of it.

    It is kept in the run's folder until the training is over, so that one which goes on needs no teacher; where it is
    gone or damaged it is computed again.

    Args:
        card: of the run to be trained, which lies in ``folder`` already.
        train: the training store.
        rows: of it, that are trained on.
        folder: of the run.
        device: where to compute.

    Shape:
        (items, classes) float32 probabilities in the card's order of classes; None of a run without a teacher.

    Raises:
        EcgFusionError: the teacher is gone, or another one than the card was made with.
    """
    if card.teacher is None:
        return card, None
    path, known, group = folder / TEACHER_SCORES, card.teacher.scores, the_group()
    if group.same(known is None or not path.exists() or digest_of_file(path) != known):
        said = as_scores(_probabilities(card, train, rows, folder, device), train, card.task, rows)

        def keep() -> Card:
            save_scores(path, said)
            return _noted(card, folder, path, "says", "scores")

        card = group.lead(keep)
    scores = load_scores(path)
    if scores.item_id.tolist() != train.columns["item_id"][rows].tolist() or scores.classes != card.classes:
        raise EcgFusionError(f"{path} is of another training: remove it, and go on with -resume")
    return card, scores.scores


def seen_by(
    card: Card, train: Store, rows: np.ndarray, folder: Path, device: torch.device
) -> tuple[Card, np.ndarray | None]:
    """Where the teacher of a card sees the training items, and the card with the digest of it; as ``taught_by``.

    Shape:
        (items, width) float32 features; None of a run that is not compared with them.

    Raises:
        EcgFusionError: the teacher is gone, or another one than the card was made with.
    """
    if card.teacher is None or card.teacher.contrast is None:
        return card, None
    path, known, names = folder / TEACHER_FEATURES, card.teacher.features, train.columns["item_id"][rows]
    group = the_group()
    if group.same(known is None or not path.exists() or digest_of_file(path) != known):
        seen = features_of(_teacher(card, folder), train, rows, device)

        def keep() -> Card:
            replace_atomically(path, lambda temporary: _save(temporary, seen, names))
            return _noted(card, folder, path, "sees", "features")

        card = group.lead(keep)
    kept = read_npz(path, ("features", "item_id"))
    if kept["item_id"].tolist() != names.tolist():
        raise EcgFusionError(f"{path} is of another training: remove it, and go on with -resume")
    return card, kept["features"]


def _noted(card: Card, folder: Path, path: Path, does: str, what: str) -> Card:
    """The card, written, with the digest of a file of what the teacher says or sees.

    Raises:
        EcgFusionError: the card has another one.
    """
    assert card.teacher is not None
    known, found = getattr(card.teacher, what), digest_of_file(path)
    if known not in (None, found):
        raise EcgFusionError(
            f"{path} was damaged, and what {card.teacher.folder} {does} is not the same on this machine: put a whole "
            f"copy of it there, or train anew into another folder"
        )
    change: dict[str, Any] = {what: found}
    noted = replace(card, teacher=replace(card.teacher, **change))
    write_card(folder, noted)
    return noted


def _save(path: Path, features: np.ndarray, names: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, features=features, item_id=np.array(names.tolist(), dtype=np.str_))


def _teacher(card: Card, folder: Path) -> Run:
    """The run that teaches, as the card was made with it."""
    teacher = card.teacher
    assert teacher is not None
    place = Path(teacher.folder)
    gone = EcgFusionError(
        f"{place} is not there as it was when {folder} was begun with it as its -teacher: put it back and go on with "
        f"-resume, or train anew into another folder"
    )
    try:
        run = load_run(place)
    except EcgFusionError:
        raise gone from None
    if run.card.seal != teacher.seal:
        raise gone
    return run


def _probabilities(card: Card, train: Store, rows: np.ndarray, folder: Path, device: torch.device) -> np.ndarray:
    run = _teacher(card, folder)
    said = probabilities(_of_items(run), train, rows, device, progress="asking the teacher")
    order = [run.card.classes.index(name) for name in card.classes]
    return said[:, order]


def _of_items(run: Run) -> Run:
    """The same run, which answers for each window by itself, as what it teaches learns from each."""
    parts = {name: _of_items(part) for name, part in run.parts.items()}
    return replace(run, card=replace(run.card, join=None), parts=parts)


def softened(probabilities: Tensor, kind: str, temperature: float) -> Tensor:
    """Probabilities as they would be if the logits behind them were divided by a temperature.

    Args:
        probabilities: from 0 to 1, both included.
        kind: ``multilabel``, of classes by themselves, or ``multiclass``, whose sum is 1.
        temperature: above 0; above 1 they are less sure.

    Shape:
        (items, classes) float32 to the same.
    """
    if temperature == 1:
        return probabilities
    p = probabilities.double()
    if kind == "multilabel":
        return (p.logit() / temperature).sigmoid().to(probabilities.dtype)
    return (p.log() / temperature).softmax(1).to(probabilities.dtype)


def distillation_loss(logits: Tensor, taught: Tensor, kind: str, temperature: float) -> Tensor:
    """How far a network is from what its teacher says: the cross-entropy of both at a temperature, times its square.

    The gradient of a softened cross-entropy falls with the square of the temperature, which the factor makes good, so
    that a weight means the same at each. Neither class weights nor another ``-loss`` are in it: the teacher's
    probabilities are the least of it, whatever they are.

    Args:
        logits: of the network.
        taught: ``softened`` probabilities of the teacher.
        kind: ``multilabel`` (binary cross-entropy, the mean over items and classes) or ``multiclass`` (categorical, the
            mean over items).
        temperature: that they are softened by.

    Shape:
        (items, classes) both to ``()``.

    Reference:
        Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015, section 2; the binary form for
        classes that do not exclude each other is ours.
    """
    if kind == "multilabel":
        return temperature**2 * functional.binary_cross_entropy_with_logits(logits / temperature, taught)
    return temperature**2 * functional.cross_entropy(logits / temperature, taught)
