"""What every request passes and every response carries, before and behind the routes.

A page on a loopback address is reached by every page of the browser: by a form that posts to it, and by a name that
suddenly means 127.0.0.1 (DNS rebinding). So the Host header must name this machine, a POST must come from this page or
from no page, and no other origin may read, frame or script what is answered.
"""

import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from pipeline.scoring.answers import NOTICE
from pipeline.server.limits import Limits, Problem, too_large

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Not-A-Medical-Device": "research only",
}
"""Of every response."""
_DRAINED = 8
"""So many times what is taken is read of a body that is too large, and thrown away, so that its sender hears why."""


class Guards:
    """The outermost layer of the application.

    Args:
        app: what is guarded.
        host: the address that the server listens at.
        limits: of a request.
    """

    def __init__(self, app: App, host: str, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._names = names_of_host(host)
        self._is_loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ours = {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
                kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in ours]
                message = {**message, "headers": [*kept, *ours.items()]}
            await send(message)

        try:
            self._check(_headers(scope["headers"]), scope["method"])
        except Problem as problem:
            if problem.status == 413:
                await _drain(receive, _DRAINED * self._limits.most_bytes)
            await _refuse(send_guarded, problem)
            return
        await self._app(scope, receive, send_guarded)

    def _check(self, headers: dict[str, list[str]], method: str) -> None:
        hosts = headers.get("host", [])
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Problem(400, "the Host header does not name this machine: open the address that the server printed")
        if method not in ("GET", "HEAD"):
            check_origin(hosts[0], headers.get("origin", []), headers.get("sec-fetch-site", []))
        lengths = headers.get("content-length", [])
        if any(not (each.isascii() and each.isdigit()) for each in lengths) or len(lengths) > 1:
            raise Problem(400, "the Content-Length header is no number")
        if lengths and (len(lengths[0]) > 18 or int(lengths[0]) > self._limits.most_bytes):
            raise too_large(self._limits.most_mb)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header is a name of this machine; an address is one where the server listens to others."""
        name = _name_of(host)
        if name in self._names:
            return True
        return not self._is_loopback and name is not None and _address(name) is not None


def check_origin(host: str, origins: Iterable[str], fetch_sites: Iterable[str]) -> None:
    """Refuses what another page has the browser send.

    Args:
        host: the Host header.
        origins: the Origin headers; programs that are no browser send none.
        fetch_sites: the Sec-Fetch-Site headers, which older browsers do not send.

    Raises:
        Problem: it comes from elsewhere.
    """
    same = all(urlsplit(each).scheme in ("http", "https") and urlsplit(each).netloc == host for each in origins)
    if not same or any(each not in ("same-origin", "none") for each in fetch_sites):
        raise Problem(403, "this was sent by a page of another address, and only this server's own page may send")


def is_loopback(host: str) -> bool:
    """Whether an address to listen at is reached from this machine alone."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def names_of_host(host: str) -> frozenset[str]:
    """What a Host header may call the server: loopback names, what ``-host`` says, and else the machine's own name."""
    names = {"localhost", "127.0.0.1", "::1", host.lower()}
    if not is_loopback(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def _name_of(host: str) -> str | None:
    """The name or address in a Host header, without its port; None where it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    is_plain = parts.netloc == host and not parts.path and not parts.query and not parts.fragment
    return parts.hostname if is_plain and parts.username is None else None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in raw:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _drain(receive: Receive, most: int) -> None:
    """Reads a body away, since a sender that is cut off in the middle reads no response."""
    read = 0
    while read < most:
        message = await receive()
        read += len(message.get("body", b""))
        if not message.get("more_body"):
            return


async def _refuse(send: Send, problem: Problem) -> None:
    body = json.dumps({"problem": problem.sentence, "notice": NOTICE}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
