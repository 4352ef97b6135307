"""Decision curves at a few thresholds: as text, as a table for a paper and as lines of CSV."""

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.decision import GRID, Decisions
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.proportions import Span
from pipeline.report.cells import aligned, figure_text, signed_span_text
from pipeline.report.files import number


def decision_parts(evaluation: Evaluation) -> list[str]:
    """The table and what to know of it; nothing unasked."""
    found = evaluation.decision
    if found is None:
        return []
    lines = decision_table(found)
    table = aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])
    remarks = "\n".join(f"- {remark}" for remark in decision_remarks(found))
    return ["decision curves: the good of acting from a probability on", table, remarks]


def decision_tables(evaluation: Evaluation) -> list[tuple[str, list[list[str]]]]:
    """The same table with its caption, for LaTeX; none unasked."""
    return [("Net benefit", decision_table(evaluation.decision))] if evaluation.decision else []


def decision_table(found: Decisions) -> list[list[str]]:
    """Headings, then a line for each class and threshold; names as they are."""
    interval = f"its {LEVEL:.0%} interval"
    lines = [["", "acting from", "net benefit", interval, "acting on all", "gain", interval]]
    for name, curve in found.curves.items():
        for each in curve.points:
            own = [f"{each.threshold:g}", figure_text(each.benefit, 4), _span(each.span), figure_text(each.of_all, 4)]
            lines.append([name, *own, figure_text(each.gain, 4), _span(each.gain_span)])
    return lines


def _span(span: Span | None) -> str:
    return signed_span_text(span) if span else "–"


def decision_remarks(found: Decisions) -> list[str]:
    """What net benefit is, and what it rests on."""
    remarks = [
        "net benefit: true positives less false positives, each of these weighed by p / (1 − p), an item; acting on "
        "nobody has 0; gain: over the better of acting on all and on nobody"
    ]
    if not found.is_calibrated:
        remarks.append("a probability that is not what it says is acted on wrongly: give -calibrate, too")
    if found.n_resamples:
        remarks.append("intervals: percentiles of resamples of whole patients, at each threshold by itself")
    return remarks


def decision_lines(found: Decisions) -> list[list[str]]:
    """``decision.csv``: a line for each class and threshold of the curve, unrounded; intervals where there are some."""
    names = ["net_benefit", "low", "high", "treat_all", "treat_none", "gain", "gain_low", "gain_high"]
    lines = [["class", "threshold", *names]]
    for name, curve in found.curves.items():
        points = {each.threshold: each for each in curve.points}
        for threshold, model, of_all in zip(GRID.tolist(), curve.model.tolist(), curve.of_all.tolist(), strict=True):
            point = points.get(threshold)
            span, gain_span = (point.span, point.gain_span) if point else (None, None)
            values = [model, *(span or (None, None)), of_all, 0.0, model - max(of_all, 0.0)]
            lines.append([csv_cell(name), *map(number, [threshold, *values, *(gain_span or (None, None))])])
    return lines
