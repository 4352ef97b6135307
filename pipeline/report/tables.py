"""The table of an evaluation as lines of cells, and as the Markdown that is printed and saved."""

from collections.abc import Callable, Iterable

from pipeline.commands.escaping import markdown
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import FEW_PATIENTS, LEVEL, Intervals, Key, Span
from pipeline.evaluation.metrics import FIGURES, RANKINGS, headings
from pipeline.evaluation.resampled_intervals import DEGENERATE
from pipeline.evaluation.resampling import CELLS, MIN_PATIENTS
from pipeline.evaluation.subject import Subject
from pipeline.evaluation.thresholds import Thresholds
from pipeline.report.cells import WITHHELD, aligned, figure_text, span_text
from pipeline.report.confusions import confusion_parts
from pipeline.report.further import further_parts

SIZES = ("n", "prevalence")

FEW = "‡"
"""Stands beside the name of a row with few patients."""

_HOW = {
    "wilson": "counts and what follows from them by Wilson, AUROC and AP by logit, both with the variance over "
    "resamples of whole patients",
    "percentile": "percentiles of resamples of whole patients",
    "bca": "percentiles of resamples of whole patients, moved for bias and skewness (BCa; each patient, or one of 1000 "
    "groups of them, left out in turn)",
}


def as_text(evaluation: Evaluation) -> str:
    """The table as Markdown that also reads well on a console: what heads it, its lines, its remarks."""
    remarks = [f"- {remark}" for remark in remarks_of(evaluation)]
    parts = [*head_of(evaluation), _markdown(table_lines(evaluation)), "\n".join(remarks), *confusion_parts(evaluation)]
    if evaluation.intervals:
        parts += _interval_parts(evaluation, evaluation.intervals)
    parts += further_parts(evaluation)
    return "\n\n".join(parts) + "\n"


def head_of(evaluation: Evaluation, escape: Callable[[str], str] = markdown) -> list[str]:
    """What stands over a table: whether it is optimistic, what it is of, and where its thresholds come from."""
    rule = threshold_remarks(evaluation)[0]
    task = escape(evaluation.task or evaluation.kind)
    named = [subject_text(evaluation.subject, escape)] if evaluation.subject else []
    if evaluation.thresholds is None and evaluation.accuracy is not None:
        rule += f"; accuracy {figure_text(evaluation.accuracy)}"
    if evaluation.calibration:
        rule += "; probabilities are calibrated"
    note = escape(evaluation.note) if evaluation.note else ""
    return [*filter(None, [note, *named]), f"{task}, {evaluation.n_items} items; {rule}"]


def subject_text(subject: Subject, escape: Callable[[str], str] = markdown) -> str:
    """Run, network, partition, data, version and date, in a line."""
    network = f" ({escape(subject.network)})" if subject.network else ""
    parts = [f"{escape(subject.name)}{network}", *data_text(subject, escape)]
    return ", ".join(filter(None, [*parts, subject.date]))


def data_text(subject: Subject, escape: Callable[[str], str] = markdown) -> list[str]:
    """The partition and the data, as far as they are known."""
    version = subject.version or ""
    if version.startswith("unknown"):
        version = f"version {version}"
    data = " ".join(filter(None, [escape(subject.source or ""), escape(version)])) if subject.source else ""
    folds = f"folds {escape(subject.folds)}" if subject.folds else ""
    partition = f"partition {subject.partition}" if subject.partition else ""
    return list(filter(None, [" of ".join(filter(None, [partition, data])), folds]))


def table_lines(evaluation: Evaluation) -> list[list[str]]:
    """Headings, then a line a class, the means, and "no class found"; names as they are."""
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    last = {name: f"{value:.6g}" for name, value in thresholds.items()}
    lines = [["", *SIZES, *CELLS, *headings().values(), "threshold"]]
    for name, row in evaluation.classes.items():
        lines.append([name, *_sizes(row), *_counts(row), *_figures(row), last.get(name, "")])
    bare = [""] * len(SIZES)
    lines.append(["macro", *bare, *_counts(evaluation.macro), *_figures(evaluation.macro), ""])
    lines.append(["micro", *bare, *_counts(evaluation.micro), *_figures(evaluation.micro), ""])
    if evaluation.norm:
        sizes = _sizes(evaluation.norm)
        lines.append([evaluation.none_name or "", *sizes, *_counts(evaluation.norm), *_figures(evaluation.norm), ""])
    return lines if thresholds else [line[:-1] for line in lines]


