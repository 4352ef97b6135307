"""The run of one network: fitted as its card says, scored on dev, with its table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.batches import StoreItems
from pipeline.checkpoints import Progress
from pipeline.devices import set_up_cpu
from pipeline.errors import EcgFusionError
from pipeline.evaluation import evaluate_dev
from pipeline.folds import format_folds
from pipeline.inputs import InputSpec
from pipeline.learners import Learner, NetworkLearner
from pipeline.plan import training_rows
from pipeline.report.overview import task_overview
from pipeline.report.tables import as_text
from pipeline.runs import DEV_SCORES, RESUME, Run, build_network, write_card
from pipeline.scores import Scores, save_scores
from pipeline.scoring import scores_of
from pipeline.settings import CHOICES, Settings
from pipeline.store import Store
from pipeline.training import DivergedError, Examples, fit


def train_network(card: dict[str, Any], train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Trains the network of a card, or goes on with its training, and leaves a finished run in the folder."""
    training, task, spec = card["training"], card["task"], InputSpec.from_card(card["input"])
    training["threads"] = set_up_cpu(training["threads"])
    torch.manual_seed(training["seed"])
    network = build_network(card, to_train=not (folder / RESUME).exists()).to(device)
    write_card(folder, card)
    rows = training_rows(task, train, card["data"]["limit"])
    dev_labels = dev.task(task)
    dev_rows = np.flatnonzero(dev_labels.labelled)
    labels = train.task(task)
    announce_data(card, train, dev)
    if card["data"]["limit"]:
        print(f"of train, the first {card['data']['limit']:,}:\n{task_overview(task, labels.rows(rows))}")
    _announce_network(card, spec, network, device)
    announce_settings(training)
    progress = fit_as_planned(
        card,
        NetworkLearner(network, spec),
        Examples(StoreItems(train, rows, spec), labels.values[rows]),
        Examples(StoreItems(dev, dev_rows, spec), dev_labels.values[dev_rows]),
        folder,
        device,
    )
    finish(card, folder, scores_of(Run(folder, card, network, spec), dev, device), result_of(progress))


def fit_as_planned(
    card: Mapping[str, Any], learner: Learner, train: Examples, dev: Examples, folder: Path, device: torch.device
) -> Progress:
    """Fits a learner as the card says, whose run lies in ``folder``."""
    settings = settings_of(card["training"])
    try:
        return fit(learner, train, dev, card["kind"], weights_of(card["training"]), settings, device, folder)
    except DivergedError as problem:
        write_card(folder, {**card, "diverged": str(problem)})
        raise
    except torch.OutOfMemoryError:
        raise EcgFusionError(
            f"the memory of {device} is too small: lower -batch_size (now {settings.batch_size}) and train into "
            f"another folder"
        ) from None


def settings_of(training: Mapping[str, Any]) -> Settings:
    """How the card's training is fitted."""
    return Settings(**{name: training[name] for name in (*CHOICES, "precision", "seed", "workers")})


def weights_of(training: Mapping[str, Any]) -> np.ndarray | None:
    """The weights of the classes of the card's training, (classes,), or None."""
    return None if training["class_weights"] is None else np.array(training["class_weights"])


def announce_data(card: Mapping[str, Any], train: Store, dev: Store) -> None:
    """Says which task it is, and what bears its classes."""
    data, task = card["data"], card["task"]
    print(f"{task} ({card['kind']}) on {data['source']} {data['source_version']}, folds {format_folds(data['folds'])}")
    for partition, store in (("train", train), ("dev", dev)):
        labels = store.task(task)
        print(f"{partition}: {len(labels.labelled):,} items\n{task_overview(task, labels)}")


def _announce_network(card: Mapping[str, Any], spec: InputSpec, network: torch.nn.Module, device: torch.device) -> None:
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    seen = f"{spec.n_channels} channels" if spec.modality == "image" else f"{spec.crop_samples} samples"
    print(f"{card['model']}: {n_parameters:,} parameters, {len(spec.leads)} leads, {seen}, {device}", flush=True)


def announce_settings(training: Mapping[str, Any]) -> None:
    """Says how it is fitted."""
    print(
        ", ".join(f"{name} {training[name]}" for name in (*CHOICES, "precision", "seed", "threads")),
        flush=True,
    )


def result_of(progress: Progress) -> dict[str, Any]:
    """What a card says of how a training went."""
    return {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "dev_macro_auroc": progress.best_auroc,
        "seconds": round(sum(row["seconds"] for row in progress.log), 1),
    }


def finish(card: dict[str, Any], folder: Path, dev_scores: Scores, result: Mapping[str, Any]) -> None:
    """Chooses thresholds on the dev scores, completes the card and prints the dev table."""
    save_scores(folder / DEV_SCORES, dev_scores)
    evaluation = evaluate_dev(dev_scores)
    chosen = evaluation.thresholds
    card["thresholds"] = {"criterion": chosen.choice, "values": dict(chosen.values)} if chosen else None
    card["result"] = dict(result)
    card["complete"] = True
    write_card(folder, card)
    (folder / RESUME).unlink(missing_ok=True)
    epochs = f"best epoch {result['best_epoch']} of {result['epochs']}; " if "epochs" in result else ""
    print(f"\n{as_text(evaluation)}\n{epochs}the run is in {folder}")
