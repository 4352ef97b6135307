"""What an explanation says beside its map, and what is refused."""

import numpy as np
import pytest
from explained_runs import unfiltered
from untrained_runs import FUSED, drawn, members_run, network_run, signal_spec, simulated

from pipeline.errors import EcgFusionError

pytestmark = pytest.mark.usefixtures("cpu_as_before")


def test_gradients_say_where_they_begin_and_what_branches_add(explained):
    found = explained(FUSED["mean multilabel"](), simulated(1)[0], "MI", method="gradients", baseline="own")
    assert (found.method, found.baseline) == ("gradients", "own")
    assert set(found.shares) == {"signal", "image"}
    assert found.values.sum() == pytest.approx(found.score - found.at_baseline, abs=0.02)
    np.testing.assert_allclose(found.moments, found.values.sum(0))
    said = found.to_json()
    assert (said["method"], said["baseline"], set(said["shares"])) == ("gradients", "own", {"signal", "image"})
    assert said["agreements"].keys() == {"gradcam"}


def test_members_and_other_runs_are_compared(explained):
    members = [network_run("cnet", signal_spec(), seed=seed) for seed in (0, 1)]
    other = unfiltered(network_run("cnet", signal_spec(), seed=2))
    found = explained(members_run(members), simulated(1)[0], "MI", method="gradients", beside=[other])
    assert set(found.agreements) == {"gradcam", "member 1", "member 2", "cnet"}
    assert all(-1 <= value <= 1 for value in found.agreements.values())
    itself = explained(other, simulated(1)[0], "MI", method="gradients", beside=[other])
    assert itself.agreements["cnet"] == pytest.approx(1.0)


def test_a_run_without_gradients_is_occluded_and_compared_with_nothing(explained):
    run, (signal,) = network_run("resnet", drawn("mtf")), simulated(1)
    assert explained(run, signal, "MI", window_s=2.0).agreements == {}
    with pytest.raises(EcgFusionError, match=r"mtf, as this run draws it.* has no gradient: occlusion explains it"):
        explained(run, signal, "MI", method="gradients")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"method": "guess"}, "there is no method guess: choose one of occlusion, gradients, gradcam"),
        ({"method": "gradients", "baseline": "noise"}, "there is no baseline noise: choose one of flat, own, mean"),
        ({"beside": [network_run("cnet", signal_spec(("II",)))]}, "sees other leads"),
    ],
)
def test_what_cannot_be_is_a_sentence(explained, how, sentence: str):
    with pytest.raises(EcgFusionError, match=sentence):
        explained(network_run("cnet", signal_spec()), simulated(1)[0], "MI", window_s=2.0, **how)
