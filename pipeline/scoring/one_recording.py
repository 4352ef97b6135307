"""One recording in memory → class to probability, by any kind of run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.evaluation.calibration import apply_temperatures
from pipeline.machine.devices import choose_device
from pipeline.runs.build import Run
from pipeline.runs.folder import leaves
from pipeline.scoring.checks import check_features
from pipeline.scoring.predict import probabilities
from pipeline.store.arrays import ArrayStore


def predict(
    run: Run,
    signal_mv: np.ndarray,
    *,
    sampling_rate: float,
    leads: Sequence[str],
    features: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, float]:
    """What a run says of one recording; see ``Run.predict``."""
    if np.ndim(signal_mv) != 2:
        raise EcgFusionError(f"the recording has the shape {np.shape(signal_mv)}: give (leads, time)")
    card, _ = next(leaves(run.card, run.folder))
    signal = np.asarray(signal_mv)
    store = ArrayStore.of(
        [signal.astype(np.float64) if signal.dtype.kind in "iu" else signal],
        sampling_rate,
        leads,
        stored_rate=card.spec.sampling_rate,
        band=card.data.band,
        gain=card.spec.gain,
        further_leads=[lead for each, _ in leaves(run.card, run.folder) for lead in each.data.leads or ()],
        features={name: [numbers] for name, numbers in (features or {}).items()},
        name="the recording",
    )
    _check(run, store)
    if card.join is not None and card.data.cut:
        store = store.in_windows(card.data.cut["window_s"], card.data.cut["stride_s"])
    found = probabilities(_of_signals(run), store, np.arange(store.n_items), choose_device(None))
    card = run.card
    if card.calibration is not None and card.calibration.temperatures is not None:
        found = apply_temperatures(found, card.classes, card.calibration.temperatures, card.kind)
    return dict(zip(card.classes, found[0].tolist(), strict=True))


def _of_signals(run: Run) -> Run:
    """The same run, which draws the images that it would read of a store."""
    parts = {name: _of_signals(part) for name, part in run.parts.items()}
    return replace(run, spec=None if run.spec is None else run.spec.of_signals(), parts=parts)


def _networks(run: Run) -> Iterator[Run]:
    """The runs of one network each that a run consists of; of the members of a k-fold run, which are alike, one."""
    if run.spec is not None:
        yield run if run.network is not None else next(iter(run.parts.values()))
        return
    for part in run.parts.values():
        yield from _networks(part)


def _check(run: Run, store: ArrayStore) -> None:
    """Refuses what the networks of a run cannot see.

    Raises:
        EcgFusionError: a lead or a feature is missing, or the recording is shorter than an image, or a network, needs.
    """
    n_samples = int(store.lengths[0])
    for part in _networks(run):
        card, spec = part.card, part.spec
        absent = [lead for lead in spec.leads if lead not in store.leads]
        if absent:
            raise EcgFusionError(
                f"the recording lacks lead {', '.join(absent)}, which {card.model} of {run.folder} needs"
            )
        check_features(spec.features, store, f"give predict what {card.model} of {run.folder} sees beside a recording")
        if card.join is None and card.data.cut and spec.beat is None and abs(n_samples - spec.n_samples) > 1:
            raise EcgFusionError(
                f"the recording has {n_samples / store.sampling_rate:g} s and {part.folder} was trained on "
                f"{card.data.cut['kind']} of {spec.n_samples / store.sampling_rate:g} s: give one of them"
            )
        needed = spec.crop_samples if spec.beat is None and (spec.crop or spec.modality == "image") else 2
        if spec.beat is None and spec.modality == "signal":
            needed = max(needed, part.network.smallest_size)
        if n_samples < needed:
            raise EcgFusionError(
                f"the recording has {n_samples / store.sampling_rate:g} s and {card.model} of {run.folder} sees "
                f"{needed / store.sampling_rate:g} s at once: give a longer one"
            )
