"""An evaluation: a table that can be checked by hand, agreement with scikit-learn, and what is refused."""

import csv
import json
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from pipeline.errors import EcgFusionError
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.figures import NOTES, evaluate, evaluate_dev
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores, load_scores, save_scores
from pipeline.evaluation.thresholds import CRITERIA
from pipeline.report.comparisons import comparison_text, save_comparison
from pipeline.report.evaluations import save_evaluation
from pipeline.report.tables import as_text

DISEASES = ("MI", "STTC", "CD", "HYP")


def drawn(prefix: str, n: int = 200, classes: tuple[str, ...] = DISEASES, **names) -> Scores:
    """Scores that are somewhat right, of items whose names begin with the prefix."""
    draw = np.random.default_rng(len(prefix) + n)
    labels = draw.random((n, len(classes))) < np.linspace(0.4, 0.1, len(classes))
    scores = 1 / (1 + np.exp(1 - 1.5 * labels - draw.normal(size=labels.shape)))
    items = np.array([f"{prefix}{i}" for i in range(n)])
    return Scores(scores.astype(np.float32), labels, items, classes, "multilabel", **names)


def drawn_multiclass(prefix: str, n: int = 150) -> Scores:
    draw = np.random.default_rng(n)
    truth = draw.integers(0, 3, n)
    logits = draw.normal(size=(n, 3)) + 1.2 * np.eye(3)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    items = np.array([f"{prefix}{i}" for i in range(n)])
    return Scores(scores, np.eye(3)[truth], items, ("N", "S", "V"), "multiclass")


BY_HAND = Scores(
    scores=np.array([[0.9, 0.1], [0.6, 0.2], [0.4, 0.8], [0.7, 0.1], [0.2, 0.6], [0.1, 0.3]]),
    labels=np.array([[1, 0], [1, 0], [1, 1], [0, 0], [0, 0], [0, 0]]),
    item_id=np.arange(6),
    classes=("A", "B|C"),
    kind="multilabel",
)
# A: two of three found, one of the three others too. Seven of the nine pairs of a positive and a negative are
# in order (0.6 and 0.4 lie below 0.7), and the precision at the positives, falling, is 1/1, 2/3, 3/4. Micro:
# 28.5 of the 32 pairs are in order (both classes have a 0.6), and the precisions are 1/1, 2/2, 3/5, 4/6.
BY_HAND_TABLE = """\
multilabel, 6 items; thresholds: 0.5 for every class, because there are no dev scores to choose them on

|       |  n | prevalence | TP | FN | FP | TN | sensitivity | specificity | precision |   NPV | accuracy |    F1 | G-mean | AUROC |    AP | threshold |
| ----- | -: | ---------: | -: | -: | -: | -: | ----------: | ----------: | --------: | ----: | -------: | ----: | -----: | ----: | ----: | --------: |
| A     |  3 |      0.500 |  2 |  1 |  1 |  2 |       0.667 |       0.667 |     0.667 | 0.667 |    0.667 | 0.667 |  0.667 | 0.778 | 0.806 |       0.5 |
| B\\|C  |  1 |      0.167 |  1 |  0 |  1 |  4 |       1.000 |       0.800 |     0.500 | 1.000 |    0.833 | 0.667 |  0.894 | 1.000 | 1.000 |       0.5 |
| macro |    |            |    |    |    |    |       0.833 |       0.733 |     0.583 | 0.833 |    0.750 | 0.667 |  0.781 | 0.889 | 0.903 |           |
| micro |    |            |  3 |  1 |  2 |  6 |       0.750 |       0.750 |     0.600 | 0.857 |    0.750 | 0.667 |  0.750 | 0.891 | 0.817 |           |

- n: items that bear the class; prevalence: their share
- macro: mean over the classes (G-mean of its sensitivity and specificity: 0.782)
- micro: pooled counts of the classes; AUROC and average precision (AP) over all item-class pairs
"""  # noqa: E501


def test_the_table_by_hand():
    assert as_text(evaluate(BY_HAND)) == BY_HAND_TABLE


