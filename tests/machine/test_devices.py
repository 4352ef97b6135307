"""Where the work is done, and what a user is told who asks for what is not there."""

import ctypes
import os
import platform
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.errors import EcgFusionError
from pipeline.listening import Warned
from pipeline.machine import devices
from pipeline.machine.devices import choose_device, full_fp32, keep_freed_memory, set_up_cpu
from pipeline.machine.group import Group
from pipeline.machine.threads import free_cores

pytestmark = pytest.mark.usefixtures("cpu_as_before")


def test_no_test_sees_a_gpu_that_does_not_ask_for_one():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert not torch.cuda.is_available()
    sees_one = "import sys, torch; sys.exit(torch.cuda.is_available())"
    assert subprocess.run([sys.executable, "-c", sees_one], check=False).returncode == 0


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch) -> list[int]:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def test_without_a_gpu_the_cpu_is_taken(no_gpu, capsys):
    assert choose_device() == torch.device("cpu")
    assert capsys.readouterr().err == ""


def test_asking_for_a_gpu_that_is_not_there_warns_and_goes_on(no_gpu, told):
    assert choose_device(0) == torch.device("cpu")
    assert told == [Warned("-gpu_id 0: no GPU is to be found, so the work goes on on the CPU")]


@pytest.mark.parametrize(("asked", "taken"), [(None, 0), (0, 0), (1, 1)])
def test_a_gpu_is_taken_where_there_is_one(two_gpus, asked, taken):
    assert choose_device(asked) == torch.device("cuda", taken)
    assert two_gpus == [taken]


@pytest.mark.parametrize("asked", [-1, 2])
def test_a_gpu_of_a_number_that_is_not_there_is_refused(two_gpus, asked):
    with pytest.raises(EcgFusionError, match=f"-gpu_id {asked}: there are GPUs 0 to 1"):
        choose_device(asked)


@pytest.mark.parametrize("kind", ["cuda", "cpu"])
def test_convolutions_of_pictures_have_their_channels_last(kind, monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 2), nn.Conv1d(3, 4, 5))
    to = nn.Module.to
    monkeypatch.setattr(nn.Module, "to", lambda module, *where, **how: module if where else to(module, **how))
    assert devices.placed(network, torch.device(kind)) is network
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[3].weight.is_contiguous()


@pytest.mark.parametrize("before", [True, False])
def test_fp32_is_not_tf32_while_it_is_asked_for(before, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", before)
    with full_fp32():
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_failure_in_fp32_leaves_tf32_as_it_was(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with suppress(KeyError), full_fp32():
        raise KeyError
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(
    ("local_size", "asked", "sentence"),
    [
        (2, 1, "-gpu_id 1 is for one process, and of 6 each has a GPU of its own: leave it out"),
        (3, None, "3 processes on this machine, and 2 of its GPUs to be seen: start as many processes"),
    ],
)
def test_of_processes_that_work_together_each_needs_a_gpu(two_gpus, monkeypatch, local_size, asked, sentence):
    monkeypatch.setattr(devices, "the_group", lambda: together(local_size))
    with pytest.raises(EcgFusionError, match=sentence):
        choose_device(asked)


def test_of_processes_that_work_together_each_has_a_gpu_and_its_cores(two_gpus, monkeypatch):
    monkeypatch.setattr(devices, "the_group", lambda: together(2))
    monkeypatch.setattr(devices, "free_cores", lambda: 5)
    assert choose_device() == torch.device("cuda", 1)
    assert set_up_cpu() == torch.get_num_threads() == 2


def together(local_size: int) -> Group:
    """The second of six processes, so many of which are on this machine."""
    member = Group()
    member.rank = member.local_rank = 1
    member.size, member.local_size = 6, local_size
    return member


def test_threads_are_set_and_given_back():
    assert set_up_cpu(2) == torch.get_num_threads() == 2
    assert set_up_cpu(1) == torch.get_num_threads() == 1


def test_the_free_cores_are_taken_by_default(monkeypatch):
    monkeypatch.setattr(devices, "free_cores", lambda: 2)
    assert set_up_cpu() == torch.get_num_threads() == 2


@pytest.mark.parametrize(("load", "free"), [(0.0, 8), (0.4, 8), (2.6, 5), (7.9, 1), (30.0, 1)])
def test_free_cores_are_those_that_nobody_keeps_busy(monkeypatch, load, free):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert free_cores() == free


def test_denormal_numbers_become_zero():
    """They make a recurrent network two to eight times slower, and are zero to it."""
    torch.set_flush_denormal(False)
    tiny = torch.full((64,), float(np.finfo(np.float32).tiny))
    assert (tiny / 4).any()
    set_up_cpu(1)
    assert not (tiny / 4).any()


FAULTS = """
import resource
import torch
from pipeline.machine.devices import set_up_cpu

set_up_cpu(1)
for turn in range(40):
    if turn == 30:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [torch.ones(2**22) for _ in range(2)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_freed_memory_is_taken_again_without_a_page_fault():
    """Ten turns of two tensors of 16 MiB would be 81,920 faults of 4 KiB, or 160 of 2 MiB."""
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 80


@pytest.mark.parametrize("library", [("", ""), ("musl", "1.2")])
def test_another_c_library_is_left_as_it_is(library, monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert not keep_freed_memory()
    assert set_up_cpu(1) == 1
