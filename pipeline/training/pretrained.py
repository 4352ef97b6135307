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
from torch import Tensor

from models import SignalNetwork
from models import pretraining as pretraining
from models.pretraining.method import Method, Outcome
from models.pretraining.registry import create_method, describe_method, list_methods
from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU, Batch, Items, load, training_picks
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import choose_workers, store_items
from pipeline.inputs.plan import plan_input
from pipeline.inputs.spec import InputSpec
from pipeline.labels import SAMPLE_SEED, Labels
from pipeline.listening import Listener, listening, progress_bar, remark
from pipeline.machine.devices import default_precision, full_fp32, placed, set_up_cpu
from pipeline.runs.build import Run, build_network
from pipeline.runs.card import RESUME, Card
from pipeline.runs.card_file import write_card
from pipeline.runs.card_parts import PretrainingCard, TrainingCard
from pipeline.runs.folder import refuse_unfinished, seal_run
from pipeline.runs.kinds import RunKind
from pipeline.runs.learners import Change, Learner
from pipeline.runs.load import save_tensors, seal_weights
from pipeline.scoring.checks import check_lengths
from pipeline.store.partitions import format_folds
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.checks import check_momentum, check_network, known_model
from pipeline.training.data import check_stores, rows_of, training_rows
from pipeline.training.loop import Judged, diverged, fit_steps
from pipeline.training.network import announce_settings, ending_told, settings_of
from pipeline.training.optimisation import Settings, check_batch_size
from pipeline.training.options import TrainOptions
from pipeline.training.plan import (
    check_sizes,
    checked_changes,
    chosen_settings,
    data_card,
    options_of_network,
    versions,
)
from pipeline.training.pretraining_options import PretrainOptions
from pipeline.training.resume import Progress
from pipeline.training.run import train_run
from pipeline.training.steps import Steps, generators_of, seed_of_step

TASK = "unlabelled"
"""What the view of a store calls the task that is none: every item is of it, and its one class is nobody's."""

_DEV_SEED = 0  # of what is hidden or drawn of dev, so that epochs and runs are compared by the same
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
        method = _known_method(options)
        model = options.model or describe_method(method).model
        usual = str(Path("runs") / f"{method}-{model}".replace(":", "-"))
        options = replace(options, model=model, path_save_model=options.path_save_model or usual)
    return train_run(options, resume)


# what is planned


def without_labels(store: Store) -> Store:
    """A store as if it had one task, of which every item is, and which says nothing of any."""
    nothing = np.zeros((store.n_items, 1), np.uint8)
    labels = Labels((TASK,), "multilabel", nothing, np.ones(store.n_items, bool))
    return replace(store, labels={TASK: labels}, attributes={**store.attributes, "default_task": TASK})


def _known_method(options: PretrainOptions) -> str:
    if options.method is None:
        raise EcgFusionError(f"which method? give -method with one of {', '.join(list_methods())}")
    try:
        return describe_method(options.method).name
    except ValueError as problem:
        raise EcgFusionError(f"-method: {problem}") from None


def check_pretraining(options: TrainOptions) -> None:
    """Refuses an unknown method, options of trainings with labels, and networks that see no signals."""
    assert isinstance(options, PretrainOptions)
    _known_method(options)
    options.check_taken()
    entry = known_model(options.model or "")
    if entry.modality != "signal":
        raise EcgFusionError(
            f"{entry.name} sees images, and a pretraining is of signals: take a network of signals, such as "
            f"{describe_method(options.method or '').model}"
        )
    if "n_beats" in entry.options:
        raise EcgFusionError(
            f"{entry.name} answers for heartbeats in their sequence, which a pretraining does not show: take another "
            f"-model"
        )
    check_network(replace(options, method=None, method_set=None))
    check_momentum(options)
    if options.beat and options.crop is not None:
        raise EcgFusionError("-beat shows one beat, of which nothing is cropped: leave it out, or -crop")


def plan(options: TrainOptions, train: Store, dev: Store, device: torch.device = CPU) -> Card:
    """The card of a pretraining: every choice made, the user's first, then the family's and the method's defaults."""
    assert isinstance(options, PretrainOptions)
    entry, method = known_model(options.model or ""), describe_method(_known_method(options))
    check_stores(train, dev)
    rows, on_dev = (
        training_rows(TASK, store, limit, SAMPLE_SEED) for store, limit in ((train, options.limit), (dev, None))
    )
    spec = plan_input("signal", options, train, rows)
    changes = checked_changes(options, spec)
    settings = chosen_settings(options, entry.family, [spec])
    settings["learning_rate"] = options.learning_rate or defaults.PRETRAINING_RATE
    settings["patience"] = settings["epochs"]  # nothing tells which epoch is the best
    card = Card(
        complete=False,
        model=entry.name,
        options=options_of_network(entry, options, spec, train),
        task=TASK,
        kind="multilabel",
        classes=(TASK,),
        input=spec,
        data=data_card(TASK, train, rows, dev, options.limit, [spec]),
        training=TrainingCard(
            **settings,
            augment=changes,
            precision=options.precision or default_precision(device),
            seed=defaults.SEED if options.seed is None else options.seed,
            threads=options.threads,
            workers=choose_workers(options.workers, train, len(rows), [spec], device),
            class_weights=None,
        ),
        pretraining=PretrainingCard(method=method.name, options={**method.options, **(options.method_set or {})}),
        given=options.given,
        versions=versions(),
    )
    network = build_network(card)
    check_sizes(entry.name, spec, network)
    of_method = build_method(card)
    for store, seen in ((train, rows), (dev, on_dev)):
        check_lengths(entry.name, spec, network, store, seen)
        _check_lengths_for(of_method, card, store, seen)
    check_batch_size(card.batch_size, network, entry.name)
    if min(card.batch_size, len(rows), len(on_dev)) < of_method.fewest_items:
        raise EcgFusionError(
            f"{method.name} compares the items of a batch: take a -batch_size, and stores, of at least "
            f"{of_method.fewest_items} items"
        )
    return card


