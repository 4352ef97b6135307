"""What a network is to see, chosen before a training begins: the user's options and the store → an ``InputSpec``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.image_options import check_size, image_recipe, lead_map_recipe
from pipeline.errors import EcgFusionError
from pipeline.inputs.features import plan_features
from pipeline.inputs.options import InputOptions
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import NORMALISATIONS, InputSpec
from pipeline.signals.beats import BEAT_S, BEAT_VERSION, beat_samples
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.store.reading import Store

if TYPE_CHECKING:
    from pipeline.representations import ImageRecipe, LeadMapRecipe


def plan_input(
    modality: str,
    options: InputOptions,
    train: Store,
    rows: np.ndarray,
    on_gpu: bool = False,
) -> InputSpec:
    """How the input is made: leads, beat or crop, normalisation, images, and what is seen beside them."""
    from pipeline.representations import names_lead_map

    beat, version = (BEAT_S, BEAT_VERSION) if options.beat else (None, None)
    n_samples = beat_samples(train.sampling_rate, *beat) if beat else int(train.lengths[rows].max())
    crop = options.crop
    if crop is not None and not 0 < round(crop * train.sampling_rate) <= n_samples:
        raise EcgFusionError(f"-crop {crop:g} s does not fit into items of {n_samples / train.sampling_rate:g} s")
    if options.stride is not None and round(options.stride * train.sampling_rate) < 1:
        raise EcgFusionError(
            f"-stride {options.stride:g} s is less than a sample at {train.sampling_rate:g} Hz: give at least "
            f"{1 / train.sampling_rate:g}"
        )
    one_image = names_lead_map(options.representation or ())
    on_the_fly = modality == "image" and _draws(options, train, on_gpu)
    available = train.image_leads if modality == "image" and not on_the_fly else train.leads
    usual = ["all"]
    if modality == "image" and not one_image:
        usual = train.image_leads or [lead for lead in train.default_leads if lead in available] or usual
    try:
        chosen = choose_leads(available, [canonical_lead(lead) for lead in (options.leads or usual)])
    except ValueError as problem:
        raise EcgFusionError(f"{train.path}: {problem}") from None
    representations = _plan_images(modality, on_the_fly, options, train, len(chosen))
    normalise = (options.normalise or NORMALISATIONS[0]) if modality == "signal" else "none"
    leads = tuple(available[number] for number in chosen)
    return InputSpec(
        modality=modality,
        leads=leads,
        sampling_rate=train.sampling_rate,
        gain=train.gain,
        n_samples=n_samples,
        crop=crop,
        stride=(options.stride or crop / 2) if crop is not None else None,
        normalise=normalise,
        scale_mv=standard_deviation(train, rows, leads, beat, version) if normalise == "global" else 1.0,
        representations=representations,
        on_the_fly=on_the_fly,
        beat=beat,
        beat_version=version,
        features=plan_features(options.features, train, rows),
    )


def _draws(options: InputOptions, train: Store, on_gpu: bool) -> bool:
    """Whether images are drawn while training: where they have to be, else as the user says, else on a GPU."""
    from pipeline.representations import LEAD_MAP, names_lead_map

    wanted, asked = options.on_the_fly, [f"-{name}" for name in ("crop", "beat") if getattr(options, name)]
    if names_lead_map(options.representation or ()):
        asked.append(f"-representation {LEAD_MAP}")
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


def _plan_images(
    modality: str,
    on_the_fly: bool,
    options: InputOptions,
    train: Store,
    n_leads: int,
) -> dict[str, dict[str, Any]]:
    if modality == "signal":
        return {}
    from pipeline.representations import LEAD_MAP_KEY, ImageRecipe, names_lead_map

    if names_lead_map(options.representation or ()):
        size = next((parameters["size"] for parameters in train.image_parameters.values()), None)
        one = lead_map_recipe(size, dict(options.of_images), n_leads)
        _check_drawn_size(one, options, train)
        return {LEAD_MAP_KEY: one.parameters()}
    stored = dict(train.image_parameters)
    names = tuple(options.representation or stored or ImageRecipe().representations)
    try:
        base = asdict(ImageRecipe.from_parameters(stored)) if stored else {}
    except ValueError as problem:
        raise EcgFusionError(f"{train.path}: {problem} Make it anew with create_images.py") from None
    recipe = image_recipe({**base, "representations": names}, dict(options.of_images))
    wanted = {name: recipe.parameters(name) for name in names}
    if on_the_fly:
        _check_drawn_size(recipe, options, train)
    else:
        _refuse_other_images(wanted, train)
    return wanted


def _check_drawn_size(recipe: "ImageRecipe | LeadMapRecipe", options: InputOptions, train: Store) -> None:
    """Refuses images that are too large for what is drawn: the beat, the crop or the longest item."""
    crop, n_samples, longer = options.crop, train.signals.shape[2], ""
    if options.beat:
        n_samples = beat_samples(train.sampling_rate, *BEAT_S)
    elif crop is not None:
        n_samples, longer = round(crop * train.sampling_rate), ", or a longer -crop"
    check_size(recipe, n_samples, train.sampling_rate, longer)


def _refuse_other_images(wanted: Mapping[str, Mapping[str, Any]], train: Store) -> None:
    stored = train.image_parameters
    for representation, parameters in wanted.items():
        if representation not in stored:
            raise EcgFusionError(
                f"{train.path} holds no {representation}, only {' '.join(stored)}: draw it with -on_the_fly, "
                f"or make another store with create_images.py --representations {representation}"
            )
        for name, value in parameters.items():
            if stored[representation].get(name) != value:
                raise EcgFusionError(
                    f"the {representation} in {train.path} has {name} {stored[representation].get(name)}, not {value}: "
                    f"draw it otherwise with -on_the_fly, or make another store"
                )


def image_size(spec: InputSpec) -> int:
    """Side of the images, pixels."""
    return int(next(iter(spec.representations.values()))["size"])
