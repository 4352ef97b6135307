"""Leads by any spelling, and chosen in the order that was asked for."""

import pytest

from pipeline.signals.leads import IMAGE_LEADS, LEADS, canonical_lead, choose_leads


@pytest.mark.parametrize("lead", LEADS)
def test_a_lead_is_known_however_it_is_spelt(lead: str):
    for spelt in (lead, lead.upper(), lead.lower(), f"lead {lead}", f" Lead {lead.lower()} "):
        assert canonical_lead(spelt) == lead
    for spelt in (
        "ECG {}",
        "ecg_{}",
        "EKG-{}",
        "ECG lead {}",
        "lead_{}",
        "Lead-{}",
        "LEAD: {}",
        "{} # noisy",
        "ECG {}\t#1",
    ):
        assert canonical_lead(spelt.format(lead)) == lead


@pytest.mark.parametrize(
    ("spelt", "lead"),
    [("V 1", "V1"), ("v_6", "V6"), ("V-2", "V2"), ("aV R", "aVR"), ("AV-F", "aVF"), ("ECG aV_L", "aVL")],
)
def test_a_lead_in_two_parts_is_known(spelt: str, lead: str):
    assert canonical_lead(spelt) == lead


@pytest.mark.parametrize(
    "name",
    ["-aVR", "I-II", "I II", "II-I", "ECG", "ECG1", "V7", "V1R", "V 12", "Leader", "resp", "#", "# I", "ECG -aVR", "1"],
)
def test_what_only_looks_like_a_lead_is_left(name: str):
    assert canonical_lead(name) == name


def test_an_inverted_lead_is_another():
    assert canonical_lead("Lead -aVR") == "-aVR"


def test_another_name_is_left_as_it_is():
    assert canonical_lead(" MLII ") == "MLII"


def test_leads_come_in_the_order_that_was_asked_for():
    assert choose_leads(LEADS, ["V2", "I"]) == [7, 0]
    assert choose_leads(LEADS, ["all"]) == list(range(12))
    assert set(IMAGE_LEADS) < set(LEADS)


@pytest.mark.parametrize(("wanted", "sentence"), [(["V7"], "there is no lead V7"), (["I", "I"], "name one twice")])
def test_what_cannot_be_chosen_is_refused(wanted: list[str], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        choose_leads(LEADS, wanted)
