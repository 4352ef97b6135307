"""One recording in memory → class to probability, by any kind of run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.devices import choose_device
from pipeline.runs.build import Run
from pipeline.scoring.asking import ask, store_of
from pipeline.scoring.checks import check_features
from pipeline.scoring.fitting import Fitted, fit, fit_item, of_person, prepare
from pipeline.scoring.needs import Needs, refuse_person
from pipeline.sources.formats.recording import Recording
from pipeline.sources.formats.said import said_of_files
from pipeline.store.arrays import checked_items, checked_leads

_NAME = "the recording"


def predict(
    run: Run,
    signal_mv: np.ndarray,
    *,
    sampling_rate: float,
    leads: Sequence[str],
    features: Mapping[str, Sequence[float]] | None = None,
    age: float | None = None,
    sex: str | None = None,
) -> dict[str, float]:
    """What a run says of one recording; see ``Run.predict``."""
    if np.ndim(signal_mv) != 2:
        raise EcgFusionError(f"{_NAME} has the shape {np.shape(signal_mv)}: give (leads, time)")
    needs, signal = Needs.of(run), np.asarray(signal_mv)
    names = checked_leads(leads, needs.known_leads, _NAME)
    (signal,) = checked_items([signal.astype(np.float64) if signal.dtype.kind in "iu" else signal], len(names), _NAME)
    said = said_of_files(age=age, sex=sex)
    refuse_person(needs, said)
    prepared = of_person(prepare(needs, Recording(signal, float(sampling_rate), tuple(names)), _NAME), said)
    # what somebody has cut and knows the numbers of is an item already
    is_item = needs.kind_of_items == "beats" or features is not None
    fitted = fit_item(needs, prepared, _NAME) if is_item else fit(needs, prepared, _NAME)
    fitted = _with_features(needs, fitted, features or {})
    (reply,) = ask(needs, [fitted], choose_device(None))
    return dict(zip(run.card.classes, reply.record.tolist(), strict=True))


def _with_features(needs: Needs, fitted: Fitted, features: Mapping[str, Sequence[float]]) -> Fitted:
    """The same item with the numbers that a run sees beside it.

    Raises:
        EcgFusionError: one is missing, or is no such numbers.
    """
    numbers: dict[str, np.ndarray] = {}
    for name, given in features.items():
        try:
            numbers[name] = np.asarray(given, np.float32).reshape(1, -1)
        except (TypeError, ValueError):
            raise EcgFusionError(f"{_NAME}: the feature {name} is no numbers: give a list of them") from None
    found = replace(fitted, features={**fitted.features, **numbers})
    for part in needs.networks:
        way = f"give predict what {part.card.model} of {part.folder} sees beside a recording"
        check_features(part.spec.features, store_of(needs, [found], _NAME), way)
    return found
