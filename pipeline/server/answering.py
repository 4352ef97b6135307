"""What runs say of one recording; all of it happens in the thread that computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError
from pipeline.scoring.answers import Answer, Refused, Seen
from pipeline.scoring.files import Reader
from pipeline.server.limits import Problem
from pipeline.server.served import Served
from pipeline.server.service import Asked
from pipeline.sources.formats.recording import RecordError


@dataclass(frozen=True)
class Answered:
    """What one run says.

    Attributes:
        served: the run.
        reader: that read the file.
        said: its answer, or why there is none.
    """

    served: Served
    reader: Reader
    said: Answer | Refused


@contextmanager
def refusing(asked: Asked, served: Served | None = None) -> Iterator[None]:
    """Says of a recording that cannot be read, or seen by a run, why; in the words of its sender.

    Args:
        asked: with the recording.
        served: the run, which is called as it is called here.

    Raises:
        Problem: it cannot.
    """
    try:
        yield
    except FileError as problem:  # the machine's, of which no recording is guilty
        raise Problem(507, asked.sentence(str(problem))) from None
    except (RecordError, EcgFusionError) as problem:
        raise Problem(422, told(str(problem), asked, served)) from None


def answers_of(asked: Asked) -> list[Answered]:
    """What each run says of a recording.

    Raises:
        Problem: no run can say anything of it.
    """
    found = list(_answers(asked))
    if all(isinstance(each.said, Refused) for each in found):
        raise _refused(asked.name, [each.said for each in found if isinstance(each.said, Refused)])
    return found


def _answers(asked: Asked) -> Iterator[Answered]:
    for served in asked.runs:
        reader = served.reader_of(asked.said)
        try:
            with refusing(asked, served):
                said: Answer | Refused = _renamed(reader.answer(asked.path), asked, served)
        except Problem as problem:
            if problem.status != 422:
                raise
            said = Refused(file=asked.name, problem=problem.sentence)
        yield Answered(served, reader, said)


def _renamed(answer: Answer, asked: Asked, served: Served) -> Answer:
    """The answer without the place where the file lies for the moment."""
    remarks = tuple(told(each, asked, served) for each in answer.remarks)
    return replace(answer, file=asked.name, remarks=remarks, run=served.name)


def told(sentence: str, asked: Asked, served: Served | None) -> str:
    """A sentence without the places of this machine where the recording and the run lie."""
    without = asked.sentence(sentence)
    return without if served is None else without.replace(str(served.run.folder), served.name)


def _refused(name: str, refused: list[Refused]) -> Problem:
    sentences = list(dict.fromkeys(each.problem for each in refused))
    return Problem(
        422, "; ".join(sentences) if len(sentences) < 4 else f"{sentences[0]} (and {len(sentences) - 1} more)"
    )


def as_json(asked: Asked, found: list[Answered]) -> list[dict[str, Any]]:
    """What ``predict.py --json`` gives, an entry a run; of a run that cannot say anything, why."""
    return [
        {**each.said.to_json(), **({} if isinstance(each.said, Answer) else {"run": each.served.name})}
        for each in found
    ]


def seen_by(asked: Asked, found: list[Answered]) -> dict[str, Seen]:
    """What each run that has answered saw of the recording, by its name."""
    with refusing(asked):
        return {each.served.name: each.reader.seen(asked.path) for each in found if isinstance(each.said, Answer)}
