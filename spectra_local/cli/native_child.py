"""The process of a command that loads native code: ``python -m spectra_local.cli.native_child LINE ARGUMENT...``.

LINE is a descriptor that ends when the process that started this one does. What native code prints goes to the log.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from types import FrameType

from spectra_local.cli import native_command
from spectra_local.cli.main import run
from spectra_local.logged import log_descriptor

_SAME_SECONDS = 1.0  # a ctrl+c at the terminal reaches this process twice, the second time passed on


def main() -> None:
    """Runs the command line."""
    line, arguments = int(sys.argv[1]), sys.argv[2:]
    native_command.is_here = True
    _keep_stderr_for_words()
    signal.signal(signal.SIGINT, _interrupted_once())
    threading.Thread(target=_end_with_parent, args=(line,), name="parent", daemon=True).start()
    run(None, arguments)


def _keep_stderr_for_words() -> None:
    if sys.stderr is None:
        return
    words = os.dup(2)
    sys.stderr = os.fdopen(words, "w", buffering=1, encoding=sys.stderr.encoding, errors="replace")
    log = log_descriptor()
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(2, all_threads=False)
    with contextlib.suppress(ImportError, OSError, ValueError):  # a core would hold what was read
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _interrupted_once() -> "signal._HANDLER":
    latest = 0.0

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal latest
        before, latest = latest, time.monotonic()
        if latest - before > _SAME_SECONDS:
            raise KeyboardInterrupt

    return interrupted


def _end_with_parent(line: int) -> None:
    os.read(line, 1)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
