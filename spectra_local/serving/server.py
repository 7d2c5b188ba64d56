"""The HTTP server, which ends its answers before it ends itself. Knows no request's content."""

import asyncio
import socket
from collections.abc import Iterable

import uvicorn

from spectra_local.serving.access import App
from spectra_local.serving.request_queue import RequestQueue

_PATIENCE_S = 1.0  # what running answers get to finish
_CANCELLING_S = 5  # more than a cancelled answer takes to end, in the middle of a prompt too; then it is cut off


class AnswerServer(uvicorn.Server):
    """At its end it cancels what ``queues`` still answer: uvicorn's own cancelling cuts answers off in the middle."""

    def __init__(
        self, app: App, queues: Iterable[RequestQueue], *, patience_s: float = _PATIENCE_S, port: int = 0
    ) -> None:
        """Listens on ``port`` unless ``run`` is given sockets."""
        grace_s = int(patience_s) + _CANCELLING_S
        super().__init__(
            uvicorn.Config(
                app,
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends everything; running answers end with what there is of them."""
        ending = asyncio.create_task(self._end_answers())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_answers(self) -> None:
        await asyncio.sleep(self._patience_s)
        for queue in self._queues:
            queue.end()
