"""The whole page as text: one file, whose policy lets it ask nobody for anything."""

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files

from pipeline.page.by_class import by_class, steps_data
from pipeline.page.compared import compared
from pipeline.page.details import details, remarks
from pipeline.page.markup import Markup, embedded, tag
from pipeline.page.model import ModelView, PageModel
from pipeline.page.overview import at_a_glance, found_and_missed, what_it_is

_GLYPH = "M1 15h10l2.5-4 3 4h4l2-3 3.5-10 3.5 20 2.5-7h4l3-4.5 3.5 4.5h4.5"


def document(page: PageModel) -> str:
    """The page."""
    css, script = (_static(name) for name in ("report.css", "report.js"))
    main = list(_main(page))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(css, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{page.title} · ecgfusion"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(css)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", class_="skip", href="#main"),
        _top(page),
        tag("div", _contents(main), tag("main", _title(page), main, id="main"), class_="desk"),
        tag("footer", tag("p", f"{page.notice}. Made on {page.date} by {page.program}."), class_="foot"),
        tag("script", embedded(_data(page)), type="application/json", id="steps"),
        tag("script", Markup(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _static(name: str) -> str:
    return (files("pipeline.page") / "static" / name).read_text(encoding="utf-8")


def _policy(css: str, script: str) -> str:
    style, run = (
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (css, script)
    )
    return (
        f"default-src 'none'; style-src {style}; script-src {run}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _top(page: PageModel) -> Markup:
    glyph = tag(
        "svg", tag("path", d=_GLYPH), class_="glyph", viewBox="0 0 48 24", aria_hidden="true", focusable="false"
    )
    mark = tag("p", glyph, tag("span", "ecgfusion"), class_="mark")
    return tag("header", mark, tag("p", page.notice, class_="notice"), class_="top")


def _title(page: PageModel) -> Markup:
    said = page.models[0].sentence if len(page.models) == 1 else f"{len(page.models)} models on the same items"
    return tag("div", tag("h1", page.title), tag("p", said, class_="sentence"), class_="title")


def _contents(sections: list[Markup]) -> Markup:
    """Links to all sections; of several models to each, and to what compares them."""
    found = re.findall(r'<h([12]) id="([\w-]+)-h">(.*?)</h\1>', "".join(sections))
    if any(level == "1" for level, _, _ in found):
        found = [each for each in found if each[0] == "1" or not re.match(r"m\d+-", each[1])]
    links = [
        tag("li", tag("a", Markup(title), href=f"#{key}"), class_="of-model" if level == "1" else None)
        for level, key, title in found
    ]
    return tag("nav", tag("h2", "On this page"), tag("ol", links), aria_label="On this page", class_="contents")


def _main(page: PageModel) -> Iterator[Markup]:
    yield from compared(page)
    for number, model in enumerate(page.models):
        parts = _sections(f"m{number}", model, len(page.models) == 1)
        if len(page.models) == 1:
            yield from parts
            continue
        heading = tag("h1", model.name, id=f"m{number}-h")
        yield tag("div", heading, tag("p", model.sentence, class_="sentence"), id=f"m{number}", class_="title")
        yield from parts


def _sections(key: str, model: ModelView, is_alone: bool) -> Iterator[Markup]:
    yield at_a_glance(key, model)
    yield found_and_missed(key, model)
    yield by_class(key, model, is_alone)
    yield from details(key, model)
    yield what_it_is(key, model)
    yield remarks(key, model)


def _data(page: PageModel) -> list[dict[str, object]]:
    return [
        steps_data(f"m{number}-c{place}", view)
        for number, model in enumerate(page.models)
        for place, view in enumerate(model.classes)
    ]
