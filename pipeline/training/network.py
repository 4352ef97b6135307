"""The run of one network: fitted as its card says, scored on dev, with its table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.evaluation.figures import Evaluated, Evaluation, evaluate_dev
from pipeline.evaluation.scores import Scores, save_scores
from pipeline.inputs.placement import store_items, streaming_workers
from pipeline.inputs.spec import describe_beat
from pipeline.labels import INTRA_PATIENT, LabelsChosen
from pipeline.listening import remark, tell, warn
from pipeline.machine.devices import placed, set_up_cpu
from pipeline.machine.group import the_group
from pipeline.runs.build import Run, answers_of, build_network
from pipeline.runs.card import DEV_SCORES, NEEDED_TO_GO_ON, RESUME, Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import CHOICES, OF_SCHEDULE, OF_STEPS, Result, ThresholdsCard, TrainingCard
from pipeline.runs.folder import seal_run
from pipeline.runs.kinds import RunKind
from pipeline.runs.learners import Learner, NetworkLearner
from pipeline.runs.load import load_network, seal_weights
from pipeline.scoring.calibrating import calibrated_on
from pipeline.scoring.partition import as_scores
from pipeline.scoring.predict import by_learner
from pipeline.scoring.records import joining_of
from pipeline.store.partitions import format_folds
from pipeline.store.reading import Store
from pipeline.training.checks import check_network
from pipeline.training.data import announce_limit, rows_of
from pipeline.training.distillation import announce_teacher, seen_by, taught_by
from pipeline.training.learnt import announce_learnt
from pipeline.training.loop import DivergedError, Examples, fit
from pipeline.training.losses import LOSSES
from pipeline.training.optimisation import Settings
from pipeline.training.plan import plan
from pipeline.training.resume import Progress
from pipeline.training.sampling import training_examples
from pipeline.training.transfer_learner import announce_init, begin_with, learner_of
from pipeline.typed import as_json


def train_network(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Trains the network of a card, or goes on with its training, and leaves a finished run in the folder."""
    card = card.with_training(threads=set_up_cpu(card.training.threads))
    announce(card, train, dev, device)
    card, dev_scores, progress = fit_network(card, train, dev, folder, device)
    finish(card, folder, dev_scores, result_of(progress))


def fit_network(
    card: Card, train: Store, dev: Store, folder: Path, device: torch.device
) -> tuple[Card, Scores, Progress]:
    """Fits the network of a card, or goes on with that; gives the card, still incomplete, and its scores of dev."""
    task, spec = card.task, card.spec
    torch.manual_seed(card.training.seed)
    group = the_group()
    begins = group.same(not (folder / RESUME).exists())
    network = build_network(card, to_train=begins)
    if begins:
        begin_with(network, card)
    network = placed(network, device)
    group.lead(lambda: write_card(folder, card))
    rows = rows_of(card, train)
    dev_labels = dev.task(task)
    dev_rows = np.flatnonzero(dev_labels.labelled)
    learner = learner_of(card, network)
    card, taught = taught_by(card, train, rows, folder, device)
    card, seen = seen_by(card, train, rows, folder, device)
    on_train = replace(training_examples(card, train, rows, device), taught=taught, seen=seen)
    joining = joining_of(card, dev, dev_rows)
    on_dev = Examples(store_items(dev, dev_rows, spec, device), dev_labels.values[dev_rows], joining)
    progress, said = fit_as_planned(card, learner, on_train, on_dev, folder, device)
    return card, as_scores(said, dev, task, dev_rows, card.join), progress


def fit_as_planned(
    card: Card, learner: Learner, train: Examples, dev: Examples, folder: Path, device: torch.device
) -> tuple[Progress, np.ndarray]:
    """Fits a learner as the card says, whose run lies in ``folder``; gives what ``fit`` gives."""
    with ending_told(card, folder, device):
        return fit(learner, train, dev, settings_of(card), device, folder, card.of_training)


@contextmanager
def ending_told(card: Card, folder: Path, device: torch.device) -> Iterator[None]:
    """Has the card say why a training came to no result, and a memory that is too small followed by what to do."""
    try:
        yield
    except DivergedError as problem:
        if the_group().leads:
            write_card(folder, replace(card, diverged=str(problem)))
        raise
    except torch.OutOfMemoryError:
        raise EcgFusionError(
            f"the memory of {device} is too small: lower -batch_size (now {card.batch_size}) and train into "
            f"another folder"
        ) from None


def settings_of(card: Card) -> Settings:
    """How the card's network is fitted."""
    training = as_json(card.training)
    chosen = {name: training[name] for name in (*CHOICES, "precision", "seed", "workers")}
    chosen["loss"] = card.training.loss or next(iter(LOSSES))
    chosen |= {name: training[name] for name in (*OF_SCHEDULE, *OF_STEPS) if name in training}
    if card.teacher is not None:
        chosen |= {"distill": card.teacher.weight, "temperature": card.teacher.temperature}
        if card.teacher.contrast is not None:
            chosen |= {name: getattr(card.teacher, name) for name in ("contrast", "contrast_temperature")}
    return Settings(
        kind=card.kind, class_weights=card.training.class_weights, augment=card.training.augment or (), **chosen
    )


