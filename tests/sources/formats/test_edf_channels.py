"""Labels of channels: which are leads of an ECG, and which."""

import pytest

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.edf_channels import EdfChannel, lead_of_label


@pytest.mark.parametrize(
    "pattern", ["{}", "ECG {}", "EKG {}", "ECG {}-Ref", "ECG {}-REF", "{}-Ref", "Lead {}", "ecg_{}"]
)
@pytest.mark.parametrize("lead", LEADS)
def test_the_twelve_leads_however_they_are_labelled(pattern: str, lead: str):
    for label in (pattern.format(lead), pattern.format(lead.upper())):
        assert lead_of_label(label) == lead
        assert EdfChannel(0, label, "uV", 100.0).is_ecg


@pytest.mark.parametrize(
    ("label", "lead"),
    [
        ("ECG", "ECG"),
        ("EKG", "EKG"),
        ("EKG-Ref", "EKG"),
        ("EEG EKG-Ref", "EKG"),
        ("POL ECG1", "ECG1"),
        ("ECG1-ECG2", "ECG1-ECG2"),
        ("ECG LA-RA", "LA-RA"),
        ("ECGL", "ECGL"),
        ("ECG MLII", "MLII"),
        ("MLII", "MLII"),
        ("ECG V3R", "V3R"),
        ("V8", "V8"),
        ("ECG -aVR", "-aVR"),
        ("ECG X", "X"),
    ],
)
def test_other_leads_keep_their_names(label: str, lead: str):
    assert lead_of_label(label) == lead
    assert EdfChannel(0, label, "uV", 100.0).is_ecg


@pytest.mark.parametrize(
    "label", ["EEG Fpz-Cz", "EMG", "Resp", "ECGHR", "Status", "EEG V", "EOG left", "EXG1", "Iron", ""]
)
def test_other_channels_are_none(label: str):
    assert not EdfChannel(0, label, "uV", 100.0).is_ecg
    assert lead_of_label(label) == label


def test_another_unit_makes_it_no_lead_and_none_leaves_it_one():
    assert not EdfChannel(0, "ECG HR", "bpm", 1.0).is_ecg
    assert EdfChannel(0, "ECG II", "", 250.0).is_ecg
