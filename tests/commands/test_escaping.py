"""Names made harmless: a terminal obeys none, a spreadsheet computes none, Markdown, LaTeX and matplotlib read none."""

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commands.escaping import (
    beyond_latex,
    csv_cell,
    file_name,
    file_names,
    latex,
    markdown,
    mathtext,
    needs_t1,
    one_line,
    printable,
)

PLAIN = ("MI", "STTC", "1AVB", "LAFB/LPFB", "AFIB (slow)", "ST−T", "心房颤动", "Größe", "sinus rhythm", "(N)", "CD'")
ODD = (
    *("", " ", "\n", "a\nb", "a\rb", "a\tb", "a|b", "\x1b[31mred", "\x9b31m", "\u202eevil", "a\u2066b", "\x00", "\x7f"),
    *("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "\r=1", "＝1", "'quoted", '"', "a,b", "a;b"),
    *("`code`", "*bold*", "_it_", "<script>", "&lt;", "[a](http://b)", "![x](y)", "~~s~~", "# head", "- item", "1. x"),
    *("\\", "\\input{x}", "$x$", "a%b", "a_b", "{", "}", "[x]", "\ud800", "\u2028", "\u200b", "\ufeff", "..", "/", "~"),
)
NAMES = st.text(st.characters(codec=None), max_size=20) | st.sampled_from([*PLAIN, *ODD])


@pytest.mark.parametrize("name", PLAIN)
def test_usual_names_are_left_alone(name: str):
    for write in (printable, one_line, csv_cell, markdown, mathtext):
        assert write(name) == name
    assert latex(name) == name.replace("−", "$-$")


@given(NAMES)
def test_what_is_written_is_a_line_that_a_terminal_only_shows(name: str):
    for write in (one_line, csv_cell, markdown, latex, mathtext, file_name):
        written = write(name)
        assert "\n" not in written
        assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in written)
        written.encode("utf-8")


@given(NAMES)
def test_a_text_keeps_its_lines_alone(name: str):
    shown = printable(name)
    shown.encode("utf-8")
    assert shown.count("\n") == name.count("\n")
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in shown if each not in "\n\t")
    assert printable(shown) == shown


@given(NAMES, NAMES)
def test_a_spreadsheet_computes_nothing_and_a_csv_reader_gets_the_cell_back(name: str, other: str):
    cell = csv_cell(name)
    assert cell.lstrip()[:1] not in (*"=+-@＝＋－＠", "\t", "\r") or not cell.strip()
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([cell, csv_cell(other)])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [cell, csv_cell(other)]


@given(NAMES)
def test_markdown_sees_only_text(name: str):
    written = markdown(name)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", written)  # without what a backslash makes plain text
    assert not re.search(r"[`*|<>\[\]&~$]|://", bare)
    assert not re.match(r"[#=+-]|\d+[.)]\s", written)


@given(NAMES)
def test_latex_has_balanced_braces_and_no_command_of_the_names_own(name: str):
    own = (r"\\text(backslash|asciicircum|asciitilde|less|greater|bar|asciigrave)\{\}|\{[\[*]\}|\\[{}$&%#_]"
           r"|\{\\ttfamily\\char34\}|\\text(sub|super)script\{\d\}|\$(-|\\[A-Za-z]+)\$|(?<=[-',])\{\}")  # fmt: skip
    assert not re.search(r"[\\{}$&%#_^~<>|\"`\[*]", re.sub(own, "", latex(name)))


# compiled and looked at with pdflatex of TeX Live 2022: a letter outside of these stops it
OF_PDFLATEX = {
    "a_b": r"a\_b",
    "50%": r"50\%",
    "A&B": r"A\&B",
    "x^2": r"x\textasciicircum{}2",
    "~": r"\textasciitilde{}",
    "#": r"\#",
    "\\foo": r"\textbackslash{}foo",
    "−": "$-$",
    "α < β": r"$\alpha$ \textless{} $\beta$",
    "≥ 2": r"$\geq$ 2",
    '"q"': r"{\ttfamily\char34}q{\ttfamily\char34}",
    "V₁": r"V\textsubscript{1}",
    "mV²": r"mV\textsuperscript{2}",
    "10–20": "10--20",
    "a--b''": r"a-{}-b'{}'",
    "Ⅱ": "II",
    "a\u2003b": "a b",
    "e\u0301": "é",
    "Größe, Łódź": "Größe, Łódź",
}


@pytest.mark.parametrize("name", OF_PDFLATEX)
def test_pdflatex_typesets_these_as_they_are(name: str):
    assert latex(name) == OF_PDFLATEX[name]
    assert beyond_latex(name) == ""
    assert not needs_t1(name)


@given(NAMES)
def test_what_pdflatex_has_no_letters_for_is_named_and_nothing_else(name: str):
    odd = beyond_latex(name)
    assert len(set(odd)) == len(odd)
    assert set(odd) <= set(latex(name))
    assert not odd.isascii() or not odd
    assert beyond_latex(odd) == odd


@given(NAMES)
def test_a_file_name_is_one_plain_component(name: str):
    plain = file_name(name)
    assert plain not in ("", ".", "..")
    assert not plain.startswith(".")
    assert not set(plain) & set('/\\:*?"<>|\0')
    assert len(plain.encode()) <= 100


@given(st.lists(NAMES, max_size=6))
def test_file_names_of_several_are_different(names: list[str]):
    found = file_names(names)
    assert len({each.casefold() for each in found}) == len(names)


def test_matplotlib_draws_the_dollars():
    from matplotlib.cbook import is_math_text

    for name in (*PLAIN, *ODD, "$a$ b $c$"):
        assert not is_math_text(mathtext(name)), name
