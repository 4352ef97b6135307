"""What a card describes is built, and what cannot be built is said as it is typed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cards import small_card

from models import Network
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.runs import build
from pipeline.runs.build import build_fusion, build_network
from pipeline.runs.card import Card
from pipeline.runs.load import load_run

SPEC = InputSpec("signal", ("I", "II"), 100.0, 1000.0, 1000)
CARD = small_card(SPEC, options={"hidden_size": 4, "n_layers": 1})


def test_a_network_has_the_cards_leads_and_classes():
    seen = build_network(CARD)(torch.zeros(3, 2, 100))
    assert seen.shape == (3, 4)
    with_one = replace(CARD, input=replace(SPEC, leads=("V5",)), classes=("MI",), options={})
    assert build_network(with_one)(torch.zeros(3, 1, 100)).shape == (3, 1)


@pytest.mark.parametrize("to_train", [True, False])
def test_pretrained_weights_are_wanted_for_a_training_alone(monkeypatch, to_train: bool):
    asked = []
    monkeypatch.setattr(build, "create_model", lambda name, **options: asked.append(options["pretrained"]))
    card = replace(CARD, options={"pretrained": True})
    build_network(card, to_train)
    assert asked == [to_train]
    assert card.options == {"pretrained": True}


def test_options_of_another_network_are_refused():
    with pytest.raises(EcgFusionError, match="nb_filters"):
        build_network(replace(CARD, options={"nb_filters": 2}))


def test_a_fusion_names_the_options_to_change(earlier: Path):
    run = load_run(earlier / "runs" / "concat")
    wrong = replace(run.card, options={"combine": "attention", "n_heads": 3, "hidden_size": 8})
    with pytest.raises(EcgFusionError, match=r"n_heads is 3.*: choose another -n_heads or -hidden_size$"):
        build_fusion(wrong, run.parts)


def test_a_fusion_that_is_finetuned_holds_its_branches(earlier: Path):
    run = load_run(earlier / "runs" / "concat")

    def names(card: Card) -> set[str]:
        return set(build_fusion(card, run.parts).state_dict())

    frozen = replace(run.card, options={**run.card.options, "finetune": False})
    together = replace(run.card, options={**run.card.options, "finetune": True})
    fusion = {f"fusion.{name}" for name in names(frozen)}
    networks: list[Network] = [part.network for part in run.parts.values()]
    branches = {f"branches.{i}.{name}" for i, network in enumerate(networks) for name in network.state_dict()}
    assert names(together) == fusion | branches
