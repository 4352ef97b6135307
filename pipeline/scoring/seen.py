"""The images that a run sees of an item, by branch, as they can be drawn."""

from collections.abc import Iterator

import numpy as np

from pipeline.inputs.batches import CPU, Pick
from pipeline.inputs.maker import InputMaker
from pipeline.inputs.placement import store_items
from pipeline.representations import LEAD_MAP_KEY
from pipeline.runs.build import Run
from pipeline.scoring.answers import Images
from pipeline.store.reading import Store

LEAD_MAP = ("all leads",)
"""What the one lead of a lead map is called."""


def images_of(run: Run, store: Store) -> dict[str, Images]:
    """The first images of a store's first item, of each network of a run that sees images.

    Args:
        run: draws its images of signals.
        store: signals.

    Returns:
        Branch (the network's name, of a run without branches; ``outer/inner`` of fused fusions) to grey levels, leads
        and the parameters of each representation.
    """
    return dict(_images(run, store, ""))


def _images(run: Run, store: Store, name: str) -> Iterator[tuple[str, Images]]:
    if run.spec is None:
        for branch, part in run.parts.items():
            yield from _images(part, store, f"{name}/{branch}" if name else branch)
        return
    spec = run.spec
    if spec.modality != "image":
        return
    items = store_items(store, np.zeros(1, np.int64), spec, CPU)
    drawn = InputMaker(spec).images(items[Pick(np.zeros(1, np.int64), np.zeros(1, np.int64))].raw)[0].numpy()
    leads = LEAD_MAP if LEAD_MAP_KEY in spec.representations else spec.leads
    if spec.beat_channels is not None:
        leads = tuple(f"{lead}, {part}" for part in spec.beat_channels for lead in leads)
    yield name or run.card.model, (drawn.reshape(len(leads), -1, *drawn.shape[1:]), leads, spec.representations)
