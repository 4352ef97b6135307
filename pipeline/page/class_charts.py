"""The drawings of one class: how its scores are spread, and both of its curves, with a place for the threshold."""

import numpy as np

from pipeline.evaluation.threshold_steps import log_odds
from pipeline.page.frame import SHARES, Frame, Tick, chart
from pipeline.page.markup import Markup, short, tag
from pipeline.page.model import ClassView

ODDS = Frame(width=620, height=290, left=50, bottom=46, right=14, top=26)
"""Of the spread of scores; its axis across is that of the slider below it."""
_CURVE = Frame()
_P = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999)


def spread_chart(key: str, view: ClassView) -> Markup:
    """How many items with the class, and without, have which score; counts on a scale of square roots."""
    most = float(np.sqrt(max(int(view.bearing.max()), int(view.others.max()), 1)))
    frame = Frame((float(view.bins[0]), float(view.bins[-1])), (0.0, most), **_sizes(ODDS))
    x_ticks = [(float(log_odds(p)), f"{p:g}") for p in _P if view.bins[0] <= log_odds(p) <= view.bins[-1]]
    sides = [
        (view.others, "others", f"{view.steps.n_negative:,} without it"),
        (view.bearing, "bearing", f"{view.steps.n_positive:,} with it"),
    ]
    drawn = [_stairs(frame, view.bins, np.sqrt(counts), f"area {side}") for counts, side, _ in sides]
    legend = [
        part
        for place, (_, side, words) in zip((250.0, 450.0), sides, strict=True)
        for part in (
            tag("rect", x=place, y=3, width=12, height=12, class_=f"area {side}"),
            tag("text", words, x=place + 18, y=14, class_="tick"),
        )
    ]
    x = frame.across(float(log_odds(view.start)))
    line = tag("line", x1=x, x2=x, y1=frame.top, y2=frame.height - frame.bottom, class_="cut")
    told = (
        f"From {view.bins[0]:g} to {view.bins[-1]:g} in log-odds. The line is the threshold, at first {view.start:.4g}."
    )
    return chart(
        f"{key}-spread",
        frame.width,
        frame.height,
        f"Scores of {view.name}",
        told,
        frame.axes(x_ticks, _count_ticks(most), "score (evenly in log-odds)", "items"),
        drawn,
        legend,
        line,
        kind="spread",
    )


def _sizes(frame: Frame) -> dict[str, float]:
    return {name: getattr(frame, name) for name in ("width", "height", "left", "bottom", "top", "right")}


def _count_ticks(most: float) -> list[Tick]:
    """Powers of ten, where they stand on the scale of square roots."""
    counts = [10**power for power in range(7) if 10**power <= most**2]
    kept = [count for count in counts if np.sqrt(count) >= most * 0.09] or counts[-1:]
    return [(0.0, "0"), *((float(np.sqrt(count)), f"{count:,}") for count in kept)]


def _stairs(frame: Frame, edges: np.ndarray, heights: np.ndarray, class_: str) -> Markup:
    floor = short(frame.down(0))
    steps = [
        f"V{short(frame.down(float(height)))}H{short(frame.across(float(edge)))}"
        for height, edge in zip(heights, edges[1:], strict=True)
    ]
    return tag("path", d=f"M{short(frame.across(float(edges[0])))} {floor}{''.join(steps)}V{floor}Z", class_=class_)


def roc_chart(key: str, view: ClassView) -> Markup:
    """Sensitivity over the false positive rate."""
    area = view.line.figures["auroc"]
    words = _valued("AUROC", area.value, area.span)
    chance = _CURVE.line((0, 1), (0, 1), "chance")
    return _curve(
        f"{key}-roc",
        view,
        "ROC",
        words,
        ("1 − specificity", "sensitivity"),
        [chance, _CURVE.line(view.roc[:, 0], view.roc[:, 1], "curve")],
        at(view, "roc"),
    )


def pr_chart(key: str, view: ClassView) -> Markup:
    """Precision over sensitivity."""
    area = view.line.figures["average_precision"]
    words = _valued("AP", area.value, area.span)
    share = view.steps.n_positive / max(1, view.steps.n_positive + view.steps.n_negative)
    chance = _CURVE.line((0, 1), (share, share), "chance")
    return _curve(
        f"{key}-pr",
        view,
        "Precision and recall",
        words,
        ("sensitivity (recall)", "precision"),
        [chance, _CURVE.line(view.pr[:, 0], view.pr[:, 1], "curve")],
        at(view, "pr"),
    )


def _curve(
    key: str,
    view: ClassView,
    what: str,
    words: str,
    names: tuple[str, str],
    lines: list[Markup],
    place: tuple[float, float] | None,
) -> Markup:
    dots = []
    if place is not None:
        x, y = _CURVE.across(place[0]), _CURVE.down(place[1])
        dots = [tag("circle", cx=x, cy=y, r=6, class_="chosen"), tag("circle", cx=x, cy=y, r=4, class_="dot")]
    return chart(
        key,
        _CURVE.width,
        _CURVE.height,
        f"{what} of {view.name}",
        f"{words}. The ring is the threshold {view.start:.4g}; the dot follows the slider.",
        _CURVE.axes(SHARES, SHARES, *names),
        lines,
        dots,
        kind=key.rpartition("-")[2],
    )


def _valued(name: str, value: float, span: tuple[float, float] | None) -> str:
    interval = f", 95 % interval {span[0]:.3f} to {span[1]:.3f}" if span else ""
    return f"{name} {value:.3f}{interval}"


def at(view: ClassView, of: str) -> tuple[float, float] | None:
    """Where the threshold stands on ``roc`` or ``pr``; None where it has no place there."""
    steps, number = view.steps, view.steps.index_of(view.start)
    tp, fp = int(steps.tp[number]), int(steps.fp[number])
    if not steps.n_positive or not (steps.n_negative if of == "roc" else tp + fp):
        return None
    sensitivity = tp / steps.n_positive
    return (fp / steps.n_negative, sensitivity) if of == "roc" else (sensitivity, tp / (tp + fp))
