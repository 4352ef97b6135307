"""The tests of each class of two models: as text, as tables for a paper and as lines of CSV."""

import math

from pipeline.commands.escaping import csv_cell, markdown, one_line
from pipeline.evaluation.class_tests import ClassTests, PairTests
from pipeline.evaluation.comparison import Comparison
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.mcnemar import EXACT_BELOW
from pipeline.evaluation.proportions import Span
from pipeline.report.cells import aligned, figure_text, signed_span_text
from pipeline.report.files import number

_HEADINGS = (
    *("ΔAUROC", f"{LEVEL:.0%}, bootstrap", "p (Holm)"),
    *(f"{LEVEL:.0%}, DeLong", "p (Holm), DeLong"),
    *("b", "c", "p (Holm), McNemar"),
)
_CSV = (
    *("difference", "low", "high", "p", "p_holm"),
    *("delong_difference", "delong_low", "delong_high", "delong_p", "delong_p_holm"),
    *("first_only_right", "second_only_right", "mcnemar_method", "mcnemar_p", "mcnemar_p_holm"),
)


def class_test_parts(comparison: Comparison) -> list[str]:
    """The best model beside each other one, class by class, and what to know of it; nothing without tests."""
    parts = []
    for tests in _with_the_best(comparison):
        head, lines = class_test_table(tests)
        parts += [markdown(head), aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])]
    return [*parts, "\n".join(f"- {remark}" for remark in class_test_remarks(comparison))] if parts else []


def class_test_tables(comparison: Comparison) -> list[tuple[str, list[list[str]]]]:
    """The same tables, each with its caption, for LaTeX."""
    return [(one_line(head), lines) for head, lines in map(class_test_table, _with_the_best(comparison))]


def _with_the_best(comparison: Comparison) -> list[PairTests]:
    best = next(iter(comparison.models))
    return [tests for tests in comparison.tests if tests.first == best]


def class_test_table(tests: PairTests) -> tuple[str, list[list[str]]]:
    """What stands above it; headings, then a line for each class, names as they are."""
    head = f"Class by class, {tests.first} − {tests.second}:"
    return head, [["", *_HEADINGS], *([name, *_cells(own)] for name, own in tests.classes.items())]


def _cells(own: ClassTests) -> list[str]:
    sampled, delong, answers = own.auroc, own.delong, own.mcnemar
    value = sampled.value if sampled else delong.value if delong else math.nan
    of_areas = [signed_span_text(sampled.span), p_text(sampled.p_holm)] if sampled else ["–", "–"]
    of_delong = [_delong_span(delong.span), p_text(own.delong_p_holm)] if delong else ["–", "–"]
    exact = " exact" if answers.method == "exact" else ""
    counts = [str(answers.first_only), str(answers.second_only), p_text(own.mcnemar_p_holm) + exact]
    return [figure_text(value, 4), *of_areas, *of_delong, *counts]


def _delong_span(span: Span) -> str:
    return "–" if math.isnan(span[0]) else signed_span_text(span)


def p_text(p: float) -> str:
    """A p-value as it stands in a table.

    >>> p_text(0.0123), p_text(0.00001), p_text(float("nan"))
    ('0.012', '<0.001', '–')
    """
    return "<0.001" if p < 0.001 else figure_text(p)


def class_test_remarks(comparison: Comparison) -> list[str]:
    """What each test rests on, and how many they are."""
    best = next(iter(comparison.models.values()))
    n_tests = len(comparison.tests) * len(best.classes)
    remarks = [
        f"p (Holm): corrected for {n_tests} tests of its kind, every class of every pair; intervals are not corrected",
        f"DeLong's test and McNemar's take items as independent{_of_patients(comparison)}",
        "b, c: items on which the first model alone, and the second alone, is right at its threshold; McNemar: exact "
        f"(binomial) where b + c is below {EXACT_BELOW}, else chi-square with continuity correction",
    ]
    if any(own.delong and math.isnan(own.delong.p) for tests in comparison.tests for own in tests.classes.values()):
        remarks.append("no test by DeLong where areas of 0 or 1 differ, because nothing varies")
    if not comparison.pairs:
        remarks.append("nothing was resampled, so differences have no interval by the bootstrap")
    return remarks


def _of_patients(comparison: Comparison) -> str:
    best = next(iter(comparison.models.values()))
    if best.intervals is None:
        return "; where patients have several, believe the bootstrap over patients"
    n = best.intervals.n_patients
    if n == best.n_items:
        return ", and no two are known to be of one patient"
    return f", but {best.n_items} items are of {n} patients: believe the bootstrap, which draws patients"


def class_test_lines(comparison: Comparison) -> list[list[str]]:
    """``class_tests.csv``: a line a class of every pair, unrounded; none without tests."""
    if not comparison.tests:
        return []
    lines = [["first", "second", "class", *_CSV]]
    for tests in comparison.tests:
        names = [csv_cell(tests.first), csv_cell(tests.second)]
        lines += [[*names, csv_cell(name), *_unrounded(own)] for name, own in tests.classes.items()]
    return lines


def _unrounded(own: ClassTests) -> list[str]:
    sampled, delong, answers = own.auroc, own.delong, own.mcnemar
    of_areas = (sampled.value, *sampled.span, sampled.p, sampled.p_holm) if sampled else (None,) * 5
    of_delong = (delong.value, *delong.span, delong.p, own.delong_p_holm) if delong else (None,) * 5
    counts = [str(answers.first_only), str(answers.second_only), answers.method]
    return [*map(number, (*of_areas, *of_delong)), *counts, number(answers.p), number(own.mcnemar_p_holm)]
