"""The pictures of the docs: made twice they are the same, small, and those that the pages show."""

import re
from pathlib import Path

import pytest
from PIL import Image

from pipeline.report.gallery_pictures import PICTURES, draw_gallery

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return draw_gallery(tmp_path_factory.mktemp("gallery"))


def test_made_again_they_are_the_same(made: list[Path], tmp_path: Path):
    for one, other in zip(made, draw_gallery(tmp_path), strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_docs_have_them_all_and_they_are_small(made: list[Path]):
    kept = sorted((DOCS / "gallery").glob("*"))
    assert [path.name for path in kept] == sorted(path.name for path in made)
    sizes = [path.stat().st_size for path in kept]
    assert max(sizes) < 200_000
    assert sum(sizes) < 2_500_000
    for path in kept:  # letters are rastered otherwise by other versions, so that only the sizes are compared
        with Image.open(path) as one, Image.open(next(each for each in made if each.name == path.name)) as other:
            assert one.size == other.size


def test_every_picture_is_shown_somewhere():
    shown = {
        name for page in DOCS.glob("*.md") for name in re.findall(r"\]\(gallery/(\w+)\.png\)", page.read_text("utf-8"))
    }
    assert shown == set(PICTURES)
