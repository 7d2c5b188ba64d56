"""The engine's process: its log, its first client on stdin and stdout, and the socket where others find it."""

import contextlib
import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path

from spectra_local import wire
from spectra_local.locations import log_file
from spectra_local.logged import FORMAT
from spectra_local.worker.client import Client
from spectra_local.worker.engine_server import EngineServer
from spectra_local.worker.last_words import Recorder
from spectra_local.worker.reception import Reception

_LOG_BYTES = 1_000_000


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)  # the log is nobody else's
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native code that prints to stdout meets the log
    faulthandler.enable(2, all_threads=False)  # a crash says there where it was, also where no parent is left to say it
    _leave_no_core()
    _log_to_file()
    first = wire.decode(sys.stdin.buffer.readline())
    if first["ended"]:
        logging.warning("started again: the process before this one ended %s", first["ended"])
    recorder = Recorder(first["last_words"]) if first["last_words"] is not None else None
    server = EngineServer(first["path"], first["options"], _reception(first["socket"]), recorder)
    parent = Client(sys.stdin.buffer, replies)
    parent.post({"listening": True})
    server.admit(parent)
    try:
        server.run()
    except Exception:
        logging.exception("the engine's process ended")
        os._exit(1)
    os._exit(0)  # a thread holds stdin: an ordinary exit would wait for it, then abort


def _leave_no_core() -> None:
    """A core file would hold what was written and read, and take its time."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _reception(path: str | None) -> Reception | None:
    try:
        return Reception(Path(path)) if path else None
    except OSError:  # it cannot be shared; the parent is served all the same
        logging.exception("the engine is not shared")
        return None


def _log_to_file() -> None:
    from logging.handlers import RotatingFileHandler

    with contextlib.suppress(OSError):
        handler = RotatingFileHandler(log_file(), maxBytes=_LOG_BYTES, backupCount=1)
        handler.setFormatter(logging.Formatter(FORMAT))
        logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    _main()
