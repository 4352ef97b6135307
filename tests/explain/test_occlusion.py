"""Occlusion: what it replaces, that its map is what the run says, and that it finds what was planted."""

from dataclasses import replace

import numpy as np
import pytest
from explained_runs import SAID, Highest, unfiltered
from untrained_runs import FUSED, LEADS, REPRESENTED, drawn, network_run, signal_spec, simulated

from pipeline.errors import EcgFusionError
from pipeline.explain.methods import explain
from pipeline.explain.occlusion import log_odds, straight, windows_of

pytestmark = pytest.mark.usefixtures("cpu_as_before")
ROUNDING = 1e-4  # of single precision, in another place of a batch


def test_a_straight_line_goes_through_the_ends_of_a_part_in_its_leads_alone():
    x = np.random.default_rng(0).normal(size=(3, 50))
    changed = straight(x, slice(1, 2), 10, 20)
    np.testing.assert_allclose(np.diff(changed[1, 10:20], 2), 0, atol=1e-12)
    assert (changed[1, 10], changed[1, 19]) == pytest.approx((x[1, 10], x[1, 19]))
    changed[1, 10:20] = x[1, 10:20]
    np.testing.assert_array_equal(changed, x)


@pytest.mark.parametrize(("n", "width"), [(1000, 12), (1000, 13), (37, 12), (12, 12), (30, 3)])
def test_windows_reach_both_ends_and_leave_nothing_out(n: int, width: int):
    windows = windows_of(n, width)
    seen = np.zeros(n, int)
    for first, last in windows:
        assert last - first == width
        seen[first:last] += 1
    assert seen.min() >= 1
    assert seen.max() <= 3


def test_the_map_is_the_fall_of_the_log_odds(explained):
    run, (signal,) = network_run("cnet", signal_spec()), simulated(1).round(3)
    found = explained(run, signal, "CD", window_s=0.2)
    said = unfiltered(run).predict(signal, sampling_rate=100, leads=LEADS)["CD"]
    assert found.probability == pytest.approx(said)
    assert (found.class_name, found.leads, found.window_s) == ("CD", ("II", "V2"), 0.2)
    for place, lead in enumerate(found.leads):
        changed = straight(signal, slice(LEADS.index(lead), LEADS.index(lead) + 1), 0, 20)
        other = unfiltered(run).predict(changed, sampling_rate=100, leads=LEADS)["CD"]
        assert found.values[place, 0] == pytest.approx(log_odds(said) - log_odds(other), abs=1e-4)
    both = straight(signal, slice(None), 0, 20)
    other = unfiltered(run).predict(both, sampling_rate=100, leads=LEADS)["CD"]
    assert found.moments[0] == pytest.approx(log_odds(said) - log_odds(other), abs=1e-4)


def test_the_order_of_leads_in_the_file_does_not_matter(explained):
    run, (signal,) = network_run("cnet", signal_spec()), simulated(1)
    order = [*range(6, 12), *range(6)]
    turned = explained(run, signal[order], said=replace(SAID, leads=tuple(LEADS[place] for place in order)))
    np.testing.assert_allclose(turned.values, explained(run, signal).values, atol=1e-6)


@pytest.mark.parametrize("name", [*REPRESENTED, *FUSED])
def test_every_run_is_explained_and_what_is_straight_already_moves_nothing(explained, name: str):
    run, (signal,) = ({**REPRESENTED, **FUSED}[name])(), simulated(1)
    signal[:, 280:720] = np.linspace(signal[:, 280], signal[:, 719], 440).T
    found = explained(run, signal, window_s=2.0)
    assert found.values.shape == found.signal.shape
    assert np.isfinite(found.values).all()
    assert np.abs(found.values[:, 495:505]).max() < ROUNDING
    assert np.abs(found.moments[495:505]).max() < ROUNDING
    assert np.abs(found.moments).max() > 5 * ROUNDING


@pytest.mark.parametrize("spec", [signal_spec(LEADS), drawn("rp", scale="fixed"), drawn("stft", scale="fixed")])
def test_what_was_planted_is_found(explained, spec):
    signal = np.zeros((12, 1000))
    signal += 0.05 * np.sin(2 * np.pi * np.arange(1000) / 90)
    signal[LEADS.index("V2"), 640:660] += 1.2 * np.hanning(20)
    run = replace(network_run("cnet" if spec.modality == "signal" else "resnet", spec), network=Highest(0.4))
    found = explained(run, signal, "MI")
    (lead, middle) = np.unravel_index(found.values.argmax(), found.values.shape)
    assert found.leads[lead] == "V2"
    assert 635 <= middle <= 665
    assert 635 <= found.moments.argmax() <= 665
    assert (found.strongest[0].lead, found.strongest[0].change) == ("V2", found.values.max())
    later = np.roll(signal, 100, axis=1)
    assert 735 <= explained(run, later, "MI").values[lead].argmax() <= 765


def test_what_cannot_be_explained_is_a_sentence(explained, tmp_path):
    run, (signal,) = network_run("cnet", signal_spec()), simulated(1)
    with pytest.raises(EcgFusionError, match="has no class ST: choose one of MI, STTC, CD, HYP"):
        explained(run, signal, "ST")
    for window in (0.01, 20.0):
        with pytest.raises(EcgFusionError, match=r"a window of .* s is none of 10 s at 100 Hz"):
            explained(run, signal, window_s=window)
    with pytest.raises(EcgFusionError, match=r"21,658 windows of 0\.06 s to ask of"):
        explained(network_run("cnet", signal_spec(LEADS)), np.tile(signal, 5), window_s=0.06)
    with pytest.raises(EcgFusionError, match=r"gone\.npy"):
        explain(run, tmp_path / "gone.npy", said=SAID)
