"""What goes back over HTTP: compact JSON, server-sent events, errors in the shape that OpenAI and llama.cpp share."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import Response

from spectra_local.errors import ContextFullError, SpectraError, TemplateError, UsageError, WorkerError
from spectra_local.serving.fields import RequestError
from spectra_local.serving.request_queue import (
    AnswerCutError,
    QueueFullError,
    RequestCancelledError,
    ServerEndingError,
)

_log = logging.getLogger(__name__)

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 503: "unavailable_error"}
_STATUS = (
    (RequestCancelledError, 499),  # nginx's "client closed request"; read only where a newer request took its place
    (QueueFullError, 503),
    (ServerEndingError, 503),
    (AnswerCutError, 503),
    (WorkerError, 503),
    (UsageError, 400),
    (ContextFullError, 400),
    (TemplateError, 400),
)


_CODES = {401: "invalid_api_key"}


def compact(value: Any) -> bytes:
    """JSON without spaces: llama.vim looks for ``"content":"`` and drops an answer that has a space there."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_reply(value: Any, status: int = 200) -> Response:
    """``value`` as the whole answer."""
    return Response(compact(value), status, media_type="application/json")


def status_of(error: Exception) -> int:
    """The HTTP status for ``error``."""
    if isinstance(error, RequestError):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_body(error: Exception) -> dict[str, Any]:
    """``{"error": {...}}``. A defect of ours is logged and not shown."""
    status = status_of(error)
    known = isinstance(error, (RequestError, SpectraError))
    if not known:
        _log.error("a request failed", exc_info=error)
    kind = "invalid_request_error" if 400 <= status < 500 else "server_error"
    return {
        "error": {
            "code": _code_of(error),
            "message": str(error) if known else "internal error; the server's log has the details",
            "type": _TYPES.get(status, kind),
            "param": getattr(error, "field", None),
        }
    }


def _code_of(error: Exception) -> str | None:
    """The name that OpenAI's clients know the error by: a string or nothing, which strict ones insist on."""
    if isinstance(error, ContextFullError):
        return "context_length_exceeded"
    named = error.code if isinstance(error, RequestError) else None
    return named or _CODES.get(status_of(error))


def error_reply(error: Exception) -> Response:
    """``error`` as the whole answer."""
    reply = json_reply(error_body(error), status_of(error))
    if reply.status_code == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    return reply


async def server_sent(
    chunks: AsyncIterator[Any], *, end: bytes = b"", last: Callable[[dict[str, Any]], Any] = lambda body: body
) -> AsyncIterator[bytes]:
    """Each chunk as one event, then ``end``; an error on the way as an event of its own, for the status is sent.

    ``last`` makes that event of the error's body.
    """
    try:
        async for chunk in chunks:
            yield b"data: " + compact(chunk) + b"\n\n"
    except Exception as error:  # a defect too: a stream that breaks off looks to some clients like one that has ended
        yield b"data: " + compact(last(error_body(error))) + b"\n\n"
    yield end
