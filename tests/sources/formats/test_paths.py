"""Which recording files somebody names."""

from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources.formats.paths import recording_paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.hea", "b/2.dat", "1.hea", "1.mat", "3.mat", "c.npy", "README.md", ".hidden.npy", ".git/x.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder: Path, *words: str, listed: tuple[str, ...] = ()) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in recording_paths(words, listed)]


def test_a_folder_stands_for_the_recordings_below_it(folder: Path):
    assert names(folder, str(folder)) == ["1.hea", "3.mat", "b/2.hea", "c.npy"]


def test_a_glob_stands_for_what_it_matches_and_a_list_for_its_lines(folder: Path):
    assert names(folder, str(folder / "**" / "*.hea")) == ["1.hea", "b/2.hea"]
    listed = (f"{folder}/c.npy\n", "\n", f"{folder}/1.hea\r\n")
    assert names(folder, str(folder / "1.hea"), "-", listed=listed) == ["1.hea", "c.npy"]


def test_a_glob_of_all_files_of_a_recording_is_its_header(folder: Path):
    assert names(folder, str(folder / "b" / "*")) == ["b/2.hea"]
    assert names(folder, str(folder / "*.mat")) == ["1.mat", "3.mat"]


def test_a_name_that_says_nothing_is_known_by_its_bytes(folder: Path):
    for name in ("IM000001", "1.2.840.113"):
        (folder / "b" / name).write_bytes(bytes(128) + b"DICM" + bytes(8))
    (folder / "b" / "RECORDS").write_text("2\n")
    (folder / "b" / "2.7").write_text("no recording\n")
    assert names(folder, str(folder / "b")) == ["b/1.2.840.113", "b/2.hea", "b/IM000001"]


def test_what_is_not_there_is_left_to_who_opens_it(folder: Path):
    assert names(folder, str(folder / "none.hea")) == ["none.hea"]


def test_a_name_with_brackets_is_a_file_where_it_is_one(folder: Path):
    (folder / "a[1].npy").touch()
    assert names(folder, str(folder / "a[1].npy")) == ["a[1].npy"]


@pytest.mark.parametrize(("word", "sentence"), [("*.xyz", "matches nothing"), ("empty", "holds no file that ends in")])
def test_nothing_is_refused(folder: Path, word: str, sentence: str):
    (folder / "empty").mkdir()
    with pytest.raises(EcgFusionError, match=sentence):
        list(recording_paths([str(folder / word)]))


def test_a_line_without_end_is_no_path():
    with pytest.raises(EcgFusionError, match="which no path has"):
        list(recording_paths(["-"], ["x" * 5000]))
