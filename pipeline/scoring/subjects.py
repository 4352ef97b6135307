"""What the figures of a run are of, by its card and the store that it was scored on."""

from datetime import date
from pathlib import Path

from pipeline.evaluation.subject import Subject
from pipeline.runs.card import Card
from pipeline.runs.card_file import read_card


def subject_of(run: Path, partition: str, data: Path | None) -> Subject:
    """What is judged, on which data, and today's date.

    Args:
        run: the folder of a finished run.
        partition: that it was scored on.
        data: folder of the stores; None for those of the training.
    """
    from pipeline.store.partitions import format_folds
    from pipeline.store.reading import open_partition

    card = read_card(run)
    made = open_partition(data or Path(card.data.folder), partition).attributes
    folds = format_folds({partition: made["folds"][partition]}).partition("=")[2]
    today = date.today().isoformat()
    return Subject(f"run {run}", network_of(card), partition, made["source"], made["source_version"], folds, today)


def network_of(card: Card) -> str:
    """What a run is, in a few words."""
    if card.branches:
        fused = f"{card.model} {card.options['combine']} of {', '.join(card.branches)}"
        return ", ".join(filter(None, [fused, card.fitted]))
    return f"{card.kfold} of {card.model}" if card.kfold else card.model
