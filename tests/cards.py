"""Cards as the JSON that lies on the disk, to be looked at and changed field by field."""

import json
from pathlib import Path
from typing import Any

from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import CARD, WEIGHTS, Card
from pipeline.runs.card_file import read_card, write_card
from pipeline.runs.card_parts import DataCard, TrainingCard
from pipeline.runs.folder import seal_run
from pipeline.runs.load import seal_weights
from pipeline.runs.seals import SEAL
from pipeline.typed import FieldError, from_json


def card_json(folder: Path) -> dict[str, Any]:
    """What ``run.json`` says."""
    found: dict[str, Any] = json.loads((Path(folder) / CARD).read_text())
    return found


def write_json(folder: Path, card: dict[str, Any]) -> None:
    """Makes ``run.json`` say something else, as if it had always said so; its files are ``sealed_anew``."""
    sealed = {SEAL: _seal_of(card)} if SEAL in card else {}
    (Path(folder) / CARD).write_text(json.dumps(card | sealed))


def _seal_of(card: dict[str, Any]) -> str:
    """The seal of what is to be read; of what cannot be, no seal is asked for."""
    try:
        return from_json(Card, {name: value for name, value in card.items() if name != SEAL}).seal
    except FieldError:
        return ""


def sealed_anew(folder: Path) -> Path:
    """Makes a finished run's files those that its card is of, after a test has changed some."""
    card = read_card(folder)
    if (folder / WEIGHTS).exists():
        seal_weights(folder, card)
    write_card(folder, seal_run(folder, card))
    return folder


def small_card(spec: InputSpec, **fields: Any) -> Card:
    """The card of a network on PTB-XL's four diseases that nobody has trained."""
    usual: dict[str, Any] = {
        "complete": False,
        "model": "gru",
        "options": {},
        "task": "disease",
        "kind": "multilabel",
        "classes": ("MI", "STTC", "CD", "HYP"),
        "input": spec,
        "data": DataCard(
            folder="nowhere",
            source="ptbxl",
            folds={"train": (1,), "dev": (9,), "test": (10,)},
            band=(0.5, 40.0),
            limit=None,
            n_train_items=12,
            train_items_digest="",
            n_dev_items=4,
        ),
        "training": TrainingCard(
            optimizer="adamw",
            learning_rate=1e-3,
            weight_decay=0.0,
            momentum=0.9,
            scheduler="none",
            clip_norm=1.0,
            batch_size=4,
            epochs=1,
            patience=1,
            precision="fp32",
            seed=0,
            threads=1,
            workers=0,
            class_weights=None,
        ),
        "given": {},
    }
    return Card(**usual | fields)
