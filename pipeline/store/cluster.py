"""Workers of Dask, on this machine or on many, who make the shards of stores."""

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from pipeline.errors import EcgFusionError
from pipeline.listening import Event, Listener, Warned, listening, progress_bar, tell
from pipeline.machine.extras import required
from pipeline.store.job import Job
from pipeline.store.options import local_workers

if TYPE_CHECKING:
    from distributed import Client, Future

_SECONDS_TO_CONNECT, _SECONDS_FOR_A_WORKER = 10, 60
_SECONDS_BETWEEN_REPORTS, _SECONDS_BETWEEN_LOOKS = 0.5, 20.0
_SECONDS_WITHOUT_WORKERS = 300.0  # a cluster that starts its workers anew may take some minutes for it
_OF_A_BUSY_MACHINE = {
    # that a process here has ended is known at once; one that answers late is only slow
    "distributed.scheduler.worker-ttl": None,
    "distributed.comm.timeouts.connect": "120s",
    "distributed.comm.timeouts.tcp": "300s",
}


@contextmanager
def cluster(name: str) -> Iterator["Cluster"]:
    """The workers of a scheduler; those of ``local:N`` are started here, and end with the block.

    Raises:
        EcgFusionError: Dask is not installed, no scheduler answers, or it has no worker.
    """
    required("distributed", "cluster", "--scheduler needs")
    import dask
    from distributed import Client, LocalCluster

    for logger in (
        "distributed",
        *(each for each in logging.root.manager.loggerDict if each.startswith("distributed.")),
    ):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what the user is to know is told in sentences
    n_workers = local_workers(name)
    if n_workers is not None:
        with dask.config.set(_OF_A_BUSY_MACHINE):
            started = LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                memory_limit=0,  # maps of files count in what Dask would limit, and take no memory from anybody
                dashboard_address="127.0.0.1:0",  # its usual port may be another cluster's
                silence_logs=logging.CRITICAL,
            )
            with started, Client(started) as client:
                yield Cluster(client, name)
        return
    try:
        client = Client(name, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as problem:
        raise EcgFusionError(
            f"no scheduler answers at {name} ({type(problem).__name__}): start one with dask scheduler, or give "
            f"--scheduler local:2 for two workers on this machine"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS_FOR_A_WORKER)
        except TimeoutError:
            raise EcgFusionError(f"the scheduler at {name} has no worker: start some with dask worker {name}") from None
        yield Cluster(client, name)


class Cluster:
    """``Workers`` by Dask.

    Args:
        client: connected to the scheduler.
        name: what the user calls it.
    """

    def __init__(self, client: "Client", name: str) -> None:
        self._client, self._name = client, name

    def run(self, task: Callable[[Job], Any], jobs: Iterable[Job], n_jobs: int, stage: str, total: int) -> list[Any]:
        """See ``Workers``. No more tasks are with the scheduler at once than keep its workers busy."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        topic = f"ecgfusion-{uuid.uuid4().hex}"
        results: dict[int, Any] = {}
        waiting: dict[Future[Outcome], tuple[int, int]] = {}
        left = iter(enumerate(jobs))
        with progress_bar(name=stage, total=total, unit="records") as bar:
            progress = _Progress(bar)
            self._client.subscribe_topic(topic, progress.hear)
            try:
                while True:
                    for number, job in islice(left, self._room(len(waiting))):
                        ask = partial(attempt, task, job, _Reports(topic, number, stage), Path.cwd())
                        future = self._client.submit(ask, key=f"{stage} {number} {topic}", pure=False)
                        waiting[future] = number, len(job.rows)
                    if not waiting:
                        return [results[number] for number in range(n_jobs)]
                    for future in self._done(waiting):
                        number, n_items = waiting.pop(future)
                        results[number] = _taken(future.result())
                        progress.finished(number, n_items)
            except KilledWorker:
                raise EcgFusionError(
                    "a shard has ended the workers that made it, one after another, as where their memory is too "
                    "small: give them more, and give the same command again, and it goes on"
                ) from None
            except (ImportError, AttributeError, RuntimeError) as problem:
                if isinstance(problem, RuntimeError) and "deserialization" not in str(problem):
                    raise  # Dask's word for what the scheduler could not import
                raise EcgFusionError(
                    f"the scheduler at {self._name} or its workers run without this ecgfusion: install it where they "
                    f'run (pip install -e ".[cluster]"), and start them again'
                ) from None
            except (CancelledError, CommClosedError):
                raise EcgFusionError(
                    f"the scheduler at {self._name} has ended: start it again with its workers, and give the same "
                    f"command again, and it goes on"
                ) from None
            finally:
                if self._client.status == "running":
                    self._client.unsubscribe_topic(topic)

    def _done(self, waiting: "Iterable[Future[Outcome]]") -> "set[Future[Outcome]]":
        """Those that are done of some tasks, as soon as one is.

        Raises:
            EcgFusionError: no worker is left, and none comes.
        """
        from distributed import wait

        seen = time.monotonic()
        while True:
            try:
                done: set[Future[Outcome]] = wait(list(waiting), _SECONDS_BETWEEN_LOOKS, "FIRST_COMPLETED").done
                return done
            except TimeoutError:
                seen = time.monotonic() if self._client.nthreads() else seen
            if time.monotonic() - seen > _SECONDS_WITHOUT_WORKERS:
                raise EcgFusionError(
                    f"the workers of {self._name} have gone, and no other has come: start some, and give the same "
                    f"command again, and it goes on"
                )

    def _room(self, n_waiting: int) -> int:
        threads = sum(int(each) for each in self._client.nthreads().values())
        return max(2 * threads - n_waiting, 0 if n_waiting else 1)


@dataclass(frozen=True)
class Outcome:
    """What came of a task: its result, or the sentence of what is wrong; and what it warned of."""

    result: Any
    problem: str | None
    warnings: tuple[str, ...]


def _taken(outcome: Outcome) -> Any:
    for sentence in outcome.warnings:
        tell(Warned(sentence))
    if outcome.problem is not None:
        raise EcgFusionError(outcome.problem)
    return outcome.result


def attempt(task: Callable[[Job], Any], job: Job, listener: "_Reports", place: Path) -> Outcome:
    """Does a task on the worker's machine; what is wrong comes back as a sentence, since exceptions travel badly.

    Args:
        task: see ``Workers.run``.
        job: the shard.
        listener: reports how far it is.
        place: the folder that the command was given in, to which names of files are relative.
    """
    result, problem = None, None
    try:
        os.chdir(place)
        with listening(listener):
            result = task(job)
        if Path.cwd() != place:  # another command has its tasks done by this process
            problem = (
                "workers that serve two commands work in two folders at once: give each command workers of its own"
            )
    except FileNotFoundError as problem_of_place:
        problem = f"the machine {os.uname().nodename} does not see {problem_of_place.filename}: all workers must see it"
    except EcgFusionError as sentence:
        problem = str(sentence)
    return Outcome(result, problem, tuple(listener.warnings))


@dataclass
class _Reports(Listener):
    """Listens on a worker: keeps what is warned of, and reports to the command how far its bar is.

    Attributes:
        topic: what reports are called.
        number: of the shard.
        stage: the name of the bar that is the command's.
        warnings: sentences.
    """

    topic: str
    number: int
    stage: str
    warnings: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.sentence)

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        if name != self.stage:
            return super().bar(iterable, name, **keywords)
        return _Reported(self, iterable, name, **keywords)


class _Reported(tqdm):  # type: ignore[misc]
    """A bar that nobody sees; it tells the scheduler where it is."""

    def __init__(self, reports: _Reports, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **{**keywords, "disable": True})
        self._reports, self._at = reports, 0.0

    def update(self, n: float | None = 1) -> None:
        from distributed import get_worker

        self.n += n or 0
        if time.monotonic() - self._at >= _SECONDS_BETWEEN_REPORTS:
            self._at = time.monotonic()
            get_worker().log_event(self._reports.topic, {"number": self._reports.number, "done": int(self.n)})


class _Progress:
    """One bar of what all workers have done; what a worker did that has died is not taken back."""

    def __init__(self, bar: tqdm) -> None:
        self._bar, self._done, self._lock = bar, dict[int, int](), Lock()

    def hear(self, event: tuple[float, Any]) -> None:
        """A report, in a thread of Dask's."""
        self.finished(event[1]["number"], event[1]["done"])

    def finished(self, number: int, n_items: int) -> None:
        """So many items of a shard are done."""
        with self._lock:
            self._done[number] = max(n_items, self._done.get(number, 0))
            self._bar.update(sum(self._done.values()) - self._bar.n)
