"""The card of a pretraining: which network learns by which method, of items without their labels."""

from dataclasses import replace

import numpy as np
import torch

from models import SignalNetwork
from models import pretraining as pretraining
from models.pretraining.method import Method
from models.pretraining.registry import create_method, describe_method, list_methods
from pipeline.errors import EcgFusionError
from pipeline.inputs.batches import CPU
from pipeline.inputs.placement import choose_workers
from pipeline.inputs.plan import plan_input
from pipeline.labels import SAMPLE_SEED, Labels
from pipeline.machine.devices import default_precision
from pipeline.runs.build import build_network
from pipeline.runs.card import Card
from pipeline.runs.card_parts import PretrainingCard, TrainingCard
from pipeline.scoring.checks import check_lengths
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.checks import check_momentum, check_network, known_model
from pipeline.training.data import check_stores, training_rows
from pipeline.training.optimisation import check_batch_size
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

TASK = "unlabelled"
"""What the view of a store calls the task that is none: every item is of it, and its one class is nobody's."""


def without_labels(store: Store) -> Store:
    """A store as if it had one task, of which every item is, and which says nothing of any."""
    nothing = np.zeros((store.n_items, 1), np.uint8)
    labels = Labels((TASK,), "multilabel", nothing, np.ones(store.n_items, bool))
    return replace(store, labels={TASK: labels}, attributes={**store.attributes, "default_task": TASK})


def known_method(options: PretrainOptions) -> str:
    if options.method is None:
        raise EcgFusionError(f"which method? give -method with one of {', '.join(list_methods())}")
    try:
        return describe_method(options.method).name
    except ValueError as problem:
        raise EcgFusionError(f"-method: {problem}") from None


def check_pretraining(options: TrainOptions) -> None:
    """Refuses an unknown method, options of trainings with labels, and networks that see no signals."""
    assert isinstance(options, PretrainOptions)
    known_method(options)
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
    entry, method = known_model(options.model or ""), describe_method(known_method(options))
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
