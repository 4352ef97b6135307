"""Processes that train one network together, started by torchrun or accelerate launch; a lone one is a group, too.

All of them take the same steps in the same order, and what they ask of the group they ask together. What only one of
them is to do, such as writing a file, the first one does (``lead``). torch is imported where a group of several begins.

    with joined() as group:
        mean = group.add(own_sum) / n_items
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from types import FrameType
from typing import Any, TypeVar

from pipeline.errors import EcgFusionError

Value = TypeVar("Value")

TIMEOUT_S = 600.0
"""How long the others wait for a process that neither goes on nor has ended."""

_PATIENCE_S = 5.0  # within it, a second signal is the launcher's, which passes on what the terminal has sent already
_SPEAKS_FIRST_S = 2.0  # how long a process waits for the first one to say what is wrong in both
_STARTED_BY = "torchrun --nproc_per_node N train.py …"
_TOLD = "told"
_times_joined = count()  # the same in all processes, whose notes of one training the next is not to read


class LostError(EcgFusionError):
    """Another process of the group has ended, or no longer answers."""


class ToldElsewhereError(EcgFusionError):
    """Why a process ends where another one of its group says so; ``code`` is the command's exit status."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


class Group:
    """A process that is alone: the first of one, which waits for nobody.

    Attributes:
        rank: which of the processes this is, from 0.
        size: how many there are.
        local_rank: which of those on this machine it is.
        local_size: how many there are on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the first process, which alone speaks and writes."""
        return self.rank == 0

    def add(self, x: Any) -> Any:
        """The sum of a tensor over the processes, in its place."""
        return x

    def gather(self, value: Value) -> list[Value]:
        """What each process has, by rank."""
        return [value]

    def lead(self, action: Callable[[], Value]) -> Value:
        """Has the first process do something; all get what came of it, and none goes on before."""
        return action()

    def same(self, value: Value) -> Value:
        """What the first process has, so that what is decided by it is decided alike."""
        return self.lead(lambda: value)

    def any(self, holds: bool) -> bool:
        """Whether something holds at one of the processes."""
        return any(self.gather(holds))

    def meet(self) -> None:
        """Waits until all have come here."""
        self.gather(None)

    def share(self, n: int) -> range:
        """The places of this process among ``n``: those of all follow each other, and differ by one at most."""
        return range(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Within it Ctrl-C, or SIGTERM, at one process of several ends all of them at the next ``end_if_asked``."""
        yield

    def end_if_asked(self) -> None:
        """Ends all processes at the same place where one of them was asked to end.

        Raises:
            KeyboardInterrupt: at each.
        """


_LONE = Group()
_group: ContextVar[Group] = ContextVar("group", default=_LONE)


def the_group() -> Group:
    """The processes that this one works with: itself alone, unless it stands within ``joined``."""
    return _group.get()


@dataclass(frozen=True)
class _Outcome:
    """What came of something that the first process did: a value, or the sentence of an error."""

    value: Any = None
    refused: str | None = None


class _Several(Group):
    """Processes that speak through ``torch.distributed``."""

    def __init__(self, place: "Place", store: Any) -> None:
        self.rank, self.size = place.rank, place.size
        self.local_rank, self.local_size = place.local_rank, place.local_size
        self._store = store
        self._asked_at: float | None = None

    def add(self, x: Any) -> Any:
        import torch.distributed as dist

        with self._answered():
            dist.all_reduce(x)
        return x

    def gather(self, value: Value) -> list[Value]:
        import torch.distributed as dist

        found: list[Any] = [None] * self.size
        with self._answered():
            dist.all_gather_object(found, value)
        return found

    def lead(self, action: Callable[[], Value]) -> Value:
        import torch.distributed as dist

        said: list[Any] = [None]
        if self.leads:
            try:
                outcome = _Outcome(action())
            except EcgFusionError as problem:
                self._told(str(problem))
                with suppress(LostError), self._answered():
                    dist.broadcast_object_list([_Outcome(refused=str(problem))], src=0)
                raise
            said = [outcome]
        with self._answered():
            dist.broadcast_object_list(said, src=0)
        outcome = said[0]
        if outcome.refused is not None:
            raise ToldElsewhereError(outcome.refused)
        value: Value = outcome.value
        return value

    @contextmanager
    def heeding(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._asked_at = None
        before: dict[int, Any] = {
            number: signal.signal(number, self._heed) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        except LostError:
            before[signal.SIGTERM] = signal.SIG_IGN  # by which a launcher ends who is left, and has something to say
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heed(self, *_: int | FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at > _PATIENCE_S:
            raise KeyboardInterrupt
        self._asked_at = now if self._asked_at is None else self._asked_at

    def end_if_asked(self) -> None:
        if self.any(self._asked_at is not None):
            raise KeyboardInterrupt

    def any(self, holds: bool) -> bool:
        import torch

        return bool(self.add(torch.tensor(int(holds))))

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Has what a broken connection raises said in a sentence."""
        import torch

        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except Exception as problem:
            known = isinstance(problem, RuntimeError | ValueError | EOFError)
            if not known and type(problem).__name__ != "UnpicklingError":  # of half a message
                raise
            raise LostError(
                f"one of the {self.size} processes has ended, or has not answered for {TIMEOUT_S / 60:g} minutes: see "
                f"what it said, and go on with -resume"
            ) from None

    @contextmanager
    def speaking_once(self) -> Iterator[None]:
        """Has what goes wrong in several processes said by one of them."""
        try:
            yield
        except ToldElsewhereError:
            raise
        except LostError as problem:
            # who has ended has perhaps said why
            if self._told_sentence(0.0) is not None:
                raise ToldElsewhereError(str(problem)) from None
            if not self._told(str(problem)):
                raise ToldElsewhereError(str(problem)) from None
            raise
        except EcgFusionError as problem:
            sentence = str(problem)
            if self.leads:
                self._told(sentence)
                raise
            if self._told_sentence(_SPEAKS_FIRST_S) == sentence:
                raise ToldElsewhereError(sentence) from None
            self._told(sentence)
            raise EcgFusionError(f"process {self.rank} of {self.size}: {sentence}") from None
        except KeyboardInterrupt:
            if self.leads:
                raise
            raise ToldElsewhereError("interrupted", 130) from None

    def _told(self, sentence: str) -> bool:
        """Notes what is about to be said, for the others; whether nobody has said anything before."""
        with suppress(RuntimeError):  # whoever keeps the notes may have ended
            said: bytes = self._store.compare_set(_TOLD, "", sentence)
            return said == sentence.encode()
        return True

    def _told_sentence(self, wait_s: float) -> str | None:
        """What one of the processes has said, waited for so long; None where none has said anything."""
        end = time.monotonic() + wait_s
        while True:
            with suppress(RuntimeError):
                if self._store.check([_TOLD]):
                    found: str = self._store.get(_TOLD).decode()
                    return found
            if time.monotonic() >= end:
                return None
            time.sleep(0.05)


@dataclass(frozen=True)
class Place:
    """Which process a launcher says that this one is; attributes as of ``Group``."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1


def place_of(environment: Mapping[str, str] = os.environ) -> Place:
    """What the variables of a launcher say; a lone process where there are none.

    Raises:
        EcgFusionError: they are no numbers, or some of them are missing.
    """
    size = _number(environment, "WORLD_SIZE", 1)
    if size <= 1:
        return Place()
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        if not environment.get(name):
            raise EcgFusionError(
                f"WORLD_SIZE is {size}, as a launcher sets it, and {name} is not set: start it with {_STARTED_BY}, or "
                f"take it away with unset WORLD_SIZE"
            )
    rank = _number(environment, "RANK", 0)
    if not 0 <= rank < size:
        raise EcgFusionError(f"RANK is {rank} of {size} processes, which are counted from 0: start with {_STARTED_BY}")
    return Place(
        rank, size, _number(environment, "LOCAL_RANK", rank), max(1, _number(environment, "LOCAL_WORLD_SIZE", size))
    )


def _number(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environment.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise EcgFusionError(f"{name} is {text[:60]}, which is no number of a process: take it away with unset {name}")
    return int(text) if text else otherwise


def speaks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is the first, or alone, so that what all would say it says."""
    try:
        return place_of(environment).rank == 0
    except EcgFusionError:  # which is said later
        return True


@contextmanager
def joined(timeout_s: float = TIMEOUT_S) -> Iterator[Group]:
    """Joins the processes that a launcher has started for as long as the block runs; one that is alone stays so.

    Args:
        timeout_s: how long a process that does not answer is waited for.

    Raises:
        EcgFusionError: the launcher's variables make no sense, or the others do not come.
        ToldElsewhereError: of what has gone wrong here as elsewhere, or of what ended another one.
    """
    place = place_of()
    if place.size == 1 or the_group().size > 1:
        yield the_group()
        return
    import torch
    import torch.distributed as dist

    if dist.is_initialized():
        raise EcgFusionError("torch.distributed is at work already: leave init_process_group to the training")
    wait = timedelta(seconds=timeout_s)
    try:
        launched: Any = dist  # which names these two without exporting them
        store, rank, size = next(iter(launched.rendezvous("env://", timeout=wait)))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        store = launched.PrefixStore(f"ecgfusion/{next(_times_joined)}", store)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=wait)
    except (RuntimeError, ValueError, OSError):
        raise EcgFusionError(
            f"process {place.rank} of {place.size} does not reach the others at {os.environ['MASTER_ADDR']}:"
            f"{os.environ['MASTER_PORT']}: start all of them, with a port that is free and open between the machines"
        ) from None
    group = _Several(place, store)
    token = _group.set(group)
    try:
        with group.speaking_once():
            yield group
            group.meet()  # the first one may still write what another is about to read
    finally:
        _group.reset(token)
        with suppress(RuntimeError):
            dist.destroy_process_group()
