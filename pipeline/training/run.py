"""One training from end to end: a folder that is free, the stores, a card, and what carries it out."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models import list_models
from pipeline.errors import EcgFusionError
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.spec import InputSpec
from pipeline.labels import SAMPLE_SEED
from pipeline.listening import Listener, listening, remark
from pipeline.machine.devices import choose_device
from pipeline.machine.files import file_error, make_folder
from pipeline.machine.group import Group, joined, the_group
from pipeline.machine.locks import locked
from pipeline.machine.places import local, place
from pipeline.runs.build import Run
from pipeline.runs.card import CARD, FORMAT, FUSIONS, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import CalibrationCard
from pipeline.runs.copies import copy_branches
from pipeline.runs.folder import leaves, refuse_diverged, refuse_files_of_others
from pipeline.runs.kinds import kind_named
from pipeline.runs.load import load_run
from pipeline.scoring.checks import check_fit
from pipeline.store.reading import Store, digest_of_items, open_partition
from pipeline.training import defaults
from pipeline.training.contents import check_contents
from pipeline.training.data import announce_sample, rows_of, sampled_dev
from pipeline.training.optimisation import check_precision
from pipeline.training.options import FUSION_ONLY, TrainOptions
from pipeline.training.ranges import check_ranges
from pipeline.training.transfer import with_its_network

_FREE_ON_RESUME = ("data", "gpu_id", "path_save_model", "workers")
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
        folder = _folder(options, resume)
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
    with _only_trainer(folder):
        card, train, dev = _go_on(folder, options)
        device = choose_device(options.gpu_id)
        card = _agreed(_with_workers_of_now(card, options, train, folder, device))
        check_precision(card.training.precision, device)
        with _way_on_told(folder):
            kind_named(card.run_kind).train(card, train, dev, folder, device)


def _begin(options: TrainOptions, folder: Path) -> None:
    kind = kind_named(options.run_kind)
    card, train, dev, device = _planned(options, folder)
    with _new_folder(folder), _only_trainer(folder):
        the_group().lead(lambda: _refuse_what_is_there(folder))
        with _way_on_told(folder):
            kind.train(card, train, dev, folder, device)


def _planned(options: TrainOptions, folder: Path) -> tuple[Card, Store, Store, torch.device]:
    """The card of a new run that is to lie in a folder, its stores, and where it is trained."""
    kind = kind_named(options.run_kind)
    kind.check(options)  # before the stores, which may take long to make
    the_group().lead(lambda: _refuse_what_is_there(folder))
    train, all_of_dev = _open_stores(folder_of_stores(options), kind.sees)
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
    folder, group = _folder(options, resume), the_group()
    if not resume and not group.same((folder / CARD).exists()):
        _check_member(number, options.kfold or 0)
        card = _planned(options, folder)[0]
        with _new_folder(folder):
            group.lead(lambda: _begun(card, folder))
    card, train, dev = _go_on(folder, options)
    if card.kfold is None:
        raise EcgFusionError(f"{folder} is no k-fold run, of which -member {number} could be one: leave -member out")
    _check_member(number, card.kfold)
    left_out = {*card.given} - {*options.given, *_FREE_ON_RESUME}
    if left_out and not resume:
        raise EcgFusionError(
            f"{folder} was begun with -{min(left_out)}, which is left out here: give the same options, or add -resume"
        )
    device = choose_device(options.gpu_id)
    card = _agreed(_with_workers_of_now(card, options, train, folder, device))
    check_precision(card.training.precision, device)
    with _way_on_told(folder):
        return train_member(card, train, dev, folder, device, number)


def _check_member(number: int, kfold: int) -> None:
    if number > kfold:
        raise EcgFusionError(f"-member {number}: the members of -kfold {kfold} are 1 to {kfold}")


def _begun(card: Card, folder: Path) -> None:
    """Writes the card of a k-fold run, unless the job of another member has."""
    with _only_trainer(folder, _WAIT_S):
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


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """Makes the folder of a new run; what was not begun leaves none, what was begun is not empty."""
    group = the_group()
    group.lead(lambda: make_folder(folder))
    try:
        yield
    except EcgFusionError:
        with suppress(OSError):
            if group.leads:
                folder.rmdir()
        raise


def _only_trainer(folder: Path, wait_s: float = 0.0) -> AbstractContextManager[None]:
    """Keeps others from a folder that this process trains in, or the first of those that train together."""
    busy = (
        f"{folder} is being trained by another process: wait for it, or name another folder; several that train one "
        f"run together are started by torchrun or accelerate launch"
    )
    return locked(folder / CARD, busy, wait_s) if the_group().leads else nullcontext()


@contextmanager
def _way_on_told(folder: Path) -> Iterator[None]:
    """Has what the disk refuses followed by how the training goes on, which depends on how far it came."""
    try:
        yield
    except OSError as problem:
        told = file_error(problem, problem.filename or folder)
        if (folder / CARD).exists():
            told = told.followed_by(f"go on with python train.py -resume -path_save_model {folder}")
        raise told from None


def folder_of_stores(options: TrainOptions) -> Path:
    """The folder of the stores: the user's, else that of a fusion's first branch, else the usual one."""
    if options.data is None and options.branches:
        return place(read_card(Path(options.branches[0])).data.folder)
    return place(options.data or defaults.DATA)


def _open_stores(data: Path, sees: Callable[[Store], Store] | None) -> tuple[Store, Store]:
    train, dev = open_partition(data, "train"), open_partition(data, "dev")
    return (train, dev) if sees is None else (sees(train), sees(dev))


def _go_on(folder: Path, options: TrainOptions) -> tuple[Card, Store, Store]:
    """The card and stores of a run that was begun; another folder of equal stores is taken."""
    card = _resumed_card(folder, options)
    if card.run_kind in FUSIONS:
        the_group().lead(lambda: copy_branches(card, folder))  # those that were not yet when it was stopped
    data = place(options.data or card.data.folder)
    train, dev = _open_stores(data, kind_named(card.run_kind).sees)
    if card.data.dev_limit is not None:
        dev = sampled_dev(card.task, dev, card.data.dev_limit, SAMPLE_SEED)
    for store in (train, dev):
        check_fit(card, store, folder)
    _check_same_items(card, train, dev, folder)
    for partition, store in (("train", train), ("dev", dev)):
        learnt = card.learnt.tasks if card.learnt and partition == "train" else ()
        began_with = (card.data.contents or {}).get(partition, {})
        check_contents(began_with, store, card.task, _specs(card, folder), folder, learnt)
    return replace(card, format=FORMAT, data=replace(card.data, folder=str(data.resolve()))), train, dev


def _specs(card: Card, folder: Path) -> list[InputSpec]:
    """What the networks of a run see; none of a late fusion, which reads scores."""
    return [] if card.run_kind == "late" else [network.spec for network, _ in leaves(card, folder)]


def _with_workers_of_now(card: Card, options: TrainOptions, train: Store, folder: Path, device: torch.device) -> Card:
    """As many as are asked for now, or were at first, else what this machine's memory needs."""
    workers = choose_workers(options.workers, train, card.data.n_train_items, _specs(card, folder), device)
    chosen_at_first = "workers" in card.given and options.workers is None
    return card if chosen_at_first else card.with_training(workers=workers)


