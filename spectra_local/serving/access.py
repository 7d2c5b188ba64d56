"""Who may ask: the Host header, the Origin header, the token. Knows nothing of what is asked.

A page in the user's browser can send requests to 127.0.0.1 too. It cannot choose the Host header after a DNS
rebinding, nor leave out its own Origin: both are checked. No CORS headers are sent to pages that were not allowed by
name, so they could not read an answer.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from spectra_local.serving.fields import RequestError
from spectra_local.serving.origins import Origins, on_replies
from spectra_local.serving.paths import canonical
from spectra_local.serving.replies import error_reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN_PATHS = frozenset({"/", "/health"})  # say nothing but what is there; as llama-server has it


@dataclass(frozen=True, slots=True)
class Access:
    """What a request needs to be let in."""

    token: str | None = None  # None: none is asked for
    hosts: frozenset[str] | None = LOOPBACK  # names the Host header may have; None: any, for the token protects
    origins: Origins = field(default_factory=Origins)  # pages that may ask and read the answers

    def check_sender(self, headers: dict[str, str]) -> None:
        """Raises RequestError where the server is not meant to be asked from there."""
        if "host" not in headers:
            raise RequestError("a Host header is needed")
        if self.hosts is not None and _host_name(headers["host"]) not in self.hosts:
            raise RequestError("this server does not answer to that Host name", status=403)
        origin = headers.get("origin")
        if origin is not None and not self.origins.allow(origin) and not _is_here(origin):
            raise self.origins.refusal(origin)

    def check_token(self, path: str, headers: dict[str, str]) -> None:
        """Raises RequestError where a token is needed and not given."""
        if self.token is None or path in _OPEN_PATHS:
            return
        given = (_bearer(headers.get("authorization", "")), headers.get("x-api-key", "").strip())
        if not any(hmac.compare_digest(each.encode(), self.token.encode()) for each in given):
            raise RequestError("a valid token is needed: 'Authorization: Bearer ...' or 'X-Api-Key: ...'", status=401)


def guarded(app: App, access: Access) -> App:
    """``app`` behind ``access``, its paths canonical. Plain ASGI: a middleware that wraps the response would hide a
    closed connection."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        is_page = origin is not None and access.origins.allow(origin)

        async def send_to_page(message: Message) -> None:
            if origin is not None and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *on_replies(origin)]}
            await send(message)

        answer = send_to_page if is_page else send
        path = canonical(scope["path"])
        try:
            access.check_sender(headers)
            if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
                if not is_page:
                    raise access.origins.refusal(origin)
                await access.origins.preflight(headers)(scope, receive, answer)
                return
            access.check_token(path, headers)
        except RequestError as error:
            await error_reply(error)(scope, receive, answer)
            return
        await app({**scope, "path": path}, receive, answer)

    return guard


def _bearer(authorization: str) -> str:
    """The token of ``Bearer TOKEN``, the scheme in any case; what has no scheme is taken as it is."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else authorization.strip()


def _is_here(origin: str) -> bool:
    """Whether a page of ``origin`` comes from this machine: it may ask, but not read."""
    try:
        return _host_name(urlsplit(origin).netloc) in LOOPBACK
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """The name in ``name``, ``name:port`` or ``[v6]:port``, lower case."""
    name = host[1:].split("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    return name.lower().rstrip(".")
