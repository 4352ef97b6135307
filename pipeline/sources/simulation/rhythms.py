"""What each statement of PTB-XL on rhythm changes in a simulated heart: when it beats, and with which atria."""

from functools import partial

import numpy as np

from pipeline.sources.simulation.heart import Heart, Wave
from pipeline.sources.simulation.pathologies import Change, left_bundle_branch_block


def _come_early(heart: Heart, severity: float, rng: np.random.Generator, ventricular: bool, every: int = 0) -> None:
    """Every so many beats are extra beats, or one to three by chance."""
    chance = rng.choice(np.arange(2, 8), size=rng.integers(1, 4), replace=False).tolist()
    heart.early = range(1, 40, every) if every else chance
    heart.early_is_ventricular = ventricular


def _beat(
    heart: Heart,
    severity: float,
    rng: np.random.Generator,
    rate: tuple[float, float],
    irregularity: float = 0.02,
    breathing: float = 0.02,
) -> None:
    """Another rate, drawn from a range, with another regularity."""
    heart.rate = float(rng.uniform(*rate))
    heart.irregularity, heart.breathing = irregularity, breathing


def _lose_p(
    heart: Heart, severity: float, rng: np.random.Generator, fibrillation: float = 0.0, flutter: float = 0.0
) -> None:
    for name in ("p right", "p left"):
        heart.waves[name].vector = 0 * heart.waves[name].vector
    heart.fibrillation, heart.flutter = fibrillation * rng.uniform(0.6, 1.4), flutter * rng.uniform(0.7, 1.3)


def _fibrillate(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    _beat(heart, severity, rng, rate=(60, 120), irregularity=0.2, breathing=0.0)
    _lose_p(heart, severity, rng, fibrillation=0.05)


def _flutter(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    rate = 300 / int(rng.integers(2, 5))  # every second, third or fourth wave is conducted
    _beat(heart, severity, rng, rate=(rate, rate), irregularity=0.003, breathing=0.0)
    _lose_p(heart, severity, rng, flutter=0.15)


def _race(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    _beat(heart, severity, rng, rate=(140, 190), irregularity=0.005, breathing=0.0)
    _lose_p(heart, severity, rng)


def _pace(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """A spike before a QRS like that of a left bundle branch block."""
    left_bundle_branch_block(heart, 1.0, rng)
    _lose_p(heart, severity, rng)
    heart.irregularity, heart.breathing = 0.002, 0.0
    heart.waves["spike"] = Wave(-0.06, 0.004, 0.004, np.array([0.5, 0.9, 0.3]) * rng.uniform(0.5, 1.5))


CHANGES: dict[str, Change] = {
    "PVC": partial(_come_early, ventricular=True),
    "PAC": partial(_come_early, ventricular=False),
    "PRC(S)": partial(_come_early, ventricular=True),
    "BIGU": partial(_come_early, ventricular=True, every=2),
    "TRIGU": partial(_come_early, ventricular=True, every=3),
    "SVARR": partial(_come_early, ventricular=False, every=4),
    "SBRAD": partial(_beat, rate=(42, 54)),
    "STACH": partial(_beat, rate=(102, 130)),
    "SARRH": partial(_beat, rate=(58, 85), irregularity=0.03, breathing=0.18),
    "AFIB": _fibrillate,
    "AFLT": _flutter,
    "SVTAC": _race,
    "PSVT": _race,
    "PACE": _pace,
}
