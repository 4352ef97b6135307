"""The other drawings: reliability, values with their intervals about a line, and how a training went."""

from collections.abc import Sequence

import numpy as np

from pipeline.evaluation.reliability import Bins
from pipeline.page.frame import SHARES, Frame, chart, round_ticks
from pipeline.page.markup import Markup, tag
from pipeline.page.model import Calibrating, Forest, Learning, Valued

_LETTER, _ROW, _WIDTH = 7.2, 25.0, 500.0
_LONGEST = 22


def reliability_chart(key: str, name: str, calibrating: Calibrating) -> Markup:
    """The share of items that bears a class over what its score says, before and after temperatures."""
    frame = Frame()
    after = calibrating.after
    drawn = [frame.line((0, 1), (0, 1), "chance"), *_bins(frame, calibrating.before.bins[name], "before")]
    said = f"Calibration error {calibrating.before.ece[name]:.3f}"
    if after is not None:
        drawn += _bins(frame, after.bins[name], "after")
        said += f" as the model says it (hollow), {after.ece[name]:.3f} at the temperature of dev (filled)"
    axes = frame.axes(SHARES, SHARES, "mean score of a bin", "share that bears it")
    title = f"Reliability of {name}"
    return chart(f"{key}-rel", frame.width, frame.height, title, f"{said}. Bars are 95 % intervals.", axes, drawn)


def _bins(frame: Frame, bins: Bins, when: str) -> list[Markup]:
    columns = zip(bins.said.tolist(), bins.borne.tolist(), bins.spans.tolist(), strict=True)
    drawn = [(frame.across(x), frame.down(y), frame.down(low), frame.down(high)) for x, y, (low, high) in columns]
    bars = "".join(f"M{x:.1f} {low:.1f}V{high:.1f}" for x, _, low, high in drawn)
    dots = [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=3.2) for x, y, _, _ in drawn]
    line = frame.line(bins.said, bins.borne, f"curve {when}")
    return [tag("path", d=bars, class_=f"bar {when}"), line, tag("g", dots, class_=f"mark {when}")]


def forest_chart(key: str, forest: Forest) -> Markup:
    """A row a value; what has no interval is a hollow dot."""
    ends = [end for _, each in forest.rows for end in (each.span or (each.value, each.value)) if np.isfinite(end)]
    low, high = min([forest.zero, *ends]), max([forest.zero, *ends])
    room = 0.06 * ((high - low) or 0.1)
    high_end = min(high + room, 1.0) if forest.zero == 0.5 else high + room
    low_end = low - room if forest.zero != 0.5 or low < forest.zero else low
    height = _ROW * len(forest.rows) + 44
    left = 24 + _LETTER * max(len(_label(name)) for name, _ in forest.rows)
    signed = forest.zero == 0
    right = 156 if signed else 132
    frame = Frame((low_end, high_end), (0, 1), _WIDTH, height, left, 40, 4, right)
    axes = frame.axes(round_ticks(low_end, high_end), (), forest.title, "")
    zero = frame.across(forest.zero)
    line = tag("line", x1=zero, x2=zero, y1=4.0, y2=height - 40, class_="zero")
    rows = [_row(frame, 4 + _ROW * (number + 0.5), *row, signed) for number, row in enumerate(forest.rows)]
    told = "; ".join(f"{name} {_text(each.value, each.span, signed)}" for name, each in forest.rows[:40])
    return chart(f"{key}-forest", _WIDTH, height, forest.title, told, axes, line, rows, kind="forest")


def _label(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _row(frame: Frame, y: float, name: str, each: Valued, signed: bool) -> list[Markup]:
    parts = [tag("text", _label(name), x=frame.left - 12, y=y + 4, class_="name end")]
    if np.isfinite(each.value):
        if each.span:
            ends = [frame.across(end) for end in each.span]
            parts.append(tag("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_="whisker"))
        parts.append(
            tag("circle", cx=frame.across(each.value), cy=y, r=4.5, class_="point" if each.span else "point bare")
        )
    parts.append(
        tag("text", _text(each.value, each.span, signed), x=frame.width - frame.right + 10, y=y + 4, class_="tick")
    )
    return parts


def _text(value: float, span: Sequence[float] | None, signed: bool) -> str:
    """A value and its interval; of differences with their signs."""
    if not np.isfinite(value):
        return "–"
    one = "{:+.3f}" if signed else "{:.3f}"
    joint = ", " if signed else "–"
    text = one.format(value) + (f" ({joint.join(one.format(end) for end in span)})" if span else "")
    return text.replace("-", "−")


def learning_charts(key: str, learning: Sequence[Learning]) -> list[Markup]:
    """The loss of the training items and the macro-AUC of dev, a line a training."""
    parts = (("loss", "Training loss", "training loss"), ("auroc", "Macro-AUC of dev", "macro-AUC of dev"))
    return [_learning(f"{key}-{name}", learning, name, title, axis) for name, title, axis in parts]


def _learning(key: str, learning: Sequence[Learning], name: str, title: str, axis: str) -> Markup:
    values = np.concatenate([getattr(each, name) for each in learning])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    room = 0.05 * ((high - low) or 0.1)
    last = max(2, *(int(each.epochs.max()) for each in learning))
    frame = Frame((1, last), (low - room, high + room), 460, 250, 52, 40, 10, 14)
    x_ticks = [tick for tick in round_ticks(1, last) if float(tick[0]).is_integer()]
    drawn = []
    for number, each in enumerate(learning):
        good = np.isfinite(getattr(each, name))
        drawn.append(frame.line(each.epochs[good], getattr(each, name)[good], f"curve line{number % 5}"))
        if each.best is not None and each.best in each.epochs[good]:
            value = float(getattr(each, name)[each.epochs == each.best][0])
            drawn.append(tag("circle", cx=frame.across(each.best), cy=frame.down(value), r=4, class_="chosen"))
    told = "; ".join(f"{each.name or 'the run'}: {len(each.epochs)} epochs, kept {each.best}" for each in learning)
    axes = frame.axes(x_ticks, round_ticks(low - room, high + room, 4), "epoch", axis)
    return chart(key, frame.width, frame.height, title, f"{told}. The ring is the epoch that was kept.", axes, drawn)
