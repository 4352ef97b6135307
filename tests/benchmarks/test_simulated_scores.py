"""What is called the truth of simulated scores is what very many records show."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.coverage import AREAS, data_set
from benchmarks.simulated_scores import truth_of_classes, truth_of_none, truth_of_pooled
from pipeline.evaluation.metrics import FIGURES, Counts, count

COUNTS = ("tp", "fn", "fp", "tn")


@pytest.fixture(scope="module", params=[0, 1], ids=["first model", "second model"])
def drawn(request):
    data = data_set(np.random.default_rng(4), 60_000, copies=5, n_models=2)
    return data, data.models[request.param], data.scores[request.param]


def compare_counts(counts: Counts, truth, at=()) -> None:
    for name, figure in FIGURES.items():
        assert figure(counts)[at] == pytest.approx(truth[name][at], abs=0.03)
    for cell in COUNTS:
        assert getattr(counts, cell)[at] == pytest.approx(
            truth[cell.upper()][at], rel=0.1, abs=60
        )  # three deviations, of patients


def test_of_classes(drawn):
    data, model, scores = drawn
    counts, truth = count(scores.labels, scores.scores >= 0.5), truth_of_classes(data.patients, model)
    # a common class of each AUROC, in which chance plays a small part
    n, areas = scores.labels.sum(0), np.tile(AREAS, 5)
    for i in (int(np.argmax(n * (areas == area))) for area in AREAS):
        labels, values = scores.labels[:, i], scores.scores[:, i]
        assert roc_auc_score(labels, values) == pytest.approx(truth["auroc"][i], abs=0.02)
        assert average_precision_score(labels, values) == pytest.approx(truth["average_precision"][i], abs=0.03)
        compare_counts(counts, truth, i)


def test_of_all_pairs_of_an_item_and_a_class(drawn):
    data, model, scores = drawn
    truth = truth_of_pooled(data.patients, model)
    pairs = scores.labels.ravel(), scores.scores.ravel()
    assert roc_auc_score(*pairs) == pytest.approx(truth["auroc"], abs=0.01)
    assert average_precision_score(*pairs) == pytest.approx(truth["average_precision"], abs=0.02)
    compare_counts(count(scores.labels, scores.scores >= 0.5).pooled, truth)


def test_of_no_class_found(drawn):
    data, model, scores = drawn
    few = [int(np.argmin(scores.labels.sum(0))), 0, 3]  # of twenty classes, one is found in nearly every item
    data_of_few = type(data.patients)(data.patients.patient, data.patients.labels[:, few], data.patients.size[few])
    model_of_few = type(model)(model.shift[few], model.threshold[few])
    sides = (scores.labels, scores.scores >= 0.5)
    none, called = (np.asarray(~np.asarray(side, bool)[:, few].any(1)) for side in sides)
    compare_counts(count(none, called), truth_of_none(data_of_few, model_of_few))


def test_the_first_model_is_as_good_as_it_is_called(drawn):
    data, _, _ = drawn
    truth = truth_of_classes(data.patients, data.models[0])
    assert truth["auroc"] == pytest.approx(np.tile(AREAS, 5), abs=1e-6)
