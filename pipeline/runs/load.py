"""A run's folder → the run, ready to predict; and its weights, written with what tells whether they are whole."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from pipeline.errors import EcgFusionError
from pipeline.inputs.maker import check_images
from pipeline.listening import remark
from pipeline.machine.files import FileError, replace_atomically
from pipeline.runs.build import Run, build_fusion, build_network
from pipeline.runs.card import CARD, DEV_SCORES, MEMBERS, OUT_OF_FOLD_SCORES, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.copies import digests
from pipeline.runs.folder import branch_folders, check_file, member_folder, refuse_unfinished
from pipeline.runs.kinds import kind_named
from pipeline.runs.seals import digest_of_file, digest_of_state
from pipeline.runs.weights_file import check_weights_file

HEADER, TENSORS, DESCRIPTION = "sha256", "tensors", "card"
"""What the header of a weights file says: the digest of its tensors, and that of what the card says of them.

Both stand in one word, since safetensors writes several in no fixed order, and equal runs are to be equal files.
"""


def save_weights(folder: Path, network: torch.nn.Module) -> str:
    """Writes the weights, whole or not at all; gives the digest of their tensors.

    Until the run is complete nothing is said of its card, whose thresholds are still to be chosen.
    """
    return save_tensors(folder, network.state_dict())


def save_tensors(folder: Path, tensors: Mapping[str, Tensor]) -> str:
    """The same of a network's tensors by name."""
    return _write(folder, {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def seal_weights(folder: Path, card: Card) -> None:
    """Writes a run's weights again, with what its card says of them now that it is complete."""
    tensors = read_weights(folder)
    _write(folder, tensors, {DESCRIPTION: card.description})


def _write(folder: Path, tensors: dict[str, Tensor], said: dict[str, str] | None = None) -> str:
    digest = digest_of_weights(tensors)
    header = {HEADER: json.dumps({TENSORS: digest, **(said or {})})}
    replace_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(tensors, header)))
    return digest


def digest_of_weights(tensors: dict[str, Tensor]) -> str:
    """The digest of tensors by name, however they are saved."""
    return digest_of_state({name: tensors[name] for name in sorted(tensors)})


def read_weights(folder: Path, card: Card | None = None) -> dict[str, Tensor]:
    """The tensors of a run's weights file, which are those that were saved.

    Args:
        folder: where it lies.
        card: of the run, once it is complete.

    Raises:
        EcgFusionError: it is missing or damaged, or of another run than the card's.
    """
    path = folder / WEIGHTS
    damaged = EcgFusionError(f"{path} is damaged or of another network: copy the run folder again")
    wanted = (card.sha256 or {}).get(WEIGHTS) if card else None
    try:
        check_weights_file(path)
        found = digest_of_file(path)
        if wanted not in (None, found):
            raise damaged
        with safe_open(path, "pt") as file:
            said = json.loads((file.metadata() or {}).get(HEADER, "{}"))
        tensors = load_file(path)
    except FileNotFoundError:
        raise EcgFusionError(f"{path} is missing: copy the whole run folder") from None
    except FileError:
        raise
    except (SafetensorError, RuntimeError, ValueError, AttributeError):
        raise damaged from None
    if not isinstance(said, dict):
        raise damaged
    # of a file that the card has a digest of, nothing more can be wrong
    if wanted is None and TENSORS in said and said[TENSORS] != digest_of_weights(tensors):
        raise damaged
    if card and DESCRIPTION in said and said[DESCRIPTION] != card.description:
        raise EcgFusionError(f"{folder / CARD} is not the card of {path}, or was changed: copy the run folder again")
    return tensors


def load_run(folder: Path | str) -> Run:
    """A finished run, ready to predict.

    Raises:
        EcgFusionError: it is unfinished, or a file of it is missing, damaged or of another network.
    """
    run = load_part(Path(folder))
    if run.card.sha256 is None:
        remark(f"{folder} was trained by an earlier ecgfusion, whose cards hold no digests: damage may go unnoticed")
    return run


def load_part(folder: Path) -> Run:
    """The same, of a run inside another one, which answers for it."""
    card = read_card(folder)
    refuse_unfinished(card, folder)
    for name in (DEV_SCORES, OUT_OF_FOLD_SCORES):
        check_file(card, folder, name)
    return kind_named(card.run_kind).load(folder, card)


def load_network(folder: Path, card: Card) -> Run:
    """A run of one network."""
    _check_extent(folder, card)
    try:
        network = build_network(card)
        check_images(card.spec)
    except EcgFusionError as problem:
        raise EcgFusionError(f"{folder / CARD}: {problem}") from None
    load_weights(network, folder, card)
    return Run(folder, card, network.eval(), card.spec)


def _check_extent(folder: Path, card: Card) -> None:
    """Refuses numbers that no network of so few weights can have, before one is built that fills the memory."""
    path = folder / WEIGHTS
    # that they are missing or cut is said later
    most = max(path.stat().st_size, 1000) if path.is_file() else None
    numbers = {**{f"options.{name}": value for name, value in card.options.items()}, "classes": len(card.outputs)}
    for name, value in numbers.items():
        if isinstance(value, int) and most is not None and value > most:
            raise EcgFusionError(
                f"{folder / CARD}: {name} is {value}, for which {path} is too small: copy the run folder again"
            )


def load_fusion(folder: Path, card: Card) -> Run:
    """A run of a fusion, with its branches."""
    _check_extent(folder, card)
    branches = load_branches(card, folder)
    try:
        fusion = build_fusion(card, branches)
    except EcgFusionError as problem:
        raise EcgFusionError(f"{folder / CARD}: {problem}") from None
    load_weights(fusion, folder, card)
    return Run(folder, card, fusion.eval(), None, branches)


def load_mean(folder: Path, card: Card) -> Run:
    """A k-fold run, with its members."""
    return Run(folder, card, None, card.spec, load_members(folder, card))


def load_weights(network: torch.nn.Module, folder: Path, card: Card | None = None) -> None:
    """Brings a run's weights into the network that its card describes; arguments and errors as of ``read_weights``."""
    tensors = read_weights(folder, card)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        path = folder / WEIGHTS
        raise EcgFusionError(f"{path} is damaged or of another network: copy the run folder again") from None


def load_branches(card: Card, folder: Path) -> dict[str, Run]:
    """The branches of a fused run by their name, which are those that it was made of.

    Raises:
        EcgFusionError: one is missing, damaged or another run.
    """
    places = branch_folders(card, folder)
    for name, branch in (card.branches or {}).items():
        if digests(places[name]) != branch.sha256:
            raise EcgFusionError(
                f"{places[name]} is damaged, or is not the run that {folder} was made of: copy the run folder again"
            )
    return {name: load_part(place) for name, place in places.items()}


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
        member = members[str(number)] = load_part(place)
        wanted = (card.sha256 or {}).get(f"{MEMBERS}/{number}", member.card.seal)
        same = member.card.data.held_out == number and member.card.classes == card.classes
        if not same or member.card.seal != wanted:
            raise EcgFusionError(f"{place} is not member {number} of {folder}: copy the run folder again")
    return members
