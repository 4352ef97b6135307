"""The median beats of a store's items, as the program made them that a network was trained with."""

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.inputs.spec import InputSpec
from pipeline.listening import ItemsRemark, tell
from pipeline.signals import beats, beats_of_version_1
from pipeline.signals.beats import BEAT_CHANNELS, MedianBeat
from pipeline.signals.counts import LARGEST_COUNT, to_millivolts
from pipeline.signals.leads import choose_leads
from pipeline.store.reading import Store

DEVIATION_TIMES = 10.0  # by which the deviation of beats is enlarged: it is tenths of a millivolt at the most
_NAMED = 3  # of the doubtful items
_DOUBTFUL = "of fewer than 3 beats that are alike or of no more than half of those found"


def median_beats(
    store: Store, rows: np.ndarray, extent_s: tuple[float, float], version: int | None
) -> Iterator[MedianBeat]:
    """Of some items, in their order; found on all leads of the store, and without padding.

    Args:
        store: the opened store.
        rows: row numbers of the items.
        extent_s: how much of a beat, s before its R peak and s after it.
        version: as ``InputSpec.beat_version``.
    """
    made = _maker(version)
    for x in _decoded(store, rows):
        yield made(x, store.sampling_rate, *extent_s)


def _decoded(store: Store, rows: np.ndarray) -> Iterator[np.ndarray]:
    """(leads, time) mV of some items, without padding."""
    on_disk = store.signals.open()
    for row, length in zip(rows, store.lengths[rows], strict=True):
        store.signals.check(np.array([row]), on_disk)
        yield to_millivolts(on_disk[row][:, :length], store.gain)


def seen_beats(store: Store, rows: np.ndarray, spec: InputSpec) -> Iterator[tuple[np.ndarray, bool]]:
    """What a network sees of some items' beats, in their order, and whether each one's median beat is doubtful.

    Beats are found on all leads of the store, whichever are seen. The deviation is ten times what it is, so that the
    grey levels and the scale that beats have tell it.

    Args:
        store: the opened store.
        rows: row numbers of the items.
        spec: which parts of which leads; and the strip below them.

    Shape:
        (n_rows of the spec, time) mV each.

    Raises:
        EcgFusionError: an item is shorter than the strip.
    """
    assert spec.beat is not None
    leads = choose_leads(store.leads, spec.leads)
    if spec.beat_channels is None and spec.strip is None:
        for found in median_beats(store, rows, spec.beat, spec.beat_version):
            yield found.mv[leads], found.is_doubtful
        return
    if spec.strip is not None:
        _check_strip(store, rows, spec)
    wanted, largest = spec.beat_parts, LARGEST_COUNT / store.gain
    for x in _decoded(store, rows):
        parts, is_doubtful = _parts_of(x, store.sampling_rate, spec.beat, wanted, largest)
        seen = [parts[name][leads] for name in wanted]
        if spec.strip is not None:
            lead = x[store.leads.index(spec.strip.lead), : spec.strip.n_lines * spec.n_samples]
            seen.append(lead.reshape(spec.strip.n_lines, -1))
        yield np.concatenate(seen), is_doubtful


def _parts_of(
    x: np.ndarray, sampling_rate: float, extent_s: tuple[float, float], wanted: tuple[str, ...], largest: float
) -> tuple[dict[str, np.ndarray], bool]:
    """Name to (leads, time) mV of the parts of a record's beats, and whether the usual one is doubtful."""
    if wanted == BEAT_CHANNELS[:1]:
        usual = beats.median_beat(x, sampling_rate, *extent_s)
        return {BEAT_CHANNELS[0]: usual.mv}, usual.is_doubtful
    found = beats.beat_parts(x, sampling_rate, *extent_s)
    enlarged = np.minimum(found.deviation * DEVIATION_TIMES, largest)
    parts = zip(BEAT_CHANNELS, (found.usual.mv, found.ectopic, enlarged), strict=True)
    return dict(parts), found.usual.is_doubtful


def _check_strip(store: Store, rows: np.ndarray, spec: InputSpec) -> None:
    """Refuses items that are shorter than their strip: an image of padded time is not drawn."""
    assert spec.strip is not None
    needed, lengths = spec.strip.n_lines * spec.n_samples, store.lengths[rows]
    if len(rows) and lengths.min() < needed:
        item, rate = store.columns["item_id"][rows[lengths.argmin()]], store.sampling_rate
        raise EcgFusionError(
            f"the strip below the beats shows {needed / rate:g} s, and the item {item} of {store.path} has "
            f"{lengths.min() / rate:g} s: give longer ones, or train without -strip"
        )


def tell_doubtful(store: Store, rows: np.ndarray, doubtful: np.ndarray) -> None:
    """Says in one sentence how many of some items have a doubtful median beat, and of the first ones which they are.

    Args:
        store: the items' store.
        rows: row numbers of the items.
        doubtful: for each, whether it is.
    """
    if not doubtful.any():
        return
    ids = tuple(store.columns["item_id"][rows[doubtful]])
    some = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
    sentence = f"{store.path}: {len(ids):,} of {len(rows):,} items have a doubtful median beat, {_DOUBTFUL} ({some})"
    tell(ItemsRemark(sentence, ids, f"its median beat is doubtful, {_DOUBTFUL}"))


def _maker(version: int | None) -> Callable[[np.ndarray, float, float, float], MedianBeat]:
    return beats.median_beat if version == beats.BEAT_VERSION else beats_of_version_1.median_beat