def test_every_class_counts_every_item_and_micro_pools_them():
    evaluation = evaluate(drawn("t"), drawn("d", 150))
    for row in (*evaluation.classes.values(), evaluation.norm):
        assert sum(row.counts.values()) == evaluation.n_items == 200
    for cell in ("TP", "FN", "FP", "TN"):
        assert evaluation.micro.counts[cell] == sum(row.counts[cell] for row in evaluation.classes.values())


@pytest.mark.parametrize("threshold", [None, *CRITERIA, 0.4])
def test_all_figures_agree_with_scikit_learn(threshold):
    test, dev = drawn("t"), drawn("d", 150)
    evaluation = evaluate(test, dev, threshold)
    found = np.stack([test.scores[:, i] >= evaluation.thresholds.values[c] for i, c in enumerate(DISEASES)], 1)
    ours = {average: getattr(evaluation, average).figures for average in ("micro", "macro")}
    for average, figures in ours.items():
        theirs = sklearn_metrics.precision_recall_fscore_support(test.labels, found, average=average)
        assert [figures[n] for n in ("precision", "sensitivity", "f1")] == pytest.approx(theirs[:3], abs=1e-12)
        area = sklearn_metrics.roc_auc_score(test.labels, test.scores, average=average)
        assert figures["auroc"] == pytest.approx(area, abs=1e-12)
        precision = sklearn_metrics.average_precision_score(test.labels, test.scores, average=average)
        assert figures["average_precision"] == pytest.approx(precision, abs=1e-12)


def test_thresholds_are_those_of_dev_and_items_of_test_have_no_part_in_them():
    test, dev = drawn("t"), drawn("d", 150)
    chosen = evaluate(test, dev).thresholds
    assert chosen == evaluate_dev(dev).thresholds
    assert (
        evaluate(Scores(1 - test.scores, test.labels, test.item_id, DISEASES, "multilabel"), dev).thresholds == chosen
    )
    assert chosen != evaluate_dev(test).thresholds


def test_norm_is_no_class_found():
    test = drawn("t")
    evaluation = evaluate(test, None, 0.5)
    normal, called_normal = test.labels.sum(1) == 0, (test.scores >= 0.5).sum(1) == 0
    tn, fp, fn, tp = sklearn_metrics.confusion_matrix(normal, called_normal).ravel().tolist()
    assert evaluation.norm.counts == {"TP": tp, "FN": fn, "FP": fp, "TN": tn}
    assert evaluation.norm.figures["sensitivity"] == pytest.approx(tp / (tp + fn))
    assert "auroc" not in evaluation.norm.figures
    assert "average_precision" not in evaluation.norm.figures


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (drawn("t"), True),
        (drawn("t", classes=("HYP", "CD", "STTC", "MI")), True),
        (drawn("t", task="disease"), True),
        (drawn("t", task="another"), False),
        (drawn("t", classes=("NORM", *DISEASES)), False),
        (drawn("t", classes=DISEASES[:3]), False),
        (drawn_multiclass("t"), False),
    ],
)
def test_only_disease_has_a_norm_row(scores, expected):
    evaluation = evaluate(scores)
    assert (evaluation.norm is not None) == ("NORM" in evaluation.as_json()) == expected
    assert ("- NORM: no class found; in neither mean\n" in as_text(evaluation)) == expected


def test_multiclass_takes_the_highest_score_one_against_the_rest():
    test = drawn_multiclass("t")
    evaluation = evaluate(test)
    truth, found = test.labels.argmax(1), test.scores.argmax(1)
    theirs = sklearn_metrics.multilabel_confusion_matrix(truth, found)
    for row, ((tn, fp), (fn, tp)) in zip(evaluation.classes.values(), theirs, strict=True):
        assert row.counts == {"TP": tp, "FN": fn, "FP": fp, "TN": tn}
    accuracy = sklearn_metrics.accuracy_score(truth, found)
    assert evaluation.accuracy == pytest.approx(accuracy, abs=1e-12)
    assert evaluation.micro.figures["sensitivity"] == evaluation.micro.figures["precision"] == evaluation.accuracy
    area = sklearn_metrics.roc_auc_score(truth, test.scores, multi_class="ovr")
    assert evaluation.macro.figures["auroc"] == pytest.approx(area, abs=1e-12)
    assert evaluation.thresholds is None
    assert "threshold |" not in as_text(evaluation)
    assert f"accuracy {accuracy:.3f}" in as_text(evaluation)


