"""Every choice of ``create_images.py``, checked before any record is read: options → one job a partition."""

import math
from dataclasses import replace

import numpy as np

from pipeline.commands.image_options import check_size, image_recipe
from pipeline.errors import EcgFusionError
from pipeline.labels import INTRA_PATIENT, SAMPLE_SEED
from pipeline.listening import remark, tell, warn
from pipeline.machine.memory import machine_memory
from pipeline.machine.threads import free_cores
from pipeline.representations import LEAD_MAP, ImageRecipe, names_lead_map
from pipeline.signals.filters import check_band
from pipeline.signals.leads import canonical_lead, choose_leads
from pipeline.signals.windows import samples_of
from pipeline.sources.base import SourceOpened
from pipeline.sources.cuts import RATES
from pipeline.store.division import Division, divide
from pipeline.store.job import LEAST_GAIN, RECORDS_DRAWN_AT_ONCE, Job, SignalRecipe
from pipeline.store.options import StoreOptions
from pipeline.store.partitions import format_folds

_SHARE_OF_MEMORY = 0.5  # of the machine's, that images may take while they are drawn


def plan_stores(options: StoreOptions, division: Division | None = None, to_store: bool = True) -> list[Job]:
    """One job for each wanted partition that has a record.

    Args:
        options: what is to be stored.
        division: what ``divide`` makes of them, if it has.
        to_store: whether all items are to be stored; one alone may be drawn whatever the lengths of others.

    Raises:
        EcgFusionError: an option is wrong, or does not fit the data set.
    """
    source, recipe = options.source, _recipe(options)
    image_leads, division = _image_leads(options), division or divide(options)
    jobs = [
        Job(
            division=division,
            partition=partition,
            rows=chosen,
            signal_recipe=SignalRecipe(options.band, options.sampling_rate, max(LEAST_GAIN, source.gain)),
            image_recipe=recipe,
            image_leads=image_leads,
            extra={**source.options, "limit": options.limit, **_sample(division)},
            out=options.out,
            skip_bad_records=options.skip_bad_records,
            workers=options.workers or (free_cores() if options.scheduler is None else 1),
        )
        for partition, chosen in division.rows.items()
        if len(chosen)
    ]
    of_beats = division.of_beats or source.holds_beats
    if recipe.representations and "size" not in options.image_options and jobs and of_beats:
        jobs = _small_enough(jobs, options.sampling_rate)
        recipe = jobs[0].image_recipe
    for job in jobs:
        if job.n_samples < 1:
            raise EcgFusionError(f"--sampling_rate {options.sampling_rate:g} leaves no sample of a record: raise it")
        if recipe.representations:
            if to_store:
                _refuse_unequal(job)
            check_size(recipe, job.n_samples, options.sampling_rate)
        _check_memory(job)
    return jobs


def _small_enough(jobs: list[Job], sampling_rate: float) -> list[Job]:
    """With images of the usual size, or of the largest power of two that a heartbeat has enough samples for."""
    recipe, n_samples = jobs[0].image_recipe, min(job.n_samples for job in jobs)
    if n_samples >= recipe.smallest_length(sampling_rate):
        return jobs
    largest = recipe.largest_size(n_samples, sampling_rate)
    if not largest:  # what is in the way is no size, and check_size says it
        return jobs
    size = 1 << (largest.bit_length() - 1)
    remark(f"images have {size} x {size} pixels, for heartbeats of {n_samples} samples are too short for {recipe.size}")
    return [replace(job, image_recipe=replace(recipe, size=size)) for job in jobs]


def _refuse_unequal(job: Job) -> None:
    """Refuses images of items of unequal length, which would show padding."""
    shortest, longest = float(job.items["length"].min()), float(job.items["length"].max())
    if samples_of(shortest, job.signal_recipe.sampling_rate) != job.n_samples:
        fits = math.floor(shortest * 10) / 10 or shortest  # a rounding up would leave the shortest record out
        raise EcgFusionError(
            f"records of {job.partition} have from {shortest:.4g} to {longest:.4g} s, and an image of a short one "
            f"would show its padding: cut windows of one length with --window {fits:g}, or store signals only with "
            f"--representations none"
        )


def _check_memory(job: Job) -> None:
    """Refuses images that cannot be drawn here, before any is."""
    n_bytes, there = RECORDS_DRAWN_AT_ONCE * job.workers * int(np.prod(job.image_shape)), machine_memory()
    if job.image_recipe.representations and n_bytes > _SHARE_OF_MEMORY * there:
        raise EcgFusionError(
            f"images of size {job.image_recipe.size} of {len(job.image_leads)} leads take {n_bytes / 2**30:.0f} GiB "
            f"while they are drawn, and this machine has {there / 2**30:.0f}: take a smaller --size, fewer --leads or "
            f"fewer --workers"
        )


def announce(options: StoreOptions, division: Division | None = None, counts: bool = True) -> None:
    """Tells what the data set holds, and warns of what is not in it, or not in a sample of it.

    Args:
        options: what is to be stored.
        division: what ``divide`` makes of them, if it has.
        counts: whether the data set's are told.
    """
    source, division = options.source, division or divide(options)
    if counts:
        there = {name: chosen for name, chosen in division.rows.items() if len(chosen)}
        tell(SourceOpened(source, division.items, there))
        if division.intra_patient:
            warn(f"{f'--folds {division.scheme}' if division.scheme else source.name}: {INTRA_PATIENT}")
    if counts and not division.items.labels and source.beats is not None and source.beats.labels:
        warn(f"only the heartbeats of {source.name} are labelled, so these stores have no labels: cut them with --beat")
    for partition, chosen in division.rows.items():
        if not len(chosen):
            words = " ".join(options.folds or (division.scheme or format_folds(division.folds),))
            warn(f"{source.folder} has no record for {partition} ({words}): no store is made")
    if counts and (division.computed or options.folds_file is not None):
        _announce_lost(division)
    if options.limit is not None and counts:
        _announce_sample(division)


def _announce_lost(division: Division) -> None:
    """Warns of classes that a partition has no record of, where others have."""
    task = division.sampled_task
    if task is None:
        return
    labels = division.items.labels[task]
    for name, chosen in division.whole.items():
        lost = labels.rows(chosen).lost_from(labels) if len(chosen) else []
        if lost:
            warn(f"{name} has no item of {', '.join(lost)} ({task}), which it can say nothing of")


def _announce_sample(division: Division) -> None:
    rows, whole, task = division.rows, division.whole, division.sampled_task
    if all(len(rows[name]) == len(whole[name]) for name in rows):
        return
    kept = f" in which the classes of {task} have their shares" if task else ""
    remark(f"--limit {division.limit}: of each partition a sample{kept}, for a quick trial")
    if task is None:
        return
    labels, what = division.items.labels[task], "item" if division.cut.parameters() else "record"
    for name, chosen in rows.items():
        lost = labels.rows(chosen).lost_from(labels.rows(whole[name]))
        if lost:
            warn(f"the sample of {name} has no {what} of {', '.join(lost)}: take a higher --limit")


def _sample(division: Division) -> dict[str, str]:
    """What a store says of how its items were chosen; nothing where all are taken, as before there were samples."""
    if division.limit is None:
        return {}
    task = division.sampled_task
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
    of_cut = RATES.get(options.beat or "")  # which a source may have chosen coarser files for
    if options.sampling_rate > source.sampling_rate and options.sampling_rate != of_cut:
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
