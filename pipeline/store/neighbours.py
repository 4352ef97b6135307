"""Whether the stores of one folder go together: a training takes one, and is judged on another."""

from collections.abc import Sequence

from pipeline.errors import EcgFusionError
from pipeline.store.job import Job
from pipeline.store.partitions import PARTITIONS
from pipeline.store.reading import store_path
from pipeline.store.sharded import shards_folder
from pipeline.store.writing import differing, part_path, recorded_attributes

ALIKE = ("source", "folds", "leads", "sampling_rate", "band", "gain", "image_leads", "images")
ALIKE_IF_SAID = ("cut", "scheme", "folds_seed", "intra_patient")
"""Attributes in which the stores of a training are alike; whole records in their own folds do not say the latter."""


def check_neighbours(jobs: Sequence[Job]) -> None:
    """Refuses stores that could not be used with one that lies in their folder already.

    Args:
        jobs: what is to be stored, with the same options all.

    Raises:
        EcgFusionError: a store of another partition was made with other options; the sentence says which.
    """
    job, ours = jobs[0], {each.partition for each in jobs}
    for partition in (name for name in PARTITIONS if name not in ours):
        store = store_path(job.out, partition)
        shards = sorted(shards_folder(store).glob("*.h5*"))[:1]
        path = next((each for each in (store, part_path(store), *shards) if each.exists()), None)
        if path is None:
            continue
        try:
            found = recorded_attributes(path)
        except EcgFusionError:  # who opens it will be told
            continue
        recipe = job.recipe()
        alike = {key: recipe.get(key) for key in (*ALIKE, *ALIKE_IF_SAID, *job.source.options)}
        others = differing(alike, found)
        if others:
            raise EcgFusionError(
                f"{path} has {'; '.join(others)}, and could not be used with {job.path}: give the options that it was "
                f"made with, or choose another --out"
            )
