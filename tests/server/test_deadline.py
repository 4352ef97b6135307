"""A network that is asked after the end of its time says so, however deep it lies."""

import time
from pathlib import Path

import pytest
import torch

from pipeline.server.deadline import Deadline, TookTooLongError
from pipeline.server.served import Served, networks_of


def test_nothing_is_computed_after_the_end_and_all_before_it():
    deadline = Deadline()
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.ReLU()))
    deadline.watch([network, network])
    x = torch.ones(1, 2)
    network(x)
    with deadline.until(time.monotonic() + 60):
        network(x)
    with deadline.until(time.monotonic() + 0.05):
        time.sleep(0.1)
        with pytest.raises(TookTooLongError):
            network[1](x)  # a part of it
    network(x)
    deadline.release()
    with deadline.until(time.monotonic() + 0.05):
        time.sleep(0.1)
        network(x)


def test_every_run_that_is_served_looks_at_the_time(served: list[Served], wfdb_files: list[Path], cpu_as_before):
    deadline, path = Deadline(), str(wfdb_files[0])
    for each in served:
        deadline.watch(networks_of(each.run))
        each.reader.answer(path)
        with deadline.until(time.monotonic() + 0.05):
            time.sleep(0.1)
            with pytest.raises(TookTooLongError):
                each.reader.answer(path)
    deadline.release()


def test_what_begins_too_late_does_not_begin():
    with pytest.raises(TookTooLongError), Deadline().until(time.monotonic() - 1):
        pytest.fail("it has begun")
