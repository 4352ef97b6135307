"""The table of a comparison: printed, and saved as Markdown and JSON."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.commands.escaping import csv_cell, markdown, one_line
from pipeline.evaluation.agreement import AgreementFigure, agreement_figures
from pipeline.evaluation.comparison import Comparison, Pair, macro_of
from pipeline.evaluation.differences import Difference
from pipeline.evaluation.intervals import LEVEL, Intervals
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.paired import resamples_for
from pipeline.machine.files import all_or_none, make_folder, remove_file, write_text
from pipeline.report.cells import WITHHELD, aligned, figure_text, signed_span_text, span_text
from pipeline.report.class_tests import class_test_lines, class_test_parts, class_test_tables
from pipeline.report.equivalences import equivalence_lines, equivalence_parts, equivalence_tables
from pipeline.report.evaluations import with_note
from pipeline.report.files import FORMATS, latex_tables, number, write_csv, write_json
from pipeline.report.tables import (
    data_text,
    interval_remarks,
    inversion_remarks,
    overlap_remarks,
    threshold_remarks,
)

_RANKED_BY = "auroc"
_LESS = ("less_than_best", "low", "high", "p", "p_holm")
"""Columns of a difference."""

_Cell = Callable[[str], str]


def comparison_text(comparison: Comparison) -> str:
    """The models by falling macro-AUC, their differences, and which of these are within noise."""
    best = next(iter(comparison.models.values()))
    task = markdown(best.task or best.kind)
    shared = _remarks_of_models(comparison)
    rule = f"; {shared[0]}" if shared[:1] == threshold_remarks(best)[:1] else ""
    of = f"{task}, {best.n_items} items, {len(comparison.models)} models by macro-AUC{rule}"
    head = [*_notes(comparison, markdown), *_subjects(comparison), of]
    verdicts = "\n".join(f"- {_verdict(pair, difference)}" for pair in comparison.pairs if (difference := _main(pair)))
    remarks = "\n".join(f"- {remark}" for remark in _remarks(comparison, best.intervals))
    in_areas = f"Differences in macro-AUC:\n\n{verdicts}" if verdicts else ""
    further = [*equivalence_parts(comparison), *class_test_parts(comparison)]
    parts = [*head, _table(comparison), in_areas, *_in_agreement(comparison), remarks, *further]
    return "\n\n".join(filter(None, parts)) + "\n"


def _notes(comparison: Comparison, escape: Callable[[str], str]) -> list[str]:
    """What heads the tables of these models: once if it heads all of them, else with the name of each."""
    notes = {name: escape(model.note) for name, model in comparison.models.items() if model.note}
    if len(notes) == len(comparison.models) and len(set(notes.values())) == 1:
        return [next(iter(notes.values()))]
    return [f"{escape(name)}: {note}" for name, note in notes.items()]


def _in_agreement(comparison: Comparison) -> list[str]:
    """The differences of each figure of the confusion matrix, where there is one."""
    parts = []
    for name, figure in _agreed(comparison).items():
        found = [(pair, pair.rows.get("agreement", {}).get(name)) for pair in comparison.pairs]
        verdicts = "\n".join(f"- {_verdict(pair, difference)}" for pair, difference in found if difference)
        if verdicts:
            parts.append(f"Differences in {figure.heading}:\n\n{verdicts}")
    return parts


def _agreed(comparison: Comparison) -> dict[str, AgreementFigure]:
    """The figures of the confusion matrix that these models have."""
    best = next(iter(comparison.models.values()))
    return agreement_figures(tuple(best.classes)) if best.confusion else {}


def _subjects(comparison: Comparison, escape: Callable[[str], str] = markdown) -> list[str]:
    """What the models are, and the data that they share."""
    subjects = {name: model.subject for name, model in comparison.models.items() if model.subject}
    if not subjects:
        return []
    first = next(iter(subjects.values()))
    named = ", ".join(
        f"{escape(name)}: {escape(each.name)}" + (f" ({escape(each.network)})" if each.network else "")
        for name, each in subjects.items()
    )
    return [", ".join(filter(None, [*data_text(first, escape), first.date])), named]


def save_comparison(folder: Path, comparison: Comparison, formats: Collection[str] = ("md",)) -> list[Path]:
    """Writes ``comparison.json`` and the table as ``comparison.md``, ``.csv`` or ``.tex``; returns their paths.

    With ``.csv`` come ``class_tests.csv`` and ``equivalence.csv``, as far as there are any.
    """
    names = ["comparison.json", *(f"comparison.{ending}" for name, ending in FORMATS.items() if name in formats)]
    further = {"class_tests.csv": class_test_lines(comparison), "equivalence.csv": equivalence_lines(comparison)}
    note = "; ".join(_notes(comparison, one_line))
    further = {name: with_note(lines, note) if "csv" in formats else [] for name, lines in further.items()}
    names += [name for name, lines in further.items() if lines]
    make_folder(folder)
    with all_or_none():
        write_json(folder / "comparison.json", comparison.as_json())
        if "md" in formats:
            write_text(folder / "comparison.md", comparison_text(comparison))
        if "csv" in formats:
            write_csv(folder / "comparison.csv", _csv_lines(comparison))
        if "latex" in formats:
            heads = [*_notes(comparison, one_line), *_subjects(comparison, escape=one_line)]
            tables = [(". ".join(heads) or "Models by macro-AUC", _lines(comparison))]
            noted = f"{note}. " if note else ""  # each table may be taken alone
            others = [*equivalence_tables(comparison), *class_test_tables(comparison)]
            tables += [(noted + caption, lines) for caption, lines in others]
            write_text(folder / "comparison.tex", latex_tables(tables))
        for name, lines in further.items():
            if lines:
                write_csv(folder / name, lines)
            else:  # that of other models would be taken for theirs
                remove_file(folder / name)
    return [folder / name for name in names]


def _csv_lines(comparison: Comparison) -> list[list[str]]:
    """The table unrounded: a line a model."""
    best = next(iter(comparison.models))
    against = {pair.second: _main(pair) for pair in comparison.pairs if pair.first == best}
    names, agreed = headings(), _agreed(comparison)
    lines = [["model", *[f"macro_{name}" for name in names], *[f"micro_{name}" for name in names]]]
    lines[0] += ["macro_auroc_low", "macro_auroc_high", *_LESS]
    lines[0] += [column for name in agreed for column in (name, f"{name}_low", f"{name}_high")]
    lines[0] += [f"{name}_{column}" for name in agreed for column in _LESS]
    has_note = any(model.note for model in comparison.models.values())
    lines[0] += ["note"] if has_note else []
    for name, model in comparison.models.items():
        rows = (macro_of(model).figures, model.micro.figures)
        span = model.intervals.macro.get(_RANKED_BY) if model.intervals else None
        cells = [number(row.get(each)) for row in rows for each in names]
        found: list[float | None] = [*(span or (None, None)), *_less(against.get(name))]
        for figure in agreed:
            own = model.intervals.agreement.get(figure) if model.intervals else None
            found += [model.agreement[figure], *(own or (None, None))]
        pair = comparison.pair(best, name)
        for figure in agreed:
            found += _less(pair.rows.get("agreement", {}).get(figure) if pair else None)
        line = [csv_cell(name), *cells, *map(number, found)]
        lines.append([*line, csv_cell(model.note)] if has_note else line)
    return lines


def _less(difference: Difference | None) -> list[float | None]:
    """The cells of the columns ``_LESS``."""
    if difference is None:
        return [None] * len(_LESS)
    return [difference.value, *difference.span, difference.p, difference.p_holm]


def _table(comparison: Comparison) -> str:
    lines = _lines(comparison)
    return aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])


def _lines(comparison: Comparison) -> list[list[str]]:
    columns: dict[str, _Cell] = {
        "": str,
        **_area_columns(comparison),
        **_against_best(comparison),
        **_other_columns(comparison),
    }
    lines = [[cell(name) for cell in columns.values()] for name in comparison.models]
    return [list(columns), *lines]


def _area_columns(comparison: Comparison) -> dict[str, _Cell]:
    """The figure that ranks the models, of all classes too where some could not be compared, and its interval."""
    models = comparison.models
    columns: dict[str, _Cell] = {"macro-AUC": lambda name: _fine(macro_of(models[name]).figures[_RANKED_BY])}
    spans = {name: model.intervals.macro for name, model in models.items() if model.intervals}
    if any(spans.values()):
        written = {name: span_text(own[_RANKED_BY]) for name, own in spans.items() if _RANKED_BY in own}
        columns[f"{LEVEL:.0%} interval"] = lambda name: written.get(name, WITHHELD)
    if any(len(m.intervals.classes) < len(m.classes) for m in models.values() if m.intervals):
        columns["of all classes"] = lambda name: _fine(models[name].macro.figures[_RANKED_BY])
    return columns


def _against_best(comparison: Comparison) -> dict[str, _Cell]:
    best = next(iter(comparison.models))
    found = {pair.second: _main(pair) for pair in comparison.pairs if pair.first == best}
    if not any(found.values()):
        return {}

    def column(write: Callable[[Difference], str], for_best: str = "") -> _Cell:
        return lambda name: write(difference) if (difference := found.get(name)) else for_best

    return {
        "less than the best": column(lambda difference: _fine(difference.value)),
        f"its {LEVEL:.0%} interval": column(lambda difference: signed_span_text(difference.span_holm)),
        "p": column(lambda difference: f"{difference.p:.3f}"),
        "p (Holm)": column(lambda difference: f"{difference.p_holm:.3f}"),
        "difference": column(_judgement, "best"),
    }


def _other_columns(comparison: Comparison) -> dict[str, _Cell]:
    models = comparison.models
    columns: dict[str, _Cell] = {"micro-AUC": lambda name: _fine(models[name].micro.figures[_RANKED_BY])}
    for figure, heading in headings().items():
        if figure != _RANKED_BY:
            columns[heading] = lambda name, figure=figure: figure_text(macro_of(models[name]).figures[figure])  # type: ignore[misc]
    for each, agreed in _agreed(comparison).items():
        # of one class against the rest there is an accuracy, too
        heading = f"{agreed.heading} of all" if each in headings() else agreed.heading
        columns[heading] = lambda name, each=each: figure_text(models[name].agreement[each])  # type: ignore[misc]
    return columns


def _main(pair: Pair) -> Difference | None:
    return pair.rows["macro"].get(_RANKED_BY)


def _verdict(pair: Pair, difference: Difference) -> str:
    p = f"p {difference.p:.3f}, by Holm {difference.p_holm:.3f}"
    span = signed_span_text(difference.span_holm)
    names = f"{markdown(pair.first)} − {markdown(pair.second)}"
    return f"{names}: {_fine(difference.value)} ({span}), {p}: {_judgement(difference)}"


def _remarks(comparison: Comparison, intervals: Intervals | None) -> list[str]:
    shared = _remarks_of_models(comparison)
    best = next(iter(comparison.models.values()))
    remarks = (
        shared[1:] if shared[:1] == threshold_remarks(best)[:1] else shared
    )  # the rule that all share stands above
    if intervals is None:
        macro = f"all figures but {_not_macro(comparison)} are macro: means over the classes"
        return [*remarks, macro, "nothing was resampled, so nothing says which differences are within noise"]
    n_classes = len(intervals.classes)
    of_classes = f"means over the {n_classes} classes that have an interval" if n_classes else "means over the classes"
    remarks.append(f"all figures but {_not_macro(comparison)} are macro: {of_classes}")
    n_pairs, level = len(comparison.pairs), f"{1 - LEVEL:.2g}"
    corrected = f", by Holm's correction for {n_pairs} differences," if n_pairs > 1 else ""
    remarks.append(f"within noise: the p-value of no difference{corrected} is above {level}, and its interval holds 0")
    if n_pairs > 1:
        remarks.append("the interval of a difference is as much wider as Holm's correction raises its p-value")
    needed = resamples_for(n_pairs)
    if intervals.resampling.n < needed:
        remarks.append(f"too few resamples to find any difference beyond noise: take -resamples {needed} or more")
    return remarks + interval_remarks(intervals)


def _not_macro(comparison: Comparison) -> str:
    """What is no mean of a column of the models' tables."""
    agreed = [figure.heading for figure in _agreed(comparison).values()]
    return f"micro-AUC and, of all classes together, {', '.join(agreed)}" if agreed else "micro-AUC"


def _remarks_of_models(comparison: Comparison) -> list[str]:
    """What to know of thresholds: once if it holds for all models, else for each."""
    own = {
        name: [*threshold_remarks(model), *inversion_remarks(model), *overlap_remarks(model)]
        for name, model in comparison.models.items()
    }
    shared = next(iter(own.values()))
    if all(remarks == shared for remarks in own.values()):
        return shared
    return [f"{markdown(name)}: {remark}" for name, remarks in own.items() for remark in remarks]


def _judgement(difference: Difference) -> str:
    return "within noise" if difference.is_within_noise else "beyond noise"


def _fine(value: float) -> str:
    """Models differ in the third digit, so a fourth is shown."""
    return figure_text(value, 4)
