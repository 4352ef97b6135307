"""The order of an epoch whose classes come equally often."""

import numpy as np
import pytest

from pipeline.inputs.batches import Items, training_picks
from pipeline.inputs.sampling import balanced_order

SIZES = (70, 20, 9, 1)
CLASSES = np.repeat(np.arange(4), SIZES)


def drawn(classes: np.ndarray = CLASSES, seed: int = 0) -> np.ndarray:
    return balanced_order(classes, np.random.default_rng(seed))


def test_every_class_is_drawn_equally_often():
    order = drawn()
    assert len(order) == len(CLASSES)
    assert np.bincount(CLASSES[order]).tolist() == [25, 25, 25, 25]


@pytest.mark.parametrize("n", [1, 2, 5, 7, 11])
def test_where_it_does_not_divide_classes_differ_by_one(n: int):
    classes = np.concatenate([np.zeros(n, int), [2, 5, 5]])
    often = np.bincount(classes[drawn(classes)])
    assert often.sum() == n + 3
    assert set(np.flatnonzero(often)) == {0, 2, 5}
    assert np.ptp(often[[0, 2, 5]]) <= 1


def test_whose_turn_the_draw_too_many_is_changes():
    classes = np.repeat([0, 1, 2], [4, 3, 3])
    assert len({tuple(np.bincount(classes[drawn(classes, seed)])) for seed in range(20)}) == 3


def test_no_item_of_a_class_comes_again_before_the_others_have():
    often = np.bincount(drawn(), minlength=len(CLASSES))
    assert set(often[:70]) == {0, 1}, "a frequent class is sampled without replacement"
    assert set(often[70:90]) == {1, 2}
    assert set(often[90:99]) == {2, 3}
    assert often[99] == 25


def test_what_an_epoch_leaves_out_of_a_frequent_class_comes_in_another():
    seen = set(np.concatenate([drawn(seed=epoch) for epoch in range(20)]).tolist())
    assert seen == set(range(len(CLASSES)))


def test_draws_are_shuffled_and_a_function_of_the_generator():
    np.testing.assert_array_equal(drawn(), drawn())
    assert (drawn() != drawn(seed=1)).any()
    assert (np.diff(CLASSES[drawn()]) < 0).any()


def test_nothing_and_a_single_class():
    assert len(drawn(np.zeros(0, int))) == 0
    assert sorted(drawn(np.full(5, 3))) == [0, 1, 2, 3, 4]


class Crops(Items):
    """Items of 30 samples of which 10 are seen at once."""

    crop_samples = 10

    def __init__(self, lengths: np.ndarray) -> None:
        self.lengths = lengths


def test_picks_are_a_function_of_seed_and_epoch_and_each_draw_has_its_own_crop():
    items = Crops(np.full(len(CLASSES), 30))
    first, again, other = (training_picks(items, 8, 3, epoch, CLASSES) for epoch in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.rows, two.rows)
        np.testing.assert_array_equal(one.starts, two.starts)
    assert any((one.rows != two.rows).any() for one, two in zip(first, other, strict=True))
    assert len(first) == len(training_picks(items, 8, 3, 0)), "an epoch has as many steps as without"
    rows, starts = (np.concatenate([getattr(pick, name) for pick in first]) for name in ("rows", "starts"))
    assert len(set(starts[rows == 99])) > 5, "one item is drawn 25 times, not at one crop"
    assert (starts.min(), starts.max()) == (0, 20)


def test_a_last_batch_of_one_draw_is_left_out_and_items_of_unequal_length_keep_their_shares():
    lengths = np.tile([4, 9], 18)[:33]
    classes = np.repeat([0, 1, 2], [27, 3, 3])
    picks = training_picks(Crops(lengths), 8, 0, 0, classes)
    rows = np.concatenate([pick.rows for pick in picks])
    assert [len(pick.rows) for pick in picks] == [8] * 4
    assert np.abs(np.bincount(classes[rows]) - 11).max() <= 1
    assert not np.concatenate([pick.starts for pick in picks]).any()
