"""Every choice of a training, made before it begins: the user's options and two stores → a card."""

import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from models import ModelEntry, Network
from pipeline.errors import EcgFusionError
from pipeline.evaluation.joining import JOINS
from pipeline.inputs.batches import CPU
from pipeline.inputs.features import scaled_on
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.plan import image_size, plan_input
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import InputSpec
from pipeline.labels import SAMPLE_SEED
from pipeline.machine.checkout import commit
from pipeline.machine.devices import default_precision
from pipeline.runs.build import build_network
from pipeline.runs.card import Card
from pipeline.runs.card_parts import CHOICES, DataCard, TrainingCard
from pipeline.scoring.checks import check_features, check_lengths
from pipeline.scoring.records import check_records, holds_windows
from pipeline.signals.augmentations import check_augmentations
from pipeline.signals.leads import LEADS
from pipeline.store.reading import Store, digest_of_items
from pipeline.training import defaults
from pipeline.training.checks import check_options, known_model
from pipeline.training.contents import contents
from pipeline.training.data import check_labels, check_stores, rows_of, training_rows
from pipeline.training.distillation import plan_teacher
from pipeline.training.init_input import refused_with_its_input, with_its_input
from pipeline.training.learnt import labels_to_learn, learnt_of
from pipeline.training.losses import class_weights, make_loss
from pipeline.training.optimisation import check_batch_size
from pipeline.training.options import NETWORK_OPTIONS, TrainOptions
from pipeline.training.sampling import check_kind, check_sampling, check_synthetic, weighting_of
from pipeline.training.schedule import chosen_schedule
from pipeline.training.transfer import options_of_origin, plan_init


def plan(options: TrainOptions, train: Store, dev: Store, device: torch.device = CPU) -> Card:
    """The card of a run to be trained on a device: every choice made, the user's first, then the family's defaults."""
    entry = known_model(options.model or "")
    given, options = options, with_its_input(options, entry.modality, train)
    with refused_with_its_input(given, options):
        check_options(options, entry.modality)
    check_sampling(options)
    check_stores(train, dev)
    task, join = options.task or train.default_task or defaults.TASK, planned_join(options, train)
    labels, dev_labels = train.task(task), dev.task(task)
    if labels.classes != dev_labels.classes:
        raise EcgFusionError(f"{train.path} and {dev.path} have other classes of {task}: make both anew")
    rows = training_rows(task, train, options.limit, SAMPLE_SEED)
    check_labels(task, labels.rows(rows), train)
    check_kind(options.sampling, labels.kind)
    on_dev = np.flatnonzero(dev_labels.labelled)
    check_labels(task, dev_labels.rows(on_dev), dev)
    learnt = learnt_of(options.learn, task, train)
    for store in (train, dev) if join else ():
        check_records(task, store)
    with refused_with_its_input(given, options):
        spec = plan_input(entry.modality, options, train, rows, device.type == "cuda")
    check_features(spec.features, dev, f"make it as {train.path} was made")
    changes = checked_changes(options, spec)
    if options.sampling == "smote":
        check_synthetic(spec, train, rows, labels.rows(rows))
    card = Card(
        complete=False,
        model=entry.name,
        options=options_of_network(entry, options, spec, train),
        task=task,
        kind=labels.kind,
        classes=labels.classes,
        learnt=learnt,
        input=spec,
        join=join,
        data=data_card(task, train, rows, dev, options.limit, [spec], learnt.tasks if learnt else ()),
        training=TrainingCard(
            **chosen_settings(options, entry.family, [spec]),
            loss=checked_loss(options, labels.kind),
            sampling=options.sampling,
            augment=changes,
            label_smoothing=options.label_smoothing or None,
            mixup=options.mixup or None,
            ema=options.ema or None,
            precision=options.precision or default_precision(device),
            seed=defaults.SEED if options.seed is None else options.seed,
            threads=options.threads,
            workers=choose_workers(options.workers, train, len(rows), [spec], device),
            class_weights=None,
        ),
        given=options.given,
        versions=versions(),
    )
    to_learn = labels_to_learn(card, train).rows(rows)
    card = card.with_training(class_weights=class_weights(to_learn, weighting_of(options), task))
    with torch.device("meta"):  # no memory is needed to see what the network is
        network = build_network(card)
    check_sizes(entry.name, spec, network)
    for store, seen in ((train, rows), (dev, on_dev)):
        check_lengths(entry.name, spec, network, store, seen)
    check_batch_size(card.batch_size, network, entry.name)
    card = replace(card, init=plan_init(options, card, network, train, dev))
    return replace(card, teacher=plan_teacher(options, card, train, dev))


