"""One training from end to end: a folder, a card, a fitted network, the dev table."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import list_models
from pipeline import defaults
from pipeline.batches import StoreItems
from pipeline.checkpoints import Progress
from pipeline.devices import choose_device, set_up_cpu
from pipeline.errors import EcgFusionError
from pipeline.evaluation import evaluate_dev
from pipeline.folds import format_folds
from pipeline.inputs import InputSpec
from pipeline.learners import Learner, NetworkLearner
from pipeline.locks import locked
from pipeline.plan import check_ranges, known_model, plan, training_rows
from pipeline.report.overview import task_overview
from pipeline.report.tables import as_text
from pipeline.runs import (
    CARD,
    DEV_SCORES,
    RESUME,
    WEIGHTS,
    Run,
    build_network,
    read_card,
    refuse_diverged,
    write_card,
)
from pipeline.scores import Scores, save_scores
from pipeline.scoring import check_fit, scores_of
from pipeline.settings import CHOICES, Settings, check_precision
from pipeline.sources.base import Labels
from pipeline.store import Store, digest_of_items, open_store, store_path
from pipeline.training import DivergedError, Examples, fit

_FREE_ON_RESUME = ("data", "gpu_id", "path_save_model", "workers")


def train_run(given: Mapping[str, Any], image_options: Mapping[str, Any], resume: bool) -> Path:
    """Trains a new run, or goes on with one; gives its folder.

    Args:
        given: the options of ``train.py`` that the user typed, by name.
        image_options: those of the group of ``pipeline/image_options.py``.
        resume: whether the folder holds a run to go on with.

    Raises:
        EcgFusionError: whatever is wrong with the options, the stores or the folder.
    """
    check_ranges(given)
    folder = _folder(given, resume)
    device = choose_device(given.get("gpu_id"))
    if resume:
        read_card(folder)
        with _only_trainer(folder):
            card, train, dev = _go_on(folder, given, image_options)
            check_precision(card["training"]["precision"], device)
            return _run(card, train, dev, folder, device)
    known_model(given["model"])  # before the stores, which may take long to make
    _refuse_what_is_there(folder)
    train, dev = _open_stores(Path(given.get("data") or defaults.DATA))
    card = plan(given, image_options, train, dev)
    check_precision(card["training"]["precision"], device)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _only_trainer(folder):
            _refuse_what_is_there(folder)
            return _run(card, train, dev, folder, device)
    except EcgFusionError:
        with suppress(OSError):  # what was not begun leaves no folder, what was begun is not empty
            folder.rmdir()
        raise


def _only_trainer(folder: Path) -> AbstractContextManager[None]:
    return locked(folder / CARD, f"{folder} is being trained by another process: wait for it, or name another folder")


def _open_stores(data: Path) -> tuple[Store, Store]:
    return open_store(store_path(data, "train")), open_store(store_path(data, "dev"))


def _go_on(
    folder: Path, given: Mapping[str, Any], image_options: Mapping[str, Any]
) -> tuple[dict[str, Any], Store, Store]:
    """The card and stores of a run that was begun; another folder of equal stores, or other workers, are taken."""
    card = _resumed_card(folder, {**given, **image_options})
    data = Path(given.get("data") or card["data"]["folder"])
    train, dev = _open_stores(data)
    for store in (train, dev):
        check_fit(card, store, folder)
    _check_same_items(card, train, dev, folder)
    card["data"]["folder"] = str(data.resolve())
    card["training"]["workers"] = given.get("workers", card["training"]["workers"])
    return card, train, dev


def _folder(given: Mapping[str, Any], resume: bool) -> Path:
    if "model" not in given and not resume:
        raise EcgFusionError(f"which network? give -model with one of {', '.join(list_models())}, or torchvision:NAME")
    if "path_save_model" not in given and "model" not in given:
        raise EcgFusionError("-resume goes on with the run in a folder: name it with -path_save_model")
    return Path(given.get("path_save_model") or Path("runs") / given["model"].replace(":", "-"))


def _refuse_what_is_there(folder: Path) -> None:
    if (folder / CARD).exists():
        raise EcgFusionError(
            f"{folder} holds a run already: go on with it with -resume -path_save_model {folder}, "
            f"or name another folder with -path_save_model"
        )
    remains = [name for name in (RESUME, WEIGHTS) if (folder / name).exists()]
    if remains:
        raise EcgFusionError(f"{folder} holds {remains[0]} of a run without its {CARD}: name another folder")


def _resumed_card(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    card = read_card(folder)
    if card["complete"]:
        raise EcgFusionError(
            f"{folder} is finished, there is nothing to go on with: see python evaluate.py -run {folder}"
        )
    refuse_diverged(card, folder)
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


def _run(card: dict[str, Any], train: Store, dev: Store, folder: Path, device: torch.device) -> Path:
    training, task, spec = card["training"], card["task"], InputSpec.from_card(card["input"])
    training["threads"] = set_up_cpu(training["threads"])
    torch.manual_seed(training["seed"])
    network = build_network(card, to_train=not (folder / RESUME).exists()).to(device)
    write_card(folder, card)
    rows = training_rows(task, train, card["data"]["limit"])
    dev_labels = dev.task(task)
    dev_rows = np.flatnonzero(dev_labels.labelled)
    labels = train.task(task)
    _announce(card, spec, network, labels.rows(rows), labels, dev_labels, device)
    progress = fit_as_planned(
        card,
        NetworkLearner(network, spec),
        Examples(StoreItems(train, rows, spec), labels.values[rows]),
        Examples(StoreItems(dev, dev_rows, spec), dev_labels.values[dev_rows]),
        folder,
        device,
    )
    finish(card, folder, scores_of(Run(folder, card, network, spec), dev, device), progress)
    return folder


def fit_as_planned(
    card: Mapping[str, Any], learner: Learner, train: Examples, dev: Examples, folder: Path, device: torch.device
) -> Progress:
    """Fits a learner as the card says, whose run lies in ``folder``."""
    training = card["training"]
    settings = Settings(**{name: training[name] for name in (*CHOICES, "precision", "seed", "workers")})
    weights = training["class_weights"]
    weights = None if weights is None else np.array(weights)
    try:
        return fit(learner, train, dev, card["kind"], weights, settings, device, folder)
    except DivergedError as problem:
        write_card(folder, {**card, "diverged": str(problem)})
        raise
    except torch.OutOfMemoryError:
        raise EcgFusionError(
            f"the memory of {device} is too small: lower -batch_size (now {settings.batch_size}) and train into "
            f"another folder"
        ) from None


def _announce(
    card: Mapping[str, Any],
    spec: InputSpec,
    network: torch.nn.Module,
    trained_on: Labels,
    train_labels: Labels,
    dev_labels: Labels,
    device: torch.device,
) -> None:
    data, training, task = card["data"], card["training"], card["task"]
    print(f"{task} ({card['kind']}) on {data['source']} {data['source_version']}, folds {format_folds(data['folds'])}")
    for partition, labels in (("train", train_labels), ("dev", dev_labels)):
        print(f"{partition}: {len(labels.labelled):,} items\n{task_overview(task, labels)}")
    if data["limit"]:
        print(f"of train, the first {data['limit']:,}:\n{task_overview(task, trained_on)}")
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    seen = f"{spec.n_channels} channels" if spec.modality == "image" else f"{spec.crop_samples} samples"
    print(f"{card['model']}: {n_parameters:,} parameters, {len(spec.leads)} leads, {seen}, {device}", flush=True)
    print(
        ", ".join(f"{name} {training[name]}" for name in (*CHOICES, "precision", "seed", "threads")),
        flush=True,
    )


def finish(card: dict[str, Any], folder: Path, dev_scores: Scores, progress: Progress) -> None:
    """Chooses thresholds on the dev scores, completes the card and prints the dev table."""
    save_scores(folder / DEV_SCORES, dev_scores)
    evaluation = evaluate_dev(dev_scores)
    chosen = evaluation.thresholds
    card["thresholds"] = {"criterion": chosen.choice, "values": dict(chosen.values)} if chosen else None
    card["result"] = {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "dev_macro_auroc": progress.best_auroc,
        "seconds": round(sum(row["seconds"] for row in progress.log), 1),
    }
    card["complete"] = True
    write_card(folder, card)
    (folder / RESUME).unlink(missing_ok=True)
    print(f"\n{as_text(evaluation)}\nbest epoch {progress.best_epoch} of {progress.epoch}; the run is in {folder}")
