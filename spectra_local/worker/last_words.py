"""What an engine's process leaves behind when it crashes: its library's description and llama.cpp's last lines.

The parent makes a file without a name and the child writes to it as it goes, so the system keeps what was written
whatever becomes of the child. Knows nothing of what is made of it.
"""

import contextlib
import os
from dataclasses import dataclass

from spectra_local.printable import printable_line

_MOST_BYTES = 64 << 10  # then the child begins again after the head
_HEAD_BYTES = 1 << 10  # the build's description
_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 200  # of a line: llama.cpp prints whole chat templates


@dataclass(frozen=True, slots=True)
class Said:
    """What a process left. Lines are printable; "" and none where it died before it could write."""

    build: str  # the instruction sets of the library, as llama.cpp prints them
    lines: list[str]  # the last ones


class LastWords:
    """The parent's end."""

    def __init__(self) -> None:
        """Raises OSError where no file can be made."""
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("last-words")
        else:
            import tempfile  # 10 ms that Linux need not pay

            with tempfile.TemporaryFile() as file:
                self.descriptor = os.dup(file.fileno())

    def read(self) -> Said:
        """All that is there by now."""
        try:
            head = os.pread(self.descriptor, _HEAD_BYTES, 0)
            rest = os.pread(self.descriptor, _MOST_BYTES + _HEAD_BYTES, _HEAD_BYTES)
        except OSError:
            return Said("", [])
        lines = [line for line in rest.decode("utf-8", "replace").splitlines() if line.strip(" .\0")]
        shown = [printable_line(line.strip("\0")[:_SHOWN_CHARACTERS]) for line in lines[-_SHOWN_LINES:]]
        return Said(printable_line(head.rstrip(b"\0 ").decode("utf-8", "replace")), shown)

    def close(self) -> None:
        """Forgets what was written, once no process writes any more."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


class Recorder:
    """The child's end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.lseek(descriptor, _HEAD_BYTES, os.SEEK_SET)
        self._n_bytes = 0

    def describe(self, build: str) -> None:
        """Keeps the library's description at the head."""
        os.pwrite(self.descriptor, build.encode("utf-8", "replace")[:_HEAD_BYTES].ljust(_HEAD_BYTES), 0)

    def line(self, text: bytes) -> None:
        """Keeps a line of llama.cpp's."""
        if self._n_bytes > _MOST_BYTES:
            os.ftruncate(self.descriptor, _HEAD_BYTES)
            os.lseek(self.descriptor, _HEAD_BYTES, os.SEEK_SET)
            self._n_bytes = 0
        self._n_bytes += os.write(self.descriptor, text)
