"""A benchmark in a process of its own; not in ``__main__``, which a spawned process cannot import."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from io import StringIO
from multiprocessing import get_context

from benchmarks.ratio import Row, Waiting


def measured_alone(measure: Callable[[], list[Row | Waiting]]) -> list[Row | Waiting]:
    """The rows of a part in a process of its own, since threads and memory are set for a process's whole life.

    What bars and warnings say there is not shown; what a part raises is raised here, its own exit included.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_without_bars, measure).result()


def _without_bars(measure: Callable[[], list[Row | Waiting]]) -> list[Row | Waiting]:
    with redirect_stderr(StringIO()):
        return measure()
