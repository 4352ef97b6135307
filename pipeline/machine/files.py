"""Files: written whole or not at all, read only if they are files, and what a disk refuses told in a sentence."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import BufferedReader
from pathlib import Path

from pipeline.errors import EcgFusionError

AGAIN = "give the same command again"
_ANOTHER_PATH = "change its permissions or name another path"
_SPACE = "free some space"

_TOLD: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full{where}", _SPACE),
    errno.EDQUOT: ("the disk is full{where}, by your quota", _SPACE),
    errno.EFBIG: ("the disk is full{where}", f"{_SPACE}, or lift the limit on the size of a file (ulimit -f),"),
    errno.EROFS: ("the disk of{where} can only be read", "name a path on another one"),
    errno.EACCES: ("no permission to {do}{where}", _ANOTHER_PATH),
    errno.EPERM: ("no permission to {do}{where}", _ANOTHER_PATH),
    errno.EIO: ("the disk fails at{where}", "check the disk or the network, name another path"),
    errno.EMFILE: ("too many files are open to {do}{where}", "raise the limit (ulimit -n 1024)"),
    errno.ENFILE: ("too many files are open on this machine to {do}{where}", "end other programs"),
    errno.ENAMETOOLONG: ("the name is too long:{where}", "choose a shorter one"),
    errno.EISDIR: ("{path} is a folder", "name a file, or remove the folder"),
    errno.EEXIST: ("{path} is a file", "name a folder, or remove the file"),
    errno.ENOTDIR: ("Not a directory{where}", "check that this path lies in folders, not in a file,"),
    errno.ELOOP: ("links lead in a circle at{where}", "name the file itself"),
    errno.ENOENT: ("there is no{where}", "name one that is there"),
    errno.ENXIO: ("{path} is no file", "name one"),
    errno.ESTALE: ("the network disk of{where} has gone away", "mount it"),
    errno.ENOMEM: ("the memory is too small to {do}{where}", "end other programs"),
}
"""What an error number means and what to do; ``{where}`` is the path behind a blank, or nothing."""


_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.ESTALE)


def is_of_the_machine(problem: OSError) -> bool:
    """Whether the machine lacks something for now, and nothing is wrong with the file that was to be opened."""
    return number_of(problem) in _OF_THE_MACHINE


class FileError(EcgFusionError, OSError):
    """What a disk refuses: an ``OSError`` of the same number, with a sentence of what it is and what to do.

    Args:
        problem: what it is.
        remedy: what to do about it.
        then: what to do behind that; None for nothing.
    """

    def __init__(self, problem: str, remedy: str = "", then: str | None = AGAIN) -> None:
        behind = f" and {then}" if then else ""
        super().__init__(f"{problem}: {remedy}{behind}" if remedy else problem)
        self._parts = problem, remedy

    def followed_by(self, then: str) -> "FileError":
        """The same, with something else to do behind the remedy."""
        return _numbered(FileError(*self._parts, then), self.errno)

    def where_only_new(self, folder: Path) -> "FileError":
        """The same of a command that would be refused for the half of a folder that it has left, where it has."""
        return self.followed_by(f"remove {folder} before you give the same command again") if folder.exists() else self


def _numbered(error: FileError, number: int | None) -> FileError:
    error.errno = number
    return error


def number_of(problem: OSError) -> int | None:
    """Its error number, which h5py and tensorboard say only in their text."""
    if problem.errno:
        return problem.errno
    said = re.search(r"\b[Ee]rrno\W{1,3}(\d{1,3})\b", str(problem))
    return int(said[1]) if said else None


def file_error(problem: OSError, path: Path | str | None = None, do: str = "use") -> FileError:
    """The sentence of an error.

    Args:
        problem: what the system raised.
        path: what was read or written; None for what the error names.
        do: ``read``, ``write`` or ``use``.
    """
    if isinstance(problem, FileError):
        return problem
    path = problem.filename if path is None else path
    where, number = f" {path}" if path else "", number_of(problem)
    if number not in _TOLD:
        text = " ".join(f"{problem.strerror or problem}".split())
        return _numbered(FileError(f"{text}{where}", "check that this path can be read and written", None), number)
    what, remedy = _TOLD[number]
    if number == errno.EISDIR and do == "read":
        remedy = "name a file"
    if number == errno.ENOENT and do == "write":  # as below /proc, where nothing can be made
        what, remedy = "{path} cannot be made", _ANOTHER_PATH
    if not path:
        what = what.replace(" to {do}{where}", "")  # it can be said of nothing
    return _numbered(FileError(what.format(do=do, where=where, path=path or "it"), remedy), number)


@contextmanager
def file_errors_told(path: Path | str | None = None, do: str = "use") -> Iterator[None]:
    """Has what the system raises within told as ``file_error`` does; that a file is not there stays as it is.

    Raises:
        FileError: for any other ``OSError``.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise file_error(problem, path, do) from None


