"""The registry of fusions: names, options, near names, and a new fusion in one decorator."""

import dataclasses
from collections.abc import Mapping

import pytest
from torch import nn

from models import BranchShape, create_fusion, describe_fusion, list_fusions, register_fusion
from models.fusion import registry

BRANCHES = {"a": BranchShape(2, 3), "b": BranchShape(4, 5)}
COMMON = {"hidden_size": 256, "dropout": 0.3, "branch_dropout": 0.1}


class Mean(nn.Module):
    def __init__(self, branches: Mapping[str, BranchShape], n_classes: int, power: int = 1) -> None:
        super().__init__()
        self.names, self.power = list(branches), power


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_entries", {})


def test_names_are_sorted_and_split_by_level() -> None:
    assert list_fusions() == sorted(list_fusions("late") + list_fusions("intermediate"))
    assert {"attention", "concat", "gated"} <= set(list_fusions("intermediate"))
    with pytest.raises(ValueError, match="level 'early' is none of late, intermediate"):
        list_fusions("early")


@pytest.mark.parametrize("name", list_fusions())
def test_entry_reads_options_from_the_signature(name: str) -> None:
    entry = describe_fusion(name)
    assert entry.name == name
    assert entry.paper
    assert (entry.level == "late") == (entry.reads == "probabilities")
    assert not {"branches", "n_classes", "self"} & set(entry.options)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.level = "other"  # type: ignore[misc]  # what is tried
    with pytest.raises(TypeError):
        entry.options["new"] = 1  # type: ignore[index]  # what is tried


def test_options_are_those_of_every_fusion_and_its_own() -> None:
    assert dict(describe_fusion("concat").options) == COMMON
    assert dict(describe_fusion("gated").options) == COMMON
    assert dict(describe_fusion("attention").options) == COMMON | {"n_heads": 4, "max_tokens": 32}
    assert create_fusion("concat", branches=BRANCHES, n_classes=2, hidden_size=8).head.in_features == 8


def test_unknown_name_lists_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"no fusion is named 'gate'; did you mean gated or "):
        create_fusion("gate", branches=BRANCHES, n_classes=2)
    with pytest.raises(ValueError, match="choose from attention, "):
        describe_fusion("zzz")


def test_unknown_option_lists_those_it_takes() -> None:
    with pytest.raises(
        ValueError, match="fusion 'gated' does not take the option 'n_heads'; it takes hidden_size, dro"
    ):
        create_fusion("gated", branches=BRANCHES, n_classes=2, n_heads=2)


@pytest.mark.parametrize("name", list_fusions())
def test_too_few_branches_or_classes_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the branches are a; a fusion needs 2 or more"):
        create_fusion(name, branches={"a": BranchShape(2, 3)}, n_classes=2)
    with pytest.raises(ValueError, match="n_classes is 0; a fusion needs 1 or more"):
        create_fusion(name, branches=BRANCHES, n_classes=0)


@pytest.mark.usefixtures("empty_registry")
def test_a_new_fusion_is_one_decorator() -> None:
    assert register_fusion("mean", level="late", reads="probabilities", fitting="nothing", paper="none")(Mean) is Mean
    assert list_fusions() == list_fusions("late") == ["mean"]
    assert list_fusions("intermediate") == []
    assert dict(describe_fusion("mean").options) == {"power": 1}
    fusion = create_fusion("mean", branches=BRANCHES, n_classes=3, power=2)
    assert (fusion.names, fusion.power) == (["a", "b"], 2)


@pytest.mark.usefixtures("empty_registry")
def test_a_duplicate_name_raises() -> None:
    add = register_fusion("mean", level="late", reads="probabilities", fitting="nothing", paper="none")
    add(Mean)
    with pytest.raises(ValueError, match="'mean' is already registered"):
        add(Mean)


@pytest.mark.usefixtures("empty_registry")
def test_a_builder_that_cannot_be_created_by_name_is_refused() -> None:
    add = register_fusion("mean", level="late", reads="probabilities", fitting="nothing", paper="none")
    with pytest.raises(ValueError, match="fusion 'mean' does not take branches"):
        add(lambda n_classes: nn.Identity())
    with pytest.raises(ValueError, match="option power of fusion 'mean' has no default"):
        add(lambda branches, n_classes, power: nn.Identity())
    with pytest.raises(ValueError, match="level 'early' of fusion 'mean' is none of late, intermediate"):
        register_fusion("mean", level="early", reads="features", fitting="gradient", paper="none")
    with pytest.raises(ValueError, match="reads 'pixels' of fusion 'mean' is none of probabilities, features, tokens"):
        register_fusion("mean", level="late", reads="pixels", fitting="nothing", paper="none")
    with pytest.raises(ValueError, match="fitting 'luck' of fusion 'mean' is none of nothing, solver, gradient"):
        register_fusion("mean", level="late", reads="probabilities", fitting="luck", paper="none")
