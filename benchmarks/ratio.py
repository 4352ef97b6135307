"""How much faster one thing is than another, measured in the same run and in turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A claim of speed and what was measured of it.

    Attributes:
        what: what is done, and against which rival.
        ours: median time of ours, s.
        theirs: median time of the rival, s.
        aim: how many times faster than the rival we want to be, at least; below 1 for a rival that does less.
        note: what else was found.
        limit: the longest that ours is to take, s, where that is aimed at and no ratio is.
    """

    what: str
    ours: float
    theirs: float
    aim: float | None = None
    note: str = ""
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours

    def __str__(self) -> str:
        """Both times, their ratio, and the aim where there is one."""
        _, ours, theirs, ratio, aim = self.cells()
        aimed = f" (aim {aim})" if aim else ""
        return f"{self.what}: ours {ours}, theirs {theirs}, ratio {ratio}{aimed}" + (
            f"; {self.note}" if self.note else ""
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """What was measured, our time, the rival's, their ratio and the aim (empty where there is none), to be read."""
        what = f"{self.what} ({self.note})" if self.note else self.what
        aim = _aim(self.aim) if self.limit is None else f"within {_time(self.limit)}"
        return what, _time(self.ours), _time(self.theirs), _times(self.ratio), aim


@dataclass(frozen=True)
class Share:
    """A claim of how often something holds.

    Attributes:
        what: what it is a share of.
        share: from 0 to 1.
        aim: the lowest and the highest that it is to be.
    """

    what: str
    share: float
    aim: tuple[float, float]

    def __str__(self) -> str:
        """The share and its aim."""
        _, share, _, _, aim = self.cells()
        return f"{self.what}: {share} (aim {aim})"

    def cells(self) -> tuple[str, str, str, str, str]:
        """As those of a ``Row``."""
        return self.what, f"{self.share:.1%}", "", "", f"{self.aim[0]:.0%} to {self.aim[1]:.0%}"


@dataclass(frozen=True)
class Waiting:
    """A claim of speed that this machine cannot measure.

    Attributes:
        what: as of a ``Row``.
        lacking: what the machine would have to have.
        aim: as of a ``Row``.
    """

    what: str
    lacking: str
    aim: float | None = None

    def __str__(self) -> str:
        """That it waits, and for what."""
        return f"{self.what}: waiting for {self.lacking}"

    def cells(self) -> tuple[str, str, str, str, str]:
        """As those of a ``Row``."""
        return self.what, f"waiting for {self.lacking}", "", "", _aim(self.aim)


@dataclass(frozen=True)
class Failed:
    """A part of the benchmarks that came to no end.

    Attributes:
        what: its name.
        problem: what it said.
    """

    what: str
    problem: str

    def __str__(self) -> str:
        """That it failed, and what it said."""
        return f"{self.what}: failed: {self.problem}"

    def cells(self) -> tuple[str, str, str, str, str]:
        """As those of a ``Row``, in one line of a table whatever was said."""
        said = " ".join(self.problem.split()).replace("|", "\\|")
        return self.what, f"failed: {said}", "", "", ""


def medians(
    runs: Mapping[str, Callable[[], object]], turns: int, calls: int = 1, before: Callable[[], object] | None = None
) -> dict[str, float]:
    """The median time of each run in s, all of them taking turns.

    Args:
        runs: what is timed, by name.
        turns: how many turns count; one more goes before them.
        calls: how often each is called in a turn. The last call is timed, so that with two or more none finds the
            caches and the memory as another has left them.
        before: what goes before each call and takes no time of it.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(turns + 1):
        for name, run in runs.items():
            for _ in range(calls):
                if before:
                    before()
                start = time.perf_counter()
                run()
                seconds = time.perf_counter() - start
            if turn:
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def _aim(aim: float | None) -> str:
    return "" if aim is None else _times(aim)


def _times(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio > 0.5 else f"1/{1 / ratio:.3g}"


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f} µs"
