"""What an exported file says of itself."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from pipeline.evaluation.calibration import apply_temperatures
from pipeline.export.form import Form
from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.scoring.answers import NOTICE


def metadata_of(run: Run, form: Form) -> dict[str, Any]:
    """Words, numbers and lists, as JSON can hold them, without what does not apply.

    Args:
        run: that is exported.
        form: what the file takes.
    """
    card = run.card
    said = {
        "notice": NOTICE,
        "classes": list(card.classes),
        "kind": card.kind,
        "task": card.task,
        "thresholds": _thresholds(card),
        "temperatures": temperatures_of(card),
        "input": form.what,
        "unit": "mV",
        "leads": list(form.leads),
        "sampling_rate": form.native_rate,
        "n_samples": form.n_samples,
        "seconds": form.n_samples / form.native_rate,
        "features": dict(form.features) or None,
        "filter": None if form.band is None else list(form.band),
        "run": run.folder.resolve().name,
        "model": card.model,
        "run_kind": card.run_kind,
        "seal": card.seal,
        "trained_on": f"{card.data.source} {card.data.source_version}",
        "licence": "MIT, of the program; the weights are under the terms of the data set that they were trained on",
        "version": _version(),
    }
    return {name: value for name, value in said.items() if value is not None}


def temperatures_of(card: Card) -> dict[str, float] | None:
    """Of each class, where the run is calibrated."""
    if card.calibration is None or card.calibration.temperatures is None:
        return None
    return dict(card.calibration.temperatures)


def _thresholds(card: Card) -> dict[str, float] | None:
    """Of what the file gives: where that is calibrated they are moved with it, so that the same is found."""
    if card.thresholds is None:
        return None
    chosen: Mapping[str, float] = card.thresholds.values
    temperatures = temperatures_of(card)
    if temperatures is None:
        return dict(chosen)
    cuts = np.array([[chosen[name] for name in card.classes]])
    moved = apply_temperatures(cuts, card.classes, temperatures, card.kind)[0]
    return dict(zip(card.classes, moved.tolist(), strict=True))


def as_properties(said: dict[str, Any]) -> dict[str, str]:
    """The same as ONNX keeps it: words as they are, all else as JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}


def _version() -> str:
    try:
        return version("ecgfusion")
    except PackageNotFoundError:
        return "unknown"
