"""What a recording could have been, and still mean the same: changes of (items, leads, time) in mV, made in training.

Every random number comes from the generator, so the same generator gives the same signals. With a strength of 0 nothing
is changed. A new augmentation is a function and a line in ``AUGMENTATIONS``. ``InputMaker.augmented`` applies them, and
nothing else does. torch is imported where work begins, since the names stand in train.py's help.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import torch
    from torch import Tensor

    Generator: TypeAlias = "torch.Generator | PartOfDraws"
    Function = Callable[[Tensor, float, Generator, float, Tensor], Tensor]

WANDER_HZ = (0.05, 0.5)  # slower is an offset, faster is no longer breath or a moving electrode
_N_WAVES = 3  # of which a wander, or a warp of time, is made


@dataclass(frozen=True)
class PartOfDraws:
    """The random numbers that some items of a batch have in it, where they are changed without the others.

    Attributes:
        generator: of the whole batch.
        places: (n,) where in it each of the items stands.
        n_items: of the batch.
    """

    generator: torch.Generator
    places: np.ndarray
    n_items: int


@dataclass(frozen=True)
class Augmentation:
    """A change of signals that leaves their labels true.

    Attributes:
        function: (x, sampling_rate, generator, strength, ends) -> changed x; ``ends`` (n, 1, 1) is how many samples of
            each item are no padding, and what the function makes of these is of no account.
        strength: how strong it is where nobody says.
        means: what the strength is, with its unit.
        largest: the strongest that makes sense.
        reference: who tried it on what.
    """

    function: Function
    strength: float
    means: str
    reference: str
    largest: float = math.inf

    def __call__(
        self,
        x: Tensor,
        sampling_rate: float,
        generator: Generator,
        strength: float | None = None,
        length: Tensor | None = None,
    ) -> Tensor:
        """Changed signals, each item by random numbers of its own; padding stays what it is.

        Args:
            x: signals in mV.
            sampling_rate: of the signals, in Hz.
            generator: where randomness comes from, on any device; of some items of a batch, ``PartOfDraws`` of it.
            strength: see ``means``; 0 changes nothing.
            length: samples of each item that are no padding; None where all are whole.

        Shape:
            - x: (n, leads, time)
            - length: (n,)
            - output: (n, leads, time), of x's dtype

        Raises:
            ValueError: the strength is out of its range.
        """
        strength = self.strength if strength is None else strength
        if not 0 <= strength <= self.largest or math.isinf(strength):
            end = f" to {self.largest:g}" if self.largest < math.inf else " or more"
            raise ValueError(f"The {self.means} is 0{end}, not {strength!r}.")
        if not x.numel() or strength == 0:
            return x
        import torch

        whole = torch.full((len(x),), x.shape[-1], device=x.device) if length is None else length.to(x.device)
        ends = whole[:, None, None]
        inside = torch.arange(x.shape[-1], device=x.device) < ends  # (n, 1, time)
        with torch.no_grad():
            return torch.where(inside, self.function(x, sampling_rate, generator, strength, ends), x)


def check_augmentations(names: Iterable[str]) -> tuple[str, ...]:
    """The names, where each is one of ``AUGMENTATIONS`` and none is there twice; they are applied in this order.

    ``scale`` is taken as ``scaling``.

    Raises:
        ValueError: an unknown name, with those that are near, or one that is there twice.
    """
    names = tuple(_ALSO.get(name, name) for name in names)
    for name in names:
        if name not in AUGMENTATIONS:
            near = difflib.get_close_matches(name, AUGMENTATIONS, n=3) or list(AUGMENTATIONS)
            raise ValueError(f"There is no augmentation {name!r}: choose from {', '.join(near)}.")
    if len(set(names)) < len(names):
        raise ValueError(f"The augmentations {' '.join(names)} name one twice.")
    return names


def augment(
    x: Tensor,
    sampling_rate: float,
    generator: Generator,
    names: Iterable[str],
    length: Tensor | None = None,
) -> Tensor:
    """The augmentations of these names one after another, each as strong as it is by itself. See ``Augmentation``."""
    for name in check_augmentations(names):
        x = AUGMENTATIONS[name](x, sampling_rate, generator, length=length)
    return x


def noise(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """White noise, as muscles make it; of each item the deviation is anything up to the strength."""
    deviation = strength * _uniform(x, generator, len(x), 1, 1)
    return x + deviation * _normal(x, generator, *x.shape)


def wander(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """A baseline that breathes: a few slow waves, the same in all leads but for a factor of each lead's own."""
    import torch

    low, high = WANDER_HZ
    hertz = low + (high - low) * _uniform(x, generator, len(x), _N_WAVES, 1)
    phase = 2 * math.pi * _uniform(x, generator, len(x), _N_WAVES, 1)
    amplitude = strength / _N_WAVES * _uniform(x, generator, len(x), _N_WAVES, 1)
    seconds = torch.arange(x.shape[-1], device=x.device, dtype=x.dtype) / sampling_rate
    waves = (amplitude * (2 * math.pi * hertz * seconds + phase).sin()).sum(1, keepdim=True)  # (n, 1, time)
    return x + _between(x, generator, -1.0, 1.0, *x.shape[:2], 1) * waves


