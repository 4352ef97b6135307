"""The size of a run: what its layers have by hand, of one network and of those of a fusion together."""

from pathlib import Path

import pytest

import train
from benchmarks.network_size import size_of

pytestmark = pytest.mark.usefixtures("cpu_as_before", "workplace")


def trained(words: str, folder: str) -> Path:
    train.main([*words.split(), "-path_save_model", f"runs/{folder}"])
    return Path("runs") / folder


def test_parameters_and_macs_are_those_of_the_layers():
    small = "-threads 1 -epochs 1 -limit 6 -batch_size 3 -leads I II"
    signal = trained(f"-model cnet -crop 2.5 {small}", "signal")
    image = trained(f"-model cnn -representation rp -crop 2.5 -stride 2.5 -size 32 {small}", "image")
    parameters, macs = size_of(image)
    # convolutions of 3 x 3: 32 pixels without padding, then 15 after a pooling of 4 / 2
    first, second, third = 30 * 30 * 16 * 2 * 9, 14 * 14 * 32 * 16 * 9, 14 * 14 * 64 * 32 * 9
    assert macs == pytest.approx(first + second + third, rel=0.01)
    late = size_of(Path(trained(f"-model late -combine mean -branches {signal} {image}", "late")))
    assert late == (parameters + size_of(signal)[0], macs + size_of(signal)[1])


def test_an_lstm_counts_its_products():
    words = "-model lstm -hidden_size 8 -n_layers 1 -crop 2.5 -threads 1 -epochs 1 -limit 6 -batch_size 3 -leads I II"
    _, macs = size_of(trained(words, "lstm"))
    assert macs == pytest.approx(250 * 4 * 8 * (2 + 8), rel=0.01)


def test_a_transformer_counts_its_products():
    small = "-threads 1 -epochs 1 -limit 6 -batch_size 3 -leads I II"
    words = f"-model ecg_transformer -set width=16 -n_heads 2 -n_layers 1 -crop 2.5 {small}"
    _, macs = size_of(trained(words, "transformer"))
    tokens, width = 13, 16  # of 20 samples each, the last one padded
    patches, projections = tokens * width * 2 * 20, tokens * 4 * width * width
    attention, layers = 2 * tokens * tokens * width, 2 * tokens * width * 4 * width
    assert macs == pytest.approx(patches + projections + attention + layers, rel=0.1)
