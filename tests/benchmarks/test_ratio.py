"""Rivals are timed in turn, and a ratio says which is the faster."""

from functools import partial
from types import SimpleNamespace

import pytest

from benchmarks import ratio
from benchmarks.__main__ import table
from benchmarks.ratio import Failed, Row, Waiting, medians


def test_all_take_turns_and_neither_the_first_turn_nor_a_first_call_counts(monkeypatch):
    now, order = [0.0], []
    seconds = {"a": iter([100, 100, 50, 1, 50, 3, 50, 2]), "b": iter([100, 100, 50, 6, 50, 4, 50, 5])}
    monkeypatch.setattr(ratio, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def wait(for_s: float) -> None:
        now[0] += for_s

    def run(name: str) -> None:
        order.append(name)
        wait(next(seconds[name]))

    found = medians({name: partial(run, name) for name in "ab"}, turns=3, calls=2, before=partial(wait, 1000))
    assert order == list("aabb" * 4)
    assert found == {"a": 2, "b": 5}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("drawing", 2e-5, 1e-3, 25), "drawing: ours 20 µs, theirs 1 ms, ratio 50 (aim 25)"),
        (Row("drawing", 1e-4, 2e-5, 1 / 4), "drawing: ours 100 µs, theirs 20 µs, ratio 1/5 (aim 1/4)"),
        (Row("drawing", 0.5, 61.5), "drawing: ours 500 ms, theirs 61.50 s, ratio 123"),
        (
            Row("drawing", 1, 0.96, 0.95, "by hand"),
            "drawing: ours 1.00 s, theirs 960 ms, ratio 0.96 (aim 0.95); by hand",
        ),
        (Row("drawing", 0.2, 2, limit=1), "drawing: ours 200 ms, theirs 2.00 s, ratio 10 (aim within 1.00 s)"),
        (Waiting("drawing", "a pencil", 2), "drawing: waiting for a pencil"),
        (Failed("drawing", "the pencil broke"), "drawing: failed: the pencil broke"),
    ],
)
def test_a_row_says_both_times_and_how_many_times_faster_ours_is(row, says):
    assert str(row) == says


def test_the_table_has_a_line_for_each_row_and_each_that_waits_or_failed():
    lines = table(
        [
            Row("drawing", 1, 2, 1.5, "by hand"),
            Waiting("erasing", "a rubber", 3),
            Failed("sharpening", "it broke:\n  too short"),
            Row("both", 1, 2, limit=3),
        ]
    ).splitlines()
    assert lines[-4:] == [
        "| drawing (by hand) | 1.00 s | 2.00 s | 2 | 1.5 |",
        "| erasing | waiting for a rubber |  |  | 3 |",
        "| sharpening | failed: it broke: too short |  |  |  |",
        "| both | 1.00 s | 2.00 s | 2 | within 3.00 s |",
    ]
    assert {line.count("|") for line in lines if line.startswith("|")} == {6}