def scaling(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """One factor for all leads of an item, so that their proportions stay: from 1 / (1 + strength) to 1 + strength."""
    return x * (math.log1p(strength) * _between(x, generator, -1.0, 1.0, len(x), 1, 1)).exp()


def lead_dropout(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """Leads whose electrode fell off: each is 0 mV with this probability, but one of an item is always left."""
    import torch

    chance = _uniform(x, generator, *x.shape[:2], 1)  # (n, leads, 1)
    stays = (chance >= strength) | (chance == chance.amax(1, keepdim=True))
    return torch.where(stays, x, 0)


def time_warp(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """A heart that beats now faster, now slower, by no more than the strength; an item's ends stay where they are.

    An item's time, from 0 to 1, becomes itself and a few waves that are 0 at both ends, whose slopes together stay
    below the strength.
    """
    import torch

    last = (ends - 1).clamp(min=1)
    part = torch.arange(x.shape[-1], device=x.device, dtype=x.dtype) / last  # (n, 1, time)
    later = torch.zeros_like(part)
    for k in range(1, _N_WAVES + 1):
        slope = strength / _N_WAVES * _between(x, generator, -1.0, 1.0, len(x), 1, 1)
        later = later + slope / (math.pi * k) * (math.pi * k * part).sin()
    return _read(x, (part + later) * last, ends)


def time_shift(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """A recording that began earlier or later, by whole samples; beyond an end, the end's value is repeated."""
    import torch

    shift = (strength * sampling_rate * _between(x, generator, -1.0, 1.0, len(x), 1, 1)).round()
    return _read(x, torch.arange(x.shape[-1], device=x.device, dtype=x.dtype) + shift, ends)


def time_mask(x: Tensor, sampling_rate: float, generator: Generator, strength: float, ends: Tensor) -> Tensor:
    """A span that is hidden in all leads together, each at its own mean over the item; no longer than the strength."""
    import torch

    longest = (strength * ends).floor()  # (n, 1, 1) samples
    n_hidden = ((longest + 1) * _uniform(x, generator, len(x), 1, 1)).floor()
    first = ((ends - n_hidden + 1) * _uniform(x, generator, len(x), 1, 1)).floor()
    time = torch.arange(x.shape[-1], device=x.device)
    mean = torch.where(time < ends, x, 0).sum(-1, keepdim=True) / ends.clamp(min=1)  # (n, leads, 1)
    return torch.where((time >= first) & (time < first + n_hidden), mean, x)


AUGMENTATIONS: dict[str, Augmentation] = {
    "noise": Augmentation(
        noise,
        0.03,
        "largest standard deviation of the noise, mV,",
        "Moody, Muldrow and Mark, A Noise Stress Test for Arrhythmia Detectors, 1984, for what disturbs recordings; "
        "Mehari and Strodthoff, Self-supervised representation learning from 12-lead ECG data, 2022, to augment",
    ),
    "wander": Augmentation(
        wander,
        0.1,
        "largest height of the baseline's waves, mV,",
        "Mehari and Strodthoff 2022; fewer waves here, and less high, since filters leave little of a wander",
    ),
    "scaling": Augmentation(
        scaling,
        0.1,
        "largest part by which amplitudes grow",
        "Um et al., Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring using Convolutional "
        "Neural Networks, 2017; one factor for all leads here, and near 1, since amplitude is diagnostic",
    ),
    "lead_dropout": Augmentation(
        lead_dropout,
        0.1,
        "probability that a lead is left out",
        "Oh et al., Lead-agnostic Self-supervised Learning for Local and Global Representations of Electrocardiogram, "
        "2022 (random lead masking, of half the leads)",
        largest=1.0,
    ),
    "time_warp": Augmentation(
        time_warp,
        0.1,
        "largest part by which the heart rate changes",
        "Um et al. 2017; read between samples by cubics here, since straight lines blunt a QRS complex",
        largest=0.9,
    ),
    "time_shift": Augmentation(
        time_shift,
        0.1,
        "longest shift, s,",
        "Le Guennec, Malinowski and Tavenard, Data Augmentation for Time Series Classification using Convolutional "
        "Neural Networks, 2016 (slicing); for beats and whole items, for random crops shift by themselves",
    ),
    "time_mask": Augmentation(
        time_mask,
        0.1,
        "largest part of an item that is hidden",
        "Park et al., SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition, 2019 (time "
        "masking, of all channels together); one span here, and in its place the mean, which filters leave near 0 mV",
        largest=1.0,
    ),
}
"""By name; the order is that of the help."""

_ALSO = {"scale": "scaling"}


def _read(x: Tensor, position: Tensor, ends: Tensor) -> Tensor:
    """The signals at places between their samples, by the cubic through the four around (Catmull and Rom).

    At a sample it is that sample, to the bit; beyond an item's end it is the end.

    Shape:
        - x: (n, leads, time)
        - position: (n, 1, time), in samples
    """
    import torch

    last = (ends - 1).clamp(min=0)
    position = torch.minimum(position.clamp(min=0), last.to(position.dtype))
    before = position.floor()
    t = position - before  # from 0 to 1
    weights = (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    total = torch.zeros_like(x)
    for k, weight in enumerate(weights):
        place = torch.minimum((before.long() + (k - 1)).clamp(min=0), last)  # (n, 1, time)
        total = total + x.gather(-1, place.expand_as(x)) * weight
    return total


def _uniform(x: Tensor, generator: Generator, *shape: int) -> Tensor:
    """In [0, 1), of x's type and on its device, whichever device the generator is on."""
    import torch

    return _drawn(torch.rand, x, generator, shape)


def _between(x: Tensor, generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    """In [low, high), likewise."""
    return low + (high - low) * _uniform(x, generator, *shape)


def _normal(x: Tensor, generator: Generator, *shape: int) -> Tensor:
    """Of deviation 1, likewise."""
    import torch

    return _drawn(torch.randn, x, generator, shape)


def _drawn(draw: Callable[..., Tensor], x: Tensor, generator: Generator, shape: tuple[int, ...]) -> Tensor:
    """Random numbers whose first axis is that of the items."""
    if not isinstance(generator, PartOfDraws):
        return draw(shape, generator=generator, device=generator.device, dtype=x.dtype).to(x.device)
    import torch

    own, whole = generator.generator, (generator.n_items, *shape[1:])
    drawn = draw(whole, generator=own, device=own.device, dtype=x.dtype)
    return drawn[torch.from_numpy(generator.places).to(own.device)].to(x.device)
