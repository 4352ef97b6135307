"""A network that is asked after the end of its time says so, however deep it lies."""

import time

import pytest
import torch

from pipeline.server.deadline import Deadline, TookTooLongError


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


def test_what_begins_too_late_does_not_begin():
    with pytest.raises(TookTooLongError), Deadline().until(time.monotonic() - 1):
        pytest.fail("it has begun")
