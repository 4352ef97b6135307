"""What tells that a run is as it was left: SHA-256 of its files, of its tensors, and of what its card says.

A card holds the digest of each of its files, and a seal over its own words; weights hold one of their tensors and of
what the card says of them. So neither a flipped bit, nor another run's file, nor a card that somebody changed passes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.machine.files import open_file

SEAL = "seal"
"""The field of ``run.json`` with the digest of all others."""

_MOVED = (("given",), ("data", "folder"), ("result", "seconds"), (SEAL,))
"""Where things lie, how they were called and how long they took: what may differ between runs that are equal."""

_OF_WEIGHTS = ("model", "options", "task", "kind", "classes", "branches", "thresholds")


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file, read piece by piece.

    Raises:
        FileNotFoundError: there is none.
        FileError: it cannot be read, or is no file, from which no end would come.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal_of(card: Mapping[str, Any]) -> str:
    """The digest of what a card says, but for places and times.

    Args:
        card: as ``run.json`` keeps it.
    """
    said = json.loads(json.dumps(card))
    for *outer, name in _MOVED:
        (said.get(outer[0]) or {} if outer else said).pop(name, None)
    return _digest_of_words(said | _others_of(said))


def description_of(card: Mapping[str, Any]) -> str:
    """The digest of what a card says of its weights: the network, what it sees, its classes and their thresholds.

    Whether images are drawn or read is not among it, since a network sees the same ones.
    """
    said = _of_weights(card)
    said["input"] = {name: value for name, value in (card.get("input") or {}).items() if name != "on_the_fly"}
    return _digest_of_words(said)


def _of_weights(card: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: card.get(name) for name in _OF_WEIGHTS}
    return said | {name: card[name] for name in ("learnt", "pretraining") if card.get(name)}


def training_of(card: Mapping[str, Any]) -> str:
    """The digest of what a card says of a training that is under way: its state fits no other one."""
    said = _of_weights(card) | {name: card.get(name) for name in ("input", "data", "training")}
    del said["thresholds"]
    said["data"] = {name: value for name, value in card["data"].items() if name != "folder"}
    said["training"] = {name: x for name, x in card["training"].items() if name not in ("workers", "threads")}
    return _digest_of_words(said | _others_of(card))


def _others_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of the runs that its training has begun with or heard, but for places; nothing of none."""
    found = {}
    for name in ("init", "teacher"):
        other = card.get(name)
        if other:
            seen = [{key: x for key, x in data.items() if key != "folder"} for data in other["trained_on"]]
            found[name] = {**other, "folder": None, "trained_on": seen}
    return found


def _digest_of_words(said: dict[str, Any]) -> str:
    """In the order in which they stand there, since that of branches and of representations counts."""
    branches = {name: {**branch, "folder": None} for name, branch in (said.get("branches") or {}).items()}
    return hashlib.sha256(json.dumps({**said, "branches": branches}).encode()).hexdigest()


def digest_of_state(state: object) -> str:
    """The digest of nested dicts and lists of tensors, numbers and words, however they are saved."""
    digest = hashlib.sha256()
    _add(digest, state)
    return digest.hexdigest()


def _add(digest: Any, part: object) -> None:
    import torch  # which who only reads cards does not wait for

    if isinstance(part, torch.Tensor):
        values = part.detach().cpu().contiguous()
        digest.update(f"tensor {values.dtype} {tuple(values.shape)}\n".encode())
        if values.numel():
            digest.update(values.flatten().view(torch.uint8).numpy().data)
    elif isinstance(part, Mapping):
        digest.update(f"dict {len(part)}\n".encode())
        for key, value in part.items():
            digest.update(f"{key!r}\n".encode())
            _add(digest, value)
    elif isinstance(part, list | tuple):
        digest.update(f"list {len(part)}\n".encode())
        for value in part:
            _add(digest, value)
    else:
        digest.update(f"{type(part).__name__} {part!r}\n".encode())
