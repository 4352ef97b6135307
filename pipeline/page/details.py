"""The other sections of a model: confusion, calibration, training, mistakes, recordings, further tables, remarks."""

from collections.abc import Iterator
from itertools import groupby

from pipeline.page.charts import learning_charts
from pipeline.page.markup import Markup, joined, tag
from pipeline.page.model import Mistake, ModelView, Picture, Table
from pipeline.page.paper import paper
from pipeline.page.parts import figure, notes, scrolled, section, table

_MOST_CONFUSED = 40


def details(key: str, model: ModelView) -> Iterator[Markup]:
    """Those that there is something to show in."""
    if model.confusion is not None and model.agreement is not None:
        yield _confusion(key, model, model.agreement)
    lede = "Is a score of 0.2 right in one of five? Below it, how far each class is from that."
    yield section(f"{key}-calibration", "Calibration", table(model.calibrating.table), lede=lede)
    for name, tables in groupby(model.tables, lambda each: each.section):
        words = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
        yield section(f"{key}-{words}", name, [table(each) for each in tables])
    if any(model.mistakes.values()):
        yield _mistakes(key, model)
    if model.pictures:
        lede = "Records of which it was surest, and wrong: look whether the network errs, or the label."
        shown = [picture(f"{key}-p{number}", each) for number, each in enumerate(model.pictures)]
        yield section(f"{key}-records", "The surest mistakes, on paper", shown, lede=lede)
    if model.learning:
        yield _learning(key, model)


def remarks(key: str, model: ModelView) -> Markup:
    """What to know of all of it."""
    return section(
        f"{key}-remarks", "Remarks", tag("ul", [tag("li", each) for each in model.remarks], class_="remarks")
    )


def _confusion(key: str, model: ModelView, agreement: Table) -> Markup:
    confusion = model.confusion
    assert confusion is not None
    if len(confusion.classes) > _MOST_CONFUSED:
        return section(f"{key}-confusion", "Confusion", table(agreement))
    head = tag("tr", tag("th", "truth ↓  found →"), [tag("th", name, scope="col") for name in confusion.classes])
    rows = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            [
                tag("td", f"{count:,}", tag("small", f"{share:.0%}") if share == share else None, class_=_shade(share))
                for count, share in zip(counts, shares, strict=True)
            ],
        )
        for name, counts, shares in zip(
            confusion.classes, confusion.counts.tolist(), confusion.shares.tolist(), strict=True
        )
    ]
    matrix = scrolled("Confusion matrix", tag("table", tag("thead", head), tag("tbody", rows), class_="confusion"))
    lede = "Rows are the truth, columns what had the highest score; small print is the share of the row."
    return section(f"{key}-confusion", "Confusion", matrix, table(agreement), lede=lede)


def _shade(share: float) -> str:
    return "h0" if share != share else f"h{round(10 * share)}"


def _learning(key: str, model: ModelView) -> Markup:
    drawn = [figure(each) for each in learning_charts(f"{key}-learning", model.learning)]
    names = [
        tag(
            "li",
            tag("span", "", class_=f"swatch line{number % 5}"),
            each.name,
            f", epoch {each.best} kept" if each.best else None,
        )
        for number, each in enumerate(model.learning)
        if each.name
    ]
    legend = tag("ul", names, class_="legend") if names else None
    lede = "The ring is the epoch whose weights were kept, by macro-AUC of dev."
    return section(f"{key}-learning", "How it learnt", tag("div", drawn, class_="two"), legend, lede=lede)


def _mistakes(key: str, model: ModelView) -> Markup:
    head = ("record", "score", "threshold", "labels", "found")
    parts = [
        tag(
            "details",
            tag("summary", tag("h3", name), " ", tag("span", _told(of_class))),
            _table_of(name, head, of_class),
        )
        for name, of_class in model.mistakes.items()
        if of_class
    ]
    lede = "Of each class the records that it was surest of, and wrong. A label may be wrong as well."
    return section(f"{key}-mistakes", "The surest mistakes", parts, lede=lede)


def _told(of_class: tuple[Mistake, ...]) -> str:
    n_missed = sum(each.is_missed for each in of_class)
    return f"{n_missed} missed, {len(of_class) - n_missed} found wrongly"


def _table_of(name: str, head: tuple[str, ...], of_class: tuple[Mistake, ...]) -> list[Markup]:
    sides = ((f"{name}: missed", True), (f"{name}: found, and not in the labels", False))
    tables = [(title, [each for each in of_class if each.is_missed == is_missed]) for title, is_missed in sides]
    return [table(Table(title, head, tuple(map(_cells, rows))), "h4") for title, rows in tables if rows]


def _cells(each: Mistake) -> tuple[str, ...]:
    threshold = "highest wins" if each.threshold is None else f"{each.threshold:.3g}"
    truth, found = (", ".join(names) or "–" for names in (each.truth, each.found))
    return each.item_id, f"{each.score:.3g}", threshold, truth, found


def picture(key: str, shown: Picture) -> Markup:
    """A recording on paper, what is said of it, and what there is beside it."""
    drawing, further = paper(key, shown)
    said = [tag("p", sentence) for sentence in shown.sentences]
    on_paper = figure(
        scrolled(f"Electrocardiogram of {shown.title}", drawing),
        caption=f"25 mm/s, 10 mm/mV, {shown.sampling_rate:g} Hz, as the store has it (filtered).",
    )
    beside = [*map(joined, _images(shown))]
    if shown.explained:
        width, height = shown.explained_size
        alt = f"Explanation of {shown.title}: colour where a part of the trace moved the score"
        image = tag("img", src=shown.explained, alt=alt, width=width, height=height, loading="lazy")
        words = "Orange speaks for the class, blue against it: what this run looks at, not a cause."
        beside.append(
            tag(
                "details",
                tag("summary", "What moved the score"),
                figure(scrolled("Explanation", image), caption=words, kind="explained"),
            )
        )
    return tag("article", tag("h3", shown.title), said, on_paper, notes(further), beside, class_="record")


def _images(shown: Picture) -> Iterator[Markup]:
    for branch, title, images in shown.images:
        tiles = [
            tag("li", tag("img", src=source, alt=f"{title} of {lead}", loading="lazy"), tag("span", lead))
            for lead, source in images.items()
        ]
        yield tag("details", tag("summary", f"What {branch} saw: {title}"), tag("ul", tiles, class_="images"))
