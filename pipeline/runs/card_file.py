"""The file of a card, ``run.json``: read and written here alone."""

import errno
import json
from pathlib import Path

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError, read_file, replace_atomically
from pipeline.machine.places import local
from pipeline.runs.card import CARD, FIRST_SEALED, FORMAT, Card
from pipeline.runs.card_checks import check_whole
from pipeline.runs.seals import SEAL
from pipeline.typed import FieldError, from_json

_MOST_BYTES = 2**24  # of a card, which has some thousand even of a thousand classes


def write_card(folder: Path, card: Card) -> None:
    """Writes ``run.json``, whole or not at all."""
    seal = {SEAL: card.seal} if card.format >= FIRST_SEALED else {}
    text = json.dumps(card.to_json() | seal, indent=2) + "\n"
    replace_atomically(folder / CARD, lambda path: path.write_text(text, encoding="utf-8"))


def read_card(folder: Path) -> Card:
    """The card of a run, finished or not.

    Raises:
        EcgFusionError: there is none, it is damaged or was changed, a field is missing or is not what it can be, or a
            newer program wrote it.
    """
    path = local(folder) / CARD
    try:
        found = json.loads(read_file(path, _MOST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        raise EcgFusionError(
            f"{folder} holds no run: train one with python train.py -model NAME -path_save_model {folder}"
        ) from None
    except FileError as problem:
        if problem.errno == errno.ENOTDIR:
            raise EcgFusionError(f"{folder} is a file: name the run's folder") from None
        raise
    except (ValueError, RecursionError):
        raise EcgFusionError(f"{path} is damaged: train the run again into another folder") from None
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise EcgFusionError(f"{path} is not a card of ecgfusion: name a folder made by train.py")
    if found["format"] > FORMAT:
        raise EcgFusionError(f"{path} was written by a newer ecgfusion (format {found['format']}): update this one")
    seal = found.pop(SEAL, None)
    try:
        card = from_json(Card, found)
        check_whole(card)
    except FieldError as problem:
        raise EcgFusionError(f"{path}: {problem}: copy the run folder again") from None
    if seal != card.seal and (seal is not None or card.format >= FIRST_SEALED):
        raise EcgFusionError(f"{path} is damaged, or was changed by hand: copy the run folder again")
    return card
