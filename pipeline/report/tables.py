"""The table of an evaluation as lines of cells, and as the Markdown that is printed and saved."""

import math
from collections.abc import Callable, Iterable

from pipeline.commands.escaping import markdown
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import LEVEL, Intervals, Span
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.resampling import CELLS, MIN_PATIENTS
from pipeline.evaluation.subject import Subject

SIZES = ("n", "prevalence")


def as_text(evaluation: Evaluation) -> str:
    """The table as Markdown that also reads well on a console: what heads it, its lines, its remarks."""
    remarks = [f"- {remark}" for remark in remarks_of(evaluation)]
    parts = [*head_of(evaluation), _markdown(table_lines(evaluation)), "\n".join(remarks)]
    if evaluation.intervals:
        parts += _interval_parts(evaluation.intervals)
    return "\n\n".join(parts) + "\n"


def head_of(evaluation: Evaluation, escape: Callable[[str], str] = markdown) -> list[str]:
    """What stands over a table: whether it is optimistic, what it is of, and where its thresholds come from."""
    rule = threshold_remarks(evaluation)[0]
    task = escape(evaluation.task or evaluation.kind)
    named = [subject_text(evaluation.subject, escape)] if evaluation.subject else []
    return [*filter(None, [evaluation.note, *named]), f"{task}, {evaluation.n_items} items; {rule}"]


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


def _interval_parts(intervals: Intervals) -> list[str]:
    head = f"{LEVEL:.0%} intervals, over {intervals.resampling.n} resamples of {intervals.n_patients} patients"
    remarks = [f"- {remark}" for remark in interval_remarks(intervals)]
    return [
        head,
        *([_markdown(interval_lines(intervals))] if intervals.micro or intervals.norm else []),
        "\n".join(remarks),
    ]


def interval_lines(intervals: Intervals) -> list[list[str]]:
    """Headings, then a line for each row that has intervals; names as they are."""
    lines = [["", *CELLS, *headings().values()]]
    lines += [[name, *_spans(spans)] for name, spans in intervals.classes.items()]
    if intervals.macro:
        means = [figure_text(intervals.macro_values[name]) for name in headings()]
        lines.append([f"mean of these {len(intervals.classes)}", *[""] * len(CELLS), *means])
        lines.append(["macro", *_spans(intervals.macro)])
    rest = [("micro", intervals.micro), (intervals.none_name or "", intervals.norm)]
    return lines + [[name, *_spans(spans)] for name, spans in rest if spans]


def _spans(spans: dict[str, Span]) -> list[str]:
    counts = [f"{spans[cell][0]:.0f}–{spans[cell][1]:.0f}" if cell in spans else "" for cell in CELLS]
    return counts + [span_text(spans[name]) if name in spans else "" for name in headings()]


def interval_remarks(intervals: Intervals) -> list[str]:
    """What to know of intervals: what was drawn, and which rows have none."""
    remarks = [f"percentiles over resamples of whole patients, thresholds as above; seed {intervals.resampling.seed}"]
    if intervals.n_alone:
        remarks.append(f"no patient_id for {intervals.n_alone} items, so each was drawn as a patient of its own")
    for side, few in (("positive", intervals.few_positives), ("negative", intervals.few_negatives)):
        if few:
            names = _named(few)
            remarks.append(
                f"fewer than {MIN_PATIENTS} {side} patients, so without interval and not in its macro: {names}"
            )
    if intervals.n_redrawn:
        remarks.append(f"drawn again, because a class had no positive or no negative: {intervals.n_redrawn} resamples")
    return remarks


def span_text(span: Span) -> str:
    """An interval, as it stands in a table."""
    return f"{span[0]:.3f}–{span[1]:.3f}"


def figure_text(value: float, digits: int = 3) -> str:
    """A figure as it stands in a table, a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def aligned(lines: list[list[str]]) -> str:
    """Cells as a Markdown table that also reads well on a console; the first line holds the headings."""
    widths = [max(2, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        for line in [lines[0], rule, *lines[1:]]
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)


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
    return remarks + overlap_remarks(evaluation)


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
        return [f"the highest score wins, without thresholds; accuracy {figure_text(evaluation.accuracy or 0.0)}"]
    if thresholds.choice is None:
        return ["thresholds: 0.5 for every class, because there are no dev scores to choose them on"]
    if isinstance(thresholds.choice, float):
        return [f"thresholds: {thresholds.choice:g} for every class, as given"]
    chosen = [f"thresholds: chosen by {thresholds.choice} on {thresholds.n_dev} dev items"]
    if thresholds.not_chosen:
        names = _named(thresholds.not_chosen)
        chosen.append(f"threshold 0.5, because dev has no positive or no negative: {names}")
    return chosen
