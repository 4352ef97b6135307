"""Labels of some items are what those items bear, and say of the task what all of them said."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.labels import LONGEST_NAME, Labels, none_name_of, sample_in_proportion, wrong_name

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


NAMES = (
    "1AVB",
    "LAFB/LPFB",
    "PRC(S)",
    "AFIB (slow)",
    "ST−T",
    "室性早搏",
    "Ä",
    "a|b",
    "x" * LONGEST_NAME,
    "+",
    "-ve",
    "_AVB",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_field_are_names(name):
    assert wrong_name("class", [name]) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        *[(name, "has an empty name") for name in ("", " ", "\n", "\u3000")],
        *[(f"M{c}I", "cannot be printed") for c in "\n\r\t\0\x1b\x7f\x85\u2028\u202e\u200b\ufeff\udc80\ufffe"],
        *[(name, "begins like a formula") for name in ("=cmd|' /C calc'!A0", "=1+1", "@SUM(A1)")],
        *[(name, "has blanks around") for name in (" MI", "MI ")],
        ("x" * (LONGEST_NAME + 1), "has a name of 201 characters"),
    ],
)
def test_what_no_table_can_hold_is_no_name(name, problem):
    wrong = wrong_name("class", ["MI", name])
    assert wrong is not None
    assert problem in wrong
    assert wrong.isprintable()


@pytest.mark.parametrize("name", [".", "..", "../x", "a/b", "a\\b", "/"])
def test_a_task_is_a_plain_file_name(name):
    assert "is no plain file name" in str(wrong_name("task", [name], plain=True))
    assert wrong_name("class", [name]) is None


def test_a_class_norm_is_not_what_no_class_is_called():
    assert none_name_of("disease", ("MI", "CD")) == "NORM"
    assert none_name_of("disease", ("NORM", "MI", "CD")) is None


@pytest.mark.parametrize("limit", [1, 5, 40, 399])
def test_a_sample_has_the_shares_of_all(limit):
    random = np.random.default_rng(0)
    values = random.random((400, 3)) < (0.4, 0.1, 0.02)
    chosen = sample_in_proportion(values, limit, 0)
    assert len(set(chosen.tolist())) == limit
    assert (np.diff(chosen) > 0).all()
    rarest = values[:, 2]
    assert abs(rarest[chosen].sum() - rarest.mean() * limit) <= 1
    assert chosen.tolist() == sample_in_proportion(values, limit, 0).tolist()
    assert limit in (1, 399) or chosen.tolist() != sample_in_proportion(values, limit, 1).tolist()
    assert len(sample_in_proportion(values[:, :0], limit, 0)) == limit


def test_a_class_without_an_item_is_lost():
    whole = Labels(("a", "b", "c"), "multilabel", np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]]), np.array([True] * 3))
    assert whole.rows(np.array([0, 2])).lost_from(whole) == ["b"]
    assert whole.lost_from(whole) == []
