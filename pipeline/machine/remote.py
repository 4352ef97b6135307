"""Reading from places across a network, by fsspec: whole files, ranges of them, folders; and what goes wrong, told.

s3fs and gcsfs ask again where nobody answers; here that is done of the web, and wherever a place is too busy.
Credentials are those of the environment and never come here; of what a library raises, only its kind and its codes are
told.
"""

import io
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pipeline.errors import EcgFusionError
from pipeline.machine.extras import NotInstalledError, required
from pipeline.machine.files import AGAIN
from pipeline.machine.places import Entry, RemotePath, credentials_of

Result = TypeVar("Result")

READ_AT_ONCE = 16
"""How many answers a place is asked for at one time."""

_PAUSES = (0.5, 1.0, 2.0)  # s before the web is asked again
_MOST_RETRIES = 5  # of s3fs; with its own pauses they last some two seconds
_SECONDS_TO_CONNECT, _SECONDS_OF_SILENCE = 10, 30
_BLOCK = 2**20  # bytes that a file is read in, one ahead
_BLOCKS_KEPT = 32
_PIECE = 8 * 2**20  # bytes of one answer at most
_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp", "http": "aiohttp"}
_CHANGED = "changed while it was read"


class RemoteError(EcgFusionError):
    """What a place across a network refuses or fails to do."""


@dataclass(frozen=True)
class Facts:
    """What a place says of a file or folder.

    Attributes:
        is_folder: which of both.
        size: of a file, bytes; None where the place does not say it.
        version: what is another one when the file changes; None where the place says none.
    """

    is_folder: bool
    size: int | None = None
    version: str | None = None


# the engine


