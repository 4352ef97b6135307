"""What is opened elsewhere: JSON, CSV and LaTeX."""

import shutil
import subprocess
from pathlib import Path

import pytest

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


def test_what_a_latex_table_needs_stands_above_it():
    assert latex_tables([("Größe", [["", "n"], ["α", "1"]])]).splitlines()[1] == r"\begin{table}"
    first = latex_tables([("đ", [["", "n"], ["心房, Привет", "1"]])]).splitlines()[:3]
    assert first[1:] == [
        r"% \usepackage[T1]{fontenc}",
        r"% pdflatex has no 心房Привет: xelatex or lualatex, and \setmainfont{a font that has them} of fontspec",
    ]


def test_a_negative_number_has_a_minus_and_a_range_and_a_name_have_none():
    line = latex_tables([("", [["", "n"], ["-1", "-0.5 to 0.2, 1-2"]])]).splitlines()[-4]
    assert line == r"-1 & $-$0.5 to 0.2, 1-2 \\"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here")
def test_pdflatex_stops_at_nothing(tmp_path: Path):
    names = [*"~#%&$^_{}[]*|<>\"`'\\", "a_b", "50%", "A&B", "x^2", "\\foo", "− −1", "$x$", "[z]", "*", "``", "''", "--"]
    names += [
        "α < β ≥ Ω",
        "Größe, Łódź",
        "Đorđe «ŋ»",
        "Ⅱ",
        "V₁",
        "mV²",
        "25 °C, µV",
        "a\u2003b\u00a0c",
        "e\u0301",
        "†‡…€",
    ]
    tables = latex_tables([(f"Of {name}", [["", name], [name, f"{name} -1–2"], [name, ""]]) for name in names])
    needs = [line.removeprefix("% ") for line in tables.splitlines() if line.startswith(r"% \usepackage")]
    assert len(needs) == 2
    document = "\n".join([r"\documentclass{article}", *needs, r"\begin{document}", tables, r"\end{document}"])
    (tmp_path / "a.tex").write_text(document.replace(r"\end{table}", r"\end{table}\clearpage"), encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert ran.returncode == 0, ran.stdout.decode(errors="replace")[-1500:]
