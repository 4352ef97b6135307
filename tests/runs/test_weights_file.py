"""Weights that are no file, may not be read, or have a header of gigabytes."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.errors import EcgFusionError
from pipeline.runs.card import WEIGHTS
from pipeline.runs.load import load_weights
from pipeline.runs.weights_file import check_weights_file


def test_weights_pass(tmp_path: Path):
    save_file({"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, tmp_path / WEIGHTS)
    check_weights_file(tmp_path / WEIGHTS)
    load_weights(torch.nn.Linear(2, 2), tmp_path)


def test_a_giant_header_is_damage(tmp_path: Path):
    with open(tmp_path / WEIGHTS, "wb") as file:
        file.write((2**31).to_bytes(8, "little"))
        file.truncate(2**32)  # of holes
    with pytest.raises(EcgFusionError, match="is damaged or of another network"):
        load_weights(torch.nn.Linear(2, 2), tmp_path)


def test_what_is_no_file_is_told_so(tmp_path: Path):
    os.mkfifo(tmp_path / WEIGHTS)
    with pytest.raises(EcgFusionError, match="is a fifo, not a file"):
        load_weights(torch.nn.Linear(2, 2), tmp_path)
    (tmp_path / WEIGHTS).unlink()
    (tmp_path / WEIGHTS).symlink_to("/dev/zero")
    with pytest.raises(EcgFusionError, match="is a device, not a file"):
        load_weights(torch.nn.Linear(2, 2), tmp_path)
