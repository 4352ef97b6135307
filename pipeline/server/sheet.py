"""One answered recording as its page has it: a column of a table for each run, the paper, the images, the downloads."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.commands.escaping import file_name
from pipeline.report.pictures import MOST_SECONDS, Drawn, address, images, paper
from pipeline.scoring.answers import NOTICE, Answer, Refused
from pipeline.server.answering import Answered, answers_of, as_json, refusing, seen_by
from pipeline.server.service import Asked


@dataclass(frozen=True)
class Cell:
    """What one run says of one class.

    Attributes:
        probability: from 0 to 1.
        threshold: from which on it is found; None where the highest wins.
        is_finding: whether it is found.
        interval: least and greatest of an ensemble's members.
        spread: least and greatest of the parts of the recording.
    """

    probability: float
    threshold: float | None
    is_finding: bool
    interval: tuple[float, float] | None
    spread: tuple[float, float] | None


@dataclass(frozen=True)
class Column:
    """One run.

    Attributes:
        name: of it.
        what: it is.
        findings: of the recording.
        beats: of a run of single heartbeats, what it finds → in how many of them; empty where it finds nothing.
        problem: why it says nothing of the recording; None where it does.
    """

    name: str
    what: str
    findings: tuple[str, ...] = ()
    beats: Mapping[str, int] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Remark:
    """A sentence about the answer, and the runs that it is said of; none where it is all of them."""

    sentence: str
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """All that a page shows of one recording.

    Attributes:
        name: what its sender calls it.
        seconds: its length.
        sampling_rate: Hz.
        leads: that it has.
        columns: the runs.
        rows: class → run → cell.
        remarks: about the answers.
        paper: the address of its drawing.
        paper_dark: the same for dark screens.
        shown: seconds that the drawing shows, where it is not all of it.
        images: run, branch, and its images by representation.
        json: the address of the answers.
        file: what a download of it is called, without ending.
        notice: what no answer is without.
    """

    name: str
    seconds: float
    sampling_rate: float
    leads: tuple[str, ...]
    columns: Sequence[Column]
    rows: Mapping[str, Mapping[str, Cell]]
    remarks: Sequence[Remark]
    paper: str
    paper_dark: str
    json: str
    file: str
    shown: float | None = None
    images: Sequence[tuple[str, str, list[list[Drawn]]]] = ()
    notice: str = field(default=NOTICE)


def sheet_of(asked: Asked) -> Sheet:
    """What runs say of a recording, with its drawing and its images.

    Raises:
        Problem: no run can say anything of it.
    """
    found = answers_of(asked)
    answers = {each.served.name: each.said for each in found if isinstance(each.said, Answer)}
    seen = seen_by(asked, found)
    first = next(iter(answers.values()))
    of_first = next(iter(seen.values()))
    drawn = [
        (run, branch, images(*of_branch)) for run, each in seen.items() for branch, of_branch in each.images.items()
    ]
    return Sheet(
        name=asked.name,
        seconds=first.seconds,
        sampling_rate=first.sampling_rate,
        leads=first.leads,
        columns=[_column(each) for each in found],
        rows=_rows(answers),
        remarks=_remarks(answers),
        paper=address("image/svg+xml", paper(of_first, asked.name).encode()),
        paper_dark=address("image/svg+xml", paper(of_first, asked.name, dark=True).encode()),
        json=address("application/json", json.dumps(as_json(asked, found), indent=2).encode()),
        file=file_name(asked.name.rpartition(".")[0] or asked.name),
        shown=MOST_SECONDS if first.seconds > MOST_SECONDS else None,
        images=drawn,
    )


def drawing_of(asked: Asked) -> tuple[str, str]:
    """The recording on paper as SVG, and what a file with it is called."""
    with refusing(asked):
        seen = asked.runs[0].reader_of(asked.said).seen(asked.path)
    return paper(seen, asked.name), file_name(asked.name.rpartition(".")[0] or asked.name)


def _column(answered: Answered) -> Column:
    card = answered.served.run.card
    what = f"{card.model}, {card.task}"
    if isinstance(answered.said, Refused):
        return Column(answered.served.name, what, problem=answered.said.problem)
    beats = answered.said.beats
    found = None if beats is None else Counter(beat.finding or "" for beat in beats)
    return Column(answered.served.name, what, answered.said.findings, found)


def _rows(answers: Mapping[str, Answer]) -> dict[str, dict[str, Cell]]:
    classes = dict.fromkeys(name for answer in answers.values() for name in answer.probabilities)
    return {
        name: {run: _cell(answer, name) for run, answer in answers.items() if name in answer.probabilities}
        for name in classes
    }


def _cell(answer: Answer, name: str) -> Cell:
    return Cell(
        answer.probabilities[name],
        (answer.thresholds or {}).get(name),
        name in answer.findings,
        (answer.intervals or {}).get(name),
        (answer.spreads or {}).get(name),
    )


def _remarks(answers: Mapping[str, Answer]) -> list[Remark]:
    said = dict.fromkeys(sentence for answer in answers.values() for sentence in answer.remarks)
    found = []
    for sentence in said:
        runs = tuple(run for run, answer in answers.items() if sentence in answer.remarks)
        found.append(Remark(sentence, () if len(runs) == len(answers) else runs))
    return found