@pytest.mark.parametrize("threshold", ["gmean", "f1", "sensitivity:0.9", 0.3])
def test_a_threshold_judges_each_class_of_a_multiclass_task_against_the_rest(threshold):
    test, dev = drawn_multiclass("t"), drawn_multiclass("d", 120)
    evaluation, plain = evaluate(test, dev, threshold), evaluate(test, dev)
    as_multilabel = [Scores(each.scores, each.labels, each.item_id, each.classes, "multilabel") for each in (test, dev)]
    rest = evaluate(as_multilabel[0], as_multilabel[1], threshold)
    assert evaluation.thresholds == rest.thresholds
    assert (evaluation.classes, evaluation.macro, evaluation.micro) == (rest.classes, rest.macro, rest.micro)
    assert evaluation.classes != plain.classes
    # the confusion matrix, and what follows from it, are those of the highest score all the same
    assert evaluation.confusion.counts.tolist() == plain.confusion.counts.tolist()
    assert (evaluation.agreement, evaluation.accuracy) == (plain.agreement, plain.accuracy)
    text = as_text(evaluation)
    assert text.splitlines()[0].endswith("; each class against the rest")
    assert "an item may be found in several classes, or in none; the confusion matrix has its highest score" in text
    assert "threshold |" in text
    assert "the highest score wins" in as_text(plain)


def test_a_criterion_for_multiclass_needs_dev_scores_and_a_number_none():
    with pytest.raises(EcgFusionError, match=r"-threshold f1 chooses on dev scores, and there are none"):
        evaluate(drawn_multiclass("t"), None, "f1")
    assert set(evaluate(drawn_multiclass("t"), None, 0.3).thresholds.values.values()) == {0.3}


def test_dev_scores_alone_choose_nothing_for_multiclass():
    test, dev = drawn_multiclass("t"), drawn_multiclass("d", 120)
    assert evaluate(test, dev).thresholds is None
    assert evaluate_dev(dev).thresholds is None
    assert evaluate_dev(dev, "f1").thresholds.n_dev == 120


REMARK = "beats of one patient are in train and test"


def test_a_remark_heads_every_table(tmp_path):
    test, dev = drawn("t", remark=REMARK), drawn("d", 150)
    evaluation = evaluate(test, dev, resampling=Resampling(40))
    assert evaluation.note == evaluation.as_json()["note"] == REMARK
    assert as_text(evaluation).startswith(f"{REMARK}\n\n")
    assert evaluate_dev(test).note == f"{NOTES['dev']}; {REMARK}"
    save_evaluation(tmp_path, evaluation, formats=("md", "csv", "latex"))
    assert (tmp_path / "table.md").read_text().startswith(f"{REMARK}\n\n")
    assert (tmp_path / "table.tex").read_text().count(rf"\caption{{{REMARK}. ") == 2
    for name in ("table.csv", "counts.csv"):
        with open(tmp_path / name, newline="") as file:
            head, *lines = csv.reader(file)
        assert head[-1] == "note"
        assert {line[-1] for line in lines} == {REMARK}
        assert {len(line) for line in lines} == {len(head)}


def test_a_remark_heads_a_comparison(tmp_path):
    both = [evaluate(drawn("t", remark=REMARK), threshold=value, resampling=Resampling(40)) for value in (0.3, 0.5)]
    comparison = compare(dict(zip("ab", both, strict=True)))
    assert comparison_text(comparison).startswith(f"{REMARK}\n\n")
    save_comparison(tmp_path, comparison, ("md", "csv", "latex"))
    assert rf"\caption{{{REMARK}}}" in (tmp_path / "comparison.tex").read_text()
    with open(tmp_path / "comparison.csv", newline="") as file:
        lines = list(csv.reader(file))
    assert [line[-1] for line in lines] == ["note", REMARK, REMARK]
    one = compare({"a": both[0], "b": evaluate(drawn("t"), threshold=0.5, resampling=Resampling(40))})
    assert f"a: {REMARK}\n\n" in comparison_text(one)