def _markdown(lines: list[list[str]]) -> str:
    return aligned([lines[0], *([markdown(name), *cells] for name, *cells in lines[1:])])


def _sizes(row: Row) -> list[str]:
    n, share = sizes_of(row)
    return [str(n), f"{share:.3f}"]


def sizes_of(row: Row) -> tuple[int, float]:
    """How many items bear a class, and their share of all."""
    counts = row.counts or dict.fromkeys(CELLS, 0)
    n = counts["TP"] + counts["FN"]
    return n, n / max(1, sum(counts.values()))


def _counts(row: Row) -> list[str]:
    return [str(row.counts[cell]) if row.counts else "" for cell in CELLS]


def _figures(row: Row) -> list[str]:
    return [figure_text(row.figures[name]) if name in row.figures else "" for name in headings()]


def _interval_parts(evaluation: Evaluation, intervals: Intervals) -> list[str]:
    head = f"{LEVEL:.0%} intervals, over {intervals.resampling.n} resamples of {intervals.n_patients} patients"
    remarks = [f"- {remark}" for remark in interval_remarks(intervals)]
    return [
        head,
        *([_markdown(interval_lines(evaluation))] if intervals.micro or intervals.norm else []),
        "\n".join(remarks),
    ]


def interval_lines(evaluation: Evaluation) -> list[list[str]]:
    """Headings, then a line for each row that has intervals; names as they are, and marks behind them."""
    lines, intervals = [["", *CELLS, *headings().values()]], evaluation.intervals
    if intervals is None:
        return lines
    for name, spans in intervals.classes.items():
        lines.append(_interval_line(("class", name), evaluation.classes[name], spans, intervals))
    if intervals.macro:
        means = [figure_text(intervals.macro_values[name]) for name in headings()]
        lines.append([f"mean of these {len(intervals.classes)}", *[""] * len(CELLS), *means])
        lines.append(_interval_line(("macro", ""), Row(intervals.macro_values), intervals.macro, intervals))
    if intervals.micro:
        lines.append(_interval_line(("micro", ""), evaluation.micro, intervals.micro, intervals))
    if evaluation.norm and intervals.norm:
        key = ("no class", intervals.none_name or "")
        lines.append(_interval_line(key, evaluation.norm, intervals.norm, intervals))
    return lines


def _interval_line(key: Key, row: Row, spans: dict[str, Span], intervals: Intervals) -> list[str]:
    """The name, with a mark where few patients stand behind it; intervals, or the figure with a mark if withheld."""
    name = key[1] or key[0]
    withheld = intervals.withheld.get(key, {})
    without = {cell: f"{n} {WITHHELD}" for cell, n in (row.counts or {}).items() if cell in withheld}
    counts = [
        f"{spans[cell][0]:.0f}–{spans[cell][1]:.0f}" if cell in spans else without.get(cell, "") for cell in CELLS
    ]
    alone = {name: f"{figure_text(row.figures[name])} {WITHHELD}" for name in withheld if name in row.figures}
    figures = [span_text(spans[figure]) if figure in spans else alone.get(figure, "") for figure in headings()]
    return [f"{name} {FEW}" if key in intervals.marked else name, *counts, *figures]


