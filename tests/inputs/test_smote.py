"""Synthetic items: between neighbours of one class, whole counts, as many as the largest class lacks."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE

from pipeline.errors import EcgFusionError
from pipeline.inputs import smote
from pipeline.inputs.smote import bytes_of_smote, check_memory, require_smote, synthetic_items

NAMES = ("N", "S", "V", "F")


def items(*sizes: int, n_leads: int = 2, n_samples: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """(items, leads, time) int16 counts, each class about a level of its own, and their classes."""
    random = np.random.default_rng(0)
    classes = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    signals = 1000 * classes[:, None, None] + random.integers(-300, 300, (len(classes), n_leads, n_samples))
    return signals.astype(np.int16), classes


def test_every_class_has_as_many_as_the_largest():
    counts, classes = items(40, 12, 7)
    new, of_new = synthetic_items(counts, classes, NAMES, 0)
    assert new.shape == (28 + 33, 2, 6)
    assert new.dtype == np.int16
    assert np.bincount(np.concatenate([classes, of_new])).tolist() == [40, 40, 40]


def test_a_new_item_lies_on_a_line_between_two_of_its_class():
    """Rounded, it is nowhere farther from such a line than half a count in each sample."""
    counts, classes = items(30, 8)
    new, of_new = synthetic_items(counts, classes, NAMES, 0)
    rare = counts[classes == 1].reshape(8, -1).astype(float)
    assert set(of_new) == {1}
    for each in new.reshape(len(new), -1).astype(float):
        farthest = []
        for start in rare:
            for end in rare:
                along = end - start
                place = np.clip((each - start) @ along / max(along @ along, 1e-9), 0, 1)
                farthest.append(np.abs(start + place * along - each).max())
        assert min(farthest) <= 1


def test_of_two_classes_it_is_what_the_library_makes_of_them_at_once():
    counts, classes = items(30, 8)
    new, _ = synthetic_items(counts, classes, NAMES, 7)
    seed = int(np.random.SeedSequence((7, 1)).generate_state(1)[0])
    flat = counts.reshape(len(counts), -1).astype(np.float32)
    whole, right = SMOTE(random_state=seed).fit_resample(flat, classes)
    assert np.bincount(right).tolist() == [30, 30]
    np.testing.assert_array_equal(new.reshape(len(new), -1), np.rint(whole[len(flat) :]).astype(np.int16))


def test_it_is_a_function_of_the_seed():
    counts, classes = items(30, 8)
    first, again, other = (synthetic_items(counts, classes, NAMES, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_class_does_not_depend_on_the_others():
    """So that a further class changes nothing of this one."""
    counts, classes = items(30, 8, 5)
    both, of_both = synthetic_items(counts, classes, NAMES, 0)
    alone, _ = synthetic_items(counts[classes < 2], classes[classes < 2], NAMES, 0)
    np.testing.assert_array_equal(both[of_both == 1], alone)


def test_a_rare_class_has_fewer_neighbours_and_says_so(told):
    counts, classes = items(30, 3)
    new, _ = synthetic_items(counts, classes, NAMES, 0)
    assert len(new) == 27
    assert [str(event) for event in told if "S has 3 training items, so each has 2 neighbours, not 5" in str(event)]


def test_of_a_single_item_nothing_is_made_and_one_sentence_says_so(told):
    counts, classes = items(30, 8, 1)
    _, of_new = synthetic_items(counts, classes, NAMES, 0)
    assert set(of_new) == {1}
    assert [event for event in told if "V has a single training item, which has no neighbour" in str(event)]


def test_classes_that_are_absent_or_as_large_get_nothing():
    counts, classes = items(9, 0, 9)
    new, of_new = synthetic_items(counts, classes, NAMES, 0)
    assert new.shape == (0, 2, 6)
    assert of_new.dtype == np.int64
    assert len(synthetic_items(counts[classes == 0], classes[classes == 0], NAMES, 0)[0]) == 0


def test_the_ends_of_the_range_are_kept():
    counts = np.array([[[32767, -32767]]] * 3 + [[[0, 0]]] * 4, np.int16)
    new, _ = synthetic_items(counts, np.array([1, 1, 1, 0, 0, 0, 0]), NAMES, 0)
    assert new.tolist() == [[[32767, -32767]]]


def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    of_classes = np.array([1000, 10, 0, 1])
    n_bytes = bytes_of_smote(of_classes, 100)
    assert n_bytes == (3 * 1000 + 1011) * 100 * 2 + 1000 * 100 * 16
    asked: list[int] = []
    monkeypatch.setattr(smote, "fits", lambda size, _: bool(asked.append(size)))
    with pytest.raises(EcgFusionError, match=r"would take 0\.0 GiB of memory, more than a quarter of this machine's"):
        check_memory(of_classes, 100)
    assert asked == [n_bytes]


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch):
    require_smote()
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(EcgFusionError, match=r'needs imbalanced-learn, .*: pip install "ecgfusion\[smote\]"$'):
        synthetic_items(*items(3, 2), NAMES, 0)


def test_it_is_imported_where_work_begins():
    tree = ast.parse(Path(smote.__file__).read_text(encoding="utf-8"))
    assert not [
        each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom) and "imblearn" in ast.dump(each)
    ]
