"""The runs that a fusion is made of: what they must share, and their copies inside the fused run."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.runs.card import BRANCHES, CARD, RESUME, read_card
from pipeline.runs.folder import leaves, refuse_unfinished
from pipeline.scoring.checks import check_fit
from pipeline.store.reading import Store

_SHARED = {
    "task": lambda card: card["task"],
    "classes": lambda card: card["classes"],
    "source": lambda card: card["data"]["source"],
    "source version": lambda card: card["data"].get("source_version"),
    "folds": lambda card: card["data"]["folds"],
    "band": lambda card: card["data"]["band"],
    "minimal likelihood": lambda card: card["data"].get("min_likelihood", 0),
}
"""What all branches have in common."""

_SEEN = {
    "sampling rate": lambda card: card["input"]["sampling_rate"],
    "gain": lambda card: card["input"]["gain"],
}
"""The same, of the networks that a branch consists of."""


def named_branches(words: Sequence[str]) -> dict[str, Path]:
    """Name to folder of the runs that were typed, in their order; equal names are numbered.

    Raises:
        EcgFusionError: there are fewer than two, or one of them stands there twice.
    """
    folders = [Path(word) for word in words]
    if len(folders) < 2:
        raise EcgFusionError("a fusion needs two branches or more: name their runs with -branches RUN RUN")
    places = [folder.resolve() for folder in folders]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise EcgFusionError(f"-branches names {folders[number]} twice: give each run once")
    named: dict[str, Path] = {}
    for folder, place in zip(folders, places, strict=True):
        name, number = place.name, 2
        while name in named:
            name, number = f"{place.name}-{number}", number + 1
        named[name] = folder
    return named


def read_branches(named: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The cards of finished runs that can stand side by side.

    Raises:
        EcgFusionError: a run is missing, unfinished or damaged, or differs from the first one in what all must share.
    """
    cards = {}
    for name, folder in named.items():
        cards[name] = read_card(folder)
        refuse_unfinished(cards[name], folder)
    first = next(iter(named))
    for name in named:
        _check_shared(cards[first], named[first], cards[name], named[name])
    return cards


def _check_shared(ours: Mapping[str, Any], folder: Path, theirs: Mapping[str, Any], other: Path) -> None:
    for what, value in _SHARED.items():
        if value(ours) != value(theirs):
            raise _differing(what, value(ours), folder, value(theirs), other)
    reference = next(card for card, _ in leaves(ours, folder))
    for card, _ in leaves(theirs, other):
        for what, value in _SEEN.items():
            if value(reference) != value(card):
                raise _differing(what, value(reference), folder, value(card), other)


def _differing(what: str, ours: object, folder: Path, theirs: object, other: Path) -> EcgFusionError:
    return EcgFusionError(
        f"the branches differ in their {what}: {folder} has {ours}, {other} has {theirs}; train both alike"
    )


def check_store(card: Mapping[str, Any], folder: Path, store: Store) -> None:
    """Refuses a store that a branch does not fit, or that was made of other folds than it was trained with."""
    check_fit(card, store, folder)
    for what in ("source", "folds"):
        if store.attributes[what] != card["data"][what]:
            raise EcgFusionError(
                f"{store.path} has {what} {store.attributes[what]} and {folder} was trained with {card['data'][what]}: "
                f"name the stores of its training with -data"
            )


def copy_branches(card: Mapping[str, Any], folder: Path) -> None:
    """Puts a copy of each branch into the fused run's folder, whole but for resume files and locks.

    A copy gets its name when it is complete, and then stays; what an interrupted copying left is replaced.

    Args:
        card: the fused run's.
        folder: where it lies.

    Raises:
        EcgFusionError: a branch that is still to be copied is gone, or is not the run that the card was made of.
    """
    for name, branch in card[BRANCHES].items():
        place, source = folder / BRANCHES / name, Path(branch["folder"])
        unfinished = place.with_name(f".{name}.part")
        if place.exists() and digests(place) == branch["sha256"]:
            continue
        if digests(source) != branch["sha256"]:
            raise EcgFusionError(
                f"{source} is not there as it was when {folder} was begun, and no whole copy is in {folder}: "
                f"put it back and go on with -resume, or fuse anew into another folder"
            )
        for remains in (unfinished, place):
            if remains.exists():
                shutil.rmtree(remains)
        shutil.copytree(source, unfinished, ignore=shutil.ignore_patterns(RESUME, ".*.lock", "*.part"))
        unfinished.replace(place)


def describe_branch(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a fused run's card says of a branch."""
    return {
        "folder": str(folder.resolve()),
        "model": card["model"],
        "options": card["options"],
        "input": card.get("input"),  # a fusion has none of its own
        "seed": card["training"].get("seed"),
        "dev_macro_auroc": card["result"]["dev_macro_auroc"],
        "sha256": digests(folder),
    }


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every card and weight file of a run, by their place in it."""
    files = sorted(path for pattern in (CARD, "*.safetensors") for path in Path(folder).rglob(pattern))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
