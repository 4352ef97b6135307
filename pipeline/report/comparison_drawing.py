"""A comparison drawn: each difference with its interval, and whether zero lies in it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from pipeline.errors import EcgFusionError
from pipeline.evaluation.comparison import Comparison
from pipeline.evaluation.metrics import headings
from pipeline.report.charts import FAINT, INK, PALETTE, SMALL, finish, new_chart, span_words
from pipeline.report.glyphs import drawable

MOST_PAIRS = 40
_ROW, _AROUND = 8.0, 24.0  # mm
_WIDE, _LETTER = 110.0, 1.4  # mm: the differences, and a letter of the names beside them

Differences = Mapping[str, tuple[float, float, float]]


def plot_comparison(
    comparison: Comparison | Differences, *, figure: str = "auroc", row: str = "macro", title: str | None = None
) -> Figure:
    """A row a pair: filled where its interval leaves zero out, hollow where the difference is within noise.

    Args:
        comparison: of runs, whose intervals are then Holm's; or name to difference and both ends of its interval.
        figure: of a comparison, what is compared: a column of the table.
        row: of a comparison, ``macro``, ``micro`` or ``agreement``.
        title: above it.

    Raises:
        EcgFusionError: there is no difference to draw.
    """
    is_of_runs = isinstance(comparison, Comparison)
    rows = _of_runs(comparison, row, figure) if isinstance(comparison, Comparison) else list(comparison.items())
    if not rows:
        raise EcgFusionError(f"there is no difference in {row} {figure} to draw: compare at least two, with -resamples")
    page = new_chart(
        _WIDE + _LETTER * max(len(name) for name, _ in rows), _AROUND + _ROW * min(len(rows), MOST_PAIRS), title
    )
    axes = page.add_subplot()
    axes.axvline(0, color=FAINT, linewidth=0.9)
    for place, (_, (value, low, high)) in enumerate(rows[:MOST_PAIRS]):
        is_noise = low <= 0 <= high
        colour = INK if is_noise else PALETTE[0]
        axes.plot(
            [low, high], [place] * 2, color=colour, linewidth=1.6 if not is_noise else 1.0, marker="|", markersize=6
        )
        face = "white" if is_noise else colour
        axes.plot(value, place, "o", color=colour, markerfacecolor=face, markersize=6, zorder=3)
        said = f"{value:+.3f}".replace("-", "−") + span_words((low, high), "+")
        axes.annotate(said, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL)
    axes.set_yticks(range(len(rows[:MOST_PAIRS])), [name for name, _ in rows[:MOST_PAIRS]])
    heading = f"{row} {headings().get(figure, figure)}" if is_of_runs else "difference"
    corrected = ", by Holm over the pairs" if is_of_runs else ""
    axes.set(xlabel=f"{heading}: first minus second; 95 % interval{corrected}\nfilled: zero lies outside it")
    axes.set_ylim(min(len(rows), MOST_PAIRS) - 0.5, -0.5)
    finish(axes)
    if len(rows) > MOST_PAIRS:
        axes.set_title(f"the first {MOST_PAIRS} of {len(rows)} pairs")
    return page


def _of_runs(comparison: Comparison, row: str, figure: str) -> list[tuple[str, tuple[float, float, float]]]:
    """Names, differences and their intervals, of the pairs that have the figure."""
    names, found = _distinct(comparison.models), []
    for pair in comparison.pairs:
        difference = pair.rows.get(row, {}).get(figure)
        if difference is not None:
            name = f"{names[pair.first]} − {names[pair.second]}"
            found.append((name, (difference.value, *difference.span_holm)))
    return found


def _distinct(names: Iterable[str]) -> dict[str, str]:
    """Names as they can be drawn; those that look alike are numbered."""
    shown = {name: drawable(name, number) for number, name in enumerate(names, 1)}
    times = Counter(shown.values())
    return {name: f"{n} {each}" if times[each] > 1 else each for n, (name, each) in enumerate(shown.items(), 1)}
