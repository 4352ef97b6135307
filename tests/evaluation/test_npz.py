"""Scores files of strangers: read by name and within bounds, refused at once where they unpack to gigabytes."""

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.scores import load_scores


def _bomb(path, shape, name="scores", size=0, dtype="<f4"):
    """An archive whose array says that it is of a shape and has so many bytes of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in ("labels", "item_id", "classes", "kind"):
            archive.writestr(f"{member}.npy", b"")
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
            for _ in range(size >> 20):
                file.write(bytes(2**20))


@pytest.mark.parametrize(
    ("shape", "size", "sentence"),
    [
        ((10**12, 5), 0, "is damaged .*says that it is"),
        ((2**62, 2**62), 0, "is damaged .*says that it is"),
        ((0, -1), 0, "is damaged|cannot be read"),
        ((2**28, 1), 2**30, "unpacks to more than 512 MiB"),
    ],
)
def test_what_unpacks_to_gigabytes_is_refused(tmp_path, shape, size, sentence):
    _bomb(tmp_path / "bomb.npz", shape, size=size)
    with pytest.raises(EcgFusionError, match=sentence):
        load_scores(tmp_path / "bomb.npz")


def test_arrays_of_other_names_are_not_read(tmp_path):
    path = tmp_path / "scores.npz"
    good: dict[str, Any] = {"scores": np.zeros((1, 1)), "labels": np.zeros((1, 1)), "item_id": ["a"], "classes": ["x"]}
    np.savez(path, **good, kind="multilabel", other=np.array([{}], object), huge=np.zeros(10))
    assert load_scores(path).classes == ("x",)


def test_columns_first_and_padding_are_read_as_numpy_does(tmp_path):
    values = np.asfortranarray(np.random.default_rng(0).random((3, 2)))
    path = tmp_path / "scores.npz"
    np.savez_compressed(
        path, scores=values, labels=np.eye(3, 2), item_id=list("abc"), classes=["x", "y"], kind="multilabel"
    )
    assert np.array_equal(load_scores(path).scores, values)


def test_a_long_list_of_contents_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.npz", "w") as archive:
        for number in range(25_000):
            archive.writestr(str(number), b"")
    with pytest.raises(EcgFusionError, match="its list of contents is too long"):
        load_scores(tmp_path / "many.npz")


def test_what_is_no_file_or_may_not_be_read_is_told_so(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo.npz")
    for path in (tmp_path / "fifo.npz", Path("/dev/zero")):
        with pytest.raises(EcgFusionError, match="not a file: name a file"):
            load_scores(path)

    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(EcgFusionError, match="no permission to read"):
        load_scores(tmp_path / "scores.npz")
