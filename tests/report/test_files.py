"""Files of one evaluation take their places together, or the older ones stay."""

from pathlib import Path

import pytest

from pipeline.report.files import latex_tables, number, write_json, write_text, written_together


def test_what_is_written_takes_its_place(tmp_path: Path):
    (tmp_path / "b.txt").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with written_together(tmp_path) as stage:
        write_text(stage / "a.txt", "new a")
        write_text(stage / "b.txt", "new b")
        assert (tmp_path / "b.txt").read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "new a",
        "b.txt": "new b",
        "mine.txt": "mine",
    }


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_what_is_stopped_leaves_what_was_there(tmp_path: Path, error):
    (tmp_path / "b.txt").write_text("old")

    def write() -> None:
        with written_together(tmp_path) as stage:
            write_text(stage / "b.txt", "half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("b.txt", "old")]


def test_what_a_kill_left_is_not_taken_along(tmp_path: Path):
    (tmp_path / ".evaluation.part").mkdir()
    (tmp_path / ".evaluation.part" / "half.txt").write_text("ha")
    with written_together(tmp_path) as stage:
        write_text(stage / "a.txt", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_half_a_surrogate_pair_is_written_as_its_code(tmp_path: Path):
    write_json(tmp_path / "a.json", {"\ud800": "é"})
    assert '"\\ud800": "é"' in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_numbers_are_unrounded_and_none_is_empty():
    assert [number(each) for each in (1 / 3, None, float("nan"), 0.5)] == ["0.3333333333333333", "", "", "0.5"]


def test_a_latex_table_by_hand():
    assert (
        latex_tables([("Of a_b", [["", "n"], ["x & y", "–"]])])
        == r"""% \usepackage{booktabs, graphicx}
\begin{table}
\centering
\caption{Of a\_b}
\resizebox{\linewidth}{!}{%
\begin{tabular}{lr}
\toprule
 & n \\
\midrule
x \& y & -- \\
\bottomrule
\end{tabular}}
\end{table}
"""
    )
