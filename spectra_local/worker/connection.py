"""A program's end of its line to an engine's process: messages out, messages in, and how it ended.

Two kinds, one shape: the pipes of a child, and the socket of an engine that another program has started.
"""

import contextlib
import signal
import socket
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO, Any

from spectra_local import wire
from spectra_local.errors import SpectraError, WorkerError
from spectra_local.locations import log_file

# Said by a shared engine to a parent that leaves while others stay: the process will not end, and must not be ended.
GOES_ON = {"goes_on": True}
_EXIT_SECONDS = 2.0


class Connection(ABC):
    """A line to an engine's process. One thread receives; any may send."""

    def __init__(self, replies: IO[bytes], requests: IO[bytes], pid: int) -> None:
        self.pid = pid
        self._replies = replies
        self._requests = requests
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Raises WorkerError where the process is gone."""
        try:
            with self._sending:
                self._requests.write(wire.encode(message))
                self._requests.flush()
        except (OSError, ValueError) as error:
            raise WorkerError(self._epitaph()) from error

    def receive(self) -> Iterator[Any]:
        """What the process sends, one after the other; its errors are raised. Raises WorkerError where it ends."""
        try:
            while line := self._replies.readline():
                item = wire.decode(line)
                if isinstance(item, SpectraError):
                    raise item
                yield item
        except (OSError, ValueError) as error:
            raise WorkerError(self._epitaph()) from error
        raise WorkerError(self._epitaph())

    def close(self) -> None:
        """Hangs up."""
        with contextlib.suppress(OSError):
            self._requests.close()
        self._part()
        self._replies.close()

    def _epitaph(self) -> str:
        return f"the process that ran the model ended {self.end()}; the log may say why: {log_file()}"

    @abstractmethod
    def _part(self) -> None: ...

    @abstractmethod
    def end(self) -> str:
        """How the process ended, in words. After an error of ``send`` or ``receive``."""
        ...


class ChildConnection(Connection):
    """The pipes of a child. Closed, the child ends, unless other programs use its engine."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin and child.stdout
        super().__init__(child.stdout, child.stdin, child.pid)
        self._child = child

    def _part(self) -> None:
        """Waits for the child to end or to say that it goes on; one that does neither is killed."""
        last = b""

        def drain() -> None:
            nonlocal last
            with contextlib.suppress(OSError, ValueError):
                for line in self._replies:
                    last = line

        reader = threading.Thread(target=drain, name="last words", daemon=True)
        reader.start()
        reader.join(_EXIT_SECONDS)
        if last == wire.encode(GOES_ON):
            threading.Thread(target=self._child.wait, name="reap", daemon=True).start()  # no zombie when it does end
            return
        try:
            self._child.wait(_EXIT_SECONDS if not reader.is_alive() else 0)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        reader.join()

    def end(self) -> str:
        """With which code, or by which signal."""
        try:
            code = self._child.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "its answers"
        return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


class SocketConnection(Connection):
    """The socket of an engine that another program has started."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        super().__init__(line.makefile("rb"), line.makefile("wb"), pid)
        self._line = line

    def _part(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def end(self) -> str:
        """Only its parent could say more."""
        return f"(process {self.pid}, shared with other programs)"