def _folder(options: TrainOptions, resume: bool) -> Path:
    if options.model is None and not resume:
        for name in FUSION_ONLY:
            if name in options.given:
                raise EcgFusionError(f"-{name} is for fusions: give -model {' or '.join(FUSIONS)} too")
        raise EcgFusionError(
            f"which network? give -model with one of {', '.join(list_models())} or torchvision:NAME, "
            f"or fuse trained runs with -model {' or '.join(FUSIONS)}"
        )
    if options.path_save_model:
        return local(options.path_save_model)
    if options.model is None:
        raise EcgFusionError("-resume goes on with the run in a folder: name it with -path_save_model")
    return Path("runs") / options.model.replace(":", "-")


def _refuse_what_is_there(folder: Path) -> None:
    if (folder / CARD).exists():
        card = read_card(folder)
        refuse_diverged(card, folder)
        if card.complete:
            raise EcgFusionError(
                f"{folder} holds a finished run: name another folder with -path_save_model, "
                f"or {_what_next(card, folder)}"
            )
        raise EcgFusionError(
            f"{folder} holds a run already: go on with it with -resume -path_save_model {folder}, "
            f"or name another folder with -path_save_model"
        )
    refuse_files_of_others(folder)


def _what_next(card: Card, folder: Path) -> str:
    """What a finished run is there for."""
    if card.pretraining is not None:
        return f"train it on with python train.py -init {folder}"
    return f"see what it has learnt with python evaluate.py -run {folder}"


def _resumed_card(folder: Path, options: TrainOptions) -> Card:
    card = read_card(folder)
    if card.complete:
        raise EcgFusionError(f"{folder} is finished, there is nothing to go on with: {_what_next(card, folder)}")
    refuse_diverged(card, folder)
    if card.data.held_out is not None:
        whole = folder.parent.parent
        raise EcgFusionError(f"{folder} is a member of a k-fold run: go on with all of it, -path_save_model {whole}")
    for name, value in options.given.items():
        if name not in _FREE_ON_RESUME and card.given.get(name) != value:
            raise EcgFusionError(
                f"{folder} was begun with -{name} {card.given.get(name, 'left out')}, not {value}: "
                f"leave -{name} out to go on with it, or train into another folder"
            )
    return card


def _check_same_items(card: Card, train: Store, dev: Store, folder: Path) -> None:
    rows = rows_of(card, train)
    same_train = digest_of_items(train.columns["item_id"][rows]) == card.data.train_items_digest
    on_dev = dev.columns["item_id"][dev.task(card.task).labelled]
    same_dev = len(on_dev) == card.data.n_dev_items and card.data.dev_items_digest in (None, digest_of_items(on_dev))
    if not (same_train and same_dev):
        other = dev if same_train else train
        raise EcgFusionError(f"{other.path} holds other items than {folder} was begun with: name its store with -data")
