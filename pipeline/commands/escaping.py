"""Names that come from files, made harmless for whatever they are written into.

A class may be called anything that somebody put into a table. Here is the one place that knows what a terminal, a
spreadsheet, Markdown, LaTeX, matplotlib and a file system do with a text, and takes it from them.
"""

import re
import unicodedata
from collections.abc import Sequence

_EMPTY = "(no name)"
_FORMULA = "=+-@＝＋－＠"
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho varsigma sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_MATHEMATICS = "times leq geq neq approx rightarrow leftarrow infty surd Delta"
_LATEX = {
    "\\": r"\textbackslash{}",
    **{each: f"\\{each}" for each in "{}$&%#_"},
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",  # \textquotedbl is not in every encoding of fonts
    "`": r"\textasciigrave{}",
    # behind the end of a table's row, these two would belong to it
    "[": "{[}",
    "*": "{*}",
    "–": "--",
    "−": "$-$",
    **{each: rf"$\{name}$" for each, name in zip("×≤≥≠≈→←∞√∆", _MATHEMATICS.split(), strict=True)},
    **{each: rf"$\{name}$" for each, name in zip("αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK.split(), strict=True)},
    **{each: rf"\textsubscript{{{i}}}" for i, each in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{each: rf"\textsuperscript{{{i}}}" for i, each in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
_OF_T1 = frozenset("«»ÐðÞþĄąĐđĘęĮįŊŋŲų‹›‚„")
_LIGATURES = "-',"  # two of them would be typeset as one sign
_LONGEST_FILE_NAME = 100


def printable(text: str) -> str:
    r"""A text that moves no cursor, turns no line round and can be encoded; newlines and tabs stay.

    Control characters, overrides of the writing direction, invisible characters and halves of surrogate pairs become
    what Python writes for them. What can be seen, in whatever script, is kept.

    >>> printable("MI \x1b[31m\u202eevil\n")
    'MI \\x1b[31m\\u202eevil\n'
    """
    if text.isprintable():
        return text
    return "".join(each if each in "\n\t" or _can_be_seen(each) else _code(each) for each in text)


def one_line(name: str) -> str:
    r"""A name as one printable line, for a sentence or a cell; an empty one says so.

    >>> one_line("a\nb"), one_line("")
    ('a\\nb', '(no name)')
    """
    return "".join(each if _can_be_seen(each) else _code(each) for each in name) if name.strip() else _EMPTY


def csv_cell(text: str) -> str:
    r"""A name or identifier as a cell that no spreadsheet computes: what begins like a formula gets a quote in front.

    What begins with such a quote gets one, too, so that different names stay different. Separators, quotes and the like
    are the CSV writer's.

    >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell("MI"), csv_cell("'x")
    ("'=cmd|' /C calc'!A0", 'MI', "''x")
    """
    line = "".join(each if _can_be_seen(each) else _code(each) for each in text)
    begins = text.lstrip()[:1]
    return f"'{line}" if (begins and (begins in _FORMULA or begins == "'")) or text[:1] in ("\t", "\r", "\n") else line


def markdown(name: str) -> str:
    r"""A name that stays in its cell or sentence and means nothing to Markdown or HTML.

    >>> markdown("a|b <b> `c` *d* [e](f)"), markdown("1AVB"), markdown("sinus_rhythm")
    ('a\\|b \\<b\\> \\`c\\` \\*d\\* \\[e\\](f)', '1AVB', 'sinus_rhythm')
    """
    escaped = re.sub(r"([\\`*|<>\[\]&~$]|(?<![^\W_])_)", r"\\\1", one_line(name))
    escaped = escaped.replace("://", r"\://")  # GitHub makes a link of every address
    return re.sub(r"^(?=[#=+-])|^(\d+)(?=[.)]\s)", r"\1\\", escaped)


def from_markdown(text: str) -> str:
    r"""A sentence with names that ``markdown`` has escaped, as it is read.

    >>> from_markdown("without: a" + markdown("|b\\_"))
    'without: a|b\\_'
    """
    return re.sub(r"\\(\W|_)", r"\1", text)


def latex(text: str) -> str:
    r"""A text for LaTeX, typeset as it is.

    >>> latex("a_b & 5 % of $x^2$")
    'a\\_b \\& 5 \\% of \\$x\\textasciicircum{}2\\$'
    """
    usual = _composed(one_line(text))
    apart = (
        "{}" if each == before and each in _LIGATURES else "" for before, each in zip(" " + usual, usual, strict=False)
    )
    return "".join(gap + _LATEX.get(each, each) for gap, each in zip(apart, usual, strict=True))


def beyond_latex(text: str) -> str:
    r"""The characters of a text that pdflatex stops at, each once: other scripts, which XeLaTeX and LuaLaTeX typeset.

    >>> beyond_latex("café, 50 % of α, 心房颤动")
    '心房颤动'
    """
    odd = dict.fromkeys(each for each in _composed(one_line(text)) if not (each in _LATEX or _is_in_latex(each)))
    return "".join(odd)


def _composed(text: str) -> str:
    """Letters with their accents in one, and what pdflatex does not know as what it stands for, such as II for Ⅱ."""
    usual = unicodedata.normalize("NFC", text)
    return "".join(
        each if each in _LATEX or _is_in_latex(each) else unicodedata.normalize("NFKC", each) for each in usual
    )


def _is_in_latex(character: str) -> bool:
    # with T1's fonts, see _OF_T1: ASCII, Latin-1 and nearly all of Latin Extended-A
    return (ord(character) < 0x180 and character not in "ĦħĸĿŀŉŦŧſ") or character in "—‘’‚“”„‹›†‡•…‰€™"


def needs_t1(text: str) -> bool:
    r"""Whether ``latex`` of a text has letters that LaTeX's first fonts lack, so that it needs ``[T1]{fontenc}``.

    >>> needs_t1("Große"), needs_t1("Đorđe")
    (False, True)
    """
    return not _OF_T1.isdisjoint(_composed(text))


def mathtext(text: str) -> str:
    r"""A text for a figure of matplotlib, which would set what is between two dollars as mathematics.

    >>> mathtext("$x$")
    '\\$x\\$'
    """
    return one_line(text).replace("$", r"\$")


def file_name(name: str) -> str:
    r"""A name as one plain component of a path, on every system; never empty, never hidden.

    >>> file_name("runs/gru"), file_name("../../etc/passwd"), file_name(".."), file_name("a\nb:c")
    ('runs-gru', 'etc-passwd', 'unnamed', 'a-b-c')
    """
    plain = "".join("-" if each in '/\\:*?"<>|' or not _can_be_seen(each) else each for each in name)
    plain = re.sub(r"-{2,}", "-", plain).strip("-. ")
    while len(plain.encode()) > _LONGEST_FILE_NAME:
        plain = plain[:-1]
    return plain.strip("-. ") or "unnamed"


def file_names(names: Sequence[str]) -> list[str]:
    """A plain file name for each of several, all different, on disks that do not tell capitals from small letters too.

    >>> file_names(["a/b", "a-b", "c"])
    ['1 a-b', '2 a-b', 'c']
    """
    plain = [file_name(name) for name in names]
    folded = [each.casefold() for each in plain]
    return [
        f"{i} {each}" if folded.count(each.casefold()) > 1 or (each[0].isdigit() and " " in each) else each
        for i, each in enumerate(plain, 1)
    ]


def _can_be_seen(character: str) -> bool:
    # blanks of other widths are no danger, and other scripts have them
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _code(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
