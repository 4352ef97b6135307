"""A small heart: one dipole that turns through P, Q, R, S, ST and T, seen by nine electrodes.

Everything is a vector (left, down, back) in mV. The twelve leads are differences of electrode potentials, so
Einthoven's and Goldberger's laws hold exactly, noise included. ``pathologies`` says what an illness changes.

Reference: McSharry et al., A dynamical model for generating synthetic electrocardiogram signals, IEEE TBME
    2003; Dower et al., On deriving the electrocardiogram from vectorcardiographic leads, Clin Cardiol 1980.
    We sum asymmetric Gaussians in three dimensions where McSharry integrates a differential equation in one.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

SECONDS = 10.0
NOISE_RATE = 100  # Hz at which chance is drawn, so that a recording is the same at every sampling rate
_USUAL_RR = 0.85  # s, where the times below hold; QT follows its square root

# what I, II and V1 to V6 see of (left, down, back), after Dower
_DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)


def _leads_of_electrodes() -> np.ndarray:
    """(12 leads, 9 electrodes): right arm, left arm, left leg; six on the chest against Wilson's terminal."""
    matrix = np.zeros((12, 9))
    matrix[0:3, :3] = [[-1, 1, 0], [-1, 0, 1], [0, -1, 1]]
    matrix[3:6, :3] = [[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]]
    matrix[6:, :3] = -1 / 3
    matrix[6:, 3:] = np.eye(6)
    return matrix


LEADS_OF_ELECTRODES = _leads_of_electrodes()


@dataclass
class Wave:
    """One wave of a beat.

    Attributes:
        time: of its peak, s after the R peak.
        rise: its standard deviation before the peak, s.
        fall: the same after the peak.
        vector: the dipole at its peak, mV.
    """

    time: float
    rise: float
    fall: float
    vector: np.ndarray

    def widen(self, factor: float) -> None:
        self.time, self.rise, self.fall = self.time * factor, self.rise * factor, self.fall * factor


@dataclass
class Heart:
    """How one heart beats.

    Attributes:
        waves: of an ordinary beat, by name; those of the atria begin with ``p``.
        ectopic: waves of a ventricular extra beat.
        rate: beats a minute.
        irregularity: standard deviation of the RR interval, as a share of it.
        breathing: how far the RR interval swings with breath, as a share of it.
        fibrillation: amplitude of fibrillatory waves, mV.
        flutter: amplitude of flutter waves, mV.
        early: numbers of the beats that come too early.
        early_is_ventricular: whether these have the ``ectopic`` form.
        dropped: every so many beats the ventricles miss one; 0 never.
        dissociated: whether atria and ventricles beat on their own.
    """

    waves: dict[str, Wave]
    ectopic: dict[str, Wave]
    rate: float = 70.0
    irregularity: float = 0.02
    breathing: float = 0.02
    fibrillation: float = 0.0
    flutter: float = 0.0
    early: Collection[int] = field(default_factory=tuple)
    early_is_ventricular: bool = True
    dropped: int = 0
    dissociated: bool = False

    def copy(self) -> "Heart":
        """Another heart with the same waves, which can be changed alone."""
        waves = {name: replace(wave) for name, wave in self.waves.items()}
        return replace(self, waves=waves, ectopic={name: replace(wave) for name, wave in self.ectopic.items()})

    def vary(self, rng: np.random.Generator) -> None:
        """Makes it the same heart on another day: another rate, each wave a little larger or smaller."""
        self.rate *= rng.lognormal(0, 0.06)
        for wave in self.waves.values():
            wave.vector = wave.vector * rng.lognormal(0, 0.07)


