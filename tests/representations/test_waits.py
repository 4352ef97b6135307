"""Nothing waits for the device while images are drawn from int16: no number is asked for, nothing new is copied.

Counted on the CPU, where torch draws as it does on a GPU as long as no kernel is used.
"""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models import create_model
from pipeline.inputs.batches import Batch
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.spec import InputSpec
from pipeline.representations import (
    LEAD_MAP_KEY,
    REPRESENTATIONS,
    ImageRecipe,
    LeadMapRecipe,
    draw_images,
    gaf,
    preparation,
)
from pipeline.runs.learners import NetworkLearner
from pipeline.signals.leads import LEADS

WAITING = {"_local_scalar_dense", "item", "is_nonzero", "nonzero", "equal", "masked_select", "_unique2"}
RECIPES = {
    "defaults": ImageRecipe(size=32),
    "record": ImageRecipe(size=32, scale="record"),
    "fixed": ImageRecipe(size=32, scale="fixed", mtf_strategy="uniform", gaf_method="difference"),
    "points": ImageRecipe(size=32, rp_dimension=3, rp_delay=2, rp_threshold="point"),
    "distance": ImageRecipe(size=32, rp_threshold="distance"),
    "whole": ImageRecipe(size=300),
}


class Watch(TorchDispatchMode):
    """Notes the operators that make the host wait, and the tensors that come from neither a tensor nor ``known``."""

    def __init__(self, known: list[Tensor]) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.strangers: list[str] = []
        self.kept = list(known)  # alive, so that no address is given away twice

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name, given = (
            function.overloadpacket.__name__,
            [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)],
        )
        known = {x.untyped_storage().data_ptr() for x in self.kept}
        new = [x for x in given if x.untyped_storage().data_ptr() not in known]
        masks = [x for x in given[1:] if name.startswith("index") and x.dtype == torch.bool]  # their size is asked for
        self.waits += [name] if name in WAITING or masks else []
        self.strangers += [name] if new else []
        made = function(*args, **(kwargs or {}))
        self.kept += [*new, *(x for x in tree_leaves(made) if isinstance(x, Tensor))]
        return made


def watched(run, known):
    """The second of two runs, with what the first one has seen."""
    with Watch(known) as first:
        run()
    with Watch(first.kept) as second:
        run()
    return second


@pytest.fixture(autouse=True)
def no_kernels(monkeypatch):
    monkeypatch.setattr(importlib.import_module("pipeline.representations.drawing"), "_kernels_load", lambda: False)


@pytest.fixture
def counts() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(-2000, 2000, (2, 3, 300), np.int16))


def drawn_on_the_fly(made_by) -> InputSpec:
    return InputSpec("image", tuple(LEADS[:3]), 100.0, 1000.0, 300, representations=made_by, on_the_fly=True)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_a_representation_of_whole_numbers_is_drawn_without_a_wait(name, recipe, counts):
    maker = InputMaker(drawn_on_the_fly({name: replace(recipe, representations=(name,)).parameters(name)}))
    seen = watched(lambda: maker(counts), [counts])
    assert (seen.waits, seen.strangers) == ([], [])
    assert len(seen.kept) > 10


def test_lead_maps_are_drawn_without_a_wait(counts):
    maker = InputMaker(drawn_on_the_fly({LEAD_MAP_KEY: LeadMapRecipe(32).parameters()}))
    seen = watched(lambda: maker(counts), [counts])
    assert (seen.waits, seen.strangers) == ([], [])


def test_a_network_learns_from_them_without_a_wait(counts):
    spec = drawn_on_the_fly({name: ImageRecipe(size=64).parameters(name) for name in REPRESENTATIONS})
    learner = NetworkLearner(create_model("resnet", in_channels=spec.n_channels, n_classes=2), spec)
    batch = Batch(counts, None, torch.arange(2))
    seen = watched(lambda: learner(batch).sum().backward(), [counts, *learner.state_dict().values()])
    assert (seen.waits, seen.strangers) == ([], [])


def test_samples_are_looked_at_once_and_only_where_they_may_be_wrong(counts, monkeypatch):
    asked: list[bool] = []
    looked = preparation.require_leads

    def note(x, size, smallest_length, known_finite=False):
        asked.append(not known_finite)
        looked(x, size, smallest_length, known_finite)

    for module in ("drawing", *REPRESENTATIONS):
        monkeypatch.setattr(importlib.import_module(f"pipeline.representations.{module}"), "require_leads", note)
    draw_images(counts.double(), 100.0, RECIPES["defaults"])
    assert (sum(asked), len(asked)) == (1, 1 + len(REPRESENTATIONS))
    draw_images(counts.double(), 100.0, RECIPES["defaults"], known_finite=True)
    assert sum(asked) == 1


def test_the_watch_sees_what_waits(counts):
    x = counts.double()
    assert watched(lambda: gaf(x, 32), [x]).waits  # it looks for NaN
    assert watched(lambda: x[:, [2, 0, 1]], [x]).strangers  # a list of numbers is copied
    assert watched(lambda: x * torch.from_numpy(np.ones(300)), [x]).strangers
    assert watched(lambda: x[x > 0], [x]).waits
