"""Every choice of a training, made before it begins: the user's options and two stores → a card."""

import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models import ModelEntry, describe_model
from pipeline import defaults
from pipeline.beats import beat_samples
from pipeline.errors import EcgFusionError
from pipeline.holding import CPU, check_workers
from pipeline.image_options import band_recipe, check_size, image_recipe
from pipeline.inputs import InputSpec
from pipeline.runs import FORMAT, build_network
from pipeline.settings import CHOICES, check_batch_size
from pipeline.signals import choose_leads, to_millivolts
from pipeline.sources.base import Labels, canonical_lead
from pipeline.store import Store, digest_of_items

if TYPE_CHECKING:
    from pipeline.representations import BandRecipe, ImageRecipe

NETWORK_OPTIONS = ("nb_filters", "dropout", "head", "hidden_size", "n_layers", "pretrained")

_RANGES: dict[str, tuple[float, float]] = {
    "dropout": (0, 1),
    "learning_rate": (0, 1e6),
    "weight_decay": (0, math.inf),
    "momentum": (0, 1),
    "clip_norm": (0, math.inf),
    "seed": (0, 2**63),
    "workers": (0, 257),
    "auxiliary": (0, math.inf),
}
"""From the first number to just below the second."""


def plan(
    given: Mapping[str, Any], image_options: Mapping[str, Any], train: Store, dev: Store, device: torch.device = CPU
) -> dict[str, Any]:
    """The card of a run to be trained on a device: every choice made, the user's first, then the family's defaults."""
    entry = known_model(given["model"])
    _check_options(given, image_options, entry.modality)
    _check_stores(train, dev)
    task = given.get("task", defaults.TASK)
    labels, dev_labels = train.task(task), dev.task(task)
    if labels.classes != dev_labels.classes:
        raise EcgFusionError(f"{train.path} and {dev.path} have other classes of {task}: make both anew")
    rows = training_rows(task, train, given.get("limit"))
    check_labels(task, labels.rows(rows), train)
    check_labels(task, dev_labels.rows(np.flatnonzero(dev_labels.labelled)), dev)
    family = defaults.training_defaults(entry.family)
    spec = plan_input(entry.modality, given, image_options, train, rows, device.type == "cuda")
    check_workers(given.get("workers", 0), train, len(rows), [spec], device)
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
            "precision": given.get("precision", defaults.PRECISIONS[0]),
            "seed": given.get("seed", defaults.SEED),
            "threads": given.get("threads"),
            "workers": given.get("workers", 0),
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


FUSION_ONLY = (
    "branches",
    "combine",
    "fuse_on",
    "fit_on",
    "finetune",
    "branch_learning_rate",
    "auxiliary",
    "branch_dropout",
    "n_heads",
    "max_tokens",
)


def check_network(given: Mapping[str, Any]) -> None:
    """Refuses an unknown network, and the options of fusions."""
    known_model(given["model"])
    for name in FUSION_ONLY:
        if name in given:
            raise EcgFusionError(
                f"-{name} is for fusions (-model late or intermediate), not {given['model']}: leave it out"
            )


def planned_on(card: Mapping[str, Any], train: Store) -> dict[str, Any]:
    """The card of the same training on other items: what was computed from the items is computed from those of a store.

    Args:
        card: from ``plan``; all that it has chosen stays.
        train: the store, alike in everything but which items the task labels.
    """
    task, spec, training = card["task"], InputSpec.from_card(card["input"]), card["training"]
    rows = training_rows(task, train, card["data"]["limit"])
    if spec.normalise == "global":
        spec = replace(spec, scale_mv=_standard_deviation(train, rows, spec.leads))
    weighting = "none" if training["class_weights"] is None else "balanced"
    return {
        **card,
        "input": spec.to_card(),
        "data": {**card["data"], **training_items(train, rows)},
        "training": {**training, "class_weights": class_weights(train.task(task).rows(rows), weighting, task)},
    }


def known_model(name: str) -> ModelEntry:
    """The entry of a network; an unknown name is one sentence with the near ones."""
    try:
        return describe_model(name)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None


def check_ranges(given: Mapping[str, Any]) -> None:
    """Refuses numbers that no training can use."""
    for name, (least, end) in _RANGES.items():
        if name in given and not least <= given[name] < end:  # NaN is in no range
            below = f" and below {end:g}" if math.isfinite(end) else ""
            raise EcgFusionError(f"-{name} {given[name]} does not work: take a number of at least {least:g}{below}")


