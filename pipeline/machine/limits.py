"""Limits that a shell sets, and what must not be above them."""

import os
from collections.abc import Mapping

from pipeline.errors import EcgFusionError

MOST_THREADS = 1024
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_FILES_OF_A_PROGRAM, _FILES_OF_A_WORKER = 64, 8


def check_thread_variables(environment: Mapping[str, str] = os.environ) -> None:
    """Refuses numbers of threads with which libraries end the program without a word; call it before their import.

    Raises:
        EcgFusionError: a variable is no number from 1 to ``MOST_THREADS``.
    """
    for name in _VARIABLES:
        text = environment.get(name, "").strip()
        # OpenMP takes a number for each level of nesting
        numbers = text.split(",") if name == "OMP_NUM_THREADS" else [text]
        if text and not all(_is_fine(number.strip()) for number in numbers):
            raise EcgFusionError(
                f"{name} is {text[:60]}: set it to a number from 1 to {MOST_THREADS}, or take it away with unset {name}"
            )


def _is_fine(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_THREADS


def check_threads(threads: int) -> None:
    """Refuses a number of threads that no machine has."""
    if threads > MOST_THREADS:
        raise EcgFusionError(f"-threads {threads} does not work: take a number from 1 to {MOST_THREADS}")


def check_open_files(workers: int) -> None:
    """Sees that so many processes that read ahead may open their files; short of files they would wait for ever.

    The soft limit is raised where the hard one allows it.

    Raises:
        EcgFusionError: the hard limit is too low.
    """
    try:
        import resource  # here, since it is of POSIX alone
    except ImportError:
        return
    needed = _FILES_OF_A_PROGRAM + _FILES_OF_A_WORKER * workers
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise EcgFusionError(
            f"{workers} processes that read ahead need {needed} open files, and this shell allows {hard}: "
            f"raise it (ulimit -n {needed}), or take -workers 0"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
