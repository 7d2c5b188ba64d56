"""What is typed while the program starts: taken as the app takes it, kept until there is a place for it.

A terminal that nobody has claimed echoes keys into the shell's screen and makes a line break of Enter. From ``begin``
to ``end`` it does neither. Knows nothing of the app.
"""

import codecs
import os
import select
import sys
from typing import Any

if sys.platform != "win32":
    import termios

_REST_WITHIN_S = 0.05  # for the bytes of a character of which the first have come
# The terminal itself has worked on what came before ``begin``: Enter became a line break, ctrl+d a zero.
_UNDONE = str.maketrans({"\n": "\r", "\0": "\x04"})


class TypedAhead:
    """The keyboard of one terminal from ``begin`` to ``end``."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.modes: list[Any] | None = None  # how the terminal was before; None: it was left alone
        self.text = ""  # what had been typed before ``begin``, as keys send it

    def begin(self) -> None:
        """Nothing is echoed or changed any more. Does nothing where there is no terminal, or it is another's now."""
        if sys.platform == "win32" or self.modes is not None:
            return
        try:
            if os.tcgetpgrp(self._terminal) != os.getpgrp():  # in the background, where this would stop the program
                return
            self.modes = termios.tcgetattr(self._terminal)
            modes = termios.tcgetattr(self._terminal)
            modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON)
            modes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)  # ctrl+c still ends a start that hangs
            termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
            self.text = self._waiting().translate(_UNDONE)
        except (termios.error, OSError):
            return

    def end(self) -> None:
        """The terminal is as it was."""
        if self.modes is not None and sys.platform != "win32":
            modes, self.modes = self.modes, None
            try:
                termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
            except (termios.error, OSError):  # it is gone
                return

    def _waiting(self) -> str:
        decoder, text, patience = codecs.getincrementaldecoder("utf-8")("replace"), "", 0.0
        while select.select([self._terminal], [], [], patience)[0]:
            if not (read := os.read(self._terminal, 4096)):
                break
            text += decoder.decode(read)
            if not decoder.getstate()[0]:
                break
            patience = _REST_WITHIN_S
        return text


_running: TypedAhead | None = None


def begin() -> None:
    """From now on the terminal's keys are the app's. Once is enough; where stdin is no terminal it does nothing."""
    global _running
    if _running is None and sys.stdin is not None and sys.stdin.isatty() and not os.environ.get("TEXTUAL_DRIVER"):
        _running = TypedAhead(sys.stdin.fileno())
        _running.begin()


def text() -> str:
    """What had been typed before ``begin``."""
    return _running.text if _running is not None else ""


def modes() -> list[Any] | None:
    """How the terminal was before ``begin``; None where it was left alone."""
    return _running.modes if _running is not None else None


def end() -> None:
    """The terminal is as it was before ``begin``."""
    global _running
    if _running is not None:
        _running.end()
        _running = None
