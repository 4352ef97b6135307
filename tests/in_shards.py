"""Stores in shards of some ten records, made by workers in this process or by those of a cluster."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import h5py
from small_stores import make

import pipeline.store.sharding
from pipeline.store.checksums import SHARDS
from pipeline.store.cluster import Cluster
from pipeline.store.job import Job

BYTES_OF_A_SHARD = 250_000


class Here:
    """Workers in this process; ``task`` may be replaced by what a test wants to be done instead."""

    def __init__(self, instead: Callable = lambda task, job: task(job)) -> None:
        self.instead, self.stages = instead, list[str]()

    def run(self, task: Callable, jobs: Iterable[Job], n_jobs: int, stage: str, total: int) -> list:
        self.stages.append(stage)
        done = [self.instead(task, job) for job in jobs]
        assert len(done) == n_jobs
        return done


@contextmanager
def small_shards(workers: object = None) -> Iterator[None]:
    """Has stores made in small shards, by these workers."""

    @contextmanager
    def cluster(_: str) -> Iterator[object]:
        yield workers or Here()

    with (
        mock.patch.object(pipeline.store.sharding, "_LEAST_BYTES", BYTES_OF_A_SHARD),
        mock.patch("pipeline.store.create.cluster", cluster),
    ):
        yield


def make_in_shards(data: Path, out: Path, *words: object, workers: object = None) -> Path:
    """As ``make``, in shards."""
    with small_shards(workers):
        return make(data, out, "--scheduler", "local:2", *words)


def point_at(path: Path, name: str, shard: str, number: int, listed: bool = True) -> None:
    """Has one array of a store in shards point at another file; ``listed``: the store says that it has such a shard."""
    with h5py.File(path, "r+") as file:
        old = file[name]
        said = dict(old.attrs)
        layout = h5py.VirtualLayout(old.shape, old.dtype)
        for at, source in enumerate(old.virtual_sources()):
            (first, *_), (last, *_) = source.vspace.get_select_bounds()
            target = shard if at == number else source.file_name
            layout[first : last + 1] = h5py.VirtualSource(target, name, (last + 1 - first, *old.shape[1:]))
        del file[name]
        file.create_virtual_dataset(name, layout).attrs.update(said)
        if listed:
            names = list(file[SHARDS].asstr()[()])
            names[number] = shard
            file[SHARDS][...] = names


class Deadly(Cluster):
    """A cluster of which the worker that has shard 1 first dies in the midst of its signals, before it syncs them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        super().__init__(cluster._client, cluster._name)
        self._folder = folder

    def run(self, task: Callable, jobs: Iterable[Job], n_jobs: int, stage: str, total: int) -> list:
        deadly = partial(die_once, task, self._folder / f"died in {stage}", self._folder / f"did {stage}")
        return super().run(deadly, jobs, n_jobs, stage, total)


def die_once(task: Callable, flag: Path, log: Path, job: Job) -> object:
    """Does a task, in a worker; the first that has shard 1 does not survive it."""
    if job.name == "00001" and "signals" in flag.name and not flag.exists():
        flag.touch()
        mock.patch.object(os, "fdatasync", side_effect=lambda _: os.kill(os.getpid(), signal.SIGKILL)).start()
    done = task(job)
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{job.name}\n")
    return done
