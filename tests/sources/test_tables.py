"""Tables as people have them: every way to write one is read right or refused in a sentence with its line."""

import math
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import EcgFusionError
from pipeline.sources.tables import (
    MOST_BYTES,
    age_in_years,
    file_name,
    first_twice,
    fold_number,
    identifiers,
    read_table,
    sex_code,
    whole_number,
)

PLAIN = 'id,name,note\n1,für,"a, ""b""\nc"\n2,x,\n'
READ = {"id": ["1", "2"], "name": ["für", "x"], "note": ['a, "b"\nc', ""]}


@pytest.fixture
def read(tmp_path):
    def of(content, needed=("id", "name"), optional=("note",), **how):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, needed, optional, **how)

    return of


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.encode("latin-1"),
        (PLAIN + "\n,,\n\n").encode(),
        PLAIN.replace("2,x", " 2 , x ").encode(),
        'note;"id";name\n"a, ""b""\nc";1;für\n;2;x\n'.encode(),
        'name\tid\tnote\nfür\t1\t"a, ""b""\nc"\nx\t2\t\n'.encode(),
        ("," + PLAIN.replace("\n1", "\n0,1").replace("\n2", "\n1,2")).encode(),
    ],
    ids=["plain", "BOM", "UTF-16", "UTF-16-BE", "Latin-1", "blank-rows", "blanks", "semicolons", "tabs", "index"],
)
def test_the_same_table_however_it_is_written(read, content):
    assert read(content).columns == READ


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(read, end):
    table = read(f"id,name{end}1,a{end}{end}2,b{end}".encode())
    assert table.columns == {"id": ["1", "2"], "name": ["a", "b"]}
    assert table.lines == [2, 4]


def test_a_row_is_known_by_the_line_it_begins_in(read):
    assert read(PLAIN).lines == [2, 4]
    with pytest.raises(EcgFusionError, match="line 4: id is bad"):
        read(PLAIN).each("id", lambda text: (_ for _ in ()).throw(ValueError("is bad")) if text == "2" else text)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty: mend"),
        ("\n\n", "is empty: mend"),
        ("id,nam\n1,a\n", r"has no column name \(it has id, nam\): mend the table"),
        ("id;nam\n1;a\n", r"has no column name \(it has id, nam\)"),
        ("id,,name2\n1,,a\n", "it has id, one without a name, name2"),
        (",".join(f"c{number}" for number in range(40)) + "\n", "c11 and 28 others"),
        ("id,name,id\n1,a,1\n", "has the column id 2 times"),
        ("id,name\n1,a\n2\n", "line 3 has 1 fields, not the 2 of line 1"),
        ("id,name\n1,a,b\n", "line 2 has 3 fields"),
        ('id,name\n1,"a\n2,b\n', "row that begins in line 2"),
        ('id,name\n1,"a"b\n', "row that begins in line 2"),
        (b"id,name\n1,\xc3\xbc\n2,\xfc\n", "holds bytes that are no text"),
        (b"id,name\n1,a\x00\n", "holds bytes that are no text"),
        (PLAIN.encode("utf-16")[:-1], "holds bytes that are no text"),
        ("id,name\n1," + "x" * 200_000 + "\n", "field larger than field limit"),
        ("id,name\n1," + "x" * 3_000_000 + "\n", "it has more than 2,097,152 characters"),
        ("id,name\n" + ("," * 900_000 + '"\n"') * 4, "it has more than 2,097,152 characters|fields"),
        ("id,name" + "," * 1_000_000 + "\n", "line 1 has 1,000,002 fields: that is no table of recordings"),
        ("id,name\n" + "\n" * 400_010 + "1,a\n", "more than 200,000 lines"),
    ],
)
def test_what_is_no_such_table_is_a_sentence(read, content, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        read(content)


def test_what_is_no_file_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "giant", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    for name, sentence in {
        "fifo": "is no file",
        "folder": "is no file",
        "none": "is missing",
        "giant": "has 128 MiB: that is no table of recordings",
    }.items():
        with pytest.raises(EcgFusionError, match=sentence):
            read_table(tmp_path / name, ("id",))


# cells


@given(st.integers(0, 10**40), st.sampled_from(["", ".", ".0", ".000"]))
@example(10**20 + 7, ".0")
def test_a_whole_number_keeps_every_digit(number, end):
    assert whole_number(f"{number}{end}") == str(number)


@given(st.text(max_size=30))
@example("1e5")
@example("1.2E+20")
@example("17.5")
@example("-5")
@example("٣")
@example("1_0")
@example("inf")
def test_nothing_else_is_a_whole_number(text):
    if text.partition(".")[0].isascii() and text.partition(".")[0].isdigit() and not text.partition(".")[2].strip("0"):
        assert whole_number(text) == text.partition(".")[0]
    else:
        with pytest.raises(ValueError, match="is not a whole number"):
            whole_number(text)


@pytest.mark.parametrize("digits", [17, 20, 40])
@pytest.mark.parametrize("end", ["", ".0"])
def test_long_identifiers_stay_different(read, digits, end):
    numbers = [str(10**digits + number) for number in range(50)]
    table = read("id,name\n" + "".join(f"{number}{end},a\n" for number in numbers))
    assert identifiers(table, "id") == numbers


def test_an_identifier_is_written_in_one_way(read):
    assert identifiers(read("id,name\n007,a\n008,b\n007.0,c\n"), "id") == ["007", "008", "007"]
    with pytest.raises(EcgFusionError, match="has the id 7 and 007: write each number in one way"):
        identifiers(read("id,name\n007,a\n7,b\n"), "id")


@given(st.integers(-(10**15), 10**15) | st.integers(-2, 13), st.sampled_from(["", ".0"]))
def test_folds_are_one_to_ten(number, end):
    if 1 <= number <= 10:
        assert fold_number(10)(f"{number}{end}") == number
    else:
        with pytest.raises(ValueError, match=r"not a fold from 1 to 10|is not a whole number"):
            fold_number(10)(f"{number}{end}")


def test_folds_that_are_counted_from_0_are_told_so():
    with pytest.raises(
        ValueError, match=r"is '0', not a fold from 1 to 10 .a table that counts them from 0 needs 1 more"
    ):
        fold_number(10)("0")


@given(st.floats() | st.integers(-10, 400) | st.text(max_size=12))
@example("1e400")
@example("90 years")
@example(-5)
@example(131)
def test_an_age_is_one_that_people_have(value):
    text = str(value).strip()
    try:
        years = age_in_years(text)
    except ValueError as problem:
        assert "not years from 0 to 130, 300 for over 89, or nothing" in str(problem)  # noqa: PT017
    else:
        assert (text.lower() in ("", "nan", "na", "n/a", "none", "null", "unknown")) == math.isnan(years)
        assert math.isnan(years) or years == (90 if float(text) == 300 else float(text))


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        *[(text, 0) for text in ("0", "0.0", "male", "M", "m", "Man", "MALE")],
        *[(text, 1) for text in ("1", "1.0", "female", "F", "f", "woman")],
        *[(text, -1) for text in ("", "nan", "NA", "unknown")],
    ],
)
def test_sexes(text, sex):
    assert sex_code(text) == sex


