"""Processes that read batches ahead of who needs them, one pass after another."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch.utils.data import DataLoader, Dataset

from pipeline.errors import EcgFusionError
from pipeline.machine.limits import check_open_files


class Readers:
    """Processes that outlive a pass: to fork a training takes seconds of copied pages, which an epoch may be short of.

    They start with the first pass and end when nothing refers to the readers.

    Args:
        items: indexed by a pick gives a batch. It must not lead to the readers, which would then live until the next
            garbage collection.
        workers: how many.
        pin: whether batches are page-locked.
    """

    def __init__(self, items: Dataset[Any], workers: int, pin: bool) -> None:
        check_open_files(workers)
        self._how = workers, pin
        self._picks: list[Any] = []  # of the pass that begins
        with _however_few_cores():
            self._loader: DataLoader[Any] = DataLoader(
                _Told(items),
                batch_size=None,
                sampler=self._picks,
                num_workers=workers,
                collate_fn=_as_it_is,
                pin_memory=pin,
                persistent_workers=True,
            )

    def are(self, workers: int, pin: bool) -> bool:
        """Whether they are so many, and read so."""
        return self._how == (workers, pin)

    def read(self, picks: Sequence[Any]) -> Iterator[Any]:
        """The batches of some picks, in order; they begin at once, and only when the pass before is over.

        Raises:
            EcgFusionError: a process ended.
        """
        self._picks[:] = picks
        with _deaths_told(), _however_few_cores():
            return _unwrapped(iter(self._loader))


class _Told(Dataset[Any]):
    """Gives what went wrong as a value: the loader would make a page of it, and lose the name of the file."""

    def __init__(self, items: Dataset[Any]) -> None:
        self._items = items

    def __getitem__(self, pick: Any) -> Any:
        try:
            return self._items[pick]
        except (EcgFusionError, OSError) as problem:
            return problem


def _unwrapped(batches: Iterator[Any]) -> Iterator[Any]:
    with _deaths_told():
        for batch in batches:
            if isinstance(batch, Exception):
                try:
                    raise batch
                finally:
                    del batch  # its traceback leads here, and a circle would keep the processes
            yield batch


@contextmanager
def _deaths_told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as problem:
        if not str(problem).startswith("DataLoader worker"):
            raise
        raise EcgFusionError(
            f"A process that reads ahead has ended ({problem}): see that the memory suffices, or choose fewer -workers"
        ) from problem


@contextmanager
def _however_few_cores() -> Iterator[None]:
    """Torch warns of more processes than cores, when it makes them and again; these wait for a disk."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        yield


def _as_it_is(batch: Any) -> Any:
    return batch
