"""What each statement of PTB-XL on diagnosis or form changes in a simulated heart; ``rhythms`` has the others.

A change takes the heart, a severity (1 typical, 0 none) and chance, and alters the heart in place. The signs
are those of any textbook, made simple: an infarct takes away the forces of its wall and turns the early ones away
from it, a block lets the QRS end late.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.sources.simulation.heart import Heart, Wave

Change = Callable[[Heart, float, np.random.Generator], None]

# where each wall of the left ventricle lies (left, down, back); the unit of what an infarct adds
_WALLS = {
    "anterior": (0.2, 0.0, -0.9),
    "anteroseptal": (-0.1, 0.0, -0.9),
    "anterolateral": (0.7, -0.1, -0.5),
    "lateral": (0.95, -0.25, 0.1),
    "inferior": (0.05, 1.0, 0.1),
    "inferolateral": (0.6, 0.75, 0.15),
    "inferoposterior": (0.0, 0.75, 0.65),
    "inferoposterolateral": (0.5, 0.6, 0.6),
    "posterior": (0.1, 0.1, 1.0),
}
_INFARCTS = {
    "IMI": "inferior", "ILMI": "inferolateral", "IPMI": "inferoposterior", "IPLMI": "inferoposterolateral",
    "ASMI": "anteroseptal", "AMI": "anterior", "ALMI": "anterolateral", "LMI": "lateral", "PMI": "posterior",
}  # fmt: skip
_INJURIES = {
    "INJAS": "anteroseptal", "INJAL": "anterolateral", "INJLA": "lateral", "INJIN": "inferior",
    "INJIL": "inferolateral",
}  # fmt: skip
_ISCHAEMIAS = {
    "ISCAS": "anteroseptal", "ISCAN": "anterior", "ISCAL": "anterolateral", "ISCLA": "lateral",
    "ISCIN": "inferior", "ISCIL": "inferolateral",
}  # fmt: skip


def _infarct(heart: Heart, severity: float, rng: np.random.Generator, wall: str) -> None:
    """ST elevation, a Q wave and a smaller R over one wall, with a T wave that begins to turn."""
    towards = np.array(_WALLS[wall])
    waves, stage = heart.waves, rng.uniform(0.5, 1.0)  # 1 fresh: much ST elevation, 0.5 old: more Q
    waves["q"].vector = waves["q"].vector - severity * (1.1 - 0.5 * stage) * 0.55 * towards
    waves["q"].rise, waves["q"].fall = waves["q"].rise * 1.25, waves["q"].fall * 1.25
    _take_away(waves["r"], towards, 0.4 * severity)
    waves["st"].vector = waves["st"].vector + 0.14 * severity * stage * towards
    waves["t"].vector = waves["t"].vector - 0.14 * severity * rng.uniform(-0.3, 1.5) * towards


def _injury(heart: Heart, severity: float, rng: np.random.Generator, wall: str) -> None:
    """ST depression over one wall, as under its inner lining; PTB-XL counts it to the infarcts."""
    waves, towards = heart.waves, np.array(_WALLS[wall])
    waves["st"].vector = waves["st"].vector - 0.22 * severity * towards
    _take_away(waves["r"], towards, 0.25 * severity)


def _ischaemia(heart: Heart, severity: float, rng: np.random.Generator, wall: str) -> None:
    """ST depression and T inversion over one wall."""
    waves, towards = heart.waves, np.array(_WALLS[wall])
    waves["st"].vector = waves["st"].vector - 0.10 * severity * towards
    _take_away(waves["t"], towards, 1.1 * severity)
    waves["t"].vector = waves["t"].vector - 0.14 * severity * towards


def _take_away(wave: Wave, towards: np.ndarray, share: float) -> None:
    """Lessens what of a wave points towards a wall; more than 1 inverts it."""
    direction = towards / np.linalg.norm(towards)
    wave.vector = wave.vector - share * max(float(wave.vector @ direction), 0.0) * direction


def _repolarise(
    heart: Heart,
    severity: float,
    rng: np.random.Generator,
    t: float = 0.0,
    depression: float = 0.0,
    delay: float = 0.0,
) -> None:
    """Less T (a ``t`` above 1 inverts it), ST depression in mV over the left ventricle, a later T."""
    waves = heart.waves
    waves["t"].vector = waves["t"].vector * (1 - severity * t * rng.uniform(0.8, 1.2))
    waves["st"].vector = waves["st"].vector - severity * depression * np.array([0.75, 0.6, -0.2])
    waves["t"].time *= 1 + severity * delay


def left_bundle_branch_block(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """No septal q, a broad notched R to the left and back, ST and T against it."""
    waves = heart.waves
    size = float(np.linalg.norm(waves["r"].vector))
    first, second = size * np.array([0.70, 0.45, 0.45]), size * np.array([0.65, 0.20, 0.75])
    waves["q"].vector = waves["q"].vector * (1 - severity)
    waves["r"].vector = (1 - 0.5 * severity) * waves["r"].vector + 0.5 * severity * first
    waves["r"].widen(1 + 0.5 * severity)
    waves["s"] = Wave(0.028 + 0.024 * severity, 0.013 + 0.007 * severity, 0.014 + 0.006 * severity, second * 0.8)
    waves["st"].vector = waves["st"].vector - 0.09 * severity * second
    waves["t"].vector = waves["t"].vector - 0.35 * severity * second
    waves["t"].time += 0.04 * severity


def _right_bundle_branch_block(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """A late second R to the right and front: rSR' in V1, a slurred S in I and V6."""
    size = 0.45 + 0.30 * severity
    late = size * np.array([-0.65, 0.10, -0.65])
    heart.waves["r late"] = Wave(0.055 + 0.030 * severity, 0.013, 0.013 + 0.009 * severity, late)
    heart.waves["t"].vector = heart.waves["t"].vector - 0.2 * severity * late
    heart.waves["t"].time += 0.03 * severity


