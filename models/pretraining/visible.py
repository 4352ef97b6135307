"""Some of the tokens of each item, close together, and how they go back to where they stood."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.pretraining.method import on_device
from models.signal.padding import within


@dataclass(frozen=True)
class Visible:
    """Which tokens are seen.

    Attributes:
        at: (n, k) where they stand among all, first to last; behind an item's own ones, others fill up.
        own: (n, k) bool, which of these are seen; None where all are.
    """

    at: Tensor
    own: Tensor | None

    @classmethod
    def of(cls, seen: Tensor, like: Tensor) -> "Visible":
        """Those that a mask names.

        Args:
            seen: (n, t) bool on the host, so that no device is waited for; at least one in each row.
            like: whose device is taken.
        """
        counts = seen.sum(1)
        at = (~seen).to(torch.uint8).argsort(dim=1, stable=True)[:, : int(counts.max())]
        own = within(counts, at.shape[1])
        return cls(on_device(at, like), None if bool(own.all()) else on_device(own, like))

    @property
    def padded(self) -> Tensor | None:
        """As attention wants it: those that are none."""
        return None if self.own is None else ~self.own

    def take(self, tokens: Tensor) -> Tensor:
        """(n, t, d) to (n, k, d)."""
        return tokens.gather(1, self.at[..., None].expand(-1, -1, tokens.shape[2]))

    def put(self, tokens: Tensor, into: Tensor) -> Tensor:
        """(n, k, d) to where they stood in ``into`` (n, t, d), which stays what it is elsewhere."""
        at = self.at[..., None].expand(-1, -1, into.shape[2])
        tokens = tokens.to(into.dtype)
        if self.own is not None:
            tokens = torch.where(self.own[..., None], tokens, into.gather(1, at))
        return into.scatter(1, at, tokens)
