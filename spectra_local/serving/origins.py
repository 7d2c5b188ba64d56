"""Which web pages and browser extensions may ask: Cross-Origin Resource Sharing, closed unless opened by name.

See https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.responses import Response

from spectra_local.errors import UsageError
from spectra_local.serving.fields import RequestError

ANY = "*"
_KEPT_SECONDS = 600  # a browser asks again after that


class Origins:
    """Those that may ask and read the answers."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """``allowed``: ``https://page.example``, ``http://localhost:3000``, ``chrome-extension://...``, ``null`` or
        ``*`` for all. Raises UsageError."""
        self._allowed = frozenset(map(_checked, allowed))

    def allow(self, origin: str) -> bool:
        """Whether a page of ``origin`` may ask."""
        return ANY in self._allowed or origin.lower() in self._allowed

    def refusal(self, origin: str) -> RequestError:
        """The error for a page that may not."""
        named = origin if len(origin) < 200 and origin.isascii() and origin.isprintable() else "ORIGIN"
        return RequestError(
            f"web pages and extensions are refused unless the server was started with --origin {named}", status=403
        )

    def preflight(self, headers: Mapping[str, str]) -> Response:
        """What a browser is told that asks whether it may send a request of this kind."""
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "authorization,content-type"),
            "Access-Control-Max-Age": str(_KEPT_SECONDS),
        }
        if "access-control-request-private-network" in headers:  # a public page asks for an address at home
            allowed["Access-Control-Allow-Private-Network"] = "true"
        return Response(status_code=204, headers=allowed)


def on_replies(origin: str) -> list[tuple[bytes, bytes]]:
    """Headers of each reply to a page of ``origin``, without which its browser does not let it read."""
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]


def _checked(origin: str) -> str:
    given = origin.strip().rstrip("/").lower()
    try:
        parts = urlsplit(given)
        whole = bool(parts.scheme and parts.netloc) and given == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        whole = False
    if given not in (ANY, "null") and not (whole and given.isascii()):
        raise UsageError(f"{origin!r} is no origin: it is a scheme and a host without a path, as http://localhost:3000")
    return given
