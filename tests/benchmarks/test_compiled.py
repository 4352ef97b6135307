"""Steps of a network as it is and compiled are timed, with what compiling took; without a compiler it says so."""

import pytest
from torch import nn

from benchmarks import compiled
from benchmarks.ratio import Row, Waiting

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(compiled.CASES, "small", ("cnn_gru", 2, 12, 40))
    return "small"


def test_a_row_has_both_and_the_first_step(small: str, monkeypatch: pytest.MonkeyPatch):
    seen: list[nn.Module] = []
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/g++")
    monkeypatch.setattr(nn.Module, "compile", lambda network: seen.append(network))
    row = compiled.steps_of(small, 1)
    assert isinstance(row, Row)
    assert row.ours > 0 < row.theirs
    assert len(seen) == 1
    assert "first compiled step took" in row.note


def test_without_a_compiler_it_waits_for_one(small: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    row = compiled.steps_of(small, 1)
    assert isinstance(row, Waiting)
    assert "C++ compiler" in row.lacking


def test_its_cases_are_of_the_layouts():
    assert set(compiled.NAMES) <= set(compiled.CASES)
