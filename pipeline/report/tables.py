"""The table of an evaluation: printed, and saved as Markdown, CSV and JSON."""

import csv
import json
import math
from pathlib import Path

from pipeline.evaluation import Evaluation, Row

_CELLS = ("TP", "FN", "FP", "TN")
_HEADINGS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "g_mean": "G-mean",
    "auroc": "AUROC",
    "average_precision": "AP",
}


def as_text(evaluation: Evaluation) -> str:
    """The table as Markdown that also reads well on a console: what heads it, its lines, its remarks."""
    head = [evaluation.note, f"{evaluation.task or evaluation.kind}, {evaluation.n_items} items"]
    remarks = [f"- {remark}" for remark in _remarks(evaluation)]
    return "\n\n".join([*filter(None, head), _table(evaluation), "\n".join(remarks)]) + "\n"


def save_tables(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Writes ``metrics.json``, ``counts.csv`` and ``table.md`` over older ones; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "metrics.json", folder / "counts.csv", folder / "table.md"]
    text = json.dumps(evaluation.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    files[0].write_text(text + "\n", encoding="utf-8")
    with open(files[1], "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(_count_lines(evaluation))
    files[2].write_text(as_text(evaluation), encoding="utf-8")
    return files


def _count_lines(evaluation: Evaluation) -> list[list[str]]:
    rows = evaluation.classes | ({"NORM": evaluation.norm} if evaluation.norm else {})
    return [["class", *_CELLS], *([name, *_counts(row)] for name, row in rows.items())]


def _table(evaluation: Evaluation) -> str:
    thresholds = evaluation.thresholds.values if evaluation.thresholds else {}
    last = {name: f"{value:.6g}" for name, value in thresholds.items()}
    lines = [["", *_CELLS, *_HEADINGS.values(), "threshold"]]
    for name, row in evaluation.classes.items():
        lines.append([name.replace("|", "\\|"), *_counts(row), *_figures(row), last.get(name, "")])
    lines.append(["macro", *_counts(evaluation.macro), *_figures(evaluation.macro), ""])
    lines.append(["micro", *_counts(evaluation.micro), *_figures(evaluation.micro), ""])
    if evaluation.norm:
        lines.append(["NORM", *_counts(evaluation.norm), *_figures(evaluation.norm), ""])
    return _aligned(lines if thresholds else [line[:-1] for line in lines])


def _counts(row: Row) -> list[str]:
    return [str(row.counts[cell]) if row.counts else "" for cell in _CELLS]


def _figures(row: Row) -> list[str]:
    return [_figure(row.figures[name]) if name in row.figures else "" for name in _HEADINGS]


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _aligned(lines: list[list[str]]) -> str:
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
    of_means = _figure(evaluation.macro.figures["g_mean_of_means"])
    remarks = [
        *_threshold_remarks(evaluation),
        f"macro: mean over the classes (G-mean of its sensitivity and specificity: {of_means})",
        "micro: pooled counts of the classes; AUROC and average precision (AP) over all item-class pairs",
    ]
    if evaluation.norm:
        remarks.append("NORM: no class found; in neither mean")
    if evaluation.without_positives:
        remarks.append(f"no positive, so left out of the macro mean: {', '.join(evaluation.without_positives)}")
    if evaluation.without_negatives:
        names = ", ".join(evaluation.without_negatives)
        remarks.append(f"no negative, so without specificity, G-mean and AUROC: {names}")
    if evaluation.n_patients_in_dev:
        remarks.append(f"optimistic: {evaluation.n_patients_in_dev} patients are in the dev scores too")
    return remarks


def _threshold_remarks(evaluation: Evaluation) -> list[str]:
    thresholds = evaluation.thresholds
    if thresholds is None:
        return [f"the highest score wins, without thresholds; accuracy {_figure(evaluation.accuracy or 0.0)}"]
    if thresholds.choice is None:
        return ["thresholds: 0.5 for every class, because there are no dev scores to choose them on"]
    if isinstance(thresholds.choice, float):
        return [f"thresholds: {thresholds.choice:g} for every class, as given"]
    chosen = [f"thresholds: chosen by {thresholds.choice} on {thresholds.n_dev} dev items"]
    if thresholds.not_chosen:
        names = ", ".join(thresholds.not_chosen)
        chosen.append(f"threshold 0.5, because dev has no positive or no negative: {names}")
    return chosen
