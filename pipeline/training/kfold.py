"""K networks, each trained without one fold of the patients: one run whose scores are the mean of theirs.

Every training item has one member that never saw it, not even to choose its epoch, which dev does. That member's scores
are the item's out-of-fold scores: honest, as those of a network on its own training items are not.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.evaluation.figures import Evaluated
from pipeline.evaluation.metrics import macro_auroc
from pipeline.evaluation.scores import Scores, save_scores
from pipeline.inputs.batches import CPU
from pipeline.listening import remark, tell
from pipeline.machine.devices import set_up_cpu
from pipeline.machine.files import make_folder
from pipeline.machine.group import the_group
from pipeline.machine.locks import locked
from pipeline.patient_folds import patient_folds
from pipeline.runs.build import Run
from pipeline.runs.card import CARD, FUSIONS, NEEDED_TO_GO_ON, OUT_OF_FOLD_SCORES, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import Result
from pipeline.runs.folder import member_folder
from pipeline.runs.kinds import RunKind
from pipeline.runs.load import load_mean, load_members
from pipeline.scoring.partition import as_scores, scores_of
from pipeline.scoring.predict import probabilities
from pipeline.scoring.records import joining_of
from pipeline.store.reading import Store, digest_of_items
from pipeline.training.checks import check_network
from pipeline.training.data import check_labels, rows_of
from pipeline.training.loop import DivergedError
from pipeline.training.network import announce, complete, fit_network, result_of
from pipeline.training.options import TrainOptions
from pipeline.training.plan import plan, planned_on


def check_members(options: TrainOptions) -> None:
    """Refuses options of ``train.py`` that no store can make good."""
    if options.model in FUSIONS:
        raise EcgFusionError(
            f"-kfold is for networks, not for -model {options.model}: train the branches with -kfold, then fuse"
        )
    check_network(options)
    if options.kfold is not None and options.kfold < 2:
        raise EcgFusionError(f"-kfold {options.kfold} leaves nothing to train on: take 2 or more, or leave it out")


def plan_members(options: TrainOptions, train: Store, dev: Store, device: torch.device = CPU) -> Card:
    """The card of a k-fold run to be trained: that of one network on all items, and the number of folds.

    Raises:
        EcgFusionError: an option does not fit, or a member would have nothing to learn.
    """
    card = replace(plan(options, train, dev, device), kfold=options.kfold)
    if options.folds_seed is not None:
        card = replace(card, data=replace(card.data, folds_seed=options.folds_seed))
    rows, held_out_by = held_out_members(card, train)
    for number in _members(card):
        check_labels(card.task, train.task(card.task).rows(rows[held_out_by != number]), train)
    return card


def _members(card: Card) -> range:
    """The members' numbers, from 1."""
    return range(1, (card.kfold or 0) + 1)


def held_out_members(card: Card, train: Store) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the training items, and for each of them the member that never sees it.

    Args:
        card: of a k-fold run.
        train: its training store.

    Shape:
        (items,) int64 both; members are counted from 1.
    """
    rows = rows_of(card, train)
    labels, patients = train.task(card.task).values[rows], train.columns["patient_id"][rows]
    try:
        return rows, patient_folds(labels, patients, card.kfold or 0, _folds_seed(card)) + 1
    except ValueError as problem:
        raise EcgFusionError(f"-kfold {card.kfold} does not fit {train.path}: {problem}") from None


def _folds_seed(card: Card) -> int:
    return card.training.seed if card.data.folds_seed is None else card.data.folds_seed


def train_members(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Trains the members of a k-fold run, or goes on with them, and leaves a finished run in the folder."""
    card = _announced(card, train, dev, device)
    the_group().lead(lambda: write_card(folder, card))
    for number in _members(card):
        _train_member(card, number, train, dev, folder, device)
    _finish(card, train, dev, folder, device)


def train_member(card: Card, train: Store, dev: Store, folder: Path, device: torch.device, number: int) -> Path:
    """Trains one member of a k-fold run that is begun, or goes on with it; gives the member's folder.

    Members may be trained at the same time, each in a process of its own; ``train_members`` joins those that are there.
    """
    card = _announced(card, train, dev, device)
    _train_member(card, number, train, dev, folder, device)
    remark(f"when all {card.kfold} members are trained, python train.py -resume -path_save_model {folder} joins them")
    return member_folder(folder, number)


def _announced(card: Card, train: Store, dev: Store, device: torch.device) -> Card:
    """The card with the threads of this machine; tells what is about to be trained."""
    card = card.with_training(threads=set_up_cpu(card.training.threads))
    announce(card, train, dev, device)
    if card.data.intra_patient:
        remark(
            "-kfold deals patients all the same: out-of-fold scores are of patients that their member never saw, and "
            "those of dev and test are not"
        )
    return card


def _labelling(store: Store, task: str, rows: np.ndarray) -> Store:
    """The store as if the task labelled these rows alone, so that nothing else is trained on or counted."""
    labels = store.task(task)
    labelled = np.isin(np.arange(store.n_items), rows)
    return replace(store, labels={**store.labels, task: replace(labels, labelled=labelled)})


