"""The card of a run: everything that was chosen, and what came of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.machine.files import replace_atomically

FORMAT = 1
CARD, WEIGHTS, RESUME, LOG = "run.json", "weights.safetensors", "resume.pt", "log.csv"
DEV_SCORES, OUT_OF_FOLD_SCORES, TENSORBOARD = "dev_scores.npz", "out_of_fold_scores.npz", "tensorboard"
BRANCHES, MEMBERS = "branches", "members"
FUSIONS = ("late", "intermediate")
_PARTS = ("complete", "model", "options", "task", "kind", "classes", "data", "training", "given")
_INNER_PARTS = {
    "data": ("folder", "source", "folds", "band", "limit", "n_dev_items", "train_items_digest"),
    "training": ("batch_size", "precision", "seed", "threads", "workers", "class_weights"),
}


def kind_of(card: Mapping[str, Any]) -> str:
    """What a run is, from its card or from the options that begin it: ``network``, or how it combines others."""
    if "kfold" in card:
        return "members"
    return card["model"] if card["model"] in FUSIONS else "network"


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Writes ``run.json``, whole or not at all."""
    replace_atomically(folder / CARD, lambda path: path.write_text(json.dumps(card, indent=2) + "\n"))


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a run, finished or not.

    Raises:
        EcgFusionError: there is none, it is damaged, or a newer program wrote it.
    """
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        raise EcgFusionError(
            f"{folder} holds no run: train one with python train.py -model NAME -path_save_model {folder}"
        ) from None
    except NotADirectoryError:
        raise EcgFusionError(f"{folder} is a file: name the run's folder") from None
    except (ValueError, UnicodeDecodeError):
        raise EcgFusionError(f"{path} is damaged: train the run again into another folder") from None
    if not isinstance(card, dict) or not isinstance(card.get("format"), int):
        raise EcgFusionError(f"{path} is not a card of ecgfusion: name a folder made by train.py")
    if card["format"] > FORMAT:
        raise EcgFusionError(f"{path} was written by a newer ecgfusion (format {card['format']}): update this one")
    missing = [name for name in _PARTS if name not in card]
    if "model" in card:
        missing += [name for name in ([BRANCHES] if kind_of(card) in FUSIONS else ["input"]) if name not in card]
    for part, names in _INNER_PARTS.items():
        missing += [f"{part}.{name}" for name in names if name not in (card.get(part) or {})]
    if missing:
        raise EcgFusionError(f"{path} lacks {', '.join(missing)}: copy the run folder again")
    return card
