"""The same engine in a child process, with typed messages over a pipe.

A crash in native code, a hostile model or an exhausted memory then ends the child and not the chat; and whatever
native code prints goes to the log, because the child's stdout and stderr are not the terminal's.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from spectra_local import wire
from spectra_local.errors import SpectraError, WorkerError
from spectra_local.locations import log_file, private_dir
from spectra_local.protocol import Done, EngineOptions, Event, LoadProgress, ModelInfo, Request, Text

# Pieces of an answer are gathered for so long before they are sent: each message wakes the parent on a core that
# decodes. The app shows 10 a second: at 30 a second it reached 0.84 of ask's tokens/s on 2 cores, so 0.94.
_GATHER_SECONDS = 1 / 11
_EXIT_SECONDS = 2.0
_FAREWELL_SECONDS = 1.0  # for what was learned to be saved
_LOG_BYTES = 1_000_000


class EngineProcess:
    """An Engine in a child process: same verbs, same events. See ``spectra_local.protocol.Assistant``."""

    def __init__(self, path: Path | str, options: EngineOptions | None = None) -> None:
        self._path = str(Path(path).absolute())
        self._options = options or EngineOptions()
        self._child: subprocess.Popen[bytes] | None = None
        self._info: ModelInfo | None = None
        self._sending = threading.Lock()
        self._n_requests = 0

    def load(self) -> Iterator[LoadProgress]:
        """Starts the child and loads the model in it. Raises SpectraError."""
        self.close()
        self._child, self._n_requests = _start_child(), 0
        self._send({"path": self._path, "options": self._options})
        for item in self._receive():
            if isinstance(item, ModelInfo):
                self._info = item
                return
            yield item

    @property
    def info(self) -> ModelInfo:
        """The loaded model. Raises SpectraError before ``load`` has ended."""
        if self._info is None:
            raise SpectraError("no model is loaded")
        return self._info

    def generate(self, request: Request) -> Generator[Event, None, None]:
        """As Engine.generate. Text events come at most 11 times a second, each with all since the one before."""
        self._n_requests += 1
        self._send(request)
        finished = False
        try:
            for item in self._receive():
                finished = isinstance(item, Done)
                yield item
                if finished:
                    return
        except SpectraError:
            finished = True
            raise
        finally:
            if not finished:  # the reader lost interest: the next request must not find this one's events
                self.cancel()
                with contextlib.suppress(SpectraError):
                    for item in self._receive():
                        if isinstance(item, Done):
                            break

    def cancel(self) -> None:
        """Ends the running request, or the load, soon."""
        with contextlib.suppress(WorkerError):
            self._send({"cancel": self._n_requests})

    def close(self) -> None:
        """Ends the child and with it frees the model."""
        child, self._child, self._info = self._child, None, None
        if child is None:
            return
        assert child.stdin and child.stdout
        with contextlib.suppress(OSError):
            child.stdin.close()  # the child leaves when its input ends
        try:
            child.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None where none runs."""
        return self._child.pid if self._child else None

    def _send(self, message: Any) -> None:
        if self._child is None or self._child.stdin is None:
            raise WorkerError("no model is loaded")
        try:
            with self._sending:
                self._child.stdin.write(wire.encode(message))
                self._child.stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerError(self._epitaph()) from error

    def _receive(self) -> Iterator[Any]:
        child = self._child
        if child is None or child.stdout is None:
            raise WorkerError("no model is loaded")
        while line := child.stdout.readline():
            item = wire.decode(line)
            if isinstance(item, SpectraError):
                raise item
            yield item
        raise WorkerError(self._epitaph())

    def _epitaph(self) -> str:
        code = self._child.wait(_EXIT_SECONDS) if self._child else 0
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        return f"the process that ran the model ended {how}; the log may say why: {log_file()}"


def _start_child() -> subprocess.Popen[bytes]:
    try:
        private_dir(log_file().parent)
        log = os.open(log_file(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    except OSError:  # a read-only home: the chat goes on without a log
        log = os.open(os.devnull, os.O_WRONLY)
    try:
        return subprocess.Popen(
            # -P: a folder that happens to hold a "numpy.py" must not be imported from.
            [sys.executable, "-P", "-m", "spectra_local.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # ctrl+c in the terminal is the parent's to understand
        )
    finally:
        os.close(log)


# --- the child ---------------------------------------------------------------------------------------------------


def _serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Loads the model that the first line names, then answers one request a line until the input ends."""
    from spectra_local.engine import Engine

    first = wire.decode(requests.readline())
    engine = Engine(first["path"], first["options"])
    inbox: SimpleQueue[Request | None] = SimpleQueue()
    finished = threading.Event()
    cancelled = 0  # requests up to this one are not wanted any more

    def listen() -> None:
        nonlocal cancelled
        for line in requests:
            message = wire.decode(line)
            if isinstance(message, Request):
                inbox.put(message)
            else:
                cancelled = message["cancel"]
                engine.cancel()
        inbox.put(None)  # the parent is gone or done
        engine.cancel()
        finished.wait(_FAREWELL_SECONDS)
        os._exit(0)  # native code may be deep in a call and needs no farewell

    threading.Thread(target=listen, name="listen", daemon=True).start()

    def reply(message: Any) -> None:
        replies.write(wire.encode(message))
        replies.flush()

    try:
        for progress in engine.load():
            reply(progress)
    except SpectraError as error:
        reply(error)
        return
    reply(engine.info)
    for number in itertools.count(1):
        request = inbox.get()
        if request is None:
            engine.close()
            finished.set()
            return
        events = engine.generate(request)
        if cancelled >= number:  # asked before the request was taken up, which forgets earlier cancels
            engine.cancel()
        try:
            for event in _gathered(events):
                reply(event)
        except SpectraError as error:
            reply(error)


def _gathered(events: Iterator[Event]) -> Iterator[Event]:
    """The same events with neighbouring pieces of text joined for up to ``_GATHER_SECONDS``."""
    held: Text | None = None
    sent = 0.0
    for event in events:
        if isinstance(event, Text):
            held = held.joined(event) if held else event
            if time.monotonic() - sent < _GATHER_SECONDS:
                continue
        if held:
            yield held
            held = None
        if not isinstance(event, Text):
            yield event
        sent = time.monotonic()


def _main() -> None:
    import logging
    from logging.handlers import RotatingFileHandler

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)  # the log is nobody else's
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native code that prints to stdout meets the log
    with contextlib.suppress(OSError):
        handler = RotatingFileHandler(log_file(), maxBytes=_LOG_BYTES, backupCount=1)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, replies)
    os._exit(0)  # the listening thread holds stdin: an ordinary exit would wait for it, then abort


if __name__ == "__main__":
    _main()
