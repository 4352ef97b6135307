"""What is opened elsewhere: JSON, CSV and LaTeX."""

from pathlib import Path

from pipeline.report.files import latex_tables, number, write_json


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
