"""The confusion matrix under the table: by hand, with many classes, and what is said of ties."""

import numpy as np
import pytest
from multiclass_scores import drawn_multiclass

from pipeline.evaluation.confusion import Confusion
from pipeline.evaluation.figures import evaluate
from pipeline.evaluation.intervals import Resampling
from pipeline.evaluation.scores import Scores
from pipeline.report.confusions import confusion_csv_lines, confusion_lines, confusion_parts
from pipeline.report.tables import as_text

BY_HAND = Scores(
    np.array([[0.8, 0.1, 0.1], [0.3, 0.4, 0.3], [0.2, 0.7, 0.1], [0.4, 0.2, 0.4], [0.1, 0.1, 0.8]]),
    np.eye(3)[[0, 0, 1, 2, 2]],
    np.arange(5),
    ("N", "A", "O|x"),
    "multiclass",
)
# one of two N and the A are right, and one of two O, since of two equal scores the first class is taken: 3 of 5.
# By chance 2·2 + 1·2 + 2·1 = 8 of 25 are, so kappa is (15 − 8) / (25 − 8).
BY_HAND_TEXT = """\
Confusion matrix: the truth in rows, in columns the class with the highest score

|      |  N |  A | O\\|x |  n |
| ---- | -: | -: | ---: | -: |
| N    |  1 |  1 |    0 |  2 |
| A    |  0 |  1 |    0 |  1 |
| O\\|x |  1 |  0 |    1 |  2 |

|                   | value |
| ----------------- | ----: |
| accuracy          | 0.600 |
| balanced accuracy | 0.667 |
| Cohen's kappa     | 0.412 |

- accuracy: the share of the items whose class was found
- balanced accuracy: the mean sensitivity of the classes that there are
- Cohen's kappa: 0 for what the shares of the classes would get right by chance, 1 for all
- items with several highest scores, of which the first class is taken: 1"""


def test_the_text_by_hand():
    assert "\n\n".join(confusion_parts(evaluate(BY_HAND))) == BY_HAND_TEXT
    assert BY_HAND_TEXT in as_text(evaluate(BY_HAND))


def test_figures_have_their_intervals_beside_them():
    text = as_text(evaluate(drawn_multiclass(), resampling=Resampling(40)))
    assert "| value | 95% interval |" in text
    assert text.index("Confusion matrix") < text.index("| Cohen's kappa ") < text.index("95% intervals, over")


def test_a_matrix_too_wide_to_be_read_is_saved_only():
    text = as_text(evaluate(drawn_multiclass(classes=tuple(f"c{i}" for i in range(41)))))
    assert "The confusion matrix of 41 classes is in confusion.csv where this is saved\n" in text
    assert "| Cohen's kappa " in text


def test_no_tie_is_no_remark():
    assert "several highest" not in as_text(evaluate(drawn_multiclass()))


def test_classes_with_long_names_have_numbers_over_their_columns():
    names = tuple(f"a diagnosis with the number {i}" for i in range(1, 6))
    head, *rows = confusion_lines(Confusion(names, np.arange(25).reshape(5, 5)))
    assert head == ["", "1", "2", "3", "4", "5", "n"]
    assert [row[0] for row in rows] == [f"{i} {name}" for i, name in enumerate(names, 1)]
    assert rows[1][1:] == ["5", "6", "7", "8", "9", "35"]
    assert confusion_csv_lines(Confusion(names, np.zeros((5, 5), int)))[0] == ["truth", *names]


@pytest.mark.parametrize("name", ["=1+1", "+x", "@SUM(A1)", "a\nb"])
def test_a_name_is_no_formula_and_no_line_of_a_csv_file(name):
    lines = confusion_csv_lines(Confusion((name, "b"), np.zeros((2, 2), int)))
    for cell in (lines[0][1], lines[1][0]):
        assert cell[0] not in "=+-@"
        assert "\n" not in cell


def test_without_classes_that_exclude_each_other_there_is_nothing():
    assert confusion_parts(evaluate(Scores(np.eye(2), np.eye(2), np.arange(2), ("a", "b"), "multilabel"))) == []