def plan_input(
    modality: str,
    given: Mapping[str, Any],
    image_options: Mapping[str, Any],
    train: Store,
    rows: np.ndarray,
    on_gpu: bool = False,
) -> InputSpec:
    """How the input is made: leads, beat or crop, normalisation and pictures."""
    from pipeline.representations import BANDS

    beat = defaults.BEAT_S if given.get("beat") else None
    n_samples = beat_samples(train.sampling_rate, *beat) if beat else int(train.lengths[rows].max())
    crop = given.get("crop")
    if crop is not None and not 0 < round(crop * train.sampling_rate) <= n_samples:
        raise EcgFusionError(f"-crop {crop:g} s does not fit into items of {n_samples / train.sampling_rate:g} s")
    one_picture = BANDS in given.get("representation", ())
    on_the_fly = modality == "image" and _draws(given, train, on_gpu)
    available = train.image_leads if modality == "image" and not on_the_fly else train.leads
    usual = ["all"]
    if modality == "image" and not one_picture:
        usual = train.image_leads or list(defaults.IMAGE_LEADS)
    try:
        chosen = choose_leads(available, [canonical_lead(lead) for lead in given.get("leads", usual)])
    except ValueError as problem:
        raise EcgFusionError(f"{train.path}: {problem}") from None
    representations = _plan_pictures(modality, on_the_fly, given, image_options, train, len(chosen))
    normalise = given.get("normalise", defaults.NORMALISATIONS[0]) if modality == "signal" else "none"
    leads = tuple(available[number] for number in chosen)
    return InputSpec(
        modality=modality,
        leads=leads,
        sampling_rate=train.sampling_rate,
        gain=train.gain,
        n_samples=n_samples,
        crop=crop,
        stride=given.get("stride", crop / 2) if crop is not None else None,
        normalise=normalise,
        scale_mv=_standard_deviation(train, rows, leads) if normalise == "global" else 1.0,
        representations=representations,
        on_the_fly=on_the_fly,
        beat=beat,
    )


def _draws(given: Mapping[str, Any], train: Store, on_gpu: bool) -> bool:
    """Whether pictures are drawn while training: where they have to be, else as the user says, else on a GPU."""
    from pipeline.representations import BANDS

    wanted, asked = given.get("on_the_fly"), [f"-{name}" for name in ("crop", "beat") if given.get(name)]
    if BANDS in given.get("representation", ()):
        asked.append("-representation leads")
    if wanted is False and asked:
        raise EcgFusionError(
            f"-no_on_the_fly takes the store's images, and what {asked[0]} shows is in no store: leave one of them out"
        )
    if wanted is False and not train.images:
        raise EcgFusionError(
            f"-no_on_the_fly takes the store's images, and {train.path} holds none: leave it out, or make a store with "
            f"create_images.py"
        )
    return bool(asked) or not train.images or (on_gpu if wanted is None else wanted)


def _plan_pictures(
    modality: str,
    on_the_fly: bool,
    given: Mapping[str, Any],
    image_options: Mapping[str, Any],
    train: Store,
    n_leads: int,
) -> dict[str, dict[str, Any]]:
    if modality == "signal":
        return {}
    from pipeline.representations import BANDS, ImageRecipe

    if BANDS in given.get("representation", ()):
        size = next((parameters["size"] for parameters in train.image_parameters.values()), None)
        one = band_recipe(size, dict(image_options), n_leads)
        _check_drawn_size(one, given, train)
        return {BANDS: one.parameters()}
    stored = dict(train.image_parameters)
    forms = tuple(given.get("representation") or stored or ImageRecipe().representations)
    try:
        base = asdict(ImageRecipe.from_parameters(stored)) if stored else {}
    except ValueError as problem:
        raise EcgFusionError(f"{train.path}: {problem} Make it anew with create_images.py") from None
    recipe = image_recipe({**base, "representations": forms}, dict(image_options))
    wanted = {form: recipe.parameters(form) for form in forms}
    if on_the_fly:
        _check_drawn_size(recipe, given, train)
    else:
        _refuse_other_pictures(wanted, train)
    return wanted


def _check_drawn_size(recipe: "ImageRecipe | BandRecipe", given: Mapping[str, Any], train: Store) -> None:
    """Refuses pictures that are too large for what is drawn: the beat, the crop or the longest item."""
    crop, n_samples, longer = given.get("crop"), train.signals.shape[2], ""
    if given.get("beat"):
        n_samples = beat_samples(train.sampling_rate, *defaults.BEAT_S)
    elif crop is not None:
        n_samples, longer = round(crop * train.sampling_rate), ", or a longer -crop"
    check_size(recipe, n_samples, train.sampling_rate, longer)


def _refuse_other_pictures(wanted: Mapping[str, Mapping[str, Any]], train: Store) -> None:
    stored = train.image_parameters
    for form, parameters in wanted.items():
        if form not in stored:
            raise EcgFusionError(
                f"{train.path} holds no {form}, only {' '.join(stored)}: draw it with -on_the_fly, "
                f"or make another store with create_images.py --representations {form}"
            )
        for name, value in parameters.items():
            if stored[form].get(name) != value:
                raise EcgFusionError(
                    f"the {form} in {train.path} has {name} {stored[form].get(name)}, not {value}: "
                    f"draw it otherwise with -on_the_fly, or make another store"
                )


