"""The simulation draws what it says, and its table says what was counted."""

import numpy as np
import pytest

from benchmarks.agreement_coverage import SHARES, Tallies, data_set, table, truth
from benchmarks.coverage import Tally
from pipeline.evaluation.agreement import AGREEMENT, agreement
from pipeline.evaluation.confusion import confusion_of


@pytest.mark.parametrize("classes", list(SHARES)[:2])
def test_the_truth_is_that_of_other_patients_too(classes):
    scores = data_set(np.random.default_rng(3), classes, 2.0, 20_000)
    assert scores.labels.mean(0) == pytest.approx(SHARES[classes], abs=0.02)
    assert agreement(confusion_of(scores).counts, classes) == pytest.approx(truth(classes, 2.0, 20_000), abs=0.05)
    better = truth(classes, 3.0, 20_000)
    assert all(better[name] > value for name, value in truth(classes, 2.0, 20_000).items())


def test_the_table_counts_what_was_printed_and_what_held():
    tallies: Tallies = {(10, "kappa"): Tally()}
    for span in ((0.5, 0.7), (0.4, 0.5), (0.6, 0.9), None):
        tallies[10, "kappa"].add(span, 0.6)
    line = next(line for line in table(tallies).splitlines() if line.startswith("| 10–24 "))
    cells = dict(zip(AGREEMENT, [cell.strip() for cell in line.strip("|").split("|")][1:], strict=True))
    assert cells.pop("kappa") == "66.7 (3)"
    assert set(cells.values()) == {"–"}
