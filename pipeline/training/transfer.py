"""A training that begins with another run's weights, which stay as they are, or learn at a lower rate of their own.

Weights are taken over where name and shape are the same. The head is of the new task, and fresh, unless task and
classes are those of the run. What else differs between what both networks see is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from models import Network
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.runs.card import BRANCHES, FUSIONS, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import DataCard, InitCard
from pipeline.runs.folder import member_folder, refuse_incomplete
from pipeline.runs.load import read_weights
from pipeline.runs.seals import digest_of_file
from pipeline.scoring.checks import refuse_items_of
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.options import TrainOptions
from pipeline.training.transfer_differences import tell_differences

Tensors = TypeVar("Tensors", bound=Tensor)

HEAD = "head."
_BESIDE = "network."  # before the names of a network that numbers are seen beside
_SHOWN = 3  # names in a sentence
_OF_INPUT = ("size", "n_samples", "n_beats", "sampling_rate", "pretrained")
"""Options that are of what is seen, or of how weights begin."""


def check_init(options: TrainOptions) -> None:
    """Refuses options of a transfer that have no effect, or do not go together, and a run that is none of a network."""
    if options.init is None:
        for name in ("freeze", "init_learning_rate", "init_input"):
            if name in options.given:
                typed = f"no_{name}" if getattr(options, name) is False else name
                raise EcgFusionError(f"-{typed} is of weights that -init takes over: give that too, or leave it out")
        return
    if options.pretrained:
        raise EcgFusionError("-pretrained and -init are two ways to begin with weights: leave one of them out")
    if options.freeze and options.init_learning_rate is not None:
        raise EcgFusionError(
            "-freeze keeps the weights that -init_learning_rate would change: leave one of them out, and the head has "
            "-learning_rate"
        )
    read_origin(Path(options.init))


def read_origin(folder: Path) -> Card:
    """The card of a finished run of one network, whose weights can be taken over; it may be a pretrained one.

    Raises:
        EcgFusionError: it is none, unfinished, or a run of several networks.
    """
    card = read_card(folder)
    refuse_incomplete(card, folder)
    if card.run_kind == "members":
        raise EcgFusionError(
            f"{folder} is a k-fold run, of {card.kfold} networks: name one of them, -init {member_folder(folder, 1)}"
        )
    if card.run_kind in FUSIONS:
        name = next(iter(card.branches or ()), "NAME")
        raise EcgFusionError(f"{folder} is a fusion: name a run that it is made of, -init {folder / BRANCHES / name}")
    return card


def with_its_network(options: TrainOptions) -> TrainOptions:
    """The options with the network of the run that they begin with, where they name none."""
    if options.init is None or options.model is not None:
        return options
    return replace(options, model=read_origin(Path(options.init)).model)


def options_of_origin(options: TrainOptions) -> dict[str, object]:
    """Options that the network has in the run that is begun with, where it is the same network."""
    if options.init is None:
        return {}
    card = read_origin(Path(options.init))
    if card.model != options.model:
        return {}
    return {name: value for name, value in card.options.items() if name not in _OF_INPUT}


def plan_init(options: TrainOptions, card: Card, network: Network, train: Store, dev: Store) -> InitCard | None:
    """What is taken over of the run that the options name; None where they name none.

    Args:
        options: what the user chose.
        card: of the run to be trained.
        network: its network, on whatever device.
        train: the training store.
        dev: the dev store.

    Raises:
        EcgFusionError: nothing fits, frozen weights would be fresh ones, or the run has seen what is to be judged.
    """
    if options.init is None:
        return None
    folder = Path(options.init)
    origin = read_origin(folder)
    seen = tuple(map(bare, origin.learnt_from))
    for data in seen:
        refuse_items_of(data, folder, dev)
    if options.kfold is not None:
        refuse_seen(seen, folder, train)
    sha256, tensors = digest_of_file(folder / WEIGHTS), named_alike(read_weights(folder, origin), origin.spec)
    wanted = named_alike(network.state_dict(), card.spec)
    of_head = [name for name in wanted if name.startswith(HEAD)]  # of which a part alone is of no use
    keeps_head = (origin.learnt_tasks, origin.kind, origin.outputs) == (card.learnt_tasks, card.kind, card.outputs)
    keeps_head &= all(name in tensors and alike(tensors[name], wanted[name]) for name in of_head)
    taken = [
        name
        for name, tensor in tensors.items()
        if name in wanted
        and alike(tensor, wanted[name])
        and (keeps_head or not name.startswith((HEAD, _BESIDE + HEAD)))
    ]
    if not any(name for name in taken if not name.startswith(HEAD)):
        raise EcgFusionError(
            f"nothing of {folder}, a {origin.model}, fits {card.model} (there {_first_shapes(tensors)}; here "
            f"{_first_shapes(wanted)}): take -model {origin.model} with its options, or another run"
        )
    broken = [name for name in taken if tensors[name].is_floating_point() and not tensors[name].isfinite().all()]
    if broken:
        raise EcgFusionError(f"{folder / WEIGHTS} has {broken[0]} with what is no number: take another run")
    fresh = tuple(name for name in wanted if name not in taken)
    frozen_fresh = [name for name in fresh if not name.startswith(HEAD)]
    if options.freeze and frozen_fresh:
        method = origin.pretraining.method if origin.pretraining else None
        another = f", or take another method than {method}, which may not reach it" if method else ""
        raise EcgFusionError(
            f"-freeze keeps what {folder} has learnt, and {first_few(frozen_fresh)} would be fresh: leave -freeze out, "
            f"or show the network as many leads, and give it the options, that it has there{another}"
        )
    tell_differences(origin, card, folder)
    rate = None
    if not options.freeze:
        rate = options.init_learning_rate or defaults.INIT_RATE * float(card.training.learning_rate or 0.0)
    return InitCard(
        folder=str(folder.resolve()),
        model=origin.model,
        sha256=sha256,
        taken=tuple(taken),
        left=tuple(sorted({*tensors} - {*taken})),
        fresh=fresh,
        pretraining=origin.pretraining.method if origin.pretraining else None,
        freeze=options.freeze,
        learning_rate=rate,
        trained_on=seen,
    )


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether one can be put in the place of the other."""
    return one.shape == other.shape and one.is_floating_point() == other.is_floating_point()


def named_alike(tensors: Mapping[str, Tensors], spec: InputSpec) -> dict[str, Tensors]:
    """Tensors by the names that they have, or would have, in a network that sees no numbers beside its items."""
    if not spec.features:
        return dict(tensors)
    inner = _BESIDE + HEAD  # of a network that hears itself, which has two heads then
    return {name if name.startswith(inner) else name.removeprefix(_BESIDE): x for name, x in tensors.items()}


def bare(data: DataCard) -> DataCard:
    """Which items these are, without digests of what they hold."""
    return replace(data, contents=None)


def refuse_seen(seen: Sequence[DataCard], folder: Path, train: Store) -> None:
    """Refuses a k-fold training that begins with, or is taught by, what has learnt from the items it is to hold out."""
    try:
        for data in seen:
            refuse_items_of(data, folder, train)
    except EcgFusionError as problem:
        raise EcgFusionError(
            f"-kfold scores each item by a network that never saw it, and {problem}; or leave -kfold out"
        ) from None


def _first_shapes(tensors: dict[str, Tensor]) -> str:
    shown = [f"{name} {'×'.join(map(str, tensor.shape)) or 'one number'}" for name, tensor in tensors.items()]
    return first_few(shown)


def first_few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are.

    >>> first_few(["a", "b"]), first_few(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
