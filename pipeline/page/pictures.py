"""Recordings of a store to look at: the signal, what networks on images saw of it, and what moved a score."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.listening import progress_bar
from pipeline.page.known import Known, Wanted
from pipeline.page.model import Mistake, Picture
from pipeline.store.reading import Store, open_partition

if TYPE_CHECKING:
    from pipeline.explain.explanation import Explanation
    from pipeline.runs.build import Run

_MOST_IMAGES = 12
_COLOURS, _DPI = 256, 100


@dataclass(frozen=True)
class Shown:
    """What is to be seen of an item.

    Attributes:
        item_id: of it.
        class_name: whose score is explained.
        sentences: what is said of it.
    """

    item_id: str
    class_name: str
    sentences: tuple[str, ...]


def of_mistake(mistake: Mistake) -> Shown:
    """What is said of a mistake."""
    truth, found = (", ".join(names) or "no class" for names in (mistake.truth, mistake.found))
    what = "missed" if mistake.is_missed else "found, and not there"
    limit = "" if mistake.threshold is None else f", threshold {mistake.threshold:.3g}"
    said = f"{mistake.class_name} {what}: score {mistake.score:.3g}{limit}."
    return Shown(mistake.item_id, mistake.class_name, (said, f"Labels: {truth}. Found: {found}."))


def pictures_of(known: Known, shown: Sequence[Shown], wanted: Wanted) -> tuple[Picture, ...]:
    """The recordings of some items of a run's store; an item that is not there is left out."""
    if known.folder is None or not shown:
        return ()
    from pipeline.runs.load import load_run
    from pipeline.scoring.needs import Needs

    run = load_run(known.folder)
    store = open_partition(wanted.data or Path(run.card.data.folder), wanted.partition)
    needs, found = Needs.of(run), []
    for number, each in enumerate(progress_bar(shown, "recordings", unit="recordings", leave=False)):
        rows = _rows(store, each.item_id)
        if not len(rows):
            continue
        counts = np.asarray(store.signals.open()[rows[0]])[:, : int(store.lengths[rows[0]])]
        explained: str | None = None
        size, why = (0, 0), tuple[str, ...]()
        if number < wanted.explanations:
            explained, size, why = _explained(run, each, wanted)
        picture = Picture(
            f"record {each.item_id}",
            each.sentences + why,
            counts / store.gain,
            tuple(store.leads),
            store.sampling_rate,
            tuple(_images(needs, store, counts)),
            explained,
            size,
        )
        found.append(picture)
    return tuple(found)


def _rows(store: Store, item_id: str) -> np.ndarray:
    """An item; of an answer for a whole record, its items."""
    rows = np.flatnonzero(store.columns["item_id"] == item_id)
    return rows if len(rows) else np.flatnonzero(store.columns["record_id"] == item_id)


def _images(needs: object, store: Store, counts: np.ndarray) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Branch, title of a representation, and lead → address; nothing of networks that see no images."""
    from pipeline.report.pictures import images
    from pipeline.scoring.asking import store_of
    from pipeline.scoring.fitting import Prepared, fit, fit_item
    from pipeline.scoring.needs import Needs
    from pipeline.scoring.seen import images_of

    assert isinstance(needs, Needs)
    if all(part.spec is None or part.spec.modality != "image" for part in _parts(needs.run)):
        return
    way = fit if needs.kind_of_items == "whole" else fit_item
    try:
        fitted = way(needs, Prepared(counts / store.gain, tuple(store.leads)), str(store.path))
        drawn = images_of(needs.run, store_of(needs, [fitted]))
    except EcgFusionError:  # a page without them is a page
        return
    for branch, (grey, leads, parameters) in drawn.items():
        for kind in images(grey, leads, parameters):
            yield branch, kind[0].title, {each.lead: each.source for each in kind[:_MOST_IMAGES]}


def _parts(run: object) -> Iterator:  # type: ignore[type-arg]
    yield run
    for part in getattr(run, "parts", {}).values():
        yield from _parts(part)


def _explained(run: "Run", each: Shown, wanted: Wanted) -> tuple[str | None, tuple[int, int], tuple[str, ...]]:
    """The address of an explanation, its size, and why there is none."""
    from pipeline.explain.drawing import plot_explanation
    from pipeline.explain.methods import explain

    def by(method: str) -> "Explanation":
        of = (run, each.item_id, each.class_name)
        return explain(*of, method=method, partition=wanted.partition, data=wanted.data)

    found, why = None, ""
    for method in ("gradients", "occlusion"):  # the quick one, which not every run has
        try:
            found = by(method)
            break
        except EcgFusionError as problem:
            why = f"Not explained: {problem}."
    if found is None:
        return None, (0, 0), (why,)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a box stands for it
        return *_address(plot_explanation(found)), ()


def _address(figure: object) -> tuple[str, tuple[int, int]]:
    """A figure as an image of few colours, which is a third as large, and its size."""
    from matplotlib.figure import Figure
    from PIL import Image

    from pipeline.report.pictures import address

    assert isinstance(figure, Figure)
    file, small = io.BytesIO(), io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, facecolor=figure.get_facecolor())
    image = Image.open(file).convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE)  # keeps the rare colours
    image.save(small, "PNG", optimize=True)
    return address("image/png", small.getvalue()), image.size
