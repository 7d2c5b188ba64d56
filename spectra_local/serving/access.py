"""Who may ask: the Host header, the Origin header, the token, the size of a body. Knows nothing of what is asked.

A page in the user's browser can send requests to 127.0.0.1 too. It cannot choose the Host header after a DNS
rebinding, nor leave out its own Origin: both are checked. No CORS headers are sent, so it could not read an answer.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from spectra_local.serving.fields import RequestError
from spectra_local.serving.replies import error_reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN_PATHS = frozenset({"/health"})  # says nothing but that somebody is there; as llama-server has it


@dataclass(frozen=True, slots=True)
class Access:
    """What a request needs to be let in."""

    token: str | None = None  # None: none is asked for
    hosts: frozenset[str] | None = LOOPBACK  # names the Host header may have; None: any, for the token protects
    max_body: int = 16 << 20  # bytes: a context of 128 K tokens is about 0.5 MB of text

    def check(self, path: str, headers: dict[str, str]) -> None:
        """Raises RequestError where the request is not to be answered."""
        if "host" not in headers:
            raise RequestError("a Host header is needed")
        if self.hosts is not None and _host_name(headers["host"]) not in self.hosts:
            raise RequestError("this server does not answer to that Host name", status=403)
        origin = headers.get("origin")
        if origin is not None and _host_name(urlsplit(origin).netloc) not in LOOPBACK:
            raise RequestError("requests from web pages of other sites are refused", status=403)
        if self.token is not None and path not in _OPEN_PATHS:
            given = headers.get("authorization", "").removeprefix("Bearer ").strip()
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                raise RequestError("a valid token is needed: 'Authorization: Bearer ...'", status=401)
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > self.max_body:
            raise self.too_large()

    def too_large(self) -> RequestError:
        """The error for a body over the limit."""
        return RequestError(f"the body has more than {self.max_body} bytes", status=413)


def guarded(app: App, access: Access) -> App:
    """``app`` behind ``access``. Plain ASGI: a middleware that wraps the response would hide a closed connection."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        n_received = 0

        async def receive_within_limit() -> Message:
            nonlocal n_received
            message = await receive()
            n_received += len(message.get("body", b""))
            if n_received > access.max_body:
                raise access.too_large()
            return message

        try:
            access.check(scope["path"], headers)
        except RequestError as error:
            await error_reply(error)(scope, receive, send)
            return
        await app(scope, receive_within_limit, send)

    return guard


def _host_name(host: str) -> str:
    """The name in ``name``, ``name:port`` or ``[v6]:port``, lower case."""
    name = host[1:].split("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    return name.lower().rstrip(".")
