"""What crops move an answer of several networks by: one crop in the place of its branch's answer."""

import numpy as np
import pytest
import torch
from untrained_runs import fused_run, members_run, network_run, signal_spec, simulated, store_of

from models import list_fusions
from pipeline.runs.kinds import kind_named
from pipeline.scoring.ensemble import say

CPU = torch.device("cpu")
N_CROPS = 7  # of 2.5 s each 1.25 s, in 10 s


def cropped(seed: int, crop: float = 2.5):
    return network_run("gru", signal_spec(crop=crop, stride=crop / 2), seed=seed)


def test_one_network_says_each_of_its_crops():
    said = say(cropped(0), store_of(simulated(3)), CPU)
    assert [each.shape for each in said.crops] == [(N_CROPS, 4)] * 3
    np.testing.assert_allclose(np.stack([each.mean(0) for each in said.crops]), said.records, atol=1e-6)


def test_a_network_without_crops_says_none():
    assert len(say(network_run("gru", signal_spec()), store_of(simulated(2)), CPU).crops) == 0


def test_members_see_the_same_crops():
    members = [cropped(0), cropped(1)]
    of_members, store = say(members_run(members), store_of(simulated(2)), CPU), store_of(simulated(2))
    apart = [say(member, store, CPU).crops for member in members]
    np.testing.assert_allclose(of_members.crops[1], (apart[0][1] + apart[1][1]) / 2, atol=1e-6)


@pytest.mark.parametrize("combine", list_fusions("late"))
def test_a_late_fusion_hears_one_crop_beside_the_whole_answers_of_the_others(combine: str):
    parts = {"short": cropped(0), "long": cropped(1, crop=5.0), "whole": network_run("gru", signal_spec(), seed=2)}
    run, store = fused_run(combine, parts), store_of(simulated(2))
    said, of_parts = say(run, store, CPU), {name: say(part, store, CPU) for name, part in parts.items()}
    assert [len(each) for each in said.crops] == [N_CROPS + 3] * 2
    one = {name: part.records[1:] for name, part in of_parts.items()} | {"long": of_parts["long"].crops[1][2:]}
    np.testing.assert_allclose(said.crops[1][-1:], kind_named("late").combine(run, one), atol=1e-6)


def test_a_fusion_of_fusions_hears_them_too():
    inner = fused_run("mean", {"a": cropped(0), "b": network_run("gru", signal_spec(), seed=1)})
    outer = fused_run("mean", {"inner": inner, "c": network_run("gru", signal_spec(), seed=2)})
    assert [len(each) for each in say(outer, store_of(simulated(2)), CPU).crops] == [N_CROPS] * 2


def test_windows_of_one_record_are_its_items_and_crops_of_these_are_not_told():
    store = store_of(simulated(2)).in_windows(5.0, 5.0)
    assert len(say(cropped(0), store, CPU).crops) == 0