def _fascicular_block(heart: Heart, severity: float, rng: np.random.Generator, up: float) -> None:
    """The QRS ends late and towards the fascicle that is blocked: up and left, or down and right."""
    waves = heart.waves
    size = float(np.linalg.norm(waves["r"].vector))
    waves["r"].vector = waves["r"].vector + severity * size * up * np.array([0.10, -0.75, 0.0])
    waves["s"].vector = waves["s"].vector + severity * size * up * np.array([0.20, -0.60, 0.0])
    for name in ("r", "s"):
        waves[name].widen(1 + 0.25 * severity)


def _slow_ventricle(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """A wide QRS with a notch, of neither branch."""
    waves = heart.waves
    for name in ("q", "r", "s"):
        waves[name].widen(1 + 0.55 * severity)
    notch = -0.6 * severity * waves["r"].vector + 0.1 * rng.normal(size=3)
    waves["notch"] = Wave(rng.uniform(0.008, 0.016), 0.007, 0.007, notch)
    waves["r"].widen(1.1)
    waves["t"].time += 0.02 * severity


def _pre_excite(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """A short PR interval and a delta wave, with ST and T against it."""
    delta = np.array([0.30, rng.uniform(-0.3, 0.3), rng.uniform(-0.4, 0.3)])
    heart.waves["delta"] = Wave(-0.040, 0.018, 0.016, severity * delta)
    heart.waves["t"].vector = heart.waves["t"].vector - severity * delta
    _delay_ventricles(heart, 1.0, rng, by=-0.04)


def _delay_ventricles(heart: Heart, severity: float, rng: np.random.Generator, by: float) -> None:
    """A longer PR interval, in s."""
    for name in ("p right", "p left"):
        heart.waves[name].time -= severity * by * rng.uniform(0.8, 1.4)


def _drop_beats(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    heart.dropped = int(rng.integers(3, 5))
    heart.irregularity = 0.01


def _dissociate(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    heart.dissociated, heart.rate = True, float(rng.uniform(36, 48))
    _slow_ventricle(heart, severity, rng)


def _left_hypertrophy(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """High voltage to the left and back, sometimes with strain."""
    waves = heart.waves
    for name in ("r", "s"):
        waves[name].vector = (1 + 0.55 * severity) * waves[name].vector
    waves["r"].vector = waves["r"].vector + severity * np.array([0.40, 0.0, 0.35])
    waves["r"].widen(1 + 0.12 * severity)
    if rng.random() < 0.4:
        _repolarise(heart, 0.5 * severity, rng, t=1.3, depression=0.06)


def _right_hypertrophy(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """High voltage to the right and front."""
    size = float(np.linalg.norm(heart.waves["r"].vector))
    heart.waves["r"].vector = heart.waves["r"].vector + severity * size * np.array([-1.1, 0.35, -1.6])
    heart.waves["s"].vector = heart.waves["s"].vector + severity * size * np.array([-0.7, 0.0, -0.3])
    heart.waves["p right"].vector = heart.waves["p right"].vector * (1 + 0.6 * severity)


def _enlarge_atrium(heart: Heart, severity: float, rng: np.random.Generator, left: bool) -> None:
    """A broad, double P wave, or a tall one; the ventricle has often grown too."""
    wave = heart.waves["p left" if left else "p right"]
    wave.vector = wave.vector * (1 + 1.3 * severity)
    wave.time += 0.02 * severity * left
    _scale(heart, 0.7 * severity, rng, qrs=0.35)


def _scale(
    heart: Heart, severity: float, rng: np.random.Generator, q: float = 0.0, qrs: float = 0.0, t: float = 0.0
) -> None:
    """Larger waves, by a share of what they are; ``q`` is the septal one alone."""
    for names, share in ((("q",), q), (("q", "r", "s"), qrs), (("t",), t)):
        for name in names:
            heart.waves[name].vector = heart.waves[name].vector * (1 + severity * share)


def _elevate(heart: Heart, severity: float, rng: np.random.Generator, towards: tuple[float, ...]) -> None:
    heart.waves["st"].vector = heart.waves["st"].vector + severity * np.array(towards)


def _notch(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """A small notch somewhere on the QRS."""
    vector = severity * 0.25 * rng.normal(size=3)
    heart.waves["small notch"] = Wave(rng.uniform(0.0, 0.03), 0.006, 0.006, vector)


CHANGES: dict[str, Change] = {
    **{code: partial(_infarct, wall=wall) for code, wall in _INFARCTS.items()},
    **{code: partial(_injury, wall=wall) for code, wall in _INJURIES.items()},
    **{code: partial(_ischaemia, wall=wall) for code, wall in _ISCHAEMIAS.items()},
    "NDT": partial(_repolarise, t=1.3, depression=0.02),
    "NST_": partial(_repolarise, t=0.5, depression=0.08),
    "ISC_": partial(_repolarise, t=1.5, depression=0.08),
    "DIG": partial(_repolarise, t=1.0, depression=0.10, delay=-0.15),
    "LNGQT": partial(_repolarise, t=0.4, delay=0.3),
    "ANEUR": partial(_elevate, towards=(0.02, 0.0, -0.18)),
    "EL": partial(_scale, t=1.2),
    "LAFB": partial(_fascicular_block, up=1.0),
    "LPFB": partial(_fascicular_block, up=-1.0),
    "IRBBB": lambda heart, severity, rng: _right_bundle_branch_block(heart, 0.4 * severity, rng),
    "CRBBB": _right_bundle_branch_block,
    "ILBBB": lambda heart, severity, rng: left_bundle_branch_block(heart, 0.6 * severity, rng),
    "CLBBB": left_bundle_branch_block,
    "IVCD": _slow_ventricle,
    "WPW": _pre_excite,
    "1AVB": partial(_delay_ventricles, by=0.09),
    "2AVB": _drop_beats,
    "3AVB": _dissociate,
    "LVH": _left_hypertrophy,
    "RVH": _right_hypertrophy,
    "SEHYP": partial(_scale, q=1.8, qrs=0.4),
    "LAO/LAE": partial(_enlarge_atrium, left=True),
    "RAO/RAE": partial(_enlarge_atrium, left=False),
    "ABQRS": _notch,
    "QWAVE": partial(_scale, q=0.7),
    "STD_": partial(_repolarise, depression=0.07),
    "STE_": partial(_elevate, towards=(0.05, 0.04, -0.09)),
    "LOWT": partial(_scale, t=-0.6),
    "NT_": partial(_repolarise, t=0.6),
    "TAB_": partial(_repolarise, t=0.9),
    "INVT": partial(_repolarise, t=1.5),
    "LVOLT": partial(_scale, qrs=-0.5, t=-0.3),
    "HVOLT": partial(_scale, qrs=0.5),
    "VCLVH": partial(_scale, qrs=0.25),
    "LPR": partial(_delay_ventricles, by=0.06),
}
