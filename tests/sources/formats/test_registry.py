"""The registry of formats: each is a line, found by its ending, and imported when its first file is met."""

import os
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
import scipy.io
from recording_files import write

from pipeline.sources.formats.opened import OpenedFile, Said
from pipeline.sources.formats.recording import RecordError, Recording
from pipeline.sources.formats.registry import FORMATS, Format, known_endings, open_file

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_names_what_is_there(name):
    found = FORMATS[name]
    assert callable(resolve_name(found.opener))
    assert found.known_by is None or callable(resolve_name(found.known_by))
    assert all(ending == ending.lower() and ending[:1] in ("", ".") for ending in found.endings)


def test_the_last_format_of_an_ending_needs_no_second_look():
    for ending in {ending for each in FORMATS.values() for ending in each.endings}:
        *others, _ = [each for each in FORMATS.values() if ending in each.endings]
        assert all(each.known_by for each in others), ending


def test_the_registry_is_light():
    heavy = {"scipy", "wfdb", "pandas", "pydicom", "edfio", "pipeline.sources.formats.matlab"}
    code = f"import sys, pipeline.sources.formats.registry; sys.exit(len({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.xyz", "a.xyz ends in .xyz, which is none of .hea .dat .mat .csv .tsv .txt .npy .npz .dcm"),
        ("a.npy", "a.npy is missing"),
        ("a.csv", "a.csv is missing"),
        ("a", "a.hea is missing"),
        ("a.dat", "a.hea is missing"),
    ],
)
def test_what_is_of_no_format_or_not_there(tmp_path: Path, name, sentence):
    with pytest.raises(RecordError, match=sentence):
        open_file(str(tmp_path / name))


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.npz", "a.mat", "a.hea"])
def test_what_is_no_ordinary_file_is_never_waited_for(tmp_path: Path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(RecordError, match=r"is no ordinary file|is missing"):
        open_file(str(tmp_path / name), Said("mV", 100.0, ("I",)))


def test_a_mat_file_with_a_header_beside_it_is_of_wfdb(tmp_path: Path):
    scipy.io.savemat(tmp_path / "rec.mat", {"val": np.zeros((3, 10))})
    assert open_file(str(tmp_path / "rec.mat"), Said("mV", 1.0, ("I", "II", "V1"))).n_samples == 10
    path = write(tmp_path)
    for name in (path, f"{path}.hea", f"{path}.dat", f"{path}.mat"):
        assert open_file(str(name)).n_samples == 300
    os.rename(f"{path}.hea", f"{path}.v1.hea")
    assert open_file(f"{path}.v1").n_samples == 300


def test_a_new_format_is_a_line(tmp_path: Path, monkeypatch):
    def open_zero(path: str, said: Said) -> OpenedFile:
        return OpenedFile(path, 5, 1.0, ("I",), lambda: Recording(np.zeros((1, 5)), 1.0, ("I",)))

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(sys.modules[__name__], "open_zero", open_zero, raising=False)
    monkeypatch.setitem(FORMATS, "zero", Format("Zero", (".zero",), f"{__name__}:open_zero"))
    assert open_file(str(tmp_path / "a.ZERO")).read().signal.tolist() == [[0.0] * 5]
    assert ".zero" in known_endings()