class _Engines:
    """One of fsspec's file systems for each scheme, in each process: none of them outlives a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[int, str, bool], Any] = {}
        self.nameless: set[str] = set()  # schemes whose place is asked without credentials, since there are none

    def of(self, path: RemotePath) -> Any:
        key = os.getpid(), path.scheme, path.scheme in self.nameless
        with self._lock:
            if key not in self._made:
                self._made[key] = _engine(path, nameless=key[2])
            return self._made[key]

    def forget(self) -> None:
        """Makes new ones from now on, as where the environment has changed."""
        with self._lock:
            self._made.clear()
            self.nameless.clear()


engines = _Engines()


def _engine(path: RemotePath, nameless: bool) -> Any:
    library = _LIBRARIES[path.scheme]
    for module in ("fsspec", library):
        try:
            required(module, "remote", f"{path} is read by")
        except NotInstalledError as problem:
            raise RemoteError(str(problem)) from None
    import fsspec

    for name in ("fsspec", "s3fs", "gcsfs", "aiobotocore", "botocore", "google"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is told once, and without what they know
    if path.scheme == "gs":  # its other classes ask for each bucket's kind first
        return required("gcsfs.core", "remote", f"{path} is read by").GCSFileSystem(skip_instance_cache=True)
    own: dict[str, Any] = {}
    if path.scheme == "s3":
        # s3fs tries again itself, and botocore below it would multiply that
        own["config_kwargs"] = {"retries": {"max_attempts": 0}, "read_timeout": _SECONDS_OF_SILENCE}
        own |= {"anon": True} if nameless else {}
    elif path.scheme.startswith("http"):
        from aiohttp import ClientTimeout

        waits = ClientTimeout(total=None, sock_connect=_SECONDS_TO_CONNECT, sock_read=_SECONDS_OF_SILENCE)
        # its environment: proxies and ~/.netrc
        own |= {"client_kwargs": {"timeout": waits, "trust_env": True}, "encoded": True}
    return fsspec.filesystem(path.scheme, skip_instance_cache=True, **own)


def _key(path: RemotePath) -> str:
    """What the engine calls it."""
    if not path.scheme.startswith("http"):
        return "/".join(path.parts[1:])
    return f"{path.scheme}://{path.parts[1]}/{'/'.join(map(quote, path.parts[2:]))}"


def _asked(path: RemotePath, ask: Callable[[Any, str], Result]) -> Result:
    """What ``ask(file system, key)`` gives; it is asked again where that may help.

    Raises:
        FileNotFoundError: there is nothing.
        RemoteError: anything else that goes wrong.
    """
    pauses = list(_PAUSES)
    while True:
        try:
            return ask(engines.of(path), _key(path))
        except EcgFusionError:
            raise
        except Exception as problem:  # each library raises its own
            told = _Told(path, problem)
            if told.lacks_credentials and path.scheme == "s3" and path.scheme not in engines.nameless:
                engines.nameless.add(path.scheme)  # as public buckets are read
                continue
            if not (told.may_pass and pauses):
                raise told.error() from None
            time.sleep(pauses.pop(0))


class _Told:
    """What an engine's error means.

    Args:
        path: what was asked for.
        problem: what was raised.
    """

    def __init__(self, path: RemotePath, problem: BaseException) -> None:
        self._path, self._chain = path, _chain_of(problem)
        self._kinds = {kind.__name__ for each in self._chain for kind in type(each).__mro__}
        statuses = [status for each in self._chain for status in _statuses(each)]
        self._status = next(iter(statuses), None)
        self._code = next((code for each in self._chain if (code := _code(each))), "")

    @property
    def lacks_credentials(self) -> bool:
        return bool(self._kinds & {"NoCredentialsError", "DefaultCredentialsError", "PartialCredentialsError"})

    @property
    def may_pass(self) -> bool:
        """Whether asking again may help; where nobody answers, s3fs and gcsfs have asked again themselves."""
        if self._status is not None and self._status not in (200, 206):
            return self._status in (408, 429) or self._status >= 500
        return (
            self._path.scheme.startswith("http")
            and bool(self._kinds & {"ClientError", "TimeoutError", "ConnectionError"})
            and not self._is_untrusted
        )

    @property
    def _is_untrusted(self) -> bool:
        return bool(self._kinds & {"ClientConnectorCertificateError", "SSLCertVerificationError", "ClientSSLError"})

    def error(self) -> Exception:
        path, status = self._path, self._status
        host = path.parts[1]
        if self._code == "NoSuchBucket":
            return _no_bucket(path)
        if status == 412 or "FileExpired" in self._kinds:
            return RemoteError(f"{path} {_CHANGED}: see that nobody writes it, and {AGAIN}")
        refused = status in (401, 403) or "PermissionError" in self._kinds
        if refused or self.lacks_credentials or self._code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
            nobody = self.lacks_credentials or path.scheme in engines.nameless
            whose = "and there are no credentials" if nobody else "with these credentials"
            return RemoteError(f"{path} may not be read {whose}: {credentials_of(path.scheme)}")
        if self._is_untrusted:
            return RemoteError(f"{host} has a certificate that is not trusted: check its name")
        if status is not None and (status >= 500 or status == 429):
            return RemoteError(f"{_where(path)} is too busy to give {path} (status {status}): {AGAIN} later")
        if self._kinds & {"ClientPayloadError", "IncompleteRead", "IncompleteReadError", "ResponseStreamingError"}:
            return RemoteError(f"{path} broke off while it was read: check the network and {AGAIN}")
        if self._kinds & _NO_ANSWER:
            return RemoteError(f"there is no answer from {_where(path)}: check its name and the network, and {AGAIN}")
        if status in (404, 410) or (status is None and "FileNotFoundError" in self._kinds):
            return FileNotFoundError(2, "No such file or directory", str(path))
        if "doesn't appear to support range" in str(self._chain[0]):
            return RemoteError(f"{host} gives whole files and no parts of them: download {path}, and name that file")
        what = f"status {status}" if status else self._code or type(self._chain[-1]).__name__
        return RemoteError(f"{path} cannot be read ({what}): check its name, and {AGAIN}")


_NO_ANSWER = {
    "ClientConnectionError",
    "ServerDisconnectedError",
    "ConnectionError",
    "TimeoutError",
    "HTTPClientError",
    "gaierror",
    "TransportError",
    "RetryError",
}
"""Kinds of errors, of asyncio, aiohttp, botocore and google.auth, where nobody has answered."""


def _no_bucket(path: RemotePath) -> RemoteError:
    return RemoteError(f"there is no bucket {path.scheme}://{path.parts[1]}: check its name, and whose place it is")


def _where(path: RemotePath) -> str:
    return path.parts[1] if path.scheme.startswith("http") else f"the place of {path.scheme}://{path.parts[1]}"


def _chain_of(problem: BaseException) -> list[BaseException]:
    found = [problem]
    while len(found) < 8 and (behind := found[-1].__cause__) and behind not in found:
        found.append(behind)
    return found


def _statuses(problem: BaseException) -> Iterator[int]:
    """The HTTP status of an error: aiohttp's, gcsfs's or botocore's."""
    response = getattr(problem, "response", None)
    said = response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    for each in (getattr(problem, "status", None), vars(problem).get("code"), said):
        if isinstance(each, int) or (isinstance(each, str) and each.isdigit()):
            yield int(each)


def _code(problem: BaseException) -> str:
    """S3's word for an error."""
    response = getattr(problem, "response", None)
    said = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return said if re.fullmatch(r"[A-Za-z]{1,60}", str(said)) else ""


# what is asked


