"""How trainings went, by their ``log.csv``: of a run, of its members, of the branches of a fusion."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.page.model import Learning
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card
from pipeline.runs.folder import branch_folders, member_folder

LOG = "log.csv"


def learnings_of(card: Card, folder: Path) -> tuple[Learning, ...]:
    """One of each training whose log is there."""
    return tuple(_learnings(card, folder, ""))


def _learnings(card: Card, folder: Path, name: str) -> Iterator[Learning]:
    own = _read(folder / LOG, name, card.result.best_epoch if card.result else None)
    if own is not None:
        yield own
    for number in range(1, (card.kfold or 0) + 1):
        place = member_folder(folder, number)
        if place.is_dir():
            yield from _learnings(read_card(place), place, _within(name, f"member {number}"))
    for branch, place in branch_folders(card, folder).items():
        yield from _learnings(read_card(place), place, _within(name, branch))


def _within(outer: str, inner: str) -> str:
    return f"{outer}/{inner}" if outer else inner


def _read(path: Path, name: str, best: int | None) -> Learning | None:
    """What a log says; None where there is none, or it is damaged, for the page has enough without it."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        epochs, loss, auroc = (
            np.array([float(row[of]) for row in rows]) for of in ("epoch", "train_loss", "dev_macro_auroc")
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Learning(name, epochs, loss, auroc, best) if rows else None
