"""Parts of a file of a place across a network, and the file as one that is read on in."""

import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from typing import Any

from pipeline.errors import EcgFusionError
from pipeline.machine.files import AGAIN
from pipeline.machine.places import RemotePath
from pipeline.machine.remote import facts_of, version_of
from pipeline.machine.remote_asking import READ_AT_ONCE, RemoteError, asked, changed, engines

_BLOCK = 2**20  # bytes that a file is read in, one ahead
_BLOCKS_KEPT = 32
_PIECE = 8 * 2**20  # bytes of one answer at most


class Ranges:
    """Parts of one file of a place, as it was when it was opened; any number of threads may read.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: it is not there.
        RemoteError: it is a folder, the place does not say its size, or see ``asked``.
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
            RemoteError: the file has changed or gone, or see ``asked``.
        """
        end = min(end, self.size)
        if start >= end:
            return b""
        try:
            data = asked(self.path, lambda engine, key: self._read(engine, key, start, end))
        except FileNotFoundError:
            raise RemoteError(f"{self.path} has gone while it was read: put it back, and {AGAIN}") from None
        if len(data) != end - start:
            raise changed(self.path)
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
            RemoteError: it has changed, or see ``asked``.
        """
        with suppress(FileNotFoundError):
            engines.of(self.path).invalidate_cache()
            now = facts_of(self.path)
            if (now.size, now.version) == (self.size, self.version):
                return
        raise changed(self.path)

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
            now = version_of(getattr(file, "details", {}))
            if None not in (now, self.version) and now != self.version:
                raise changed(self.path) from None
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
