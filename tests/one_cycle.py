"""The rates of one cycle, as they were published."""

import math


def cycle(step: int, n_steps: int, start: float, top: float, end: float) -> float:
    """One cycle by hand: half a cosine up over 30 % of the steps, half of one down over the rest."""
    peak = 0.3 * (n_steps + 1) - 1  # steps are counted from 0, and one more than are taken
    low, high, part = (start, top, step / peak) if step <= peak else (top, end, (step - peak) / (n_steps - peak))
    return high + (low - high) * (1 + math.cos(math.pi * part)) / 2
