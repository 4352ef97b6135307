"""A search drawn: what mattered, how it went, and what each choice came to."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.report.charts import FAINT, INK, PALETTE, SIZE, SMALL, finish, new_chart
from pipeline.report.glyphs import drawable_line
from pipeline.report.paper import save_ecg as save_figure

__all__ = ["DrawnTrial", "plot_search", "save_figure"]

MOST_CHOICES = 12
"""That have a panel of their own: of more those that matter most, or that come first."""
_ACROSS, _PANEL = 3, 45.0  # panels in a row, and mm of its height
_LONGEST = 18  # letters of a choice below its panel
_MOST_NAMED = 8  # numbers whose every value has its tick


@dataclass(frozen=True)
class DrawnTrial:
    """One trial.

    Attributes:
        number: of it.
        value: its dev macro-AUC; None of one that did not come to an end.
        reached: the highest of an epoch; None where there was none.
        chosen: what it chose, by name.
    """

    number: int
    value: float | None
    reached: float | None
    chosen: Mapping[str, Any]


def plot_search(
    trials: Sequence[DrawnTrial],
    importances: Mapping[str, float] | None,
    *,
    choices: Sequence[str],
    log: Collection[str] = (),
    title: str | None = None,
) -> Figure:
    """Bars of what mattered, a dot a trial in the order of them, and a panel for each choice.

    Args:
        trials: those that are over.
        importances: the share of each choice in how trials differ, the largest first; None where nothing tells it.
        choices: names of what was chosen.
        log: those of them whose factors count.
        title: above it.
    """
    shown = [*(importances or choices)][:MOST_CHOICES]
    rows = 1 + math.ceil(len(shown) / _ACROSS)
    figure = new_chart(180, 15 + _PANEL * rows, title)
    grid = figure.add_gridspec(rows, 2 * _ACROSS)
    _draw_shares(figure.add_subplot(grid[0, :_ACROSS]), importances, shown)
    _draw_course(figure.add_subplot(grid[0, _ACROSS:]), trials)
    for number, name in enumerate(shown):
        row, column = divmod(number, _ACROSS)
        axes = figure.add_subplot(grid[1 + row, 2 * column : 2 * column + 2])
        _draw_choice(axes, trials, name, name in log)
        axes.set_ylabel("dev macro-AUROC" if column == 0 else "")
        finish(axes)
    return figure


def _draw_shares(axes: Axes, importances: Mapping[str, float] | None, shown: Sequence[str]) -> None:
    axes.set_title("what mattered", loc="left", fontsize=SIZE)
    finish(axes)
    if not importances:
        axes.set_axis_off()
        axes.text(0, 0.5, "too few trials came to an end", fontsize=SMALL, color=FAINT, transform=axes.transAxes)
        return
    shares, at = [100 * importances[name] for name in shown], range(len(shown))
    axes.barh(at, shares, color=PALETTE[0], height=0.62)
    for row, share in enumerate(shares):
        axes.text(share + 1, row, f"{share:.0f}", va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(at, [drawable_line(name) for name in shown])
    axes.set(xlabel="% of the differences between trials", xlim=(0, 110), ylim=(len(shown) - 0.5, -0.5))


def _draw_course(axes: Axes, trials: Sequence[DrawnTrial]) -> None:
    """The trials in their order, and the best so far as a line of steps."""
    ended = [(trial.number, trial.value) for trial in trials if trial.value is not None]
    given_up = [(trial.number, trial.reached) for trial in trials if trial.value is None and trial.reached is not None]
    _dots(axes, ended, given_up)
    best, steps = -math.inf, []
    for number, value in ended:
        best = max(best, value)
        steps.append((number, best))
    if steps:
        axes.plot(*zip(*steps, strict=True), drawstyle="steps-post", color=INK, linewidth=1.0, label="best so far")
    axes.set(xlabel="trial", ylabel="dev macro-AUROC")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, fontsize=SMALL, frameon=False, borderaxespad=0)
    finish(axes)


def _dots(axes: Axes, ended: Sequence[tuple[float, float]], given_up: Sequence[tuple[float, float]]) -> None:
    """Dots of those that came to an end, crosses of those that did not, at the best of their epochs."""
    if given_up:
        at, heights = zip(*given_up, strict=True)
        axes.plot(at, heights, "x", color=PALETTE[1], markersize=4, linewidth=0, label="given up")
    if ended:
        at, heights = zip(*ended, strict=True)
        axes.plot(at, heights, "o", color=PALETTE[0], markersize=4, linewidth=0, alpha=0.8, label="trained")


def _draw_choice(axes: Axes, trials: Sequence[DrawnTrial], name: str, log: bool) -> None:
    """What each value of a choice came to; words and lists stand side by side in the order of their first trial."""
    values = [trial.chosen[name] for trial in trials if name in trial.chosen]
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    texts = list(dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values))
    if not are_numbers:
        texts.sort()

    def place(trial: DrawnTrial) -> float:
        value = trial.chosen[name]
        return float(value) if are_numbers else float(texts.index(json.dumps(value, ensure_ascii=False)))

    chose = [trial for trial in trials if name in trial.chosen]
    ended = [(place(trial), trial.value) for trial in chose if trial.value is not None]
    given_up = [(place(trial), trial.reached) for trial in chose if trial.value is None and trial.reached is not None]
    _dots(axes, ended, given_up)
    if not are_numbers:
        axes.set_xticks(range(len(texts)), [_short(text) for text in texts])
        axes.set_xlim(-0.5, len(texts) - 0.5)
    elif log:
        axes.set_xscale("log")
    elif all(isinstance(value, int) for value in values):
        distinct = sorted(set(values))
        if len(distinct) <= _MOST_NAMED:
            axes.set_xticks(distinct)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_xlabel(drawable_line(name))


def _short(text: str) -> str:
    """A choice as it stands below its panel."""
    plain = drawable_line(" ".join(text.strip("[]").replace('"', "").replace(",", " ").split()))
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
