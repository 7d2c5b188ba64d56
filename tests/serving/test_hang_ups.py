"""A client that has hung up holds nothing: neither a place in the queue nor the engine."""

import json
import re
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fakes.http_server import serving
from fakes.scripted import GENEROUS_S, Gate, ScriptedAssistant, done, say
from fakes.waiting import wait_until

from spectra_local.protocol import Event, Request, Text

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}


@contextmanager
def asked(client: httpx.Client, path: str = CHAT, **fields: object) -> Iterator[socket.socket]:
    """A connection on which a request was sent; hangs up."""
    body = json.dumps({**HELLO, "prompt": "Hi", **fields})
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        yield line


def gauge(client: httpx.Client, name: str) -> int:
    (value,) = re.findall(rf"^spectra_requests_{name} (\d+)$", client.get("/metrics").text, re.MULTILINE)
    return int(value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
def test_who_hangs_up_while_waiting_gives_the_place_back(path: str, stream: bool) -> None:
    gate = Gate()
    assistant = ScriptedAssistant([gate, Text("a"), done()], say("Next."))
    with serving(assistant, max_waiting=1) as client, asked(client):
        assert gate.reached.wait(GENEROUS_S)
        for _ in range(3):
            with asked(client, path, stream=stream):
                wait_until(lambda: gauge(client, "waiting") == 1)
                assert client.post(CHAT, json=HELLO).status_code == 503
            wait_until(lambda: gauge(client, "waiting") == 0)
        gate.open()
        wait_until(lambda: gauge(client, "processing") == 0)
        assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Next."
    assert len(assistant.requests) == 2


class SlowToBegin(ScriptedAssistant):
    """Says nothing at all until it may, as an engine does that is busy with others; forgets cancels when asked."""

    def __init__(self) -> None:
        super().__init__([Gate(), *say("never")], say("Next."))
        self.is_asked, self.is_called_off, self.may_begin = (threading.Event() for _ in range(3))

    def generate(self, request: Request) -> Generator[Event, None, None]:
        if not self.is_asked.is_set():
            self.is_asked.set()
            assert self.may_begin.wait(GENEROUS_S)
        return super().generate(request)

    def cancel(self) -> None:
        super().cancel()
        self.is_called_off.set()


def test_a_hang_up_counts_that_comes_just_as_the_engine_is_asked() -> None:
    assistant = SlowToBegin()
    with serving(assistant) as client:
        with asked(client):
            assert assistant.is_asked.wait(GENEROUS_S)
        assert assistant.is_called_off.wait(GENEROUS_S)
        assistant.may_begin.set()
        wait_until(lambda: gauge(client, "processing") == 0)
        assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Next."
