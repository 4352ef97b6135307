"""How much memory there is to plan with, and how much was taken."""

import os
import sys
from pathlib import Path

_LIMITS_OF_A_CONTAINER = (  # of control groups, version 2 and 1
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_memory() -> int:
    """The machine's memory, or what a container may take of it, bytes."""
    limits = [limit for limit in map(_limit, _LIMITS_OF_A_CONTAINER) if limit is not None]
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *limits])


def _limit(file: Path) -> int | None:
    """Bytes; None where there is no such file, or it says ``max``."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    import resource  # here, since it is of POSIX alone

    # ru_maxrss counts kilobytes on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform == "linux" else 2**20)
