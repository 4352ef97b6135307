"""A training that begins with another run's weights, which stay as they are, or learn at a lower rate of their own.

Weights are taken over where name and shape are the same. The head is of the new task, and fresh, unless task and
classes are those of the run. What else differs between what both networks see is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from models import Network
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec, describe_beat
from pipeline.listening import remark, warn
from pipeline.runs.build import answers_of
from pipeline.runs.card import BRANCHES, FUSIONS, WEIGHTS, Card
from pipeline.runs.card_file import read_card
from pipeline.runs.card_parts import DataCard, InitCard
from pipeline.runs.folder import member_folder, refuse_incomplete
from pipeline.runs.learners import NetworkLearner
from pipeline.runs.load import read_weights
from pipeline.runs.seals import digest_of_file
from pipeline.scoring.checks import describe_cut, refuse_items_of
from pipeline.signals.beats import BEAT_S
from pipeline.store.reading import Store
from pipeline.training import defaults
from pipeline.training.options import TrainOptions

Tensors = TypeVar("Tensors", bound=Tensor)

HEAD = "head."
_BESIDE = "network."  # before the names of a network that numbers are seen beside
_SHOWN = 3  # names in a sentence
_OTHER_SCALE = 1.25  # times
_OF_INPUT = ("size", "n_samples", "n_beats", "sampling_rate", "pretrained")
"""Options that are of what is seen, or of how weights begin."""
ONE_LEAD = {"MLII": "II"}  # a lead under two names


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
    keeps_head &= all(name in tensors and _alike(tensors[name], wanted[name]) for name in of_head)
    taken = [
        name
        for name, tensor in tensors.items()
        if name in wanted
        and _alike(tensor, wanted[name])
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
        raise EcgFusionError(
            f"-freeze keeps what {folder} has learnt, and {_named(frozen_fresh)} would be fresh: leave -freeze out, or "
            f"show the network as many leads, and give it the options, that it has there"
        )
    _tell_differences(origin, card, folder)
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


def _alike(one: Tensor, other: Tensor) -> bool:
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
    return _named(shown)


def _named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are.

    >>> _named(["a", "b"]), _named(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


# what differs


def _tell_differences(origin: Card, card: Card, folder: Path) -> None:
    if origin.model != card.model:
        warn(f"{folder} is a {origin.model} and this a {card.model}: what fits by name may do something else in it")
    leads, others = card.spec.leads, origin.spec.leads
    if leads != others:
        known = [ONE_LEAD.get(lead, lead) for lead in leads] == [ONE_LEAD.get(lead, lead) for lead in others]
        say = remark if known else warn
        say(f"leads are channels, one by one: {' '.join(others)} of {folder}, {' '.join(leads)} here")
    for sentence in _differences(origin.spec, card.spec):
        warn(f"{folder} {sentence}")
    if (origin.data.cut or {}) != (card.data.cut or {}):
        there, here = (describe_cut(data.cut) for data in (origin.data, card.data))
        warn(f"{folder} has learnt from {there}, and these are {here}")


def _differences(there: InputSpec, here: InputSpec) -> Iterator[str]:
    """What the weights are not used to, as halves of sentences."""
    if there.sampling_rate != here.sampling_rate:
        yield (
            f"saw {there.sampling_rate:g} Hz, and these are {here.sampling_rate:g}: to its filters all is "
            f"{there.sampling_rate / here.sampling_rate:.2g} times as fast; make stores with --sampling_rate "
            f"{there.sampling_rate:g}"
        )
    if there.normalise != here.normalise:
        yield f"saw signals with -normalise {there.normalise}, these have -normalise {here.normalise}: give that one"
    elif not 1 / _OTHER_SCALE <= here.scale_mv / there.scale_mv <= _OTHER_SCALE:
        yield (
            f"divided its signals by {there.scale_mv:.3g} mV, the deviation of what it learnt from, and these are "
            f"divided by {here.scale_mv:.3g}: a wave of 1 mV is another number to it"
        )
    if {*(there.features or {})} != {*(here.features or {})}:
        yield f"saw {_beside(there)} beside its items, and this one sees {_beside(here)}"
    if there.representations != here.representations:
        yield "saw other images, or images that were drawn otherwise: see its card for how (input.representations)"
    if _whole_or_beat(there) != _whole_or_beat(here):
        yield f"saw {_whole_or_beat(there)}, and this one sees {_whole_or_beat(here)}"


def _beside(spec: InputSpec) -> str:
    return " ".join(spec.features or ()) or "nothing"


def _whole_or_beat(spec: InputSpec) -> str:
    if spec.beat is None:
        return f"{spec.crop:g} s of an item at once" if spec.crop else "all of an item"
    before, after = spec.beat
    return f"the {describe_beat(spec)}" + ("" if spec.beat == BEAT_S else f" from -{before:g} to {after:g} s")


# in the training


def announce_init(card: Card) -> None:
    """Says what a training has taken over, and what not."""
    init = card.init
    if init is None:
        return
    n_all = len(init.taken) + len(init.fresh)
    how = "and keeps them as they are" if init.freeze else f"at a highest learning rate of {init.learning_rate:g}"
    of_what = f"{init.sha256[:12]}" + (f", pretrained by {init.pretraining}" if init.pretraining else "")
    remark(f"begins with {len(init.taken)} of {n_all} tensors of {Path(init.folder).name} ({of_what}), {how}")
    if init.fresh:
        remark(f"fresh, since nothing there fits or is for this task: {_named(init.fresh)}")
    unused = [name for name in init.left if name not in init.fresh]
    if unused:
        remark(f"left there: {_named(unused)}")


def begin_with(network: Network, card: Card) -> None:
    """Puts the weights that a card names, if it does, into its network.

    Raises:
        EcgFusionError: the run is gone, damaged, or another one than the card was made with.
    """
    init = card.init
    if init is None:
        return
    folder = Path(init.folder)
    gone = EcgFusionError(
        f"{folder} is not there as it was when this training was begun with its weights: put it back and go on with "
        f"-resume, or train anew into another folder"
    )
    try:
        same = digest_of_file(folder / WEIGHTS) == init.sha256
        origin = read_card(folder)
        tensors = named_alike(read_weights(folder, origin), origin.spec)
    except (EcgFusionError, OSError, ValueError):
        raise gone from None
    state = named_alike(network.state_dict(), card.spec)  # which shares the network's memory
    fits = all(name in state and name in tensors and _alike(tensors[name], state[name]) for name in init.taken)
    if not same or not fits:
        raise gone
    for name in init.taken:
        state[name].copy_(tensors[name])


class TransferLearner(NetworkLearner):
    """A network some of whose weights are another run's.

    Args:
        network: the network.
        spec: how its input is made.
        init: what was taken over; frozen weights get no gradient, and what lies before the head is in evaluation mode
            in training, too, so that no statistic of it moves and nothing is dropped.
    """

    def __init__(
        self, network: Network, spec: InputSpec, init: InitCard, answers: torch.nn.Module | None = None
    ) -> None:
        super().__init__(network, spec, answers)
        self._init, self._spec = init, spec
        if init.freeze:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(name.startswith(HEAD))

    def train(self, mode: bool = True) -> "TransferLearner":
        super().train(mode)
        if mode and self._init.freeze:
            self.network.eval()
            head: torch.nn.Module = self.network.get_submodule(HEAD.rstrip("."))
            head.train()
        return self

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        taken = {*self._init.taken} if not self._init.freeze else set()
        named = named_alike(dict(self.network.named_parameters()), self._spec)
        learning = {name: x for name, x in named.items() if x.requires_grad}
        fresh = [x for name, x in learning.items() if name not in taken]
        others = [x for name, x in learning.items() if name in taken]
        groups = [(fresh, learning_rate), (others, self._init.learning_rate)]  # the log has the rate of the first
        return [{"params": parameters, "lr": rate} for parameters, rate in groups if parameters]


def learner_of(card: Card, network: Network) -> NetworkLearner:
    """What the card of a network trains."""
    answers = answers_of(card)
    if card.init is None:
        return NetworkLearner(network, card.spec, answers)
    return TransferLearner(network, card.spec, card.init, answers)
