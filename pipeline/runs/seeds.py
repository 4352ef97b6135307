"""Whether runs are seeds of one recipe, from their cards alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card

_OF_THE_RECIPE = ("model", "options", "task", "kind", "classes", "input", "join", "kfold", "branches", "data")
_ALSO = ("training", "init", "fitted_on")
_NOT_OF_IT = {
    *("data.folder", "data.contents", "data.source_version"),
    *("training.seed", "training.threads", "training.workers"),
    *("init.folder", "fitted_on.weights"),
}
_OF_A_BRANCH = ("model", "options", "input")


def check_seeds(folders: Sequence[Path]) -> None:
    """Refuses runs that differ in more than their seed, or not even in that.

    Raises:
        EcgFusionError: A field of the recipe differs, or two have one seed.
    """
    cards = {folder: read_card(folder) for folder in folders}
    first, *others = folders
    recipe = recipe_of(cards[first])
    for folder in others:
        own = recipe_of(cards[folder])
        unlike = next((name for name in {**recipe, **own} if recipe.get(name) != own.get(name)), None)
        if unlike:
            raise EcgFusionError(
                f"{folder} has {unlike} {own.get(unlike)}, but {first} {recipe.get(unlike)}: group runs that differ in "
                "their seed alone, or leave -group out to compare these"
            )
    seeds: dict[int, Path] = {}
    for folder, card in cards.items():
        earlier = seeds.setdefault(card.training.seed, folder)
        if earlier != folder:
            raise EcgFusionError(
                f"{earlier} and {folder} both have the seed {card.training.seed}: train each with another -seed"
            )


def recipe_of(card: Card) -> dict[str, Any]:
    """All that a run was told, field by field, but for its seed, its machine and where things lay."""
    found = card.to_json()
    chosen = {name: found.get(name) for name in (*_OF_THE_RECIPE, *_ALSO)}
    branches = (found.get("branches") or {}).values()  # their names may tell their seeds
    chosen["branches"] = {
        str(i): {field: each.get(field) for field in _OF_A_BRANCH} for i, each in enumerate(branches, 1)
    }
    return {name: value for name, value in _flat(chosen) if name not in _NOT_OF_IT}


def _flat(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Every field by its path: ``training.epochs``."""
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        path = f"{above}.{name}" if above else name
        inside = isinstance(value, Mapping) and path not in _NOT_OF_IT
        found += _flat(value, path) if inside else [(path, value)]
    return found
