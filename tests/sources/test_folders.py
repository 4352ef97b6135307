"""A folder that is not the one meant is answered with the one that is, or with what it looks like."""

import os

import pytest

from pipeline.errors import EcgFusionError
from pipeline.sources import open_source
from pipeline.sources.folders import looks_like, refuse_no_folder, where_meant


@pytest.mark.parametrize("below", ["records100", "records100/00000"])
def test_a_level_too_low(copied_folder, below):
    with pytest.raises(
        EcgFusionError, match=f"ptbxl_database.csv is missing, and {copied_folder} has one: give --data "
    ):
        open_source("ptbxl", copied_folder / below)


@pytest.mark.parametrize("within", ["data", "data/1.0.3"])
def test_a_level_too_high(copied_folder, tmp_path, within):
    (tmp_path / within).mkdir(parents=True)
    copied_folder.rename(tmp_path / within / "ptbxl")
    with pytest.raises(EcgFusionError, match=rf"is missing, and .*ptbxl has one: give --data .*{within}/ptbxl$"):
        open_source("ptbxl", tmp_path / "data")


def test_the_folder_in_the_folder_that_was_typed(copied_folder, monkeypatch):
    monkeypatch.chdir(copied_folder / "records100")
    assert str(where_meant(type(copied_folder)("."), "ptbxl_database.csv")) == ".."
    monkeypatch.chdir(copied_folder.parent)
    assert str(where_meant(type(copied_folder)("."), "ptbxl_database.csv")) == "ptbxl"


@pytest.mark.parametrize("file", ["ptbxl_database.csv", "records100/00000/00001_lr.dat"])
def test_a_file(copied_folder, file):
    with pytest.raises(EcgFusionError, match=r"is a file: (give --data .*ptbxl$|name the PTB-XL folder)"):
        open_source("ptbxl", copied_folder / file)


def test_a_pipe_in_place_of_the_table_is_not_waited_for(copied_folder):
    (copied_folder / "ptbxl_database.csv").unlink()
    os.mkfifo(copied_folder / "ptbxl_database.csv")
    with pytest.raises(EcgFusionError, match=r"ptbxl_database.csv is no file"):
        open_source("ptbxl", copied_folder)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ((), "is empty"),
        (("REFERENCE-v3.csv", "training2017/A00001.mat"), "looks like the PhysioNet/CinC Challenge 2017"),
        (("100.atr", "100.dat", "100.hea"), "looks like the MIT-BIH Arrhythmia Database"),
        (("A0001.hea", "A0001.mat", "A0002.hea"), "holds WFDB recordings"),
        (("a.xml", "b.xml"), "holds XML recordings"),
        (("g1/E1.hea", "g1/E1.mat"), "holds folders of WFDB recordings"),
        (("ptb-xl-1.0.3.zip",), "holds ptb-xl-1.0.3.zip, which is still packed: unpack it"),
        (("train.h5",), "looks like stores that create_images.py made"),
        (("notes.txt",), "holds nothing that is known here"),
    ],
)
def test_what_it_looks_like(tmp_path, files, what):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert looks_like(tmp_path).startswith(what)
    with pytest.raises(EcgFusionError, match=r"ptbxl_database.csv is missing .*--data must name the official PTB-XL"):
        open_source("ptbxl", tmp_path)


def test_what_is_no_folder_is_refused_with_the_way_to_one(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EcgFusionError, match=r"^there is no folder .*none: name its folder with --data, or fetch it$"):
        refuse_no_folder(tmp_path / "none", "its folder", "fetch it")
    with pytest.raises(EcgFusionError, match="file is a file: name its folder with --data"):
        refuse_no_folder(tmp_path / "file", "its folder", "fetch it")
    refuse_no_folder(tmp_path, "its folder", "fetch it")


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    with pytest.raises(EcgFusionError, match="may not be read by this user"):
        refuse_no_folder(tmp_path, "its folder", "fetch it")
