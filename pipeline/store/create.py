"""Source → signals → representations → store: the stores of a data set, one partition at a time."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

from pipeline.errors import EcgFusionError
from pipeline.listening import remark
from pipeline.machine.files import check_writable, make_folder
from pipeline.sources import BadRecord, Source
from pipeline.sources.folds_files import FOLDS_FILE, write_folds
from pipeline.store.cluster import cluster
from pipeline.store.disk import check_disk
from pipeline.store.division import divide
from pipeline.store.filling import BadRecordsError, check_complete, create_store, find_bad
from pipeline.store.job import Job
from pipeline.store.merging import merge_store
from pipeline.store.neighbours import check_neighbours
from pipeline.store.options import StoreKeywords, StoreOptions
from pipeline.store.plan import announce, plan_stores
from pipeline.store.sharding import create_sharded, find_bad_in_shards
from pipeline.store.summary import Summary


def create_stores(source: Source, out: Path | str, **options: Unpack[StoreKeywords]) -> list[Path]:
    """Makes the stores of a data set, or goes on with them; what is complete is left as it is.

    Args:
        source: the opened data set.
        out: folder for the stores.
        options: those of ``create_images.py``, by their names: fields of ``StoreOptions``, and of ``ImageRecipe``.
            Words may come as one text: ``create_stores(source, "stores", representations="gaf rp", size=64)``.

    Returns:
        Where the stores lie, one for each wanted partition that has a record.

    Raises:
        EcgFusionError: there is no such option, one does not fit the data set, no record is in any wanted
            partition, or see ``create_store``.
    """
    chosen = StoreOptions.of(source, out, options)
    division = divide(chosen)
    jobs = plan_stores(chosen, division)
    done = bool(jobs) and all(job.path.exists() for job in jobs)
    announce(chosen, division, counts=not done)
    if not jobs:
        raise EcgFusionError(
            f"{source.folder} has no record for any partition that was asked for: choose other --folds or --partition"
        )
    check_neighbours(jobs)
    if done:
        for job in jobs:
            check_complete(job)
        paths = [str(job.path) for job in jobs]
        are = "are" if len(paths) > 1 else "is"
        remark(
            f"{' and '.join([', '.join(paths[:-1]), paths[-1]] if paths[1:] else paths)} {are} complete: nothing to do"
        )
    else:
        check_writable(chosen.out)
        if division.computed:
            make_folder(chosen.out)
            write_folds(chosen.out / FOLDS_FILE, division.items)
        if chosen.scheduler is None:
            _create_all(jobs, create_store, find_bad)
        else:
            _create_with(chosen.scheduler, jobs)
    if chosen.merge:
        merge_stores(job.path for job in jobs)
    return [job.path for job in jobs]


def merge_stores(paths: Iterable[Path]) -> None:
    """Makes one file of each store in shards; tells which have become one, and which were already.

    Raises:
        EcgFusionError: see ``merge_store``.
    """
    for path in paths:
        merged = merge_store(path)
        remark(f"{path}: merged into one file" if merged else f"{path} is one file already: nothing to merge")


def _create_with(scheduler: str, jobs: Sequence[Job]) -> None:
    """As ``_create_all``, by the workers of a scheduler."""
    with cluster(scheduler) as workers:
        _create_all(jobs, partial(create_sharded, workers=workers), partial(find_bad_in_shards, workers=workers))


def _create_all(
    jobs: Sequence[Job], create: Callable[[Job], Summary | None], find: Callable[[Job], list[BadRecord]]
) -> list[Summary]:
    """Makes the stores of several partitions, those that are complete aside; tells what became of each.

    Args:
        jobs: the partitions.
        create: makes the store of one.
        find: names the bad records of one.

    Raises:
        EcgFusionError: see ``create_store``; where one partition has bad records, those of all are named first.
    """
    check_disk(jobs)
    summaries = []
    for number, job in enumerate(jobs):
        try:
            summary = create(job)
        except BadRecordsError as found:
            bad = list(found.bad)
            for other in jobs[number + 1 :]:
                bad += find(other)
            raise BadRecordsError(bad) from None
        if summary:
            remark(str(summary))
            summaries.append(summary)
    return summaries
