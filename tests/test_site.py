"""The site: every page is in its navigation, no link is broken, and nothing in it comes from another server."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsers import browser

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OF_THE_SITE = {"index.md", "contributing.md"}

needs_mkdocs = pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs is missing: extra docs")
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
"""Elements whose address a browser fetches by itself; ``link`` unless it only says where else a page lies."""


class Fetched(HTMLParser):
    """The addresses that a browser fetches with a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.classes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        name = LOADED.get(tag) or (
            "href" if tag == "link" and of.get("rel") not in ("canonical", "next", "prev") else ""
        )
        self.found += filter(
            None, [of.get(name), *(part.split()[0] for part in (of.get("srcset") or "").split(",") if part)]
        )
        self.classes += (of.get("class") or "").split()
        if tag == "style" or "style" in of:
            self.found += re.findall(r"url\(([^)]*)\)", of.get("style") or "")


def named_in_the_navigation() -> list[str]:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    return re.findall(r"([\w.]+\.md)$", text, re.MULTILINE)


def test_every_page_is_in_the_navigation_once():
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} | OF_THE_SITE
    assert sorted(named_in_the_navigation()) == sorted(pages)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@needs_mkdocs
def test_every_page_is_built_and_asks_no_other_server(site: Path):
    pages = list(site.rglob("*.html"))
    assert {path.stem for path in pages} >= {path.stem for path in DOCS.glob("*.md")} | {"index", "contributing"}
    for path in pages:
        page = Fetched(path.read_text(encoding="utf-8"))
        assert [each for each in page.found if re.match(r"(\w+:)?//", each)] == [], path.name
        assert len(page.found) > 3
        assert "mermaid" not in page.classes  # the theme would fetch what draws it
        for each in page.found if path.name != "404.html" else []:  # which knows no folder to be relative to
            if not each.startswith("data:"):
                assert (path.parent / each.partition("?")[0].partition("#")[0]).exists(), each


@needs_mkdocs
def test_no_style_asks_another_server(site: Path):
    sheets = list(site.rglob("*.css"))
    assert sheets
    for path in sheets:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text) == [], path.name


@needs_mkdocs
def test_links_to_pages_beside_the_docs_lead_to_their_pages(site: Path):
    extending = (site / "extending.html").read_text(encoding="utf-8")
    assert 'href="contributing.html#rooms-and-floors"' in extending
    front = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="guide.html"' in front
    assert "shields.io" not in front


@needs_mkdocs
def test_a_page_opened_from_a_folder_is_searched_without_a_server(site: Path, tmp_path: Path):
    with browser(tmp_path) as page:
        page.go(f"{(site / 'guide.html').as_uri()}?q=recurrence")
        assert page.wait_for("document.querySelectorAll('.md-search-result__item').length") > 2
        assert page.complaints == []
        assert all(address.startswith("file:") for address in page.asked)
        for width in (390, 1440):
            page.look(width, dark=width == 390)
            assert page.find("document.documentElement.scrollWidth") <= width


def test_what_the_site_makes_of_the_readme():
    found = runpy.run_path(str(DOCS / "site_hooks.py"))
    assert found["as_in_docs"]("[a](docs/a.md#b) [c](CITATION.cff) ![d](https://e.f/g.svg)") == "[a](a.md#b) c "
    assert (
        found["on_page_markdown"]("[a](../README.md#b) [c](CONTRIBUTING.md)") == "[a](index.md#b) [c](contributing.md)"
    )
