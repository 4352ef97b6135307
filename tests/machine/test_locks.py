"""One writer at a time, and a lock that does not outlive its block."""

import pytest

from pipeline.errors import EcgFusionError
from pipeline.machine.locks import locked


def test_the_second_is_told_and_others_are_free(tmp_path):
    with locked(tmp_path / "x.h5", "x.h5 is being written"):
        with pytest.raises(EcgFusionError, match="being written"), locked(tmp_path / "x.h5", "x.h5 is being written"):
            pass
        with locked(tmp_path / "y.h5", "busy"):
            pass
    with locked(tmp_path / "x.h5", "busy"):
        pass


def test_a_failure_in_the_block_frees_it(tmp_path):
    with pytest.raises(ValueError, match="inside"), locked(tmp_path / "x", "busy"):
        raise ValueError("inside")
    with locked(tmp_path / "x", "busy"):
        pass
