"""Work in threads: on chunks, results in order and no more of them in memory than are worked on; and beside it."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def free_cores() -> int:
    """Cores that this process may use and that nobody keeps busy, at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = int(os.getloadavg()[0] + 0.5) if hasattr(os, "getloadavg") else 0
    return max(1, allowed - busy)


def ordered_map(function: Callable[[Chunk], Result], chunks: Iterable[Chunk], workers: int) -> Iterator[Result]:
    """``map`` over threads, for functions that spend their time outside Python's lock (numpy, torch, files)."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(function, chunk))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def in_background() -> Iterator[Callable[[Callable[[], object]], None]]:
    """A function that has a thread do one task at a time; it waits for the task before, the end for the last.

    What a task raises is raised there.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[object]] = []

        def begin(task: Callable[[], object]) -> None:
            while waiting:
                waiting.pop().result()
            waiting.append(pool.submit(task))

        yield begin
        while waiting:
            waiting.pop().result()
