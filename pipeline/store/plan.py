"""Every choice of ``create_images.py``, checked before any record is read: options → one job a partition."""

from collections.abc import Mapping

import numpy as np

from pipeline.commands.image_options import check_size, image_recipe
from pipeline.errors import EcgFusionError
from pipeline.listening import tell, warn
from pipeline.machine.threads import free_cores
from pipeline.representations import LEAD_MAP, ImageRecipe, names_lead_map
from pipeline.signals.filters import check_band
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.sources.base import SourceOpened
from pipeline.store.job import LEAST_GAIN, Job, SignalRecipe
from pipeline.store.options import StoreOptions
from pipeline.store.partitions import parse_folds, partition_rows


def plan_stores(options: StoreOptions) -> list[Job]:
    """One job for each wanted partition that has a record.

    Raises:
        EcgFusionError: an option is wrong, or does not fit the data set.
    """
    source, folds, recipe = options.source, parse_folds(_fold_words(options)), _recipe(options)
    image_leads, rows = _image_leads(options), _rows(options)
    jobs = [
        Job(
            source=source,
            partition=partition,
            rows=chosen,
            folds=folds,
            signal_recipe=SignalRecipe(options.band, options.sampling_rate, max(LEAST_GAIN, source.gain)),
            image_recipe=recipe,
            image_leads=image_leads,
            extra={**source.options, "limit": options.limit},
            out=options.out,
            skip_bad_records=options.skip_bad_records,
            workers=options.workers or free_cores(),
        )
        for partition, chosen in rows.items()
        if len(chosen)
    ]
    for job in jobs:
        check_size(recipe, job.n_samples, options.sampling_rate)
    return jobs


def announce(options: StoreOptions) -> None:
    """Tells what the data set holds, and warns of wanted partitions that it has no record for."""
    source, rows = options.source, _rows(options)
    tell(SourceOpened(source, {name: chosen for name, chosen in rows.items() if len(chosen)}))
    for partition, chosen in rows.items():
        if not len(chosen):
            words = " ".join(_fold_words(options))
            warn(f"{source.folder} has no record for {partition} ({words}): no store is made")


def _fold_words(options: StoreOptions) -> tuple[str, ...]:
    words = options.folds if options.folds is not None else options.source.entry.default_folds
    if not words:
        raise EcgFusionError(
            f"{options.source.name} has no folds of its own: give --folds, for example train=1-8 dev=9 test=10"
        )
    return words


def _rows(options: StoreOptions) -> Mapping[str, np.ndarray]:
    """Wanted partition to the row numbers of its items; none where the folds do not name it."""
    folds = parse_folds(_fold_words(options))
    rows = {name: chosen[: options.limit] for name, chosen in partition_rows(options.source.items, folds).items()}
    return {name: rows.get(name, np.array([], int)) for name in options.partition or folds}


def _recipe(options: StoreOptions) -> ImageRecipe:
    given = dict(options.image_options)
    names = ImageRecipe().representations if options.representations is None else options.representations or ("none",)
    drawn = [*given, *(["leads"] if options.leads is not None else [])]
    if names == ("none",) and drawn:
        raise EcgFusionError(f"--{drawn[0]} is for images, and --representations none makes none: leave one out")
    if "none" in names and names != ("none",):
        raise EcgFusionError(
            f"--representations {' '.join(names)} names representations beside none, which stands alone: leave none out"
        )
    if names_lead_map(names):
        raise EcgFusionError(
            f"--representations {LEAD_MAP} is one image of all leads, which train.py draws of a store's signals "
            f"(-representation {LEAD_MAP}): leave it out here"
        )
    try:
        return image_recipe({"representations": () if names == ("none",) else names}, given)
    except TypeError:  # from Python alone, since the command reads numbers as numbers
        told = ", ".join(f"{name} {value!r}" for name, value in given.items())
        raise EcgFusionError(f"of {told} one is of the wrong type: see pipeline.representations.ImageRecipe") from None


def _image_leads(options: StoreOptions) -> tuple[str, ...]:
    source = options.source
    if options.sampling_rate > source.sampling_rate:
        raise EcgFusionError(
            f"--sampling_rate {options.sampling_rate:g} is above the {source.sampling_rate:g} Hz of the recordings"
        )
    wanted = source.entry.default_leads if options.leads is None else options.leads
    try:
        if options.band:
            check_band(options.band, source.sampling_rate)
        leads = choose_leads(source.leads, [canonical_lead(lead) for lead in wanted or ("all",)])
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    return tuple(source.leads[number] for number in leads)
