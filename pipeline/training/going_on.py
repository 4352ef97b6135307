"""How a training goes on that was stopped: with the same choices, on the same items."""

from dataclasses import replace
from pathlib import Path

import torch

from pipeline.errors import EcgFusionError
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.spec import InputSpec
from pipeline.labels import SAMPLE_SEED
from pipeline.machine.group import the_group
from pipeline.machine.places import place
from pipeline.runs.card import FORMAT, FUSIONS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.copies import copy_branches
from pipeline.runs.folder import leaves, refuse_diverged
from pipeline.runs.kinds import kind_named
from pipeline.scoring.checks import check_fit
from pipeline.store.reading import Store, digest_of_items
from pipeline.training.contents import check_contents
from pipeline.training.data import open_stores, rows_of, sampled_dev
from pipeline.training.options import TrainOptions
from pipeline.training.run_folder import what_next

FREE_ON_RESUME = ("data", "gpu_id", "path_save_model", "workers")


def card_to_go_on_with(folder: Path, options: TrainOptions) -> tuple[Card, Store, Store]:
    """The card and stores of a run that was begun; another folder of equal stores is taken."""
    card = _resumed_card(folder, options)
    if card.run_kind in FUSIONS:
        the_group().lead(lambda: copy_branches(card, folder))  # those that were not yet when it was stopped
    data = place(options.data or card.data.folder)
    train, dev = open_stores(data, kind_named(card.run_kind).sees)
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


def _resumed_card(folder: Path, options: TrainOptions) -> Card:
    card = read_card(folder)
    if card.complete:
        raise EcgFusionError(f"{folder} is finished, there is nothing to go on with: {what_next(card, folder)}")
    refuse_diverged(card, folder)
    if card.data.held_out is not None:
        whole = folder.parent.parent
        raise EcgFusionError(f"{folder} is a member of a k-fold run: go on with all of it, -path_save_model {whole}")
    for name, value in options.given.items():
        if name not in FREE_ON_RESUME and card.given.get(name) != value:
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


def _specs(card: Card, folder: Path) -> list[InputSpec]:
    """What the networks of a run see; none of a late fusion, which reads scores."""
    return [] if card.run_kind == "late" else [network.spec for network, _ in leaves(card, folder)]


def with_workers_of_now(card: Card, options: TrainOptions, train: Store, folder: Path, device: torch.device) -> Card:
    """As many as are asked for now, or were at first, else what this machine's memory needs."""
    workers = choose_workers(options.workers, train, card.data.n_train_items, _specs(card, folder), device)
    chosen_at_first = "workers" in card.given and options.workers is None
    return card if chosen_at_first else card.with_training(workers=workers)
