"""The HTTP server, which ends its answers before it ends itself. Knows no request's content."""

import asyncio
import socket
import time
from collections.abc import Iterable
from types import FrameType

import uvicorn

from spectra_local.serving.access import App
from spectra_local.serving.connection import PatientConnection
from spectra_local.serving.request_queue import RequestQueue

_PATIENCE_S = 1.0  # what running answers get to finish
_CANCELLING_S = 5  # more than a cancelled answer takes to end, in the middle of a prompt too; then it is cut off
_LOOK_S = 0.05


class AnswerServer(uvicorn.Server):
    """At its end it cancels what ``queues`` still answer: uvicorn's own cancelling cuts answers off in the middle."""

    def __init__(
        self,
        app: App,
        queues: Iterable[RequestQueue],
        *,
        patience_s: float = _PATIENCE_S,
        port: int = 0,
        connection: type[PatientConnection] = PatientConnection,
    ) -> None:
        """``queues`` get ``patience_s`` seconds to finish their answers. ``run`` may be given sockets for ``port``."""
        grace_s = int(patience_s) + _CANCELLING_S
        super().__init__(
            uvicorn.Config(
                app,
                http=connection,
                port=port,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=grace_s,
            )
        )
        self._queues = list(queues)
        self._patience_s = patience_s
        self._in_a_hurry = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second ctrl+c only takes the patience; for uvicorn it would cut answers off, so that is the third's."""
        if self.should_exit and not self._in_a_hurry:
            self._in_a_hurry = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends everything; running answers end with what there is of them."""
        ending = asyncio.create_task(self._end_answers())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_answers(self) -> None:
        until = time.monotonic() + self._patience_s
        while not self._in_a_hurry and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
        for queue in self._queues:
            queue.end()
