"""One writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_error


@contextmanager
def locked(path: Path, busy: str, wait_s: float = 0.0) -> Iterator[None]:
    """Keeps other processes from what a lock file stands for while the block runs.

    Args:
        path: what is to be kept; its lock file lies beside it.
        busy: the sentence for whoever comes second.
        wait_s: how long the second one waits before it is said.

    Raises:
        EcgFusionError: another process holds the lock.
        FileError: the disk takes no lock file.
    """
    with _held(path, busy, wait_s):
        try:
            yield
        finally:
            _lock_file(path).unlink(missing_ok=True)


@contextmanager
def one_at_a_time(path: Path, busy: str, wait_s: float = 600) -> Iterator[None]:
    """Has processes that all write what a lock file stands for do so in turn; each waits until it may.

    Its lock file stays: who waits holds it open, and would own a removed one beside somebody else's new one.

    Args:
        path: what is written; its lock file lies beside it.
        busy: the sentence for whoever has waited in vain.
        wait_s: how long, in seconds.

    Raises:
        EcgFusionError: another process holds the lock all that time.
        FileError: the disk takes no lock file.
    """
    with _held(path, busy, wait_s):
        yield


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


@contextmanager
def _held(path: Path, busy: str, wait_s: float) -> Iterator[None]:
    lock = FileLock(_lock_file(path), timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise EcgFusionError(busy) from None
    except NotImplementedError:  # of filelock, where a disk knows no locks
        raise EcgFusionError(f"the disk of {path.parent} knows no locks: name a folder on another one") from None
    except OSError as problem:
        raise file_error(problem, path, "write") from None
    try:
        yield
    finally:
        lock.release()