def draw_heart(rng: np.random.Generator) -> Heart:
    """A healthy heart, one of many: its waves vary in size, direction and duration."""

    def wave(time: float, rise: float, fall: float, vector: list[float], spread: float) -> Wave:
        size = rng.lognormal(0, spread) * (np.array(vector) + 0.15 * np.linalg.norm(vector) * rng.normal(size=3))
        return Wave(time * rng.normal(1, 0.05), rise * rng.normal(1, 0.08), fall * rng.normal(1, 0.08), size)

    waves = {
        "p right": wave(-0.170, 0.018, 0.020, [0.02, 0.08, -0.05], 0.25),
        "p left": wave(-0.145, 0.018, 0.018, [0.05, 0.05, 0.03], 0.25),
        "q": wave(-0.028, 0.009, 0.009, [-0.14, -0.02, -0.22], 0.45),
        "r": wave(0.0, 0.012, 0.012, [0.85, 0.75, 0.50], 0.20),
        "s": wave(0.026, 0.012, 0.013, [-0.10, -0.15, 0.60], 0.30),
        "st": wave(0.120, 0.030, 0.080, [0.01, 0.01, -0.04], 0.60),
        "t": wave(0.290, 0.058, 0.036, [0.26, 0.20, -0.17], 0.28),
    }
    direction = rng.normal(size=3)
    direction *= rng.uniform(1.0, 1.8) / np.linalg.norm(direction)
    ectopic = {"r": Wave(0.02, 0.030, 0.038, direction), "t": Wave(0.30, 0.07, 0.05, -0.4 * direction)}
    return Heart(waves, ectopic, rate=float(np.clip(rng.normal(70, 9), 55, 95)))


def draw_electrodes(rng: np.random.Generator) -> np.ndarray:
    """What nine electrodes see of the dipole in one patient, whose heart is turned and chest is their own.

    Shape:
        (9, 3)
    """
    limb, chest = _DOWER[:2], _DOWER[2:]
    right_arm = -(limb[0] + limb[1]) / 3  # the three limbs' potentials sum to zero
    electrodes = np.vstack([right_arm, limb[0] + right_arm, limb[1] + right_arm, chest])
    frontal, horizontal = np.deg2rad(rng.normal(0, [13, 12]))
    turn = _rotation(frontal, 0, 1) @ _rotation(horizontal, 0, 2)
    return replace_electrodes(electrodes @ turn * rng.lognormal(0, 0.16), rng, 0.12)


def replace_electrodes(electrodes: np.ndarray, rng: np.random.Generator, spread: float = 0.05) -> np.ndarray:
    """The same nine, taken off and put on again: each gain differs by about ``spread``."""
    return electrodes * rng.lognormal(0, spread, size=(9, 1))


def _rotation(angle: float, first: int, second: int) -> np.ndarray:
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def simulate(
    heart: Heart,
    electrodes: np.ndarray,
    rng: np.random.Generator,
    sampling_rate: int = 100,
    noise: float = 1.0,
) -> np.ndarray:
    """Ten seconds of the twelve leads in mV, in the order I, II, III, aVR, aVL, aVF, V1–V6.

    Args:
        heart: what beats.
        electrodes: what each electrode sees of it, (9, 3).
        rng: the same state gives the same recording at every sampling rate.
        sampling_rate: Hz, a multiple of 100. Only above 100 Hz there is mains hum, at 50 Hz.
        noise: factor of muscle noise, baseline wander and hum; 0 leaves the heart alone.

    Shape:
        (12, 10 · sampling_rate)
    """
    times = np.arange(round(SECONDS * sampling_rate)) / sampling_rate
    potentials = electrodes @ _dipole(heart, times, rng)
    potentials += noise * (_wander(times, rng) + _muscle(sampling_rate, rng))
    # a sine is zero on the grid of 100 Hz: the slow recording is the fast one, every so many samples
    potentials += noise * rng.exponential(0.002, size=(9, 1)) * np.sin(2 * np.pi * 50 * times)
    leads: np.ndarray = LEADS_OF_ELECTRODES @ potentials
    return leads


