"""The commands as a user types them beside ``data/ptbxl``, with every default, and a second time by mistake."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cards import card_json

import create_images
from pipeline.demo import main as demo
from pipeline.errors import EcgFusionError
from pipeline.store.reading import open_store

ROOT = Path(create_images.__file__).resolve().parent


def type_command(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command line in a folder as if the scripts lay there; ``python`` is this one."""
    script, *words = command.split()[1:]
    return subprocess.run(
        [sys.executable, str(ROOT / script), *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def workplace(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``data/ptbxl`` in it, after the three commands."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "data").mkdir()
    (folder / "data" / "ptbxl").symlink_to(synthetic_folder)
    for command in (
        "python create_images.py",
        "python train.py -model alexnet",
        "python evaluate.py",
    ):
        done = type_command(command, folder)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    return folder


@pytest.mark.parametrize("partition", ["train", "dev", "test"])
def test_the_stores_have_their_defaults(workplace: Path, partition: str):
    store = open_store(workplace / "data" / "ptbxl-images" / f"{partition}.h5")
    assert list(store.images) == ["gaf", "mtf", "rp", "stft"]
    assert store.image_leads == ["I", "II", "V2"]
    assert {images.shape[1:] for images in store.images.values()} == {(3, 256, 256)}
    assert store.signals.shape[1:] == (12, 1000)
    assert store.attributes["band"] == [0.5, 40.0]


def test_the_run_stacks_every_form_and_lead(workplace: Path):
    card = card_json(workplace / "runs" / "alexnet")
    assert (card["complete"], card["task"]) == (True, "disease")
    assert list(card["input"]["representations"]) == ["gaf", "mtf", "rp", "stft"]
    assert card["input"]["leads"] == ["I", "II", "V2"]
    assert not card["input"]["on_the_fly"]


def test_the_counts_add_up(workplace: Path):
    folder = workplace / "runs" / "alexnet" / "evaluation" / "test"
    labels = open_store(workplace / "data" / "ptbxl-images" / "test.h5").task("disease")
    lines = (folder / "counts.csv").read_text().splitlines()
    assert lines[0] == "class,TP,FN,FP,TN,n,prevalence,threshold"
    rows = list(csv.DictReader(lines))
    assert [row["class"] for row in rows] == ["MI", "STTC", "CD", "HYP"]
    rows += csv.DictReader((folder / "no_class.csv").read_text().splitlines())
    assert rows[-1]["name"] == "NORM"
    positives = [*labels.values[labels.labelled].sum(0), (~labels.values[labels.labelled].any(1)).sum()]
    for row, n_positives in zip(rows, positives, strict=True):
        assert sum(int(row[cell]) for cell in ("TP", "FN", "FP", "TN")) == labels.labelled.sum()
        assert int(row["TP"]) + int(row["FN"]) == n_positives
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["n_items"] == labels.labelled.sum()
    assert "| MI " in (folder / "table.md").read_text()


def test_a_mistake_ends_the_command_with_one_sentence(workplace: Path):
    done = type_command("python train.py -model alexnet", workplace)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "train.py: runs/alexnet holds a finished run: name another folder with -path_save_model, "
        "or see what it has learnt with python evaluate.py -run runs/alexnet"
    ]


def test_the_demo_empties_nothing_that_no_demo_made(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(EcgFusionError, match="holds something that no demo made: name another folder"):
        demo([str(tmp_path)])
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
