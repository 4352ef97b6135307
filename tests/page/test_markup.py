"""Text is text, wherever it stands; numbers are short."""

import json

import pytest
from report_pages import HOSTILE

from pipeline.page.markup import Markup, embedded, joined, short, tag


@pytest.mark.parametrize("name", HOSTILE)
def test_text_is_escaped_in_elements_and_attributes(name: str):
    made = tag("p", name, title=name)
    assert made.count("<") == 2
    assert made.count('"') == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_embedded_data_end_no_script_and_come_back(name: str):
    text = embedded({"key": name})
    assert not {*text} & {*"<>&"}
    assert json.loads(text) == {"key": name}


def test_markup_is_kept_and_nothing_is_left_out():
    assert joined(tag("b", "x"), None, ["<", Markup("<i>")]) == "<b>x</b>&lt;<i>"
    assert tag("input", open=True, hidden=False, max=None) == "<input open>"
    assert tag("p", class_="a", aria_label="b") == '<p class="a" aria-label="b"></p>'


def test_no_number_that_json_lacks_is_embedded():
    with pytest.raises(ValueError, match="JSON"):
        embedded([float("nan")])


def test_numbers_are_short():
    assert [short(value) for value in (0.0, -0.001, 12.3456, 7)] == ["0", "0", "12.35", "7"]
