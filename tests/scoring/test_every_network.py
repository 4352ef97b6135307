"""Files of the recordings that a store was made of: every network and every image says the same of both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cards import small_card
from conftest import real_set

import create_images
import train
from models import create_model, describe_model, list_models
from pipeline import load_run
from pipeline.inputs.spec import InputSpec
from pipeline.representations import REPRESENTATIONS, ImageRecipe
from pipeline.runs.build import Run
from pipeline.scoring.files import Reader
from pipeline.scoring.partition import score_partition
from pipeline.scoring.predict import probabilities
from pipeline.store.reading import Store

pytestmark = pytest.mark.usefixtures("cpu_as_before")

CPU, ROWS = torch.device("cpu"), np.arange(3)


def spec_of(store: Store, modality: str, forms: tuple[str, ...], on_the_fly: bool = False) -> InputSpec:
    drawn = {form: store.image_parameters[form] for form in forms} if modality == "image" else {}
    n_samples, leads = store.signals.shape[2], ("I", "II", "V2")
    band = InputSpec(modality, leads, store.sampling_rate, store.gain, n_samples, representations=drawn)
    return replace(band, on_the_fly=on_the_fly)


def run_of(spec: InputSpec, name: str) -> Run:
    torch.manual_seed(0)
    card = small_card(spec, model=name)
    card = replace(card, data=replace(card.data, band=(0.5, 40.0)))
    network = create_model(name, in_channels=spec.n_channels, n_classes=len(card.classes))
    return Run(Path("nowhere"), card, network.eval(), spec)


def check(run: Run, store: Store, synthetic_folder: Path) -> None:
    by_name = {path.stem: str(path) for path in synthetic_folder.rglob("records100/**/*.hea")}
    items = store.columns["item_id"][ROWS]
    files = [next(path for name, path in by_name.items() if name == f"{int(item):05d}_lr") for item in items]
    expected = probabilities(run, store, ROWS, CPU)
    reader = Reader(run, device=CPU)
    together = [list(answer.probabilities.values()) for answer in reader.answers(files)]
    np.testing.assert_allclose(together, expected, atol=1e-6)
    np.testing.assert_allclose(list(reader.answer(files[1]).probabilities.values()), expected[1], atol=1e-6)


@pytest.mark.parametrize("name", list_models())
def test_every_network_says_the_same(name: str, store: Store, synthetic_folder: Path):
    if describe_model(name).modality == "signal":
        check(run_of(spec_of(store, "signal", ()), name), store, synthetic_folder)
        return
    size = max(32, create_model(name, in_channels=3, n_classes=4).smallest_size)
    drawn = {"gaf": ImageRecipe(size=size, representations=("gaf",)).parameters("gaf")}
    spec = replace(spec_of(store, "image", (), on_the_fly=True), representations=drawn)
    check(run_of(spec, name), store, synthetic_folder)


@pytest.mark.parametrize("on_the_fly", [False, True])
@pytest.mark.parametrize("form", REPRESENTATIONS)
def test_every_image_is_the_same(form: str, on_the_fly: bool, store: Store, synthetic_folder: Path):
    check(run_of(spec_of(store, "image", (form,), on_the_fly), "cnn"), store, synthetic_folder)


@pytest.mark.realdata
def test_real_recordings_are_answered_as_evaluate_scores_them(data_folder: Path, tmp_path: Path):
    folder = real_set(data_folder, "ptbxl", "ptbxl_database.csv")
    words = "--folds train=1 dev=2 test=3 --limit 40 --representations none --workers 1"
    create_images.main([*words.split(), "--data", str(folder), "--out", str(tmp_path / "stores")])
    learnt = "-model gru -hidden_size 8 -n_layers 1 -crop 2.5 -epochs 1 -threads 1 -task superdiagnostic"
    train.main([*learnt.split(), "-data", str(tmp_path / "stores"), "-path_save_model", str(tmp_path / "run")])
    scores = score_partition(tmp_path / "run", None, "test")
    files = [str(next(folder.glob(f"records100/*/{int(item):05d}_lr.hea"))) for item in scores.item_id]
    answers = list(Reader(load_run(tmp_path / "run")).answers(files))
    found = [list(answer.probabilities.values()) for answer in answers]
    np.testing.assert_allclose(found, scores.scores, atol=1e-6)
