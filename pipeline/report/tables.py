"""The table of an evaluation: printed, and saved as Markdown, CSV and JSON."""

import csv
import io
import json
import math
from pathlib import Path

from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.intervals import LEVEL, Intervals, Span
from pipeline.evaluation.metrics import headings
from pipeline.evaluation.resampling import CELLS, MIN_PATIENTS
from pipeline.machine.files import all_or_none, make_folder, write_text


def as_text(evaluation: Evaluation) -> str:
    """The table as Markdown that also reads well on a console: what heads it, its lines, its remarks."""
    head = [evaluation.note, f"{evaluation.task or evaluation.kind}, {evaluation.n_items} items"]
    remarks = [f"- {remark}" for remark in _remarks(evaluation)]
    parts = [*filter(None, head), _table(evaluation), "\n".join(remarks)]
    if evaluation.intervals:
        parts += _interval_parts(evaluation.intervals)
    return "\n\n".join(parts) + "\n"


def save_tables(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Writes ``metrics.json``, ``counts.csv`` and ``table.md`` over older ones; returns their paths."""
    make_folder(folder)
    files = [folder / "metrics.json", folder / "counts.csv", folder / "table.md"]
    text = json.dumps(evaluation.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    counts = io.StringIO()
    csv.writer(counts, lineterminator="\n").writerows(_count_lines(evaluation))
    with all_or_none():
        for file, content in zip(files, (text + "\n", counts.getvalue(), as_text(evaluation)), strict=True):
            write_text(file, content)
    return files


def _count_lines(evaluation: Evaluation) -> list[list[str]]:
    rows = evaluation.classes | ({evaluation.none_name or "": evaluation.norm} if evaluation.norm else {})
    return [["class", *CELLS], *([name, *_counts(row)] for name, row in rows.items())]


def _table(evaluation: Evaluation) -> str:
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    last = {name: f"{value:.6g}" for name, value in thresholds.items()}
    lines = [["", *CELLS, *headings().values(), "threshold"]]
    for name, row in evaluation.classes.items():
        lines.append([escaped(name), *_counts(row), *_figures(row), last.get(name, "")])
    lines.append(["macro", *_counts(evaluation.macro), *_figures(evaluation.macro), ""])
    lines.append(["micro", *_counts(evaluation.micro), *_figures(evaluation.micro), ""])
    if evaluation.norm:
        lines.append([escaped(evaluation.none_name or ""), *_counts(evaluation.norm), *_figures(evaluation.norm), ""])
    return aligned(lines if thresholds else [line[:-1] for line in lines])


def _counts(row: Row) -> list[str]:
    return [str(row.counts[cell]) if row.counts else "" for cell in CELLS]


def _figures(row: Row) -> list[str]:
    return [figure_text(row.figures[name]) if name in row.figures else "" for name in headings()]


def _interval_parts(intervals: Intervals) -> list[str]:
    head = f"{LEVEL:.0%} intervals, over {intervals.resampling.n} resamples of {intervals.n_patients} patients"
    remarks = [f"- {remark}" for remark in interval_remarks(intervals)]
    return [head, *([_interval_table(intervals)] if intervals.micro or intervals.norm else []), "\n".join(remarks)]


def _interval_table(intervals: Intervals) -> str:
    lines = [["", *CELLS, *headings().values()]]
    lines += [[escaped(name), *_spans(spans)] for name, spans in intervals.classes.items()]
    if intervals.macro:
        means = [figure_text(intervals.macro_values[name]) for name in headings()]
        lines.append([f"mean of these {len(intervals.classes)}", *[""] * len(CELLS), *means])
        lines.append(["macro", *_spans(intervals.macro)])
    rest = {"micro": intervals.micro, escaped(intervals.none_name or ""): intervals.norm}
    return aligned(lines + [[name, *_spans(spans)] for name, spans in rest.items() if spans])


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
            names = ", ".join(few)
            remarks.append(
                f"fewer than {MIN_PATIENTS} {side} patients, so without interval and not in its macro: {names}"
            )
    if intervals.n_redrawn:
        remarks.append(f"drawn again, because a class had no positive or no negative: {intervals.n_redrawn} resamples")
    return remarks


def span_text(span: Span) -> str:
    """An interval, as it stands in a table."""
    return f"{span[0]:.3f}–{span[1]:.3f}"


def escaped(name: str) -> str:
    """A name that does not end its cell."""
    return name.replace("|", "\\|")


def figure_text(value: float, digits: int = 3) -> str:
    """A figure as it stands in a table, a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def aligned(lines: list[list[str]]) -> str:
    """Cells as a Markdown table that also reads well on a console; the first line holds the headings."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        for line in [lines[0], rule, *lines[1:]]
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)


def _remarks(evaluation: Evaluation) -> list[str]:
    of_means = figure_text(evaluation.macro.figures["g_mean_of_means"])
    remarks = [
        *threshold_remarks(evaluation),
        f"macro: mean over the classes (G-mean of its sensitivity and specificity: {of_means})",
        "micro: pooled counts of the classes; AUROC and average precision (AP) over all item-class pairs",
    ]
    if evaluation.norm:
        remarks.append(f"{evaluation.none_name}: no class found; in neither mean")
    if evaluation.without_positives:
        remarks.append(f"no positive, so left out of the macro mean: {', '.join(evaluation.without_positives)}")
    if evaluation.without_negatives:
        names = ", ".join(evaluation.without_negatives)
        remarks.append(f"no negative, so without specificity, G-mean and AUROC: {names}")
    return remarks + overlap_remarks(evaluation)


def overlap_remarks(evaluation: Evaluation) -> list[str]:
    """What to know of patients who had a part in the thresholds."""
    n = evaluation.n_patients_in_dev
    return [f"optimistic: {n} patients are in the dev scores too"] if n else []


def threshold_remarks(evaluation: Evaluation) -> list[str]:
    """Where the thresholds come from."""
    thresholds = evaluation.thresholds
    if thresholds is None:
        return [f"the highest score wins, without thresholds; accuracy {figure_text(evaluation.accuracy or 0.0)}"]
    if thresholds.choice is None:
        return ["thresholds: 0.5 for every class, because there are no dev scores to choose them on"]
    if isinstance(thresholds.choice, float):
        return [f"thresholds: {thresholds.choice:g} for every class, as given"]
    chosen = [f"thresholds: chosen by {thresholds.choice} on {thresholds.n_dev} dev items"]
    if thresholds.not_chosen:
        names = ", ".join(thresholds.not_chosen)
        chosen.append(f"threshold 0.5, because dev has no positive or no negative: {names}")
    return chosen
