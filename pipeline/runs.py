"""The run folder: everything that one trained model needs, and nothing that must be unpickled."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from models import Network, create_model
from pipeline.errors import EcgFusionError
from pipeline.inputs import InputSpec

FORMAT = 1
CARD, WEIGHTS, RESUME, LOG = "run.json", "weights.safetensors", "resume.pt", "log.csv"
DEV_SCORES, TENSORBOARD = "dev_scores.npz", "tensorboard"
MEMBERS, OUT_OF_FOLD_SCORES = "members", "out_of_fold_scores.npz"
_PARTS = ("complete", "model", "options", "task", "kind", "classes", "input", "data", "training", "given")
_INNER_PARTS = {
    "data": ("folder", "source", "folds", "band", "limit", "n_dev_items", "train_items_digest"),
    "training": ("batch_size", "precision", "seed", "threads", "workers", "class_weights"),
}


@dataclass(frozen=True)
class Run:
    """A trained run, loaded.

    Attributes:
        folder: where it lies.
        card: what its ``run.json`` says.
        network: in evaluation mode; None where the run is what its parts say together.
        spec: how its input is made.
        parts: the runs that it consists of, by name.
    """

    folder: Path
    card: Mapping[str, Any]
    network: Network | None
    spec: InputSpec
    parts: Mapping[str, "Run"] = field(default_factory=dict)


def kind_of(card: Mapping[str, Any]) -> str:
    """What a run is, from its card or from the options that begin it: ``network``, or how it combines others."""
    return "members" if "kfold" in card else "network"


def member_folder(folder: Path, number: int) -> Path:
    """Where a member of a k-fold run lies; they are counted from 1."""
    return Path(folder) / MEMBERS / str(number)


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
    except (ValueError, UnicodeDecodeError):
        raise EcgFusionError(f"{path} is damaged: train the run again into another folder") from None
    if not isinstance(card, dict) or not isinstance(card.get("format"), int):
        raise EcgFusionError(f"{path} is not a card of ecgfusion: name a folder made by train.py")
    if card["format"] > FORMAT:
        raise EcgFusionError(f"{path} was written by a newer ecgfusion (format {card['format']}): update this one")
    missing = [name for name in _PARTS if name not in card]
    for part, names in _INNER_PARTS.items():
        missing += [f"{part}.{name}" for name in names if name not in (card.get(part) or {})]
    if missing:
        raise EcgFusionError(f"{path} lacks {', '.join(missing)}: copy the run folder again")
    return card


def build_network(card: Mapping[str, Any], to_train: bool = False) -> Network:
    """The card's network.

    Args:
        card: of a run.
        to_train: whether its training begins, so that ``pretrained`` weights are wanted. Else they are fresh
            whatever the card says, since the run has its own, and nothing is read or downloaded.
    """
    spec, options = InputSpec.from_card(card["input"]), dict(card["options"])
    if "pretrained" in options and not to_train:
        options["pretrained"] = False
    try:
        return create_model(card["model"], in_channels=spec.n_channels, n_classes=len(card["classes"]), **options)
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(str(problem)) from None
    except RuntimeError:  # torch's own word for too little memory
        chosen = " ".join(f"-{name} {value}" for name, value in options.items())
        raise EcgFusionError(f"{card['model']} {chosen} does not fit into memory: make it smaller") from None


def save_weights(folder: Path, network: torch.nn.Module) -> None:
    """Writes the weights, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    replace_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(tensors)))


def refuse_diverged(card: Mapping[str, Any], folder: Path) -> None:
    """Says of a run whose training came to no result why it did not."""
    if card.get("diverged"):
        raise EcgFusionError(f"{folder} came to no result: {card['diverged']}")


def load_run(folder: Path) -> Run:
    """A finished run, ready to predict.

    Raises:
        EcgFusionError: it is unfinished, or a file of it is missing, damaged or of another network.
    """
    card = read_card(folder)
    refuse_diverged(card, folder)
    if not card["complete"]:
        raise EcgFusionError(f"{folder} is not finished: go on with python train.py -resume -path_save_model {folder}")
    return _LOADERS[kind_of(card)](Path(folder), card)


def _load_network(folder: Path, card: Mapping[str, Any]) -> Run:
    network = build_network(card)
    path = folder / WEIGHTS
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise EcgFusionError(f"{path} is missing: copy the whole run folder") from None
    except (SafetensorError, RuntimeError):
        raise EcgFusionError(f"{path} is damaged or of another network: copy the run folder again") from None
    return Run(folder, card, network.eval(), InputSpec.from_card(card["input"]))


def _load_mean(folder: Path, card: Mapping[str, Any]) -> Run:
    return Run(folder, card, None, InputSpec.from_card(card["input"]), load_members(folder, card))


def load_members(folder: Path, card: Mapping[str, Any]) -> dict[str, Run]:
    """The members of a k-fold run by their number, from ``1``.

    Raises:
        EcgFusionError: one is missing, damaged or of another run.
    """
    members = {}
    for number in range(1, card["kfold"] + 1):
        place = member_folder(folder, number)
        if not (place / CARD).exists():
            raise EcgFusionError(f"{place / CARD} is missing: copy the whole run folder")
        member = members[str(number)] = load_run(place)
        if member.card["data"].get("held_out") != number or member.card["classes"] != card["classes"]:
            raise EcgFusionError(f"{place} is not member {number} of {folder}: copy the run folder again")
    return members


_LOADERS = {"network": _load_network, "members": _load_mean}


def newest_run(root: Path) -> Path:
    """The finished run below a folder whose card was written last.

    Raises:
        EcgFusionError: there is none.
    """
    cards = sorted(Path(root).glob(f"*/{CARD}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in cards:
        if read_card(path.parent)["complete"]:
            return path.parent
    if cards:
        raise EcgFusionError(
            f"no run in {root} is finished: go on with python train.py -resume -path_save_model {cards[0].parent}"
        )
    raise EcgFusionError(f"there is no run in {root}: train one first, for example python train.py -model alexnet")


def replace_atomically(path: Path, write: Any) -> None:
    """Lets ``write(temporary_path)`` write a file beside ``path``, then puts it in its place."""
    temporary = path.with_name(path.name + ".part")
    write(temporary)
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
