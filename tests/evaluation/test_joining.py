"""Scores of windows become those of records: by hand, in any order, and as probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.evaluation.joining import JOINS, Joining, first_of_each

RECORDS = np.array(["b", "b", "a", "c", "a", "a"])
VALUES = np.array([[0.1, 0.9], [0.4, 0.6], [1.0, 0.0], [0.3, 0.7], [0.5, 0.5], [0.25, 0.75]])


@pytest.mark.parametrize(
    ("how", "of_b", "of_a"),
    [
        ("mean", [0.25, 0.75], [1.75 / 3, 1.25 / 3]),
        ("geometric", [0.04**0.5, 0.54**0.5], [0.125 ** (1 / 3), (0.375e-9) ** (1 / 3)]),
        ("max", [0.4, 0.9], [1.0, 0.75]),
    ],
)
def test_what_each_join_gives_by_hand(how: str, of_b: list[float], of_a: list[float]):
    found = Joining(how, RECORDS, "multilabel")(VALUES)
    np.testing.assert_allclose(found, [of_b, of_a, VALUES[3]], rtol=1e-6)
    assert found.dtype == np.float32
    exclusive = Joining(how, RECORDS, "multiclass")(VALUES)
    np.testing.assert_allclose(exclusive, found / found.sum(1, keepdims=True), rtol=1e-5)


def test_records_come_as_their_first_windows_do():
    joining = Joining("mean", RECORDS, "multilabel")
    assert joining.first.tolist() == first_of_each(RECORDS).tolist() == [0, 2, 3]


@pytest.mark.parametrize("how", JOINS)
@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
def test_a_record_of_one_window_is_as_its_window(how: str, kind: str):
    np.testing.assert_allclose(Joining(how, np.array(["x", "y", "z"]), kind)(VALUES[[0, 1, 4]]), VALUES[[0, 1, 4]])


@pytest.mark.parametrize("how", JOINS)
def test_windows_that_contradict_each_other_wholly_still_have_probabilities(how: str):
    certain = np.eye(3)
    found = Joining(how, np.array(["x"] * 3), "multiclass")(certain)
    np.testing.assert_allclose(found, np.full((1, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("how", JOINS)
@given(arrays(np.float64, (6, 2), elements=st.floats(0, 1)), st.permutations(range(6)))
def test_the_order_of_the_windows_does_not_matter(how: str, values: np.ndarray, order: list[int]):
    """Nor what other records there are."""
    joining = Joining(how, RECORDS, "multilabel")
    found = dict(zip(RECORDS[joining.first], joining(values), strict=True))
    shuffled = Joining(how, RECORDS[order], "multilabel")
    moved = dict(zip(RECORDS[order][shuffled.first], shuffled(values[order]), strict=True))
    for name, own in found.items():
        np.testing.assert_allclose(moved[name], own, atol=1e-6)
        alone = Joining(how, RECORDS[name == RECORDS], "multilabel")(values[name == RECORDS])
        np.testing.assert_allclose(alone[0], own, atol=1e-6)
        assert (own >= values[name == RECORDS].min(0) - 1e-6).all()
        assert (own <= np.maximum(values[name == RECORDS].max(0), 1e-9) + 1e-6).all()
