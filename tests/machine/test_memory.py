"""How much memory there is, in a container too, and how much was taken."""

import os
import sys

import numpy as np
import pytest

from pipeline.machine import memory
from pipeline.machine.memory import machine_memory, peak_memory

INSTALLED = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["max\n", None], INSTALLED),
        ([None, None], INSTALLED),
        (["1000000\n", None], 1_000_000),
        ([None, "2000000\n"], 2_000_000),
        ([f"{2**62}\n", None], INSTALLED),
    ],
    ids=["unlimited", "no container", "version 2", "version 1", "a limit beyond the machine"],
)
def test_a_container_may_have_less_than_the_machine(tmp_path, monkeypatch, said, found):
    files = [tmp_path / str(number) for number in range(len(said))]
    for file, text in zip(files, said, strict=True):
        if text is not None:
            file.write_text(text)
    monkeypatch.setattr(memory, "_LIMITS_OF_A_CONTAINER", files)
    assert machine_memory() == found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit is that of Linux")
def test_the_peak_is_in_megabytes_and_never_falls():
    before = peak_memory()
    assert 10 < before < INSTALLED / 2**20
    block = np.ones(round((before + 64) * 2**20 / 8))  # more than all that was ever held
    after = peak_memory()
    assert after >= before + 60
    del block
    assert peak_memory() >= after
