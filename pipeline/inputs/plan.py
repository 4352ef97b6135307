"""What a network is to see, chosen before a training begins: the user's options and the store → an ``InputSpec``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.image_options import band_recipe, check_size, image_recipe
from pipeline.errors import EcgFusionError
from pipeline.inputs.scale import standard_deviation
from pipeline.inputs.spec import NORMALISATIONS, InputSpec
from pipeline.signals.beats import BEAT_S, beat_samples
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.store.reading import Store

if TYPE_CHECKING:
    from pipeline.representations import BandRecipe, ImageRecipe


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

    beat = BEAT_S if given.get("beat") else None
    n_samples = beat_samples(train.sampling_rate, *beat) if beat else int(train.lengths[rows].max())
    crop = given.get("crop")
    if crop is not None and not 0 < round(crop * train.sampling_rate) <= n_samples:
        raise EcgFusionError(f"-crop {crop:g} s does not fit into items of {n_samples / train.sampling_rate:g} s")
    one_picture = BANDS in given.get("representation", ())
    on_the_fly = modality == "image" and _draws(given, train, on_gpu)
    available = train.image_leads if modality == "image" and not on_the_fly else train.leads
    usual = ["all"]
    if modality == "image" and not one_picture:
        usual = train.image_leads or train.default_leads
    try:
        chosen = choose_leads(available, [canonical_lead(lead) for lead in given.get("leads", usual)])
    except ValueError as problem:
        raise EcgFusionError(f"{train.path}: {problem}") from None
    representations = _plan_pictures(modality, on_the_fly, given, image_options, train, len(chosen))
    normalise = given.get("normalise", NORMALISATIONS[0]) if modality == "signal" else "none"
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
        scale_mv=standard_deviation(train, rows, leads, beat) if normalise == "global" else 1.0,
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
        n_samples = beat_samples(train.sampling_rate, *BEAT_S)
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
