"""What an evaluation leaves behind: every figure, the counts, the table in each format, and each record's answer."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.commands.escaping import csv_cell, one_line
from pipeline.evaluation.agreement import agreement_figures
from pipeline.evaluation.confusion import taken
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import LEVEL, Span
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.resampling import CELLS
from pipeline.evaluation.scores import Scores, save_scores
from pipeline.evaluation.thresholds import decisions
from pipeline.machine.files import all_or_none, make_folder, remove_file, write_text
from pipeline.report.confusions import CAPTION, MOST_PRINTED, agreement_lines, confusion_csv_lines, confusion_lines
from pipeline.report.decisions import decision_tables
from pipeline.report.files import FORMATS, latex_tables, number, write_csv, write_json
from pipeline.report.further import FILES as FURTHER
from pipeline.report.further import further_files
from pipeline.report.subgroups import subgroup_tables
from pipeline.report.tables import as_text, head_of, interval_lines, sizes_of, table_lines

_SOMETIMES = (
    "no_class.csv",
    "confusion.csv",
    "confusion.png",
    "predictions.csv",
    *FURTHER,
    *(f"table.{ending}" for ending in FORMATS.values()),
)
"""What one evaluation writes and the next one may not."""


def save_evaluation(
    folder: Path,
    evaluation: Evaluation,
    scores: Scores | None = None,
    formats: Collection[str] = ("md",),
    with_scores: bool = False,
) -> list[Path]:
    """Writes the files of an evaluation over older ones, all or none; returns their paths.

    Args:
        folder: where.
        evaluation: the figures.
        scores: what they were computed from, as the model gave them, for files that name single items; None for no
            such files. ``predictions.csv`` has the calibrated ones where some are, ``scores.npz`` never.
        formats: of the table, of ``FORMATS``.
        with_scores: whether ``scores.npz`` is one of them.
    """
    files: dict[str, Callable[[Path], object]] = {
        "metrics.json": lambda path: write_json(path, evaluation.as_json()),
        "counts.csv": lambda path: write_csv(path, counts_lines(evaluation)),
    }
    if evaluation.norm:
        files["no_class.csv"] = lambda path: write_csv(path, no_class_lines(evaluation))
    if confusion := evaluation.confusion:
        files["confusion.csv"] = lambda path: write_csv(path, confusion_csv_lines(confusion))
        files["confusion.png"] = lambda path: _draw(path, evaluation)
    if "md" in formats:
        files["table.md"] = lambda path: write_text(path, as_text(evaluation))
    if "csv" in formats:
        files["table.csv"] = lambda path: write_csv(path, figure_lines(evaluation))
    if "latex" in formats:
        files["table.tex"] = lambda path: write_text(path, latex_text(evaluation))
    answered = evaluation.calibration.scores if evaluation.calibration and scores is not None else scores
    if answered is not None:
        files["predictions.csv"] = lambda path: write_csv(path, prediction_lines(evaluation, answered))
    if scores is not None and with_scores:
        files["scores.npz"] = lambda path: save_scores(path, scores)
    files |= further_files(evaluation, answered, as_text, lambda: [*head_of(evaluation, escape=one_line)])
    was_there = (folder / "metrics.json").exists()
    make_folder(folder)
    with all_or_none():
        for name, write in files.items():
            write(folder / name)
        for name in set(_SOMETIMES) - files.keys():
            if was_there:  # a table of other figures beside these would be taken for theirs
                remove_file(folder / name)
    return [folder / name for name in files]


def counts_lines(evaluation: Evaluation) -> list[list[str]]:
    """``counts.csv``: a line a class with its counts, how many items bear it and what share, and its threshold."""
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    lines = [["class", *CELLS, "n", "prevalence", "threshold"]]
    lines += [[*_counted(name, row), number(thresholds.get(name))] for name, row in evaluation.classes.items()]
    return with_note(lines, evaluation.note)


def with_note(lines: list[list[str]], note: str) -> list[list[str]]:
    """Lines of a CSV file with what stands over the printed table in a last column, where there is such a note."""
    if not note or not lines:
        return lines
    return [[*lines[0], "note"], *([*line, csv_cell(note)] for line in lines[1:])]


def no_class_lines(evaluation: Evaluation) -> list[list[str]]:
    """``no_class.csv``: the counts of "no class found", which is no class."""
    row = evaluation.norm or Row({})
    return [["name", *CELLS, "n", "prevalence"], _counted(evaluation.none_name or "", row)]


def _counted(name: str, row: Row) -> list[str]:
    counts = row.counts or dict.fromkeys(CELLS, 0)
    n, share = sizes_of(row)
    return [csv_cell(name), *(str(counts[cell]) for cell in CELLS), str(n), number(share)]


def figure_lines(evaluation: Evaluation) -> list[list[str]]:
    """``table.csv``: every row and column of the table, unrounded, each beside the ends of its interval.

    The macro row has the interval that the table prints: of the mean over the classes that have one themselves, whose
    own value then stands in a row ``macro of classes with an interval``. What is withheld is empty, and the last column
    says why.
    """
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    names = [*CELLS, *headings(), *_own_columns(evaluation)]
    lines = [["row", "name", "n", "prevalence", "threshold"]]
    lines[0] += [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    lines[0].append("withheld")
    found = evaluation.intervals
    rows: list[tuple[str, str, Row, dict[str, Span]]] = [
        ("class", name, row, found.classes.get(name, {}) if found else {}) for name, row in evaluation.classes.items()
    ]
    are_all = found is not None and len(found.classes) == len(evaluation.classes)
    rows.append(("macro", "", evaluation.macro, found.macro if found and are_all else {}))
    if found and found.macro and not are_all:
        rows.append(("macro of classes with an interval", "", Row(found.macro_values), found.macro))
    rows.append(("micro", "", evaluation.micro, found.micro if found else {}))
    if evaluation.norm:
        rows.append(("no class", evaluation.none_name or "", evaluation.norm, found.norm if found else {}))
    if evaluation.confusion:
        rows.append(("agreement", "", Row(evaluation.agreement), found.agreement if found else {}))
    for kind, name, row, spans in rows:
        sizes = [str(sizes_of(row)[0]), number(sizes_of(row)[1])] if kind in ("class", "no class") else ["", ""]
        line = [kind, csv_cell(name), *sizes, number(thresholds.get(name)) if kind == "class" else ""]
        for column in names:
            count = (row.counts or {}).get(column)
            value = number(row.figures.get(column)) if count is None else str(count)
            line += [value, *(number(end) for end in spans.get(column, (None, None)))]
        reasons = (
            found.withheld.get((kind.removesuffix(" of classes with an interval"), name), {}) if found and spans else {}
        )
        lines.append([*line, "; ".join(f"{figure}: {reason}" for figure, reason in reasons.items())])
    return with_note(lines, evaluation.note)


def _own_columns(evaluation: Evaluation) -> list[str]:
    """The figures of the confusion matrix that no other row has, which stand in a row ``agreement``."""
    names = agreement_figures(tuple(evaluation.classes)) if evaluation.confusion else {}
    return [name for name in names if name not in headings()]


def _draw(path: Path, evaluation: Evaluation) -> None:
    from pipeline.report.confusion_drawing import draw_confusion  # here, because matplotlib takes its time

    if evaluation.confusion:
        draw_confusion(path, evaluation.confusion, [*head_of(evaluation, escape=one_line)])


def latex_text(evaluation: Evaluation) -> str:
    """``table.tex``: the table, its confusion matrix and its intervals, for a paper."""
    head = ". ".join(head_of(evaluation, escape=one_line))
    tables = [(head, table_lines(evaluation))]
    noted = f"{one_line(evaluation.note)}. " if evaluation.note else ""  # each table may be taken alone
    if evaluation.confusion:
        if len(evaluation.classes) <= MOST_PRINTED:
            tables.append((noted + CAPTION, confusion_lines(evaluation.confusion)))
        tables.append((f"{noted}What follows from the confusion matrix", agreement_lines(evaluation)))
    found = evaluation.intervals
    if found and (found.micro or found.norm):
        drawn = f"{noted}{LEVEL:.0%} intervals, over {found.resampling.n} resamples of {found.n_patients} patients"
        tables.append((drawn, interval_lines(evaluation)))
    further = [*decision_tables(evaluation), *subgroup_tables(evaluation)]
    tables += [(noted + caption, lines) for caption, lines in further]
    return latex_tables(tables)


def prediction_lines(evaluation: Evaluation, scores: Scores) -> list[list[object]]:
    """``predictions.csv``: a line an item with its names, and of each class score, decision and label.

    Where classes exclude each other, the one with the highest score and the true one stand before these.
    """
    names = {"item_id": scores.item_id, "record_id": scores.record_id, "patient_id": scores.patient_id}
    known = {name: values for name, values in names.items() if values is not None}
    found = decisions(scores, evaluation.thresholds)
    if scores.kind == "multiclass":
        classes = [csv_cell(name) for name in scores.classes]
        of_items = {"found class": taken(scores.scores), "true class": scores.labels.argmax(1)}
    else:
        classes, of_items = [], {}
    columns = [f"{name} {what}" for name in scores.classes for what in ("score", "found", "label")]
    lines: list[list[object]] = [[*known, *of_items, *map(csv_cell, columns)]]
    for i in range(len(scores.item_id)):
        line: list[object] = [csv_cell(str(values[i])) for values in known.values()]
        line += [classes[numbers[i]] for numbers in of_items.values()]
        for j in range(len(scores.classes)):
            line += [str(scores.scores[i, j]), int(found[i, j]), int(scores.labels[i, j])]
        lines.append(line)
    return lines
