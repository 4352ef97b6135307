"""The table of what intervals hold says what was counted, of every row that evaluate.py prints and of differences."""

import numpy as np
import pytest

from benchmarks.coverage import AREAS, FIGURES, SIZES, Tallies, outside, simulate, table
from pipeline.evaluation.metrics import FIGURES as OF_COUNTS
from pipeline.evaluation.metrics import RANKINGS


def line_of(tallies: Tallies, start: str) -> dict[str, str]:
    line = next(line for line in table(tallies).splitlines() if line.startswith(start))
    cells = [cell.strip() for cell in line.strip("|").split("|")][3:]
    return dict(zip(FIGURES, cells, strict=True))


def test_the_table_counts_what_was_printed_and_what_held():
    tallies = Tallies()
    for span in ((0.5, 0.7), (0.4, 0.5), (0.6, 0.9), None):
        tallies.add("5–9", "0.6", "auroc", span, 0.6)
    line = line_of(tallies, "| 5–9 | 0.6 ")
    assert line["auroc"] == "66.7"
    tallies.add("5–9", "0.8", "auroc", None, 0.6)
    tallies.add("5–9", "0.8", "auroc", (0.5, 0.7), 0.6)
    assert line_of(tallies, "| 5–9 | all ")["auroc"] == "75.0"
    assert set(line.values()) == {"66.7", "–"}


def test_cells_outside_are_named_with_their_distance_in_standard_errors():
    tallies = Tallies()
    for i in range(400):
        tallies.add("macro", "150 patients", "f1", (0, float(i >= 36)), 0.5)  # 91 % hold
        tallies.add("macro", "150 patients", "npv", (0, float(i >= 20)), 0.5)
    first, *named = outside(tallies).splitlines()
    assert first == "1 of 2 cells are outside 93 to 97:"
    expected = (93 - 91) / (100 * np.sqrt(0.93 * 0.07 / 400))
    assert named == [f"macro | 150 patients | f1: 91.0 of 400, {expected:.1f} standard errors beyond"]


@pytest.fixture(scope="module")
def simulated() -> Tallies:
    return simulate(1, 40, 3)


def test_every_interval_that_is_printed_is_counted(simulated):
    rows = {(row, figure) for (row, _, figure), cell in simulated.cells.items() if cell.printed}
    figures = {*OF_COUNTS, *RANKINGS}
    for row in ("micro", "difference, macro", "difference, micro"):
        assert {figure for each, figure in rows if each == row} >= figures
    assert {figure for each, figure in rows if each == "macro"} >= figures - {"average_precision"}
    assert ("macro G-mean of means", "g_mean") in rows
    kinds = {of for _, of, _ in simulated.cells}
    assert {f"{area:g}" for area in AREAS} | {"no class found", "150 patients", "600 patients"} <= kinds
    assert {figure for _, of, figure in simulated.cells if of == "no class found"} == {
        "TP", "FN", "FP", "TN", *OF_COUNTS
    }  # fmt: skip


def test_the_table_has_a_line_for_each_of_them(simulated):
    lines = table(simulated).splitlines()
    n_classes = len(SIZES) * (len(AREAS) + 1)
    assert [line.split("|")[2].strip() for line in lines[2:]][n_classes : n_classes + 6] == ["no class found"] * 6
    assert sum("patients |" in line for line in lines[2:]) == 5 * 3
