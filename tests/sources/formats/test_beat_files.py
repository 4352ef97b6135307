"""A file of heartbeats: rows as numpy reads them, and one sentence with file and line where a row is none."""

import threading
from pathlib import Path

import numpy as np
import pytest
from heartbeat_files import beats_of, write_rows
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EcgFusionError
from pipeline.sources.formats import beat_files
from pipeline.sources.formats.beat_files import BeatFile

KNOWN = (0, 1, 2, 3, 4)
LABELS = [0, 4, 2, 0, 1, 3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "beats.csv", beats_of(LABELS))


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def edit(path: Path, line: int, sample: int, text: str) -> None:
    """Another word in the place of a sample (from 1), or of the label (188)."""
    lines = lines_of(path)
    fields = lines[line - 1].split(",")
    fields[sample - 1] = text
    lines[line - 1] = ",".join(fields)
    path.write_text("\n".join(lines) + "\n")


def refusal(path: Path, known: tuple[int, ...] = KNOWN) -> str:
    with pytest.raises(EcgFusionError) as refused:
        BeatFile(path, known)
    return str(refused.value)


def test_rows_are_what_numpy_reads(path):
    file = BeatFile(path, KNOWN)
    assert file.labels.tolist() == LABELS
    assert file.lines.tolist() == [1, 2, 3, 4, 5, 6]
    for row, expected in reversed(list(enumerate(np.loadtxt(path, delimiter=",")))):
        beat = file.beat(row)
        assert isinstance(beat, np.ndarray)
        assert (beat.shape, beat.dtype) == ((1, 187), np.float64)
        np.testing.assert_allclose(beat[0], expected[:187], atol=1e-7)


def test_parts_of_a_file_are_read_when_they_are_wanted(path, monkeypatch):
    monkeypatch.setattr(beat_files, "_ROWS_AT_ONCE", 2)
    file, expected = BeatFile(path, KNOWN), np.loadtxt(path, delimiter=",")
    edit(path, 1, 1, "0." + lines_of(path)[0][2:24])  # as long as before; what follows keeps its place
    beat = file.beat(5)
    assert isinstance(beat, np.ndarray)
    np.testing.assert_allclose(beat, expected[None, 5, :187], atol=1e-7)
    assert list(file._parts) == [2]


def test_threads_read_a_part_once(path, monkeypatch):
    file, parsed = BeatFile(path, KNOWN), []
    real = beat_files._numbers
    monkeypatch.setattr(beat_files, "_numbers", lambda texts: parsed.append(1) or real(texts))
    threads = [threading.Thread(target=file.beat, args=(row,)) for row in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parsed) == 1


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n",
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",", ", "),
        lambda text: text.replace(".000000000000000000e+00\n", "\n"),
        lambda text: text.replace(".000000000000000000e+00\n", ".0\n"),
    ],
)
def test_a_file_may_be_written_in_many_ways(path, written):
    expected = np.loadtxt(path, delimiter=",")
    path.write_bytes(written(path.read_text()).encode())
    file = BeatFile(path, KNOWN)
    assert file.labels.tolist() == LABELS
    found = np.concatenate([file.beat(row) for row in range(len(LABELS))])
    np.testing.assert_allclose(found, expected[:, :187], atol=1e-7)


def test_lines_are_those_of_the_file_where_some_are_blank(path):
    path.write_text(path.read_text().replace("\n", "\n\n"))
    edit(path, 5, 9, "7")
    file = BeatFile(path, KNOWN)
    assert file.lines.tolist() == [1, 3, 5, 7, 9, 11]
    assert file.beat(2) == f"{path} line 5 has 7 as sample 9, and amplitudes go from 0 to 1"


@pytest.mark.parametrize("width", [0, 1, 100, 186, 188, 400])
def test_a_row_of_another_width(path, width):
    lines = lines_of(path)
    lines[3] = ",".join(["0.5"] * width + ["0"])
    path.write_text("\n".join(lines))
    said = refusal(path)
    assert said.startswith(f"{path} line 4 has {width + 1} values, not 187 samples and a label")


@pytest.mark.parametrize("label", ["5", "-1", "0.5", "nan", "N", "", "inf", "1e400", '"0"'])
def test_a_label_that_is_none(path, label):
    edit(path, 2, 188, label)
    said = refusal(path)
    assert said.startswith(f"{path} line 2 has the label {label or 'nothing'}, not one of 0, 1, 2, 3, 4")


def test_a_label_of_the_other_file(path):
    assert "line 2 has the label 4.000000000000000000e+00, not the 0 of all its rows" in refusal(path, (0,))


def test_a_line_of_column_names(path):
    path.write_text(",".join(map(str, range(188))) + "\n" + path.read_text())
    assert (
        "line 1 has the label 187, not one of 0, 1, 2, 3, 4 (a line of column names? the published files have none)"
        in (refusal(path))
    )


@pytest.mark.parametrize(
    "word", ["1.5", "-0.001", "nan", "NaN", "", "NA", "inf", "-inf", "1e300", "abc", '"', "0x1", "#"]
)
def test_a_sample_that_is_no_amplitude(path, word):
    edit(path, 3, 42, word)
    file = BeatFile(path, KNOWN)
    assert file.beat(2) == f"{path} line 3 has {word or 'nothing'} as sample 42, and amplitudes go from 0 to 1"
    assert all(isinstance(file.beat(row), np.ndarray) for row in (0, 1, 3, 4, 5))


def test_what_cannot_be_printed_is_told_all_the_same(path):
    edit(path, 1, 1, "\x1b[31m" + "9" * 100)
    beat = BeatFile(path, KNOWN).beat(0)
    assert isinstance(beat, str)
    assert beat.isprintable()
    assert len(beat) < len(str(path)) + 150


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\r\n  \n"])
def test_an_empty_file(path, content):
    path.write_bytes(content)
    assert refusal(path) == f"{path} is empty: take the published file"


def test_what_is_no_file_of_rows(path, tmp_path):
    path.write_bytes(b"0," * 40_000)
    assert "line 1 has more than 65,536 characters" in refusal(path)
    path.write_bytes(bytes(range(256)) * 10)
    assert f"{path} line 1 has 1 values" in refusal(path)
    with open(path, "r+b") as file:
        file.truncate(2**32)
    assert "has more than 2 GiB" in refusal(path)
    assert "is no file" in refusal(tmp_path)


def test_a_file_that_becomes_shorter(path):
    file = BeatFile(path, KNOWN)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(EcgFusionError, match="has become shorter while it was read"):
        file.beat(0)


@given(st.lists(st.floats(0, 1, width=32), min_size=187, max_size=187), st.sampled_from(["%.18e", "%r", "%.4f"]))
def test_any_amplitudes_survive(tmp_path_factory, values, way):
    path = tmp_path_factory.mktemp("beats") / "beats.csv"
    path.write_text(",".join(way % value for value in values) + ",0.0\n")
    beat = BeatFile(path, KNOWN).beat(0)
    assert isinstance(beat, np.ndarray)
    np.testing.assert_allclose(beat[0], values, atol=6e-5 if way == "%.4f" else 1e-7)