@given(st.text(max_size=12) | st.floats().map(str) | st.integers().map(str))
@example("inf")
@example("300")
@example("0.5")
@example("2")
@example("-1")
def test_no_other_word_is_a_sex(text):
    try:
        assert sex_code(text) in (-1, 0, 1)
        known = ("", "nan", "na", "n/a", "none", "null", "unknown", "m", "f", "male", "female", "man", "woman")
        assert text.lower() in known or float(text) in (0, 1)
    except ValueError as problem:
        assert "not 0 or male, 1 or female, or nothing" in str(problem)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        "records100/00000/1_lr",
        "records100\\00000\\1_lr.dat",
        "./records100//00000/1_lr.hea",
        "records100/00000/1_lr.HEA",
    ],
)
def test_the_file_that_is_meant(text):
    assert file_name(".hea", ".dat")(text) == "records100/00000/1_lr"


@given(st.text(max_size=20) | st.lists(st.sampled_from(["..", "a", "/", "\\", ".", "C:", "\0", "\x1b"])).map("".join))
@example("")
@example("/etc/passwd")
@example("..\\a")
@example("a/../../b")
@example("C:a")
@example(".hea")
@example("x" * 300)
@example("/" * 30)
def test_a_name_stays_below_its_folder(text):
    try:
        name = file_name(".hea", ".dat")(text)
    except ValueError:
        return
    inside = os.path.normpath(os.path.join("/folder", name))
    assert inside.startswith("/folder/")
    assert name.isprintable()


def test_the_first_that_is_there_twice():
    assert first_twice(["a", "b", "c", "b", "a"]) == (1, 3)
    assert first_twice(["a", "b"]) is None


@given(st.binary(max_size=60) | st.text(alphabet='id,name;\t"\n\r\0é', max_size=60).map(lambda text: text.encode()))
def test_no_bytes_are_anything_but_a_table_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "table.csv"
    path.write_bytes(b"id,name\n" + content)
    try:
        table = read_table(path, ("id", "name"))
    except EcgFusionError:
        return
    assert {len(column) for column in table.columns.values()} == {len(table)}


# tables without a line of names


@pytest.mark.parametrize("content", ["A1,N\nA2,~\n", "A1;N\r\nA2;~\r\n", "A1\tN\n\nA2\t~"])
def test_columns_may_be_named_by_who_reads(read, content):
    table = read(content, ("record", "label"), (), names=("record", "label"))
    assert table.columns == {"record": ["A1", "A2"], "label": ["N", "~"]}
    assert table.lines[0] == 1


def test_a_row_of_another_width_says_what_was_meant(read):
    with pytest.raises(EcgFusionError, match=r"line 2 has 3 fields, not 2 \(record, label\): mend the table"):
        read("A1,N\nA2,N,O\n", ("record", "label"), (), names=("record", "label"))


def test_nothing_in_it_is_no_row(read):
    assert len(read("", ("record", "label"), (), names=("record", "label"))) == 0
