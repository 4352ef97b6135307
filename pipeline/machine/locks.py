"""One writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import EcgFusionError
from pipeline.machine.files import file_error


@contextmanager
def locked(path: Path, busy: str, wait_s: float = 0) -> Iterator[None]:
    """Keeps other processes from what a lock file stands for while the block runs.

    Args:
        path: what is to be kept; its lock file lies beside it.
        busy: the sentence for whoever comes second.
        wait_s: how long that one waits, s, before it is told.

    Raises:
        EcgFusionError: another process holds the lock.
        FileError: the disk takes no lock file.
    """
    file = path.with_name(f".{path.name}.lock")
    lock = FileLock(file, timeout=wait_s)
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
        file.unlink(missing_ok=True)
        lock.release()