def _is_finished(folder: Path, train: Store) -> bool:
    """Whether a member is trained; what was trained on other items than ``train`` labels is refused."""
    if not (folder / CARD).exists():
        return False
    card = read_card(folder)
    rows = rows_of(card, train)
    if card.data.train_items_digest != digest_of_items(train.columns["item_id"][rows]):
        raise EcgFusionError(
            f"{train.path} has other labels or patients than {folder} was begun with: name its store with -data"
        )
    if card.complete:
        for name in NEEDED_TO_GO_ON:
            (folder / name).unlink(missing_ok=True)  # there still, if a kill came just behind the card
    return card.complete


def _member_card(card: Card, number: int, train: Store) -> Card:
    """The card of one network on the items that ``train`` labels, which says what it never sees."""
    own = planned_on(card, train)
    data = replace(own.data, held_out=number, of=card.kfold, folds_seed=_folds_seed(card))
    return replace(own, kfold=None, data=data, calibration=None)  # which is of their mean


def _train_member(card: Card, number: int, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Trains a member in its folder, unless that is done; the card of all says so where it came to no result."""
    rows, held_out_by = held_out_members(card, train)
    place, seen = member_folder(folder, number), _labelling(train, card.task, rows[held_out_by != number])
    name, group = f"member {number} of {card.kfold}", the_group()
    busy = f"{name} of {folder} is being trained by another process: wait for it, then go on with -resume"
    group.lead(lambda: make_folder(place))
    with locked(place / CARD, busy) if group.leads else nullcontext():
        if group.lead(lambda: _is_finished(place, seen)):
            remark(f"{name} is finished")
            return
        try:
            _fit_member(_member_card(card, number, seen), seen, dev, place, device)
        except DivergedError as problem:
            if group.leads:
                write_card(folder, replace(card, diverged=f"member {number}: {problem}"))
            raise


def _fit_member(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    data = card.data
    name = f"member {data.held_out} of {data.of}"
    remark(f"{name}: learns from {data.n_train_items:,} items")
    card, dev_scores, progress = fit_network(card, train, dev, folder, device)
    if the_group().leads:
        complete(card, folder, dev_scores, result_of(progress))
    the_group().meet()
    remark(f"{name}: best epoch {progress.best_epoch}, dev macro-AUC {progress.best_auroc:.4f}")


def _finish(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Scores training items out of fold and dev by the mean, completes the card and tells the dev table."""
    run = Run(folder, card, None, card.spec, load_members(folder, card))
    workers = card.training.workers
    out_of_fold = out_of_fold_scores(run, train, device, workers=workers, progress="scoring out of fold")
    the_group().lead(lambda: save_scores(folder / OUT_OF_FOLD_SCORES, out_of_fold))
    dev_scores = scores_of(run, dev, device, workers=workers, progress="scoring dev")
    members = [member.card.result for member in run.parts.values()]
    result = Result(
        dev_macro_auroc=macro_auroc(dev_scores.labels, dev_scores.scores),
        out_of_fold_macro_auroc=macro_auroc(out_of_fold.labels, out_of_fold.scores),
        seconds=round(sum(member.seconds or 0.0 for member in members if member), 1),
    )
    if not the_group().leads:
        return
    evaluation = complete(card, folder, dev_scores, result)
    what = "items" if card.join is None else "records"
    sentence = (
        f"out of fold, macro-AUC {result.out_of_fold_macro_auroc:.4f} over "
        f"{len(out_of_fold.item_id):,} training {what}; the mean of {card.kfold} members is the run in {folder}"
    )
    tell(Evaluated(evaluation, sentence))


def out_of_fold_scores(run: Run, train: Store, device: torch.device, **how: Any) -> Scores:
    """The scores of every training item of a k-fold run, each by the one member that never saw it.

    Args:
        run: a k-fold run, loaded.
        train: its training store.
        device: where to compute.
        how: as in ``pipeline.scoring.predict.probabilities``.
    """
    rows, held_out_by = held_out_members(run.card, train)
    joining = joining_of(run.card, train, rows)
    answered_by = held_out_by if joining is None else held_out_by[joining.first]  # a record has one patient
    values = np.empty((len(answered_by), len(run.card.classes)), np.float32)
    for name, member in run.parts.items():
        own = probabilities(member, train, rows[held_out_by == int(name)], device, **how)
        values[answered_by == int(name)] = own
    return as_scores(values, train, run.card.task, rows, run.card.join)


def _predict(run: Run, store: Store, rows: np.ndarray, device: torch.device, **how: Any) -> np.ndarray:
    return _mean(run, {name: probabilities(member, store, rows, device, **how) for name, member in run.parts.items()})


def _mean(_: Run, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    said = list(answers.values())
    total = np.zeros(said[0].shape)
    for values in said:
        total += values
    mean: np.ndarray = (total / len(said)).astype(np.float32)
    return mean


MEMBERS = RunKind(
    check=check_members, plan=plan_members, train=train_members, load=load_mean, predict=_predict, combine=_mean
)