def facts_of(path: RemotePath) -> Facts:
    """What a place says of a file or folder.

    Raises:
        FileNotFoundError: it is not there; a web server that lists no folders has none.
        RemoteError: see ``_asked``.
    """
    try:
        info = _asked(path, lambda engine, key: engine.info(key))
    except FileNotFoundError:
        if path.scheme.startswith("http") and listing(path):
            return Facts(is_folder=True)
        if not path.scheme.startswith("http") and len(path.parts) == 2:
            raise _no_bucket(path) from None
        raise
    # a web server leads from a folder's name to its page
    is_folder = info.get("type") == "directory" or str(info.get("url", "")).endswith("/")
    if is_folder and path.scheme == "s3" and len(path.parts) == 2:
        listing(path)  # s3fs says that any bucket is there
    size = info.get("size")
    return Facts(is_folder, None if is_folder or size is None else int(size), None if is_folder else _version(info))


def _version(info: dict[str, Any]) -> str | None:
    said = next((info[name] for name in ("ETag", "generation", "etag", "Last-Modified") if info.get(name)), None)
    return None if said is None else str(said)


def listing(folder: RemotePath) -> list[Entry]:
    """What lies in a folder; of the web, what its page names.

    Raises:
        FileNotFoundError: there is no such folder.
        RemoteError: see ``_asked``.
    """
    is_web = folder.scheme.startswith("http")
    found = _asked(folder, lambda engine, key: engine.ls(f"{key}/" if is_web else key, detail=True))
    entries = {}
    for each in found:
        inside = str(each["name"]).removeprefix(_key(folder)).strip("/")
        name = unquote(inside) if is_web else inside
        outside = is_web and not str(each["name"]).startswith(f"{_key(folder)}/")
        if outside or not inside or "/" in name or name in (".", "..") or (is_web and set("?#") & set(inside)):
            continue  # the folder's own name, or a link of its page to elsewhere
        is_folder = each.get("type") == "directory"
        entries[name] = Entry(name, is_folder, None if is_folder else each.get("size"))
    return list(entries.values())


def are_remote_files(paths: Sequence[RemotePath]) -> list[bool]:
    """Whether each is a file: buckets are listed folder by folder, of the web each file is asked for."""
    if not paths or paths[0].scheme.startswith("http"):
        return at_once(RemotePath.is_file, paths)
    folders = list(dict.fromkeys(path.parent for path in paths))
    found = dict(zip(folders, at_once(_files_in, folders), strict=True))
    return [path.name in found[path.parent] for path in paths]


def _files_in(folder: RemotePath) -> set[str]:
    try:
        return {entry.name for entry in listing(folder) if not entry.is_folder}
    except FileNotFoundError:
        return set()


def at_once(ask: Callable[[Any], Result], about: Sequence[Any]) -> list[Result]:
    """What ``ask`` says about each, of as many at one time as a place is asked for; in their order."""
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return list(pool.map(ask, about))


def read_remote(path: RemotePath, most: int) -> bytes:
    """The first bytes of a file, ``most`` of them or all that there are, in one answer.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: see ``_asked``.
    """
    if path.scheme.startswith("http"):
        return _asked(path, lambda engine, key: _streamed(engine, key, most))
    return _asked(path, lambda engine, key: _first(engine, key, most))


def _first(engine: Any, key: str, most: int) -> bytes:
    try:
        data: bytes = engine.cat_file(key, start=0, end=most)
    except Exception as problem:
        chain = _chain_of(problem)
        if 416 in (status for each in chain for status in _statuses(each)):  # of an empty file there is no range
            return b""
        raise
    return data[:most]


def _streamed(engine: Any, key: str, most: int) -> bytes:
    """What the web sends, no more of it than is wanted, whatever it announces."""
    parts, n_bytes = [], 0
    # size is not asked for, and any keeps fsspec from asking
    with engine.open(key, "rb", block_size=0, size=1, headers={"Accept-Encoding": "identity"}) as file:
        while n_bytes < most and (part := file.read(min(2**20, most - n_bytes))):
            parts.append(part)
            n_bytes += len(part)
    return b"".join(parts)


