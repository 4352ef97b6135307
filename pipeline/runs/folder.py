"""The run folder: everything that one trained model needs, and nothing that must be unpickled."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from models import BranchShape, Network, create_fusion, create_model, describe_fusion
from models.image.torchvision_classifiers import WeightsError
from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import InputSpec

FORMAT = 1
CARD, WEIGHTS, RESUME, LOG = "run.json", "weights.safetensors", "resume.pt", "log.csv"
DEV_SCORES, OUT_OF_FOLD_SCORES, TENSORBOARD = "dev_scores.npz", "out_of_fold_scores.npz", "tensorboard"
BRANCHES, MEMBERS = "branches", "members"
FUSIONS = ("late", "intermediate")
_PARTS = ("complete", "model", "options", "task", "kind", "classes", "data", "training", "given")
_OF_TRAINING = ("finetune", "auxiliary")  # options of a fusion that its network does not take
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
        network: what it has learnt, in evaluation mode: a network or a fusion; None where the run is what its parts
            say together.
        spec: how the network's input is made; None where a fusion's branches have their own.
        parts: the runs that it consists of, by name.
    """

    folder: Path
    card: Mapping[str, Any]
    network: Any
    spec: Any = None
    parts: Mapping[str, "Run"] = field(default_factory=dict)


def kind_of(card: Mapping[str, Any]) -> str:
    """What a run is, from its card or from the options that begin it: ``network``, or how it combines others."""
    if "kfold" in card:
        return "members"
    return card["model"] if card["model"] in FUSIONS else "network"


def leaves(card: Mapping[str, Any], folder: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """The cards and folders of what a run's fusions combine; of a run that fuses nothing, its own."""
    if kind_of(card) not in FUSIONS:
        yield card, folder
        return
    for inner in branch_folders(card, folder).values():
        yield from leaves(read_card(inner), inner)


def branch_folders(card: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Where the copies of a fused run's branches lie, by name.

    Raises:
        EcgFusionError: one is missing.
    """
    places = {name: Path(folder) / BRANCHES / name for name in card[BRANCHES]}
    for place in places.values():
        if not (place / CARD).exists():
            raise EcgFusionError(f"{place / CARD} is missing: copy the run folder again")
    return places


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
    except WeightsError as problem:
        raise EcgFusionError(f"{problem}, or leave -pretrained out to start from fresh ones") from None
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(str(problem)) from None
    except RuntimeError:  # torch's own word for too little memory
        chosen = " ".join(f"-{name} {value}" for name, value in options.items())
        raise EcgFusionError(f"{card['model']} {chosen} does not fit into memory: make it smaller") from None


def build_fusion(card: Mapping[str, Any], branches: Mapping[str, Run]) -> Any:
    """The card's fusion; together with its branches' networks, where they are trained on with it."""
    options = {name: value for name, value in card["options"].items() if name not in _OF_TRAINING}
    name = options.pop("combine")
    if describe_fusion(name).level == "late":  # which reads no widths
        options["kind"], shapes = card["kind"], dict.fromkeys(branches, BranchShape(0, 0))
    else:
        shapes = {
            branch: BranchShape(run.network.token_dim, run.network.feature_dim) for branch, run in branches.items()
        }
    try:
        fusion = create_fusion(name, branches=shapes, n_classes=len(card["classes"]), **options)
    except (ValueError, TypeError) as problem:
        raise EcgFusionError(_with_remedy(str(problem), options)) from None
    if not card["options"].get("finetune"):
        return fusion
    networks = torch.nn.ModuleList(run.network for run in branches.values())
    return torch.nn.ModuleDict({"fusion": fusion, "branches": networks})


def _with_remedy(problem: str, options: Mapping[str, object]) -> str:
    """What a fusion says of its options, which knows no command line, with those to change as they are typed."""
    words = dict.fromkeys(re.findall(r"\w+", problem))
    named = [f"-{word}" for word in words if word in options and word != "kind"]
    return f"{problem}: choose another {' or '.join(named)}" if named else problem


def save_weights(folder: Path, network: torch.nn.Module) -> None:
    """Writes the weights, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    replace_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(tensors)))


def refuse_diverged(card: Mapping[str, Any], folder: Path) -> None:
    """Says of a run whose training came to no result why it did not."""
    if card.get("diverged"):
        raise EcgFusionError(f"{folder} came to no result: {card['diverged']}")


def refuse_unfinished(card: Mapping[str, Any], folder: Path) -> None:
    """Says of a run that cannot predict yet, or never will, what to do."""
    refuse_diverged(card, folder)
    if not card["complete"]:
        raise EcgFusionError(f"{folder} is not finished: go on with python train.py -resume -path_save_model {folder}")


def check_comparable(folders: Sequence[Path]) -> None:
    """Refuses runs that cannot be judged side by side, from their cards alone.

    Raises:
        EcgFusionError: one is given twice, is missing or unfinished, or is of another task or classes than the first.
    """
    cards: dict[Path, dict[str, Any]] = {}
    for folder in folders:
        place = Path(folder).resolve()
        if place in cards:
            raise EcgFusionError(f"{folder} is given twice: name each run once")
        cards[place] = card = read_card(folder)
        refuse_unfinished(card, folder)
        first = next(iter(cards.values()))
        remedy = "compare runs of one task, with one order of classes"
        if card["task"] != first["task"]:
            raise EcgFusionError(f"{folder} has task {card['task']}, but {folders[0]} {first['task']}: {remedy}")
        if card["classes"] != first["classes"]:
            raise EcgFusionError(f"{folder} has other classes of {card['task']} than {folders[0]}: {remedy}")


def load_run(folder: Path) -> Run:
    """A finished run, ready to predict.

    Raises:
        EcgFusionError: it is unfinished, or a file of it is missing, damaged or of another network.
    """
    card, folder = read_card(folder), Path(folder)
    refuse_unfinished(card, folder)
    return _LOADERS[kind_of(card)](folder, card)


def _load_network(folder: Path, card: Mapping[str, Any]) -> Run:
    network = build_network(card)
    load_weights(network, folder)
    return Run(folder, card, network.eval(), InputSpec.from_card(card["input"]))


def _load_fusion(folder: Path, card: Mapping[str, Any]) -> Run:
    branches = {name: load_run(place) for name, place in branch_folders(card, folder).items()}
    fusion = build_fusion(card, branches)
    load_weights(fusion, folder)
    return Run(folder, card, fusion.eval(), None, branches)


def load_weights(network: torch.nn.Module, folder: Path) -> None:
    """Brings a run's weights into the network that its card describes."""
    path = folder / WEIGHTS
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise EcgFusionError(f"{path} is missing: copy the whole run folder") from None
    except (SafetensorError, RuntimeError):
        raise EcgFusionError(f"{path} is damaged or of another network: copy the run folder again") from None


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


_LOADERS = {"network": _load_network, "members": _load_mean, **dict.fromkeys(FUSIONS, _load_fusion)}


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
