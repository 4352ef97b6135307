"""Networks by name: registered where they are defined, created and described from anywhere."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from models.base import Network

MODALITIES = ("image", "signal")

Builder = TypeVar("Builder", bound=Callable[..., Network])
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class ModelEntry:
    """What is known of a network before it is built.

    Attributes:
        name: what ``create_model`` calls it.
        modality: what it takes, ``"image"`` or ``"signal"``.
        family: the key of its training defaults.
        paper: where it was published.
        options: what ``create_model`` takes beside the channels and classes, with the defaults.
    """

    name: str
    modality: str
    family: str
    paper: str
    options: Mapping[str, object]
    build: Callable[..., Network] = field(repr=False)


_entries: dict[str, ModelEntry] = {}
_collections: dict[str, Callable[[str], ModelEntry]] = {}


def register(name: str, *, modality: str, family: str, paper: str) -> Callable[[Builder], Builder]:
    """Decorates a class or function that builds a network, and leaves it as it is.

    Args:
        name: what ``create_model`` will call it.
        modality: ``"image"`` or ``"signal"``.
        family: one word, the key of the training defaults.
        paper: short citation.

    Raises:
        ValueError: the name is taken, the modality is none, the builder does not take
            ``in_channels`` and ``n_classes``, or one of its options has no default.
    """
    if modality not in MODALITIES:
        raise ValueError(f"modality {modality!r} of network {name!r} is none of {', '.join(MODALITIES)}")

    def add(build: Builder) -> Builder:
        if name in _entries:
            raise ValueError(f"a network named {name!r} is already registered; choose another name")
        options = read_options(build, what=f"network {name!r}", required=("in_channels", "n_classes"))
        _entries[name] = ModelEntry(name, modality, family, paper, options, build)
        return build

    return add


def register_collection(prefix: str, describe: Callable[[str], ModelEntry]) -> None:
    """Makes a network of every ``prefix:NAME``, for a library too large to be listed one by one.

    Args:
        prefix: one word.
        describe: from the whole name to its entry; raises ValueError where there is none. It is
            called when a name is asked for, so that the library need not be imported before.

    Raises:
        ValueError: the prefix is taken.
    """
    if prefix in _collections:
        raise ValueError(f"a collection named {prefix!r} is already registered; choose another name")
    _collections[prefix] = describe


def list_models(modality: str | None = None) -> list[str]:
    """Names of the registered networks, sorted; of one modality if it is given.

    Beside them there is every ``torchvision:NAME``.

    Raises:
        ValueError: the modality is neither ``"image"`` nor ``"signal"``.
    """
    if modality is not None and modality not in MODALITIES:
        raise ValueError(f"modality {modality!r} is none of {', '.join(MODALITIES)}")
    return sorted(name for name, entry in _entries.items() if modality in (None, entry.modality))


def describe_model(name: str, beside: Iterable[str] = ()) -> ModelEntry:
    """The entry of one network.

    Args:
        name: one of ``list_models()``, or ``torchvision:NAME``.
        beside: what else the caller takes in the place of a network, for the sentence on an unknown name.

    Raises:
        ValueError: no network has this name; the near names are listed.
    """
    prefix, colon, _ = name.partition(":")
    if colon and prefix in _collections:
        return _collections[prefix](name)
    if name not in _entries:
        names = [*_entries, *beside, *(f"{known}:NAME" for known in _collections)]
        namesakes = in_collections(name)
        hint = f"did you mean {' or '.join(namesakes)}?" if namesakes else suggest(name, names)
        raise ValueError(f"no network is named {name!r}; {hint}")
    return _entries[name]


def in_collections(name: str) -> list[str]:
    """The whole names of networks that a collection has under a bare one: ``torchvision:resnet18`` for ``resnet18``."""
    found = []
    for prefix, describe in _collections.items():
        with suppress(ValueError):
            found.append(describe(f"{prefix}:{name}").name)
    return found


def create_model(name: str, *, in_channels: int, n_classes: int, **options: object) -> Network:
    """A new network with fresh weights.

    Args:
        name: one of ``list_models()``, or ``torchvision:NAME``.
        in_channels: channels of the image or leads of the signal, 1 or more.
        n_classes: logits that come out, 1 or more.
        options: those that ``describe_model(name).options`` lists.

    Raises:
        ValueError: the name is unknown, the network does not take an option, or a value is
            out of range.
    """
    entry = describe_model(name)
    check_options(options, entry.options, what=f"network {name!r}")
    for what, count in (("in_channels", in_channels), ("n_classes", n_classes)):
        if count < 1:
            raise ValueError(f"{what} is {count}; a network needs 1 or more")
    return entry.build(in_channels=in_channels, n_classes=n_classes, **options)


def suggest(name: str, names: Iterable[str]) -> str:
    """The rest of a sentence on an unknown name: the near ones, or all."""
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(sorted(names))}"


def chosen(option: str, word: str, table: Mapping[str, Choice]) -> Choice:
    """What a table has by a word that was given for an option.

    Raises:
        ValueError: it has none by this word.
    """
    if word not in table:
        raise ValueError(f"{option} is {word!r}; it is one of {', '.join(table)}")
    return table[word]


def read_options(build: Callable[..., object], *, what: str, required: Iterable[str]) -> Mapping[str, object]:
    """The arguments of a builder that have defaults, with those, in order.

    Args:
        build: a class or function.
        what: it builds, for the messages: ``"network 'gru'"``.
        required: the arguments that are no options.

    Raises:
        ValueError: a required argument is not taken, or an option has no default.
    """
    parameters = dict(inspect.signature(build).parameters)
    for argument in required:
        if parameters.pop(argument, None) is None:
            raise ValueError(f"{what} does not take {argument}; add it to the builder's arguments")
    for option, parameter in parameters.items():
        if parameter.default is parameter.empty:
            raise ValueError(f"option {option} of {what} has no default; give it one")
    return MappingProxyType({option: parameter.default for option, parameter in parameters.items()})


_KINDS: Mapping[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a word"),
}
"""By the type of an option's default: the types of what may be given, and what they are called."""


def check_options(options: Mapping[str, object], taken: Mapping[str, object], *, what: str) -> None:
    """Refuses options that are not among those ``what`` takes, and values of another kind than their defaults.

    Args:
        options: what was given, by name.
        taken: the options that there are, with their defaults; what has None may be given anything.
        what: takes them, for the messages.

    Raises:
        ValueError: the first such option, and what could have been given.
    """
    for option, value in options.items():
        if option not in taken:
            raise ValueError(f"{what} does not take the option {option!r}; it takes {', '.join(taken) or 'none'}")
        if taken[option] is None:
            continue
        kinds, called = _KINDS[type(taken[option])]
        fits = isinstance(value, kinds) and isinstance(value, bool) == (bool in kinds)  # which Python takes for an int
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{option} of {what} is {value!r}; it is {called}")
