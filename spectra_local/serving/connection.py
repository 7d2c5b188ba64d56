"""One connection as uvicorn keeps it, where that is too patient or falls silent: requests that never become whole."""

import asyncio
import contextlib
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from spectra_local.serving.fields import RequestError
from spectra_local.serving.replies import compact, error_body


class PatientConnection(H11Protocol):
    """Tells a client whose upload ends in the middle, and ends connections that say half a thing for too long."""

    patience_s = 30.0  # for a request's head, and for what follows of a body that is not wanted any more

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to watch it."""
        super().connection_made(transport)
        self._idle_after: Any = None  # what was answered last when it was looked at; itself: it was being answered
        self._look = self.loop.call_later(self.patience_s, self._end_if_stuck)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the watch."""
        self._look.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """A client that has sent all of its request and hangs up wants no answer; one with half a body reads why."""
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_started:
            self.conn.receive_data(b"")
            self.handle_events()

    def send_400_response(self, msg: str) -> None:
        """In the same shape as all errors; in the middle of an answer it can only end."""
        if self.cycle is not None:  # whoever answers it need not go on
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = compact(error_body(RequestError("this is no whole HTTP request")))
            length = str(len(body)).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", length), (b"connection", b"close")]
            with contextlib.suppress(h11.LocalProtocolError):  # a HEAD's reply has no body
                for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _end_if_stuck(self) -> None:
        """Where nothing has begun to be answered since the last look, and nothing was being answered then."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self._idle_after is self.cycle:
            self.transport.close()
            return
        self._idle_after = self.cycle if is_idle else self
        self._look = self.loop.call_later(self.patience_s, self._end_if_stuck)
