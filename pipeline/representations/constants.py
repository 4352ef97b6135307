"""Indices and weights that every drawing needs again, as tensors on its device."""

import numpy as np
import torch
from torch import Tensor


def constant(values: np.ndarray, device: torch.device) -> Tensor:
    """A tensor that a function behind ``lru_cache`` keeps, so that no batch after the first waits for a copy of it.

    It is only read. Made while scoring, it may serve in training, too: an inference tensor could not.
    """
    with torch.inference_mode(False):
        return torch.tensor(values, device=device)
