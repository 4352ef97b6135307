"""The runs that a fusion is made of: what they must share, and their copies inside the fused run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.runs.card import Card, is_plain_name
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import BranchCard
from pipeline.runs.copies import digests
from pipeline.runs.folder import OTHER_TASK, check_files, leaves, refuse_unfinished
from pipeline.scoring.checks import check_fit
from pipeline.store.reading import Store

_SHARED: dict[str, Callable[[Card], object]] = {
    "task": lambda card: card.task,
    "classes": lambda card: card.classes,
    "source": lambda card: card.data.source,
    "source version": lambda card: card.data.source_version,
    "folds": lambda card: card.data.folds,
    "partition scheme": lambda card: (card.data.scheme, card.data.scheme_seed),
    "cut of records": lambda card: card.data.cut,
    "band": lambda card: card.data.band,
    "minimal likelihood": lambda card: card.data.min_likelihood,
}
"""What all branches have in common."""

_SEEN: dict[str, Callable[[Card], object]] = {
    "sampling rate": lambda card: card.spec.sampling_rate,
    "gain": lambda card: card.spec.gain,
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
        name, number = _plain(place.name), 2
        while name in named:
            name, number = f"{_plain(place.name)}-{number}", number + 1
        named[name] = folder
    return named


def _plain(name: str) -> str:
    """What a branch is called whose folder has a name: the same, where a card may have it."""
    kept = "".join(letter if is_plain_name(letter) or letter == "." else "-" for letter in name).lstrip(".")
    while kept and not is_plain_name(f"{kept}-99"):
        kept = kept[:-1]
    return kept or "branch"


def read_branches(named: Mapping[str, Path]) -> dict[str, Card]:
    """The cards of finished runs that can stand side by side.

    Raises:
        EcgFusionError: a run is missing, unfinished or damaged, or differs from the first one in what all must share.
    """
    cards = {}
    for name, folder in named.items():
        cards[name] = read_card(folder)
        refuse_unfinished(cards[name], folder)
        check_files(cards[name], folder)
    first = next(iter(named))
    for name in named:
        _check_shared(cards[first], named[first], cards[name], named[name])
    return cards


def _check_shared(ours: Card, folder: Path, theirs: Card, other: Path) -> None:
    for what, value in _SHARED.items():
        if value(ours) != value(theirs):
            raise _differing(what, value(ours), folder, value(theirs), other)
    reference = next(card for card, _ in leaves(ours, folder))
    for card, _ in leaves(theirs, other):
        for what, value in _SEEN.items():
            if value(reference) != value(card):
                raise _differing(what, value(reference), folder, value(card), other)


def _differing(what: str, ours: object, folder: Path, theirs: object, other: Path) -> EcgFusionError:
    remedy = "train both alike" + (f", {OTHER_TASK}" if what == "task" else "")
    return EcgFusionError(f"the branches differ in their {what}: {folder} has {ours}, {other} has {theirs}; {remedy}")


def check_store(card: Card, folder: Path, store: Store) -> None:
    """Refuses a store that a branch does not fit, or that was made of other folds than it was trained with."""
    check_fit(card, store, folder)
    if card.data.dev_limit is not None:
        raise EcgFusionError(
            f"{folder} was a quick trial, on a sample of {card.data.dev_limit} dev items (-dev_limit), and a fusion "
            f"needs its scores of all of them: train it without -dev_limit"
        )
    folds = {name: list(folds) for name, folds in card.data.folds.items()}
    data = card.data
    trained_with = {"source": data.source, "scheme": data.scheme, "folds_seed": data.scheme_seed, "folds": folds}
    for what, value in trained_with.items():
        if store.attributes.get(what) != value:
            raise EcgFusionError(
                f"{store.path} has {what} {store.attributes.get(what)} and {folder} was trained with {value}: "
                f"name the stores of its training with -data"
            )


def describe_branch(card: Card, folder: Path) -> BranchCard:
    """What a fused run's card says of a branch."""
    return BranchCard(
        folder=str(folder.resolve()),
        model=card.model,
        options=card.options,
        input=card.input,
        seed=card.training.seed,
        dev_macro_auroc=card.dev_macro_auroc,
        sha256=digests(folder),
    )