def open_file(path: Path | str) -> BufferedReader:
    """A file, open for reading; what would never end or never begin, as a fifo or a device, is refused at once.

    Raises:
        FileNotFoundError: there is none.
        FileError: it is no file, or cannot be read.
    """
    with file_errors_told(path, "read"):
        # a fifo without a writer is waited for otherwise
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
            if not stat.S_ISREG(mode):
                kind = "fifo" if stat.S_ISFIFO(mode) else "device"
                raise FileError(f"{path} is a {kind}, not a file", "name a file", None)
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise


def require_file(path: Path | str) -> None:
    """Refuses what ``open_file`` refuses, for those who hand a path to a library."""
    open_file(path).close()


def read_file(path: Path | str, most: int) -> bytes:
    """What a file holds, if it is a file of at most so many bytes.

    Raises:
        FileNotFoundError: there is none.
        FileError: it is no file, is larger, or cannot be read.
    """
    with file_errors_told(path, "read"), open_file(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise FileError(f"{path} is larger than {most / 2**20:g} MiB", "name the right file", None)
    return found


_Waiting = dict[Path, Path | None]  # file to what takes its place; None: it goes
_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def all_or_none() -> Iterator[None]:
    """What is replaced and removed within gets its place, or goes, when the block ends; if it fails, nothing does."""
    if _waiting.get() is not None:  # the outer one puts all in place
        yield
        return
    files: _Waiting = {}
    token = _waiting.set(files)
    try:
        yield
        for path in files:
            if path.is_dir():
                raise file_error(IsADirectoryError(errno.EISDIR, "Is a directory"), path, "write")
        for path, temporary in files.items():
            with _write_errors_told(path):
                if temporary:
                    temporary.replace(path)
                else:
                    path.unlink(missing_ok=True)
    except BaseException:
        for temporary in filter(None, files.values()):
            _remove(temporary)
        raise
    finally:
        _waiting.reset(token)


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write(temporary_path)`` write a file beside ``path``, then puts it in its place, or leaves nothing.

    Raises:
        FileError: the disk refuses it.
    """
    temporary, waiting = path.with_name(path.name + ".part"), _waiting.get()
    try:
        with _write_errors_told(path):
            _write(temporary, write)
            if waiting is None:
                temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise
    if waiting is not None:
        waiting[path] = temporary


def remove_file(path: Path) -> None:
    """Removes a file, if it is there; within ``all_or_none`` when the others get their places.

    Raises:
        FileError: the disk refuses it.
    """
    waiting = _waiting.get()
    if waiting is not None:
        waiting[path] = None
        return
    with _write_errors_told(path):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8 with its own line ends, as ``replace_atomically``; half a surrogate pair as its code."""
    replace_atomically(path, lambda temporary: temporary.write_bytes(text.encode("utf-8", "backslashreplace")))


def _write(temporary: Path, write: Callable[[Path], object]) -> None:
    try:
        write(temporary)
    except RuntimeError:  # of torch and of safetensors, which keep the disk's error to themselves
        _try_to_append(temporary)
        raise
    except Exception as problem:
        if type(problem).__name__ == "SafetensorError":
            _try_to_append(temporary)
        raise
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_to_append(path: Path) -> None:
    """Raises what the disk says of some more bytes, if it takes none."""
    with open(path, "ab", buffering=0) as file:
        for _ in range(4):
            file.write(bytes(2**18))
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


@contextmanager
def _write_errors_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise file_error(problem, path, "write") from None


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, where they are not there.

    Raises:
        FileError: the disk refuses it, or there is a file in its place.
    """
    with _write_errors_told(path):
        path.mkdir(parents=True, exist_ok=True)


def check_writable(folder: Path) -> None:
    """Refuses a folder that could not be made or written into, before the work for it begins.

    Raises:
        FileError: the disk refuses it, or there is a file in its place.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    with _write_errors_told(folder):
        if not place.is_dir():
            kind = errno.EEXIST if place == folder else errno.ENOTDIR
            raise OSError(kind, os.strerror(kind))
        if not os.access(place, os.W_OK | os.X_OK):
            read_only = hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY
            raise OSError(errno.EROFS if read_only else errno.EACCES, "")