class Ranges:
    """Parts of one file of a place, as it was when it was opened; any number of threads may read.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: it is a folder, the place does not say its size, or see ``_asked``.
    """

    def __init__(self, path: RemotePath) -> None:
        facts = facts_of(path)
        if facts.is_folder:
            raise RemoteError(f"{path} is a folder: name a file")
        if facts.size is None:
            raise RemoteError(f"{path.parts[1]} does not say the size of {path}: download it, and name that file")
        self.path, self.size, self.version = path, facts.size, facts.version
        self._opened: LifoQueue[Any] = LifoQueue()
        self._of_process = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.size, self.version)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``.

        Raises:
            RemoteError: the file has changed or gone, or see ``_asked``.
        """
        end = min(end, self.size)
        if start >= end:
            return b""
        try:
            data = _asked(self.path, lambda engine, key: self._read(engine, key, start, end))
        except FileNotFoundError:
            raise RemoteError(f"{self.path} has gone while it was read: put it back, and {AGAIN}") from None
        if len(data) != end - start:
            raise RemoteError(f"{self.path} {_CHANGED}: see that nobody writes it, and {AGAIN}")
        return data

    def read_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several ranges, asked for at once; long ones in pieces."""
        pieces = [
            (number, first, min(first + _PIECE, end))
            for number, (start, end) in enumerate(spans)
            for first in range(start, end, _PIECE)
        ]
        if len(pieces) < 2:
            return [self.read(start, end) for start, end in spans]
        found: list[list[bytes]] = [[] for _ in spans]
        with ThreadPoolExecutor(min(READ_AT_ONCE, len(pieces))) as pool:
            parts = pool.map(lambda piece: self.read(*piece[1:]), pieces)
            for (number, _, _), part in zip(pieces, parts, strict=True):
                found[number].append(part)
        return [each[0] if len(each) == 1 else b"".join(each) for each in found]

    def check_unchanged(self) -> None:
        """Refuses a file that is not what it was when it was opened.

        Raises:
            RemoteError: it has changed, or see ``_asked``.
        """
        with suppress(FileNotFoundError):
            engines.of(self.path).invalidate_cache()
            now = facts_of(self.path)
            if (now.size, now.version) == (self.size, self.version):
                return
        raise RemoteError(f"{self.path} {_CHANGED}: see that nobody writes it, and {AGAIN}")

    def _read(self, engine: Any, key: str, start: int, end: int) -> bytes:
        if self.path.scheme == "gs":  # whose files forget which generation they were opened at
            part: bytes = engine.cat_file(key, start=start, end=end, generation=self.version)
            return part
        with self._handle(engine, key) as file:
            file.seek(start)
            found: bytes = file.read(end - start)
            return found

    @contextmanager
    def _handle(self, engine: Any, key: str) -> Iterator[Any]:
        """One of fsspec's files, which no other thread has meanwhile; what fails is not used again."""
        if self._of_process != os.getpid():
            self._opened, self._of_process = LifoQueue(), os.getpid()
        try:
            file = self._opened.get_nowait()
        except Empty:
            file = engine.open(key, "rb", block_size=_BLOCK, cache_type="none", **self._condition())
            now = _version(getattr(file, "details", {}))
            if None not in (now, self.version) and now != self.version:
                raise RemoteError(f"{self.path} {_CHANGED}: see that nobody writes it, and {AGAIN}") from None
        yield file
        self._opened.put(file)

    def _condition(self) -> dict[str, Any]:
        """What has a place refuse another version; s3fs says so by itself."""
        if self.path.scheme == "s3":
            return {}
        # a weak tag (W/) can never match
        strong = self.version is not None and self.version.startswith('"')
        headers = {"Accept-Encoding": "identity"} | ({"If-Match": str(self.version)} if strong else {})
        return {"size": self.size, "headers": headers}


def _reopened(path: RemotePath, size: int, version: str | None) -> Ranges:
    """The same version of a file, in another process."""
    ranges = Ranges.__new__(Ranges)
    ranges.path, ranges.size, ranges.version = path, size, version
    ranges._opened, ranges._of_process = LifoQueue(), os.getpid()
    return ranges


class RemoteFile(io.RawIOBase):
    """A file of a place for those who read on in it: in blocks, the next of which is fetched ahead.

    Args:
        path: the file, or its ranges where they are there already.
    """

    def __init__(self, path: RemotePath | Ranges) -> None:
        super().__init__()
        self._ranges = path if isinstance(path, Ranges) else Ranges(path)
        self.problem: EcgFusionError | None = None  # for those whose library loses what a read has raised
        self._place = 0
        from fsspec.caching import BackgroundBlockCache

        self._cache = BackgroundBlockCache(_BLOCK, self._fetched, self._ranges.size, maxblocks=_BLOCKS_KEPT)

    def _fetched(self, start: int, end: int) -> bytes:
        try:
            return self._ranges.read(start, end)
        except EcgFusionError as problem:
            self.problem = problem
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._ranges.size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._place + len(view), self._ranges.size)
        data = self._cache._fetch(self._place, end) if self._place < end else b""
        view[: len(data)] = data
        self._place += len(data)
        return len(data)
