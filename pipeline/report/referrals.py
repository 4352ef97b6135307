"""The items that a person is to see, and the table of the rest beside the whole, as text and as lines of CSV."""

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.figures import Evaluation, Row
from pipeline.evaluation.scores import Scores
from pipeline.report.cells import aligned, figure_text
from pipeline.report.files import number

_FIGURES = {"sensitivity": "sensitivity", "specificity": "specificity", "f1": "F1", "auroc": "AUROC"}


def referral_parts(evaluation: Evaluation) -> list[str]:
    """The rest beside the whole, and what to know of it; nothing where nobody asked."""
    found = evaluation.referral
    if found is None:
        return []
    rest = found.rest
    lines = [["", "n", "wrong", *_FIGURES.values()]]
    rows = [(name, evaluation.classes[name], row) for name, row in rest.classes.items()]
    for name, whole, others in [
        *rows,
        ("macro", evaluation.macro, rest.macro),
        ("micro", evaluation.micro, rest.micro),
    ]:
        counts = [_both(*(_count(row, cells) for row in (whole, others))) for cells in (("TP", "FN"), ("FN", "FP"))]
        figures = [
            _both(*(figure_text(row.figures.get(figure, float("nan"))) for row in (whole, others)))
            for figure in _FIGURES
        ]
        lines.append([markdown(name), *counts, *figures])
    head = f"referred: {len(found.rows)} of {evaluation.n_items} items; all → the other {rest.n_items}"
    return [head, aligned(lines), "\n".join(f"- {remark}" for remark in referral_remarks(evaluation))]


def _count(row: Row, cells: tuple[str, str]) -> str:
    return str(sum(row.counts[cell] for cell in cells)) if row.counts else ""


def _both(whole: str, rest: str) -> str:
    return f"{whole} → {rest}" if whole or rest else ""


def referral_remarks(evaluation: Evaluation) -> list[str]:
    """How the referred items were picked, and what picking them is worth."""
    found = evaluation.referral
    if found is None:
        return []
    wrong, of_all = found.n_wrong
    n, n_all = len(found.rows), evaluation.n_items
    measure = (
        "the probability that its highest class is wrong"
        if evaluation.thresholds is None
        else "how many decisions of an item are wrong if its probabilities are right"
    )
    left = f"{of_all - wrong} of {n_all - n}"
    return [
        f"least sure: the most doubt, which is {measure}; referred down to {found.doubts[-1]:.3g}",
        f"some class is wrong in {wrong} of {n} referred items ({wrong / n:.1%}) and in {left} others "
        f"({(of_all - wrong) / (n_all - n):.1%}); of those wrong, {wrong / max(of_all, 1):.1%} are referred, and a "
        f"draw at random would have {n / n_all:.1%}",
    ]


def referred_lines(evaluation: Evaluation, scores: Scores) -> list[list[str]]:
    """``referred.csv``: a line a referred item, the least sure one first, with its names and the class in doubt."""
    found = evaluation.referral
    names = {"item_id": scores.item_id, "record_id": scores.record_id, "patient_id": scores.patient_id}
    known = {name: values for name, values in names.items() if values is not None}
    lines = [[*known, "doubt", "class", "score", "threshold"]]
    if found is None:
        return lines
    limits = evaluation.thresholds.values if evaluation.thresholds else {}
    for row, doubt, name in zip(found.rows, found.doubts, found.doubtful, strict=True):
        score = scores.scores[row, scores.classes.index(name)]
        own = [number(doubt), csv_cell(name), str(score), number(limits.get(name))]
        lines.append([*(csv_cell(str(values[row])) for values in known.values()), *own])
    return lines
