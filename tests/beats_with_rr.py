"""Stores of heartbeats that look alike, so that their RR intervals alone tell which come early."""

from pathlib import Path
from typing import Any

import numpy as np
from made_stores import FOLDS, Made, write_store

from pipeline.representations import ImageRecipe

CLASSES = ("N", "S")
_INTERVALS = {"N": 1.0, "S": 0.6}  # of the usual one, before the beat


def beats_with_rr(partition: str, n_patients: int = 12, n_beats: int = 10, seconds: float = 0.7) -> Made:
    """Beats of patients whose hearts are of all rates: no interval tells early beats, but the ratio to the median does.

    Every fifth beat is early. Of the first of all, nothing is known but the interval behind it.
    """
    random = np.random.default_rng([30, [*FOLDS].index(partition)])
    made = Made([], np.zeros(0, np.int64), [], [], CLASSES)
    right, rr = [], []
    time = np.arange(round(seconds * 100)) / 100
    for patient in range(n_patients):
        usual = random.uniform(0.5, 1.4)
        for beat in range(n_beats):
            number = int(beat % 5 == 4)
            before = usual * _INTERVALS[CLASSES[number]] * random.normal(1, 0.03)
            after = usual * random.normal(1.1, 0.1)
            wave = np.exp(-(((time - 0.25) / 0.03) ** 2)) + 0.05 * random.standard_normal(len(time))
            made.signals.append(wave[None])
            right.append(number)
            rr.append((before, after, before / usual))
            made.records.append(f"{partition}{patient:02d}_{beat}")
            made.patients.append(f"of-{partition}{patient:02d}")
            made.starts.append(float(beat))
    made.right, made.features["rr"] = np.array(right), np.array(rr, np.float32)
    made.features["rr"][0, [0, 2]] = np.nan
    return made


def write_beats(
    folder: Path, *, n_patients: int = 12, seconds: float = 0.7, images: bool = False, **attributes: Any
) -> Path:
    """Train, dev and test of such beats, each an item with a label of its own; gives their folder."""
    recipe = ImageRecipe(size=32, representations=("gaf",)) if images else None
    for partition in FOLDS:
        made = beats_with_rr(partition, n_patients, seconds=seconds)
        write_store(folder, partition, made, leads=("MLII",), task="aami", images=recipe, **attributes)
    return folder
