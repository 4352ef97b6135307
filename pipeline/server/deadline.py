"""When an answer must be there: looked at before each network is asked, so that a very long recording ends in time."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle


class TookTooLongError(Exception):
    """The time is over, and nobody waits for the answer any more."""


class Deadline:
    """The end of what is being answered, one thing at a time."""

    def __init__(self) -> None:
        self._end: float | None = None
        self._hooks: list[RemovableHandle] = []

    @contextmanager
    def until(self, end: float) -> Iterator[None]:
        """Has :meth:`check` raise inside once ``end`` (of ``time.monotonic``, s) is over."""
        self._end = end
        try:
            self.check()
            yield
        finally:
            self._end = None

    def check(self, *_: Any) -> None:
        """Goes on, or not.

        Raises:
            TookTooLongError: the time is over.
        """
        if self._end is not None and time.monotonic() > self._end:
            raise TookTooLongError

    def watch(self, networks: Iterable[nn.Module]) -> None:
        """Has every part of networks look at the time before it computes, however a network is asked."""
        for module in {part for network in networks for part in network.modules()}:
            self._hooks.append(module.register_forward_pre_hook(self.check))

    def release(self) -> None:
        """Has the networks look no more."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
