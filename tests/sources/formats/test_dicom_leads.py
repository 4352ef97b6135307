"""Leads by their codes: both schemes count the twelve alike."""

import pytest

from pipeline.signals.leads import LEADS
from pipeline.sources.formats.dicom_leads import lead_of_code, lead_of_meaning

NUMBERS = dict(zip(LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))  # of EN 1064, table 4


@pytest.mark.parametrize("lead", LEADS)
def test_each_of_the_twelve(lead: str):
    number = NUMBERS[lead]
    assert lead_of_code(f"5.6.3-9-{number}", "SCPECG") == lead
    assert lead_of_code(f"2:{number}", "MDC") == lead
    assert lead_of_code(str(2 * 65536 + number), "MDC") == lead
    assert lead_of_code(f"MDC_ECG_LEAD_{lead.upper()}", "MDC") == lead
    for text in (lead, f"Lead {lead}", f"lead {lead.upper()} (Einthoven)", f"ECG {lead}", f"{lead}, a lead"):
        assert lead_of_meaning(text) == lead


@pytest.mark.parametrize(
    ("code", "scheme"),
    [
        ("", ""),
        ("1", "SCPECG"),
        ("2:1", "SCPECG"),
        ("5.6.3-9-65", "SCPECG"),
        ("5.6.3-9-0", "SCPECG"),
        ("2:10", "MDC"),
        ("MDC_ECG_LEAD_V3R", "MDC"),
        ("131072", "MDC"),
        ("9" * 99, "MDC"),
        ("I", "99X"),
        ("5.6.3-9-1", "MDC"),
    ],
)
def test_others_are_none_of_them(code: str, scheme: str):
    assert lead_of_code(code, scheme) is None


@pytest.mark.parametrize("name", ["V3R", "-aVR", "CM5 (modified)", "X"])
def test_other_names_stay(name: str):
    assert lead_of_meaning(name) == name