def interval_remarks(intervals: Intervals) -> list[str]:
    """What to know of intervals: what was drawn, and which rows have none."""
    remarks = [f"{_HOW[intervals.resampling.ci]}, thresholds as above; seed {intervals.resampling.seed}"]
    if intervals.n_alone:
        remarks.append(f"no patient_id for {intervals.n_alone} items, so each was drawn as a patient of its own")
    for side, few in (("positive", intervals.few_positives), ("negative", intervals.few_negatives)):
        if few:
            names = _named(few)
            remarks.append(
                f"fewer than {MIN_PATIENTS} {side} patients, so without interval and not in its macro: {names}"
            )
    if intervals.marked:
        names = _named(name or kind for kind, name in intervals.marked)
        remarks.append(f"{FEW}: wide, because fewer than {FEW_PATIENTS} patients have it, or have it not: {names}")
    of_rows = [reasons for (kind, _), reasons in intervals.withheld.items() if kind != "agreement"]
    degenerate = {reason for reasons in of_rows for reason in reasons.values()} & {*DEGENERATE}
    if any(reason not in degenerate for reasons in of_rows for reason in reasons.values()):
        fewest = ", ".join(f"{heading} {n}" for heading, n in _fewest().items())
        remarks.append(f"{WITHHELD}: no interval, because none would hold for so few patients: at least {fewest}")
    if degenerate:
        reasons = "; or ".join(each for each in DEGENERATE if each in degenerate)
        remarks.append(f"{WITHHELD}: no interval by resamples alone, because {reasons}; -ci wilson has one")
    if intervals.n_redrawn:
        remarks.append(f"drawn again, because a class had no positive or no negative: {intervals.n_redrawn} resamples")
    return remarks


def _fewest() -> dict[str, int]:
    """Heading to how many patients an interval needs, beyond what every row needs."""
    figures = (FIGURES | RANKINGS).values()
    return {figure.heading: figure.fewest for figure in figures if figure.fewest > MIN_PATIENTS}


def remarks_of(evaluation: Evaluation) -> list[str]:
    """What to know of a table beside its head."""
    of_means = figure_text(evaluation.macro.figures["g_mean_of_means"])
    remarks = [
        *threshold_remarks(evaluation)[1:],
        "n: items that bear the class; prevalence: their share",
        f"macro: mean over the classes (G-mean of its sensitivity and specificity: {of_means})",
        "micro: pooled counts of the classes; AUROC and average precision (AP) over all item-class pairs",
    ]
    if evaluation.norm:
        remarks.append(f"{markdown(evaluation.none_name or '')}: no class found; in neither mean")
    if evaluation.without_positives:
        remarks.append(f"no positive, so left out of the macro mean: {_named(evaluation.without_positives)}")
    if evaluation.without_negatives:
        names = _named(evaluation.without_negatives)
        remarks.append(f"no negative, so without specificity, G-mean and AUROC: {names}")
    if evaluation.subject and (evaluation.subject.version or "").startswith("unknown"):
        remarks.append(
            "the data's version is unknown: nothing in their folder says it, and their table is none that was "
            "published (its digest stands above, so that two tables can be told apart)"
        )
    return remarks + inversion_remarks(evaluation) + overlap_remarks(evaluation)


def inversion_remarks(evaluation: Evaluation) -> list[str]:
    """What to know of scores that rank a class the wrong way round."""
    names = evaluation.worse_than_chance
    if not names:
        return []
    which = "every class" if len(names) == len(evaluation.classes) else _named(names)
    return [f"AUROC far below 0.5, so the scores may be inverted, or in another order of classes: {which}"]


def _named(names: Iterable[str]) -> str:
    return ", ".join(map(markdown, names))


def overlap_remarks(evaluation: Evaluation) -> list[str]:
    """What to know of patients who had a part in the thresholds."""
    n = evaluation.n_patients_in_dev
    return [f"optimistic: {n} patients are in the dev scores too"] if n else []


def threshold_remarks(evaluation: Evaluation) -> list[str]:
    """Where the thresholds come from; the first sentence is the rule."""
    thresholds = evaluation.thresholds
    if thresholds is None:
        return ["the highest score wins, without thresholds"]
    if evaluation.confusion:
        rule, *others = _rule_of(thresholds)
        of_both = "an item may be found in several classes, or in none; the confusion matrix has its highest score"
        return [f"{rule}; each class against the rest", of_both, *others]
    return _rule_of(thresholds)


def _rule_of(thresholds: Thresholds) -> list[str]:
    if thresholds.choice is None:
        return ["thresholds: 0.5 for every class, because there are no dev scores to choose them on"]
    if isinstance(thresholds.choice, float):
        return [f"thresholds: {thresholds.choice:g} for every class, as given"]
    chosen = [f"thresholds: chosen by {thresholds.choice} on {thresholds.n_dev} dev items"]
    if thresholds.not_chosen:
        names = _named(thresholds.not_chosen)
        chosen.append(f"threshold 0.5, because dev has no positive or no negative: {names}")
    return chosen
