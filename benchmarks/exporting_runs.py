"""Runs with weights of chance, for a benchmark of what they answer with; nothing of them is on the disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import create_model
from pipeline.inputs.spec import InputSpec
from pipeline.representations import ImageRecipe
from pipeline.runs.build import Run
from pipeline.runs.card import Card
from pipeline.runs.card_parts import DataCard, TrainingCard
from pipeline.scoring.predict import probabilities
from pipeline.signals.leads import LEADS
from pipeline.sources.simulation.heart import draw_electrodes, draw_heart, simulate
from pipeline.store.arrays import ArrayStore

RATE, BAND, GAIN = 100.0, (0.5, 40.0), 1000.0
CLASSES = ("MI", "STTC", "CD", "HYP")


def recording() -> np.ndarray:
    """Ten simulated seconds, (12, 1000) mV."""
    random = np.random.default_rng(0)
    return simulate(draw_heart(random), draw_electrodes(random), random, round(RATE))


def answers(run: Run, signal: np.ndarray) -> np.ndarray:
    """What the program says of one recording, (1, classes)."""
    store = ArrayStore.of(signal[None], RATE, LEADS, stored_rate=RATE, band=BAND, gain=GAIN)
    return probabilities(run, store, np.arange(1), torch.device("cpu"))


def _run(model: str, **seen: Any) -> Run:
    torch.manual_seed(0)
    spec = InputSpec(**{"sampling_rate": RATE, "gain": GAIN, "n_samples": 1000} | seen)
    data = DataCard(
        folder="",
        source="simulated",
        folds={},
        band=BAND,
        limit=None,
        train_items_digest="",
        n_dev_items=0,
    )
    training = TrainingCard(batch_size=8, precision="fp32", seed=0, threads=1, workers=0, class_weights=None)
    card = Card(
        complete=True,
        model=model,
        options={},
        task="disease",
        kind="multilabel",
        classes=CLASSES,
        input=spec,
        data=data,
        training=training,
        given={},
    )
    network = create_model(model, in_channels=spec.n_channels, n_classes=len(CLASSES)).eval()
    return Run(Path(model), card, network, spec)


def _images() -> Run:
    recipe = ImageRecipe(("gaf", "mtf", "rp"))
    drawn = {name: recipe.parameters(name) for name in recipe.representations}
    return _run("alexnet", modality="image", leads=("I", "II", "V2"), representations=drawn, on_the_fly=True)


RUNS: dict[str, Callable[[], Run]] = {
    "resnet1d_wang on crops": lambda: _run("resnet1d_wang", modality="signal", leads=LEADS, crop=2.5, stride=2.5),
    "gru on 10 s": lambda: _run("gru", modality="signal", leads=LEADS),
    "alexnet on GAF, MTF and RP of three leads": _images,
}
"""What is timed."""
