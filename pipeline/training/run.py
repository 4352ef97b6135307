"""One training from end to end: a folder that is free, the stores, a card, and what carries it out."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import EcgFusionError
from pipeline.labels import SAMPLE_SEED
from pipeline.listening import Listener, listening, remark
from pipeline.machine.devices import choose_device
from pipeline.machine.group import Group, joined, the_group
from pipeline.runs.build import Run
from pipeline.runs.card import CARD, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import CalibrationCard
from pipeline.runs.kinds import kind_named
from pipeline.runs.load import load_run
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.data import announce_sample, folder_of_stores, open_stores, sampled_dev
from pipeline.training.going_on import FREE_ON_RESUME, card_to_go_on_with, with_workers_of_now
from pipeline.training.optimisation import check_precision
from pipeline.training.options import TrainOptions
from pipeline.training.ranges import check_ranges
from pipeline.training.run_folder import folder_of_run, new_folder, only_trainer, refuse_what_is_there, way_on_told
from pipeline.training.transfer import with_its_network

_WAIT_S = 60.0  # for another member of a k-fold run that is just writing the card of all
_MAY_DIFFER = {("data", "folder"), ("training", "threads"), ("training", "workers")}  # between machines


def train(*, resume: bool = False, listener: Listener | None = None, **options: Any) -> Run:
    """Trains a network or a fusion, or goes on with it; gives the finished run.

    Args:
        resume: whether the folder ``path_save_model`` holds a run to go on with.
        listener: is told what happens; None for who listens already, else nobody.
        options: those of ``train.py``, by name: ``model="gru", crop=2.5, data="data/signals"``.

    Raises:
        EcgFusionError: an option is unknown, or whatever else is wrong with options, stores or folder.
    """
    with listening(listener):
        return load_run(train_run(TrainOptions.of(**options), resume))


def train_run(options: TrainOptions, resume: bool = False) -> Path:
    """Trains a new run, or goes on with one; gives its folder, or that of the one member that was to be trained.

    Where a launcher has started several processes, each calls it, and they train together.

    Args:
        options: what the user chose.
        resume: whether the folder holds a run to go on with.

    Raises:
        EcgFusionError: whatever is wrong with the options, the stores or the folder.
    """
    with joined() as group, listening(None if group.leads else Listener()):
        _announce(group)
        check_ranges(options)
        if options.member is not None:
            return _train_member(replace(options, member=None), options.member, resume)
        options = options if resume else with_its_network(options)
        folder = folder_of_run(options, resume)
        if resume:
            _go_on_with(options, folder)
        else:
            _begin(options, folder)
        return folder


def _announce(group: Group) -> None:
    """Says how many processes train, where a launcher has been asked for some."""
    if group.size > 1:
        machines = group.size // group.local_size
        where = f" on {machines} machines" if machines > 1 else ""
        remark(f"{group.size} processes{where} train together: each batch, and dev, are shared out among them")
    elif "ACCELERATE_MIXED_PRECISION" in os.environ and not torch.cuda.is_available():
        remark(
            "1 process: accelerate launch starts no more where it finds no GPU; torchrun --nproc_per_node 2 train.py … "
            "starts two on the CPU, too"
        )


def _go_on_with(options: TrainOptions, folder: Path) -> None:
    read_card(folder)
    with only_trainer(folder):
        card, train, dev = card_to_go_on_with(folder, options)
        device = choose_device(options.gpu_id)
        card = _agreed(with_workers_of_now(card, options, train, folder, device))
        check_precision(card.training.precision, device)
        with way_on_told(folder):
            kind_named(card.run_kind).train(card, train, dev, folder, device)


def _begin(options: TrainOptions, folder: Path) -> None:
    kind = kind_named(options.run_kind)
    card, train, dev, device = _planned(options, folder)
    with new_folder(folder), only_trainer(folder):
        the_group().lead(lambda: refuse_what_is_there(folder))
        with way_on_told(folder):
            kind.train(card, train, dev, folder, device)


def _planned(options: TrainOptions, folder: Path) -> tuple[Card, Store, Store, torch.device]:
    """The card of a new run that is to lie in a folder, its stores, and where it is trained."""
    kind = kind_named(options.run_kind)
    kind.check(options)  # before the stores, which may take long to make
    the_group().lead(lambda: refuse_what_is_there(folder))
    train, all_of_dev = open_stores(folder_of_stores(options), kind.sees)
    task = options.task or train.default_task or defaults.TASK
    # a fusion takes no -dev_limit, and its task is its branches'
    dev = all_of_dev if options.dev_limit is None else sampled_dev(task, all_of_dev, options.dev_limit, SAMPLE_SEED)
    device = choose_device(options.gpu_id)  # behind what may be refused: it may warn
    card = kind.plan(options, train, dev, device)
    if dev is not all_of_dev:
        card = replace(card, data=replace(card.data, dev_limit=options.dev_limit))
    if options.calibrate:
        card = replace(card, calibration=CalibrationCard())  # which is filled when there are dev scores
    card = _agreed(card)
    if kind.sees is None:
        announce_sample(task, all_of_dev, dev, SAMPLE_SEED)
    check_precision(card.training.precision, device)
    return card, train, dev, device


def _train_member(options: TrainOptions, number: int, resume: bool) -> Path:
    """Trains one member of a k-fold run that others may be trained of at the same time; gives its folder."""
    from pipeline.training.kfold import train_member

    if options.kfold is None and not resume:
        raise EcgFusionError(f"-member {number} is one of the networks of -kfold: give that too, or leave it out")
    options = options if resume else with_its_network(options)
    folder, group = folder_of_run(options, resume), the_group()
    if not resume and not group.same((folder / CARD).exists()):
        _check_member(number, options.kfold or 0)
        card = _planned(options, folder)[0]
        with new_folder(folder):
            group.lead(lambda: _begun(card, folder))
    card, train, dev = card_to_go_on_with(folder, options)
    if card.kfold is None:
        raise EcgFusionError(f"{folder} is no k-fold run, of which -member {number} could be one: leave -member out")
    _check_member(number, card.kfold)
    left_out = {*card.given} - {*options.given, *FREE_ON_RESUME}
    if left_out and not resume:
        raise EcgFusionError(
            f"{folder} was begun with -{min(left_out)}, which is left out here: give the same options, or add -resume"
        )
    device = choose_device(options.gpu_id)
    card = _agreed(with_workers_of_now(card, options, train, folder, device))
    check_precision(card.training.precision, device)
    with way_on_told(folder):
        return train_member(card, train, dev, folder, device, number)


def _check_member(number: int, kfold: int) -> None:
    if number > kfold:
        raise EcgFusionError(f"-member {number}: the members of -kfold {kfold} are 1 to {kfold}")


def _begun(card: Card, folder: Path) -> None:
    """Writes the card of a k-fold run, unless the job of another member has."""
    with only_trainer(folder, _WAIT_S):
        if not (folder / CARD).exists():
            write_card(folder, card)


def _agreed(card: Card) -> Card:
    """The card by which all processes train, that of the first.

    Raises:
        EcgFusionError: another one has other items or options, or this training is for one process.
    """
    group = the_group()
    if group.size == 1:
        return card
    if card.run_kind == "late" or card.is_calibrated_on_dev:
        raise EcgFusionError(
            f"-combine {card.options['combine']} is fitted on all items at once, in one process: start it with python, "
            f"without a launcher"
        )
    if card.pretraining is not None:
        raise EcgFusionError(
            "a pretraining compares the items of a batch, in one process: start it with python, without a launcher"
        )
    views = group.gather(card.to_json())
    for rank, view in enumerate(views):
        differing = [
            f"{name}.{key}" if key else name
            for name in (
                "model",
                "options",
                "task",
                "classes",
                "input",
                "data",
                "training",
                "init",
                "teacher",
                "branches",
            )
            for key in _differing(views[0].get(name), view.get(name))
            if (name, key) not in _MAY_DIFFER
        ]
        if differing:
            raise EcgFusionError(
                f"process {rank} of {group.size} would train otherwise than the first ({', '.join(differing)}): give "
                f"all of them the same stores, options and packages"
            )
    return group.same(card)


def _differing(ours: Any, theirs: Any) -> list[str]:
    """The fields in which two parts of cards differ; one without a name where they are no parts with fields."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    return [] if ours == theirs else [""]
