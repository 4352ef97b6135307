"""Large arrays of a store in a place across a network: its rows are fetched as they are wanted, and some ahead.

What a training with several epochs reads again and again lies in memory where it fits, as of any store; what does not
fit is fetched anew in each epoch.
"""

import math
import threading
from collections import OrderedDict
from typing import Any, cast

import numpy as np

from pipeline.errors import EcgFusionError
from pipeline.machine.memory import machine_memory
from pipeline.machine.remote_ranges import Ranges
from pipeline.store.checksums import ItemSums, sums_of

_MOST_KEPT = 512 * 2**20  # bytes of rows; and no more than a part of the memory
_PART_OF_MEMORY = 16
_LEAST_AHEAD, _MOST_AHEAD = 2**20, 32 * 2**20  # bytes that are fetched ahead of who reads row after row
_NEAR = 2**16  # bytes between two rows that are fetched with them, as an answer of its own would take longer


class RemoteRows:
    """A contiguous dataset of a file in a place, as a ``StoredArray`` and as what that opens: indexed by rows first.

    A row is compared with its sum whenever it is given. Who reads row after row has ever more fetched ahead.

    Args:
        ranges: of the file.
        offset: of the dataset in it, bytes.
        shape: of the dataset.
        dtype: of the dataset.
        sums: of its items; None where a store of an earlier program has none.
    """

    def __init__(
        self, ranges: Ranges, offset: int, shape: tuple[int, ...], dtype: np.dtype, sums: ItemSums | None
    ) -> None:
        self._ranges, self.offset, self.shape, self.dtype, self.sums = ranges, offset, shape, dtype, sums
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._most_kept = min(_MOST_KEPT, machine_memory() // _PART_OF_MEMORY) // max(1, self._row_bytes)
        self._last: int | None = None
        self._ahead = _LEAST_AHEAD

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_kept")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def __len__(self) -> int:
        return self.shape[0]

    def open(self) -> np.ndarray:
        """Itself, which is indexed as an array is."""
        return cast(np.ndarray, self)

    def read_ahead(self, rows: np.ndarray) -> None:
        """Fetches several items that are about to be read, at once.

        Raises:
            EcgFusionError: the place fails to give them.
        """
        with self._lock:
            self._fetch(rows)

    def check(self, rows: np.ndarray, opened: np.ndarray) -> None:
        """Nothing: each item is looked at when it is given."""

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by number, slice or (n,) numbers, and of each what the other indices say.

        Raises:
            EcgFusionError: an item is damaged, the file has changed, or the place fails to give it.
        """
        first, *others = key if isinstance(key, tuple) else (key,)
        if isinstance(first, int | np.integer):
            row = self._row(int(first))
            return row[tuple(others)] if others else row
        rows = np.arange(len(self))[first]
        if len(rows) * self._row_bytes <= _MOST_AHEAD:
            self.read_ahead(rows)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number, row in enumerate(rows.tolist()):
            found[number] = self._row(row)
        return found[(slice(None), *others)] if others else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _row(self, row: int) -> np.ndarray:
        row = range(len(self))[row]
        with self._lock:
            if row not in self._kept:
                self._fetch_from(row)
            self._last, found = row, self._kept[row]
        if self.sums is not None and sums_of(found[None])[0] != self.sums.known[row]:
            self._ranges.check_unchanged()
            raise EcgFusionError(f"{self.sums.sentence(row)}: copy the store there anew")
        return found

    def _fetch_from(self, row: int) -> None:
        """Fetches a row, and rows behind it where they are read one after the other."""
        near = max(1, 2 * self._ahead // max(1, self._row_bytes))
        goes_on = self._last is not None and 0 <= row - self._last <= near
        self._ahead = min(2 * self._ahead, _MOST_AHEAD) if goes_on else _LEAST_AHEAD
        n_rows = min(max(1, self._ahead // max(1, self._row_bytes)), self._most_kept) if goes_on else 1
        self._fetch(np.arange(row, min(row + max(1, n_rows), len(self))))

    def _fetch(self, rows: np.ndarray) -> None:
        wanted = [row for row in np.unique(rows).tolist() if row not in self._kept]
        spans: list[list[int]] = []  # first and last row of what is fetched together
        for row in wanted:
            if spans and (row - spans[-1][1] - 1) * self._row_bytes <= _NEAR:
                spans[-1][1] = row
            else:
                spans.append([row, row])
        n_bytes, begin = self._row_bytes, self.offset
        found = self._ranges.read_all(
            [(begin + first * n_bytes, begin + (last + 1) * n_bytes) for first, last in spans]
        )
        for (first, last), data in zip(spans, found, strict=True):
            together = np.frombuffer(data, self.dtype).reshape(last - first + 1, *self.shape[1:])
            for row in range(first, last + 1):
                self._kept[row] = together[row - first]
        for row in wanted:  # the newest, which are about to be read
            self._kept.move_to_end(row)
        while len(self._kept) > max(self._most_kept, len(wanted)):
            self._kept.popitem(last=False)
