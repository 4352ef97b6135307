"""How the library says what happens: to a listener, which keeps silent unless a command brings another one.

with listening(Console()):
    train(...)
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tqdm import tqdm


@dataclass(frozen=True)
class Event:
    """Something that happened; what is told of it are the attributes of its kind."""


@dataclass(frozen=True)
class Remark(Event):
    """A sentence that the user may want to read."""

    sentence: str


@dataclass(frozen=True)
class ItemsRemark(Remark):
    """A remark on some items of a store.

    Attributes:
        items: their ids.
        of_one: the sentence that is true of each of them.
    """

    items: tuple[str, ...]
    of_one: str


@dataclass(frozen=True)
class Warned(Event):
    """A sentence that the user should see, though the work goes on."""

    sentence: str


@dataclass(frozen=True)
class EpochEnded(Event):
    """One epoch of a training.

    Attributes:
        epoch: its number, from 1.
        epochs: how many there are at most.
        train_loss: mean loss of an item in it.
        dev_macro_auroc: macro-AUC on dev behind it; None of a training without labels.
        is_best: whether no epoch before it was better.
        seconds: how long it took.
        figures: all that dev says of it, by the names of the log.
    """

    epoch: int
    epochs: int
    train_loss: float
    dev_macro_auroc: float | None
    is_best: bool
    seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)


class Listener:
    """Is told of events and asked for progress bars; this one keeps silent."""

    def hear(self, event: Event) -> None:
        """Is told what has happened."""

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        """A bar for a long piece of work; ``keywords`` are those of tqdm."""
        return tqdm(iterable, name, **{**keywords, "disable": True})


_Kind = TypeVar("_Kind", bound=Event)
_SILENT = Listener()
_listener: ContextVar[Listener] = ContextVar("listener", default=_SILENT)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Has a listener told of all that happens inside; None leaves it to whoever listens already."""
    if listener is None:
        yield
        return
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@dataclass(frozen=True)
class _Without(Listener):
    """Hands on what another one is told, but for events of one kind, which are kept."""

    kind: type[Event]
    to: Listener
    kept: list[Any] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        if isinstance(event, self.kind):
            self.kept.append(event)
        else:
            self.to.hear(event)

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        return self.to.bar(iterable, name, **keywords)


@contextmanager
def keeping(kind: type[_Kind]) -> Iterator[list[_Kind]]:
    """Keeps events of one kind from the listener; gives those that are told of inside, in their order."""
    ear = _Without(kind, _listener.get())
    with listening(ear):
        yield ear.kept


def without_remarks() -> AbstractContextManager[object]:
    """Keeps remarks from the listener: what is asked again and again inside has been told of once."""
    return keeping(Remark)


def who_listens() -> Listener:
    """The listener of now, for another one that hands on to it what it hears."""
    return _listener.get()


def tell(event: Event) -> None:
    """Tells the listener of an event."""
    _listener.get().hear(event)


def remark(sentence: str) -> None:
    """Tells the listener a sentence that the user may want to read."""
    tell(Remark(sentence))


def warn(sentence: str) -> None:
    """Tells the listener a sentence that the user should see, though the work goes on."""
    tell(Warned(sentence))


def progress_bar(iterable: Iterable[Any] | None = None, name: str | None = None, **keywords: Any) -> tqdm:
    """The listener's bar of a long piece of work.

    Args:
        iterable: what to go through, or None where the bar is moved by hand.
        name: what stands before it.
        keywords: those of tqdm.
    """
    return _listener.get().bar(iterable, name, **keywords)
