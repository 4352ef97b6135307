"""Where files lie: on this machine, or in a place across a network, ``s3://``, ``gs://`` and ``https://``.

A place is a path like any other, which is read and never written; who reads a file does not know where it lies. The
functions here take local paths too, and ask the system alone about them.
"""

import errno
import os
import re
import stat
from collections.abc import Generator, Sequence
from io import BufferedReader, TextIOWrapper
from pathlib import Path, PosixPath
from typing import IO, Any, NamedTuple, Self
from urllib.parse import unquote

from pipeline.errors import EcgFusionError

_ADDRESS = re.compile(r"(s3|gs|https?):/{1,2}", re.IGNORECASE)  # one slash is what a path leaves of two
_OTHER_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_BUCKET, _HOST = re.compile(r"[A-Za-z0-9._-]+"), re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_KNOWN = "s3://BUCKET/…, gs://BUCKET/… or https://HOST/…"
_NEVER_WRITTEN = "is read and never written"


class Entry(NamedTuple):
    """What lies in a folder: its name, whether it is a folder itself, and its bytes, None where nobody says them."""

    name: str
    is_folder: bool
    size: int | None


class RemotePath(PosixPath):
    """A folder or file in a place across a network; made by ``place``.

    Its parts are the scheme, the bucket or host, and plain names: ``("s3:", "bucket", "data", "a.dat")``.
    """

    __slots__ = ()

    def __str__(self) -> str:
        scheme, *names = self.parts
        return f"{scheme}//{'/'.join(names)}"

    def __fspath__(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def scheme(self) -> str:
        """``s3``, ``gs``, ``https`` or ``http``."""
        return self.parts[0].rstrip(":")

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Its kind and size; it has no owner and no time.

        Raises:
            FileNotFoundError: it is not there.
            EcgFusionError: the place does not answer, or does not let it be read.
        """
        from pipeline.machine.remote import facts_of

        facts = facts_of(self)
        kind = stat.S_IFDIR | 0o555 if facts.is_folder else stat.S_IFREG | 0o444
        return os.stat_result((kind, 0, 0, 1, 0, 0, facts.size or 0, 0, 0, 0))

    def lstat(self) -> os.stat_result:
        return self.stat()

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        return self._mode() is not None

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISREG(self._mode() or 0)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR(self._mode() or 0)

    def is_symlink(self) -> bool:
        return False

    def _mode(self) -> int | None:
        try:
            return self.stat().st_mode
        except FileNotFoundError:
            return None

    def iterdir(self) -> Generator[Self, None, None]:
        for entry in entries_of(self):
            yield self / entry.name

    def open(  # type: ignore[override]  # of modes there are those of reading
        self, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None
    ) -> IO[Any]:
        """The file, for reading."""
        if set(mode) - set("rbt"):
            raise _read_only(self)
        from pipeline.machine.remote_ranges import RemoteFile

        buffered = BufferedReader(RemoteFile(self), 2**16)
        return buffered if "b" in mode else TextIOWrapper(buffered, encoding, errors, newline)

    def resolve(self, strict: bool = False) -> Self:
        return self

    def absolute(self) -> Self:
        return self

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        raise _read_only(self)

    def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:
        raise _read_only(self)

    def unlink(self, missing_ok: bool = False) -> None:
        raise _read_only(self)


def _read_only(path: Path) -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


def is_remote(path: Path | str) -> bool:
    """Whether it lies in a place across a network."""
    return isinstance(path, RemotePath) or _ADDRESS.match(str(path)) is not None


def place(text: Path | str) -> Path:
    """The path that somebody means: of this machine, or of a place across a network.

    Args:
        text: a path or an address. Of ``https://`` it may be written with ``%20`` for a blank.

    Raises:
        EcgFusionError: an address bears a name, a password or a question, which would come into cards and sentences, or
            is none that is read; what it bears is not repeated.
    """
    if isinstance(text, RemotePath):
        return text
    words = str(text)
    found = _ADDRESS.match(words)
    if not found:
        other = _OTHER_ADDRESS.match(words)
        if other and isinstance(text, str):
            raise EcgFusionError(f"{other[1]}:// is no address that is read: give a folder, {_KNOWN}")
        return Path(text)
    scheme, rest = found[1].lower(), words[found.end() :]
    host, _, path = rest.partition("/")
    if "@" in re.split(r"[/?#]", rest)[0]:
        raise EcgFusionError(
            f"an address {scheme}://…@… bears a name or a password, which would come into cards and sentences: leave "
            f"them out, and {_CREDENTIALS[scheme]}"
        )
    if "?" in rest or "#" in rest:
        shown = re.split(r"[?#]", rest)[0]
        raise EcgFusionError(
            f"the address {scheme}://{shown} goes on behind ? or #, and a signed one would come into cards and "
            f"sentences: give it without, and {_CREDENTIALS[scheme]}"
        )
    names = [unquote(name) if scheme.startswith("http") else name for name in path.split("/")]
    names = [name for name in names if name not in ("", ".")]
    plain = _HOST if scheme.startswith("http") else _BUCKET  # so that no password with a / in it is taken for a host
    if not plain.fullmatch(host) or ".." in names or not all(name.isprintable() and "/" not in name for name in names):
        raise EcgFusionError(f"{scheme}:// is followed by no plain address: give {_KNOWN}")
    return RemotePath(f"{scheme}:", host.lower() if plain is _HOST else host, *names)


def remote_path(path: Path | str) -> RemotePath:
    """A path that ``is_remote``, as one."""
    found = place(path)
    assert isinstance(found, RemotePath)
    return found


_CREDENTIALS = {
    "s3": "let AWS_PROFILE, AWS_ACCESS_KEY_ID or ~/.aws say who you are",
    "gs": "let gcloud auth application-default login or GOOGLE_APPLICATION_CREDENTIALS say who you are",
    "https": "let ~/.netrc say who you are",
    "http": "let ~/.netrc say who you are",
}
"""Where credentials come from, as the end of a sentence."""


def credentials_of(scheme: str) -> str:
    """Where the credentials of a place come from, as the end of a sentence."""
    return _CREDENTIALS[scheme]


def check_address(word: str) -> None:
    """Refuses an address that bears what must not be repeated, before anything repeats it.

    Raises:
        EcgFusionError: see ``place``.
    """
    if is_remote(word):
        place(word)


def local(text: Path | str) -> Path:
    """A path of this machine; an address is refused.

    Raises:
        EcgFusionError: it is one.
    """
    if is_remote(text):
        raise EcgFusionError(
            f"{place(text)} {_NEVER_WRITTEN}, and only recordings and stores are read from there: give a folder of "
            f"this machine, and copy what comes into it"
        )
    return Path(text)


# what is asked of a path, local or not


def is_file(path: Path | str) -> bool:
    """Whether there is a file."""
    return place(path).is_file() if is_remote(path) else os.path.isfile(path)


def is_folder(path: Path | str) -> bool:
    """Whether there is a folder; a web server that lists nothing has none."""
    return place(path).is_dir() if is_remote(path) else os.path.isdir(path)


def exists(path: Path | str) -> bool:
    """Whether there is a file or folder."""
    return place(path).exists() if is_remote(path) else os.path.exists(path)


def size_of(path: Path | str) -> int:
    """The bytes of a file.

    Raises:
        OSError: there is none.
    """
    return place(path).stat().st_size if is_remote(path) else os.path.getsize(path)


def first_bytes(path: Path | str, most: int) -> bytes:
    """The first bytes of a file, ``most`` of them or all that there are.

    Raises:
        OSError: there is no such file, or it cannot be read.
        EcgFusionError: its place does not answer, or does not let it be read.
    """
    where = place(path)
    if isinstance(where, RemotePath):
        from pipeline.machine.remote import read_remote

        return read_remote(where, most)
    with open(where, "rb") as file:
        return file.read(most)


def may_be_read(path: Path | str) -> bool:
    """Whether this user may look into a folder; of one across a network that shows when it is read."""
    return is_remote(path) or os.access(path, os.R_OK | os.X_OK)


def are_files(paths: Sequence[str]) -> list[bool]:
    """Whether each is a file; across a network many are asked about at once."""
    if not any(map(is_remote, paths)):
        return [os.path.isfile(path) for path in paths]
    from pipeline.machine.remote import are_remote_files

    return are_remote_files([remote_path(path) for path in paths])


def sizes_of(paths: Sequence[str]) -> list[int]:
    """The bytes of each file, 0 where there is none; across a network many are asked about at once."""
    from pipeline.machine.remote_asking import at_once

    return at_once(_size_or_0, paths) if any(map(is_remote, paths)) else [_size_or_0(path) for path in paths]


def _size_or_0(path: str) -> int:
    try:
        return size_of(path)
    except OSError:
        return 0


def names_in(folder: Path | str) -> list[str]:
    """The names of what lies in a folder.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    if not is_remote(folder):
        return os.listdir(folder)
    return [entry.name for entry in entries_of(folder)]


def entries_of(folder: Path | str) -> list[Entry]:
    """What lies in a folder, links followed.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    if is_remote(folder):
        from pipeline.machine.remote import listing

        return listing(remote_path(folder))
    with os.scandir(folder) as found:
        return [_entry(each) for each in found]


def _entry(found: os.DirEntry[str]) -> Entry:
    try:
        return Entry(found.name, found.is_dir(), found.stat().st_size)
    except OSError:  # a link to nothing: told of when it is read
        return Entry(found.name, False, 0)