def options_of_network(entry: ModelEntry, options: TrainOptions, spec: InputSpec, train: Store) -> dict[str, Any]:
    """What a network is made with: what was given, and what follows from what it sees.

    Raises:
        EcgFusionError: it would be made for other items than those of the store.
    """
    chosen = {**options_of_origin(options), **options.of_network(NETWORK_OPTIONS)}
    if spec.modality == "image" and "size" in entry.options:
        chosen["size"] = image_size(spec)
    is_built_for_samples = chosen.get("head") == "flatten" or chosen.get("steps") == "beat"
    if is_built_for_samples and "n_samples" in entry.options:
        chosen.setdefault("n_samples", spec.crop_samples)
    if "n_beats" in entry.options:
        chosen["n_beats"] = _beats_of_an_item(entry.name, chosen.get("n_beats"), options, train)
    if "sampling_rate" in entry.options:
        chosen["sampling_rate"] = _rate_of_an_item(entry.name, chosen.get("sampling_rate"), spec, train)
    return chosen


def planned_join(options: TrainOptions, train: Store) -> str | None:
    """How the scores of windows are to become their record's; None where items answer for themselves.

    Raises:
        EcgFusionError: it is asked for, and there is nothing to join.
    """
    if holds_windows(train):
        return options.join or next(iter(JOINS))
    if options.join is not None:
        kind = train.cut.get("kind")
        what = f"{kind}, each with a label of its own" if kind else "whole records"
        way = "" if kind else ", or cut windows with create_images.py --window"
        raise EcgFusionError(
            f"-join joins the scores of a record's windows, and the items of {train.path} are {what}: leave it out{way}"
        )
    return None


def chosen_settings(options: TrainOptions, family: str, specs: Sequence[InputSpec] = ()) -> dict[str, Any]:
    """Optimizer, rate, schedule, batch and so on: what was given, else the family's own, for inputs such as these."""
    usual = defaults.training_defaults(family)
    longest = max((spec.crop_samples for spec in specs if spec.modality == "signal"), default=0)
    usual["batch_size"] = defaults.usual_batch_size(usual["batch_size"], longest)
    given = {name: getattr(options, name) for name in CHOICES}
    chosen = {name: usual[name] if value is None else value for name, value in given.items()}
    return chosen | chosen_schedule(
        chosen["scheduler"], chosen["epochs"], warm=options.warmup, cycles=options.cycles, floor=options.floor
    )


def data_card(
    task: str,
    train: Store,
    rows: np.ndarray,
    dev: Store,
    limit: int | None,
    specs: Sequence[InputSpec],
    learnt: Sequence[str] = (),
) -> DataCard:
    """What a card says of the items of a training.

    Args:
        task: what is answered.
        train: the training store.
        rows: of it, that are trained on.
        dev: the dev store.
        limit: so many items only, a sample in the classes' shares; None for all.
        specs: what networks see; none where nothing but scores is read.
        learnt: tasks that are learnt, where they are others.
    """
    made, dev_rows = train.attributes, np.flatnonzero(dev.task(task).labelled)
    on_dev, records = dev.columns["item_id"][dev_rows], dev.columns["record_id"][dev_rows]
    return DataCard(
        folder=str(train.path.parent.resolve()),
        source=made["source"],
        source_version=made["source_version"],
        folds={partition: tuple(folds) for partition, folds in made["folds"].items()},
        band=tuple(made["band"]) if made["band"] else None,
        cut=train.cut or None,
        scheme=train.scheme,
        scheme_seed=made.get("folds_seed"),
        intra_patient=train.intra_patient or None,
        leads=None if {*train.leads} <= {*LEADS} else tuple(train.leads),
        min_likelihood=made.get("min_likelihood", 0),
        limit=limit,
        sampled=None if limit is None else True,
        n_train_items=len(rows),
        train_items_digest=digest_of_items(train.columns["item_id"][rows]),
        n_dev_items=len(on_dev),
        n_dev_records=len(np.unique(records)) if holds_windows(dev) else None,
        dev_items_digest=digest_of_items(on_dev),
        contents={"train": contents(train, task, specs, learnt), "dev": contents(dev, task, specs)},
    )


