"""Labels of some items are what those items bear, and say of the task what all of them said."""

from dataclasses import replace

import numpy as np

from pipeline.labels import Labels

ALL = Labels(
    ("MI", "STTC"), "multilabel", np.array([[1, 0], [0, 1], [0, 0], [1, 1]], np.uint8), np.array([1, 1, 0, 1], bool)
)


def test_rows_come_in_the_order_asked_for():
    chosen = ALL.rows(np.array([3, 0]))
    np.testing.assert_array_equal(chosen.values, [[1, 1], [1, 0]])
    np.testing.assert_array_equal(ALL.rows(np.array([2, 1])).labelled, [False, True])


def test_rows_of_rows_are_rows():
    first, then = np.array([3, 1, 2]), np.array([2, 0])
    twice, once = ALL.rows(first).rows(then), ALL.rows(first[then])
    np.testing.assert_array_equal(twice.values, once.values)
    np.testing.assert_array_equal(twice.labelled, once.labelled)


def test_the_task_stays_what_it_was():
    named = replace(ALL, none_name="NORM").rows(np.array([0]))
    assert (named.classes, named.kind, named.none_name) == (("MI", "STTC"), "multilabel", "NORM")
