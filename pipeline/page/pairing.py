"""Two models side by side: their differences, and where they disagree."""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.commands.escaping import from_markdown
from pipeline.evaluation.comparison import Comparison
from pipeline.evaluation.disagreement import (
    Apart,
    class_differences,
    furthest_apart,
    right_counts,
)
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.thresholds import decisions
from pipeline.page.known import Known, Wanted
from pipeline.page.model import Forest, Pairing, Table, Valued
from pipeline.page.pictures import Shown, pictures_of
from pipeline.report.cells import figure_text
from pipeline.report.class_tests import class_test_remarks, class_test_table

_N_APART = 12
_RANKED = ("auroc", "average_precision", "sensitivity", "specificity", "f1")


def ranking_of(comparison: Comparison) -> Table:
    """The macro figures of each model, with the intervals of what has one."""
    names = {name: headings()[name] for name in _RANKED}
    rows = []
    for name, model in comparison.models.items():
        spans = model.intervals.macro if model.intervals else {}
        cells = [_cell(model.macro.figures.get(each, math.nan), spans.get(each)) for each in names]
        rows.append((name, *cells))
    return Table("Macro figures", ("model", *names.values()), tuple(rows))


def _cell(value: float, span: tuple[float, float] | None) -> str:
    return figure_text(value) + (f" ({span[0]:.3f}–{span[1]:.3f})" if span else "")


def verdicts_of(comparison: Comparison) -> tuple[str, ...]:
    """Of each pair, whether its difference in macro-AUC is within noise."""
    found = []
    for pair in comparison.pairs:
        difference = pair.rows.get("macro", {}).get("auroc")
        if difference is None:
            continue
        low, high = difference.span_holm
        verdict = "within noise" if difference.is_within_noise else "beyond noise"
        found.append(
            f"{pair.first} − {pair.second}: {difference.value:+.4f} macro-AUC "
            f"({low:+.4f} to {high:+.4f}), p {difference.p_holm:.3g}: {verdict}".replace("-0", "−0")
        )
    return tuple(found)


def pairing_of(first: Known, second: Known, comparison: Comparison, wanted: Wanted) -> Pairing:
    """The better one of two and the other one, whose scores are aligned."""
    ours, theirs = first.judged, second.judged
    apart = furthest_apart(ours, theirs, _N_APART)
    names = first.name, second.name
    shown = [_shown(each, ours.item_id, names) for each in apart[: wanted.pictures]]
    return Pairing(
        *names,
        tuple(_forests(first, second, comparison, wanted)),
        _right(first, second),
        _apart_table(apart, ours.item_id, names),
        pictures_of(first, shown, Wanted(wanted.pictures, 0, wanted.partition, wanted.data)),
        _tests(*names, comparison),
    )


def _tests(first: str, second: str, comparison: Comparison) -> Table | None:
    for tests in comparison.tests:
        if (tests.first, tests.second) == (first, second):
            _, (head, *rows) = class_test_table(tests)
            notes = tuple(from_markdown(remark) for remark in class_test_remarks(comparison))
            return Table("Tests of each class", tuple(head), tuple(map(tuple, rows)), notes)
    return None


def _forests(first: Known, second: Known, comparison: Comparison, wanted: Wanted) -> list[Forest]:
    title = f"{first.name} minus {second.name}"
    by_class = class_differences(first.judged, second.judged, wanted.resampling)
    rows = [(name, Valued(each.value, each.span)) for name, each in by_class.items()]
    note = "95 % intervals over patients, each class alone; right of the line the first one is better."
    forests = [Forest(f"AUROC of each class, {title}", tuple(rows), 0.0, note)]
    pair = comparison.pair(first.name, second.name)
    macro = pair.rows.get("macro", {}) if pair else {}
    if macro:
        figures = [
            (headings()[name], Valued(each.value, each.span)) for name, each in macro.items() if name in headings()
        ]
        note = "95 % intervals over patients, of the mean over the classes."
        forests.append(Forest(f"Macro figures, {title}", tuple(figures), 0.0, note))
    return forests


def _right(first: Known, second: Known) -> Table:
    found = [decisions(each.judged, each.evaluation.thresholds) for each in (first, second)]
    counts = right_counts(first.judged.labels, *found)
    rows = [(name, *(f"{n:,}" for n in of)) for name, of in zip(first.judged.classes, counts.tolist(), strict=True)]
    head = ("class", "both right", f"only {first.name}", f"only {second.name}", "neither")
    return Table("Who is right of how many", head, tuple(rows), ("Each at its own thresholds.",))


def _apart_table(apart: Sequence[Apart], items: np.ndarray, names: tuple[str, str]) -> Table:
    head = ("record", "class", *names, "in the labels")
    rows = [
        (
            str(items[each.row]),
            each.class_name,
            f"{each.first:.3f}",
            f"{each.second:.3f}",
            "yes" if each.bears else "no",
        )
        for each in apart
    ]
    note = "The records whose scores differ most, each with its class of the largest difference."
    return Table("Furthest apart", head, tuple(rows), (note,))


def _shown(each: Apart, items: np.ndarray, names: tuple[str, str]) -> Shown:
    bears = "in the labels" if each.bears else "not in the labels"
    said = f"{each.class_name}, {bears}: {names[0]} says {each.first:.3f}, {names[1]} {each.second:.3f}."
    return Shown(str(items[each.row]), each.class_name, (said,))
