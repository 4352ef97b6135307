"""Every mutation changes the file that it is given, and says what it did."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat

from campaign.damage import ANY_FILE, Mutation
from campaign.formats import OF_FORMAT


@pytest.fixture
def files(tmp_path: Path, small_store_folder: Path) -> dict[str, Path]:
    """A file of each ending that has mutations of its own, and another of each for exchanges."""
    for number, folder in enumerate((tmp_path, tmp_path / "other")):
        folder.mkdir(exist_ok=True)
        (folder / "a.csv").write_text(f"id,codes,age\n{number},x,3\n2,y,4\n3,z,5\n")
        (folder / "a.json").write_text(json.dumps({"number": number + 1, "list": [1, 2, 3], "name": "abc"}))
        (folder / "a.hea").write_text(
            f"a 2 100 1000\na.dat 16 {number}000/mV 16 0 1 2 0 I\na.dat 16 1/mV 16 0 1 2 0 II\n"
        )
        for ending, separator in ((".tsv", "\t"), (".txt", " ")):
            lines = [separator.join(row) for row in (("I", "II"), ("0.1", str(number)), ("0.2", "0.3"), ("0.4", "0.5"))]
            (folder / f"a{ending}").write_text("\n".join([*lines, ""]))
        np.save(folder / "a.npy", np.arange(12.0).reshape(3, 4) + number)
        savemat(folder / "a.mat", {"val": np.arange(12.0).reshape(3, 4) + number, "fs": 100.0})
        words = np.array([1 << 10 | 100 + number, 5 << 10 | 300, 28 << 10 | 7, 0], "<u2")
        (folder / "a.atr").write_bytes(words.tobytes())
        (folder / "a.toml").write_text(f"epochs = {number + 3}\nmodel = 'gru'\n")
        shutil.copy(small_store_folder / ("train.h5", "test.h5")[number], folder / "a.h5")
        shutil.copy(folder / "a.h5", folder / "a.part")
        np.savez(folder / "a.npz", scores=np.arange(6.0).reshape(3, 2) + number, item_id=np.array(["a", "b", "c"]))
        tensors = {name: torch.arange(4.0) + number + start for start, name in enumerate(("one", "two"))}
        save_file(tensors, folder / "a.safetensors")
        torch.save({"epoch": number + 1, "moments": {"one": torch.ones(3)}}, folder / "a.pt")
    (tmp_path / ".place").touch()
    return {path.suffix: path for path in tmp_path.glob("a.*")}


@pytest.mark.parametrize("mutation", sorted(set(ANY_FILE), key=str))
def test_bytes_are_changed(mutation: Mutation, files: dict[str, Path]):
    changed = 0
    for seed in range(8):
        path = files[".csv"]
        before = path.read_bytes()
        said = mutation(random.Random(seed), path)
        assert said
        changed += not path.exists() or path.read_bytes() != before
        path.write_bytes(before)
    assert changed


@pytest.mark.parametrize(
    ("ending", "mutation"), [(ending, each) for ending, own in OF_FORMAT.items() for each in sorted(set(own), key=str)]
)
def test_meaning_is_changed(ending: str, mutation: Mutation, files: dict[str, Path]):
    changed, path = 0, files[ending]
    before = path.read_bytes()
    for seed in range(12):
        assert mutation(random.Random(seed), path)
        changed += path.read_bytes() != before
        path.write_bytes(before)
    assert changed >= 6
