"""One training from end to end: a folder that is free, the stores, a card, and what carries it out."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models import list_models
from pipeline.errors import EcgFusionError
from pipeline.fusion.branches import copy_branches
from pipeline.fusion.intermediate import train_intermediate
from pipeline.fusion.late import train_late
from pipeline.fusion.plan import check_fusion, plan_fusion
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.spec import InputSpec
from pipeline.machine.devices import choose_device
from pipeline.machine.locks import locked
from pipeline.runs.card import CARD, FUSIONS, MEMBERS, RESUME, WEIGHTS, kind_of, read_card
from pipeline.runs.folder import leaves, refuse_diverged
from pipeline.scoring.checks import check_fit
from pipeline.store.reading import Store, digest_of_items, open_store, store_path
from pipeline.training import defaults
from pipeline.training.data import training_rows
from pipeline.training.kfold import check_members, plan_members, train_members
from pipeline.training.network import train_network
from pipeline.training.optimisation import check_precision
from pipeline.training.options import FUSION_ONLY, check_network, check_ranges
from pipeline.training.plan import plan


@dataclass(frozen=True)
class _Kind:
    """How a run of one kind comes to be.

    Attributes:
        check: refuses options that no store can make good.
        plan: from the user's options, the image options, the stores of train and dev and the device to the card.
        carry_out: leaves a finished run of the card in its folder, or goes on with it.
    """

    check: Callable[[Mapping[str, Any]], object]
    plan: Callable[[Mapping[str, Any], Mapping[str, Any], Store, Store, torch.device], dict[str, Any]]
    carry_out: Callable[[dict[str, Any], Store, Store, Path, torch.device], None]


_KINDS = {
    "network": _Kind(check_network, plan, train_network),
    "late": _Kind(check_fusion, plan_fusion, train_late),
    "intermediate": _Kind(check_fusion, plan_fusion, train_intermediate),
    "members": _Kind(check_members, plan_members, train_members),
}

_FREE_ON_RESUME = ("data", "gpu_id", "path_save_model", "workers")


def train_run(given: Mapping[str, Any], image_options: Mapping[str, Any], resume: bool) -> Path:
    """Trains a new run, or goes on with one; gives its folder.

    Args:
        given: the options of ``train.py`` that the user typed, by name.
        image_options: those of the group of ``pipeline/commands/image_options.py``.
        resume: whether the folder holds a run to go on with.

    Raises:
        EcgFusionError: whatever is wrong with the options, the stores or the folder.
    """
    check_ranges(given)
    folder = _folder(given, resume)
    if resume:
        read_card(folder)
        with _only_trainer(folder):
            card, train, dev = _go_on(folder, given, image_options)
            device = choose_device(given.get("gpu_id"))
            _renew_workers(card, given, train, folder, device)
            check_precision(card["training"]["precision"], device)
            _KINDS[kind_of(card)].carry_out(card, train, dev, folder, device)
            return folder
    kind = _KINDS[kind_of(given)]
    kind.check({**given, **image_options})  # before the stores, which may take long to make
    _refuse_what_is_there(folder)
    train, dev = _open_stores(_data(given))
    device = choose_device(given.get("gpu_id"))  # behind what may be refused: it may warn
    card = kind.plan(given, image_options, train, dev, device)
    check_precision(card["training"]["precision"], device)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _only_trainer(folder):
            _refuse_what_is_there(folder)
            kind.carry_out(card, train, dev, folder, device)
            return folder
    except EcgFusionError:
        with suppress(OSError):  # what was not begun leaves no folder, what was begun is not empty
            folder.rmdir()
        raise


def _only_trainer(folder: Path) -> AbstractContextManager[None]:
    return locked(folder / CARD, f"{folder} is being trained by another process: wait for it, or name another folder")


def _data(given: Mapping[str, Any]) -> Path:
    """The folder of the stores: the user's, else that of a fusion's first branch, else the usual one."""
    if "data" not in given and "branches" in given:
        return Path(read_card(Path(given["branches"][0]))["data"]["folder"])
    return Path(given.get("data") or defaults.DATA)


def _open_stores(data: Path) -> tuple[Store, Store]:
    return open_store(store_path(data, "train")), open_store(store_path(data, "dev"))


def _go_on(
    folder: Path, given: Mapping[str, Any], image_options: Mapping[str, Any]
) -> tuple[dict[str, Any], Store, Store]:
    """The card and stores of a run that was begun; another folder of equal stores is taken."""
    card = _resumed_card(folder, {**given, **image_options})
    if kind_of(card) in FUSIONS:
        copy_branches(card, folder)  # those that were not yet when it was stopped
    data = Path(given.get("data") or card["data"]["folder"])
    train, dev = _open_stores(data)
    for store in (train, dev):
        check_fit(card, store, folder)
    _check_same_items(card, train, dev, folder)
    card["data"]["folder"] = str(data.resolve())
    return card, train, dev


def _renew_workers(
    card: dict[str, Any], given: Mapping[str, Any], train: Store, folder: Path, device: torch.device
) -> None:
    """As many as are asked for now, or were at first, else what this machine's memory needs."""
    # a late fusion reads scores
    networks = [] if kind_of(card) == "late" else leaves(card, folder)
    specs = [InputSpec.from_card(network["input"]) for network, _ in networks]
    workers = choose_workers(given.get("workers"), train, card["data"]["n_train_items"], specs, device)
    if "workers" in given or "workers" not in card["given"]:
        card["training"]["workers"] = workers


