"""All benchmarks make one table, at toy size here, and one that fails takes nothing from the others."""

import os
import pkgutil
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import benchmarks
import benchmarks.__main__ as together
from benchmarks import (
    agreement_coverage,
    bootstrap,
    coverage,
    creating,
    exporting,
    loading,
    memory,
    older_way,
    predicting,
    reading,
    reading_sets,
    representations,
    serving,
    startup,
    training,
    training_setup,
)
from benchmarks.ratio import Row, Share, Waiting
from benchmarks.simulated_store import make_store, simulate
from benchmarks.training_setup import Case, Setup
from pipeline.commands.parser import run_command
from pipeline.errors import EcgFusionError
from pipeline.store.reading import Store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

TOYS: dict[str, Callable[[], Sequence[Row | Share | Waiting]]] = {
    "reading": partial(reading.measure, n_records=3, turns=1),
    "reading_sets": partial(reading_sets.measure, n_records=3, n_beats=5, turns=1),
    "representations": partial(representations.measure, n_records=1, turns=1),
    "creating": partial(creating.measure, n_records=20, workers=1, turns=1),
    "loading": partial(loading.measure, n_records=6, turns=1),
    "training": partial(training.measure, turns=1),
    "older_way": partial(older_way.measure, turns=1),
    "memory": partial(memory.measure, turns=1, cases=[("resnet1d_wang", (2, 12, 64))]),
    "bootstrap": partial(bootstrap.measure, records=60, classes=3, resamples=20, loop=2, turns=1),
    "coverage": partial(coverage.measure, sets=1, resamples=40),
    "agreement_coverage": partial(agreement_coverage.measure, sets=1, resamples=40, many=1000),
    "serving": partial(serving.measure, posts=4, at_once=2, n_recordings=20),
    "exporting": partial(exporting.measure, turns=1),
    "predicting": partial(predicting.measure, turns=1, n_files=4),
    "startup": partial(startup.measure, turns=1, commands=["evaluate.py"], n_records=60, n_classes=3),
}


def small_store(folder: Path) -> Store:
    """Instead of 128 recordings at 256 pixels."""
    forms = training_setup.ALL_FORMS
    return make_store(simulate(folder, 20), folder, ("--size", "32", "--representations", *forms))


def small_set_up(case: Case, *arguments: Any, **changed: Any) -> Setup:
    """An epoch of one step of eight items, of which the older way scores one; no network has millions of weights."""
    small = replace(case, steps=(1, 1), model={"alexnet": "cnn"}.get(case.model, case.model))
    return training_setup.set_up(small, *arguments, **{"batch_size": 8, **changed})


def typed(words: Sequence[str], code: int = 0) -> None:
    """Runs a command in this process, which test_startup does in one of its own; it has to end with the code."""
    if words[0] == "-c":
        return
    try:
        import_module(Path(words[0]).stem).main(list(words[1:]))
        ended: object = 0
    except SystemExit as left:
        ended = left.code
    assert ended == code


def all_at_toy_size(monkeypatch: pytest.MonkeyPatch) -> list[Row | Share | Waiting]:
    """Makes every part a toy, measured in this process; gives the list that its rows will be in."""
    rows: list[Row | Share | Waiting] = []

    def measured_here(measure: Callable[[], object]) -> Sequence[Row | Share | Waiting]:
        made = TOYS[measure.__module__.removeprefix("benchmarks.")]()
        assert made
        rows.extend(made)
        return made

    for part in (training, older_way):
        monkeypatch.setattr(part, "store_for_training", small_store)
        monkeypatch.setattr(part, "set_up", small_set_up)
    for part in (predicting, startup):
        monkeypatch.setattr(part, "run", typed)
    monkeypatch.setattr(representations, "SOURCE_BYTES", 2**21)
    monkeypatch.setattr(together, "measured_alone", measured_here)
    return rows


