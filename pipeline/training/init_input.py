"""What a training that begins with another run sees of an item: what that run saw, but for what is typed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pipeline.commands.image_options import IMAGE_OPTIONS
from pipeline.errors import EcgFusionError
from pipeline.inputs.options import InputOptions
from pipeline.listening import remark
from pipeline.runs.card import CARD, Card
from pipeline.signals.leads import canonical_lead
from pipeline.store.reading import Store
from pipeline.training.options import TrainOptions
from pipeline.training.transfer import read_origin
from pipeline.training.transfer_differences import ONE_LEAD


def with_its_input(options: TrainOptions, modality: str, train: Store) -> TrainOptions:
    """The options with those of the run that they begin with on what is seen of an item, where they say nothing of it.

    Args:
        options: what the user chose.
        modality: of the network.
        train: the training store; leads of the run that it has not are left out.
    """
    if options.init is None or options.init_input is False:
        return options
    folder = Path(options.init)
    origin = read_origin(folder)
    there = _input_there(origin, options.given)
    if "leads" in there:
        leads = [_twin(lead, train.leads) for lead in there.pop("leads")]
        there |= {"leads": leads} if {*leads} <= {*train.leads, "all"} else {}
    if not there or origin.spec.modality != modality:
        return options
    its = TrainOptions.of(str(folder / CARD), **there)
    remark(f"sees of an item what {folder} saw: {_typed(there)} (-no_init_input: what is usual)")
    return replace(options, **{name: getattr(its, name) for name in there})


@contextmanager
def refused_with_its_input(given: TrainOptions, options: TrainOptions) -> Iterator[None]:
    """Has a refusal say which options come from the run that is begun with.

    Args:
        given: what the user chose.
        options: from ``with_its_input``.
    """
    try:
        yield
    except EcgFusionError as problem:
        its = {name: value for name, value in options.given.items() if name not in given.given}
        if not its:
            raise
        raise EcgFusionError(
            f"{problem}; {_typed(its)} is how {options.init} saw its items: give others, or -no_init_input"
        ) from None


def _input_there(origin: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options on what a run saw that neither are given here nor are at odds with what is."""
    taken = {*given}
    if "crop" in given:
        taken |= {"beat", "beat_channels", "beat_extent", "strip", "stride"}
    if given.get("beat"):
        taken |= {"crop", "stride"}
    if given.get("representation", origin.given.get("representation")) != origin.given.get("representation"):
        taken |= {*IMAGE_OPTIONS, "on_the_fly", "strip"} - {"size"}
    of_input = {each.name for each in fields(InputOptions)} - taken
    return {name: value for name, value in origin.given.items() if name in of_input}


def _twin(lead: str, leads: Sequence[str]) -> str:
    """A lead by the name that it has among some."""
    name = canonical_lead(lead)
    return next((one for one in leads if ONE_LEAD.get(one, one) == ONE_LEAD.get(name, name)), name)


def _typed(options: Mapping[str, Any]) -> str:
    """Options as they are typed.

    >>> _typed({"beat": True, "on_the_fly": False, "leads": ["I", "V2"], "crop": 2.5})
    '-beat -no_on_the_fly -leads I V2 -crop 2.5'
    """
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"-{name}" if value else f"-no_{name}")
        else:
            words += [f"-{name}", *map(str, value if isinstance(value, list | tuple) else [value])]
    return " ".join(words)
