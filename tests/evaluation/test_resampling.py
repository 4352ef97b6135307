"""Resamples of patients: whole, redrawn where they lack a class, and measured as one would by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline.evaluation import metrics
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.resampling import CELLS, Judged, Resampler, Rows, TableMeasurer, columns, rows_of
from pipeline.evaluation.scores import Scores

CLASSES = ("MI", "STTC", "CD", "HYP")


def judged(n: int = 200, levels: int = 20, seed: int = 0, has_norm: bool = True) -> Judged:
    """Scores with many ties, cut at a half."""
    draw = np.random.default_rng(seed)
    labels = (draw.random((n, 4)) < [0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    scores = np.round((draw.random((n, 4)) + 0.4 * labels) / 1.4 * levels) / levels
    return Judged(labels, scores, scores >= 0.5, "NORM" if has_norm else None)


def weights_of(items: Judged, patients: np.ndarray, n: int = 30, seed: int = 0) -> np.ndarray:
    return np.hstack(list(Resampler(patients, rows_of(items, patients), seed).blocks(n)))


def test_unit_weights_give_the_plain_table():
    items = judged()
    table = TableMeasurer(items, np.ones(4, bool)).measure(np.ones((200, 1)))[0]
    evaluation = evaluate(Scores(items.scores, items.labels, np.arange(200), CLASSES, "multilabel"))
    rows = [*evaluation.classes.values(), evaluation.micro, evaluation.norm, evaluation.macro]
    for found, row in zip(table, rows, strict=True):
        expected = {**(row.counts or {}), **row.figures}
        named = {name: value for name, value in zip(columns(), found, strict=True) if not np.isnan(value)}
        assert named == pytest.approx(expected, abs=1e-12)


def test_it_is_a_naive_loop_over_the_same_items():
    items = judged()
    weights = weights_of(items, np.arange(200) // 2)
    tables = TableMeasurer(items, np.array([True, True, False, True])).measure(weights)
    assert tables.shape == (30, 7, len(columns()))
    for weight, table in zip(weights.T, tables, strict=True):
        rows = np.repeat(np.arange(200), weight.astype(int))
        labels, scores, found = items.labels[rows], items.scores[rows], items.found[rows]
        area, precision = columns().index("auroc"), columns().index("average_precision")
        assert table[:4, area] == pytest.approx(roc_auc_score(labels, scores, average=None), abs=1e-12)
        assert table[4, area] == pytest.approx(roc_auc_score(labels, scores, average="micro"), abs=1e-12)
        assert table[:4, precision] == pytest.approx(average_precision_score(labels, scores, average=None), abs=1e-12)
        assert table[4, precision] == pytest.approx(average_precision_score(labels, scores, average="micro"), abs=1e-12)
        assert table[6, area] == pytest.approx(roc_auc_score(labels[:, [0, 1, 3]], scores[:, [0, 1, 3]]), abs=1e-12)
        counts = metrics.count(labels, found)
        cells = np.stack([counts.tp, counts.fn, counts.fp, counts.tn], 1)
        assert np.array_equal(table[:4, : len(CELLS)], cells)
        assert np.array_equal(table[4, : len(CELLS)], cells.sum(0))
        for name, figure in metrics.FIGURES.items():
            assert table[:4, columns().index(name)] == pytest.approx(figure(counts), abs=1e-12)


def test_patients_are_drawn_whole_and_as_many_as_there_are():
    patients = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 4))
    weights = weights_of(judged(), patients)
    for patient in range(50):
        own = weights[patients == patient]
        assert (own == own[0]).all()
    assert (weights.sum(0) == 200).all()
    assert weights.max() > 1


def test_one_draw_in_n_is_each_patient():
    weights = weights_of(judged(), np.arange(200), 2000)
    assert weights.mean(1) == pytest.approx(np.ones(200), abs=0.12)  # five standard errors
    assert weights.var() == pytest.approx(1, abs=0.02)


def test_a_seed_draws_the_same_however_the_blocks_are_cut(monkeypatch):
    patients = np.arange(200) // 2
    whole = weights_of(judged(), patients)
    assert not np.array_equal(whole, weights_of(judged(), patients, seed=1))
    monkeypatch.setattr("pipeline.evaluation.resampling._BLOCK_BYTES", 1)
    assert np.array_equal(whole, weights_of(judged(), patients))


def rare(n: int = 60) -> tuple[Judged, np.ndarray]:
    """Five patients with the first class, and six without the second."""
    labels = np.zeros((n, 2), np.uint8)
    labels[:5, 0], labels[6:, 1] = 1, 1
    return Judged(labels, np.linspace(0, 1, 2 * n).reshape(n, 2), labels == 1), np.arange(n)


def test_what_lacks_a_kept_class_is_drawn_again():
    items, patients = rare()
    rows = rows_of(items, patients)
    assert rows.kept.all()
    resampler = Resampler(patients, rows, 0)
    weights = np.hstack(list(resampler.blocks(2000)))
    assert weights.shape == (60, 2000)
    held = items.labels.T @ weights
    assert held.min() > 0
    assert (60 - held).min() > 0
    chance = (55 / 60) ** 60 + (54 / 60) ** 60  # of none of the five, or of none of the six
    assert resampler.n_redrawn / (2000 + resampler.n_redrawn) == pytest.approx(chance, rel=0.6)


def test_fewer_than_five_patients_are_too_few_however_many_items_they_have():
    items, _ = rare()
    patients = np.concatenate([[0, 0, 0, 1, 2], np.arange(3, 58)])  # the first class: 3 patients; not the second: 4
    rows = rows_of(items, patients)
    assert rows.few_positives.tolist() == [True, False, False]
    assert rows.few_negatives.tolist() == [False, True, False]
    assert rows.kept.tolist() == [False, False, True]
    assert rows_of(items, np.arange(60)).kept.all()


def test_a_class_that_is_not_kept_is_no_reason_to_draw_again():
    items, patients = rare()
    rows = rows_of(items, patients)
    without = Rows(rows.sides, np.ones(3, bool), np.zeros(3, bool))
    resampler = Resampler(patients, without, 0)
    assert sum(block.shape[1] for block in resampler.blocks(500)) == 500
    assert resampler.n_redrawn == 0