def lines_of(path: Path) -> list[str]:
    """The table's lines, all of five cells."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {6}
    return lines


def test_all_parts_reach_their_end_in_one_table(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = all_at_toy_size(monkeypatch)
    together.main([])
    assert [path.name for path in tmp_path.iterdir()] == ["benchmarks.md"]
    said = capsys.readouterr().out
    assert "failed" not in said
    assert all(f"{row}\n" in said for row in rows)
    machine, blank, *table = Path("benchmarks.md").read_text().splitlines()
    assert f"{together.processor()}, {os.cpu_count()} cores, no GPU, Python {platform.python_version()}, " in machine
    assert blank == ""
    assert table == lines_of(Path("benchmarks.md"))
    assert table[2:] == [f"| {' | '.join(row.cells())} |" for row in rows]
    assert any("times the peak memory" in line for line in table)
    assert all(min(row.ours, row.theirs) > 0 for row in rows if isinstance(row, Row))
    waiting = [line for line in table if "| waiting for a GPU |" in line]
    assert len(waiting) == len([row for row in rows if isinstance(row, Waiting)]) == len(training.CASES) + 1 + 2


def test_every_benchmark_that_measures_by_itself_is_a_part():
    modules = [import_module(f"benchmarks.{module.name}") for module in pkgutil.iter_modules(benchmarks.__path__)]
    measures = {each.__name__: signature(each.measure).parameters for each in modules if hasattr(each, "measure")}
    alone = {name for name, asks in measures.items() if all(each.default is not each.empty for each in asks.values())}
    assert alone == {part.__name__ for part in together.PARTS}


def set_and_asked(name: str) -> list[Row]:
    """Whether a part before this one has left something in the process."""
    row = Row(f"{name}, {'not ' * (name not in sys.modules)}left", 1, 2)
    sys.modules["left"] = sys
    return [row]


def part(name: str, measure: Callable[[], object]) -> SimpleNamespace:
    """What stands for a module of a benchmark."""
    return SimpleNamespace(__name__=f"benchmarks.{name}", measure=measure)


LEFT = part("left", partial(set_and_asked, "left"))


def test_each_part_has_a_process_of_its_own(tmp_path: Path, monkeypatch, capfd):
    monkeypatch.setattr(together, "PARTS", [LEFT, LEFT, part("reading", TOYS["reading"])])
    together.main(["-out", str(tmp_path / "table.md")])
    said, shown = capfd.readouterr()
    lines = lines_of(tmp_path / "table.md")
    assert [line.startswith("| left, not left |") for line in lines[:5]] == [False, False, True, True, False]
    assert len(lines) >= 5
    assert "ratio 2" in said
    assert "|" not in shown


def give_up() -> None:
    sys.exit("the two sides differ")


def err() -> None:
    raise ValueError("one | two\nthree")


def refuse() -> None:
    raise EcgFusionError("no recordings: name another folder")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (give_up, "the two sides differ"),
        (refuse, "no recordings: name another folder"),
        (err, r"ValueError('one \| two\nthree')"),
        (be_killed, "BrokenProcessPool("),
    ],
)
def test_a_part_that_fails_is_named_and_takes_nothing_from_the_others(
    measure, said, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setattr(together, "PARTS", [LEFT, part("broken", measure), LEFT])
    monkeypatch.setattr(sys, "argv", ["benchmarks", "-out", str(tmp_path / "table.md")])
    with pytest.raises(SystemExit, match=r"1 of 3 parts failed: python -m benchmarks\.broken will show where") as ended:
        run_command(together.main)
    assert isinstance(ended.value.code, str)  # which Python prints, and ends with 1
    _, _, first, failed, last = lines_of(tmp_path / "table.md")
    assert first == last == "| left, not left | 1.00 s | 2.00 s | 2 |  |"
    assert failed.startswith(f"| broken | failed: {said}")
    assert "broken: failed: " in capsys.readouterr().out


def test_what_was_measured_before_an_interruption_is_in_the_table(tmp_path: Path, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(together, "PARTS", [LEFT, part("slow", interrupted), LEFT])
    monkeypatch.setattr(together, "measured_alone", lambda measure: measure())
    with pytest.raises(KeyboardInterrupt):
        together.main(["-out", str(tmp_path / "table.md")])
    assert len(lines_of(tmp_path / "table.md")) == 3
