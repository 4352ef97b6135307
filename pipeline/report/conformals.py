"""Conformal sets, as text and as lines of CSV."""

from pipeline.commands.escaping import csv_cell, markdown
from pipeline.evaluation.conformal import ANSWERS, Conformal, Side
from pipeline.evaluation.figures import Evaluation
from pipeline.evaluation.scores import Scores
from pipeline.report.cells import aligned, figure_text, span_text
from pipeline.report.files import number


def conformal_parts(evaluation: Evaluation) -> list[str]:
    """Coverage and sizes of the sets, and what to know of them; nothing where nobody asked."""
    found = evaluation.conformal
    if found is None:
        return []
    shares = _answer_shares(found)
    lines = [["", "true", "dev", "n", "covered", "95 %", "to be expected", "limit", *(ANSWERS if shares else ())]]
    for name, side in found.borne.items():
        lines.append([markdown(name), "yes", *_cells(side, "≥"), *shares.get(name, [])])
        if name in found.absent:
            lines.append(["", "no", *_cells(found.absent[name], "≤"), *[""] * len(ANSWERS)])
    if not shares:
        lines = [[line[0], *line[2:]] for line in lines]
    head = f"conformal sets at a wanted coverage of {found.wanted:g} of each {'class' if not shares else 'row'}"
    return [head, aligned(lines), "\n".join(f"- {remark}" for remark in conformal_remarks(found))]


def _cells(side: Side, sign: str) -> list[str]:
    spans = [span_text(span) if span else "–" for span in (side.span, side.expected)]
    limit = f"{sign} {side.limit:.4g}" if side.limit is not None else "none"
    return [str(side.n_dev), str(side.n), figure_text(side.coverage), *spans, limit]


def _answer_shares(found: Conformal) -> dict[str, list[str]]:
    """Class name to the share of items with each answer; of multiclass none."""
    if found.lacks is None:
        return {}
    answers = found.answers()
    return {
        name: [f"{(answers[:, i] == number).mean():.3f}" for number in range(len(ANSWERS))]
        for i, name in enumerate(found.borne)
    }


def conformal_remarks(found: Conformal) -> list[str]:
    """What the sets promise, what they hold, and for which classes dev has too few items."""
    sizes = found.sizes()
    n_items = sum(sizes.values())
    covered, span = found.covered
    remarks = [
        f"limits from {found.n_dev} dev items, each row by itself; to be expected: where coverage lies in 95 of 100 "
        "such draws of dev and of these items, if both are alike",
        "where dev has chosen the epoch, too, its items are a little easier than others, and coverage may come out a "
        "little low",
    ]
    if found.lacks is None:
        each = ", ".join(f"{size}: {n / n_items:.1%}" for size, n in sizes.items())
        mean = sum(size * n for size, n in sizes.items()) / n_items
        remarks.append(
            f"classes in a set: {each}; {mean:.2f} on average; {covered / n_items:.3f} ({span_text(span)}) of all "
            "sets hold the truth"
        )
    else:
        remarks.append(
            "yes, no: the other answer is ruled out; either: neither is; neither: the item is like none of dev"
        )
        remarks.append(
            f"right for every class at once, which is not promised: {covered / n_items:.3f} ({span_text(span)}) of the "
            "items"
        )
    for side in ("with", "without"):
        names = [markdown(name) for which, name in found.too_few if which == side]
        if names:
            remarks.append(
                f"fewer than {found.fewest} dev items {side} it, which are too few to rule it out, so that it is in "
                f"every set: {', '.join(names)}"
            )
    return remarks


def conformal_lines(found: Conformal) -> list[list[str]]:
    """``conformal.csv``: a line a row of the table, unrounded; a limit is empty where dev has too few items."""
    lines = [["class", "true", "wanted", "n_dev", "limit", "n", "n_covered", "coverage"]]
    lines[0] += ["coverage_low", "coverage_high", "expected_low", "expected_high"]
    for true, sides in (("yes", found.borne), ("no", found.absent)):
        for name, side in sides.items():
            ends = [*(side.span or (None, None)), *(side.expected or (None, None))]
            line = [csv_cell(name), true, number(found.wanted), str(side.n_dev), number(side.limit)]
            lines.append([*line, str(side.n), str(side.n_covered), number(side.coverage), *map(number, ends)])
    return lines


def set_lines(found: Conformal, scores: Scores) -> list[list[object]]:
    """``conformal_sets.csv``: a line an item, and of each class its answer, or 1 where it is in the set."""
    lines: list[list[object]] = [["item_id", *map(csv_cell, scores.classes)]]
    cells = found.has.astype(int) if found.lacks is None else found.answers()
    for name, row in zip(scores.item_id, cells.tolist(), strict=True):
        lines.append([csv_cell(str(name)), *(row if found.lacks is None else (ANSWERS[cell] for cell in row))])
    return lines
