"""Fusions by name: registered where they are defined, created and described from anywhere."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from torch import nn

from models.fusion.branches import BranchShape
from models.registry import check_options, read_options, suggest

LEVELS = ("late", "intermediate")
READINGS = ("probabilities", "features", "tokens")
FITTINGS = ("nothing", "solver", "gradient")

Builder = TypeVar("Builder", bound=Callable[..., nn.Module])


@dataclass(frozen=True)
class FusionEntry:
    """What is known of a fusion before it is built.

    Attributes:
        name: what ``create_fusion`` calls it.
        level: ``"late"`` combines answers, ``"intermediate"`` what leads to them.
        reads: what it takes of each branch, ``"probabilities"``, ``"features"`` or ``"tokens"``.
        fitting: what its weights come from: ``"nothing"``, where it has none, ``"solver"``, where they are the one best
            answer to scores and labels, or ``"gradient"``, where they are learnt step by step.
        paper: where it was published.
        options: what ``create_fusion`` takes beside the branches and classes, with the defaults.
    """

    name: str
    level: str
    reads: str
    fitting: str
    paper: str
    options: Mapping[str, object]
    build: Callable[..., nn.Module] = field(repr=False)

    @property
    def summary(self) -> str:
        """The first line of its builder's docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]


_entries: dict[str, FusionEntry] = {}


def register_fusion(name: str, *, level: str, reads: str, fitting: str, paper: str) -> Callable[[Builder], Builder]:
    """Decorates a class or function that builds a fusion, and leaves it as it is.

    Args:
        name: what ``create_fusion`` will call it.
        level: ``"late"`` or ``"intermediate"``.
        reads: ``"probabilities"``, ``"features"`` or ``"tokens"``.
        fitting: ``"nothing"``, ``"solver"`` or ``"gradient"``.
        paper: short citation.

    Raises:
        ValueError: the name is taken, the level, what it reads or how it is fitted is none, the builder does not
            take ``branches`` and ``n_classes``, or one of its options has no default.
    """
    given = (("level", level, LEVELS), ("reads", reads, READINGS), ("fitting", fitting, FITTINGS))
    for what, value, choices in given:
        if value not in choices:
            raise ValueError(f"{what} {value!r} of fusion {name!r} is none of {', '.join(choices)}")

    def add(build: Builder) -> Builder:
        if name in _entries:
            raise ValueError(f"a fusion named {name!r} is already registered; choose another name")
        options = read_options(build, what=f"fusion {name!r}", required=("branches", "n_classes"))
        _entries[name] = FusionEntry(name, level, reads, fitting, paper, options, build)
        return build

    return add


def list_fusions(level: str | None = None) -> list[str]:
    """Names of the registered fusions, sorted; of one level if it is given.

    Raises:
        ValueError: the level is neither ``"late"`` nor ``"intermediate"``.
    """
    if level is not None and level not in LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(LEVELS)}")
    return sorted(name for name, entry in _entries.items() if level in (None, entry.level))


def describe_fusion(name: str) -> FusionEntry:
    """The entry of one fusion.

    Raises:
        ValueError: no fusion has this name; the near names are listed.
    """
    if name not in _entries:
        raise ValueError(f"no fusion is named {name!r}; {suggest(name, _entries)}")
    return _entries[name]


def create_fusion(name: str, *, branches: Mapping[str, BranchShape], n_classes: int, **options: object) -> nn.Module:
    """A new fusion with fresh weights.

    Args:
        name: one of ``list_fusions()``.
        branches: 2 or more names, any text, and the widths of each, of which a late fusion reads
            none. Weights are kept in this order, not by name.
        n_classes: logits that come out, 1 or more.
        options: those that ``describe_fusion(name).options`` lists.

    Raises:
        ValueError: the name is unknown, the fusion does not take an option, or a value is out of
            range.
    """
    entry = describe_fusion(name)
    check_options(options, entry.options, what=f"fusion {name!r}")
    if len(branches) < 2:
        raise ValueError(f"the branches are {', '.join(branches) or 'none'}; a fusion needs 2 or more")
    if n_classes < 1:
        raise ValueError(f"n_classes is {n_classes}; a fusion needs 1 or more")
    return entry.build(branches=branches, n_classes=n_classes, **options)
