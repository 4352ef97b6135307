"""Several models' scores of the same items: joined by name, and refused where they are not of the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import EcgFusionError
from pipeline.evaluation.alignment import align
from pipeline.evaluation.scores import Scores

N = 6


def model(name: str, n: int = N, **changes: Any) -> Scores:
    """Scores of the same items, called A or B; task, patients and classes are known unless changed."""
    draw, labels = np.random.default_rng(ord(name)), np.arange(3 * n).reshape(n, 3) % 2
    known = {"task": "all", "patient_id": np.arange(n) // 2, "classes": ("a", "b", "c"), "labels": labels}
    items = np.array([f"t{i}" for i in range(n)])
    return Scores(draw.random((n, 3)), item_id=items, kind="multilabel", name=name, **{**known, **changes})


def test_items_are_joined_by_name():
    one, other, mixed = model("A"), model("B"), np.random.default_rng(0).permutation(N)
    names = ("scores", "labels", "item_id", "patient_id")
    first, second = align([one, replace(other, **{name: getattr(other, name)[mixed] for name in names})])
    assert mixed.tolist() != list(range(N))
    for name in names:
        np.testing.assert_array_equal(getattr(first, name), getattr(one, name))
        np.testing.assert_array_equal(getattr(second, name), getattr(other, name))


def test_patients_that_one_file_knows_are_known_to_all():
    aligned = align([model("A", patient_id=None), model("B")])
    assert [each.patient_id.tolist() for each in aligned] == [model("B").patient_id.tolist()] * 2
    assert all(each.patient_id is None for each in align([model(name, patient_id=None) for name in "AB"]))


def test_a_task_that_one_file_does_not_know_is_no_difference():
    assert align([model("A"), model("B", task=None)])[1].task is None


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (model("B", N - 2), "2 items, 't4' first, are in one of A and B only: compare models on the same items"),
        (model("B", classes=("a", "c", "b")), "B has as class 2 c, but A b: compare models of one task"),
        (model("B", task="form"), "B has task form, but A all"),
        (
            model("B", labels=np.r_[np.arange(15) % 2, 0, 0, 0].reshape(N, 3)),
            "A and B disagree about the labels of 1 items, 't5' first: compare scores of one data set",
        ),
        (model("B", patient_id=np.arange(N)), "A and B disagree about the patient_id of 5 items, 't1' first"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: Scores, sentence: str):
    with pytest.raises(EcgFusionError, match=sentence):
        align([model("A"), other])
