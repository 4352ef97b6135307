"""Grad-CAM: every network's last map on the time that it shows."""

import numpy as np
import pytest
from explained_runs import RUNS, WITHOUT_SLOPE
from untrained_runs import network_run, signal_spec, simulated

from models import list_models
from pipeline.explain.gradcam import last_maps

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.mark.parametrize("name", [name for name in RUNS if name not in WITHOUT_SLOPE])
def test_every_run_with_a_slope_has_a_map_and_says_the_same_afterwards(path_of, name: str):
    path = path_of(RUNS[name](), simulated(1)[0])
    before = path(path.batch(path.inputs)).item()
    found = last_maps(path)
    assert found.shape == (len(path.leads), 1000)
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 0
    assert path(path.batch(path.inputs)).item() == before


@pytest.mark.parametrize("model", list_models("signal"))
def test_every_network_of_signals_has_one(path_of, model: str):
    network = network_run(model, signal_spec()).network
    n_samples = network.only_samples or max(200, network.smallest_size)
    found = last_maps(path_of(network_run(model, signal_spec(n_samples=n_samples)), simulated(1)[0][:, :n_samples]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], found[1])
