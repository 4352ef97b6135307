"""Every choice of a training, made before it begins: the user's options and two stores → a card."""

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from pipeline.errors import EcgFusionError
from pipeline.inputs.placement import CPU, choose_workers
from pipeline.inputs.plan import image_size, plan_input
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import InputSpec
from pipeline.machine.devices import default_precision
from pipeline.runs.build import build_network
from pipeline.runs.card import FORMAT
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.data import check_labels, check_stores, training_items, training_rows
from pipeline.training.losses import class_weights
from pipeline.training.optimisation import CHOICES, check_batch_size
from pipeline.training.options import NETWORK_OPTIONS, check_options, known_model


def plan(
    given: Mapping[str, Any], image_options: Mapping[str, Any], train: Store, dev: Store, device: torch.device = CPU
) -> dict[str, Any]:
    """The card of a run to be trained on a device: every choice made, the user's first, then the family's defaults."""
    entry = known_model(given["model"])
    check_options(given, image_options, entry.modality)
    check_stores(train, dev)
    task = given.get("task", defaults.TASK)
    labels, dev_labels = train.task(task), dev.task(task)
    if labels.classes != dev_labels.classes:
        raise EcgFusionError(f"{train.path} and {dev.path} have other classes of {task}: make both anew")
    rows = training_rows(task, train, given.get("limit"))
    check_labels(task, labels.rows(rows), train)
    check_labels(task, dev_labels.rows(np.flatnonzero(dev_labels.labelled)), dev)
    family = defaults.training_defaults(entry.family)
    spec = plan_input(entry.modality, given, image_options, train, rows, device.type == "cuda")
    options = {name: given[name] for name in NETWORK_OPTIONS if name in given}
    if spec.modality == "image" and "size" in entry.options:
        options["size"] = image_size(spec)
    card = {
        "format": FORMAT,
        "complete": False,
        "model": entry.name,
        "options": options,
        "task": task,
        "kind": labels.kind,
        "classes": list(labels.classes),
        "input": spec.to_card(),
        "data": {
            "folder": str(train.path.parent.resolve()),
            "source": train.attributes["source"],
            "source_version": train.attributes["source_version"],
            "folds": train.attributes["folds"],
            "band": train.attributes["band"],
            "min_likelihood": train.attributes.get("min_likelihood", 0),
            "limit": given.get("limit"),
            **training_items(train, rows),
            "n_dev_items": int(dev_labels.labelled.sum()),
        },
        "training": {
            **{name: given.get(name, family[name]) for name in CHOICES},
            "precision": given.get("precision", default_precision(device)),
            "seed": given.get("seed", defaults.SEED),
            "threads": given.get("threads"),
            "workers": choose_workers(given.get("workers"), train, len(rows), [spec], device),
            "class_weights": class_weights(labels.rows(rows), given.get("class_weights"), task),
        },
        "given": {**given, **image_options},
        "versions": versions(),
    }
    with torch.device("meta"):  # no memory is needed to see what the network is
        network = build_network(card)
    _check_size(entry.name, spec, network.smallest_size)
    check_batch_size(card["training"]["batch_size"], network, entry.name)
    return card


def planned_on(card: Mapping[str, Any], train: Store) -> dict[str, Any]:
    """The card of the same training on other items: what was computed from the items is computed from those of a store.

    Args:
        card: from ``plan``; all that it has chosen stays.
        train: the store, alike in everything but which items the task labels.
    """
    task, spec, training = card["task"], InputSpec.from_card(card["input"]), card["training"]
    rows = training_rows(task, train, card["data"]["limit"])
    if spec.normalise == "global":
        spec = replace(spec, scale_mv=standard_deviation(train, rows, spec.leads, spec.beat))
    weighting = "none" if training["class_weights"] is None else "balanced"
    return {
        **card,
        "input": spec.to_card(),
        "data": {**card["data"], **training_items(train, rows)},
        "training": {**training, "class_weights": class_weights(train.task(task).rows(rows), weighting, task)},
    }


def _check_size(model: str, spec: InputSpec, smallest: int) -> None:
    if spec.modality == "image" and image_size(spec) < smallest:
        raise EcgFusionError(
            f"{model} takes pictures of at least {smallest} pixels, these have {image_size(spec)}: "
            f"choose another network or another size (-size {smallest} -on_the_fly)"
        )
    if spec.modality == "signal" and spec.crop_samples < smallest:
        raise EcgFusionError(
            f"{model} takes at least {smallest} samples and would see {spec.crop_samples}: take a longer -crop "
            f"or another network"
        )


def versions() -> dict[str, str]:
    """What a card says of the packages that made it."""
    names = ("ecgfusion", "torch", "torchvision", "accelerate", "numpy", "scipy", "h5py")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
