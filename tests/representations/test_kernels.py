"""Kernels draw, byte for byte, what the torch functions give: stores and training on any device depend on it."""

import importlib
import itertools
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.representations import REPRESENTATIONS, ImageRecipe, draw_images, to_uint8

DRAWING = importlib.import_module("pipeline.representations.drawing")
KERNELS = importlib.import_module("pipeline.representations.kernels")
NAMES = list(REPRESENTATIONS)
MARGIN = 64  # bytes
DB_RANGES = [(-120.0, 3.0), (-20.0, -19.9), (-30.0, 18.0), (0.0, 300.0), (0.0, 4000.0)]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "gaf": [{"gaf_method": method} for method in ("summation", "difference")],
    "mtf": [
        {"mtf_bins": n_bins, "mtf_strategy": strategy}
        for n_bins, strategy in itertools.product((2, 3, 10, 64), ("quantile", "uniform"))
    ],
    "rp": [{}, {"rp_dimension": 3, "rp_delay": 2}, {"rp_threshold": "point"}, {"rp_threshold": 0.2}],
    "stft": [
        {},
        {"stft_max_hz": 20.0, "stft_window": 0.64},
        *({"stft_db_range": db_range, "stft_hop": 0.02} for db_range in DB_RANGES),
        {"stft_db_range": (-20.0, -20.0 + 1e-13)},
        {"stft_taper": "hamming"},
    ],
}
CASES = [(name, scale, options) for name in NAMES for scale in ("record", "fixed") for options in OPTIONS[name]]
LENGTH_AND_SIZE = [
    *((100, 1), (100, 7), (100, 64), (187, 63), (256, 256), (300, 300), (999, 100), (1000, 250), (1000, 256)),
    *((1001, 224), (5000, 32)),
]


def leads(n):
    """Beats in whole µV, noise, steps, ramps and constants, from a denormal amplitude to 1e150 mV."""
    rng = np.random.default_rng(n)
    time = np.arange(n) / 100
    beats = np.exp(-(((time % 0.8) - 0.3) ** 2) / 2e-4) + 0.2 * np.sin(2 * np.pi * 0.3 * time)
    spike = np.zeros(n)
    spike[n // 2] = 3.0
    rows = [
        (beats * 1000).round() / 1000,
        (beats * 1000 + rng.normal(size=n) * 20).round() / 1000,
        rng.normal(size=n),
        rng.normal(size=n).cumsum() / 5,
        rng.integers(0, 2, size=n) / 1000 + 5,
        np.sign(time - time.mean()),
        np.linspace(-1, 1, n),
        np.arange(n) % 3 / 2.0,
        spike,
        -spike + np.arange(n) * 1e-12,
        np.full(n, -0.137),
        np.zeros(n),
        np.where(np.arange(n) % 2, 0.0, -0.0),
        rng.normal(size=n) * 1e-8,
        rng.normal(size=n) * 1e-16 + 1,
        rng.normal(size=n) * 1e-310,
        np.exp(rng.normal(size=n) * 50),
        rng.normal(size=n) * 1e150,
    ]
    return torch.from_numpy(np.stack(rows))


def by_torch(recipe, name, x, sampling_rate=100.0):
    """Grey images by the representation's function and `to_uint8`."""
    options = recipe.parameters(name)
    value_range = options.pop("value_range")
    return to_uint8(REPRESENTATIONS[name].draw(x, sampling_rate=sampling_rate, **options), value_range)


@pytest.mark.parametrize(("name", "scale", "options"), CASES)
def test_every_byte_is_that_of_the_torch_function(name, scale, options):
    for n, size in LENGTH_AND_SIZE:
        recipe = ImageRecipe((name,), size, scale, **options)
        if recipe.smallest_length(100.0) <= n:
            x = leads(n)
            assert torch.equal(draw_images(x, 100.0, recipe)[:, 0], by_torch(recipe, name, x)), (n, size)


def test_every_size_is_that_of_the_torch_function_and_nothing_is_written_beside_it():
    x = leads(300)[:6]
    for size in range(1, 301):
        recipe = ImageRecipe(tuple(NAMES), size)
        room = torch.full((len(x) * len(NAMES) * size**2 + 2 * MARGIN,), 77, dtype=torch.uint8)
        out = room[MARGIN:-MARGIN].view(len(x), len(NAMES), size, size)
        draw_images(x, 100.0, recipe, out=out)
        for k, name in enumerate(NAMES):
            assert torch.equal(out[:, k], by_torch(recipe, name, x)), (name, size)
        assert (room[:MARGIN] == 77).all(), size
        assert (room[-MARGIN:] == 77).all(), size


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("range_mv", [1, 0.3, 1.7, 5.0])
def test_any_fixed_range_is_that_of_the_torch_function(name, range_mv):
    recipe = ImageRecipe((name,), 100, "fixed", range_mv=range_mv, mtf_strategy="uniform")
    x = leads(999)
    assert torch.equal(draw_images(x, 100.0, recipe)[:, 0], by_torch(recipe, name, x))


@pytest.mark.parametrize("name", NAMES)
def test_default_images_on_the_cpu_have_a_kernel(monkeypatch, name):
    monkeypatch.setattr(DRAWING, "_draw", None)  # the torch function
    assert draw_images(leads(1000), 100.0, ImageRecipe((name,))).any()


def test_without_numba_the_torch_functions_draw_the_same(monkeypatch):
    x, recipe = leads(300)[:4], ImageRecipe(size=64)
    drawn = draw_images(x, 100.0, recipe)
    monkeypatch.setitem(sys.modules, "pipeline.representations.kernels", None)
    DRAWING._kernels_load.cache_clear()
    with pytest.warns(RuntimeWarning, match="torch alone"):
        assert torch.equal(draw_images(x, 100.0, recipe), drawn)
    DRAWING._kernels_load.cache_clear()


def test_threads_draw_what_one_draws():
    x, recipe = leads(1000), ImageRecipe(size=128)
    alone = draw_images(x, 100.0, recipe)
    found = [None] * 4

    def draw(k):
        found[k] = draw_images(x, 100.0, recipe)

    threads = [threading.Thread(target=draw, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(one, alone) for one in found)


def test_what_no_folder_keeps_is_compiled_all_the_same():
    space: dict[str, Any] = {}
    exec("def double(x): return 2 * x", space)  # numba finds no file of it, as where no folder can be written
    assert KERNELS._compiled(space["double"])(4.0) == 8


def test_numba_is_imported_when_images_are_drawn_and_not_before():
    code = "import sys, pipeline.representations, create_images; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
