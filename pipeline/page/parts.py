"""What several sections are made of: sections themselves, tables that scroll, figures with captions, lists."""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from pipeline.page.markup import Inside, Markup, joined, tag
from pipeline.page.model import Table, Valued


def section(key: str, title: str, *inside: Inside, lede: str | None = None) -> Markup:
    """A section with its heading, and a sentence under it."""
    told = tag("p", lede, class_="lede") if lede else None
    return tag("section", tag("h2", title, id=f"{key}-h"), told, *inside, id=key, aria_labelledby=f"{key}-h")


def scrolled(name: str, *inside: Inside) -> Markup:
    """What may be wider than the page, in a container that scrolls, by the keyboard too."""
    return tag("div", *inside, class_="wide", role="region", aria_label=name, tabindex=0)


def table(of: Table, heading: str = "h3") -> Markup:
    """A ready-made table with its title and its notes."""
    title = tag(heading, of.title) if of.title else None
    sides = ["word" if all(map(_is_word, cells)) else None for cells in zip(*of.rows, strict=True)]
    rows = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            [tag("td", cell, class_=side) for cell, side in zip(row[1:], sides[1:], strict=True)],
        )
        for row in of.rows
    ]
    cells = [tag("th", cell, scope="col", class_=side) for cell, side in zip_longest(of.head, sides)]
    head = tag("thead", tag("tr", cells))
    drawn = scrolled(of.title or of.head[0], tag("table", head, tag("tbody", rows)))
    return joined(title, drawn, notes(of.notes))


def _is_word(cell: str) -> bool:
    return re.match(r"[\d(.+–−-]", cell) is None


def notes(sentences: Sequence[str]) -> Markup | None:
    """Small print below a table or a drawing."""
    return tag("ul", [tag("li", each) for each in sentences], class_="notes") if sentences else None


def pairs(rows: Iterable[tuple[str, str]]) -> Markup:
    """Names and what they are."""
    return tag("dl", [tag("div", tag("dt", name), tag("dd", said)) for name, said in rows], class_="facts")


def figure(*inside: Inside, caption: Inside = None, kind: str | None = None) -> Markup:
    """A drawing and what is said below it."""
    return tag("figure", *inside, tag("figcaption", caption) if caption else None, class_=kind)


def number(value: float, digits: int = 3) -> str:
    """A figure of the page, a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def valued(each: Valued | None, is_count: bool = False) -> Inside:
    """A number, and below it its interval."""
    if each is None:
        return None
    shown = f"{each.value:,.0f}" if is_count else number(each.value)
    if each.span is None:
        return shown
    low, high = (f"{end:,.0f}" if is_count else number(end) for end in each.span)
    return joined(shown, tag("small", f"{low}–{high}"))