def build_method(card: Card) -> Method:
    """The method of a card around a fresh network.

    Raises:
        EcgFusionError: it does not go with that network, or an option is none of it or out of range.
    """
    assert card.pretraining is not None
    encoder = build_network(card)
    if not isinstance(encoder, SignalNetwork) or encoder.hears_itself:
        raise EcgFusionError(f"{card.model} is told what it has answered, and nothing is answered here: take another")
    try:
        return create_method(card.pretraining.method, encoder=encoder, **card.pretraining.options)
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(f"-method {card.pretraining.method} of {card.model}: {problem}") from None


def _check_lengths_for(method: Method, card: Card, store: Store, rows: np.ndarray) -> None:
    assert card.pretraining is not None
    spec, fewest = card.spec, method.fewest_samples()
    shortest = int(store.lengths[rows].min()) if spec.beat is None else spec.n_samples
    seen = shortest if spec.crop is None else min(shortest, spec.crop_samples)
    if seen < fewest:
        raise EcgFusionError(
            f"{card.pretraining.method} of {card.model} takes at least {fewest} samples "
            f"({fewest / spec.sampling_rate:g} s), and would see {seen} of an item of {store.path}: take a longer "
            f"-crop, other items, or other numbers with -method_set or -set"
        )


# in the training


class PretrainingLearner(Learner):
    """A method and how the signals that it sees are made of a batch; ``network`` is the method.

    Args:
        method: whose encoder is trained.
        spec: how its input is made.
    """

    network: Method

    def __init__(self, method: Method, spec: InputSpec) -> None:
        super().__init__()
        self.network = method
        self._maker = InputMaker(spec)

    def outcome(self, batch: Batch, patients: Tensor, change: Change | None = None) -> Outcome:
        """What the method says of a batch.

        Args:
            batch: of the items.
            patients: (items,) a number for the patient of each of all items, on the batch's device.
            change: how signals are changed at random; None leaves them.
        """
        if change is None:
            x = self._maker(batch.raw, batch.length)
        else:
            x = self._maker.augmented(batch.raw, change.generator, change.names, batch.length)
        found: Outcome = self.network(x, batch.length, patients[batch.rows])
        return found


class PretrainingSteps(Steps):
    """Steps that take the method's own loss; arguments as of ``Steps``, and the patient of each item."""

    learner: PretrainingLearner

    def __init__(
        self, learner: PretrainingLearner, items: Items, patients: Tensor, settings: Settings, device: torch.device
    ) -> None:
        super().__init__(learner, items, np.zeros((len(items), 1), np.uint8), settings, device)
        self._patients = patients

    def _loss(self, batch: Any) -> Tensor:
        with self._accelerator.autocast():
            return self.learner.outcome(batch, self._patients, self._change).loss


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
    judge = partial(_judge, learner, dev_items, patients_of(dev, on_dev, device), settings, device)
    with ending_told(card, folder, device):
        progress = fit_steps(steps, judge, settings, folder, card.of_training)
    finish(card, method, folder, progress)


def patients_of(store: Store, rows: np.ndarray, device: torch.device) -> Tensor:
    """A number for the patient of each of some items, (items,)."""
    numbers = np.unique(store.columns["patient_id"][rows], return_inverse=True)[1]
    return torch.from_numpy(numbers.reshape(-1).astype(np.int64)).to(device)


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


def _judge(
    learner: PretrainingLearner,
    items: Items,
    patients: Tensor,
    settings: Settings,
    device: torch.device,
    progress: Progress,
) -> Judged:
    figures = figures_of(learner, items, patients, settings, device)
    if not np.isfinite(figures["dev_loss"]):
        raise diverged(f"the loss of dev is {figures['dev_loss']}", progress, settings)
    return Judged(None, figures)


@torch.no_grad()
@full_fp32()
def figures_of(
    learner: PretrainingLearner, items: Items, patients: Tensor, settings: Settings, device: torch.device
) -> dict[str, float]:
    """What the method says of items that it does not learn of, by the names of the log; means over items.

    What is cropped, hidden or drawn is the same whenever it is asked, so that epochs can be compared.
    """
    learner.eval()
    picks = training_picks(items, settings.batch_size, _DEV_SEED, 0)
    totals: dict[str, Tensor] = {}
    batches = progress_bar(load(items, picks, settings.workers, device), "dev", total=len(picks), leave=False)
    for number, batch in enumerate(batches):
        for generator in generators_of(device):
            generator.manual_seed(seed_of_step(_DEV_SEED, number))
        outcome = learner.outcome(batch.to(device), patients)
        for name, value in {"loss": outcome.loss, **outcome.figures}.items():
            totals[name] = totals.get(name, torch.zeros((), device=device)) + value.float() * len(batch.rows)
    n_items = sum(len(pick.rows) for pick in picks)
    return {f"dev_{name}": float(total) / n_items for name, total in totals.items()}


# behind it


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
