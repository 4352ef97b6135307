"""What out-of-fold features change, on two small k-fold runs: the ways differ in nothing but who gives the features."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from signal_stores import make_signal_stores

import train
from benchmarks import out_of_fold
from pipeline.fusion import learners
from pipeline.scoring.partition import score_partition
from pipeline.store.reading import open_store

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_signal_stores(tmp_path_factory.mktemp("ways"), 110)


@pytest.fixture(scope="module")
def branches(signals: Path) -> list[str]:
    folders = [signals.parent / f"kfold-{seed}" for seed in (0, 1)]
    for seed, folder in enumerate(folders):
        words = "-model gru -hidden_size 4 -n_layers 1 -leads II -crop 2.5 -stride 2.5 -epochs 1 -threads 1 -kfold 3"
        where = ["-data", str(signals), "-path_save_model", str(folder)]
        train.main([*words.split(), "-seed", str(seed), "-folds_seed", "0", *where])
    return [str(folder) for folder in folders]


def test_the_table_has_every_way(signals, branches, capsys, monkeypatch):
    monkeypatch.setattr(out_of_fold, "RESAMPLES", 20)
    asked: list[tuple[np.ndarray, np.ndarray]] = []
    original = learners.keep_of_members

    def watched(of: Any, most: Any, store: Any, rows: np.ndarray, device: Any, workers: int, by: Any) -> Any:
        asked.extend([(rows, by)] if by is not None else [])
        return original(of, most, store, rows, device, workers, by)

    monkeypatch.setattr(learners, "keep_of_members", watched)
    out_of_fold.main(
        ["-branches", *branches, "-data", str(signals), "-combine", "concat", "-seeds", "0", "-epochs", "1"]
    )
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    names = [line.split("|")[1].strip() for line in table]
    ways = (out_of_fold.OUT_OF_FOLD, out_of_fold.IN_SAMPLE, out_of_fold.ALL_IN_SAMPLE)
    assert names[names.index("kfold-0") + 1] == "kfold-1"
    assert names[-3:] == [f"concat, {way}" for way in ways]
    (rows, held_out), (rows_in, once), (rows_all, every) = asked
    assert np.array_equal(rows, rows_in)
    assert not (once == held_out).any()
    assert np.array_equal(np.bincount(once), np.bincount(once, minlength=4))
    assert np.array_equal(rows_all, np.tile(rows, 2))
    assert {*every} == {1, 2, 3}
    assert not (every == np.tile(held_out, 2)).any()


def test_the_way_out_of_fold_is_that_of_the_command(signals, branches, tmp_path):
    options = SimpleNamespace(epochs=1, seeds=[0])
    from pipeline.fusion.branches import named_branches
    from pipeline.runs.load import load_run

    named = named_branches(branches)
    loaded = {name: load_run(folder) for name, folder in named.items()}
    stores = {name: open_store(signals / f"{name}.h5") for name in ("train", "dev", "test")}
    found = out_of_fold._fitted(options, "concat", named, loaded, stores)[out_of_fold.OUT_OF_FOLD][0]
    words = (
        f"-model intermediate -combine concat -fit_on out_of_fold -epochs 1 -threads 1 -path_save_model {tmp_path}/run"
    )
    train.main([*words.split(), "-branches", *branches])
    np.testing.assert_allclose(found, score_partition(tmp_path / "run", signals, "test", threads=1).scores, atol=1e-5)