def image_size(spec: InputSpec) -> int:
    """Side of the pictures, pixels."""
    return int(next(iter(spec.representations.values()))["size"])


def _check_options(given: Mapping[str, Any], image_options: Mapping[str, Any], modality: str) -> None:
    """No option is accepted and ignored."""
    for name in ("representation", "on_the_fly", *image_options):
        if (name in given or name in image_options) and modality == "signal":
            raise EcgFusionError(f"-{name} is for networks on images, and {given['model']} takes signals: leave it out")
    if "normalise" in given and modality == "image":
        raise EcgFusionError(f"-normalise is for networks on signals, and {given['model']} takes images: see -scale")
    check_momentum(given)
    if "beat" in given and ("crop" in given or "stride" in given):
        raise EcgFusionError("-beat shows one beat, of which nothing is cropped: leave it out, or -crop and -stride")
    if len(given.get("representation", ())) > 1 and "leads" in given["representation"]:
        raise EcgFusionError("-representation leads is one picture of all leads: give it alone, without other forms")
    if "stride" in given and "crop" not in given:
        raise EcgFusionError("-stride is the step between crops: give -crop too, or leave it out")
    if "stride" in given and given["stride"] > given["crop"]:
        raise EcgFusionError(f"-stride {given['stride']:g} is longer than -crop, so that parts would never be scored")


def check_momentum(given: Mapping[str, Any]) -> None:
    """Refuses a momentum that no optimizer would use."""
    if "momentum" in given and given.get("optimizer", defaults.OPTIMIZER) != "sgd":
        raise EcgFusionError("-momentum is for -optimizer sgd: give that too, or leave it out")


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


def _check_stores(train: Store, dev: Store) -> None:
    for name in ("source", "folds", "leads", "sampling_rate", "band", "gain", "image_leads", "images"):
        ours, theirs = train.attributes[name], dev.attributes[name]
        if ours != theirs:
            raise EcgFusionError(
                f"{train.path} has {name} {ours} and {dev.path} {theirs}: make both with the same options"
            )
    shared = np.intersect1d(train.columns["patient_id"], dev.columns["patient_id"])
    if len(shared):
        raise EcgFusionError(
            f"patient {shared[0]} is in {train.path} and in {dev.path}: make both with the same --folds"
        )


def check_labels(task: str, labels: Labels, store: Store) -> None:
    """Refuses labels that nothing can be learnt from, or measured on."""
    positives, n_items = labels.values.sum(axis=0, dtype=np.int64), len(labels.values)
    if not ((positives > 0) & (positives < n_items)).any():
        raise EcgFusionError(
            f"{store.path} has {n_items} items that {task} labels, and no class with both positives and negatives: "
            f"take more records or another -task"
        )


def training_rows(task: str, train: Store, limit: int | None) -> np.ndarray:
    """Rows of the items that the task labels, or the first ``limit`` of them."""
    return np.flatnonzero(train.task(task).labelled)[:limit]


def training_items(train: Store, rows: np.ndarray) -> dict[str, Any]:
    """What a card's ``data`` says of the items that are trained on."""
    return {"n_train_items": len(rows), "train_items_digest": digest_of_items(train.columns["item_id"][rows])}


def class_weights(labels: Labels, weighting: str | None, task: str) -> list[float] | None:
    """Negatives over positives of each class, capped; for multiclass, items over classes times positives.

    ``weighting`` is ``balanced`` or ``none``; where it is not given, the task decides.
    """
    if (weighting or ("balanced" if task in defaults.BALANCED_TASKS else "none")) == "none":
        return None
    positives = np.maximum(labels.values.sum(axis=0, dtype=np.int64), 1)
    n_items, n_classes = labels.values.shape
    ratio = (n_items - positives) / positives if labels.kind == "multilabel" else n_items / (n_classes * positives)
    return np.minimum(ratio, defaults.CLASS_WEIGHT_CAP).tolist()


def _standard_deviation(train: Store, rows: np.ndarray, leads: tuple[str, ...]) -> float:
    """Of all training signals together, mV."""
    positions, stored = choose_leads(train.leads, leads), train.signals.open()
    total = square = 0.0
    n_samples = 0
    for row, length in zip(rows, train.lengths[rows], strict=True):
        x = to_millivolts(stored[row][positions][:, :length], train.gain)
        total, square, n_samples = (
            total + float(x.sum()),
            square + float(np.square(x).sum()),
            n_samples + x.size,
        )
    deviation = float(np.sqrt(square / n_samples - (total / n_samples) ** 2))
    if not deviation > 0:
        raise EcgFusionError(f"the signals of {train.path} are flat: check the recordings")
    return deviation


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
