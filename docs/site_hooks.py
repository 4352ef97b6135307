"""What the site makes of the pages: the README is its front, CONTRIBUTING a page, and nothing comes from elsewhere."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FRONT = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages of the site that lie beside ``docs/``."""


def on_files(files: Any, *, config: Any) -> Any:
    """Adds the pages that lie elsewhere."""
    from mkdocs.structure.files import File

    for name, source in FRONT.items():
        text = as_in_docs((ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leads links to the README and to CONTRIBUTING to their pages."""
    for name, source in FRONT.items():
        markdown = re.sub(rf"\]\((?:\.\./)?{re.escape(source)}(#[^)]*)?\)", rf"]({name}\1)", markdown)
    return markdown


def as_in_docs(text: str) -> str:
    """A page beside ``docs/`` as if it lay there: no badges, links without the folder, other files as plain words.

    >>> as_in_docs("[a](docs/a.md#b) [c](CITATION.cff) ![d](https://e.f/g.svg)")
    '[a](a.md#b) c '
    """
    text = re.sub(r"!\[[^]]*\]\(https?://[^)]*\)", "", text)
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\[([^]]*)\]\((?:CITATION\.cff|LICENSE)\)", r"\1", text)
