"""Each class by itself: its scores, a threshold to move, and its curves."""

from typing import Any

from pipeline.page.charts import reliability_chart
from pipeline.page.class_charts import pr_chart, roc_chart, spread_chart
from pipeline.page.markup import Markup, tag
from pipeline.page.model import ClassView, ModelView
from pipeline.page.parts import figure, number, section

_OPEN = 8
"""So many are open at first."""
_COUNTS = {"TP": "found", "FN": "missed", "FP": "found wrongly", "TN": "rightly not found"}
_RATES = {"sensitivity": "sensitivity", "specificity": "specificity", "precision": "precision", "f1": "F1"}


def by_class(key: str, model: ModelView, is_alone: bool = True) -> Markup:
    """All of them; the first ones are open where the page has no other model."""
    panels = [
        _panel(f"{key}-c{number}", view, model, is_alone and number < _OPEN)
        for number, view in enumerate(model.classes)
    ]
    lede = (
        "Move a threshold and see who would be found. Judging by a threshold that was moved here is judging on the "
        "items that it was chosen on: choose it on dev, with evaluate.py -threshold."
    )
    return section(f"{key}-classes", "Class by class", panels, lede=lede)


def _panel(key: str, view: ClassView, model: ModelView, is_open: bool) -> Markup:
    area = view.line.figures["auroc"].value
    told = f"{view.steps.n_positive:,} of {model.n_items:,}, AUROC {number(area)}"
    summary = tag("summary", tag("h3", view.name), " ", tag("span", told))
    curves = [
        figure(roc_chart(key, view), caption=f"ROC, AUROC {number(area)}"),
        figure(
            pr_chart(key, view), caption=f"Precision–recall, AP {number(view.line.figures['average_precision'].value)}"
        ),
        figure(reliability_chart(key, view.name, model.calibrating), caption=_reliability_words(view.name, model)),
    ]
    spread = figure(spread_chart(key, view), _slider(key, view), kind="scores")
    body = tag("div", tag("div", spread, _live(key, view), class_="moving"), tag("div", curves, class_="curves"))
    return tag("details", summary, body, open=is_open, class_="class", data_key=key)


def _reliability_words(name: str, model: ModelView) -> str:
    calibrating = model.calibrating
    before = f"Reliability, error {number(calibrating.before.ece[name])}"
    after = (
        ""
        if calibrating.after is None
        else f" (hollow) → {number(calibrating.after.ece[name])} with a temperature (filled)"
    )
    return before + after


def _slider(key: str, view: ClassView) -> Markup:
    steps = view.steps
    start = steps.index_of(view.start)
    control = tag(
        "input",
        type="range",
        id=f"{key}-slide",
        min=0,
        max=len(steps.thresholds) - 1,
        value=start,
        aria_label=f"Threshold of {view.name}",
    )
    return tag("div", control, class_="slide live")


def _live(key: str, view: ClassView) -> Markup:
    """The counts at the threshold; before a script moves them, those where it starts."""
    values = counts_at(view, view.steps.index_of(view.start))
    what = (
        "the threshold that dev chose"
        if view.is_decisive
        else "where dev would put it; in the table the highest score decides"
    )
    cells = [
        tag(
            "div",
            tag("dt", name, tag("small", said)),
            tag("dd", f"{values[name]:,}", data_of=name),
            class_=name.lower(),
        )
        for name, said in _COUNTS.items()
    ]
    rates = [
        tag("div", tag("dt", said), tag("dd", number(rate_of(values, name)), data_of=name))
        for name, said in _RATES.items()
    ]
    back = tag("button", "Back", type="button", class_="live", aria_label=f"Back to the first threshold of {view.name}")
    head = tag(
        "p",
        "Threshold ",
        tag("output", f"{view.start:.4g}", for_=f"{key}-slide", data_of="threshold"),
        " ",
        tag("span", what, data_of="what"),
        " ",
        back,
        class_="threshold",
    )
    return tag("div", head, tag("dl", cells, class_="four"), tag("dl", rates, class_="rates"), class_="at")


def counts_at(view: ClassView, number_of: int) -> dict[str, int]:
    """The four counts at one of the steps."""
    steps = view.steps
    tp, fp = int(steps.tp[number_of]), int(steps.fp[number_of])
    return {"TP": tp, "FN": steps.n_positive - tp, "FP": fp, "TN": steps.n_negative - fp}


def rate_of(counts: dict[str, int], name: str) -> float:
    """A figure of four counts as the script has it; NaN where it is 0/0."""
    tp, fn, fp, tn = counts.values()
    parts = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "precision": (tp, tp + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }
    part, whole = parts[name]
    return part / whole if whole else float("nan")


def steps_data(key: str, view: ClassView) -> dict[str, Any]:
    """What the script moves a class by: short lists of numbers."""
    steps = view.steps
    return {
        "key": key,
        "t": [float(f"{value:.6g}") for value in steps.thresholds],
        "tp": steps.tp.tolist(),
        "fp": steps.fp.tolist(),
        "n": [steps.n_positive, steps.n_negative],
        "range": [float(view.bins[0]), float(view.bins[-1])],
        "start": steps.index_of(view.start),
    }
