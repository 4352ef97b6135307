"""Files that are written whole or not at all."""

import pytest

from pipeline.machine.files import replace_atomically


def test_the_new_file_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")
    seen = []

    def write(temporary):
        temporary.write_text("new")
        seen.append(path.read_text())

    replace_atomically(path, write)
    assert seen == ["old"]
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")

    def write(temporary):
        temporary.write_text("ha")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        replace_atomically(path, write)
    assert path.read_text() == "old"
