"""From a request to an answer: let in, received, answered in the one thread that computes, and removed again."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from starlette.requests import ClientDisconnect

from pipeline.machine.devices import set_up_cpu
from pipeline.machine.files import FileError, file_error
from pipeline.server.deadline import Deadline, TookTooLongError
from pipeline.server.example import write_example
from pipeline.server.limits import Limits, Problem, took_too_long
from pipeline.server.said import said_in
from pipeline.server.served import Served, networks_of
from pipeline.server.uploads import Folder, Form, receive_form, recording_of
from pipeline.sources.formats.opened import Said

Found = TypeVar("Found")


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know.

    Attributes:
        folder: with the recording's files, as long as it is answered.
        file: the recording, in it.
        name: what its sender calls it.
        runs: that are asked.
        said: what its sender says of it.
    """

    folder: Path
    file: str
    name: str
    runs: tuple[Served, ...]
    said: Said

    @property
    def path(self) -> str:
        """Where the recording lies."""
        return str(self.folder / self.file)

    def sentence(self, text: str) -> str:
        """A sentence about files of the folder, in which they are called what they were called by their sender."""
        return text.replace(self.path, self.name).replace(f"{self.folder}/", "").replace(str(self.folder), "the folder")


class Service:
    """Answers requests, a bounded number of them, one after the other.

    Args:
        served: the runs.
        limits: of requests.
        threads: that compute; None for the free cores.
    """

    def __init__(self, served: Sequence[Served], limits: Limits, threads: int | None = None) -> None:
        self.served, self.limits = tuple(served), limits
        self.n_inside, self._lock = 0, threading.Lock()
        self._deadline = Deadline()
        self._deadline.watch(network for each in served for network in networks_of(each.run))
        # denormal numbers and the number of threads are settings of the thread that computes
        self._thread = ThreadPoolExecutor(1, "answers", initializer=set_up_cpu, initargs=(threads,))

    def warm_up(self, work: Callable[[Asked], object]) -> None:
        """Answers the example once, since the first answer of all compiles kernels and imports what draws."""
        folder = Folder()
        try:
            files = write_example(folder.path)
            asked = Asked(folder.path, *next(iter(files.items())), self.served, Said())
            self._thread.submit(work, asked).result()
        except Problem:  # runs of other leads see nothing in it
            pass
        finally:
            folder.remove()

    def close(self) -> None:
        """Lets what is being answered come to its end, and nothing else."""
        self._thread.shutdown(cancel_futures=True)
        self._deadline.release()

    async def answer(self, content_type: str, body: AsyncIterator[bytes], work: Callable[[Asked], Found]) -> Found:
        """What ``work`` finds of the recording in a request.

        Args:
            content_type: of the request, multipart.
            body: in pieces, with the recording's files as ``file``.
            work: runs in the thread that computes.

        Raises:
            Problem: the request is refused, too large, too slow, or one too many.
            RecordError, EcgFusionError: of ``work``, about the recording.
        """
        end = time.monotonic() + self.limits.most_seconds
        self._enter()
        folder = Folder()
        try:
            asked = await self._receive(content_type, body, folder)
            future = self._thread.submit(self._work, work, asked, end)
        except BaseException:
            self._leave(folder)
            raise
        # before who waits hears of it; what nobody waits for any more may still be read
        future.add_done_callback(lambda _: self._leave(folder))
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                return await asyncio.wrap_future(future)
        except (TimeoutError, TookTooLongError):
            raise took_too_long(self.limits.most_seconds) from None

    def _work(self, work: Callable[[Asked], Found], asked: Asked, end: float) -> Found:
        with self._deadline.until(end):
            return work(asked)

    def _enter(self) -> None:
        with self._lock:
            if self.n_inside >= self.limits.most_at_once:
                raise Problem(503, f"{self.n_inside} recordings are being answered already: ask again in a while", 1)
            self.n_inside += 1

    def _leave(self, folder: Folder) -> None:
        folder.remove()
        with self._lock:
            self.n_inside -= 1

    async def _receive(self, content_type: str, body: AsyncIterator[bytes], folder: Folder) -> Asked:
        try:
            async with asyncio.timeout(self.limits.most_seconds):
                form = await receive_form(body, content_type, folder, self.limits)
        except TimeoutError:
            raise took_too_long(self.limits.most_seconds, 408) from None
        except ClientDisconnect:
            raise Problem(400, "the request ended too early") from None
        except OSError as problem:
            raise Problem(507, str(problem if isinstance(problem, FileError) else file_error(problem))) from None
        runs = self._runs_of(form)
        said = said_in(form)
        if (said.age, said.sex) != (None, None) and not any(each.reader.sees_patient for each in runs):
            asked = " and ".join(each.name for each in runs)
            raise Problem(400, f"age and sex are seen by no run that is asked ({asked}): leave them out")
        files = form.files or (write_example(folder.path) if form.one("example") else {})
        file = recording_of(folder.path, files)
        return Asked(folder.path, file, files[file], runs, said)

    def _runs_of(self, form: Form) -> tuple[Served, ...]:
        """Those that are asked for by name, all where none is."""
        by_name = {each.name: each for each in self.served}
        wanted = list(dict.fromkeys(form.fields.get("run", ()))) or list(by_name)
        foreign = [name for name in wanted if name not in by_name]
        if foreign:
            raise Problem(404, f"there is no run {foreign[0][:100]}: ask one of {', '.join(by_name)}")
        return tuple(by_name[name] for name in wanted)
