"""Headers below a folder: each is found once, and none outside it."""

import os
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources.formats import wfdb_tree
from pipeline.sources.formats.wfdb_tree import headers_below


@pytest.fixture
def folder(tmp_path) -> Path:
    """``b``, ``a/c`` and ``a/d/e``, files of other kinds, and hidden ones."""
    below = tmp_path / "set"
    for name in ("b.hea", "b.mat", "a/c.hea", "a/d/e.hea", "a/d/RECORDS", ".git/f.hea", "a/._c.hea", "a/.hea"):
        (below / name).parent.mkdir(parents=True, exist_ok=True)
        (below / name).touch()
    (below / "empty.hea").mkdir()
    return below


def test_headers_are_found_at_any_depth_in_the_order_of_their_names(folder):
    found = headers_below(folder)
    assert found.names == ("a/c", "a/d/e", "b")
    assert found.n_links_left_out == 0


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert headers_below(tmp_path / "link").names == ("a/c", "a/d/e", "b")


def test_a_folder_without_any(tmp_path):
    assert headers_below(tmp_path).names == ()


def test_links_that_lead_out_of_the_folder_in_a_circle_or_nowhere_are_left_out(folder, tmp_path):
    (tmp_path / "secret.hea").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "g.hea").touch()
    (folder / "out.hea").symlink_to(tmp_path / "secret.hea")
    (folder / "elsewhere").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "circle.hea").symlink_to("circle.hea")
    (folder / "circle").symlink_to("circle")
    (folder / "gone.hea").symlink_to("nothing.hea")
    found = headers_below(folder)
    assert found.names == ("a/c", "a/d/e", "b")
    assert found.n_links_left_out == 5


def test_a_link_to_a_header_that_is_found_anyway_is_left_out(folder):
    (folder / "again.hea").symlink_to("a/c.hea")
    assert headers_below(folder) == wfdb_tree.HeaderTree(("a/c", "a/d/e", "b"), 1)


def test_links_into_what_is_hidden_are_recordings_once_each(folder):
    """As git-annex and DataLad keep them."""
    (folder / "g.hea").symlink_to(".git/f.hea")
    (folder / "h.hea").symlink_to(".git/f.hea")
    assert headers_below(folder) == wfdb_tree.HeaderTree(("a/c", "a/d/e", "b", "g"), 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(folder):
    (folder / "a" / "d").chmod(0)
    try:
        with pytest.raises(EcgFusionError, match=r"a/d cannot be read \(Permission denied\)"):
            headers_below(folder)
    finally:
        (folder / "a" / "d").chmod(0o755)


def test_a_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    scandir = os.scandir

    def fail(path):
        if str(path).endswith("d"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(EcgFusionError, match=r"a/d cannot be read \(Permission denied\): see who may read it"):
        headers_below(folder)


@pytest.mark.parametrize("name", ["a\nb.hea", "a\x1b[2Jb.hea", os.fsdecode(b"\xff.hea")])
def test_a_name_that_cannot_be_printed_is_refused(folder, name):
    (folder / "a" / name).touch()
    with pytest.raises(EcgFusionError, match=r"whose name no record can have: rename it") as refused:
        headers_below(folder)
    assert str(refused.value).isprintable()


def test_what_lies_too_deep_is_refused(folder):
    deep = folder.joinpath(*["x"] * 31)
    deep.mkdir(parents=True)
    with pytest.raises(EcgFusionError, match="lies 31 folders deep"):
        headers_below(folder)


def test_more_headers_than_a_data_set_has_are_refused(folder, monkeypatch):
    monkeypatch.setattr(wfdb_tree, "MOST_HEADERS", 2)
    with pytest.raises(EcgFusionError, match="holds more than 2 headers"):
        headers_below(folder)
