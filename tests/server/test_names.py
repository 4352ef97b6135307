"""An uploaded name is one plain name in a folder, whatever it says."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.server.names import plain_name, shown_name


@pytest.mark.parametrize("name", ["00001_lr.hea", "A00001.mat", "a b (1).edf", "x.tar.gz", "100", "a_b+c-d.SCP"])
def test_usual_names_are_kept(name: str):
    assert plain_name(name) == name
    assert shown_name(name) == name


@pytest.mark.parametrize(
    ("uploaded", "plain"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow.csv", "shadow.csv"),
        ("C:\\Windows\\x.dat", "x.dat"),
        ("..", "unnamed"),
        (".", "unnamed"),
        ("", "unnamed"),
        (".bashrc", "bashrc"),
        ("a\0b.hea", "a-b.hea"),
        ("a\nb\r.csv", "a-b.csv"),
        ("con", "_con"),
        ("NUL.csv", "_NUL.csv"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("aux .txt", "_aux .txt"),
        ("x.", "x"),
        ("-rf.dat", "rf.dat"),
        ("\u202ecod.exe", "cod.exe"),
        ("Größe.edf", "Größe.edf"),
        ("心.dcm", "心.dcm"),
        ("x.<script>", "x"),
    ],
)
def test_others_become_plain(uploaded: str, plain: str):
    assert plain_name(uploaded) == plain


def test_a_very_long_name_keeps_its_ending():
    assert plain_name("x" * 5000 + ".hea").endswith("x.hea")
    assert len(plain_name("x" * 5000 + ".hea")) < 100
    assert len(plain_name("心" * 500 + ".hea").encode()) < 100


@given(st.text(st.characters(codec=None), max_size=300))
@example("a/../../b")
@example("\ud800")
def test_whatever_it_says_it_stays_in_its_folder(uploaded: str):
    name = plain_name(uploaded)
    place = Path("/tmp/some-folder")
    assert Path(os.path.normpath(place / name)).parent == place
    assert name not in ("", ".", "..")
    assert not set(name) & set('/\\\0\n\r:*?"<>|')
    assert len(os.fsencode(name)) <= 120
    assert shown_name(uploaded).isprintable() or " " in shown_name(uploaded) or not shown_name(uploaded).isascii()
    assert len(shown_name(uploaded)) <= 101
