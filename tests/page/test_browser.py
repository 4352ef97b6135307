"""The page in a real browser with no way to any other machine: seen, moved by keys, printed, in dark and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import Page, browser
from report_pages import drawn_multilabel, written

RIGHT, HOME = 39, 36


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """A tab that asks for nothing but files that it was told to open, and never complains."""
    tab.complaints.clear()
    tab.asked.clear()
    tab.look(1440)
    yield tab
    tab.find("1")  # hears what is still to be heard
    assert tab.complaints == []
    assert {address for address in tab.asked if not address.endswith("/report.html")} == set()


def opened(page: Page, words: list[str], tmp_path: Path) -> None:
    written(words, tmp_path / "report.html")
    page.go((tmp_path / "report.html").as_uri())


def overflow(page: Page) -> int:
    return page.find("document.documentElement.scrollWidth - window.innerWidth")


def said(page: Page, of: str) -> str:
    return page.find(f"document.querySelector('.class [data-of={of}]').textContent")


def test_it_fits_phones_and_wide_screens_and_runs_no_names(page: Page, multilabel: list[str], tmp_path: Path):
    opened(page, multilabel, tmp_path)
    for width in (390, 1440):
        for dark in (False, True):
            page.look(width, dark=dark)
            assert overflow(page) == 0, width
    assert page.find("document.querySelectorAll('img, svg svg').length") == 0
    assert page.find("[...document.querySelectorAll('summary h3')].some(h => h.textContent.includes('onerror'))")


def test_dark_is_dark(page: Page, multilabel: list[str], tmp_path: Path):
    opened(page, multilabel, tmp_path)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.find(ground)
    page.look(1440, dark=True)
    assert (light, page.find(ground)) == ("rgb(247, 247, 244)", "rgb(17, 23, 26)")


def test_keys_move_the_counts_and_the_marks(page: Page, files, tmp_path: Path):
    opened(page, files(drawn_multilabel(), drawn_multilabel("d", seed=5)), tmp_path)
    row = page.find("[...document.querySelectorAll('.counts tbody tr:first-child td')].map(c => c.firstChild?.data)")
    first = [said(page, cell) for cell in ("TP", "FN", "FP", "TN")]
    assert first == row[2:6], "at first the counts of the table"
    assert "dev chose" in said(page, "what")
    mark = "document.querySelector('.class .cut').getAttribute('x1')"
    before = page.find(mark)
    page.find("document.querySelector('.class input').focus()")
    for _ in range(20):
        page.press("ArrowRight", RIGHT)
    assert said(page, "what") == "moved"
    assert int(said(page, "TP")) < int(first[0])
    assert float(page.find(mark)) > float(before)
    assert int(said(page, "TP")) + int(said(page, "FN")) == int(first[0]) + int(first[1])
    told = page.find("document.querySelector('.class input').getAttribute('aria-valuetext')")
    assert told.startswith(said(page, "threshold"))
    page.find("document.querySelector('.class button').click()")
    assert [said(page, cell) for cell in ("TP", "FN", "FP", "TN")] == first
    assert page.find(mark) == before
    page.press("Home", HOME)
    assert page.find("document.querySelector('.class .cut').getAttribute('x1')") == "50.0"


def test_the_dot_lies_on_its_curve_where_the_ring_is(page: Page, multiclass: list[str], tmp_path: Path):
    opened(page, multiclass, tmp_path)
    apart = (
        "[...document.querySelectorAll('.chart')].filter(c => c.querySelector('.dot')).map(c => ['cx', 'cy'].map(a =>"
        "Math.abs(c.querySelector('.dot').getAttribute(a) - c.querySelector('.chosen').getAttribute(a)))).flat()"
    )
    gaps = page.find(apart)
    assert len(gaps) == 12
    assert max(gaps) < 0.01


def test_paper_has_no_sliders_and_shows_what_is_closed(page: Page, multiclass: list[str], tmp_path: Path):
    opened(page, multiclass, tmp_path)
    closed = page.find("document.querySelectorAll('details:not([open])').length")
    assert closed > 0
    assert page.pdf(tmp_path / "page.pdf").stat().st_size > 20_000
    assert page.find("document.querySelectorAll('details:not([open])').length") == closed, "as before"
    page.look(760, media="print")
    assert page.find("getComputedStyle(document.querySelector('.slide')).display") == "none"
    assert overflow(page) <= 0


def test_everything_has_a_name_and_what_scrolls_is_reached_by_keys(page: Page, multiclass: list[str], tmp_path: Path):
    opened(page, multiclass, tmp_path)
    unnamed = (
        "[...document.querySelectorAll('svg[role=img]')].filter(s =>"
        "!s.getAttribute('aria-labelledby').split(' ').every(i => document.getElementById(i)?.textContent)).length"
    )
    assert page.find(unnamed) == 0
    assert page.find("document.querySelectorAll('.wide:not([tabindex=\"0\"])').length") == 0
    assert page.find("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == page.find(
        "document.querySelectorAll('[id]').length"
    )
    links = "[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))"
    assert page.find(links)
    assert page.find("[...document.querySelectorAll('h1')].length") == 1
