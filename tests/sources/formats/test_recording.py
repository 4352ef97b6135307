"""The bytes of a file, from ordinary files alone; and what is checked of every recording."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.machine.files import FileError
from pipeline.sources.formats.recording import RecordError, checked_recording, content, shown


def test_all_bytes_come(tmp_path: Path):
    file = tmp_path / "a.dat"
    file.write_bytes(bytes(range(256)) * 300)
    assert content(str(file)) == bytes(range(256)) * 300


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE])
def test_what_the_machine_lacks_is_no_fault_of_a_recording(tmp_path: Path, monkeypatch, number: int):
    def refuse(file, *_):
        raise OSError(number, os.strerror(number), file)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match=r"a\.dat(: | has gone away: ).* and give the same command again"):
        content(str(tmp_path / "a.dat"))
    number = errno.EACCES
    with pytest.raises(RecordError, match=r"a\.dat cannot be read \(Permission denied\)"):
        content(str(tmp_path / "a.dat"))


def fifo(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


def to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def giant(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**34)  # a hole: it takes no room on the disk


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (fifo, "a.dat is no ordinary file"),
        (to_zero, "a.dat is no ordinary file"),
        (loop, "a.dat cannot be read"),
        (folder, r"a.dat cannot be read \(Is a directory\)"),
        (giant, "a.dat has 17179869184 bytes, and more than 134217728 are not read"),
        (dangling, "a.dat is missing"),
    ],
)
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path, make, sentence: str):
    make(tmp_path / "a.dat")
    with pytest.raises(RecordError, match=sentence):
        content(str(tmp_path / "a.dat"))


def test_what_a_file_says_is_shown_without_its_control_characters():
    assert shown("µV") == "µV"
    assert shown("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert shown("x" * 100, most=5) == "xxxxx…"


@pytest.mark.parametrize(("unit", "millivolts"), [("mV", 1), ("uV", 1e-3), ("V", 1e3), ("nV", 1e-6)])
def test_every_unit_becomes_millivolts(unit: str, millivolts: float):
    recording = checked_recording("a", np.ones((2, 3)), None, [unit, "mV"], 100.0, ("I", "II"))
    np.testing.assert_allclose(recording.signal[:, 0], [millivolts, 1])
