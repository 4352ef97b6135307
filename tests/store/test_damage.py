"""Damage anywhere in a store is refused in one sentence, or changes nothing that is read."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from small_stores import make

from pipeline.errors import EcgFusionError
from pipeline.store.check import damage_of_store
from pipeline.store.reading import NUMBER_COLUMNS, TEXT_COLUMNS, open_store, store_path


@pytest.fixture(scope="module")
def sound(synthetic_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store of small images."""
    out = tmp_path_factory.mktemp("sound")
    make(synthetic_folder, out, "--partition", "dev", "--representations", "gaf", "rp")
    return store_path(out, "dev").read_bytes()


def everything(path: Path) -> list[object]:
    """All that a program of ours can see of a store, each item checked as readers check it."""
    store = open_store(path)
    arrays = {"signals": store.signals, **store.images}
    found: list[object] = [repr(sorted(store.attributes.items())), repr(store.image_parameters)]
    found += [store.columns[name].tolist() for name in (*TEXT_COLUMNS, "fold", "start", "length", "sex")]
    found += [np.nan_to_num(store.columns["age"], nan=-1).tolist()]
    for task, labels in store.labels.items():
        found += [task, labels.classes, labels.kind, labels.none_name, labels.values.tolist(), labels.labelled.tolist()]
    for name, array in arrays.items():
        opened = array.open()
        array.check(np.arange(store.n_items), opened)
        found += [name, np.array(opened).tobytes()]
    return found


def outcome(path: Path, whole: list[object]) -> str:
    """``refused`` in one sentence that names the file, or ``equal``; anything else is a failure."""
    try:
        found = everything(path)
    except EcgFusionError as problem:
        sentence = str(problem)
        return "refused" if str(path) in sentence and "\n" not in sentence else sentence
    return "equal" if found == whole else "WRONG"


def test_a_flipped_bit_is_refused_or_harmless(sound, tmp_path):
    path = tmp_path / "dev.h5"
    path.write_bytes(sound)
    whole, random, outcomes = everything(path), np.random.default_rng(0), []
    # half of the bits where HDF5 keeps its own
    offsets = [*random.integers(0, 2**12, 100), *random.integers(0, len(sound), 100)]
    for offset in offsets:
        damaged = bytearray(sound)
        damaged[offset] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        outcomes.append(outcome(path, whole))
        assert outcomes[-1] == ("refused" if named(path) else "equal"), offset
    assert outcomes.count("refused") > 50


def named(path: Path) -> bool:
    """Whether ``--check`` finds it too."""
    try:
        return bool(list(damage_of_store(path)))
    except EcgFusionError:
        return True


def test_a_truncated_store_is_refused(sound, tmp_path):
    path = tmp_path / "dev.h5"
    path.write_bytes(sound)
    whole = everything(path)
    for end in np.linspace(0, len(sound) - 1, 20).astype(int):
        path.write_bytes(sound[:end])
        assert outcome(path, whole) == "refused"


LARGE = ("signals", "images/gaf", "images/rp")


@pytest.mark.parametrize("name", [*TEXT_COLUMNS, *NUMBER_COLUMNS, "labels/disease", "labelled/disease", *LARGE])
def test_two_rows_that_were_exchanged_are_refused(sound, tmp_path, name):
    path = tmp_path / "dev.h5"
    path.write_bytes(sound)
    whole = everything(path)
    with h5py.File(path, "r+") as file:
        values = file[name][()]
        moved = np.roll(values, 1, axis=0)
        same = np.array_equal(values, moved, equal_nan=values.dtype.kind == "f")
        file[name][...] = moved
    assert outcome(path, whole) == ("equal" if same else "refused")


@pytest.mark.parametrize(("one", "other"), [("images/gaf", "images/rp"), ("item_id", "patient_id"), ("age", "length")])
def test_two_datasets_that_were_exchanged_are_refused(sound, tmp_path, one, other):
    path = tmp_path / "dev.h5"
    path.write_bytes(sound)
    whole = everything(path)
    with h5py.File(path, "r+") as file:
        file.move(one, "kept")
        file.move(other, one)
        file.move("kept", other)
    assert outcome(path, whole) == "refused"


@pytest.mark.parametrize("name", LARGE)
def test_an_item_of_zeros_is_refused_even_with_the_sum_of_another(sound, tmp_path, name):
    path = tmp_path / "dev.h5"
    path.write_bytes(sound)
    whole = everything(path)
    with h5py.File(path, "r+") as file:
        file[name][1] = 0
        file[f"checksums/{name}"][1] = file[f"checksums/{name}"][0]
    assert outcome(path, whole) == "refused"
