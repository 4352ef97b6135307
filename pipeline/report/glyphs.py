"""Names as the font of a figure can draw them."""

from matplotlib.font_manager import FontProperties, findfont, get_font

from pipeline.commands.escaping import mathtext

_LONGEST_NAME = 24


def drawable(name: str, number: int) -> str:
    """A name as the font can draw it, shortened; the number of its class where it cannot.

    >>> drawable("AFIB", 1), drawable("窦性心律", 2), drawable("first degree atrioventricular block", 3)
    ('AFIB', 'class 2', 'first degree atrioventr…')
    """
    plain = mathtext(name)
    if not all(map(_has_glyph, plain)):
        return f"class {number}"
    return plain if len(plain) <= _LONGEST_NAME else mathtext(name[: _LONGEST_NAME - 1]) + "…"


def drawable_line(text: str) -> str:
    """A text of any length with a question mark for what the font has not."""
    return "".join(each if _has_glyph(each) else "?" for each in mathtext(text))


def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(character)))
