"""HTML and SVG by functions: text is escaped unless a function of this file has made it."""

import html
import json
from collections.abc import Iterable
from typing import Any

from pipeline.commands.escaping import printable

_EMPTY = {"meta", "link", "input", "img", "br"}


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Inside = str | Iterable["Inside"] | None
"""What may stand in an element: text, markup, nothing, or several of these."""


def tag(element: str, /, *inside: Inside, **attributes: Any) -> Markup:
    """An element.

    Args:
        element: its name.
        inside: what stands in it; plain text is escaped.
        attributes: ``class_`` is ``class``, ``_`` within a name is ``-``; None and False are left out, and True
            has no value.

    >>> tag("p", "a < b", class_="soft")
    '<p class="soft">a &lt; b</p>'
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    end = "" if element in _EMPTY else f"{joined(*inside)}</{element}>"
    return Markup(f"<{element}{said}>{end}")


def joined(*parts: Inside) -> Markup:
    """Several parts as one.

    >>> joined("&", [tag("br")], None)
    '&amp;<br>'
    """
    return Markup("".join(map(_text, parts)))


def _text(part: Inside) -> str:
    if part is None or isinstance(part, Markup):
        return part or ""
    return escaped(part) if isinstance(part, str) else "".join(map(_text, part))


def escaped(text: str) -> str:
    r"""A text that means nothing to a browser and cannot turn a line round.

    >>> escaped("</script><b>\u202e")
    '&lt;/script&gt;&lt;b&gt;\\u202e'
    """
    return html.escape(printable(text))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(short(value))}"'


def short(value: Any) -> str:
    """A number as drawings have it, hundredths at most; anything else as text.

    >>> short(1.0), short(0.12345), short("1.0")
    ('1', '0.12', '1.0')
    """
    if isinstance(value, float):
        text = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if text in ("-0", "") else text
    return str(value)


def embedded(data: Any) -> Markup:
    r"""JSON that nothing in a page takes for its own, whatever is in it.

    >>> embedded({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
