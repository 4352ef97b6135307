"""Every benchmark that is quick at toy size gives rows, and all of them one table."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

import benchmarks.__main__ as together
from benchmarks import bootstrap, creating, loading, reading
from benchmarks.alone import measured_alone
from benchmarks.ratio import Row

pytestmark = pytest.mark.usefixtures("cpu_as_before")

TOYS: dict[str, Callable[[], list[Row]]] = {
    "bootstrap": partial(bootstrap.measure, records=60, classes=3, resamples=20, loop=2, turns=1),
    "reading": partial(reading.measure, n_records=3, turns=1),
    "loading": partial(loading.measure, n_records=6, turns=1),
    "creating": partial(creating.measure, n_records=20, workers=1, turns=1),
}


def require_table(rows: list[Row]) -> None:
    lines = [line for line in together.table(rows).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(rows) > 2
    assert {line.count("|") for line in lines} == {6}


@pytest.mark.parametrize("name", TOYS)
def test_a_benchmark_gives_rows(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = TOYS[name]()
    for row in rows:
        assert 0 < row.ours < 60
        assert 0 < row.theirs < 60
        assert row.what in str(row)
    require_table(rows)
    assert not list(tmp_path.iterdir())


def set_and_asked(name: str) -> list[Row]:
    """Whether a part before this one has left something in the process."""
    row = Row(f"{name}, {'not ' * (name not in sys.modules)}left", 1, 2)
    sys.modules["left"] = sys
    return [row]


def test_each_part_has_a_process_of_its_own_and_all_make_one_table(tmp_path: Path, monkeypatch, capfd):
    toys = [partial(set_and_asked, "left"), partial(set_and_asked, "left"), TOYS["reading"]]
    monkeypatch.setattr(together, "PARTS", [SimpleNamespace(measure=toy) for toy in toys])
    together.main(["-out", str(tmp_path / "table.md")])
    said, shown = capfd.readouterr()
    table = (tmp_path / "table.md").read_text()
    assert table.count("| left, not left |") == 2
    assert "| reading a record" in table
    assert len([line for line in table.splitlines() if line.startswith("|")]) == 5
    assert "ratio 2" in said
    assert "|" not in shown


def give_up() -> list[Row]:
    sys.exit("the two sides differ")


def test_a_part_that_gives_up_ends_all():
    with pytest.raises(SystemExit, match="the two sides differ"):
        measured_alone(give_up)
