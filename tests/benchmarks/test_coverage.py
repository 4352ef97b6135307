"""The simulation's truth is what very many records show, and its table says what was counted."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.coverage import AREAS, FIGURES, Tallies, data_set, table
from pipeline.evaluation.metrics import FIGURES as OF_COUNTS
from pipeline.evaluation.metrics import count


def test_the_truth_is_that_of_many_patients():
    scores, truth = data_set(np.random.default_rng(4), 60_000)
    counts = count(scores.labels, scores.scores >= 0.5)
    # a common class of each AUROC, in which chance plays a small part
    for i in (int(np.argmax(scores.labels.sum(0) * (truth["auroc"] == area))) for area in AREAS):
        labels, values = scores.labels[:, i], scores.scores[:, i]
        assert roc_auc_score(labels, values) == pytest.approx(truth["auroc"][i], abs=0.02)
        assert average_precision_score(labels, values) == pytest.approx(truth["average_precision"][i], abs=0.03)
        for name in ("sensitivity", "specificity", "precision", "f1", "g_mean"):
            assert OF_COUNTS[name](counts)[i] == pytest.approx(truth[name][i], abs=0.03)
        for cell in ("tp", "fn", "fp", "tn"):
            assert getattr(counts, cell)[i] == pytest.approx(truth[cell.upper()][i], rel=0.1)


def test_the_table_counts_what_was_printed_and_what_held():
    tallies = Tallies()
    for span in ((0.5, 0.7), (0.4, 0.5), (0.6, 0.9), None):
        tallies.add("5–9", 0.6, "auroc", span, 0.6)
    line = next(line for line in table(tallies).splitlines() if line.startswith("| 5–9 | 0.6 "))
    cells = [cell.strip() for cell in line.strip("|").split("|")][3:]
    assert dict(zip(FIGURES, cells, strict=True))["auroc"] == "66.7"
    assert set(cells) == {"66.7", "–"}
