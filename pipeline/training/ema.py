"""An exponential moving average of a network's weights over the steps of its training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_BEHIND = 9  # how many steps the warm-up of the decay lags behind: the first mean is a tenth of what was before


def decay_at(step: int, decay: float) -> float:
    """The decay of the mean at a step, from 0: low at first, so that what fresh weights were is soon forgotten.

    Without it a training of fewer steps than 1 / (1 − decay) would end in a mean that is still mostly its beginning.

    >>> [round(decay_at(step, 0.9), 3) for step in (0, 10, 80, 10_000)]
    [0.1, 0.55, 0.9, 0.9]
    """
    return min(decay, (1 + step) / (1 + step + _BEHIND))


class Average:
    """The mean of all that a network's state holds: of its weights, and of the statistics of batch normalisation.

    After each step the mean becomes decay · mean + (1 − decay) · state, so that it is over the last 1 / (1 − decay)
    steps or so. What is counted in whole numbers is not averaged, it is what the network has.

    Args:
        network: what is trained; it stays where it is, and its mean lies beside it, on its device.
        decay: from 0 to below 1; see ``decay_at`` for the first steps.

    Reference:
        Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992; exponential, and with its
        warm-up, as TensorFlow's ExponentialMovingAverage has it. The statistics of batch normalisation are averaged as
        the weights are, and not computed anew of the training items.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        # the parameters and buffers themselves: what torch lays out anew is still theirs
        self._own: dict[str, Tensor] = network.state_dict(keep_vars=True)
        self._mean = {name: x.detach().clone() for name, x in self._own.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in what the network is after a step; steps are counted from 0, through all epochs."""
        averaged = [name for name, mean in self._mean.items() if mean.is_floating_point()]
        means, own = ([state[name] for name in averaged] for state in (self._mean, self._own))
        torch._foreach_lerp_(means, own, 1 - decay_at(step, self._decay))  # a GPU goes over all in one pass
        for name in self._mean.keys() - averaged:
            self._mean[name].copy_(self._own[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the network is its mean; behind it, whatever happens there, it is itself again, bit for bit."""
        trained = {name: x.detach().clone() for name, x in self._own.items()}
        self._bring(self._mean)
        try:
            yield
        finally:
            self._bring(trained)

    @torch.no_grad()
    def _bring(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self._own.items():
            tensor.copy_(state[name])

    def state_dict(self) -> dict[str, Tensor]:
        """The mean by the names of the network's state, for a resume file."""
        return self._mean

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Brings back what ``state_dict`` gave.

        Raises:
            ValueError: it is of another network.
        """
        if state.keys() != self._mean.keys():
            raise ValueError("the mean is that of another network")
        for name, mean in self._mean.items():
            if state[name].shape != mean.shape:
                raise ValueError(f"the mean has another {name}")
            mean.copy_(state[name])