def announce_data(card: Card, train: Store, dev: Store) -> None:
    """Says which task it is, and what bears its classes."""
    data, task = card.data, card.task
    scheme = f" ({data.scheme})" if data.scheme else ""
    remark(f"{task} ({card.kind}) on {data.source} {data.source_version}, folds {format_folds(data.folds)}{scheme}")
    if data.intra_patient:
        warn(f"{INTRA_PATIENT}: the figures are not those of new patients")
    if card.join is not None and card.run_kind != "late":
        remark(f"items are windows: the scores of a record are joined by -join {card.join}, and figures are of records")
    for partition, store in (("train", train), ("dev", dev)):
        labels = store.task(task)
        tell(LabelsChosen(f"{partition}: {len(labels.labelled):,} items", task, labels))


def announce(card: Card, train: Store, dev: Store, device: torch.device) -> None:
    """Tells what is about to be trained, and on what."""
    announce_data(card, train, dev)
    spec = card.spec
    announce_limit(card, train)
    with torch.device("meta"):  # no memory is needed to count
        network = build_network(card)
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    seen = f"{spec.n_channels} channels" if spec.n_channels > 1 else "1 channel"
    if spec.modality == "signal":
        seen = f"{spec.crop_samples} samples"
    else:
        seen += " drawn while training" if spec.on_the_fly else " stored"
    if spec.beat is not None:
        seen += f" of the {describe_beat(spec)}"
    if spec.features:
        seen += f", {spec.n_numbers} numbers beside them ({' '.join(spec.features)})"
    remark(f"{card.model}: {n_parameters:,} parameters, {len(spec.leads)} leads, {seen}, {device}")
    announce_learnt(card)
    announce_init(card)
    announce_teacher(card)
    announce_settings(card.training)


def announce_settings(training: TrainingCard) -> None:
    """Says how it is fitted."""
    names = [*CHOICES, "precision", "seed", "threads", *(["workers"] if training.workers else [])]
    further = [name for name in (*OF_SCHEDULE, "loss", *OF_STEPS, "augment") if getattr(training, name)]
    remark(", ".join(f"{name} {_spelled(getattr(training, name))}" for name in (*names, *further)))


def _spelled(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def finish(card: Card, folder: Path, dev_scores: Scores, result: Result) -> None:
    """Completes a run and tells its dev table; of several processes the first one does."""
    if not the_group().leads:
        return
    evaluation = complete(card, folder, dev_scores, result)
    epochs = f"best epoch {result.best_epoch} of {result.epochs}; " if result.epochs is not None else ""
    tell(Evaluated(evaluation, f"{epochs}the run is in {folder}"))


def result_of(progress: Progress) -> Result:
    """What a card says of how a training went."""
    return Result(
        best_epoch=progress.best_epoch,
        epochs=progress.epoch,
        dev_macro_auroc=progress.best_auroc,
        seconds=round(sum(row["seconds"] for row in progress.log), 1),
    )


def complete(card: Card, folder: Path, dev_scores: Scores, result: Result) -> Evaluation:
    """Chooses thresholds on the dev scores, seals the weights and completes the card; gives every figure of dev."""
    save_scores(folder / DEV_SCORES, dev_scores)
    evaluation = evaluate_dev(dev_scores)
    chosen = evaluation.thresholds
    thresholds = None
    if chosen:
        thresholds = ThresholdsCard(
            criterion=chosen.choice, values=dict(chosen.values), not_chosen=tuple(chosen.not_chosen)
        )
    card = replace(card, complete=True, thresholds=thresholds, result=result)
    if card.calibration is not None:
        card = replace(card, calibration=calibrated_on(dev_scores))
    if card.run_kind != "members":  # whose members have the weights
        seal_weights(folder, card)
    write_card(folder, seal_run(folder, card))  # a kill before this leaves a run that comes here again
    for name in NEEDED_TO_GO_ON:
        (folder / name).unlink(missing_ok=True)
    return evaluation


def _predict(
    run: Run, store: Store, rows: np.ndarray, device: torch.device, workers: int | None = None, **how: Any
) -> np.ndarray:
    workers = streaming_workers(store, len(rows), [run.spec], device) if workers is None else workers
    learner = placed(NetworkLearner(run.network, run.spec, answers_of(run.card)), device)
    joining = joining_of(run.card, store, rows)
    items = store_items(store, rows, run.spec, device)
    return by_learner(run, learner, items, device, joining, workers=workers, **how)


NETWORK = RunKind(check=check_network, plan=plan, train=train_network, load=load_network, predict=_predict)
