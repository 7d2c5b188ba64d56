"""A program that an engine's process answers: its messages, and a thread that writes to it.

With a thread of its own a program that is stopped, or reads slowly, delays nobody else's answer.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import IO, Any

from spectra_local import wire

_MOST_MESSAGE = 64 << 20  # bytes; serve takes bodies of 20 MB at most, and JSON may escape them to three times that
_FLUSH_SECONDS = 1.0


class Client:
    """One line to a program. ``post`` from any thread, ``messages`` in one."""

    def __init__(self, requests: IO[bytes], replies: IO[bytes], hang_up: Callable[[], None] = lambda: None) -> None:
        """``hang_up`` ends the line once the last reply is out."""
        self.n_requests = 0
        self.cancelled = 0  # requests up to this one are not wanted any more
        self._requests = requests
        self._replies = replies
        self._hang_up = hang_up
        self._outbox: SimpleQueue[Any] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="write", daemon=True)
        self._writer.start()

    def messages(self) -> Iterator[Any]:
        """What the program sends, until it leaves or sends what is no message of ours."""
        with contextlib.suppress(OSError, ValueError), self._requests:
            while (line := self._requests.readline(_MOST_MESSAGE)).endswith(b"\n"):
                yield wire.decode(line)

    def post(self, message: Any) -> None:
        """Sends ``message`` in its turn; never waits, never raises."""
        self._outbox.put(message)

    def close(self) -> None:
        """Ends the line after what was posted."""
        self._outbox.put(None)

    def flush(self) -> None:
        """Waits, not for long, until all is sent and the line has ended. After ``close``."""
        self._writer.join(_FLUSH_SECONDS)

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                self._replies.write(wire.encode(message))
                self._replies.flush()
        with contextlib.suppress(OSError, ValueError):
            self._replies.close()
        self._hang_up()