def _folder(given: Mapping[str, Any], resume: bool) -> Path:
    if "model" not in given and not resume:
        for name in FUSION_ONLY:
            if name in given:
                raise EcgFusionError(f"-{name} is for fusions: give -model {' or '.join(FUSIONS)} too")
        raise EcgFusionError(
            f"which network? give -model with one of {', '.join(list_models())} or torchvision:NAME, "
            f"or fuse trained runs with -model {' or '.join(FUSIONS)}"
        )
    if "path_save_model" not in given and "model" not in given:
        raise EcgFusionError("-resume goes on with the run in a folder: name it with -path_save_model")
    return Path(given.get("path_save_model") or Path("runs") / given["model"].replace(":", "-"))


def _refuse_what_is_there(folder: Path) -> None:
    if (folder / CARD).exists():
        card = read_card(folder)
        refuse_diverged(card, folder)
        if card["complete"]:
            raise EcgFusionError(
                f"{folder} holds a finished run: name another folder with -path_save_model, "
                f"or see what it has learnt with python evaluate.py -run {folder}"
            )
        raise EcgFusionError(
            f"{folder} holds a run already: go on with it with -resume -path_save_model {folder}, "
            f"or name another folder with -path_save_model"
        )
    remains = [name for name in (RESUME, WEIGHTS, MEMBERS) if (folder / name).exists()]
    if remains:
        raise EcgFusionError(f"{folder} holds {remains[0]} of a run without its {CARD}: name another folder")


def _resumed_card(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    card = read_card(folder)
    if card["complete"]:
        raise EcgFusionError(
            f"{folder} is finished, there is nothing to go on with: see python evaluate.py -run {folder}"
        )
    refuse_diverged(card, folder)
    if "held_out" in card["data"]:
        whole = folder.parent.parent
        raise EcgFusionError(f"{folder} is a member of a k-fold run: go on with all of it, -path_save_model {whole}")
    for name, value in given.items():
        plain = list(value) if isinstance(value, tuple) else value
        if name not in _FREE_ON_RESUME and card["given"].get(name) != plain:
            raise EcgFusionError(
                f"{folder} was begun with -{name} {card['given'].get(name, 'left out')}, not {value}: "
                f"leave -{name} out to go on with it, or train into another folder"
            )
    return card


def _check_same_items(card: Mapping[str, Any], train: Store, dev: Store, folder: Path) -> None:
    rows = training_rows(card["task"], train, card["data"]["limit"])
    same_train = digest_of_items(train.columns["item_id"][rows]) == card["data"]["train_items_digest"]
    same_dev = int(dev.task(card["task"]).labelled.sum()) == card["data"]["n_dev_items"]
    if not (same_train and same_dev):
        other = dev if same_train else train
        raise EcgFusionError(f"{other.path} holds other items than {folder} was begun with: name its store with -data")
