"""Methods of pretraining by name: registered where they are defined, created and described from anywhere."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from models.base import SignalNetwork
from models.pretraining.method import Method
from models.registry import check_options, read_options, suggest

Builder = TypeVar("Builder", bound=Callable[..., Method])


@dataclass(frozen=True)
class MethodEntry:
    """What is known of a method before it is built.

    Attributes:
        name: what ``create_method`` calls it.
        paper: where it was published.
        model: the network that it was made for, where nobody names one.
        options: what ``create_method`` takes beside the encoder, with the defaults.
    """

    name: str
    paper: str
    model: str
    options: Mapping[str, object]
    build: Callable[..., Method] = field(repr=False)

    @property
    def summary(self) -> str:
        """The first line of its builder's docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]


_entries: dict[str, MethodEntry] = {}


def register_method(name: str, *, paper: str, model: str) -> Callable[[Builder], Builder]:
    """Decorates a class that builds a method, and leaves it as it is.

    Args:
        name: what ``create_method`` will call it.
        paper: short citation.
        model: the network that it is for, where nobody names one.

    Raises:
        ValueError: the name is taken, the builder does not take ``encoder``, or one of its options has no default.
    """

    def add(build: Builder) -> Builder:
        if name in _entries:
            raise ValueError(f"a method named {name!r} is already registered; choose another name")
        options = read_options(build, what=f"method {name!r}", required=("encoder",))
        _entries[name] = MethodEntry(name, paper, model, options, build)
        return build

    return add


def list_methods() -> list[str]:
    """Names of the registered methods, sorted."""
    return sorted(_entries)


def describe_method(name: str) -> MethodEntry:
    """The entry of one method.

    Raises:
        ValueError: no method has this name; the near names are listed.
    """
    if name not in _entries:
        raise ValueError(f"no method is named {name!r}; {suggest(name, _entries)}")
    return _entries[name]


def create_method(name: str, *, encoder: SignalNetwork, **options: object) -> Method:
    """A new method around an encoder, whose weights it trains.

    Args:
        name: one of ``list_methods()``.
        encoder: a signal network; the method keeps this very one.
        options: those that ``describe_method(name).options`` lists.

    Raises:
        ValueError: the name is unknown, the method does not take an option, a value is out of range, or the encoder is
            none that the method can train.
    """
    entry = describe_method(name)
    check_options(options, entry.options, what=f"method {name!r}")
    return entry.build(encoder=encoder, **options)
