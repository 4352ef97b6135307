"""What a run asks of recordings, and how many leads it has learnt to do without."""

from dataclasses import replace
from pathlib import Path

import pytest
from cards import small_card

from pipeline import load_run
from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.scoring.needs import Needs, leads_to_spare
from pipeline.signals.leads import LEADS


def card_of(n_leads: int, *augment: str):
    card = small_card(InputSpec("signal", LEADS[:n_leads], 100.0, 1000.0, 1000))
    return card.with_training(augment=augment or None)


@pytest.mark.parametrize(("n_leads", "spare"), [(1, 0), (2, 1), (3, 2), (12, 4)])
def test_as_many_leads_may_be_missing_as_a_training_has_often_left_out(n_leads: int, spare: int):
    """Of 12 leads at 0.1 each, four or more are missing in 2.6 of 100 items, five or more in 0.4."""
    assert leads_to_spare(card_of(n_leads, "noise", "lead_dropout")) == spare
    assert leads_to_spare(card_of(n_leads, "noise")) == 0
    assert leads_to_spare(card_of(n_leads)) == 0


def test_a_run_that_has_learnt_to_do_without_is_asked_for_no_more(earlier: Path):
    run = load_run(earlier / "runs" / "gru")  # of I and II
    with pytest.raises(EcgFusionError, match=r"x.hea lacks lead II, which gru of .*gru needs$"):
        Needs.of(run).refuse_missing(("II",), "x.hea")
    trained = replace(run, card=run.card.with_training(augment=("lead_dropout",)))
    Needs.of(trained).refuse_missing(("II",), "x.hea")
    with pytest.raises(EcgFusionError, match=r"lacks lead I, II, .* needs, and can do without 1 of its 2"):
        Needs.of(trained).refuse_missing(("I", "II"), "x.hea")


def test_a_head_that_has_seen_whole_recordings_does_without_none(earlier: Path):
    run = load_run(earlier / "runs" / "concat")
    parts = {
        name: replace(part, card=part.card.with_training(augment=("lead_dropout",))) for name, part in run.parts.items()
    }
    with pytest.raises(EcgFusionError, match="lacks lead"):
        Needs.of(replace(run, parts=parts)).refuse_missing(("II",), "x.hea")


@pytest.mark.parametrize("name", ["gru", "stored", "beat", "kfold", "nested"])
def test_what_it_needs_is_what_its_networks_see(earlier: Path, name: str):
    needs = Needs.of(load_run(earlier / "runs" / name))
    assert needs.leads == tuple(dict.fromkeys(lead for part in needs.networks for lead in part.spec.leads))
    assert needs.recipe.sampling_rate == 100
    assert needs.kind_of_items == "whole"
    assert all(part.spec.takes_signals for part in needs.networks)
