"""Bodies: too large, compressed, cut off, never ended."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import GENEROUS_S, ScriptedAssistant, say
from fakes.waiting import wait_until

from spectra_local.serving.bodies import BodyLimits
from spectra_local.serving.connection import PatientConnection

CHAT = "/v1/chat/completions"
HELLO = json.dumps({"messages": [{"role": "user", "content": "Hi"}]}).encode()
SHORT = 0.2  # seconds


class ImpatientConnection(PatientConnection):
    patience_s = SHORT


@contextmanager
def said(client: httpx.Client, text: bytes) -> Iterator[socket.socket]:
    """A connection on which ``text`` was sent."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=GENEROUS_S) as line:
        line.sendall(text)
        yield line


def to_the_end(line: socket.socket) -> bytes:
    received = b""
    while piece := line.recv(1 << 16):
        received += piece
    return received


def head(*lines: str, path: str = CHAT, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    limits = BodyLimits(most_bytes=1000, seconds=SHORT)
    with serving(ScriptedAssistant(say("Hello.")), bodies=limits, connection=ImpatientConnection) as client:
        yield client


def test_a_body_over_the_limit_is_413_also_without_a_length(client: httpx.Client) -> None:
    assert client.post(CHAT, content=b"x" * 1001).status_code == 413
    assert client.post(CHAT, content=iter([b"x" * 600, b"x" * 600])).status_code == 413


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(HELLO)),
        ("GZip, identity", gzip.compress(HELLO)),
        ("x-gzip", gzip.compress(HELLO[:10]) + gzip.compress(HELLO[10:])),
        ("deflate", zlib.compress(HELLO)),
        ("identity", HELLO),
    ],
)
def test_a_compressed_body_is_decoded(client: httpx.Client, coding: str, body: bytes) -> None:
    assert client.post(CHAT, content=body, headers={"Content-Encoding": coding}).status_code == 200


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("br", HELLO, 415),
        ("zstd", HELLO, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(HELLO)), 415),
        ("gzip", HELLO, 400),
        ("gzip", gzip.compress(HELLO)[:-4], 400),
        ("gzip", gzip.compress(HELLO)[:20], 400),
        ("gzip", gzip.compress(b" " * 1001), 413),
        ("gzip", gzip.compress(b" " * 600) + gzip.compress(b" " * 600), 413),
        ("deflate", zlib.compress(b" " * 900_000), 413),
        ("gzip", b"", 400),
    ],
)
def test_one_that_cannot_be_decoded_or_grows_too_large_is_refused(
    client: httpx.Client, coding: str, body: bytes, status: int
) -> None:
    reply = client.post(CHAT, content=body, headers={"Content-Encoding": coding})
    assert (reply.status_code, reply.json()["error"]["type"]) == (status, "invalid_request_error")


@pytest.mark.parametrize("framing", ["Content-Length: 500", "Transfer-Encoding: chunked"])
def test_an_upload_cut_off_is_400_and_no_defect(
    client: httpx.Client, framing: str, caplog: pytest.LogCaptureFixture
) -> None:
    piece = b'2\r\n{"\r\n' if "chunked" in framing else b'{"'
    with said(client, head(framing) + piece) as line:
        line.shutdown(socket.SHUT_WR)
        reply = to_the_end(line)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b'"invalid_request_error"' in reply
    with said(client, head(framing) + piece):
        pass  # and one that has gone altogether
    wait_until(lambda: f'endpoint="{CHAT}",status="400"}} 2' in client.get("/metrics").text)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_body_that_never_ends_is_408_though_it_drips(client: httpx.Client) -> None:
    with said(client, head("Content-Length: 500") + b"{") as line:
        line.settimeout(SHORT / 10)
        reply, deadline = b"", time.monotonic() + GENEROUS_S
        while time.monotonic() < deadline:
            try:
                if not (piece := line.recv(1 << 16)):
                    break
                reply += piece
            except TimeoutError:
                line.sendall(b" ")
            except OSError:
                break
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"was not complete within 0.2 seconds" in reply


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"POST /v1/chat",
        head("Content-Length: 5")[:-2],
        head(method="GET", path="/health") + b"GET /hea",
        head("Content-Length: 500", path="/nothing") + b"{",  # answered at once, and the rest is not wanted
    ],
)
def test_a_request_that_never_becomes_whole_ends_its_connection(client: httpx.Client, text: bytes) -> None:
    with said(client, text) as line:
        reply = to_the_end(line)
    assert not reply or reply.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 404 "))


def test_nonsense_is_400_in_the_same_shape(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    bad_piece = head("Transfer-Encoding: chunked") + b"zz\r\n"
    unknown = head("Transfer-Encoding: chunked", path="/nothing", method="GET") + b"zz\r\n"
    for text in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", bad_piece, unknown):
        with said(client, text) as line:
            reply = to_the_end(line)
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert json.loads(reply.split(b"\r\n\r\n", 1)[1])["error"]["type"] == "invalid_request_error"
    with said(client, head("Transfer-Encoding: chunked", method="HEAD") + b"zz\r\n") as line:
        assert to_the_end(line).startswith(b"HTTP/1.1 400 ")
    assert not [record for record in caplog.records if record.exc_info]
