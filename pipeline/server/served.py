"""The runs that are served: each loaded once, with what a reader may know of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from pipeline.runs.build import Run
from pipeline.runs.folder import leaves
from pipeline.runs.load import load_run
from pipeline.scoring.files import Reader
from pipeline.scoring.judge import names_of, with_thresholds
from pipeline.sources.formats.opened import Said


@dataclass(frozen=True)
class Served:
    """One run.

    Attributes:
        name: what it is called here, unlike all others.
        run: the run.
        reader: of it, for files that say all themselves.
        remake: makes one for files that do not.
    """

    name: str
    run: Run
    reader: Reader
    remake: Callable[[Said], Reader]

    def reader_of(self, said: Said) -> Reader:
        """The reader of files of which somebody says something; age and sex are kept from a run that sees neither."""
        if not self.reader.sees_patient:
            said = replace(said, age=None, sex=None)
        return self.reader if said == Said() else self.remake(said)

    def describe(self) -> dict[str, Any]:
        """What a reader may want to know before they ask it; of JSON's types."""
        card = self.run.card
        specs = [part.input for part, _ in leaves(card, self.run.folder) if part.input is not None]
        return {
            "run": self.name,
            "kind": card.run_kind,
            "model": card.model,
            "task": card.task,
            "task_kind": card.kind,
            "classes": list(card.classes),
            "leads": list(dict.fromkeys(lead for spec in specs for lead in spec.leads)),
            "sampling_rate": specs[0].sampling_rate,
            "representations": list(dict.fromkeys(name for spec in specs for name in spec.representations)),
            "sees_patient": self.reader.sees_patient,
            "branches": list(card.branches or ()),
            "trained_on": card.data.source,
        }


def load_served(folders: Sequence[Path], device: Any = None, threshold: str | float | None = None) -> list[Served]:
    """Every run, loaded, in the order in which they are named.

    Args:
        folders: theirs.
        device: where they compute; None for the first GPU, or the CPU where there is none.
        threshold: what their findings are judged by; None for the thresholds that their trainings chose.

    Raises:
        EcgFusionError: one is unfinished or damaged, or has nothing that a threshold could be chosen on.
    """
    found = []
    for name, folder in zip(names_of(folders), folders, strict=True):
        run = load_run(folder)
        if threshold is not None:
            run = with_thresholds(run, threshold)

        def remake(said: Said, run: Run = run) -> Reader:
            return Reader(run, said, device=device)

        found.append(Served(name, run, remake(Said()), remake))
    return found


def networks_of(run: Run) -> Iterator[nn.Module]:
    """Every network that a run asks, of whatever depth."""
    if isinstance(run.network, nn.Module):
        yield run.network
    for part in run.parts.values():
        yield from networks_of(part)
