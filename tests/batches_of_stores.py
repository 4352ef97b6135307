"""Batches of a small store, as networks on its signals and on its images see them."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.inputs.batches import Batch, Items, Pick, load
from pipeline.inputs.spec import InputSpec
from pipeline.store.reading import Store

ROWS = np.array([7, 3, 20, 11, 0, 29, 16])  # neither sorted nor from the start


def signal_spec(store: Store, crop: float | None = None, stride: float | None = None) -> InputSpec:
    n_samples = int(store.lengths.max())
    return InputSpec("signal", ("I", "V2"), store.sampling_rate, store.gain, n_samples, crop, stride)


def image_spec(store: Store, **options: Any) -> InputSpec:
    forms = {form: store.image_parameters[form] for form in ("gaf", "rp")}
    spec = InputSpec("image", ("I", "V2"), store.sampling_rate, store.gain, int(store.lengths.max()))
    return replace(spec, representations=forms, **options)


def all_batches(items: Items, picks: list[Pick], workers: int = 0) -> list[Batch]:
    return list(load(items, picks, workers))


def assert_equal(ours: list[Batch], theirs: list[Batch]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for mine, yours in zip(vars(one).values(), vars(other).values(), strict=True):
            assert (mine is None) == (yours is None)
            if mine is not None:
                np.testing.assert_array_equal(mine, yours)
