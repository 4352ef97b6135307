"""The first sections of a model: what it is and how good at a glance, and who was found and who was missed."""

from pipeline.page.charts import forest_chart
from pipeline.page.markup import Markup, joined, tag
from pipeline.page.model import Forest, Line, ModelView, Valued
from pipeline.page.parts import figure, number, pairs, scrolled, section, valued

CELLS = ("TP", "FN", "FP", "TN")
FIGURES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "auroc": "AUROC",
    "average_precision": "AP",
}
_AT_A_GLANCE = ("auroc", "average_precision", "sensitivity", "specificity")
_MOST_ROWS = 80


def at_a_glance(key: str, model: ModelView) -> Markup:
    """The macro figures as large numbers, and the AUROC of each class."""
    macro = next(line for line in model.lines if line.name == "macro" and line.kind == "mean")
    tiles = [_tile(f"macro {FIGURES[name]}", macro.figures[name]) for name in _AT_A_GLANCE if name in macro.figures]
    rows = [(line.name, line.figures["auroc"]) for line in model.lines if line.kind == "class"][:_MOST_ROWS]
    forest = Forest("AUROC", tuple(rows), 0.5, "")
    drawn = scrolled("AUROC of each class", forest_chart(f"{key}-glance", forest))
    caption = "AUROC and 95 % interval over patients; a hollow dot has too few for one. The line is chance."
    notices = [tag("p", sentence, class_="notice-line") for sentence in model.notices]
    return section(
        f"{key}-glance", "At a glance", notices, tag("dl", tiles, class_="tiles"), figure(drawn, caption=caption)
    )


def _tile(name: str, each: Valued) -> Markup:
    interval = f"{number(each.span[0])}–{number(each.span[1])}" if each.span else "no interval"
    return tag("div", tag("dt", name), tag("dd", number(each.value)), tag("dd", interval, class_="interval"))


def found_and_missed(key: str, model: ModelView) -> Markup:
    """The table of counts."""
    head = ["class", "n", "share", *CELLS, *FIGURES.values(), "threshold"]
    has_thresholds = any(line.threshold is not None for line in model.lines)
    head = head if has_thresholds else head[:-1]
    rows = [_row(line, has_thresholds) for line in model.lines]
    columns = tag("thead", tag("tr", [tag("th", cell, scope="col", class_=_side(cell)) for cell in head]))
    drawn = scrolled("Counts of each class", tag("table", columns, tag("tbody", rows), class_="counts"))
    explained = (
        "TP: bear the class and were found. FN: bear it and were missed. FP: found, and do not bear it. TN: neither. "
        "Below each number its 95 % interval over patients; † marks classes with few patients."
    )
    lede = f"{model.rule[:1].upper()}{model.rule[1:]}."
    return section(
        f"{key}-counts", "Who was found, and who was missed", drawn, tag("p", explained, class_="small"), lede=lede
    )


def _side(cell: str) -> str | None:
    return {"TP": "good", "TN": "good", "FN": "bad", "FP": "bad"}.get(cell)


def _row(line: Line, has_thresholds: bool) -> Markup:
    name = f"{line.name} †" if line.is_rare else line.name
    cells = [
        tag("td", None if line.n is None else f"{line.n:,}"),
        tag("td", None if line.share is None else number(line.share)),
        *(tag("td", valued(line.counts.get(cell), True), class_=_side(cell)) for cell in CELLS),
        *(tag("td", valued(line.figures.get(of))) for of in FIGURES),
    ]
    if has_thresholds:
        cells.append(tag("td", None if line.threshold is None else f"{line.threshold:.4g}"))
    return tag("tr", tag("th", name, scope="row"), cells, class_=None if line.kind == "class" else "mean")


def what_it_is(key: str, model: ModelView) -> Markup:
    """The card in words."""
    groups = [
        tag("div", tag("h3", heading), pairs(rows), class_="group") for heading, rows in model.facts.items() if rows
    ]
    return section(f"{key}-card", "What it is", joined(tag("div", groups, class_="groups")))
