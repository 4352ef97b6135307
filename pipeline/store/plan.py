"""Every choice of ``create_images.py``, checked before any record is read: options → one job a partition."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pipeline.commands.image_options import check_size, image_recipe
from pipeline.errors import EcgFusionError
from pipeline.labels import SAMPLE_SEED, sample_in_proportion
from pipeline.listening import remark, tell, warn
from pipeline.machine.memory import machine_memory
from pipeline.machine.threads import free_cores
from pipeline.representations import LEAD_MAP, ImageRecipe, names_lead_map
from pipeline.signals.filters import check_band
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.sources.base import Source, SourceOpened
from pipeline.store.job import LEAST_GAIN, RECORDS_DRAWN_AT_ONCE, Job, SignalRecipe
from pipeline.store.options import StoreOptions
from pipeline.store.partitions import parse_folds, partition_rows

_SHARE_OF_MEMORY = 0.5  # of the machine's, that images may take while they are drawn


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
            extra={**source.options, "limit": options.limit, **_sample(options)},
            out=options.out,
            skip_bad_records=options.skip_bad_records,
            workers=options.workers or free_cores(),
        )
        for partition, chosen in rows.items()
        if len(chosen)
    ]
    for job in jobs:
        if job.n_samples < 1:
            raise EcgFusionError(f"--sampling_rate {options.sampling_rate:g} leaves no sample of a record: raise it")
        if recipe.representations:
            check_size(recipe, job.n_samples, options.sampling_rate)
        _check_memory(job)
    return jobs


def _check_memory(job: Job) -> None:
    """Refuses images that cannot be drawn here, before any is."""
    n_bytes, there = RECORDS_DRAWN_AT_ONCE * job.workers * int(np.prod(job.image_shape)), machine_memory()
    if job.image_recipe.representations and n_bytes > _SHARE_OF_MEMORY * there:
        raise EcgFusionError(
            f"images of size {job.image_recipe.size} of {len(job.image_leads)} leads take {n_bytes / 2**30:.0f} GiB "
            f"while they are drawn, and this machine has {there / 2**30:.0f}: take a smaller --size, fewer --leads or "
            f"fewer --workers"
        )


def announce(options: StoreOptions, counts: bool = True) -> None:
    """Tells what the data set holds, and warns of what is not in it, or not in a sample of it.

    Args:
        options: what is to be stored.
        counts: whether the data set's are told.
    """
    source, rows = options.source, _rows(options)
    if counts:
        tell(SourceOpened(source, {name: chosen for name, chosen in rows.items() if len(chosen)}))
    for partition, chosen in rows.items():
        if not len(chosen):
            words = " ".join(_fold_words(options))
            warn(f"{source.folder} has no record for {partition} ({words}): no store is made")
    if options.limit is not None and counts:
        _announce_sample(options, rows)


def _announce_sample(options: StoreOptions, rows: Mapping[str, np.ndarray]) -> None:
    task, limit = _sampled_task(options.source), options.limit
    whole = _rows(replace(options, limit=None))
    if all(len(rows[name]) == len(whole[name]) for name in rows):
        return
    kept = f" in which the classes of {task} have their shares" if task else ""
    remark(f"--limit {limit}: of each partition a sample{kept}, for a quick trial")
    if task is None:
        return
    labels = options.source.labels[task]
    for name, chosen in rows.items():
        lost = labels.rows(chosen).lost_from(labels.rows(whole[name]))
        if lost:
            warn(f"the sample of {name} has no record of {', '.join(lost)}: take a higher --limit")


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
    rows = {
        name: _sampled(options.source, chosen, options.limit)
        for name, chosen in partition_rows(options.source.items, folds).items()
    }
    return {name: rows.get(name, np.array([], int)) for name in options.partition or folds}


def _sampled(source: Source, rows: np.ndarray, limit: int | None) -> np.ndarray:
    """So many of some rows, in their order, in which the classes of the usual task have their shares."""
    task = _sampled_task(source)
    if limit is None or limit >= len(rows):
        return rows
    strata = np.zeros((len(rows), 0))
    if task is not None:
        labels = source.labels[task].rows(rows)
        strata = np.column_stack([labels.values, ~labels.labelled])  # an item without a label is none without a class
    sampled: np.ndarray = rows[sample_in_proportion(strata, limit, SAMPLE_SEED)]
    return sampled


def _sampled_task(source: Source) -> str | None:
    usual = source.entry.default_task
    return usual if usual in source.labels else next(iter(source.labels), None)


def _sample(options: StoreOptions) -> dict[str, str]:
    """What a store says of how its items were chosen; nothing where all are taken, as before there were samples."""
    if options.limit is None:
        return {}
    task = _sampled_task(options.source)
    return {"sample": f"{f'in proportion to {task}' if task else 'at random'}, seed {SAMPLE_SEED}"}


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