def test_classes_without_a_positive_or_a_negative_are_named_and_kept_out():
    test, dev = drawn("t", classes=("a", "b", "c")), drawn("d", 150, classes=("a", "b", "c"))
    test.labels[:, 1], test.labels[:, 2] = 0, 1
    dev.labels[:, 0] = 0
    evaluation = evaluate(test, dev)
    assert evaluation.without_positives == ("b",)
    assert evaluation.without_negatives == ("c",)
    assert evaluation.thresholds.not_chosen == ("a",)
    rows = {name: row.figures for name, row in evaluation.classes.items()}
    assert all(math.isnan(rows["b"][name]) for name in ("sensitivity", "g_mean", "auroc", "average_precision"))
    macro = evaluation.macro.figures
    assert macro["sensitivity"] == pytest.approx((rows["a"]["sensitivity"] + rows["c"]["sensitivity"]) / 2)
    assert macro["auroc"] == rows["a"]["auroc"]
    text = as_text(evaluation)
    assert "- no positive, so left out of the macro mean: b\n" in text
    assert "- no negative, so without specificity, G-mean and AUROC: c\n" in text
    assert "- threshold 0.5, because dev has no positive or no negative: a\n" in text
    assert "|     – |" in text
    assert evaluation.as_json()["named"] == {
        "without_positives": ["b"],
        "without_negatives": ["c"],
        "threshold_not_chosen": ["a"],
        "worse_than_chance": [],
    }


def test_one_item_is_enough():
    evaluation = evaluate(Scores(np.array([[0.2]]), np.array([[0]]), np.array(["x"]), ("a",), "multilabel"))
    assert evaluation.classes["a"].counts == {"TP": 0, "FN": 0, "FP": 0, "TN": 1}
    assert math.isnan(evaluation.macro.figures["sensitivity"])
    assert evaluation.as_json()["macro"]["sensitivity"] is None


def test_the_older_studys_two_means_have_their_own_names():
    macro = evaluate(drawn("t")).macro.figures
    assert macro["g_mean_of_means"] == math.sqrt(macro["sensitivity"] * macro["specificity"])
    assert macro["g_mean_of_means"] != macro["g_mean"]


def test_dev_figures_say_that_they_are_optimistic():
    evaluation = evaluate_dev(drawn("d"))
    assert evaluation.note == evaluation.as_json()["note"] == NOTES["dev"] == "optimistic: chosen on these items"
    assert as_text(evaluation).startswith("optimistic: chosen on these items\n")
    assert not as_text(evaluate(drawn("t"), drawn("d", 150))).startswith("optimistic")


def test_shared_items_are_refused():
    with pytest.raises(EcgFusionError, match=r"share 150 items, 't0' first: choose thresholds on items that are not"):
        evaluate(drawn("t"), drawn("t", 150))


@pytest.mark.parametrize(
    ("dev", "sentence"),
    [
        (
            drawn("d", classes=("STTC", "MI", "CD", "HYP")),
            r"dev\.npz has as class 1 STTC, but the scores MI: .* in one order of classes",
        ),
        (drawn("d", classes=("MI", "CD")), "has a number of classes of 2, but the scores 4"),
        (drawn("d", task="form"), "has task form, but the scores disease"),
        (drawn_multiclass("d"), "has kind multiclass, but the scores multilabel"),
    ],
)
def test_dev_scores_of_something_else_are_refused(dev, sentence):
    dev.name = "dev.npz"
    with pytest.raises(EcgFusionError, match=sentence):
        evaluate(drawn("t", task="disease"), dev)


def test_patients_in_both_are_said():
    test = drawn("t", patient_id=np.arange(200))
    evaluation = evaluate(test, drawn("d", 150, patient_id=np.arange(198, 348)))
    assert evaluation.n_patients_in_dev == 2
    assert "- optimistic: 2 patients are in the dev scores too\n" in as_text(evaluation)
    assert evaluate(test, drawn("d", 150, patient_id=np.arange(200, 350))).n_patients_in_dev == 0


