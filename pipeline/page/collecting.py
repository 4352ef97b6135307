"""Runs, or scores files, with their figures → all that the page shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from pipeline.commands.escaping import from_markdown
from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.figures import Evaluation
from pipeline.page.calibrating import calibrating_of
from pipeline.page.facts import Facts, facts_of_run, program
from pipeline.page.further import decision_tables, subgroup_tables
from pipeline.page.known import Known, Wanted
from pipeline.page.learnings import learnings_of
from pipeline.page.mistakes import mistakes_of, worst_of
from pipeline.page.model import ModelView, PageModel, Table
from pipeline.page.pairing import pairing_of, ranking_of, verdicts_of
from pipeline.page.pictures import of_mistake, pictures_of
from pipeline.page.views import MOST_CLASSES, class_views, lines_of
from pipeline.report.confusions import agreement_lines, agreement_remarks
from pipeline.report.tables import data_text, interval_remarks, remarks_of, threshold_remarks
from pipeline.runs.card_file import read_card
from pipeline.scoring.answers import NOTICE

TABLES: tuple[Callable[[Known], Sequence[Table]], ...] = (subgroup_tables, decision_tables)
"""Who has further tables of a run, such as subgroups: a line each; none of them is no section."""


def page_of(known: Sequence[Known], wanted: Wanted) -> PageModel:
    """The page of one run or scores file, or of several, whose scores are aligned.

    Args:
        known: what is shown.
        wanted: how much of it.
    """
    by_name = {each.name: each for each in known}
    comparison = _compared(by_name) if len(known) > 1 else None
    ordered = [by_name[name] for name in comparison.models] if comparison else list(known)
    alone = wanted if comparison is None else Wanted(partition=wanted.partition, data=wanted.data)
    first, *others = ordered
    each_pair = replace(wanted, pictures=-(-wanted.pictures // max(1, len(others))))
    return PageModel(
        title=", ".join(each.name for each in ordered) if len(ordered) <= 3 else f"{len(ordered)} models",
        models=tuple(_model(each, alone) for each in ordered),
        ranking=ranking_of(comparison) if comparison else None,
        verdicts=verdicts_of(comparison) if comparison else (),
        pairings=tuple(pairing_of(first, each, comparison, each_pair) for each in others) if comparison else (),
        date=date.today().isoformat(),
        program=program(),
        notice=NOTICE,
    )


def _compared(by_name: Mapping[str, Known]) -> Comparison:
    evaluations = {name: each.evaluation for name, each in by_name.items()}
    return compare(evaluations, {name: each.judged for name, each in by_name.items()})


def _model(known: Known, wanted: Wanted) -> ModelView:
    evaluation, scores = known.evaluation, known.judged
    lines = lines_of(evaluation)
    mistakes = mistakes_of(scores, evaluation.thresholds)
    card = read_card(known.folder) if known.folder else None
    shown = [of_mistake(each) for each in worst_of(mistakes, wanted.pictures)]
    return ModelView(
        name=known.name,
        sentence=_sentence(evaluation),
        notices=tuple(_notices(evaluation)),
        rule=from_markdown(threshold_remarks(evaluation)[0]),
        facts=facts_of_run(card, known.folder, evaluation.subject) if card and known.folder else _facts(known),
        n_items=evaluation.n_items,
        lines=lines,
        classes=class_views(known, lines),
        calibrating=calibrating_of(known),
        confusion=evaluation.confusion,
        agreement=_agreement(evaluation),
        learning=learnings_of(card, known.folder) if card and known.folder else (),
        mistakes=mistakes,
        pictures=pictures_of(known, shown, wanted),
        tables=tuple(table for tables in TABLES for table in tables(known)),
        remarks=tuple(_remarks(evaluation)),
    )


def _sentence(evaluation: Evaluation) -> str:
    subject = evaluation.subject
    task = f"task {evaluation.task}, " if evaluation.task else ""
    counted = f"{task}{len(evaluation.classes)} classes, {evaluation.n_items:,} items"
    if subject is None:
        return counted
    return ", ".join(filter(None, [subject.network, *data_text(subject, str), counted]))


def _notices(evaluation: Evaluation) -> list[str]:
    found = [evaluation.note] if evaluation.note else []
    if evaluation.n_patients_in_dev:
        found.append(f"Optimistic: {evaluation.n_patients_in_dev} patients are in the dev scores, too.")
    if evaluation.worse_than_chance:
        names = ", ".join(evaluation.worse_than_chance)
        found.append(f"AUROC far below 0.5, so the scores may be inverted, or in another order of classes: {names}.")
    return found


def _facts(known: Known) -> Mapping[str, Facts]:
    """What a scores file says of itself."""
    scores = known.scores
    n_patients = "not said" if scores.patient_id is None else f"{len(set(scores.patient_id.tolist())):,}"
    rows = [("file", scores.name), ("kind", scores.kind), ("task", scores.task or "not said")]
    rows += [("items", f"{len(scores.labels):,}"), ("patients", n_patients)]
    rows.append(("dev scores", "none" if known.dev is None else f"{known.dev.name}, {len(known.dev.labels):,} items"))
    return {"The scores file": tuple(rows)}


def _agreement(evaluation: Evaluation) -> Table | None:
    if evaluation.confusion is None:
        return None
    head, *rows = agreement_lines(evaluation)
    notes = tuple(from_markdown(remark) for remark in agreement_remarks(evaluation))
    return Table("", ("figure", *head[1:]), tuple(map(tuple, rows)), notes)


def _remarks(evaluation: Evaluation) -> list[str]:
    said = remarks_of(evaluation)
    if evaluation.intervals:
        n = evaluation.intervals.resampling.n
        said = [*said, f"intervals: 95 %, over {n:,} resamples of {evaluation.intervals.n_patients:,} patients"]
        said += interval_remarks(evaluation.intervals)
    else:
        said = [*said, "no intervals: nothing was resampled"]
    if len(evaluation.classes) > MOST_CLASSES:
        said.append(f"one by one, the {MOST_CLASSES} most frequent of {len(evaluation.classes)} classes are shown")
    return [from_markdown(remark) for remark in said]
