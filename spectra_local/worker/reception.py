"""The door of an engine's process: a socket where further programs of this user are let in."""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from spectra_local.worker import meeting_point
from spectra_local.worker.client import Client


class Reception:
    """Listens from the first moment, so that nobody starts a second engine; lets in once ``open`` is called."""

    def __init__(self, path: Path) -> None:
        """Takes the place at ``path``. Raises OSError."""
        self._path = path
        self._listener = meeting_point.listen(path)
        self._identity = path.lstat()

    def open(self, admit: Callable[[Client], None]) -> None:
        """Hands whoever comes to ``admit``, in threads."""

        def accept() -> None:
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=_welcome, args=(line, admit), name="welcome", daemon=True).start()

        threading.Thread(target=accept, name="accept", daemon=True).start()

    def close(self) -> None:
        """Nobody finds the way here any more; who stands at the door is for ``admit`` to send away."""
        meeting_point.give_up(self._path, self._identity)


def _welcome(line: socket.socket, admit: Callable[[Client], None]) -> None:
    """In a thread of its own: one that says nothing keeps nobody else waiting."""
    if not meeting_point.is_welcome(line):
        line.close()
        return

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()

    admit(Client(line.makefile("rb"), line.makefile("wb"), hang_up))
