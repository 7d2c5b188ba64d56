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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from spectra_local import wire
from spectra_local.errors import SpectraError, WorkerError
from spectra_local.llama import processor
from spectra_local.llama.kernels import Kernels
from spectra_local.locations import log_file
from spectra_local.logged import logged
from spectra_local.printable import printable_line
from spectra_local.worker.last_words import LastWords, Said

# Said by a shared engine to a parent that leaves while others stay: the process will not end, and must not be ended.
GOES_ON = {"goes_on": True}
_EXIT_SECONDS = 2.0


class EngineEndedError(WorkerError):
    """The engine's process is gone, whatever was asked of it."""

    def __init__(
        self, how: str, signal: signal.Signals | None = None, build: str = "", *, shared: bool = False
    ) -> None:
        """``how`` in words; ``signal`` where one ended it; ``build``: its library's, as far as it could say.
        ``shared``: another program is its parent, and alone could say how it ended."""
        super().__init__(f"the process that ran the model ended {how}; the log may say why: {log_file()}")
        self.how, self.signal, self.build, self.shared = how, signal, build, shared


class Connection(ABC):
    """A line to an engine's process. One thread receives; any may send."""

    def __init__(self, replies: IO[bytes], requests: IO[bytes], pid: int) -> None:
        self.pid = pid
        self._replies = replies
        self._requests = requests
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Raises EngineEndedError where the process is gone."""
        try:
            with self._sending:
                self._requests.write(wire.encode(message))
                self._requests.flush()
        except (OSError, ValueError) as error:
            raise self.ended() from error

    def receive(self) -> Iterator[Any]:
        """What the process sends, one after the other; its errors are raised. Raises EngineEndedError where it ends."""
        try:
            while line := self._replies.readline():
                item = wire.decode(line)
                if isinstance(item, SpectraError):
                    raise item
                yield item
        except (OSError, ValueError) as error:
            raise self.ended() from error
        raise self.ended()

    def close(self) -> None:
        """Hangs up."""
        with contextlib.suppress(OSError):
            self._requests.close()
        self._part()
        self._replies.close()

    @abstractmethod
    def _part(self) -> None: ...

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether the process is known to have ended."""
        ...

    @abstractmethod
    def ended(self) -> EngineEndedError:
        """How the process ended. Where ``send`` or ``receive`` failed, or ``is_over``."""
        ...


@dataclass(frozen=True, slots=True)
class Runs:
    """What a child was started for."""

    model: Path
    kernels: Kernels


class ChildConnection(Connection):
    """The pipes of a child. Closed, the child ends, unless other programs use its engine."""

    def __init__(self, child: subprocess.Popen[bytes], runs: Runs, last_words: LastWords | None) -> None:
        """``last_words``: where the child leaves them; None where it cannot."""
        assert child.stdin and child.stdout
        super().__init__(child.stdout, child.stdin, child.pid)
        self._child = child
        self._runs = runs
        self._last_words = last_words
        self._ended: EngineEndedError | None = None

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

    @property
    def is_over(self) -> bool:
        """At once."""
        return self._child.poll() is not None

    def ended(self) -> EngineEndedError:
        """With which code, or by which signal. Logged once, with all that is known."""
        if self._ended is None:
            said = self._last_words.read() if self._last_words else Said("", [])
            self._ended = self._how(said.build)
            logged("spectra_local.worker", _report(self._ended, self._runs, said))
        return self._ended

    def close(self) -> None:
        """Hangs up, and waits for the child to end where no other program uses it."""
        super().close()
        if self._last_words:
            self._last_words.close()
            self._last_words = None

    def _how(self, build: str) -> EngineEndedError:
        try:
            code = self._child.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return EngineEndedError("its answers", build=build)
        if code >= 0:
            return EngineEndedError(f"with code {code}", build=build)
        ended_by = signal.Signals(-code)
        return EngineEndedError(f"by signal {ended_by.name}", ended_by, build)


def _report(ended: EngineEndedError, runs: Runs, said: Said) -> str:
    lines = [
        f"the engine's process ended {ended.how}",
        f"model: {printable_line(str(runs.model))}",
        f"kernels: {runs.kernels.name}",
        f"library: {said.build or 'not known: the process ended before it could say'}",
        f"processor: {processor.name()}, with {' '.join(processor.vector_instructions())}",
        "its last words:" if said.lines else "it left no words",
        *said.lines,
    ]
    return "\n    ".join(lines)


class SocketConnection(Connection):
    """The socket of an engine that another program has started."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        super().__init__(line.makefile("rb"), line.makefile("wb"), pid)
        self._line = line

    def _part(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    @property
    def is_over(self) -> bool:
        """Not known before something is sent or received."""
        return False

    def ended(self) -> EngineEndedError:
        """Only its parent could say more."""
        return EngineEndedError(f"(process {self.pid}, shared with other programs)", shared=True)
