"""A store as a plain torch Dataset."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pipeline.errors import EcgFusionError
from pipeline.labels import Labels
from pipeline.store.arrays import ArrayStore

ROOT = Path(__file__).resolve().parents[2]


def test_an_item_is_its_signal_in_millivolts_its_labels_and_its_name(store):
    items, labels = store.dataset("disease"), store.task("disease")
    assert items.classes == labels.classes
    assert items.kind == "multilabel"
    assert len(items) == labels.labelled.sum()
    for x, y, item_id in (items[0], items[len(items) - 1]):
        row = store.columns["item_id"].tolist().index(item_id)
        assert x.dtype == y.dtype == torch.float32
        np.testing.assert_array_equal(x, (store.signals.open()[row] / 1000).astype(np.float32))
        np.testing.assert_array_equal(y, labels.values[row])
    with pytest.raises(IndexError):
        items[len(items)]


def test_only_items_that_the_task_labels_are_in_it(store):
    labels = store.task("form")
    assert 0 < labels.labelled.sum() < store.n_items
    assert [item_id for _, _, item_id in store.dataset("form")] == store.columns["item_id"][labels.labelled].tolist()


@pytest.mark.parametrize("form", ["gaf", "stft"])
def test_an_image_has_its_grey_levels_from_0_to_1(store, form):
    items = store.dataset("disease", representation=form, leads=["v2", "I"])
    x, _, item_id = items[3]
    stored = store.images[form].open()[store.columns["item_id"].tolist().index(item_id)]
    assert items.leads == ("V2", "I")
    assert (x.dtype, x.shape) == (torch.float32, (2, 32, 32))
    assert 0 <= x.min() < x.max() <= 1
    np.testing.assert_array_equal((x * 255).round().numpy(), stored[[2, 0]])


def test_leads_are_chosen_in_the_order_that_is_given(store):
    items = store.dataset("disease", leads=["aVR", "lead i"])
    assert items.leads == ("aVR", "I")
    assert torch.equal(items[0][0], store.dataset("disease")[0][0][[3, 0]])


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes:UserWarning")  # on a single core
@pytest.mark.parametrize("representation", [None, "gaf"])
def test_two_workers_read_what_none_does(store, representation):
    items = store.dataset("disease", representation)
    items[0]  # its map is open, and is not sent to a worker
    alone, ahead = (list(DataLoader(items, batch_size=7, num_workers=workers)) for workers in (0, 2))
    assert len(alone) == len(ahead) == -(-len(items) // 7)
    for (x, y, names), (x2, y2, names2) in zip(alone, ahead, strict=True):
        assert torch.equal(x, x2)
        assert torch.equal(y, y2)
        assert names == names2


def test_a_pickled_one_is_small_and_equal(store):
    items = store.dataset("disease", "gaf")
    items[0]
    words = pickle.dumps(items)
    assert len(words) < store.images["gaf"].open().nbytes / 10
    copied = pickle.loads(words)
    assert len(copied) == len(items)
    assert torch.equal(copied[5][0], items[5][0])


def test_an_item_of_an_array_has_its_own_length():
    labels = Labels(("A", "B"), "multilabel", np.array([[0, 1], [1, 1]], np.uint8), np.array([True, True]))
    noise = np.random.default_rng(0).normal(0, 0.3, (2, 500))
    items = ArrayStore.of([noise, noise[:, :200]], 100, ["I", "II"], labels={"t": labels}).dataset("t")
    both = [items[0], items[1]]
    assert [x.shape for x, _, _ in both] == [(2, 500), (2, 200)]
    assert [y.tolist() for _, y, _ in both] == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("diseases",), "has no task diseases"),
        (("disease", "cwt"), "holds no cwt, but gaf mtf rp stft: make a store with --representations cwt"),
        (("disease", None, ["V7"]), "there is no lead V7"),
        (("disease", "gaf", ["V3"]), "there is no lead V3: the leads are I II V2"),
    ],
)
def test_what_it_does_not_hold_is_refused(store, words, sentence):
    with pytest.raises(EcgFusionError, match=sentence):
        store.dataset(*words)


def test_a_store_is_opened_without_torch(small_store_folder):
    code = (
        "import sys; from pipeline.store.reading import open_store;"
        f"open_store({str(small_store_folder / 'dev.h5')!r}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
