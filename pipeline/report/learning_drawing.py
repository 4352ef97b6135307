"""A training drawn: the loss of each epoch above what dev says, and which epoch was chosen."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.errors import EcgFusionError
from pipeline.report.charts import INK, PALETTE, SMALL, finish, new_chart

_COLUMNS = ("epoch", "train_loss", "dev_macro_auroc")


def plot_learning(log: Mapping[str, Sequence[float]] | Path | str, *, title: str | None = None) -> Figure:
    """The loss in training and the macro-AUROC on dev, over epochs; a ring at the first best epoch, which is kept.

    Args:
        log: a run's ``log.csv``, or its columns ``epoch``, ``train_loss`` and ``dev_macro_auroc``.
        title: above it.

    Raises:
        EcgFusionError: the log is missing, or no log.
    """
    columns = read_log(Path(log)) if isinstance(log, Path | str) else log
    epochs, losses, figures = (list(columns[name]) for name in _COLUMNS)
    figure = new_chart(125, 95, title)
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(epochs, losses, color=PALETTE[1], marker=".", markersize=4, linewidth=1.2)
    above.set(ylabel="loss in training")
    below.plot(epochs, figures, color=PALETTE[0], marker=".", markersize=4, linewidth=1.2)
    below.set(xlabel="epoch", ylabel="macro-AUROC on dev")
    best = max(range(len(figures)), key=lambda place: -1 if math.isnan(figures[place]) else figures[place])
    below.plot(epochs[best], figures[best], "o", markersize=8, markerfacecolor="none", color=INK)
    for axes in (above, below):
        axes.axvline(epochs[best], color=INK, linewidth=0.7, linestyle=":")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        finish(axes)
    said = f"kept: epoch {epochs[best]:g}, {figures[best]:.3f} on dev"
    below.set_title(said, fontsize=SMALL, loc="right")
    return figure


def read_log(path: Path) -> dict[str, list[float]]:
    """The columns of a ``log.csv``.

    Raises:
        EcgFusionError: it is missing, has no epoch, lacks a column, or holds no numbers.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if rows:
            return {name: [float(row[name]) for row in rows] for name in _COLUMNS}
    except FileNotFoundError as problem:
        raise EcgFusionError(f"there is no {path}: name the log.csv of a run") from problem
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as problem:
        raise EcgFusionError(f"{path} is no log of a training: name the log.csv of a run") from problem
    raise EcgFusionError(f"{path} has no epoch: name the log.csv of a run that was trained")
