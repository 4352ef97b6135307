"""The list of sums: what it may look like, and what is refused."""

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources.download.checksums import SUMS, has_sum, parse_sums, problems_of

A, B = "a" * 64, "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "listing",
    [
        f"{A} x.csv\n{B} records100/00000/00001_lr.hea\n",  # PhysioNet
        f"{A}  x.csv\n{B}  records100/00000/00001_lr.hea\n",  # sha256sum
        f"{A} *x.csv\n{B} *records100/00000/00001_lr.hea\n",  # sha256sum --binary
        f"{A}  ./x.csv\n{B}  ./records100/00000/00001_lr.hea\n",  # find . | xargs sha256sum
        f"{A.upper()}  x.csv\r\n\r\n{B}  records100/00000/00001_lr.hea",
    ],
)
def test_every_usual_form_of_a_list_is_read(listing):
    assert parse_sums(listing.encode(), "list") == {"x.csv": A, "records100/00000/00001_lr.hea": B}


def test_a_name_may_hold_spaces():
    assert parse_sums(f"{A}  two words.txt\n".encode(), "list") == {"two words.txt": A}


@pytest.mark.parametrize(
    ("listing", "begins"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"<!DOCTYPE html>\n<html>", "line 1 begins with '<!DOCTYPE html>'"),
        (f"{A}  x.csv\n{B[:30]}".encode(), f"line 2 begins with '{B[:30]}'"),
        (f"{A[:40]}  x.csv\n".encode(), "line 1 begins with"),  # SHA-1
        (f"{A}  \n".encode(), "line 1 begins with"),
        (f"{A}  x\x00.csv\n".encode(), "line 1 begins with"),
        (b"\xff\xfe\x00\x01" * 30, "line 1 begins with"),
    ],
)
def test_what_is_no_list_is_told(listing, begins):
    with pytest.raises(EcgFusionError, match="https://x/S is no list of SHA-256 sums") as told:
        parse_sums(listing, "https://x/S")
    assert begins in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "..", "a\\..\\..\\x", "C:\\x", "C:x", "\\x", "\\\\host\\share\\x", "."]
)
def test_a_name_outside_the_folder_refuses_the_whole_list(name):
    with pytest.raises(EcgFusionError, match="outside its folder: nothing was fetched"):
        parse_sums(f"{A}  x.csv\n{B}  {name}\n".encode(), "list")


def test_a_file_has_its_sum_or_not(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"heart")
    digest = hashlib.sha256(b"heart").hexdigest()
    assert has_sum(file, digest)
    assert not has_sum(file, A)
    assert not has_sum(tmp_path / "none", digest)


def test_every_file_of_the_list_is_compared(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    for name in ("a", "b", "deep/c"):
        (tmp_path / name).write_text(name)
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b", "deep/c", "d")}
    (tmp_path / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    assert list(problems_of(tmp_path)) == [("d", "is missing")]
    (tmp_path / "b").write_text("B")
    (tmp_path / "deep" / "c").unlink()
    (tmp_path / "more").touch()
    assert dict(problems_of(tmp_path)) == {
        "b": f"differs from what {SUMS} says",
        "deep/c": "is missing",
        "d": "is missing",
    }
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    assert dict(problems_of(tmp_path))["b"] == "is missing"


def test_a_list_that_is_none_is_told_where_it_is_checked(tmp_path: Path):
    (tmp_path / SUMS).write_text("<html>")
    with pytest.raises(EcgFusionError, match="is no list of SHA-256 sums"):
        list(problems_of(tmp_path))
