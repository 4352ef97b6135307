"""Every kind of run scores recordings in memory exactly as it scores the store of them."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.runs.build import Run
from pipeline.runs.load import load_run
from pipeline.scoring.predict import probabilities
from pipeline.signals.counts import to_millivolts
from pipeline.store.arrays import ArrayStore
from pipeline.store.reading import open_store

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1.zip"
RUNS = ("beat", "concat", "drawn", "gru", "kfold", "nested", "stacking", "stored", "weighted")


@pytest.fixture(scope="module")
def golden(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(folder)
    return folder


def of_signals(run: Run) -> Run:
    """The same run, whose images are drawn where they would be read from a store."""
    parts = {name: of_signals(part) for name, part in run.parts.items()}
    return replace(run, spec=run.spec and run.spec.of_signals(), parts=parts)


@pytest.mark.parametrize("name", RUNS)
def test_the_probabilities_are_those_of_the_file(golden, name, cpu_as_before):
    run, store = load_run(golden / "runs" / name), open_store(golden / "stores" / "test.h5")
    signals = to_millivolts(store.signals.open(), store.gain)
    held = ArrayStore.of(signals, store.sampling_rate, store.leads, band=None)  # they are filtered already
    rows = np.flatnonzero(held.task("disease").labelled)
    assert len(rows) == store.n_items
    expected = probabilities(run, store, rows, torch.device("cpu"))
    np.testing.assert_array_equal(probabilities(of_signals(run), held, rows, torch.device("cpu")), expected)
