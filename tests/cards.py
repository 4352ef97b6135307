"""Cards as the JSON that lies on the disk, to be looked at and changed field by field."""

import json
from pathlib import Path
from typing import Any

from pipeline.runs.card import CARD


def card_json(folder: Path) -> dict[str, Any]:
    """What ``run.json`` says."""
    found: dict[str, Any] = json.loads((Path(folder) / CARD).read_text())
    return found


def write_json(folder: Path, card: dict[str, Any]) -> None:
    """Makes ``run.json`` say something else."""
    (Path(folder) / CARD).write_text(json.dumps(card))
