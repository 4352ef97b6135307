"""The run folder: everything that one trained model needs, and nothing that must be unpickled."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import Scores, load_scores
from pipeline.machine.files import check_writable
from pipeline.runs.card import BRANCHES, CARD, DEV_SCORES, FUSIONS, MEMBERS, OUT_OF_FOLD_SCORES, RESUME, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.seals import digest_of_file

OTHER_TASK = "or make one that answers the other task, if its network has learnt it: python -m pipeline.training.derive"
"""A remedy where tasks differ, as the end of a sentence."""


def leaves(card: Card, folder: Path) -> Iterator[tuple[Card, Path]]:
    """The cards and folders of what a run's fusions combine; of a run that fuses nothing, its own."""
    if card.run_kind not in FUSIONS:
        yield card, folder
        return
    for inner in branch_folders(card, folder).values():
        yield from leaves(read_card(inner), inner)


def branch_folders(card: Card, folder: Path) -> dict[str, Path]:
    """Where the copies of a fused run's branches lie, by name.

    Raises:
        EcgFusionError: one is missing.
    """
    places = {name: Path(folder) / BRANCHES / name for name in card.branches or {}}
    for place in places.values():
        if not (place / CARD).exists():
            raise EcgFusionError(f"{place / CARD} is missing: copy the run folder again")
    return places


def member_folder(folder: Path, number: int) -> Path:
    """Where a member of a k-fold run lies; they are counted from 1."""
    return Path(folder) / MEMBERS / str(number)


def check_file(card: Card, folder: Path, name: str) -> None:
    """Refuses a file of a finished run that is not the one that its card holds a digest of; one that is gone passes."""
    wanted, path = (card.sha256 or {}).get(name), folder / name
    if wanted is not None and path.exists() and digest_of_file(path) != wanted:
        raise EcgFusionError(f"{path} is damaged or of another run: copy the run folder again")


def check_files(card: Card, folder: Path) -> None:
    """Refuses a finished run of which any file, of a branch or member too, is not what its card holds a digest of."""
    for name in (WEIGHTS, DEV_SCORES, OUT_OF_FOLD_SCORES):
        check_file(card, folder, name)
    members = [member_folder(folder, number) for number in range(1, (card.kfold or 0) + 1)]
    for place in (*branch_folders(card, folder).values(), *members):
        if (place / CARD).exists():
            check_files(read_card(place), place)


def scores_of_run(card: Card, folder: Path, name: str) -> Scores | None:
    """The dev or out-of-fold scores that a run has with it; None where they are gone.

    Raises:
        EcgFusionError: they are damaged, or of another run.
    """
    path = folder / name
    if not path.exists():
        return None
    check_file(card, folder, name)
    return load_scores(path)


def seal_run(folder: Path, card: Card) -> Card:
    """The card of a complete run whose files are all there, with their digests."""
    files = [folder / name for name in (WEIGHTS, DEV_SCORES, OUT_OF_FOLD_SCORES)]
    found = {path.name: digest_of_file(path) for path in files if path.exists()}
    members = range(1, (card.kfold or 0) + 1)
    found |= {f"{MEMBERS}/{number}": read_card(member_folder(folder, number)).seal for number in members}
    return replace(card, sha256=found)


def refuse_diverged(card: Card, folder: Path) -> None:
    """Says of a run whose training came to no result why it did not."""
    if card.diverged:
        raise EcgFusionError(f"{folder} came to no result: {card.diverged}")


def refuse_unfinished(card: Card, folder: Path) -> None:
    """Says of a run that cannot predict yet, or never will, what to do."""
    refuse_incomplete(card, folder)
    if card.pretraining is not None:
        raise EcgFusionError(
            f"{folder} is pretrained by {card.pretraining.method}, without labels, and answers nothing: train it on "
            f"with python train.py -init {folder} -path_save_model ANOTHER"
        )


def refuse_incomplete(card: Card, folder: Path) -> None:
    """The same of a run whose training is not over, whether or not it can predict then."""
    refuse_diverged(card, folder)
    if not card.complete:
        raise EcgFusionError(f"{folder} is not finished: go on with python train.py -resume -path_save_model {folder}")


def refuse_files_of_others(folder: Path) -> None:
    """Refuses a folder for a new run that holds something which no run has left there, or could not be written into.

    Raises:
        EcgFusionError: it does.
    """
    remains = [name for name in (RESUME, WEIGHTS, MEMBERS) if (folder / name).exists()]
    if remains:
        raise EcgFusionError(f"{folder} holds {remains[0]} of a run without its {CARD}: name another folder")
    check_writable(folder)
    left_by_a_kill = {f".{CARD}.lock", f"{CARD}.part"}
    found = sorted(set(os.listdir(folder)) - left_by_a_kill) if folder.is_dir() else []
    if found:
        raise EcgFusionError(f"{folder} holds {found[0]}, which is of no run: name a new folder with -path_save_model")


def check_comparable(folders: Sequence[Path]) -> None:
    """Refuses runs that cannot be judged side by side, from their cards alone.

    Raises:
        EcgFusionError: one is given twice, is missing or unfinished, or is of another task or classes than the first.
    """
    cards: dict[Path, Card] = {}
    for folder in folders:
        place = Path(folder).resolve()
        if place in cards:
            raise EcgFusionError(f"{folder} is given twice: name each run once")
        cards[place] = card = read_card(folder)
        refuse_unfinished(card, folder)
        first = next(iter(cards.values()))
        remedy = "compare runs of one task, with one order of classes"
        if card.task != first.task:
            which = f"{folder} has task {card.task}, but {folders[0]} {first.task}"
            raise EcgFusionError(f"{which}: {remedy}, {OTHER_TASK}")
        if card.classes != first.classes:
            raise EcgFusionError(f"{folder} has other classes of {card.task} than {folders[0]}: {remedy}")


def newest_run(root: Path) -> Path:
    """The finished run below a folder whose card was written last, and that answers.

    Raises:
        EcgFusionError: there is none.
    """
    cards = sorted(Path(root).glob(f"*/{CARD}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    pretrained = None
    for path in cards:
        card = read_card(path.parent)
        if card.complete and card.pretraining is None:
            return path.parent
        pretrained = pretrained or (path.parent if card.complete else None)
    if pretrained:
        refuse_unfinished(read_card(pretrained), pretrained)
    if cards:
        raise EcgFusionError(
            f"no run in {root} is finished: go on with python train.py -resume -path_save_model {cards[0].parent}"
        )
    raise EcgFusionError(f"there is no run in {root}: train one first, for example python train.py -model alexnet")
