"""PTB-XL's statements: the codes of a record are parsed, never evaluated; a damaged table of statements is named."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import EcgFusionError
from pipeline.sources.scp_statements import parse_codes, read_statements

CODE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_()/", min_size=1, max_size=8)
LIKELIHOOD = st.floats(0, 100) | st.integers(0, 100)


@given(st.dictionaries(CODE, LIKELIHOOD, max_size=8))
@example({})
def test_codes_are_what_python_wrote(codes):
    assert parse_codes(str(codes)) == codes
    assert parse_codes(str(codes).replace("'", '"').replace(" ", "")) == codes


@given(st.text("{}'\": ,.0123456789eE+-NORMSjinfa[]()\\", max_size=60))
@example("{'NORM': 100.0,}")
@example("{,}")
@example("{'A': 1 'B': 2}")
@example("{'A': 1,, 'B': 2}")
@example("{'A': 1}}")
@example("{'A': 1} ")
def test_what_is_read_is_what_python_reads(text):
    try:
        codes = parse_codes(text)
    except ValueError:
        return
    assert ast.literal_eval(text.strip()) == codes


@pytest.mark.parametrize(
    "text",
    [
        "-" * 200_000,
        "+1j" * 20_000,
        "{'NORM': " + "-" * 9000 + "1}",
        "[" * 9000,
        "{" * 9000,
        "{'NORM': 100.0" + " " * 9900,
        "{" + "'A': 1, " * 1100,
        "{'" + "A" * 9900,
        "{'NORM': " + "9" * 9900 + "}",
        "{'A': __import__('os').abort()}",
        "",
        "NORM",
        "{'NORM'}",
        "{'NORM': 'likely'}",
        "{'NORM': None}",
        "{'a\\x00': 1}",
    ],
)
def test_the_rest_is_refused_at_once(text):
    with pytest.raises(ValueError, match=r"cannot be read|not 0 to 100 percent|twice") as refused:
        parse_codes(text)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("likelihood", ["nan", "NaN", "inf", "-inf", "1e400", "-5", "300", "100.01", "-1e-9"])
def test_a_likelihood_is_a_percentage(likelihood):
    with pytest.raises(ValueError, match=f"gives 'IMI' the likelihood {likelihood}, not 0 to 100 percent"):
        parse_codes(f"{{'SR': 0.0, 'IMI': {likelihood}}}")


def test_a_statement_twice_in_a_record_is_told():
    with pytest.raises(ValueError, match="names 'IMI' twice"):
        parse_codes("{'IMI': 15.0, 'SR': 0.0, 'IMI': 80.0}")


# the table


def lines_of(folder) -> list[str]:
    return (folder / "scp_statements.csv").read_text().splitlines()


def written(tmp_path, lines):
    path = tmp_path / "scp_statements.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_statements(synthetic_folder):
    found = read_statements(synthetic_folder / "scp_statements.csv")
    assert len(found.codes) == 71
    assert {kind: len(codes) for kind, codes in found.of_kind.items()} == {"diagnostic": 44, "form": 19, "rhythm": 12}
    assert found.superclass["IMI"] == "MI"
    assert found.subclass["LAFB"] == "LAFB/LPFB"
    assert set(found.superclass) == set(found.subclass) == set(found.of_kind["diagnostic"])


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_count_of_lines_in_front_changes_nothing(tmp_path, synthetic_folder, name):
    head, *rows = lines_of(synthetic_folder)
    counted = [f",{name}{head}", *(f"{number},{row}" for number, row in enumerate(rows))]
    assert read_statements(written(tmp_path, counted)) == read_statements(synthetic_folder / "scp_statements.csv")


def test_columns_that_are_more_change_nothing(tmp_path, synthetic_folder):
    more = [f"{line},more,{number}" for number, line in enumerate(lines_of(synthetic_folder))]
    assert read_statements(written(tmp_path, more)) == read_statements(synthetic_folder / "scp_statements.csv")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: [*lines, lines[5]], "lists IMI twice|lists .* twice, in lines 6 and 73"),
        (
            lambda lines: [line.replace(",MI,IMI", ",,IMI") for line in lines],
            "line .*: the diagnostic statement .* has no",
        ),
        (lambda lines: [line.replace(",MI,IMI", ",MI,") for line in lines], "has no diagnostic_subclass"),
        (lambda lines: [line.replace("IMI,", ",", 1) for line in lines], "a statement has an empty name"),
        (lambda lines: [line.replace(",MI,", ",M\x1b[31mI,") for line in lines], "cannot be printed"),
        (lambda lines: [line.replace(",MI,", ",=cmd|x,") for line in lines], "formula of a spreadsheet"),
        (lambda lines: [line.replace("1.0", "inf", 1) for line in lines], "is 'inf', not 1 or nothing"),
        (lambda lines: [line.replace("1.0", "yes", 1) for line in lines], "is 'yes', not 1 or nothing"),
        (lambda lines: [line.partition(",")[2] for line in lines], "begins with description"),
        (
            lambda lines: [f"{n - 1 if n else 'n'},{line.partition(',')[2]}" for n, line in enumerate(lines)],
            "counts its",
        ),
        (lambda lines: lines[:1], "lists 0 statements"),
        (lambda lines: [*lines, *(f"X{n},,,,,," for n in range(2000))], "not from 1 to 1,000"),
    ],
)
def test_a_damaged_table_of_statements_is_a_sentence(tmp_path, synthetic_folder, change, sentence):
    with pytest.raises(EcgFusionError, match=f"scp_statements.csv.*({sentence})"):
        read_statements(written(tmp_path, change(lines_of(synthetic_folder))))
