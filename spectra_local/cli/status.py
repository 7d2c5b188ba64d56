"""One line on stderr that is overwritten while something takes long, and leaves nothing behind."""

import shutil
import time
from types import TracebackType
from typing import Self, TextIO

from spectra_local.printable import printable_line

_SHOW_AFTER_SECONDS = 0.3  # what is over by then needs no announcement
_BETWEEN_SECONDS = 0.1


class StatusLine:
    """Shows nothing where the stream is no terminal."""

    def __init__(self, stream: TextIO, delay: float = _SHOW_AFTER_SECONDS) -> None:
        self._stream = stream
        self._next = time.monotonic() + delay
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Replaces the line by ``text``, at most ten times a second."""
        if not self._stream.isatty() or time.monotonic() < self._next:
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[2K{printable_line(text)[:width]}")
        self._stream.flush()
        self._shown = True
        self._next = time.monotonic() + _BETWEEN_SECONDS

    def clear(self) -> None:
        """Removes the line."""
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._shown = False
