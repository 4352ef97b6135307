"""Asking a place across a network, by fsspec: its engines, when it is asked again, and what goes wrong, told.

s3fs and gcsfs ask again where nobody answers; here that is done of the web, and wherever a place is too busy.
Credentials are those of the environment and never come here; of what a library raises, only its kind and its codes are
told.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from pipeline.errors import EcgFusionError
from pipeline.machine.extras import NotInstalledError, required
from pipeline.machine.files import AGAIN
from pipeline.machine.places import RemotePath, credentials_of

Result = TypeVar("Result")

READ_AT_ONCE = 16
"""How many answers a place is asked for at one time."""

_PAUSES = (0.5, 1.0, 2.0)  # s before the web is asked again
_SECONDS_TO_CONNECT, _SECONDS_OF_SILENCE = 10, 30
_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp", "http": "aiohttp"}


class RemoteError(EcgFusionError):
    """What a place across a network refuses or fails to do."""


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


def key_of(path: RemotePath) -> str:
    """What the engine calls it."""
    if not path.scheme.startswith("http"):
        return "/".join(path.parts[1:])
    return f"{path.scheme}://{path.parts[1]}/{'/'.join(map(quote, path.parts[2:]))}"


def asked(path: RemotePath, ask: Callable[[Any, str], Result]) -> Result:
    """What ``ask(file system, key)`` gives; it is asked again where that may help.

    Raises:
        FileNotFoundError: there is nothing.
        RemoteError: anything else that goes wrong.
    """
    pauses = list(_PAUSES)
    while True:
        try:
            return ask(engines.of(path), key_of(path))
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
        self._path, self._chain = path, chain_of(problem)
        self._kinds = {kind.__name__ for each in self._chain for kind in type(each).__mro__}
        statuses = [status for each in self._chain for status in statuses_of(each)]
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
            return no_bucket(path)
        if status == 412 or "FileExpired" in self._kinds:
            return changed(path)
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


def changed(path: RemotePath) -> RemoteError:
    """What is said of a file that is another one than when it was opened."""
    return RemoteError(f"{path} changed while it was read: see that nobody writes it, and {AGAIN}")


def no_bucket(path: RemotePath) -> RemoteError:
    """What is said of a bucket that is not there."""
    return RemoteError(f"there is no bucket {path.scheme}://{path.parts[1]}: check its name, and whose place it is")


def _where(path: RemotePath) -> str:
    return path.parts[1] if path.scheme.startswith("http") else f"the place of {path.scheme}://{path.parts[1]}"


def chain_of(problem: BaseException) -> list[BaseException]:
    """An error and those that it came from."""
    found = [problem]
    while len(found) < 8 and (behind := found[-1].__cause__) and behind not in found:
        found.append(behind)
    return found


def statuses_of(problem: BaseException) -> Iterator[int]:
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


def at_once(ask: Callable[[Any], Result], about: Sequence[Any]) -> list[Result]:
    """What ``ask`` says about each, of as many at one time as a place is asked for; in their order."""
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return list(pool.map(ask, about))
