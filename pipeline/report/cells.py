"""How figures and their intervals are written in the cells of a table, and how cells become Markdown."""

import math

from pipeline.evaluation.proportions import Span

WITHHELD = "†"
"""Stands beside a figure whose interval is withheld."""


def span_text(span: Span) -> str:
    """An interval, as it stands in a table.

    >>> span_text((0.25, 0.75))
    '0.250–0.750'
    """
    return f"{span[0]:.3f}–{span[1]:.3f}"


def signed_span_text(span: Span) -> str:
    """The interval of a difference, as it stands in a table.

    >>> signed_span_text((-0.001, 0.02))
    '-0.0010 to 0.0200'
    """
    return f"{span[0]:.4f} to {span[1]:.4f}"


def figure_text(value: float, digits: int = 3) -> str:
    """A figure as it stands in a table, a dash for NaN.

    >>> figure_text(0.25), figure_text(float("nan"))
    ('0.250', '–')
    """
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def aligned(lines: list[list[str]]) -> str:
    """Cells as a Markdown table that also reads well on a console; the first line holds the headings."""
    widths = [max(2, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        for line in [lines[0], rule, *lines[1:]]
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)
