"""The frame of a chart: where a value stands in it, its axes, and what is said of it to who cannot see it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.page.markup import Inside, Markup, short, tag

Tick = tuple[float, str]
SHARES: tuple[Tick, ...] = ((0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1, "1"))
"""Ticks from 0 to 1."""


@dataclass(frozen=True)
class Frame:
    """A rectangle with two axes.

    Attributes:
        x: least and greatest value across.
        y: least and greatest value upwards.
        width: of all of it.
        height: of all of it.
        left: of the axis across, from the left edge.
        bottom: of the axis upwards, from the lower edge.
        top: room above.
        right: room on the right.
    """

    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    width: float = 300.0
    height: float = 250.0
    left: float = 42.0
    bottom: float = 40.0
    top: float = 10.0
    right: float = 12.0

    def across(self, value: float) -> float:
        """Where a value stands, from the left edge."""
        share = (value - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        return self.left + share * (self.width - self.left - self.right)

    def down(self, value: float) -> float:
        """Where a value stands, from the upper edge."""
        share = (value - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def line(self, xs: Iterable[float], ys: Iterable[float], class_: str) -> Markup:
        """A line through points."""
        points = zip(xs, ys, strict=True)
        path = "L".join(f"{short(self.across(float(x)))} {short(self.down(float(y)))}" for x, y in points)
        return tag("path", d=f"M{path}" if path else None, class_=class_)

    def axes(self, x_ticks: Sequence[Tick], y_ticks: Sequence[Tick], x_title: str, y_title: str) -> list[Markup]:
        """Thin lines, what they stand for, and the names of both axes."""
        floor, ceiling = self.down(self.y[0]), self.down(self.y[1])
        start, end = self.across(self.x[0]), self.across(self.x[1])
        upright = "M".join(f"{short(self.across(x))} {short(floor)}V{short(ceiling)}" for x, _ in x_ticks)
        level = "M".join(f"{short(start)} {short(self.down(y))}H{short(end)}" for y, _ in y_ticks)
        grid = tag("path", d="".join(f"M{part}" for part in (upright, level) if part), class_="grid")
        below = [tag("text", name, x=self.across(x), y=floor + 14, class_="tick mid") for x, name in x_ticks if name]
        beside = [
            tag("text", name, x=start - 6, y=self.down(y) + 3.5, class_="tick end") for y, name in y_ticks if name
        ]
        middle = (floor + ceiling) / 2
        titles = [
            tag("text", x_title, x=(start + end) / 2, y=self.height - 6, class_="axis mid"),
            tag("text", y_title, x=11.0, y=middle, transform=f"rotate(-90 11 {short(middle)})", class_="axis mid"),
        ]
        return [grid, *below, *beside, *titles]


def chart(
    key: str,
    width: float,
    height: float,
    title: str,
    description: str,
    *inside: Inside,
    kind: str = "",
    mm: bool = False,
) -> Markup:
    """A drawing with a title and a description.

    Args:
        key: unlike that of every other chart of the page.
        width: of its own units.
        height: of its own units.
        title: what it is.
        description: what it shows, for who cannot see it.
        inside: its parts.
        kind: a further class.
        mm: whether its own units are millimetres, in which it is shown; else it is as wide as there is room.
    """
    said = [tag("title", title, id=f"{key}-t"), tag("desc", description, id=f"{key}-d")]
    return tag(
        "svg",
        *said,
        *inside,
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=f"{short(width)}mm" if mm else None,
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        class_=f"chart {kind}".strip(),
    )


def round_ticks(low: float, high: float, most: int = 5) -> list[Tick]:
    """A few round numbers between two values."""
    raw = (high - low) / most or 1.0
    size = 10 ** np.floor(np.log10(raw))
    step = float(next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= raw * 0.999))
    first = np.ceil(low / step - 1e-9)
    values = [float(round(step * number, 12)) + 0.0 for number in np.arange(first, np.floor(high / step + 1e-9) + 1)]
    return [(value, f"{value:.6g}".replace("-", "−")) for value in values]
