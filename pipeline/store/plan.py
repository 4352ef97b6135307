"""Every choice of ``create_images.py``, made and checked before any record is read: options → one job a partition."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.commands.image_options import check_size, given_image_options, image_recipe
from pipeline.errors import EcgFusionError
from pipeline.listening import tell, warn
from pipeline.machine.threads import free_cores
from pipeline.representations import LEAD_MAP, ImageRecipe, names_lead_map
from pipeline.signals.filters import Band, check_band
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.sources import Source, open_source
from pipeline.sources.base import SourceOpened
from pipeline.store.job import Job, SignalRecipe
from pipeline.store.partitions import parse_folds, partition_rows

LEAST_GAIN = 1000.0  # counts to the millivolt; a source that is finer keeps its own


def plan_stores(options: argparse.Namespace) -> list[Job]:
    """One job for each wanted partition; tells what the data set holds, warns of partitions that are empty.

    Args:
        options: those of ``create_images.py``.

    Raises:
        EcgFusionError: an option is wrong, or does not fit the data set.
    """
    if not 0 <= options.min_likelihood <= 100:
        raise EcgFusionError(f"--min_likelihood {options.min_likelihood:g} is no percentage: give 0 to 100")
    folds, band, recipe = parse_folds(options.folds), parse_band(options.band), _recipe(options)
    source = open_source(options.source, options.data, options.sampling_rate, options.min_likelihood)
    image_leads = _image_leads(options, source, band)
    rows = {name: chosen[: options.limit] for name, chosen in partition_rows(source.items, folds).items()}
    wanted = list(dict.fromkeys(options.partition or folds))
    jobs = [
        Job(
            source=source,
            partition=partition,
            rows=rows[partition],
            folds=folds,
            signal_recipe=SignalRecipe(band, options.sampling_rate, max(LEAST_GAIN, source.gain)),
            image_recipe=recipe,
            image_leads=image_leads,
            extra={"min_likelihood": options.min_likelihood, "limit": options.limit},
            out=options.out,
            skip_bad_records=options.skip_bad_records,
            workers=options.workers or free_cores(),
        )
        for partition in wanted
        if len(rows.get(partition, []))
    ]
    for job in jobs:
        check_size(recipe, job.n_samples, options.sampling_rate)
    _announce(options, source, {name: rows.get(name, np.array([], int)) for name in wanted})
    return jobs


def _announce(options: argparse.Namespace, source: Source, rows: Mapping[str, np.ndarray]) -> None:
    if not options.show:
        tell(SourceOpened(source, options.data, {name: chosen for name, chosen in rows.items() if len(chosen)}))
    for partition, chosen in rows.items():
        if not len(chosen):
            warn(f"{options.data} has no record for {partition} ({' '.join(options.folds)}): no store is made")


def parse_band(words: Sequence[Any]) -> Band | None:
    """The edges of ``--band`` in Hz, or None for ``none``."""
    if list(words) == ["none"]:
        return None
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise EcgFusionError(f"--band {' '.join(map(str, words))} is not understood: write 0.5 40, or none") from None
    return low, high


def _recipe(options: argparse.Namespace) -> ImageRecipe:
    names, given = options.representations, given_image_options(options)
    drawn = [*given, *({"leads"} & options.typed)]
    if names == ["none"] and drawn:
        raise EcgFusionError(f"--{drawn[0]} is for images, and --representations none makes none: leave one out")
    if "none" in (names or ()) and len(names) > 1:
        raise EcgFusionError(
            f"--representations {' '.join(names)} names representations beside none, which stands alone: leave none out"
        )
    if names_lead_map(names or ()):
        raise EcgFusionError(
            f"--representations {LEAD_MAP} is one image of all leads, which train.py draws of a store's signals "
            f"(-representation {LEAD_MAP}): leave it out here"
        )
    if names is None:
        return image_recipe({}, given)
    return image_recipe({"representations": () if names == ["none"] else tuple(names)}, given)


def _image_leads(options: argparse.Namespace, source: Source, band: Band | None) -> tuple[str, ...]:
    if options.sampling_rate > source.sampling_rate:
        raise EcgFusionError(
            f"--sampling_rate {options.sampling_rate:g} is above the {source.sampling_rate:g} Hz of the recordings"
        )
    try:
        if band:
            check_band(band, source.sampling_rate)
        leads = choose_leads(source.leads, [canonical_lead(lead) for lead in options.leads])
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None
    return tuple(source.leads[number] for number in leads)
