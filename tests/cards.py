"""Cards as the JSON that lies on the disk, to be looked at and changed field by field."""

import json
from pathlib import Path
from typing import Any

from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import CARD, Card, DataCard, TrainingCard


def card_json(folder: Path) -> dict[str, Any]:
    """What ``run.json`` says."""
    found: dict[str, Any] = json.loads((Path(folder) / CARD).read_text())
    return found


def write_json(folder: Path, card: dict[str, Any]) -> None:
    """Makes ``run.json`` say something else."""
    (Path(folder) / CARD).write_text(json.dumps(card))


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