def _dipole(heart: Heart, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(3, time)"""
    beats, rr = _beat_times(heart, rng)
    numbers = np.arange(beats.size)
    early = np.isin(numbers, list(heart.early))
    ectopic = early & heart.early_is_ventricular
    dropped = numbers % heart.dropped == 1 if heart.dropped else np.zeros_like(early)
    atria = {name: wave for name, wave in heart.waves.items() if name.startswith("p")}
    ventricles = {name: wave for name, wave in heart.waves.items() if name not in atria}
    atrial_beats = np.arange(-1, SECONDS + 1, 0.8) if heart.dissociated else beats[~ectopic]
    stretch = np.sqrt(np.clip(rr / _USUAL_RR, 0.5, 1.4))
    usual = ~(ectopic | dropped)
    dipole = _render(atria, atrial_beats, np.ones(atrial_beats.size), times)
    dipole += _render(ventricles, beats[usual], stretch[usual], times)
    dipole += _render(heart.ectopic, beats[ectopic], stretch[ectopic], times)
    dipole += _atrial_waves(heart, times, rng)
    return dipole


def _beat_times(heart: Heart, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """When each R peak comes, from before the recording until after it, and the RR interval before it; s."""
    usual = 60 / heart.rate
    n_beats = int(2 * (SECONDS + 3) / usual)
    rr = usual * np.clip(1 + heart.irregularity * rng.normal(size=n_beats), 0.5, 1.8)
    phase = rng.uniform(0, 2 * np.pi)
    rr *= 1 + heart.breathing * np.sin(2 * np.pi * 0.25 * np.cumsum(rr) + phase)
    early = np.isin(np.arange(n_beats), list(heart.early))
    rr[early] *= 0.65
    rr[1:][early[:-1]] *= 1.35 if heart.early_is_ventricular else 1.05
    beats = np.cumsum(rr) - 1 - rng.uniform(0, usual)
    inside = beats < SECONDS + 1
    return beats[inside], rr[inside]


def _render(waves: dict[str, Wave], beats: np.ndarray, stretch: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The dipole of some waves in every beat, (3, time); ``stretch`` delays what follows the QRS."""
    dipole = np.zeros((3, times.size))
    for wave in waves.values():
        factor = stretch if wave.time > 0.1 else 1.0
        phase = times - (beats + wave.time * factor)[:, None]  # (beats, time)
        near = np.abs(phase) < 4 * max(wave.rise, wave.fall)
        phase = phase[near]
        bumps = np.exp(-0.5 * (phase / np.where(phase < 0, wave.rise, wave.fall)) ** 2)
        shape = np.bincount(np.nonzero(near)[1], bumps, minlength=times.size)
        dipole += wave.vector[:, None] * shape
    return dipole


def _atrial_waves(heart: Heart, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    frequencies, phases = rng.uniform(4.5, 7.5, size=4), rng.uniform(0, 2 * np.pi, size=4)
    fibrillation = np.sin(2 * np.pi * frequencies * times[:, None] + phases).sum(axis=1) / 2
    flutter = 1 - 2 * ((times * 5.0 + phases[0]) % 1)  # a saw tooth of 300 a minute
    waves: np.ndarray = (
        np.array([[0.1], [0.5], [-0.9]]) * heart.fibrillation * fibrillation
        + np.array([[0.1], [-0.9], [-0.3]]) * heart.flutter * flutter
    )
    return waves


def _wander(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each electrode's slow drift with breath and movement, (9, time) in mV."""
    frequencies, phases = rng.uniform(0.05, 0.3, size=(3, 1)), rng.uniform(0, 2 * np.pi, size=(3, 1))
    sizes = rng.lognormal(np.log(0.025), 0.6) * rng.normal(size=(9, 3))
    drift: np.ndarray = sizes @ np.sin(2 * np.pi * frequencies * times + phases)
    return drift


def _muscle(sampling_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Each electrode's muscle noise, (9, time) in mV, the same below 50 Hz at every sampling rate."""
    sizes = rng.lognormal(np.log(0.007), 0.5) * rng.lognormal(0, 0.3, size=(9, 1))
    noise: np.ndarray = sizes * rng.normal(size=(9, round(SECONDS * NOISE_RATE)))
    if sampling_rate == NOISE_RATE:
        return noise
    spectrum = np.fft.rfft(noise)
    spectrum[:, -1] /= 2  # the bin at 50 Hz stands for two once there are higher ones
    n_samples = round(SECONDS * sampling_rate)
    faster: np.ndarray = np.fft.irfft(spectrum, n_samples) * (n_samples / noise.shape[1])
    return faster