def test_what_is_saved_is_the_table_and_every_figure(tmp_path):
    evaluation = evaluate(drawn("t"), drawn("d", 150), "youden")
    save_evaluation(tmp_path / "a" / "b", evaluation)
    folder = tmp_path / "a" / "b"
    assert (folder / "table.md").read_text(encoding="utf-8") == as_text(evaluation)
    with open(folder / "counts.csv", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["class", "TP", "FN", "FP", "TN", "n", "prevalence", "threshold"]
    assert {name: [int(n) for n in cells[:4]] for name, *cells in lines[1:]} == {
        name: list(row.counts.values()) for name, row in evaluation.classes.items()
    }
    for name, *cells in lines[1:]:
        row, (n, prevalence, threshold) = evaluation.classes[name], cells[4:]
        assert int(n) == row.counts["TP"] + row.counts["FN"]
        assert float(prevalence) == int(n) / 200
        assert float(threshold) == evaluation.thresholds.values[name]
    with open(folder / "no_class.csv", newline="") as file:
        of_none = list(csv.reader(file))
    assert of_none[0] == ["name", "TP", "FN", "FP", "TN", "n", "prevalence"]
    assert [(name, *map(int, cells[:4])) for name, *cells in of_none[1:]] == [
        ("NORM", *evaluation.norm.counts.values())
    ]
    saved = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert saved == evaluation.as_json()
    assert saved["classes"]["MI"] == evaluation.classes["MI"].counts | evaluation.classes["MI"].figures
    assert saved["thresholds"] == evaluation.thresholds.values
    assert (saved["threshold_choice"], saved["n_dev_items"]) == ("youden", 150)


def test_no_class_found_has_the_name_that_its_task_gives_it(tmp_path):
    named = drawn("rhythm", classes=("AF", "AFLT"), none_name="SR")
    evaluation = evaluate(named, threshold=0.5, resampling=Resampling(40))
    assert evaluation.norm is not None
    assert "SR" in evaluation.as_json()
    assert "NORM" not in as_text(evaluation)
    assert "- SR: no class found; in neither mean\n" in as_text(evaluation)
    save_scores(tmp_path / "s.npz", named)
    assert load_scores(tmp_path / "s.npz").none_name == "SR"
    assert evaluate(drawn("rhythm", classes=("AF", "AFLT")), threshold=0.5).norm is None


def inverted(wrong: list[bool], n: int = 200) -> Scores:
    draw = np.random.default_rng(0)
    labels = draw.random((n, 2)) < 0.3
    scores = 1 / (1 + np.exp(-draw.normal(size=(n, 2)) - 2 * labels))
    return Scores(np.where(wrong, 1 - scores, scores), labels, np.arange(n), ("a", "b"), "multilabel")


@pytest.mark.parametrize(
    ("wrong", "named", "told"),
    [([True, True], ["a", "b"], "every class"), ([False, True], ["b"], "b"), ([False, False], [], None)],
)
def test_scores_that_are_the_wrong_way_round_are_named(wrong: list[bool], named: list[str], told: str | None):
    evaluation = evaluate(inverted(wrong))
    assert evaluation.as_json()["named"]["worse_than_chance"] == named
    sentence = "AUROC far below 0.5, so the scores may be inverted, or in another order of classes"
    assert (f"- {sentence}: {told}\n" in as_text(evaluation)) == (told is not None)
    assert (sentence in as_text(evaluation)) == (told is not None)
    both = compare({"one": evaluation, "other": evaluate(inverted([False, False]))})
    assert (f"one: {sentence}" in comparison_text(both)) == (told is not None)


def test_scores_without_skill_are_not_called_inverted():
    draw = np.random.default_rng(1)
    for n in (10, 40, 2000):
        labels, names = draw.random((n, 20)) < 0.1, tuple("abcdefghijklmnopqrst")
        scores = Scores(draw.random((n, 20)), labels, np.arange(n), names, "multilabel")
        assert evaluate(scores).worse_than_chance == ()
