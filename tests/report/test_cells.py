"""Cells as Markdown."""

from pipeline.report.cells import aligned


def test_columns_are_as_wide_as_their_widest_cell_and_the_first_stands_left():
    assert aligned([["", "n", "accuracy"], ["a", "12", "0.5"], ["long", "3", ""]]) == (
        "|      |  n | accuracy |\n| ---- | -: | -------: |\n| a    | 12 |      0.5 |\n| long |  3 |          |"
    )
