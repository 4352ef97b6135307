"""The table of the docs is that of the registries, and what it says cannot be done is refused."""

from pathlib import Path

from pipeline.export.support import table

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


def test_the_docs_have_the_table():
    page = PAGE.read_text(encoding="utf-8")
    found = page.split("<!-- made by python -m pipeline.export.support -->")[1].split("<!-- end -->")[0]
    assert found.strip() == table(), "type python -m pipeline.export.support, and put its table there"
