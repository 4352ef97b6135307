"""What temperatures did to the probabilities, as text and as lines of CSV."""

import math

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.calibration_figures import Calibration
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.reliability import N_BINS
from pipeline.report.cells import aligned, figure_text
from pipeline.report.files import number

_COLUMNS = {"said": "mean p", "brier": "Brier", "ece": "ECE", "adaptive_ece": "adaptive ECE"}


def calibration_parts(evaluation: Evaluation) -> list[str]:
    """The table of a calibration and what to know of it; nothing without."""
    found = evaluation.calibration
    if found is None:
        return []
    lines = [["", "prevalence", "temperature", *_COLUMNS.values()]]
    for name in found.scores.classes:
        share = found.scores.labels[:, found.scores.classes.index(name)].mean()
        both = [_both(found, figure, name) for figure in _COLUMNS]
        lines.append([markdown(name), f"{share:.3f}", f"{found.temperatures.values[name]:.3f}", *both])
    means = [_both(found, figure) if figure != "said" else "" for figure in _COLUMNS]
    lines.append(["macro", "", "", *means])
    head = "calibration: before → with the temperatures"
    return [head, aligned(lines), "\n".join(f"- {remark}" for remark in calibration_remarks(found))]


def _both(found: Calibration, figure: str, name: str | None = None) -> str:
    values = [getattr(each, figure) for each in (found.before, found.after)]
    ends = [of[name] if name is not None else sum(of.values()) / len(of) for of in values]
    return " → ".join(figure_text(value, 4) for value in ends)


def calibration_remarks(found: Calibration) -> list[str]:
    """Where temperatures come from, which classes have none of their own, and how errors are binned."""
    temperatures = found.temperatures
    n = len({*temperatures.values.values()})
    what = "one temperature for all classes" if n == 1 and len(temperatures.values) > 1 else "one temperature a class"
    remarks = [
        f"{what}, fitted on {temperatures.n_dev} dev items by the likelihood; above 1 the probabilities were too sure"
    ]
    if temperatures.without:
        names = ", ".join(map(markdown, temperatures.without))
        remarks.append(f"temperature 1, because dev has no positive or no negative: {names}")
    if temperatures.unbounded:
        names = ", ".join(map(markdown, temperatures.unbounded))
        remarks.append(f"temperature 1, because dev tells of no best one: {names}")
    if found.scores.kind == "multilabel":
        remarks.append("thresholds are moved with the probabilities, so that the same is found")
    remarks.append(
        f"mean p: mean probability, beside the prevalence; ECE: {N_BINS} bins of one width, each class against the "
        f"rest; adaptive ECE: {N_BINS} bins of as many items each"
    )
    if found.before.top_label_ece is not None and found.after.top_label_ece is not None:
        ends = " → ".join(figure_text(each.top_label_ece or 0.0, 4) for each in (found.before, found.after))
        remarks.append(f"ECE of the highest score: {ends}")
    shift = "; ".join(
        f"{markdown(name)} {said:.3f} for {share:.3f}"
        for name, said, share in zip(
            found.scores.classes, found.after.said.values(), found.scores.labels.mean(0), strict=True
        )
        if abs(math.log((said + 1e-9) / (share + 1e-9))) > math.log(2)
    )
    if shift:
        remarks.append(f"off as a whole by more than twice, as by class weights, which no temperature mends: {shift}")
    return remarks


def calibration_lines(found: Calibration) -> list[list[str]]:
    """``calibration.csv``: a line a class with its temperature, and each figure before and after, unrounded."""
    names = [f"{figure}_{when}" for figure in _COLUMNS for when in ("before", "after")]
    lines = [["class", "n", "prevalence", "temperature", *names]]
    for i, name in enumerate(found.scores.classes):
        borne = found.scores.labels[:, i]
        values = [getattr(each, figure)[name] for figure in _COLUMNS for each in (found.before, found.after)]
        own = [str(int(borne.sum())), number(borne.mean()), number(found.temperatures.values[name])]
        lines.append([csv_cell(name), *own, *map(number, values)])
    return lines


def reliability_lines(found: Calibration) -> list[list[str]]:
    """``reliability.csv``: a line a bin of the diagram, with its items, and the interval of the share that bears."""
    lines = [["class", "when", "n", "mean_probability", "share", "share_low", "share_high"]]
    for name in found.scores.classes:
        for when, each in (("before", found.before), ("after", found.after)):
            bins = each.bins[name]
            for n, said, borne, (low, high) in zip(bins.n, bins.said, bins.borne, bins.spans, strict=True):
                figures = map(number, (said, borne, low, high))
                lines.append([csv_cell(name), when, str(int(n)), *figures])
    return lines
