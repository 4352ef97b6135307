"""Stores of 300 simulated records, and small networks trained on them, to be fused."""

from pathlib import Path

import pytest
from signal_stores import make_signal_stores

import train

NETWORKS = {
    "wang": "-model resnet1d_wang -crop 2.5 -stride 2.5 -epochs 3",
    "wang-1": "-model resnet1d_wang -crop 2.5 -stride 2.5 -epochs 3 -seed 1",
    "gru": "-model gru -hidden_size 8 -n_layers 1 -leads I II -crop 0.5 -epochs 1",
    "whole": "-model cnn_gru -leads I II V2 -epochs 1",
    "stft": "-model resnet -nb_filters 2 -representation stft -leads II V2 -crop 2.5 -stride 2.5 -size 32 -epochs 2",
}


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signals of 180 records to train on, 60 for dev, 60 for test."""
    return make_signal_stores(tmp_path_factory.mktemp("fused"))


@pytest.fixture(scope="session")
def runs(stores: Path) -> dict[str, Path]:
    """A finished run of each of ``NETWORKS``. Do not write into them."""
    folder = stores.parent / "runs"
    for name, words in NETWORKS.items():
        common = ["-data", str(stores), "-path_save_model", str(folder / name), "-threads", "1", "-batch_size", "32"]
        train.main([*words.split(), *common])
    return {name: folder / name for name in NETWORKS}
