"""How the library says what happens: to a listener, which keeps silent unless a command brings another one.

with listening(Console()):
    train(...)
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm


@dataclass(frozen=True)
class Event:
    """Something that happened; what is told of it are the attributes of its kind."""


@dataclass(frozen=True)
class Remark(Event):
    """A sentence that the user may want to read."""

    sentence: str


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


class _WithoutRemarks(Listener):
    """Hands on what another one is told, but for remarks."""

    def __init__(self, to: Listener) -> None:
        self._to = to

    def hear(self, event: Event) -> None:
        if not isinstance(event, Remark):
            self._to.hear(event)

    def bar(self, iterable: Iterable[Any] | None, name: str | None, **keywords: Any) -> tqdm:
        return self._to.bar(iterable, name, **keywords)


def without_remarks() -> AbstractContextManager[None]:
    """Keeps remarks from the listener: what is asked again and again inside has been told of once."""
    return listening(_WithoutRemarks(_listener.get()))


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
