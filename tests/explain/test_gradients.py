"""Integrated gradients: their sum, where they lie, and that captum says the same of a plain network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from explained_runs import SAID, ST_LEADS, Highest, run_that_knows_st_shifts, with_st_shift
from untrained_runs import FUSED, LEADS, REPRESENTED, drawn, network_run, signal_spec, simulated

from pipeline.errors import EcgFusionError
from pipeline.explain.agreement import agreement
from pipeline.explain.baselines import BASELINES
from pipeline.explain.gradients import NEAR, integrate
from pipeline.explain.path import SIGNAL
from pipeline.runs.build import Run

pytestmark = pytest.mark.usefixtures("cpu_as_before")
SMOOTH = [name for name in REPRESENTED if name.split()[0] in ("gaf", "rp", "stft", "lead") and "threshold" not in name]


@pytest.fixture(scope="module")
def knowing() -> Run:
    return run_that_knows_st_shifts()


JUMPS = "picks some tokens of many, and its answer jumps .*: occlusion explains it"


@pytest.mark.parametrize("options", [{"kept": 0.5, "width": 16}, {"kept": 1.0, "width": 16}])
def test_a_network_that_picks_tokens_is_not_explained_by_slopes(path_of, options: dict[str, float]):
    run = network_run("token_selection", signal_spec(n_samples=400), options=options)
    path = path_of(run, simulated(1)[0][:, 100:500])
    if options["kept"] == 1:
        assert integrate(path, flat(path)).missing <= NEAR
        return
    with pytest.raises(EcgFusionError, match=JUMPS):
        integrate(path, flat(path))


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for the order of values, if not for their sum."""
    monkeypatch.setattr("pipeline.explain.gradients._STEPS", (24,))


def flat(path):
    return BASELINES["flat"](None, path)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_sum_is_the_difference_of_the_scores_for_every_representation(path_of, name: str):
    path = path_of(REPRESENTED[name](), simulated(1)[0])
    found = integrate(path, flat(path))
    assert found.missing <= NEAR


@pytest.mark.parametrize("model", ["cnet", "gru", "resnet1d_wang", "rhythm_transformer"])
def test_the_sum_is_the_difference_of_the_scores_for_networks_of_signals(path_of, model: str):
    run = network_run(model, signal_spec(n_samples=400))
    path = path_of(run, simulated(1)[0][:, 100:500])
    found = integrate(path, flat(path))
    assert found.missing <= NEAR
    with torch.no_grad():  # as a run answers; with a slope its layers round otherwise
        at_both = path({SIGNAL: torch.stack([torch.zeros_like(path.inputs[SIGNAL]), path.inputs[SIGNAL]])})
    np.testing.assert_allclose([found.at_baseline, found.score], at_both, atol=1e-6)


@pytest.mark.parametrize("name", FUSED)
def test_what_branches_add_is_the_difference_too(path_of, name: str):
    path = path_of(FUSED[name](), simulated(1)[0])
    if "mamil" in name:
        with pytest.raises(EcgFusionError, match=JUMPS):
            integrate(path, flat(path))
        return
    found = integrate(path, flat(path))
    whole = found.score - found.at_baseline
    assert len(found.shares) == 2
    assert sum(found.shares.values()) == pytest.approx(whole, abs=max(0.05 * abs(whole), 0.02))


def test_a_late_mean_of_logits_is_shared_exactly(path_of):
    run = FUSED["mean multilabel"]()
    run.network.fuse_on = "logits"
    path = path_of(run, simulated(1)[0])
    found = integrate(path, flat(path))
    assert sum(found.shares.values()) == pytest.approx(found.score - found.at_baseline, abs=1e-5)


def test_captum_says_the_same_of_a_plain_network(path_of):
    from captum.attr import IntegratedGradients

    run, (signal,) = network_run("cnet", signal_spec()), simulated(1)
    path = path_of(run, signal)
    found = integrate(path, flat(path))
    x = (path.inputs[SIGNAL] / run.spec.scale_mv).float()[None]
    theirs = IntegratedGradients(run.network).attribute(x, target=0, n_steps=512, method="riemann_middle")
    np.testing.assert_allclose(found.values, theirs[0].detach(), atol=0.02 * np.abs(found.values).max())


def test_a_finding_that_a_network_has_learnt_holds_the_maximum(explained, knowing: Run, few_steps):
    signal, where = with_st_shift(simulated(45)[-1])
    for method in ("gradients", "occlusion"):
        found = explained(knowing, signal.round(3), "MI", method=method, baseline="own")
        assert found.probability > 0.5
        near = np.apply_along_axis(lambda row: np.convolve(row, np.ones(13), "same") > 0, 1, where)
        order = [found.leads.index(lead) for lead in LEADS]
        inside = np.where(near, found.values[order], -np.inf)
        assert inside.max() == found.values.max(), method
        assert found.strongest[0].lead in ST_LEADS, method


def test_fresh_weights_say_something_else(path_of, knowing: Run, few_steps):
    signal, _ = with_st_shift(simulated(45)[-1])
    maps = []
    for run in (knowing, *(network_run("resnet1d_wang", signal_spec(LEADS), seed=seed) for seed in (1, 2, 3))):
        path = path_of(run, signal.round(3))
        maps.append(integrate(path, flat(path)).values)
    told = [agreement(maps[0], other, 6) for other in maps[1:]]
    assert np.abs(told).mean() < 0.2


SPECS = [signal_spec(LEADS), drawn("rp", scale="fixed"), drawn("stft", scale="fixed")]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("method", ["gradients", "gradcam"])
def test_what_was_planted_is_found_moves_in_time_and_follows_its_lead(explained, method: str, spec):
    signal = np.zeros((12, 1000))
    signal += 0.05 * np.sin(2 * np.pi * np.arange(1000) / 90)
    signal[LEADS.index("V2"), 640:660] += 1.2 * np.hanning(20)
    run = replace(network_run("cnet" if spec.modality == "signal" else "resnet", spec), network=Highest(0.4))
    found = explained(run, signal, "MI", method=method)
    assert 630 <= found.moments.argmax() <= 670
    assert 730 <= explained(run, np.roll(signal, 100, axis=1), "MI", method=method).moments.argmax() <= 770
    if method == "gradients":
        assert found.strongest[0].lead == "V2"
    order = [*range(6, 12), *range(6)]
    turned = explained(
        run, signal[order], "MI", method=method, said=replace(SAID, leads=tuple(LEADS[k] for k in order))
    )
    np.testing.assert_allclose(turned.values, found.values, atol=1e-6)


def test_deleting_what_is_worth_most_lowers_the_score_faster_than_deleting_at_random(path_of, knowing: Run, few_steps):
    draw = np.random.default_rng(0)
    fell = []
    for signal in simulated(48)[-8:]:
        path = path_of(knowing, with_st_shift(signal)[0].round(3))
        values = integrate(path, flat(path)).values
        x = path.inputs[SIGNAL]
        n = x.numel() // 10
        orders = (np.argsort(-values.ravel()), draw.permutation(x.numel()), np.argsort(-x.abs().numpy().ravel()))
        scores = []
        for order in orders:
            changed = x.clone().flatten()
            changed[torch.from_numpy(order[:n].copy())] = 0.0
            scores.append(float(path({SIGNAL: changed.view(1, *x.shape)})))
        fell.append(scores)
    by_value, at_random, by_size = np.mean(fell, axis=0)
    assert by_value < at_random
    assert by_value < by_size
