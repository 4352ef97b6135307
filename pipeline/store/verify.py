"""A finished store against other people's code: its images made again by the reference, and how far they are off."""

import sys
from typing import Any

import numpy as np

from pipeline.listening import progress_bar, remark
from pipeline.representations import REPRESENTATIONS
from pipeline.signals.counts import to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store


def verify_store(store: Store, n_records: int) -> str:
    """Draws random records of a store again and says how many grey levels each representation is off at most.

    Of a thresholded recurrence plot, whose pixels are black or white, it says how many differ: a distance that lies at
    the threshold, but for a rounding, falls on either side.

    Args:
        store: the store.
        n_records: how many records, or all where there are fewer.
    """
    rows = np.random.default_rng().permutation(store.n_items)[:n_records]
    if not store.images:
        return f"{store.path}: no images to verify"
    leads = choose_leads(store.leads, store.image_leads)
    x = to_millivolts(store.signals.open()[np.sort(rows)][:, leads], store.gain)  # (n, leads, time)
    differences = []
    if "pyts" not in sys.modules:
        remark("loading pyts, which may take some seconds")
    for name, parameters in progress_bar(store.image_parameters.items(), f"verify {store.path.stem}", leave=False):
        stored = store.images[name].open()[np.sort(rows)].astype(int)  # (n, leads, size, size)
        drawn = reference_images(name, x.reshape(-1, x.shape[-1]), store.sampling_rate, parameters)
        if drawn is None:
            differences.append(f"{name} has no reference")
        elif parameters.get("threshold") is not None:
            n_others = int((stored != drawn.reshape(stored.shape)).sum())
            differences.append(f"{name} (thresholded) {n_others:,} of {stored.size:,} pixels on the other side")
        else:
            differences.append(f"{name} {np.abs(stored - drawn.reshape(stored.shape)).max(initial=0)}")
    return (
        f"{store.path}: largest difference from the reference in grey levels, over {len(rows)} records: "
        + ", ".join(differences)
    )


def reference_images(name: str, x: np.ndarray, sampling_rate: float, parameters: dict[str, Any]) -> np.ndarray | None:
    """Images of one representation by its reference, in grey levels; None where it has none.

    Args:
        name: of the representation.
        x: leads in mV.
        sampling_rate: Hz.
        parameters: as the store keeps them.

    Shape:
        x (n, time) to (n, size, size), integers from 0 to 255.
    """
    representation = REPRESENTATIONS.get(name)
    if representation is None or representation.reference.draw is None:
        return None
    low, high = parameters["value_range"]
    drawn = representation.reference.draw(x, sampling_rate, parameters)
    grey: np.ndarray = np.rint(np.clip((drawn - low) / (high - low) * 255, 0, 255)).astype(int)
    return grey
