"""How the learning rate goes over the steps: a warm-up, then a constant or waves of a cosine; and who takes which.

Both are a function of the step alone, so that a training which goes on has the rates of one that was never stopped.
"""

import math
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.training import defaults

WARM_FROM = 0.1
"""Where a warm-up begins, of the rate that it leads to."""
RESTARTS = "cosine_restarts"
_FALLING = ("cosine", RESTARTS)
_RISING = ("onecycle",)


def warm_up(step: int, n_warm: int) -> float:
    """The part of the rate at a step, from 0: straight from ``WARM_FROM`` to 1, behind ``n_warm`` steps.

    >>> [warm_up(step, 2) for step in range(4)]
    [0.1, 0.55, 1.0, 1.0]
    """
    return WARM_FROM + (1 - WARM_FROM) * step / n_warm if step < n_warm else 1.0


def cosine_waves(step: int, n_steps: int, n_waves: int, floor: float) -> float:
    """The part of the rate at a step, from 0: half a cosine from 1 to ``floor``, as often as ``n_waves`` says.

    Waves are equally long, if need be to a step. Behind the last step the rate stays where it has come to.

    >>> [round(cosine_waves(step, 8, 2, 0.0), 3) for step in range(9)]
    [1.0, 0.854, 0.5, 0.146, 1.0, 0.854, 0.5, 0.146, 0.0]

    Reference:
        Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017; waves of one length here.
    """
    within = step * n_waves % n_steps if step < n_steps else n_steps
    return floor + (1 - floor) * (1 + math.cos(math.pi * within / n_steps)) / 2


def chosen_schedule(
    scheduler: str, epochs: int, *, warm: int | None, cycles: int | None, floor: float | None
) -> dict[str, Any]:
    """What a card says of warm-up, waves and lowest rate.

    Args:
        scheduler: which it is to be.
        epochs: of the training.
        warm: epochs of the warm-up, if the user chose one.
        cycles: waves, likewise.
        floor: the lowest rate as a part of the highest, likewise.

    Raises:
        EcgFusionError: the scheduler does not take one of them, or they do not fit into the epochs.
    """
    if warm is not None and scheduler in _RISING:
        raise EcgFusionError(
            f"-warmup {warm} is for schedulers that do not rise by themselves, and {scheduler} does: leave it out, or "
            f"take -scheduler cosine, {RESTARTS} or none"
        )
    if warm is not None and warm >= epochs:
        raise EcgFusionError(
            f"-warmup {warm} takes all of the {epochs} epochs, and the rate would never be what it rises to: take "
            f"fewer, or more -epochs than {warm}"
        )
    if cycles is not None and scheduler != RESTARTS:
        raise EcgFusionError(
            f"-cycles {cycles} is for -scheduler {RESTARTS}, and this is {scheduler}: give that too, or leave it out"
        )
    if floor is not None and scheduler not in _FALLING:
        raise EcgFusionError(
            f"-floor {floor:g} is for -scheduler {' or '.join(_FALLING)}, and this is {scheduler}: give one of them "
            f"too, or leave it out"
        )
    left = epochs - (warm or 0)
    if cycles is not None and cycles > left:
        behind = f" behind the warm-up of {warm}" if warm else ""
        raise EcgFusionError(
            f"-cycles {cycles} are more than the {left} epochs{behind}: take at most {left}, or more -epochs"
        )
    if scheduler == RESTARTS and cycles is None:
        cycles = min(defaults.CYCLES, left)
    return {"warmup": warm, "cycles": cycles, "floor": floor}
