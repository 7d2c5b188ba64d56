"""What other programs send: lines to the engine, HTTP bodies and raw HTTP, messages of an editor, chat templates."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fakes.http_server import serving
from fakes.scripted import ScriptedAssistant, say

from fuzz.target import Offer, Target, printable, reader
from spectra_local.errors import SpectraError
from spectra_local.llama import jinja_sandbox
from spectra_local.protocol import Message, Request, Sampling
from spectra_local.wire import decode, encode
from spectra_local.worker.client import Client

PARTS = [{"type": "text", "text": "hi"}]
CHAT = {
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": PARTS}],
    "max_tokens": 4,
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["x"],
    "logit_bias": {"5": -1},
}
BODIES = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"prompt": "a", "max_tokens": 4, "stream": True},
    "/infill": {"input_prefix": "a = ", "input_suffix": "\n", "n_predict": 4},
}
RAW = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n" + b'{"prompt": "a"}',
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nOrigin: http://a.b\r\n\r\n",
    b"POST /infill HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
)
TEMPLATES = (
    b"{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] | trim }}{% endfor %}",
    b"{% set ns = namespace(a=1) %}{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}",
)


@contextmanager
def _bodies(_: Path) -> Iterator[Offer]:
    """Each input is the body of each endpoint that takes one."""
    with serving(ScriptedAssistant(say("yes"))) as client:

        def offer(data: bytes) -> None:
            for path in BODIES:
                reply = client.post(path, content=data, headers={"Content-Type": "application/json"})
                assert reply.status_code < 500, f"{path}: {reply.status_code} {reply.text[:200]}"
                if reply.is_error:
                    assert reply.json()["error"]["message"]

        yield offer


@contextmanager
def _raw_http(_: Path) -> Iterator[Offer]:
    """Whatever is sent, who comes next is answered."""
    with serving(ScriptedAssistant(say("yes"))) as client:
        address = (client.base_url.host, client.base_url.port or 0)

        def offer(data: bytes) -> None:
            with suppress(OSError), socket.create_connection(address, timeout=0.2) as line:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                head = line.recv(100)
                assert not head.startswith(b"HTTP/1.1 5"), head
            assert client.get("/health").status_code == 200

        yield offer


def _lines(data: bytes, _: Path) -> None:
    """What the engine's process reads of a program: it stops at what is no message, and never raises."""
    client = Client(io.BytesIO(data), io.BytesIO())
    list(client.messages())
    client.close()
    client.flush()


@contextmanager
def _templates(_: Path) -> Iterator[Offer]:
    def offer(data: bytes) -> None:
        template = data.decode("utf-8", "replace")
        try:
            jinja_sandbox.render(template, [[Message("user", "hi")]], {})
        except SpectraError as error:
            printable(str(error))

    yield offer


def targets() -> dict[str, Target]:
    """By name."""
    lines = encode(Request(messages=(Message("user", "Hi"),), sampling=Sampling(seed=3))), encode({"cancel": 3})
    bodies = tuple(json.dumps(body).encode() for body in BODIES.values())
    return {
        "wire": Target(lines, 8000, reader(lambda data, _: decode(data), ValueError)),
        "lines": Target((b"".join(lines),), 800, reader(_lines)),
        "http-body": Target(bodies, 800, _bodies),
        "http-raw": Target(RAW, 400, _raw_http),
        "template": Target(TEMPLATES, 40, _templates),
    }
