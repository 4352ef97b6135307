"""Sums of items, and parts whose count is too high."""

import numpy as np
from test_writing import lay_out_small

from pipeline.store.checksums import sums_of
from pipeline.store.writing import StoreWriter


def test_rows_that_were_never_written_are_taken_back(tmp_path):
    lay_out_small(tmp_path / "x.h5")
    with StoreWriter(tmp_path / "x.h5") as writer:
        writer.write("signals", 0, np.ones((2, 2, 5), np.int16))
        writer.mark_finished("signals", 5)
        assert writer.take_back_damaged() == 2
        assert writer.finished("signals") == 2
        assert writer.take_back_damaged() is None


def test_zeros_have_a_sum():
    assert sums_of(np.zeros((1, 5), np.int16))[0] != 0
