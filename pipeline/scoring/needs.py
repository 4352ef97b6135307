"""What a run asks of recordings: rate, filter, leads, and how much of one is seen at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.errors import EcgFusionError
from pipeline.inputs.measured import MEASURED
from pipeline.runs.build import Run
from pipeline.runs.card import FUSIONS, Card
from pipeline.signals.augmentations import AUGMENTATIONS
from pipeline.signals.leads import LEADS
from pipeline.sources.formats.opened import Said
from pipeline.store.job import SignalRecipe

_OF_HEARTBEATS = ("heartbeat_csv",)  # sets whose records are heartbeats, cut by their publisher
_OF_ONE_LENGTH = (*_OF_HEARTBEATS, "ptbxl")  # sets whose records are all as long
_SEEN_OFTEN = 0.01  # of the training's items lacked as many leads, or more


@dataclass(frozen=True)
class Needs:
    """A loaded run, and what it asks of recordings.

    Attributes:
        run: draws the images that it would read of a store.
    """

    run: Run

    @classmethod
    def of(cls, run: Run) -> "Needs":
        """What a loaded run needs, whatever its kind."""
        return cls(of_signals(run))

    @cached_property
    def networks(self) -> tuple[Run, ...]:
        """The runs of one network each that it consists of; of the members of a k-fold run, which are alike, one."""
        return tuple(_networks(self.run))

    @cached_property
    def card(self) -> Card:
        """Of the first of its networks; all share rate, filter, gain and cut."""
        return self.networks[0].card

    @cached_property
    def recipe(self) -> SignalRecipe:
        """How its store was made of recordings."""
        return SignalRecipe(self.card.data.band, self.card.spec.sampling_rate, self.card.spec.gain)

    @cached_property
    def leads(self) -> tuple[str, ...]:
        """Those that any of its networks sees."""
        return tuple(dict.fromkeys(lead for part in self.networks for lead in part.spec.leads))

    @cached_property
    def known_leads(self) -> tuple[str, ...]:
        """Those that its stores could have had."""
        of_stores = (lead for part in self.networks for lead in part.card.data.leads or ())
        return tuple(dict.fromkeys((*LEADS, *self.leads, *of_stores)))

    @cached_property
    def sees_beats(self) -> bool:
        """Whether a network sees median beats, which are found on all leads of a store."""
        return any(part.spec.beat is not None for part in self.networks)

    @property
    def measured(self) -> tuple[str, ...]:
        """Those of its features that are measured in a recording, on all leads that there are."""
        return tuple(name for name in self.features if name in MEASURED and self.kind_of_items != "beats")

    @property
    def sees_patient(self) -> bool:
        """Whether it sees the age and the sex of a patient beside a recording."""
        return "tabular" in self.measured

    @property
    def kind_of_items(self) -> str:
        """``whole``, ``windows`` or ``beats``: what its training's items were."""
        cut = self.card.data.cut
        return str(cut["kind"]) if cut else "whole"

    @property
    def holds_heartbeats(self) -> bool:
        """Whether its training's records were heartbeats already."""
        return self.card.data.source in _OF_HEARTBEATS

    @property
    def learnt_one_length(self) -> bool:
        """Whether all items of its training were as long, as far as is known."""
        return self.kind_of_items == "windows" or self.card.data.source in _OF_ONE_LENGTH

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numbers that any of its networks sees beside a recording."""
        return tuple(dict.fromkeys(name for part in self.networks for name in part.spec.features or ()))

    @property
    def crops(self) -> bool:
        """Whether the mean over one network's crops of a recording is the answer, so that each crop can be asked."""
        spec = self.run.spec
        return self.kind_of_items == "whole" and spec is not None and spec.crop is not None and spec.beat is None

    def refuse_missing(self, absent: tuple[str, ...], file: str) -> None:
        """Refuses a recording that lacks leads which a network of the run has not learnt to do without.

        Raises:
            EcgFusionError: it does.
        """
        for part in self.networks:
            lacking = [lead for lead in part.spec.leads if lead in absent]
            if not lacking:
                continue
            most = 0 if _fuses_features(self.run) else leads_to_spare(part.card)
            if len(lacking) > most:
                without = f", and can do without {most} of its {len(part.spec.leads)}" if most else ""
                raise EcgFusionError(
                    f"{file} lacks lead {', '.join(lacking)}, which {part.card.model} of {self.run.folder} "
                    f"needs{without}"
                )


def refuse_features(needs: "Needs", file: str) -> None:
    """Refuses a run that sees numbers which no file says and nothing computes.

    Raises:
        EcgFusionError: it does.
    """
    known = ("rr",) if needs.kind_of_items == "beats" else needs.measured
    unknown = [name for name in needs.features if name not in known]
    if unknown:
        raise EcgFusionError(
            f"{needs.run.folder} sees {', '.join(unknown)} beside a recording, which {file} does not say: give it to "
            f"load_run(...).predict(..., features=...)"
        )


def refuse_person(needs: "Needs", said: Said) -> None:
    """Refuses an age or a sex that is said to a run which sees neither.

    Raises:
        EcgFusionError: it is.
    """
    for name in ("age", "sex"):
        if getattr(said, name) is not None and not needs.sees_patient:
            raise EcgFusionError(
                f"-{name} is for runs that see it beside a recording (train.py -features tabular), and "
                f"{needs.run.folder} does not: leave it out"
            )


def leads_to_spare(card: Card) -> int:
    """How many leads a network can do without: as many as its training has left out often, with ``lead_dropout``.

    That leaves each lead out with a probability of its own; as many as these, or more, were missing in one item in a
    hundred at least. Of a network that has learnt without it, none.

    Args:
        card: of one network.
    """
    if "lead_dropout" not in (card.training.augment or ()):
        return 0
    n_leads, chance = len(card.spec.leads), AUGMENTATIONS["lead_dropout"].strength
    share, most = 1.0, 0
    for dropped in range(n_leads - 1):  # one is always left
        share -= math.comb(n_leads, dropped) * chance**dropped * (1 - chance) ** (n_leads - dropped)
        if share < _SEEN_OFTEN:
            break
        most = dropped + 1
    return most


def of_signals(run: Run) -> Run:
    """The same run, which draws the images that it would read of a store."""
    parts = {name: of_signals(part) for name, part in run.parts.items()}
    return replace(run, spec=None if run.spec is None else run.spec.of_signals(), parts=parts)


def _networks(run: Run) -> Iterator[Run]:
    if run.spec is not None:
        yield run if run.network is not None else next(iter(run.parts.values()))
        return
    for part in run.parts.values():
        yield from _networks(part)


def _fuses_features(run: Run) -> bool:
    """Whether a head has learnt from features of whole recordings alone, so that it knows no missing lead."""
    if run.card.run_kind not in FUSIONS:
        return False
    return run.card.run_kind == "intermediate" or any(map(_fuses_features, run.parts.values()))
