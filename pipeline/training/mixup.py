"""Mixed pairs: what an item of a batch is mixed with in a training step, and how much of itself is left."""

import numpy as np
import torch

from pipeline.runs.learners import Mix

_OF_MIXUP = 1  # keeps these numbers apart from the others of a step, which are of (seed, step) alone


def drawn_mix(alpha: float, seed: int, step: int, n_items: int) -> Mix:
    """One weight for all items of a batch, from Beta(alpha, alpha), and a partner for each; of (seed, step) alone.

    Args:
        alpha: above 0: far below 1 nearly every item stays what it is, at 1 every weight is as likely, above it most
            are near a half.
        seed: of the training.
        step: counted through all epochs.
        n_items: of the batch; an item may be its own partner.

    Reference:
        Zhang, Cissé, Dauphin and Lopez-Paz, mixup: Beyond Empirical Risk Minimization, 2018; one weight a step, as in
        its program.
    """
    random = np.random.default_rng((seed, step, _OF_MIXUP))
    weight = float(random.beta(alpha, alpha))
    return Mix(weight, torch.from_numpy(random.permutation(n_items)))
