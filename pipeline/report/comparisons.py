"""The table of a comparison: printed, and saved as Markdown and JSON."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.comparison import Comparison, Difference, Pair, macro_of
from pipeline.evaluation.intervals import LEVEL, Intervals, resamples_for
from pipeline.evaluation.metrics import headings
from pipeline.machine.files import all_or_none, make_folder, write_text
from pipeline.report.cells import WITHHELD, aligned, figure_text, span_text
from pipeline.report.files import FORMATS, latex_tables, number, write_csv, write_json
from pipeline.report.tables import (
    data_text,
    interval_remarks,
    inversion_remarks,
    overlap_remarks,
    threshold_remarks,
)

_RANKED_BY = "auroc"
_Cell = Callable[[str], str]


def comparison_text(comparison: Comparison) -> str:
    """The models by falling macro-AUC, their differences, and which of these are within noise."""
    best = next(iter(comparison.models.values()))
    task = markdown(best.task or best.kind)
    shared = _remarks_of_models(comparison)
    rule = f"; {shared[0]}" if shared[:1] == threshold_remarks(best)[:1] else ""
    of = f"{task}, {best.n_items} items, {len(comparison.models)} models by macro-AUC{rule}"
    head = [best.note, *_subjects(comparison), of]
    verdicts = "\n".join(f"- {_verdict(pair)}" for pair in comparison.pairs if _main(pair))
    remarks = "\n".join(f"- {remark}" for remark in _remarks(comparison, best.intervals))
    parts = [*head, _table(comparison), verdicts and f"Differences in macro-AUC:\n\n{verdicts}", remarks]
    return "\n\n".join(filter(None, parts)) + "\n"


def _subjects(comparison: Comparison) -> list[str]:
    """What the models are, and the data that they share."""
    subjects = {name: model.subject for name, model in comparison.models.items() if model.subject}
    if not subjects:
        return []
    first = next(iter(subjects.values()))
    named = ", ".join(
        f"{markdown(name)}: {markdown(each.name)}" + (f" ({markdown(each.network)})" if each.network else "")
        for name, each in subjects.items()
    )
    return [", ".join(filter(None, [*data_text(first), first.date])), named]


def save_comparison(folder: Path, comparison: Comparison, formats: Collection[str] = ("md",)) -> list[Path]:
    """Writes ``comparison.json`` and the table as ``comparison.md``, ``.csv`` or ``.tex``; returns their paths."""
    names = ["comparison.json", *(f"comparison.{ending}" for name, ending in FORMATS.items() if name in formats)]
    make_folder(folder)
    with all_or_none():
        write_json(folder / "comparison.json", comparison.as_json())
        if "md" in formats:
            write_text(folder / "comparison.md", comparison_text(comparison))
        if "csv" in formats:
            write_csv(folder / "comparison.csv", _csv_lines(comparison))
        if "latex" in formats:
            tables = [(" ".join(_subjects(comparison)) or "Models by macro-AUC", _lines(comparison))]
            write_text(folder / "comparison.tex", latex_tables(tables))
    return [folder / name for name in names]


def _csv_lines(comparison: Comparison) -> list[list[str]]:
    """The table unrounded: a line a model."""
    best = next(iter(comparison.models))
    against = {pair.second: _main(pair) for pair in comparison.pairs if pair.first == best}
    names = headings()
    lines = [["model", *[f"macro_{name}" for name in names], *[f"micro_{name}" for name in names]]]
    lines[0] += ["macro_auroc_low", "macro_auroc_high", "less_than_best", "low", "high", "p", "p_holm"]
    for name, model in comparison.models.items():
        rows = (macro_of(model).figures, model.micro.figures)
        span = model.intervals.macro.get(_RANKED_BY) if model.intervals else None
        cells = [number(row.get(each)) for row in rows for each in names]
        difference = against.get(name)
        found = [difference.value, *difference.span, difference.p, difference.p_holm] if difference else [None] * 5
        lines.append([csv_cell(name), *cells, *map(number, [*(span or (None, None)), *found])])
    return lines


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
        f"its {LEVEL:.0%} interval": column(_signed_span),
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
    return columns


def _main(pair: Pair) -> Difference | None:
    return pair.rows["macro"].get(_RANKED_BY)


def _verdict(pair: Pair) -> str:
    difference = pair.rows["macro"][_RANKED_BY]
    p = f"p {difference.p:.3f}, by Holm {difference.p_holm:.3f}"
    span = _signed_span(difference)
    names = f"{markdown(pair.first)} − {markdown(pair.second)}"
    return f"{names}: {_fine(difference.value)} ({span}), {p}: {_judgement(difference)}"


def _remarks(comparison: Comparison, intervals: Intervals | None) -> list[str]:
    shared = _remarks_of_models(comparison)
    best = next(iter(comparison.models.values()))
    remarks = (
        shared[1:] if shared[:1] == threshold_remarks(best)[:1] else shared
    )  # the rule that all share stands above
    if intervals is None:
        macro = "all figures but micro-AUC are macro: means over the classes"
        return [*remarks, macro, "nothing was resampled, so nothing says which differences are within noise"]
    n_classes = len(intervals.classes)
    remarks.append(f"all figures but micro-AUC are macro: means over the {n_classes} classes that have an interval")
    n_pairs, level = len(comparison.pairs), f"{1 - LEVEL:.2g}"
    corrected = f", by Holm's correction for {n_pairs} differences," if n_pairs > 1 else ""
    remarks.append(f"within noise: the p-value of no difference{corrected} is above {level}, and its interval holds 0")
    if n_pairs > 1:
        remarks.append("the interval of a difference is as much wider as Holm's correction raises its p-value")
    needed = resamples_for(n_pairs)
    if intervals.resampling.n < needed:
        remarks.append(f"too few resamples to find any difference beyond noise: take -resamples {needed} or more")
    return remarks + interval_remarks(intervals)


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


def _signed_span(difference: Difference) -> str:
    return f"{difference.span_holm[0]:.4f} to {difference.span_holm[1]:.4f}"


def _fine(value: float) -> str:
    """Models differ in the third digit, so a fourth is shown."""
    return figure_text(value, 4)
