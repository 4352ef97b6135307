"""The bar of every long piece of work."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(iterable: Iterable[Any] | None = None, name: str | None = None, **keywords: Any) -> tqdm:
    """A tqdm bar: live on a terminal, a line every half minute in a log.

    Args:
        iterable: what to go through, or None where the bar is moved by hand.
        name: what stands before it.
        keywords: those of tqdm.
    """
    if not sys.stderr.isatty():
        keywords |= {"mininterval": 30.0, "maxinterval": 60.0}
    return tqdm(iterable, name, **keywords)
