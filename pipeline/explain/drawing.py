"""An explanation on ECG paper: colour under the trace where a part speaks for the class, or against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.explain.explanation import Explanation
from pipeline.report import attribution_drawing
from pipeline.report.paper import save_ecg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = {
    "occlusion": "fall of its log-odds where the part is a straight line",
    "gradients": "what each sample adds to its log-odds",
    "gradcam": "slope times activation of the last map",
}
"""What the values of each method are."""


def plot_explanation(explanation: Explanation, layout: str | None = None) -> "Figure":
    """The page of an explanation.

    Args:
        explanation: what is drawn.
        layout: as of ``plot_ecg``.
    """
    one = explanation
    return attribution_drawing.plot_explanation(
        one.signal,
        one.values,
        one.sampling_rate,
        one.leads,
        moments=one.moments,
        unit=UNITS[one.method],
        title=f"{one.record_id}    what moved {one.class_name} ({one.probability:.3f}), by {one.method}    "
        f"{Path(one.run).name or one.run}",
        notes=list(_notes(one)),
        layout=layout,
        filtered="filtered as the run sees it",
        notice=one.notice,
    )


def save_explanation(path: Path, explanation: Explanation, layout: str | None = None) -> None:
    """Saves the page, as SVG or PNG by the path's ending."""
    save_ecg(path, plot_explanation(explanation, layout))


def _notes(one: Explanation) -> Iterator[str]:
    yield f"What moved the log-odds of {one.class_name} most, in parts of {one.window_s:g} s:"
    for each in one.strongest:
        yield f"   {each.lead} {each.start_s:.2f}–{each.end_s:.2f} s: {each.change:+.2g}"
    if not one.strongest:
        yield "   nothing did"
    if one.shares:
        yield "What each branch adds to them:"
        yield from (f"   {name}: {share:+.2g}" for name, share in one.shares.items())
    if one.agreements:
        yield "Rank correlation of this map with others:"
        yield from (f"   {name}: {told(value)}" for name, value in one.agreements.items())
    yield "What is shown is what this run looks at, not a cause."
    yield from (f"– {remark}" for remark in one.remarks)
    yield one.notice


def told(value: float | None) -> str:
    """A rank correlation in words that fit a line."""
    return "none, for one map is the same everywhere" if value is None else f"{value:+.2f}"
