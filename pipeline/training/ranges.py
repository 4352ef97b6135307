"""Numbers that no training can use, told before torch is imported."""

import math

from pipeline.errors import EcgFusionError
from pipeline.machine.limits import MOST_THREADS
from pipeline.training.options import TrainOptions

_RANGES: dict[str, tuple[float, float]] = {
    "dropout": (0, 1),
    "learning_rate": (0, 1e6),
    "init_learning_rate": (0, 1e6),
    "weight_decay": (0, math.inf),
    "momentum": (0, 1),
    "floor": (0, 1),
    "ema": (0, 1),
    "label_smoothing": (0, 1),
    "mixup": (0, 1e6),
    "temperature": (1e-3, 1e6),
    "contrast": (1e-9, 1e6),
    "contrast_temperature": (1e-3, 1e6),
    "clip_norm": (0, math.inf),
    "seed": (0, 2**63),
    "folds_seed": (0, 2**63),
    "workers": (0, 257),
    "threads": (1, MOST_THREADS + 1),
    "gpu_id": (0, 1025),
    "auxiliary": (0, math.inf),
}
"""From the first number to just below the second."""


def check_ranges(options: TrainOptions) -> None:
    """Refuses numbers that no training can use."""
    given = options.given
    for name, (least, end) in _RANGES.items():
        if name in given and not least <= given[name] < end:  # NaN is in no range
            below = f" and below {end:g}" if math.isfinite(end) else ""
            raise EcgFusionError(f"-{name} {given[name]} does not work: take a number of at least {least:g}{below}")
