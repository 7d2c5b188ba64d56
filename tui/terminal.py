"""What the app needs of a terminal, and how the terminal is given back on every kind of exit.

Knows nothing of chats and models.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from spectra_local.errors import UsageError
from tui import typed_ahead

if sys.platform != "win32":
    import termios

SIGNALLED = 128  # added to the signal's number: what a shell shows as the exit code
LEAVE_WITHIN_S = 0.7  # then the terminal is restored by hand; a closed one can block Textual's writer for ever

# What Textual's driver switches on, switched off: pasting, mouse, focus, keyboard protocol, alternate screen, cursor.
_RESTORE = (
    b"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2048l\x1b[?7h"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


def require_terminal(what: str = "the chat", instead: str = "'spectra-chat ask'") -> None:
    """Raises UsageError where there is no screen to draw on or no keyboard to read.

    ``what`` needs one; ``instead`` is a command that does not.
    """
    if os.environ.get("TEXTUAL_DRIVER"):  # textual-serve: both are in a browser
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{what} needs a terminal; {instead} works in a pipe")
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(f"this terminal cannot show {what} (TERM is unset or dumb); {instead} works here")


class ExitSignals:
    """While it lasts, SIGTERM, SIGHUP and SIGINT end the app in order; ``exit_code`` tells which one did."""

    def __init__(self, leave: Callable[[], None]) -> None:
        """``leave`` asks the app to end; it is called in the main thread, between two instructions of anything."""
        self._leave = leave
        self._before: dict[int, Any] = {}
        self._modes: list[Any] | None = None
        self.exit_code: int | None = None

    def __enter__(self) -> "ExitSignals":
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            if number := getattr(signal, name, None):
                self._before[number] = signal.signal(number, self._received)
        if sys.platform != "win32":
            with contextlib.suppress(termios.error, OSError):
                self._modes = typed_ahead.modes() or termios.tcgetattr(sys.stdin.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self.exit_code is not None:
            return
        self.exit_code = SIGNALLED + number
        threading.Thread(target=self._leave_by_hand, name="leave", daemon=True).start()
        self._leave()

    def _leave_by_hand(self) -> None:
        """Runs beside the orderly way out, and overtakes it if that takes too long."""
        finished = threading.Event()
        if finished.wait(LEAVE_WITHIN_S):
            return
        self.restore()
        os._exit(self.exit_code or 1)

    def restore(self) -> None:
        """Gives the terminal back without Textual's help. A terminal that is gone is no error."""
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), _RESTORE)
        if self._modes is not None and sys.platform != "win32":
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._modes)
