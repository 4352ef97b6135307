"""Copies of runs inside a fused one, whole and as they were."""

import shutil
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.runs.card import BRANCHES, CARD, NEEDED_TO_GO_ON, Card
from pipeline.runs.seals import digest_of_file


def copy_branches(card: Card, folder: Path) -> None:
    """Puts a copy of each branch into the fused run's folder, whole but for resume files and locks.

    A copy gets its name when it is complete, and then stays; what an interrupted copying left is replaced.

    Args:
        card: the fused run's.
        folder: where it lies.

    Raises:
        EcgFusionError: a branch that is still to be copied is gone, or is not the run that the card was made of; or the
            copies would lie elsewhere.
    """
    _refuse_links(card, folder)
    for name, branch in (card.branches or {}).items():
        place, source = folder / BRANCHES / name, Path(branch.folder)
        unfinished = place.with_name(f".{name}.part")
        if place.exists() and digests(place) == branch.sha256:
            continue
        if digests(source) != branch.sha256:
            raise EcgFusionError(
                f"{source} is not there as it was when {folder} was begun, and no whole copy is in {folder}: "
                f"put it back and go on with -resume, or fuse anew into another folder"
            )
        for remains in (unfinished, place):
            if remains.exists():
                shutil.rmtree(remains)
        shutil.copytree(source, unfinished, ignore=shutil.ignore_patterns(*NEEDED_TO_GO_ON, ".*.lock", "*.part"))
        unfinished.replace(place)


def _refuse_links(card: Card, folder: Path) -> None:
    """Refuses to write, or to remove what is there, where a link leads, as one in a folder from elsewhere may."""
    for place in (folder / BRANCHES, *(folder / BRANCHES / name for name in card.branches or {})):
        if place.is_symlink():
            raise EcgFusionError(f"{place} is a link: put the folder itself there, or fuse anew into another folder")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every card and weight file of a run, by their place in it."""
    files = sorted(path for pattern in (CARD, "*.safetensors") for path in Path(folder).rglob(pattern))
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in files}