def planned_on(card: Card, train: Store) -> Card:
    """The card of the same training on other items: what was computed from the items is computed from those of a store.

    Args:
        card: from ``plan``; all that it has chosen stays.
        train: the store, alike in everything but which items the task labels.
    """
    spec, rows = card.spec, rows_of(card, train)
    if spec.normalise == "global":
        spec = replace(
            spec, scale_mv=standard_deviation(train, rows, spec.leads, spec.beat, spec.beat_version, spec.beat_channels)
        )
    spec = replace(spec, features=scaled_on(spec, train, rows))
    weighting = "none" if card.training.class_weights is None else "balanced"
    weights = class_weights(labels_to_learn(card, train).rows(rows), weighting, card.task)
    return replace(
        card,
        input=spec,
        data=replace(
            card.data, n_train_items=len(rows), train_items_digest=digest_of_items(train.columns["item_id"][rows])
        ),
        training=replace(card.training, class_weights=weights),
    )


def checked_loss(options: TrainOptions, kind: str) -> str | None:
    """The loss that was given, if it is one for such a task.

    Raises:
        EcgFusionError: it is none.
    """
    if options.loss is not None:
        try:
            make_loss(kind, None, options.loss)
        except EcgFusionError as problem:
            raise EcgFusionError(f"-loss: {problem}") from None
    return options.loss


def _beats_of_an_item(model: str, given: Any, options: TrainOptions, train: Store) -> Any:
    """How many beats side by side a network of sequences sees: those of the store, or what was given.

    Raises:
        EcgFusionError: they differ, or nothing was given and items are no sequences of beats.
    """
    seen = None if options.crop is not None or options.beat else train.cut.get("beats")
    if given is None and (seen is None or seen == 1):
        what = "one beat each" if seen else "no beats side by side, as it would see them"
        raise EcgFusionError(
            f"{model} answers for a heartbeat among its neighbours, and the items of {train.path} are {what}: make the "
            f"stores with create_images.py --beats 3 (or 5, 9 …), or take each as one beat with -set n_beats=1"
        )
    if given is not None and seen is not None and given != seen:
        raise EcgFusionError(
            f"{model} is to see {given} beats, and an item of {train.path} has {seen}: leave -set n_beats out"
        )
    return seen if given is None else given


def _rate_of_an_item(model: str, given: Any, spec: InputSpec, train: Store) -> float:
    """The rate, in Hz, that a network's filters are made for: that of the store.

    Raises:
        EcgFusionError: another one was given.
    """
    if given is not None and given != spec.sampling_rate:
        raise EcgFusionError(
            f"{model} is to see {given} Hz, and {train.path} has {spec.sampling_rate:g}: leave -set sampling_rate out, "
            f"or make the stores with create_images.py --sampling_rate {given}"
        )
    return spec.sampling_rate


def checked_changes(options: TrainOptions, spec: InputSpec) -> tuple[str, ...] | None:
    """The augmentations that were given; None where none were.

    Raises:
        EcgFusionError: one is none, or images that are stored cannot have it.
    """
    try:
        names = check_augmentations(options.augment or ())
    except ValueError as problem:
        raise EcgFusionError(f"-augment: {problem}") from None
    if names and not spec.takes_signals:
        raise EcgFusionError(
            f"-augment {' '.join(names)} changes signals, and the images of {options.model} are stored: add -on_the_fly"
        )
    return names or None


def check_sizes(model: str, spec: InputSpec, network: Network) -> None:
    """Refuses what a network is to see where it is too small or short for it, or not what it was built for."""
    smallest, only = network.smallest_size, getattr(network, "only_samples", None)
    if spec.modality == "image" and image_size(spec) < smallest:
        raise EcgFusionError(
            f"{model} takes images of at least {smallest} pixels, these have {image_size(spec)}: "
            f"choose another network or another size (-size {smallest} -on_the_fly)"
        )
    if only is not None and spec.crop_samples != only:
        raise EcgFusionError(
            f"{model} is built for n_samples={only} and would see {spec.crop_samples}: leave -set n_samples out, "
            f"which is what the network sees"
        )
    if spec.modality == "signal" and spec.crop_samples < smallest:
        raise EcgFusionError(
            f"{model} takes at least {smallest} samples and would see {spec.crop_samples}: take a longer -crop "
            f"or another network"
        )


def versions() -> dict[str, str]:
    """What a card says of the packages that made it, and of the commit of this program where it is a checkout."""
    names = ("ecgfusion", "torch", "torchvision", "accelerate", "numpy", "scipy", "h5py")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if (made := commit()) is not None:
        found["git"] = made
    return found
