"""What an explanation says of itself."""

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.explain.explanation import Explanation


def test_the_strongest_parts_lie_apart_and_come_in_order(explanation):
    first, second, *others = explanation.strongest
    assert (first.lead, first.change) == ("V2", -2.0)
    assert 1.8 <= first.start_s < first.end_s <= 2.2
    assert (second.lead, second.change) == ("II", 1.0)
    assert len(others) == 8
    assert max(abs(each.change) for each in others) < 0.1
    for number, one in enumerate(explanation.strongest):
        for other in explanation.strongest[:number]:
            assert one.lead != other.lead or one.start_s >= other.end_s or one.end_s <= other.start_s


def test_json_has_all_of_it(explanation):
    found = explanation.to_json()
    assert (found["class"], found["method"], found["leads"]) == ("MI", "occlusion", ["II", "V2"])
    np.testing.assert_allclose(found["values"], explanation.values, atol=1e-4)
    assert found["strongest"][0]["lead"] == "V2"


def test_some_leads_are_shown_in_their_order(explanation: Explanation):
    found = explanation.of_leads(["v2"])
    assert found.leads == ("V2",)
    np.testing.assert_array_equal(found.values, explanation.values[1:])
    assert {each.lead for each in found.strongest} == {"V2"}
    assert explanation.of_leads(["V2", "II", "V2"]).leads == ("V2", "II")
    with pytest.raises(EcgFusionError, match="runs/gru sees no lead aVR: choose from II V2"):
        explanation.of_leads(["aVR"])
