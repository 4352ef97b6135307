"""Names in figures: what the font cannot draw is said otherwise."""

from pipeline.report.glyphs import drawable, drawable_line


def test_no_name_is_too_strange_to_be_drawn():
    assert drawable("窦性心律", 2) == "class 2"
    assert len(drawable("x" * 200, 1)) == 24
    assert drawable("ST−T é", 1) == "ST−T é"
    assert drawable("$x$", 1) == "\\$x\\$"


def test_a_line_keeps_what_can_be_drawn():
    assert drawable_line("窦性 of 50 " + "x" * 300) == "?? of 50 " + "x" * 300
