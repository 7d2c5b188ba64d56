"""The body of a request, whole: within a size, within a time, out of the coding it was sent in."""

import asyncio
import zlib
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from spectra_local.serving.fields import RequestError

_GZIP, _ZLIB = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may take."""

    most_bytes: int = 16 << 20  # as sent and as decoded: a context of 128 K tokens is about 0.5 MB of text
    seconds: float = 30.0  # from its first byte to its last

    def too_large(self) -> RequestError:
        """The error for a body over the limit."""
        return RequestError(f"the body has more than {self.most_bytes} bytes", status=413)


async def whole_body(http: HttpRequest, limits: BodyLimits) -> bytes:
    """The decoded body. Raises RequestError."""
    codings = [each.strip().lower() for each in ",".join(http.headers.getlist("content-encoding")).split(",")]
    codings = [each for each in codings if each not in ("", "identity")]
    if len(codings) > 1 or not set(codings) <= _CODINGS.keys():
        named = ", ".join(_CODINGS)
        raise RequestError(f"a body may be sent as it is or in one of these codings: {named}", status=415)
    try:
        body = await asyncio.wait_for(_received(http, limits), limits.seconds)
    except TimeoutError as error:
        raise RequestError(f"the body was not complete within {limits.seconds:g} seconds", status=408) from error
    except ClientDisconnect as error:
        raise RequestError("the upload ended before the body was complete") from error
    return _decoded(body, _CODINGS[codings[0]], limits) if codings else body


async def _received(http: HttpRequest, limits: BodyLimits) -> bytes:
    length = http.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.most_bytes:
        raise limits.too_large()
    body = bytearray()
    async for piece in http.stream():
        body += piece
        if len(body) > limits.most_bytes:
            raise limits.too_large()
    return bytes(body)


def _decoded(body: bytes, window_bits: int, limits: BodyLimits) -> bytes:
    """Stops at the limit: a few kilobytes can stand for gigabytes."""
    decoded = bytearray()
    try:
        while body:  # a gzip file may have several members
            member = zlib.decompressobj(window_bits)
            decoded += member.decompress(body, limits.most_bytes + 1 - len(decoded))
            if len(decoded) > limits.most_bytes:
                raise limits.too_large()
            if not member.eof:
                raise RequestError("the compressed body ends too early")
            body = member.unused_data
    except zlib.error as error:
        raise RequestError(f"the compressed body is damaged: {error}") from error
    return bytes(decoded)
