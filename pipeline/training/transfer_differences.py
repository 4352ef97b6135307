"""What a network sees otherwise than the one whose weights it takes over."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.inputs.spec import InputSpec, describe_beat
from pipeline.listening import remark, warn
from pipeline.runs.card import Card
from pipeline.scoring.checks import describe_cut
from pipeline.signals.beats import BEAT_S

ONE_LEAD = {"MLII": "II"}  # a lead under two names
_OTHER_SCALE = 1.25  # times


def tell_differences(origin: Card, card: Card, folder: Path) -> None:
    """Warns of what the network of a card sees otherwise than that whose weights it takes over.

    Args:
        origin: of the run that is begun with.
        card: of the run to be trained.
        folder: of the former.
    """
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
