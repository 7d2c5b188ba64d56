"""Programs of one user at one engine: requests to ask it, and clients that join it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spectra_local.locations import runtime_dir
from spectra_local.protocol import Done, EngineOptions, Event, Message, Request, Text
from spectra_local.worker import EngineProcess

CAPITAL = Request(messages=(Message("user", "What is the capital of France? Answer in one sentence."),), max_tokens=24)
# It ends with the context, a pass for each token: also a fast machine is at it until it is cancelled.
STORY = Request(messages=(Message("user", "Tell a very long story about a cat."),), speculate=False)
COUNT = Request(prompt="1, 2, 3, 4, 5, 6,", max_tokens=6)
SHARED = EngineOptions(n_ctx=4096, share=True)
EXACT = EngineOptions(n_ctx=1024, share=True, exact=True)


Join = Callable[..., EngineProcess]


@contextmanager
def joining(model: Path) -> Iterator[Join]:
    clients: list[EngineProcess] = []

    def join(options: EngineOptions = SHARED) -> EngineProcess:
        client = EngineProcess(model, options)
        clients.append(client)
        list(client.load())
        return client

    try:
        yield join
    finally:
        for client in clients:
            client.close()


def text_of(events: list[Event]) -> str:
    assert isinstance(events[-1], Done)
    return "".join(event.text for event in events if isinstance(event, Text))


def sockets() -> list[Path]:
    return list(runtime_dir().glob("*.sock"))


def is_running(pid: int | None) -> bool:
    assert pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
