"""A run as a function with a slope says what the run says, whatever it sees."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from explained_runs import RUNS, WITHOUT_SLOPE, beat_run, unfiltered, with_beat
from untrained_runs import CLASSES, LEADS, network_run, signal_spec, simulated, store_of

from pipeline.errors import EcgFusionError
from pipeline.explain.path import SIGNAL, Places
from pipeline.inputs.features import plan_features
from pipeline.inputs.spec import Strip
from pipeline.signals.beats import BEAT_S, median_beat

pytestmark = pytest.mark.usefixtures("cpu_as_before")


@pytest.mark.parametrize("name", WITHOUT_SLOPE)
def test_what_counts_and_compares_has_no_slope_and_a_sentence(path_of, name: str):
    path = path_of(RUNS[name](), simulated(1)[0])
    inputs = {of: x[None].clone().requires_grad_() for of, x in path.inputs.items()}
    with pytest.raises(EcgFusionError, match="has no gradient: occlusion explains it"):
        path(inputs)


@pytest.mark.parametrize("name", [name for name in RUNS if name not in WITHOUT_SLOPE])
def test_it_says_what_the_run_says_and_has_a_slope(path_of, name: str):
    run, (signal,) = RUNS[name](), simulated(1)
    path = path_of(run, signal)
    said = unfiltered(run).predict(signal, sampling_rate=100, leads=LEADS)
    found = path.probabilities(path.batch(path.inputs))[0]
    np.testing.assert_allclose(found, [said[of] for of in CLASSES], atol=1e-4)
    inputs = {of: x[None].clone().requires_grad_() for of, x in path.inputs.items()}
    slopes = torch.autograd.grad(path(inputs).sum(), list(inputs.values()), allow_unused=True)
    assert all(slope.isfinite().all() for slope in slopes if slope is not None)
    assert any(slope.abs().max() > 0 for slope in slopes if slope is not None)


def test_what_is_measured_beside_a_recording_is_held(path_of):
    """Gradients go through the signal alone; of windows, each of which has numbers of its own, there are none."""
    features = plan_features(("voltage", "intervals"), store_of(simulated(4)), np.arange(4))
    run, (signal,) = network_run("cnet", signal_spec(LEADS, features=features)), simulated(1)
    path = path_of(run, signal)
    said = unfiltered(run).predict(signal, sampling_rate=100, leads=LEADS)
    np.testing.assert_allclose(path.probabilities(path.batch(path.inputs))[0], [said[of] for of in CLASSES], atol=1e-4)
    cut = {"kind": "windows", "window_s": 5.0, "stride_s": 2.5}
    of_windows = network_run(
        "cnet", signal_spec(LEADS, n_samples=500, features=features), data={"cut": cut}, join="mean"
    )
    with pytest.raises(EcgFusionError, match=r"sees another voltage beside each part of .*: occlusion explains it"):
        path_of(of_windows, signal)


def test_a_beat_lies_where_its_samples_come_from(path_of):
    (signal,) = simulated(1)
    path = path_of(with_beat(), signal)
    (name,) = set(path.inputs) - {SIGNAL}
    places, width = path.places[name], path.inputs[name].shape[1]
    counts = path.inputs[SIGNAL].numpy()
    parts = [counts[:, begin : begin + width] for begin in places.begins if 0 <= begin <= 1000 - width]
    assert len(parts) >= len(places.begins) - 2
    np.testing.assert_allclose(np.median(parts, axis=0), path.inputs[name], atol=0.05)
    whole = median_beat(counts, 100.0, *BEAT_S)
    np.testing.assert_array_equal(places.begins, whole.begins)


@pytest.mark.parametrize("chosen", [{"beat_channels": ("dominant", "ectopic")}, {"strip": Strip("II", 5)}])
def test_what_is_made_of_several_beats_has_no_slope_and_a_sentence(path_of, chosen):
    run = beat_run()
    spec = replace(run.spec, **chosen)
    with pytest.raises(EcgFusionError, match=r"sees the median beat .*, through .*: occlusion explains it"):
        path_of(replace(run, spec=spec, card=replace(run.card, input=spec)), simulated(1)[0])


def test_what_is_spread_keeps_its_sum():
    values = np.random.default_rng(0).normal(size=(2, 50))
    found = Places(np.array([-5, 60, 170]), 50).spread(values, 200)
    assert found.shape == (2, 200)
    np.testing.assert_allclose(found.sum(1), values.sum(1))
    np.testing.assert_allclose(found[:, 60:110], values / 3)
