"""Stochastic gradient descent whose weight decay is decoupled from the gradient, as AdamW's is from Adam's."""

from collections.abc import Callable
from typing import Any

import torch


class SGDW(torch.optim.SGD):
    """In each step a weight shrinks by rate · decay, of which its gradient and its momentum know nothing.

    So the decay follows the scheduler of the rate. That of ``torch.optim.SGD`` is added to the gradient, and goes on in
    the momentum when the rate has fallen.

    Reference:
        Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 1; the decay is times the rate
        here, as in torch's AdamW, not only times what the scheduler makes of 1.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step; ``closure`` is that of every optimizer of torch."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        decays = [group["weight_decay"] for group in self.param_groups]
        for group, decay in zip(self.param_groups, decays, strict=True):
            moved = [weight for weight in group["params"] if weight.grad is not None]
            if moved and decay:
                torch._foreach_mul_(moved, 1 - group["lr"] * decay)
            group["weight_decay"] = 0.0
        try:
            super().step()
        finally:
            for group, decay in zip(self.param_groups, decays, strict=True):
                group["weight_decay"] = decay
        return loss
