"""The run of a pretraining: an encoder that learns of signals without labels, and answers nothing.

It is planned, fitted, resumed and sealed as any other; of a store it sees a view that has no labels in it.
"""

from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from models.pretraining.method import Method
from models.pretraining.registry import describe_method
from pipeline.inputs.placement import store_items
from pipeline.inputs.spec import InputSpec
from pipeline.listening import Listener, listening, remark
from pipeline.machine.devices import placed, set_up_cpu
from pipeline.runs.build import Run
from pipeline.runs.card import RESUME, Card
from pipeline.runs.card_file import write_card
from pipeline.runs.folder import refuse_unfinished, seal_run
from pipeline.runs.kinds import RunKind
from pipeline.runs.load import save_tensors, seal_weights
from pipeline.store.partitions import format_folds
from pipeline.store.reading import Store
from pipeline.training.data import rows_of
from pipeline.training.loop import fit_steps
from pipeline.training.network import announce_settings, ending_told, settings_of
from pipeline.training.options import TrainOptions
from pipeline.training.pretraining_options import PretrainOptions
from pipeline.training.pretraining_plan import TASK, build_method, check_pretraining, known_method, plan, without_labels
from pipeline.training.pretraining_steps import PretrainingLearner, PretrainingSteps, judge, patients_of
from pipeline.training.resume import Progress
from pipeline.training.run import train_run

_FEW = 4  # items that show which weights a method trains


def pretrain(*, resume: bool = False, listener: Listener | None = None, **options: Any) -> Path:
    """Pretrains an encoder, or goes on with it; gives the folder, which ``train(init=…)`` takes.

    Args:
        resume: whether the folder ``path_save_model`` holds a pretraining to go on with.
        listener: is told what happens; None for who listens already, else nobody.
        options: those of ``python -m pipeline.training.pretraining``, by name: ``method="jepa", crop=2.5``.

    Raises:
        EcgFusionError: an option is unknown, or whatever else is wrong with options, stores or folder.
    """
    with listening(listener):
        return pretrain_run(PretrainOptions.of(**options), resume)


def pretrain_run(options: TrainOptions, resume: bool = False) -> Path:
    """As ``train_run``, of a pretraining; the method says which network is usual, and both name the usual folder."""
    if isinstance(options, PretrainOptions) and not resume:
        method = known_method(options)
        model = options.model or describe_method(method).model
        usual = str(Path("runs") / f"{method}-{model}".replace(":", "-"))
        options = replace(options, model=model, path_save_model=options.path_save_model or usual)
    return train_run(options, resume)


def train_pretraining(card: Card, train: Store, dev: Store, folder: Path, device: torch.device) -> None:
    """Pretrains the encoder of a card, or goes on with it, and leaves a finished run in the folder."""
    card = card.with_training(threads=set_up_cpu(card.training.threads))
    torch.manual_seed(card.training.seed)
    method = placed(build_method(card), device)
    announce(card, method, device)
    write_card(folder, card)
    settings, learner = settings_of(card), PretrainingLearner(method, card.spec)
    rows, on_dev = rows_of(card, train), np.flatnonzero(dev.task(TASK).labelled)
    items, dev_items = (store_items(store, seen, card.spec, device) for store, seen in ((train, rows), (dev, on_dev)))
    steps = PretrainingSteps(learner, items, patients_of(train, rows, device), settings, device)
    judged = partial(judge, learner, dev_items, patients_of(dev, on_dev, device), settings, device)
    with ending_told(card, folder, device):
        progress = fit_steps(steps, judged, settings, folder, card.of_training)
    finish(card, method, folder, progress)


def announce(card: Card, method: Method, device: torch.device) -> None:
    """Tells what is about to be pretrained, and on what."""
    assert card.pretraining is not None
    data, spec = card.data, card.spec
    n_encoder, n_all = (
        sum(parameter.numel() for parameter in part.parameters() if parameter.requires_grad)
        for part in (method.encoder, method)
    )
    remark(
        f"pretraining by {card.pretraining.method}, which reads no labels, on {data.source} {data.source_version}, "
        f"folds {format_folds(data.folds)}: {data.n_train_items:,} items of train, {data.n_dev_items:,} of dev"
    )
    remark(
        f"{card.model}: {n_encoder:,} parameters, and {n_all - n_encoder:,} of the method, {len(spec.leads)} leads, "
        f"{spec.crop_samples} samples{' of the median beat' if spec.beat else ''}, {device}"
    )
    if card.pretraining.options:
        remark(", ".join(f"{name} {value}" for name, value in card.pretraining.options.items()))
    announce_settings(card.training)


def trained_tensors(method: Method, spec: InputSpec) -> tuple[str, ...]:
    """The tensors of the encoder that a method trains, by their names in it; what it does not reach stays fresh.

    Parameters are those that its loss has a gradient of; running figures, those of modules that have such parameters,
    or none at all.
    """
    trial = deepcopy(method).cpu().train()
    n_samples = spec.crop_samples
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trial(torch.randn(_FEW, spec.n_channels, n_samples)).loss.backward()
    kept = []
    for where, module in trial.encoder.named_modules():
        own = dict(module.named_parameters(recurse=False))
        reached = [name for name, parameter in own.items() if parameter.grad is not None]
        figures = [name for name, _ in module.named_buffers(recurse=False)] if reached or not own else []
        kept += [f"{where}.{name}" if where else name for name in (*reached, *figures)]
    return tuple(name for name in trial.encoder.state_dict() if name in {*kept})


def finish(card: Card, method: Method, folder: Path, progress: Progress) -> None:
    """Completes a run, which keeps the encoder's weights of the last epoch alone."""
    assert card.pretraining is not None
    last = {name: x for name, x in progress.log[-1].items() if name == "train_loss" or name.startswith("dev_")}
    trained = trained_tensors(method, card.spec)
    done = replace(card.pretraining, trained=trained, epochs=progress.epoch, figures=last)
    card = replace(card, complete=True, pretraining=done)
    tensors = method.encoder.state_dict()
    save_tensors(folder, {name: tensors[name] for name in trained})
    seal_weights(folder, card)
    write_card(folder, seal_run(folder, card))
    (folder / RESUME).unlink(missing_ok=True)
    fresh = len(method.encoder.state_dict()) - len(trained)
    beside = f"; {fresh} others, which {done.method} does not train, will be fresh" if fresh else ""
    remark(f"{len(trained)} tensors of {card.model} are in {folder}{beside}: train.py -init {folder} begins with them")


def _answers_nothing(folder: Path, card: Card) -> NoReturn:
    refuse_unfinished(card, folder)
    raise AssertionError("a pretrained run is always refused")


def _predict(run: Run, *_: object, **__: object) -> NoReturn:
    _answers_nothing(run.folder, run.card)


PRETRAINED = RunKind(
    check=check_pretraining,
    plan=plan,
    train=train_pretraining,
    load=_answers_nothing,
    predict=_predict,
    sees=without_labels,
)
