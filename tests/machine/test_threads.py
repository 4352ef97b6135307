"""Work in threads: in order, one task at a time beside the work, and no failure lost."""

import threading
import time
from functools import partial

import pytest

from pipeline.machine.threads import in_background, ordered_map


def test_results_come_in_the_order_of_the_chunks():
    def slow_at_first(chunk):
        time.sleep(0.02 / (1 + chunk))
        return chunk

    assert list(ordered_map(slow_at_first, range(20), workers=4)) == list(range(20))


def test_background_tasks_are_done_in_order_one_at_a_time_and_to_the_end():
    done, running = [], threading.Lock()

    def task(number):
        assert running.acquire(blocking=False)
        time.sleep(0.01)
        done.append(number)
        running.release()

    with in_background() as begin:
        for number in range(5):
            begin(partial(task, number))
            assert len(done) >= number  # that before is finished
    assert done == list(range(5))


def fail():
    raise OSError("full")


def test_what_a_background_task_raises_is_raised_before_the_next():
    begun = []

    def begin_two():
        with in_background() as begin:
            begin(fail)
            begin(lambda: begun.append(2))

    with pytest.raises(OSError, match="full"):
        begin_two()
    assert not begun


def test_what_the_last_background_task_raises_is_raised_at_the_end():
    with pytest.raises(OSError, match="full"), in_background() as begin:
        begin(fail)
