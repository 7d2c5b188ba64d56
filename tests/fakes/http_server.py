"""A server on a free port with a client beside it, both ended with the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fakes.waiting import wait_until

from spectra_local.completion.completer import Completer
from spectra_local.protocol import Assistant
from spectra_local.serving.access import Access
from spectra_local.serving.answers import Service
from spectra_local.serving.app import web_app
from spectra_local.serving.bodies import BodyLimits
from spectra_local.serving.connection import PatientConnection
from spectra_local.serving.metrics import Metrics
from spectra_local.serving.request_queue import RequestQueue
from spectra_local.serving.server import AnswerServer


@contextmanager
def serving(
    assistant: Assistant,
    access: Access | None = None,
    *,
    max_waiting: int = 64,
    bodies: BodyLimits | None = None,
    connection: type[PatientConnection] = PatientConnection,
) -> Iterator[httpx.Client]:
    """A client of a real server for ``assistant``, which is loaded."""
    served = server_and_client(assistant, access, max_waiting=max_waiting, bodies=bodies, connection=connection)
    with served as (_, client):
        yield client


@contextmanager
def server_and_client(
    assistant: Assistant,
    access: Access | None = None,
    *,
    max_waiting: int = 64,
    patience_s: float = 0,
    bodies: BodyLimits | None = None,
    connection: type[PatientConnection] = PatientConnection,
) -> Iterator[tuple[AnswerServer, httpx.Client]]:
    """The same, with the server, to be ended by ``should_exit``."""
    queue = RequestQueue(assistant, max_waiting=max_waiting)
    app = web_app(
        Service(queue, queue, Completer(assistant), Metrics(), max_tokens=256, model_id="scripted"),
        access or Access(),
        bodies,
    )
    server = AnswerServer(app, [queue], patience_s=patience_s, connection=connection)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield server, client
    finally:
        queue.close()
        server.should_exit = True
        thread.join(10)
