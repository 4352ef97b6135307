"""A run's folder → the run, ready to predict."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import check_images
from pipeline.machine.files import replace_atomically
from pipeline.runs.build import Run, build_fusion, build_network
from pipeline.runs.card import CARD, WEIGHTS, Card, read_card
from pipeline.runs.folder import branch_folders, member_folder, refuse_unfinished
from pipeline.runs.kinds import kind_named
from pipeline.runs.weights_file import check_weights_file


def save_weights(folder: Path, network: torch.nn.Module) -> None:
    """Writes the weights, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    replace_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(tensors)))


def load_run(folder: Path | str) -> Run:
    """A finished run, ready to predict.

    Raises:
        EcgFusionError: it is unfinished, or a file of it is missing, damaged or of another network.
    """
    folder = Path(folder)
    card = read_card(folder)
    refuse_unfinished(card, folder)
    return kind_named(card.run_kind).load(folder, card)


def load_network(folder: Path, card: Card) -> Run:
    """A run of one network."""
    try:
        network = build_network(card)
        check_images(card.spec)
    except EcgFusionError as problem:
        raise EcgFusionError(f"{folder / CARD}: {problem}") from None
    load_weights(network, folder)
    return Run(folder, card, network.eval(), card.spec)


def load_fusion(folder: Path, card: Card) -> Run:
    """A run of a fusion, with its branches."""
    branches = {name: load_run(place) for name, place in branch_folders(card, folder).items()}
    try:
        fusion = build_fusion(card, branches)
    except EcgFusionError as problem:
        raise EcgFusionError(f"{folder / CARD}: {problem}") from None
    load_weights(fusion, folder)
    return Run(folder, card, fusion.eval(), None, branches)


def load_mean(folder: Path, card: Card) -> Run:
    """A k-fold run, with its members."""
    return Run(folder, card, None, card.spec, load_members(folder, card))


def load_weights(network: torch.nn.Module, folder: Path) -> None:
    """Brings a run's weights into the network that its card describes."""
    path = folder / WEIGHTS
    try:
        check_weights_file(path)
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise EcgFusionError(f"{path} is missing: copy the whole run folder") from None
    except (SafetensorError, RuntimeError, ValueError):
        raise EcgFusionError(f"{path} is damaged or of another network: copy the run folder again") from None


def load_members(folder: Path, card: Card) -> dict[str, Run]:
    """The members of a k-fold run by their number, from ``1``.

    Raises:
        EcgFusionError: one is missing, damaged or of another run.
    """
    members = {}
    for number in range(1, (card.kfold or 0) + 1):
        place = member_folder(folder, number)
        if not (place / CARD).exists():
            raise EcgFusionError(f"{place / CARD} is missing: copy the whole run folder")
        member = members[str(number)] = load_run(place)
        if member.card.data.held_out != number or member.card.classes != card.classes:
            raise EcgFusionError(f"{place} is not member {number} of {folder}: copy the run folder again")
    return members
