"""Files from a server that may be busy, fall silent, drop connections or send other bytes than were published."""

import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, TimeoutError
from urllib3.util import Retry

_PART = re.compile(r"(.+)\.[0-9a-f]{8}\.part")  # the name of a file that is on its way
_BUSY = (429, 500, 502, 503, 504)
_LONGEST_CONNECT = 10.0  # s
_BLOCK = 2**16  # bytes

Received = TypeVar("Received")


@dataclass(frozen=True)
class Patience:
    """How much is borne of a server.

    Attributes:
        retries: how often a request is repeated that is not answered, or only with 429 or 5xx.
        tries: how often a file is asked for that comes cut off or with wrong bytes.
        wait: s, the unit of waits: they last 2, 4, 8 … of it (and a little by chance), but what is not answered is
            repeated at once the first time.
        longest_wait: s that no wait exceeds, those that the server asks for (``Retry-After``) included.
        silence: s without a byte after which a connection counts as lost.
    """

    retries: int = 6
    tries: int = 4
    wait: float = 0.5
    longest_wait: float = 60.0
    silence: float = 30.0


class FetchError(Exception):
    """Why a file could not be had, as a phrase.

    Attributes:
        server_is_well: it answered that it has no such file, or not for us (404 and its like).
    """

    def __init__(self, problem: str, server_is_well: bool = False) -> None:
        self.server_is_well = server_is_well
        super().__init__(problem)


class _DamagedError(FetchError):
    """The file came, but cut off or with wrong bytes: the next time it may be whole."""


class _Retry(Retry):
    """Waits no longer than a backoff may, whatever ``Retry-After`` says, and not when all is over."""

    over: threading.Event

    def new(self, **changed: Any) -> Self:
        copy = super().new(**changed)
        copy.over = self.over
        return copy

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        asked = None if response is None else self.get_retry_after(response)
        _wait(self.over, min(asked or self.get_backoff_time(), self.backoff_max))


def _wait(over: threading.Event, seconds: float) -> None:
    if over.wait(seconds):
        raise FetchError("stopped")


def arriving(path: Path) -> Path | None:
    """The path that a file was on its way to, by its name; None where it was not."""
    match = _PART.fullmatch(path.name)
    return path.with_name(match[1]) if match else None


class Server:
    """The files below one address; many threads may ask at once.

    Args:
        address: http:// or https://, of a folder.
        connections: how many are kept open between requests.
        patience: how much is borne.
    """

    def __init__(self, address: str, connections: int, patience: Patience) -> None:
        self.address = address.rstrip("/")
        self._patience = patience
        self._connections = connections
        # so that nobody, not even a thread that Ctrl-C left behind, writes into another's file
        self._mark = secrets.token_hex(4)
        self._over = threading.Event()
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "ecgfusion"
        # cookies are what threads cannot share, and no file needs them
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def stop(self) -> None:
        """Has every thread that fetches or waits give up soon; one that hears nothing, after the silence."""
        self._over.set()

    def address_of(self, name: str) -> str:
        """Where a file lies; ``name`` is relative to the server's address."""
        return f"{self.address}/{quote(name)}"

    def read_first(self, name: str) -> bytes:
        """The bytes of the file that is asked for before all others.

        If there is no connection even for this one, there is no network, and that is told soon.

        Raises:
            FetchError: it cannot be had.
        """
        self._session.mount(self.address_of(name), self._adapter(connect=1, other=1))
        return self._try(lambda again: b"".join(self._blocks(name, again)))

    def fetch(self, name: str, path: Path, digest: str) -> int:
        """Brings a file to ``path`` if its bytes have this SHA-256 sum, and says how many they are.

        Until then they lie beside it under a name of their own, and what is at ``path`` stays. They are not forced to
        the disk: what a power cut spoils is found by its sum the next time.

        Raises:
            FetchError: it cannot be had.
            OSError: it cannot be written.
        """
        part = path.with_name(f"{path.name}.{self._mark}.part")
        try:
            n_bytes = self._try(lambda again: self._receive(name, part, digest, again))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return n_bytes

    def _receive(self, name: str, part: Path, digest: str, again: bool) -> int:
        found, n_bytes = hashlib.sha256(), 0
        with open(part, "wb") as file:
            for block in self._blocks(name, again):
                found.update(block)
                n_bytes += file.write(block)
        if found.hexdigest() != digest:
            raise _DamagedError("came with wrong bytes")
        return n_bytes

    def _blocks(self, name: str, again: bool) -> Iterator[bytes]:
        """A file's bytes as they come; asked for ``again``, a cache in between must not answer."""
        headers = {"Cache-Control": "no-cache"} if again else {}
        timeouts = (min(_LONGEST_CONNECT, self._patience.silence), self._patience.silence)
        try:
            response = self._session.get(self.address_of(name), headers=headers, timeout=timeouts, stream=True)
        except (requests.RequestException, HTTPError) as problem:
            raise FetchError(_reason(problem)) from None
        with response:
            code = response.status_code
            if code != 200:
                well = 400 <= code < 500 and code not in _BUSY
                raise FetchError(f"{code} {response.reason}", server_is_well=well)
            try:
                for block in response.iter_content(_BLOCK):
                    _wait(self._over, 0)
                    yield block
            except requests.RequestException:
                raise _DamagedError("broke off") from None

    def _try(self, receive: Callable[[bool], Received]) -> Received:
        problem: FetchError | None = None
        for number in range(self._patience.tries):
            if problem:
                _wait(self._over, min(self._patience.wait * 2**number, self._patience.longest_wait))
            try:
                return receive(number > 0)
            except _DamagedError as damage:
                problem = damage
        raise FetchError(f"{problem}, {self._patience.tries} times")

    def _adapter(self, connect: int | None = None, other: int | None = None) -> HTTPAdapter:
        """Connections that repeat a request; ``connect`` and ``other`` limit what has no answer at all."""
        retries = _Retry(
            self._patience.retries,
            connect=connect,
            other=other,
            status_forcelist=_BUSY,
            raise_on_status=False,
            backoff_factor=self._patience.wait,
            backoff_jitter=self._patience.wait,
            backoff_max=self._patience.longest_wait,
        )
        retries.over = self._over
        return HTTPAdapter(pool_maxsize=self._connections, max_retries=retries)


def _reason(problem: requests.RequestException | HTTPError) -> str:
    """What a user can make of an error; the names of its kinds say it less well."""
    cause = getattr(problem.args[0], "reason", None) if problem.args else None
    if isinstance(problem, requests.exceptions.SSLError):
        return "its certificate is not trusted; REQUESTS_CA_BUNDLE can name that of a proxy"
    if isinstance(problem, requests.exceptions.ProxyError):
        return "the proxy does not let us through; see HTTPS_PROXY"
    if isinstance(cause, NameResolutionError):
        return "there is no network, or no such name"
    if isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError):
        return "no answer in time"
    if isinstance(problem, requests.ConnectionError | requests.Timeout):
        return "no connection"
    return "the address leads nowhere"
