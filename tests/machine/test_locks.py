"""One writer at a time, and a lock that does not outlive its block."""

import errno
import os
import threading
import time

import pytest
from filelock import FileLock

from pipeline.errors import EcgFusionError
from pipeline.machine.files import FileError
from pipeline.machine.locks import locked, one_at_a_time


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


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EROFS, "can only be read"), (errno.EACCES, "no permission to write"), (errno.ENOSPC, "the disk is full")],
)
def test_a_disk_that_takes_no_lock_is_one_sentence(tmp_path, monkeypatch, number, said):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    with pytest.raises(FileError, match=said) as told, locked(tmp_path / "x.h5", "busy"):
        pass
    assert str(tmp_path / "x.h5") in str(told.value)


def test_a_disk_without_locks_is_one_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    with pytest.raises(EcgFusionError, match="knows no locks"), locked(tmp_path / "x.h5", "busy"):
        pass


def test_who_writes_in_turn_waits_for_the_one_before(tmp_path):
    done = []

    def second() -> None:
        with one_at_a_time(tmp_path / "x", "busy"):
            done.append("second")

    other = threading.Thread(target=second)
    with one_at_a_time(tmp_path / "x", "busy"):
        other.start()
        time.sleep(0.2)
        done.append("first")
    other.join()
    assert done == ["first", "second"]


def test_who_waits_in_vain_is_told(tmp_path):
    with one_at_a_time(tmp_path / "x", "busy"):
        with pytest.raises(EcgFusionError, match="x is kept"), one_at_a_time(tmp_path / "x", "x is kept", wait_s=0.1):
            pass
        with one_at_a_time(tmp_path / "y", "busy"):
            pass
