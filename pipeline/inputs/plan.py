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
from pipeline.inputs.spec import NORMALISATIONS, InputSpec, Strip
from pipeline.signals.beats import BEAT_CHANNELS, BEAT_S, BEAT_VERSION, beat_samples
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.store.reading import Store
from pipeline.typed import near_names

if TYPE_CHECKING:
    from pipeline.representations import ImageRecipe, LeadMapRecipe


STRIP_S = 10.0  # of a rhythm strip, in whole lines
_LEAST_BEAT_S, _MOST_BEAT_S = 0.05, 2.0  # before an R peak, and after it: longer than the slowest heart's interval


def plan_input(
    modality: str,
    options: InputOptions,
    train: Store,
    rows: np.ndarray,
    on_gpu: bool = False,
) -> InputSpec:
    """How the input is made: leads, beat or crop, normalisation, images, and what is seen beside them."""
    from pipeline.representations import names_lead_map

    beat, version = (_beat_extent(options, train), BEAT_VERSION) if options.beat else (None, None)
    n_samples = beat_samples(train.sampling_rate, *beat) if beat else int(train.lengths[rows].max())
    parts = _beat_channels(options.beat_channels)
    crop = options.crop
    if crop is not None and not 0 < round(crop * train.sampling_rate) <= n_samples:
        raise EcgFusionError(f"-crop {crop:g} s does not fit into items of {n_samples / train.sampling_rate:g} s")
    if options.stride is not None and crop is not None:
        check_stride(options.stride, crop, train.sampling_rate)
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
    leads = tuple(available[number] for number in chosen)
    strip = _plan_strip(options.strip, leads, n_samples, train, rows)
    n_rows = len(leads) + (0 if strip is None else strip.n_lines)
    representations = _plan_images(modality, on_the_fly, options, train, n_rows, n_samples if beat else None)
    normalise = (options.normalise or NORMALISATIONS[0]) if modality == "signal" else "none"
    return InputSpec(
        modality=modality,
        leads=leads,
        sampling_rate=train.sampling_rate,
        gain=train.gain,
        n_samples=n_samples,
        crop=crop,
        stride=(options.stride or crop / 2) if crop is not None else None,
        normalise=normalise,
        scale_mv=standard_deviation(train, rows, leads, beat, version, parts) if normalise == "global" else 1.0,
        representations=representations,
        on_the_fly=on_the_fly,
        beat=beat,
        beat_version=version,
        features=plan_features(options.features, train, rows),
        beat_channels=parts,
        strip=strip,
    )


def check_stride(stride: float, crop: float, sampling_rate: float) -> None:
    """Refuses a step between crops, s, that is less than a sample or leaves parts of an item out."""
    if round(stride * sampling_rate) < 1:
        raise EcgFusionError(
            f"-stride {stride:g} s is less than a sample at {sampling_rate:g} Hz: give at least {1 / sampling_rate:g}"
        )
    if stride > crop:
        raise EcgFusionError(
            f"-stride {stride:g} s is longer than crops of {crop:g} s, so that parts would never be scored: give less"
        )


def _beat_extent(options: InputOptions, train: Store) -> tuple[float, float]:
    """How much of a beat is seen, s before and after its R peak."""
    if options.beat_extent is None:
        return BEAT_S
    before, after = options.beat_extent
    if not (_LEAST_BEAT_S <= before <= _MOST_BEAT_S and _LEAST_BEAT_S <= after <= _MOST_BEAT_S):
        raise EcgFusionError(
            f"-beat_extent {before:g} {after:g} is how many seconds before and after the R peak are seen: give two "
            f"numbers from {_LEAST_BEAT_S:g} to {_MOST_BEAT_S:g}, as {BEAT_S[0]:g} {BEAT_S[1]:g}"
        )
    if beat_samples(train.sampling_rate, before, after) < 2:
        raise EcgFusionError(f"-beat_extent {before:g} {after:g} is no two samples at {train.sampling_rate:g} Hz")
    return before, after


def _beat_channels(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for number, name in enumerate(names or ()):
        if name not in BEAT_CHANNELS:
            raise EcgFusionError(f"-beat_channels has no {name}: {near_names(name, BEAT_CHANNELS)}")
        if name in (names or ())[:number]:
            raise EcgFusionError(f"-beat_channels names {name} twice: give each once")
    return names or None


def _plan_strip(
    lead: str | None, leads: tuple[str, ...], n_samples: int, train: Store, rows: np.ndarray
) -> Strip | None:
    """The strip of a lead: as many lines as ten seconds have, or as the shortest item fills."""
    if lead is None:
        return None
    name = canonical_lead(lead)
    if name not in leads:
        raise EcgFusionError(
            f"-strip {lead} is none of the leads that are seen ({' '.join(leads)}): choose one of them"
        )
    shortest = min(int(train.lengths[rows].min()), round(STRIP_S * train.sampling_rate))
    if shortest < n_samples:
        raise EcgFusionError(
            f"-strip has lines of {n_samples / train.sampling_rate:g} s, and an item of {train.path} is shorter: "
            f"leave it out, or take a shorter -beat_extent"
        )
    return Strip(name, shortest // n_samples)


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
    n_rows: int,
    n_beat: int | None,
) -> dict[str, dict[str, Any]]:
    """Parameters by representation; ``n_rows`` is leads and lines of a lead map, ``n_beat`` samples of a beat."""
    if modality == "signal":
        return {}
    from pipeline.representations import LEAD_MAP_KEY, ImageRecipe, names_lead_map

    if names_lead_map(options.representation or ()):
        size = next((parameters["size"] for parameters in train.image_parameters.values()), None)
        one = lead_map_recipe(size, dict(options.of_images), n_rows)
        _check_drawn_size(one, options, train, n_beat)
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
        _check_drawn_size(recipe, options, train, n_beat)
    else:
        _refuse_other_images(wanted, train)
    return wanted


def _check_drawn_size(
    recipe: "ImageRecipe | LeadMapRecipe", options: InputOptions, train: Store, n_beat: int | None
) -> None:
    """Refuses images that are too large for what is drawn: the beat, the crop or the longest item."""
    crop, n_samples, longer = options.crop, train.signals.shape[2], ""
    if n_beat is not None:
        n_samples, longer = n_beat, ", or a longer -beat_extent" if options.beat_extent else ""
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
