"""Steps that keep freed memory are timed against steps that do not: one process each, in turn."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest
import torch

from benchmarks import memory
from benchmarks.ratio import Waiting

pytestmark = pytest.mark.usefixtures("cpu_as_before")

SMALL: memory.Case = ("resnet1d_wang", (2, 12, 64))


def test_one_process_keeps_freed_memory_and_both_take_turns_at_the_same_step(monkeypatch):
    asked: list[tuple[int, str]] = []

    class Asked:
        """A process that says yes to all."""

        def __init__(self) -> None:
            self.number = len(numbers)
            numbers.append(self.number)

        def __enter__(self) -> "Asked":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, function: Callable[..., object], *arguments: object) -> "Future[float]":
            asked.append((self.number, function.__name__))
            assert arguments in ((), (SMALL,))
            answer: Future[float] = Future()
            answer.set_result(1.0)
            return answer

    numbers: list[int] = []
    monkeypatch.setattr(memory, "_process", Asked)
    memory.measure(turns=2, cases=[SMALL])
    turn = [(0, "step")] * 2 + [(1, "step")] * 2
    assert asked == [(0, "keep_freed_memory"), *turn * 3, (0, "peak_memory"), (1, "peak_memory")]


def cannot() -> bool:
    return False


def test_the_claim_waits_where_no_freed_memory_can_be_kept(monkeypatch):
    monkeypatch.setattr("pipeline.machine.devices.keep_freed_memory", cannot)
    (row,) = memory.measure(turns=1, cases=[SMALL])
    assert isinstance(row, Waiting)
    assert str(row).endswith("given back: waiting for glibc")


def test_a_step_goes_on_with_the_training_that_was_begun(monkeypatch):
    steps: list[torch.optim.AdamW] = []
    memory._training.cache_clear()
    real = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: steps.append(self) or real(self))
    memory.step(SMALL)
    memory.step(SMALL)
    assert steps[0] is steps[1]
    assert {int(state["step"]) for state in steps[0].state.values()} == {2}
