"""What a run's networks see of items: means over crops, and several networks side by side."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_stores import write_stores

import train
from pipeline.inputs.batches import CPU
from pipeline.runs.load import load_run
from pipeline.scoring.features import features_of
from pipeline.store.reading import open_store

SMALL = "-threads 1 -batch_size 8 -epochs 1 -model gru -hidden_size 4 -n_layers 1"

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_stores(tmp_path_factory.mktemp("stores"), n_train=12, n_dev=10, seconds=(2.0,))


def fitted(data: Path, folder: Path, words: str) -> Path:
    train.main([*SMALL.split(), *words.split(), "-data", str(data), "-path_save_model", str(folder)])
    return folder


def test_features_of_crops_are_their_mean_and_networks_stand_side_by_side(data, tmp_path):
    whole, cropped = fitted(data, tmp_path / "whole", ""), fitted(data, tmp_path / "cropped", "-crop 1")
    store, rows = open_store(data / "train.h5"), np.array([3, 1])
    run, by_crops = load_run(whole), load_run(cropped)
    found = features_of(run, store, rows, CPU)
    assert found.shape == (2, 4)
    with torch.no_grad():  # the head of what it sees is what it says
        logits = run.network.head(torch.from_numpy(found))
    from pipeline.scoring.predict import probabilities

    said = probabilities(run, store, rows, CPU)
    of_kind = logits.sigmoid() if run.card.kind == "multilabel" else logits.softmax(1)
    np.testing.assert_allclose(of_kind.numpy(), said, atol=1e-6)
    of_crops = features_of(by_crops, store, rows, CPU)
    turned = features_of(by_crops, store, rows[::-1].copy(), CPU)
    np.testing.assert_allclose(turned[::-1], of_crops, atol=1e-6)
    fused = tmp_path / "fused"
    words = f"-model late -combine mean -branches {whole} {cropped} -path_save_model {fused}"
    train.main(words.split())
    np.testing.assert_array_equal(
        features_of(load_run(fused), store, rows, CPU), np.concatenate([found, of_crops], axis=1)
    )
