"""Answers on recordings as text, CSV and JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.commands.escaping import csv_cell, one_line
from pipeline.report.cells import aligned
from pipeline.report.files import number
from pipeline.scoring.answers import NOTICE, Answer, Interval, Refused

_MOST_CLASSES = 8  # that a line of several files shows


def answer_text(answer: Answer) -> str:
    """One answer as a table with a line a class, and all that is to be said of it."""
    length, leads = f"{answer.seconds:g} s at {answer.sampling_rate:g} Hz", " ".join(answer.leads)
    lines = [
        f"{one_line(answer.file)}: {length}, {one_line(leads)}; run {one_line(answer.run)}",
        "",
        aligned(_by_class(answer)),
        "",
        f"findings: {', '.join(map(one_line, answer.findings)) or 'none'}",
        *_of_beats(answer),
        *(f"- {one_line(sentence)}" for sentence in answer.remarks),
        NOTICE,
    ]
    return "\n".join(lines)


def _by_class(answer: Answer) -> list[list[str]]:
    columns: dict[str, Any] = {"probability": answer.probabilities}
    if answer.thresholds is not None:
        columns["threshold"] = answer.thresholds
    columns["finding"] = {name: "yes" if name in answer.findings else "no" for name in answer.probabilities}
    if answer.intervals is not None:
        columns["ensemble from–to"] = answer.intervals
    if answer.spreads is not None:
        columns["parts from–to"] = answer.spreads
    head = ["class", *columns]
    rows = [[one_line(name), *(_cell(each[name]) for each in columns.values())] for name in answer.probabilities]
    return [head, *rows]


def _cell(value: float | str | Interval) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4f}" if isinstance(value, float) else f"{value[0]:.4f}–{value[1]:.4f}"


def _of_beats(answer: Answer) -> list[str]:
    """How many heartbeats were found to be what."""
    if answer.beats is None:
        return []
    found = [beat.finding or "none" for beat in answer.beats]
    counted = ", ".join(f"{one_line(name)} {found.count(name)}" for name in dict.fromkeys(sorted(found)))
    return [f"heartbeats: {counted}"]


def answers_text(answers: Sequence[Answer | Refused]) -> str:
    """Several answers as a table with a line a file, and what is to be said of them, each sentence once.

    Args:
        answers: one that is an ``Answer`` at least.
    """
    good = [answer for answer in answers if isinstance(answer, Answer)]
    classes = list(good[0].probabilities)
    shown = classes if len(classes) <= _MOST_CLASSES else []
    lines = [["file", *map(one_line, shown), "findings"]]
    for answer in good:
        values = [f"{answer.probabilities[name]:.4f}" for name in shown]
        lines.append([one_line(answer.file), *values, ", ".join(map(one_line, answer.findings)) or "none"])
    return "\n".join([f"run {one_line(good[0].run)}", "", aligned(lines), "", *_remarks(good), NOTICE])


def _remarks(answers: Sequence[Answer]) -> list[str]:
    of_sentence: dict[str, list[str]] = {}
    for answer in answers:
        for sentence in answer.remarks:
            of_sentence.setdefault(sentence, []).append(answer.record_id)
    found = []
    for sentence, ids in of_sentence.items():
        some = ", ".join(map(one_line, ids[:3])) + (", …" if len(ids) > 3 else "")
        whose = "all" if len(ids) == len(answers) else f"{len(ids)} ({some})"
        found.append(f"- {whose}: {one_line(sentence)}")
    return found


def csv_lines(answers: Iterable[Answer | Refused], classes: Sequence[str], is_ensemble: bool) -> Iterable[list[str]]:
    """A heading, and a line a file: probabilities, thresholds, ranges, findings and remarks; or what is wrong with it.

    Args:
        answers: of one run.
        classes: of the run.
        is_ensemble: whether there are intervals.
    """
    ranges = [*(("interval",) if is_ensemble else ()), "spread"]
    ends = [f"{name} {what} {end}" for what in ranges for name in classes for end in ("least", "greatest")]
    columns = [*(f"{name} probability" for name in classes), *(f"{name} threshold" for name in classes), *ends]
    said = ["findings", "remarks", "problem", "seconds", "sampling_rate", "leads", "run", "notice"]
    yield ["file", "record_id", *map(csv_cell, columns), *said]
    for answer in answers:
        if isinstance(answer, Refused):
            blank = [""] * (len(columns) + 3)
            yield [csv_cell(answer.file), *blank, csv_cell(answer.problem), *[""] * 5]
            continue
        thresholds = answer.thresholds or {}
        values = [answer.probabilities[name] for name in classes]
        values += [thresholds.get(name, float("nan")) for name in classes]
        for of in (*((answer.intervals,) if is_ensemble else ()), answer.spreads):
            values += [end for name in classes for end in ((of or {}).get(name) or (float("nan"), float("nan")))]
        words = [
            " ".join(answer.findings),
            "; ".join(answer.remarks),
            "",
            *(number(answer.seconds), number(answer.sampling_rate), " ".join(answer.leads), answer.run, answer.notice),
        ]
        yield [csv_cell(answer.file), csv_cell(answer.record_id), *map(number, values), *map(csv_cell, words)]


def json_text(answers: Sequence[Answer | Refused]) -> str:
    """A list of what ``to_json`` gives of each."""
    return json.dumps([answer.to_json() for answer in answers], indent=2, ensure_ascii=False, allow_nan=False)
